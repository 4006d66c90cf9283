//! One stored key, explained.
//!
//! Promises to read the key, its Namespace, and what else was asked for, and
//! nothing more. Deliberately judges nothing itself.

use serde_json::{Map, Value, json};

use super::at_destination;
use super::imagined::{self, Imagined, NamespaceObjects};
use super::in_ledger::{self, Sides};
use super::judged::{self, Found};
use super::settings::{ExplainSettings, LedgerSettings, Origin};
use super::store::Store;
use super::told::Told;
use super::what_if;
use crate::cli::explain_report::{Report, Whence};
use crate::diagnostic::SourceText;
use crate::etcd::TransportSettings;
use crate::rules::decide::{Decision, Judge};
use crate::rules::namespaces::Namespaces;
use crate::source::Item;

/// What is asked of a key.
pub struct Asked<'a> {
    /// The whole key.
    pub key: &'a [u8],
    /// Who is asked.
    pub from: &'a Origin,
    /// The destination, if it is looked at too.
    pub destination: Option<&'a TransportSettings>,
    /// The ledger, if it is looked at too.
    pub ledger: Option<&'a LedgerSettings>,
}

/// Explains the key.
pub async fn explain(
    judge: &Judge,
    rules: &SourceText,
    settings: &ExplainSettings,
    asked: &Asked<'_>,
) -> Result<Told, String> {
    let key = asked.key;
    let store = Store::open(asked.from, judge.plan(), key).await?;
    let item = store.get(key).await?;
    let value = item.as_ref().map_or(&b""[..], |item| &item.value);
    let names = judge.namespaces_of(key, value);
    let stored = store.namespaces(judge, &names).await?;
    let mut namespaces = Namespaces::default();
    for (name, item) in &stored {
        namespaces.set(name, judge.namespace_view(&item.key, &item.value));
    }
    let found = Found {
        key,
        item: item.clone(),
        whence: store.whence(),
        namespaces: &namespaces,
    };
    let mut report = judged::report(judge, settings, found);
    report.past = asked.from.at;
    if let Some(at) = store.as_of() {
        let of = match store.whence() {
            Whence::Snapshot => "of the snapshot, ",
            _ => "",
        };
        report
            .notes
            .push(format!("{of}as of source revision {}", at.0));
    }
    let mut more = Map::new();
    if item.is_none() {
        let prospects = judge.prospects(key, &namespaces);
        more.insert("prospects".to_owned(), judged::prospects_json(&prospects));
        report.notes.extend(hints(judge, key));
    }
    match item {
        Some(item) if !settings.changes.is_empty() => {
            let imagined = read(judge, key, &item)?;
            return changed(judge, rules, settings, (&store, stored, report, imagined)).await;
        }
        None if !settings.changes.is_empty() => {
            let note =
                "there is nothing to be changed by `--what-if`: explain a manifest with `--file`";
            report.notes.push(note.to_owned());
        }
        _ => beside(judge, settings, asked, &store, (&mut report, &mut more)).await?,
    }
    let mut json = report.json(rules);
    if let Value::Object(members) = &mut json {
        members.extend(more);
    }
    Ok(Told {
        human: report.human(rules, settings.look),
        found: report.exists(),
        json,
    })
}

/// What may have been meant by a key that is not there.
fn hints(judge: &Judge, key: &[u8]) -> Vec<String> {
    let Ok(key) = std::str::from_utf8(key) else {
        return Vec::new();
    };
    let folder = judge.is_folder(key);
    let folder = folder.then(|| format!("for a table end with `/`: `{key}/`"));
    let meant = judge.meant(key);
    let meant = meant.map(|meant| format!("did you mean `{meant}`?"));
    folder.into_iter().chain(meant).collect()
}

/// What the destination and the ledger say.
async fn beside(
    judge: &Judge,
    settings: &ExplainSettings,
    asked: &Asked<'_>,
    store: &Store,
    (report, more): (&mut Report, &mut Map<String, Value>),
) -> Result<(), String> {
    if let Some(at) = store.as_of() {
        more.insert("asOf".to_owned(), json!(at.0));
    }
    let mut sides = Sides {
        source: None,
        destination: None,
        as_of: store.as_of(),
    };
    if asked.destination.is_none()
        && let (Decision::Put { rule }, Some(item)) = (&report.decision, &report.item)
    {
        let depends = judge.depends(asked.key, &item.value, *rule);
        report.depends.extend(depends);
    }
    if let Some(destination) = asked.destination {
        let show = settings.show_secrets;
        let looked = at_destination::look(judge, destination, asked.key, show, report);
        let (cluster_id, difference) = looked.await?;
        sides.destination = Some(cluster_id);
        more.insert("difference".to_owned(), difference);
    }
    if let Some(ledger) = asked.ledger {
        sides.source = store.cluster_id().await?;
        let known = in_ledger::look(judge, ledger, &sides, asked.key, report)?;
        more.insert("ledger".to_owned(), known);
    }
    Ok(())
}

/// A stored object, decrypted and decoded.
fn read(judge: &Judge, key: &[u8], item: &Item) -> Result<Imagined, String> {
    if judge.is_outside_kubernetes(key) {
        return Err(
            "`--what-if`: the key is outside of Kubernetes: only objects can be changed".to_owned(),
        );
    }
    let object = judge.object(key, &item.value, true);
    let object = object.map_err(|why| format!("`--what-if`: the value cannot be read: {why}"))?;
    Ok(Imagined {
        key: key.to_vec(),
        object,
        notes: Vec::new(),
        changes: Vec::new(),
    })
}

/// What would be decided with the changes.
async fn changed(
    judge: &Judge,
    rules: &SourceText,
    settings: &ExplainSettings,
    (store, mut stored, now, before): (&Store, Vec<(String, Item)>, Report, Imagined),
) -> Result<Told, String> {
    let prefix = judge.plan().prefix();
    let mut then = before.changed(&settings.changes, prefix, settings.show_secrets)?;
    let missing = then.namespace().map(str::to_owned);
    let missing: Vec<String> = missing
        .into_iter()
        .filter(|name| !stored.iter().any(|(own, _)| own == name))
        .collect();
    stored.extend(store.namespaces(judge, &missing).await?);
    let mut objects = NamespaceObjects::new();
    for (name, item) in &stored {
        // One that cannot be read stays unreadable: who depends on it is held.
        let object = judge.object(&item.key, &item.value, true);
        let object =
            object.map_err(|why| format!("the Namespace `{name}` cannot be read: {why}"))?;
        objects.insert(name.clone(), object);
    }
    then.change_namespace(&settings.changes, &mut objects)?;
    imagined::reads_plain(judge);
    let namespaces = imagined::known(judge, &objects);
    let report = then.report(judge, settings, &namespaces);
    Ok(what_if::told((&now, &report), &then, rules, settings.look))
}
