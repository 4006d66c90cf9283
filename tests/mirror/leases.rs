//! Keys under leases between two real etcds.

use std::time::Duration;

use super::harness::{Carry, Etcd, eventually, temp_dir, versions};

const RULES: &str = "
filters:
  secondary:
    - keys: [/locks/**]
      leases: mirror
    - keys: [/plain/**]
";

/// Seconds that every lease of the source has.
const TTL: i64 = 5;

/// Which lease a key is attached to, and when it was last written; `None` where
/// it is not there.
async fn lease_of(etcd: &Etcd, key: &str) -> Option<(i64, i64)> {
    let mut client = etcd.client().await;
    let answer = client.get(key, None).await.expect("get");
    let kv = answer.kvs().first()?;
    Some((kv.lease(), kv.mod_revision()))
}

async fn granted(etcd: &Etcd, lease: i64) -> i64 {
    let mut client = etcd.client().await;
    let answer = client.lease_time_to_live(lease, None).await;
    answer.expect("a lease").granted_ttl()
}

/// Renews a lease until dropped.
struct Renewed(tokio::task::JoinHandle<()>);

impl Renewed {
    async fn new(etcd: &Etcd, lease: i64) -> Renewed {
        let mut client = etcd.client().await;
        Renewed(tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_millis(500));
            loop {
                ticks.tick().await;
                client.lease_keep_alive(lease).await.expect("renewed");
            }
        }))
    }
}

impl Drop for Renewed {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn goes(etcd: &Etcd, key: &str) {
    let what = format!("`{key}` to go");
    eventually(&what, || async { etcd.get(key).await.is_none() }).await;
}

async fn comes(etcd: &Etcd, key: &str) {
    let what = format!("`{key}` to come");
    eventually(&what, || async { etcd.get(key).await.is_some() }).await;
}

async fn lives_as_long(source: Etcd, destination: Etcd) {
    let folder = temp_dir();
    let rules = folder.path().join("rules.yaml");
    std::fs::write(&rules, RULES).expect("rules");
    let kept = source.put_leased("/locks/kept", "x", TTL).await;
    let renewed = Renewed::new(&source, kept).await;
    source.put_leased("/plain/leased", "x", 600).await;
    source.put("/plain/a", "x").await;
    let mut carry = Carry::between(&source, &destination, &rules, &[] as &[&str]);
    carry.wait_ready();
    source.put_leased("/locks/left", "x", TTL).await;
    comes(&destination, "/locks/left").await;
    let (lease, written) = lease_of(&destination, "/locks/kept").await.expect("there");
    assert_ne!(lease, 0, "it is under a lease");
    assert!(granted(&destination, lease).await <= TTL);
    assert_eq!(
        lease_of(&destination, "/plain/a").await.expect("there").0,
        0
    );
    assert_eq!(destination.get("/plain/leased").await, None);

    // Longer than any lease lives that is not renewed.
    goes(&source, "/locks/left").await;
    goes(&destination, "/locks/left").await;
    carry = carry.again();
    carry.wait_ready();
    let there = lease_of(&destination, "/locks/kept").await;
    assert_eq!(there, Some((lease, written)), "it was always there");

    // Without a carry it goes by itself.
    carry.kill();
    goes(&destination, "/locks/kept").await;
    assert!(source.get("/locks/kept").await.is_some());
    carry = carry.again();
    comes(&destination, "/locks/kept").await;
    let (lease, _) = lease_of(&destination, "/locks/kept").await.expect("there");
    assert_ne!(lease, 0, "it is under a lease");

    // The source's ends while nobody looks.
    carry.kill();
    drop(renewed);
    goes(&source, "/locks/kept").await;
    carry = carry.again();
    carry.wait_ready();
    goes(&destination, "/locks/kept").await;
    source.put("/locks/kept", "x").await;
    comes(&destination, "/locks/kept").await;
    assert_eq!(
        lease_of(&destination, "/locks/kept")
            .await
            .expect("there")
            .0,
        0
    );
    assert_eq!(carry.stop(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn leased_keys_live_as_long_as_at_the_source() {
    let mut all = tokio::task::JoinSet::new();
    for version in versions("keys under leases") {
        all.spawn(lives_as_long(Etcd::plain(version), Etcd::plain(version)));
    }
    while let Some(done) = all.join_next().await {
        done.expect("no panic");
    }
}
