//! All Services of the source, as they are now.
//!
//! Promises to keep no more than a page of them. Deliberately says nothing of
//! those that come later: the watch does.

use std::time::Duration;

use tokio::time::timeout;

use super::cursor::PageSize;
use super::error::MirrorError;
use super::judging::Judging;
use super::ranges::after;
use super::sealing::blocking;
use super::world::{Parts, World};
use crate::rules::landing::Wanted;
use crate::source::{Item, Source};

/// How long a Service may wait for what is only better to know.
const LONGEST: Duration = Duration::from_secs(5);

/// Hands them out one after the other.
pub async fn each<W: World>(
    parts: &Parts<W>,
    mut with: impl FnMut(&Item) -> Result<(), MirrorError>,
) -> Result<(), MirrorError> {
    let Some(mut rest) = parts.judge.address_ranges().into_iter().next() else {
        return Ok(());
    };
    let status = parts.source.status().await;
    let at = status.map_err(MirrorError::Source)?.revision;
    let limit = PageSize::default().limit();
    loop {
        let page = parts.source.list(&rest, at, limit).await;
        let (items, more) = page.map_err(MirrorError::Source)?;
        items.iter().try_for_each(&mut with)?;
        match items.last().filter(|_| more) {
            Some(last) => rest = after(&last.key, &rest),
            None => return Ok(()),
        }
    }
}

/// The addresses and node ports that they have; of what cannot be asked,
/// none.
pub async fn wanted<W: World>(parts: &Parts<W>) -> Wanted {
    let (judge, mut wanted) = (&*parts.judge, Wanted::default());
    let all = each(parts, |item| {
        blocking(judge.may_block(), || {
            judge.add_wanted(&mut wanted, &item.key, &item.value);
        });
        Ok(())
    });
    let asked = timeout(LONGEST, all).await;
    if !matches!(asked, Ok(Ok(()))) {
        tracing::debug!("the source does not tell in time which addresses its Services have");
    }
    wanted
}
