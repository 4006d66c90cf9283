//! What becomes of mirrored keys that somebody else has changed at the
//! destination: they are reported, and mended where a policy says so.
//!
//! Promises never to hold up the mirror: looks run beside it, and what is mended
//! goes out as any other write, behind those before it. Deliberately mends only
//! what nothing is under way for, and what the ledger still says is there.

use tokio::time::Instant;

use super::drift::Watching;
use super::drift_book::News;
use super::drift_look::{Drifting, Seen};
use super::judging::{Judging, is_sequential};
use super::numbered::numbered;
use super::pipeline::{Known, Write};
use super::session::{End, Session};
use super::world::World;
use crate::destination::Op;
use crate::metrics::DriftAction;
use crate::rules::policy::OnDrift;

/// After more writes of our own than this, all keys are looked at, rather than
/// all changes heard of since the list began.
const REPLAYED: u64 = 50_000;

impl<W: World> Session<W> {
    /// Listens to the destination from now on, as long as this session follows
    /// the source.
    pub fn watch_destination(&mut self) {
        if self.options.once || self.parts.judge.ranges().is_empty() {
            return;
        }
        // What was just listed is as it should be, but for what was changed since.
        let few = self.writer.written().puts <= REPLAYED;
        let from = self.began_at.filter(|_| few);
        self.drift = Some(Box::new(Watching::start(
            &self.parts,
            self.writer.own.clone(),
            self.report.clone(),
            self.options.drift_every,
            from,
        )));
    }

    /// Takes in what the last look at the destination has found, and begins the
    /// next.
    pub fn mind_drift(&mut self) -> Result<(), End> {
        let Some(mut watching) = self.drift.take() else {
            return Ok(());
        };
        let now = Instant::now();
        if let Some(look) = watching.finished(now)? {
            // Under another encryption everything is compared anew.
            let same = watching.is_of(&self.encryption)
                && self.parts.judge.encryption_digest() == self.encryption;
            for own in look.addressed {
                let idle = !watching.was_under_way(&own.key) && !self.writer.pipeline.has(&own.key);
                if idle && own.is_of(self.writer.ledger.entry(&own.key)?.as_ref()) {
                    self.report.service_addresses(&own.key, &own.pairs);
                }
            }
            for (key, seen) in look.seen {
                self.take_seen(&mut watching, key, seen, same)?;
            }
            watching.tidy();
            let conflicts = &self.conflicts;
            let free = look.free.into_iter().filter(|key| conflicts.contains(key));
            self.free.extend(free);
        }
        let Session {
            writer,
            held,
            conflicts,
            namespaces,
            encryption,
            ..
        } = self;
        let is_under_way = |key: &[u8]| writer.pipeline.has(key);
        watching.begin(now, held, conflicts, namespaces, encryption, is_under_way);
        self.drift = Some(watching);
        Ok(())
    }

    fn take_seen(
        &mut self,
        watching: &mut Watching<W>,
        key: Vec<u8>,
        seen: Seen,
        same_encryption: bool,
    ) -> Result<(), End> {
        let now = Instant::now();
        match seen {
            Seen::Fine => watching.settled(&key),
            Seen::Moving => watching.unsettled(key, now),
            Seen::Drifts(found) => {
                let still = same_encryption
                    && !watching.was_under_way(&key)
                    && !self.writer.pipeline.has(&key)
                    && self.writer.ledger.entry(&key)?.as_ref() == Some(&found.entry);
                match still {
                    true => self.take_drift(watching, key, *found, now),
                    false => watching.unsettled(key, now),
                }
            }
        }
        Ok(())
    }

    fn take_drift(
        &mut self,
        watching: &mut Watching<W>,
        key: Vec<u8>,
        found: Drifting,
        now: Instant,
    ) {
        let news = watching.book.drifts(&key, found.change);
        let drift = &found.drift;
        if self.parts.judge.on_drift(found.rule) == OnDrift::Keep {
            let how = format!("{drift}; it is left so until the source changes (policy `drift`)");
            watching.looked_at(&key);
            if news == News::New {
                watching.tell(&key, &how);
                watching.note(&key, &how, DriftAction::Kept, now);
            }
            return;
        }
        let (times, at) = watching.book.may_mend(&key, now);
        if now < at || !self.writer.pipeline.has_room() {
            let wait = at.saturating_duration_since(now).as_secs_f64().ceil();
            let how = match times {
                0 => format!("{drift}; it is mended when there is room for it"),
                times => format!(
                    "{drift}; it was mended {}, and something at the destination changes it each time: it is mended again in {wait} s",
                    numbered(times, "time")
                ),
            };
            watching.tell(&key, &how);
            watching.look_at(key, at.max(now + self.options.drift_every));
            return;
        }
        let again = match times {
            0 => "it is mended".to_owned(),
            1 => "it is mended, as once before".to_owned(),
            times => format!("it is mended, as {times} times before"),
        };
        let how = format!("{drift}; {again}");
        watching.note(&key, &how, DriftAction::Mended, now);
        watching.mended(key, now);
        self.mend(found);
    }

    fn mend(&mut self, found: Drifting) {
        let Drifting {
            item, rule, entry, ..
        } = found;
        let write = Write {
            op: Op::put(item.key, item.value, 0),
            revision: item.revision,
            rule: Some(rule),
            barrier: is_sequential(&*self.parts.judge, rule),
            known: Known::of(Some(&entry)),
        };
        self.writer.pipeline.submit_again(write, self.seen);
    }
}
