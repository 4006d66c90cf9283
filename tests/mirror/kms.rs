//! KMS plugins over real unix sockets: found, lost and found again, slow, and
//! asked from inside and outside of runtimes.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use carry::k8s::Keyring;
use carry::k8s::crypto::CryptoError;
use carry::kms::UnixPlugins;

use super::harness::{temp_dir, wait_until};
use super::kms_server::KmsServer;
use crate::k8s::crypto_providers::{CASES, KEY, PLAIN, config, keyring, keyring_with, open, seal};
use crate::toy_kms::ToyKms;

fn provider(version: &str, endpoint: &str, timeout: &str) -> String {
    format!("kms: {{name: p, apiVersion: {version}, endpoint: '{endpoint}', timeout: {timeout}}}")
}

fn connected(version: &str, endpoint: &str, timeout: &str) -> Keyring {
    let config = config(&[provider(version, endpoint, timeout)]);
    Keyring::parse_with("enc.yaml", &config, &UnixPlugins).expect("a configuration")
}

fn at(path: &Path) -> Keyring {
    connected("v2", &format!("unix://{}", path.display()), "30s")
}

/// A value that another keyring has written.
fn stored() -> Vec<u8> {
    seal(&keyring(&[provider("v2", "unix:///k", "3s")]), PLAIN)
}

#[track_caller]
fn assert_failed(outcome: Result<Vec<u8>, CryptoError>, why: &str) {
    let error = outcome.expect_err(why);
    let told = error.to_string();
    assert!(error.is_transient() && told.contains(why), "{told}");
}

#[test]
fn seeds_are_encrypted_and_decrypted() {
    let folder = temp_dir();
    let path = folder.path().join("kms.sock");
    let server = KmsServer::start(&path);
    let (writer, reader) = (at(&path), at(&path));
    for _ in 0..10 {
        let value = seal(&writer, PLAIN);
        assert_eq!(open(&reader, KEY, &value).as_deref(), Ok(PLAIN));
    }
    assert_eq!(open(&reader, KEY, &stored()).as_deref(), Ok(PLAIN));
    let counts =
        ["Status", "Encrypt", "v2.KeyManagementService/Decrypt"].map(|name| server.count(name));
    // The writer's seed by the writer and by the reader, and the other one.
    assert_eq!(counts, [1, 1, 3]);
}

#[test]
fn keys_of_v1_are_decrypted_after_its_version_is_known() {
    let folder = temp_dir();
    let path = folder.path().join("kms.sock");
    let server = KmsServer::start(&path);
    let endpoint = format!("unix:{}", path.display());
    let reader = connected("v1", &endpoint, "30s");
    for case in CASES.iter().filter(|case| case.name.starts_with("kms v1")) {
        let opened = open(&reader, KEY, &case.stored());
        assert_eq!(opened.as_deref(), Ok(PLAIN), "{}", case.name);
    }
    assert_eq!([server.count("Version"), server.count("Decrypt")], [1, 1]);
    server.toy.toy().status.version = "v1alpha1".to_owned();
    let case = CASES
        .iter()
        .find(|case| case.name == "kms v1")
        .expect("kms v1");
    let refused = open(&connected("v1", &endpoint, "30s"), KEY, &case.stored());
    assert_failed(refused, "`v1alpha1`, expected `v1beta1`");
}

#[test]
fn sockets_of_the_abstract_namespace() {
    let name = format!("carry-test-{}", std::process::id());
    let _server = KmsServer::start(Path::new(&format!("\0{name}")));
    let keyring = connected("v2", &format!("unix:///@{name}"), "30s");
    assert_eq!(open(&keyring, KEY, &stored()).as_deref(), Ok(PLAIN));
}

/// The plugin comes up after carry, and is started again under it.
#[test]
fn a_plugin_is_found_again() {
    let folder = temp_dir();
    let path = folder.path().join("kms.sock");
    let (reader, stored) = (at(&path), stored());
    assert_failed(open(&reader, KEY, &stored), "No such file");
    let first = KmsServer::start(&path);
    let opens = |keyring: &Keyring, value: &[u8]| open(keyring, KEY, value).as_deref() == Ok(PLAIN);
    wait_until("the plugin is found", || opens(&reader, &stored));
    drop(first);
    std::fs::remove_file(&path).expect("the socket");
    let toy = ToyKms::default();
    toy.rotate("vector-key-2");
    let other = keyring_with(&[provider("v2", "unix:///k", "3s")], &toy);
    let other = seal(&other, PLAIN);
    let _again = KmsServer::listen(&path, toy);
    wait_until("the plugin is found again", || opens(&reader, &other));
}

/// Only the first value waits for the timeout.
#[test]
fn a_plugin_that_does_not_answer_costs_its_timeout_once() {
    let folder = temp_dir();
    let path = folder.path().join("kms.sock");
    let server = KmsServer::start(&path);
    server.stuck.store(true, Ordering::Relaxed);
    let reader = connected("v2", &format!("unix://{}", path.display()), "200ms");
    let begin = Instant::now();
    for _ in 0..1000 {
        assert_failed(open(&reader, KEY, &stored()), "no answer within 200ms");
    }
    assert!(begin.elapsed() < Duration::from_secs(60), "each has waited");
    assert!(server.count("Decrypt") < 10);
    server.stuck.store(false, Ordering::Relaxed);
    wait_until("it answers again", || open(&reader, KEY, &stored()).is_ok());
}

#[test]
fn what_a_plugin_says_is_told() {
    let folder = temp_dir();
    let path = folder.path().join("kms.sock");
    let server = KmsServer::start(&path);
    server.toy.toy().known.clear();
    assert_failed(open(&at(&path), KEY, &stored()), "no such key");
}

/// From a worker of a runtime, from a runtime of one thread, and from a
/// blocking thread; the keyring may be dropped in any of them.
#[test]
fn calls_come_from_anywhere() {
    let folder = temp_dir();
    let path = folder.path().join("kms.sock");
    let _server = KmsServer::start(&path);
    let (one, many) = (
        tokio::runtime::Builder::new_current_thread().build(),
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .build(),
    );
    let stored = stored();
    for runtime in [one.expect("a runtime"), many.expect("a runtime")] {
        let read = || {
            let (keyring, stored) = (at(&path), stored.clone());
            move || assert_eq!(open(&keyring, KEY, &stored).as_deref(), Ok(PLAIN))
        };
        runtime.block_on(async {
            let spawned = read();
            tokio::spawn(async move { spawned() })
                .await
                .expect("spawned");
            tokio::task::spawn_blocking(read()).await.expect("blocking");
            read()();
        });
    }
}
