//! One page of a range of a real etcd.
//!
//! Promises what the server said, at the revision asked for. Deliberately asks
//! once: whoever wants more, or less, asks again.

use etcd_client::GetOptions;
use etcd_client::proto::PbKeyValue;

use super::Item;
use crate::etcd::{Connection, EtcdError, SourceRevision};
use crate::rules::decide::KeyRange;

/// The first `limit` keys of `range` at revision `at`, with or without their
/// values, and whether there are more.
pub(super) async fn page(
    connection: &Connection,
    range: &KeyRange,
    at: SourceRevision,
    limit: usize,
    keys_only: bool,
) -> Result<(Vec<Item>, bool), EtcdError> {
    let options = GetOptions::new()
        .with_range(range.end.clone())
        .with_revision(at.0)
        .with_limit(i64::try_from(limit).unwrap_or(i64::MAX));
    let options = match keys_only {
        true => options.with_keys_only(),
        false => options,
    };
    let mut kv = connection.kv();
    // The client library's futures are large: see the destination.
    let answer = Box::pin(kv.get(range.start.clone(), Some(options))).await;
    let answer = answer.map_err(EtcdError::from);
    let page = answer.inspect_err(|error| connection.reconsider(error))?.0;
    Ok((page.kvs.into_iter().map(item).collect(), page.more))
}

pub(super) fn item(kv: PbKeyValue) -> Item {
    Item {
        key: kv.key,
        value: kv.value,
        revision: SourceRevision(kv.mod_revision),
        lease: kv.lease,
    }
}
