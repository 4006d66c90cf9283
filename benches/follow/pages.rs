//! A plain pager over one server, with pages as large as carry's.

use etcd_client::{GetOptions, KvClient};

use super::harness::Etcd;
use super::objects;

const PAGE_BYTES: usize = 4 << 20;

type Item = (Vec<u8>, Vec<u8>);

pub struct Pages {
    client: KvClient,
    /// Where the next page begins; `None` after the last.
    from: Option<Vec<u8>>,
    end: Vec<u8>,
    limit: usize,
}

impl Pages {
    pub async fn of(etcd: &Etcd) -> Pages {
        let client = etcd.client().await.kv_client();
        let prefix = objects::prefix_of(usize::MAX).into_bytes();
        let mut end = prefix.clone();
        *end.last_mut().expect("a prefix") += 1;
        Pages {
            client: client.max_decoding_message_size(usize::MAX),
            from: Some(prefix),
            end,
            limit: 500,
        }
    }

    /// The next page; `None` at the end.
    pub async fn next(&mut self) -> Option<Vec<Item>> {
        let from = self.from.take()?;
        let options = GetOptions::new()
            .with_range(self.end.clone())
            .with_limit(self.limit as i64);
        let mut answer = self.client.get(from, Some(options)).await.expect("page");
        let more = answer.more();
        let kvs = answer.take_kvs().into_iter();
        let items: Vec<Item> = kvs.map(|kv| kv.into_key_value()).collect();
        if let Some((last, _)) = items.last().filter(|_| more) {
            let bytes: usize = items
                .iter()
                .map(|(key, value)| key.len() + value.len())
                .sum();
            let fitting = (PAGE_BYTES * items.len() / bytes).clamp(16, 10_000);
            self.limit = fitting.min(self.limit * 4);
            self.from = Some([last, b"\0".as_slice()].concat());
        }
        Some(items)
    }
}

/// Reads all keys and values; how many.
pub async fn read_all(etcd: &Etcd) -> usize {
    let mut pages = Pages::of(etcd).await;
    let mut read = 0;
    while let Some(page) = pages.next().await {
        read += page.len();
    }
    read
}

/// Fails where one server has something else than the other.
pub async fn check_equal(source: &Etcd, dest: &Etcd) {
    let (mut there, mut here) = (Pages::of(source).await, Pages::of(dest).await);
    loop {
        let (source, dest) = (there.next().await, here.next().await);
        assert!(source == dest, "the two sides differ");
        if source.is_none() {
            return;
        }
    }
}
