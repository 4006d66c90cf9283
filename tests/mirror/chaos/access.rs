//! How a test reaches an etcd that comes and goes.
//!
//! Promises that every attempt ends within [`ATTEMPT`], and that after a failed
//! one the next goes through another member, where there is one. Deliberately
//! retries only what is safe to repeat: writes say what to compare with.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use etcd_client::proto::PbKeyValue;
use etcd_client::{
    Client, CompactionOptions, ConnectOptions, GetOptions, KvClient, Txn, TxnResponse,
};

/// How long one attempt may take.
pub const ATTEMPT: Duration = Duration::from_secs(3);

/// How long an etcd may be away.
const AWAY: Duration = Duration::from_secs(90);

/// One etcd, of one member or more. Cheap to clone; clones share the
/// connection.
#[derive(Clone)]
pub struct Access {
    urls: Vec<String>,
    user: Option<(String, String)>,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    client: Option<Client>,
    turn: usize,
}

/// A key with what is stored.
pub type Stored = BTreeMap<Vec<u8>, PbKeyValue>;

impl Access {
    /// Through these endpoints.
    pub fn to(urls: Vec<String>) -> Access {
        Access {
            urls,
            user: None,
            shared: Arc::default(),
        }
    }

    /// Where it goes.
    pub fn urls(&self) -> &[String] {
        &self.urls
    }

    /// As this user.
    pub fn with_user(mut self, user: &str, password: &str) -> Access {
        self.user = Some((user.to_owned(), password.to_owned()));
        self
    }

    /// A client, if one can be had now.
    pub async fn client(&self) -> Option<Client> {
        let url = {
            let shared = self.shared.lock().expect("access");
            if let Some(client) = &shared.client {
                return Some(client.clone());
            }
            self.urls[shared.turn % self.urls.len()].clone()
        };
        let mut options = ConnectOptions::new().with_connect_timeout(ATTEMPT);
        if let Some((user, password)) = &self.user {
            options = options
                .with_user(user, password)
                .with_auto_token_refresh(true);
        }
        let connect = Client::connect([url], Some(options));
        match tokio::time::timeout(ATTEMPT, connect).await {
            Ok(Ok(client)) => {
                self.shared.lock().expect("access").client = Some(client.clone());
                Some(client)
            }
            _ => {
                self.give_up();
                None
            }
        }
    }

    /// The next attempt goes elsewhere.
    pub fn give_up(&self) {
        let mut shared = self.shared.lock().expect("access");
        shared.client = None;
        shared.turn += 1;
    }

    /// One attempt; `None` where its outcome is unknown.
    pub async fn attempt<T, F>(&self, request: impl FnOnce(KvClient) -> F) -> Option<T>
    where
        F: Future<Output = Result<T, etcd_client::Error>>,
    {
        let client = self.client().await?;
        let kv = client.kv_client().max_decoding_message_size(usize::MAX);
        match tokio::time::timeout(ATTEMPT, request(kv)).await {
            Ok(Ok(answer)) => Some(answer),
            _ => {
                self.give_up();
                None
            }
        }
    }

    /// As [`Access::attempt`], until it works.
    pub async fn ask<T, F>(&self, what: &str, request: impl Fn(KvClient) -> F) -> T
    where
        F: Future<Output = Result<T, etcd_client::Error>>,
    {
        let begin = Instant::now();
        loop {
            if let Some(answer) = self.attempt(&request).await {
                return answer;
            }
            assert!(begin.elapsed() < AWAY, "the test's own {what} did not work");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// One transaction, one attempt.
    pub async fn txn(&self, txn: Txn) -> Option<TxnResponse> {
        self.attempt(|mut kv| async move { kv.txn(txn).await })
            .await
    }

    /// Everything under `prefix`, and as of which revision.
    pub async fn list(&self, prefix: &str) -> (Stored, i64) {
        let list = |mut kv: KvClient| async move {
            let options = GetOptions::new().with_prefix();
            kv.get(prefix, Some(options)).await
        };
        let answer = self.ask("list", list).await;
        let revision = answer.header().map_or(0, |header| header.revision());
        let kvs = answer.0.kvs.into_iter();
        (kvs.map(|kv| (kv.key.clone(), kv)).collect(), revision)
    }

    /// One key.
    pub async fn get(&self, key: &[u8]) -> Option<PbKeyValue> {
        let answer = self.ask("get", |mut kv| async move { kv.get(key, None).await });
        answer.await.0.kvs.into_iter().next()
    }

    /// The newest revision.
    pub async fn revision(&self) -> i64 {
        let answer = self.ask("get", |mut kv| async move { kv.get("/", None).await });
        let answer = answer.await;
        answer.header().map_or(0, |header| header.revision())
    }

    /// Forgets everything before the newest revision, if that works now.
    pub async fn try_compact(&self) -> Option<i64> {
        let answer = self.attempt(|mut kv| async move { kv.get("/", None).await });
        let revision = answer.await?.header()?.revision();
        let options = CompactionOptions::new();
        let compact =
            self.attempt(|mut kv| async move { kv.compact(revision, Some(options)).await });
        compact.await.map(|_| revision)
    }
}
