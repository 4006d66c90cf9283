//! `conformance::kube_corpus`: every stored value of a real cluster is
//! decrypted, and read as the Kubernetes libraries decode the same bytes.

use carry::k8s::{Key, Keyring, Record};
use zeroize::Zeroizing;

use super::fields::check_record;
use crate::shared;

#[test]
fn kube_corpus() {
    let Some(corpus) = shared::corpus("kube_corpus") else {
        return;
    };
    let Some(config) = shared::corpus_encryption("kube_corpus") else {
        return;
    };
    let keyring = Keyring::parse("encryption.yaml", &config).expect("a valid configuration");
    let (mut leaves, mut composites) = (0, 0);
    let mut failed = Vec::new();
    for stored in &corpus {
        match check(&keyring, stored) {
            Ok((more_leaves, more_composites)) => {
                leaves += more_leaves;
                composites += more_composites;
            }
            Err(why) => failed.push(format!("{}: {why}", stored.key)),
        }
    }
    println!(
        "kube_corpus: {}/{}",
        corpus.len() - failed.len(),
        corpus.len()
    );
    println!("kube_corpus: {leaves} leaves and {composites} composites read");
    assert!(!corpus.is_empty(), "no cases");
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

fn check(keyring: &Keyring, stored: &shared::Stored) -> Result<(usize, usize), String> {
    let key = Key::parse("/registry", stored.key.as_bytes()).map_err(|error| error.to_string())?;
    let mut buffer = Zeroizing::default();
    let opened = keyring
        .open(
            key.group(),
            key.plural(),
            stored.key.as_bytes(),
            &stored.value,
            &mut buffer,
        )
        .map_err(|error| error.to_string())?;
    let metadata = &stored.json["metadata"];
    if metadata["name"]
        .as_str()
        .is_some_and(|name| name != key.name)
    {
        return Err(format!("the key's name is `{}`", key.name));
    }
    let record = Record::parse(opened.plain).map_err(|error| error.to_string())?;
    check_record(&record, &stored.json)
}
