//! A tiny etcd: keys with revisions, and transactions that compare.

use std::collections::BTreeMap;

use carry::k8s::services::{Transaction, World};

#[derive(Clone, Default)]
pub struct Store {
    pub keys: BTreeMap<String, (Vec<u8>, i64)>,
    pub revision: i64,
}

impl Store {
    pub fn get(&self, key: &str) -> Option<&[u8]> {
        self.keys.get(key).map(|(value, _)| value.as_slice())
    }

    pub fn mod_revision(&self, key: &str) -> i64 {
        self.keys.get(key).map_or(0, |(_, revision)| *revision)
    }

    pub fn set(&mut self, key: &str, value: Vec<u8>) {
        self.revision += 1;
        self.keys.insert(key.to_owned(), (value, self.revision));
    }

    /// Everything below `prefix`.
    pub fn below<'s>(&'s self, prefix: &'s str) -> impl Iterator<Item = (&'s str, &'s [u8])> {
        let all = self
            .keys
            .iter()
            .filter(move |(key, _)| key.starts_with(prefix));
        all.map(move |(key, (value, _))| (&key[prefix.len()..], value.as_slice()))
    }

    /// Does all of it, if every comparison holds. A key that is written twice
    /// is refused, as by etcd.
    pub fn commit(&mut self, transaction: &Transaction) -> bool {
        let text = |key: &[u8]| String::from_utf8(key.to_vec()).expect("a key");
        let holds = transaction
            .compares
            .iter()
            .all(|compare| self.mod_revision(&text(&compare.key)) == compare.mod_revision);
        if !holds {
            return false;
        }
        self.revision += 1;
        let mut touched: Vec<String> = transaction.deletes.iter().map(|key| text(key)).collect();
        for key in &touched {
            assert!(
                self.keys.remove(key).is_some(),
                "{key} is not there to be deleted"
            );
        }
        for put in &transaction.puts {
            let key = text(&put.key);
            self.keys
                .insert(key.clone(), (put.value.to_vec(), self.revision));
            touched.push(key);
        }
        let all = touched.len();
        touched.sort();
        touched.dedup();
        assert_eq!(touched.len(), all, "a key twice in one transaction");
        true
    }

    /// Tells `world`, which knows `before`, of what has changed since.
    pub fn tell(&self, world: &mut World, before: &Store) {
        for (key, (value, revision)) in &self.keys {
            if before.mod_revision(key) != *revision {
                world
                    .put(key.as_bytes(), value, *revision)
                    .expect("a value");
            }
        }
        for key in before.keys.keys() {
            if !self.keys.contains_key(key) {
                world.delete(key.as_bytes(), self.revision);
            }
        }
    }
}
