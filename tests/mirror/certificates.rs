//! Certificates that are renewed while carry runs.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::harness::{Authority, Carry, Etcd, Options, eventually, temp_dir, versions};

const RULES: &str = "filters:\n  secondary:\n    - keys: [\"/data/**\"]\n";

/// Files as a Secret is mounted: all behind one link, which is swapped.
struct Mounted(PathBuf);

impl Mounted {
    fn swap(&self, version: &str, ca: &Path, cert: &Path, key: &Path) {
        let now = self.0.join(version);
        std::fs::create_dir(&now).expect("a directory");
        for (name, from) in [("ca.crt", ca), ("tls.crt", cert), ("tls.key", key)] {
            std::fs::copy(from, now.join(name)).expect("a copy");
        }
        let (new, link) = (self.0.join("new"), self.0.join("data"));
        symlink(&now, &new).expect("a link");
        std::fs::rename(new, link).expect("a swap");
    }

    fn flags(&self) -> [String; 3] {
        let file = |flag: &str, name: &str| {
            format!(
                "--master-{flag}={}",
                self.0.join("data").join(name).display()
            )
        };
        [
            file("cacert", "ca.crt"),
            file("cert", "tls.crt"),
            file("key", "tls.key"),
        ]
    }
}

/// The server's own files become those of another authority.
fn become_other(authority: &Authority, other: &Authority) {
    for (from, to) in [
        (other.ca(), authority.ca()),
        (other.server_cert(), authority.server_cert()),
        (other.server_key(), authority.server_key()),
    ] {
        std::fs::copy(from, to).expect("a copy");
    }
}

/// A carry that is ready, with its files in `folder`.
fn start(
    authority: &Authority,
    folder: &Path,
    source: &Etcd,
    destination: &Etcd,
) -> (Mounted, Carry) {
    let rules = folder.join("rules.yaml");
    std::fs::write(&rules, RULES).expect("rules");
    let mounted = Mounted(folder.to_owned());
    mounted.swap(
        "1",
        &authority.ca(),
        &authority.client_cert(),
        &authority.client_key(),
    );
    let mut running = Carry::between(source, destination, &rules, &mounted.flags());
    running.wait_ready();
    (mounted, running)
}

#[tokio::test(flavor = "multi_thread")]
async fn renewed_certificates_are_used_by_new_connections() {
    for version in versions("renewed certificates") {
        let (authority, other, folder) = (Authority::new(), Authority::new(), temp_dir());
        let mut source = Etcd::start(version, Options::new().tls(&authority));
        let destination = Etcd::plain(version);
        let (mounted, mut running) = start(&authority, folder.path(), &source, &destination);
        let (ca, key) = (authority.ca(), authority.client_key());
        let reloads = |carry: &Carry, outcome: &str| {
            let name = "carry_tls_reloads_total";
            let sample = format!("{name}{{side=\"source\",outcome=\"{outcome}\"}}");
            carry.metric(&sample).expect("a metric")
        };
        let mirrored = async |source: &Etcd, key: &str| {
            source.put(key, "x").await;
            eventually("the key to be mirrored", || async {
                destination.get(key).await.is_some()
            })
            .await;
        };
        mirrored(&source, "/data/1").await;
        assert_eq!(
            reloads(&running, "applied") + reloads(&running, "refused"),
            0.0
        );

        // A pair that does not belong together: those before are used.
        mounted.swap("2", &ca, &other.client_cert(), &key);
        source.kill();
        source.resume();
        mirrored(&source, "/data/2").await;
        running.wait_for("the bad pair to be noticed", |carry| {
            reloads(carry, "refused") == 1.0
        });
        let said = running.stderr();
        let refused =
            "the changed files for TLS to the source cannot be used, those before stay in use: ";
        assert_eq!(said.matches(refused).count(), 1, "{said}");

        // Another authority at both ends.
        mounted.swap("3", &other.ca(), &other.client_cert(), &other.client_key());
        become_other(&authority, &other);
        source.kill();
        source.resume();
        mirrored(&source, "/data/3").await;
        assert_eq!(
            (reloads(&running, "applied"), reloads(&running, "refused")),
            (1.0, 1.0)
        );
        let said = running.stderr();
        let applied =
            "the files for TLS to the source have changed: new connections are made with them";
        assert_eq!(said.matches(applied).count(), 1, "{said}");
        assert_eq!(running.stop(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_files_are_told_of_while_connections_last() {
    for version in versions("certificates that change under a connection") {
        let (authority, other, folder) = (Authority::new(), Authority::new(), temp_dir());
        let source = Etcd::start(version, Options::new().tls(&authority));
        let destination = Etcd::plain(version);
        let (mounted, mut running) = start(&authority, folder.path(), &source, &destination);
        let (ca, key) = (authority.ca(), authority.client_key());
        let reloads = |carry: &Carry| {
            ["applied", "refused"].map(|outcome| {
                let name = "carry_tls_reloads_total";
                let sample = format!("{name}{{side=\"source\",outcome=\"{outcome}\"}}");
                carry.metric(&sample).expect("a metric")
            })
        };
        mounted.swap("2", &ca, &other.client_cert(), &key);
        running.wait_for("the bad pair to be noticed", |carry| {
            reloads(carry) == [0.0, 1.0]
        });
        mounted.swap("3", &other.ca(), &other.client_cert(), &other.client_key());
        running.wait_for("the good pair to be noticed", |carry| {
            reloads(carry) == [1.0, 1.0]
        });
        // The connection is the one that it was.
        source.put("/data/1", "x").await;
        eventually("the key to be mirrored", || async {
            destination.get("/data/1").await.is_some()
        })
        .await;
        assert_eq!(reloads(&running), [1.0, 1.0]);
        assert_eq!(running.stop(), 0);
    }
}
