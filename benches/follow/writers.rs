//! Those who write to the source: single puts over a few connections, each key
//! by one of them alone, so that its numbers only grow.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use etcd_client::Client;

use super::objects;

const WRITERS: usize = 16;
/// Every so many writes make a new key, where that is asked for.
const NEW_ONE_IN: usize = 10;

/// What is to be written.
#[derive(Clone, Copy)]
pub struct Load {
    pub url_port: u16,
    /// How many ConfigMaps there are before, of which one is updated.
    pub keys: usize,
    pub writes: usize,
    /// Writes a second; as fast as possible without.
    pub rate: Option<f64>,
    /// Whether there are new keys too.
    pub growing: bool,
    pub size: usize,
}

/// Nanoseconds since a common beginning, by the number of the write.
pub struct Times {
    begin: Instant,
    at: Vec<AtomicU64>,
}

impl Times {
    pub const NEVER: u64 = u64::MAX;

    pub fn new(begin: Instant, writes: usize) -> Arc<Times> {
        let at = (0..writes).map(|_| AtomicU64::new(Times::NEVER)).collect();
        Arc::new(Times { begin, at })
    }

    /// Now is the time of this one.
    pub fn note(&self, number: usize) {
        let now = self.begin.elapsed().as_nanos() as u64;
        self.at[number].fetch_min(now, Ordering::Relaxed);
    }

    pub fn get(&self, number: usize) -> u64 {
        self.at[number].load(Ordering::Relaxed)
    }
}

impl Load {
    /// Which ConfigMap the write is to.
    pub fn index(&self, number: usize) -> usize {
        if self.growing && number.is_multiple_of(NEW_ONE_IN) {
            return self.keys + number / NEW_ONE_IN;
        }
        // The same key only from the same writer.
        let own = (self.keys / WRITERS).max(1);
        let any = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
        (any as usize % own) * WRITERS + number % WRITERS
    }

    /// Writes everything; notes when each was answered, and returns the last
    /// revision.
    pub async fn write(self, answered: Arc<Times>) -> i64 {
        let tasks: Vec<_> = (0..WRITERS)
            .map(|writer| tokio::spawn(self.one(writer, answered.clone())))
            .collect();
        let mut last = 0;
        for task in tasks {
            last = task.await.expect("a writer").max(last);
        }
        last
    }

    async fn one(self, writer: usize, answered: Arc<Times>) -> i64 {
        let url = format!("http://127.0.0.1:{}", self.url_port);
        let client = Client::connect([url], None).await.expect("connect");
        let mut kv = client.kv_client();
        let mut last = 0;
        for number in (writer..self.writes).step_by(WRITERS) {
            let (key, value) = objects::revision_of(self.index(number), number, self.size);
            if let Some(rate) = self.rate {
                let due = answered.begin + Duration::from_secs_f64(number as f64 / rate);
                tokio::time::sleep_until(due.into()).await;
            }
            let answer = kv.put(key, value, None).await.expect("put");
            answered.note(number);
            last = answer.header().expect("header").revision();
        }
        last
    }
}
