//! A destination that takes the source's place: nobody mirrors into it any
//! more, and what rested in it is woken.
//!
//! Promises that every step can be repeated after a crash, that nothing is
//! woken before no mirror of that name can write again, and that what somebody
//! has changed at the destination stays changed. Deliberately compares nothing:
//! that is `verify`'s, before.

use std::time::Duration;

use futures::StreamExt as _;
use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::cursor::PageSize;
use super::error::MirrorError;
use super::leadership::{Candidate, Holder};
use super::mark::Mark;
use super::opening::{prefixes_of, same_prefixes};
use super::options::Options;
use super::pages::newest;
use super::ranges::after;
use super::retry::persist;
use super::sealing::blocking;
use super::world::{Parts, World};
use crate::destination::election::LeaseId;
use crate::destination::etcd::EtcdDestination;
use crate::destination::promotion::{Marked, Version};
use crate::destination::{Destination, Fence};
use crate::etcd::EtcdError;
use crate::k8s::{Resource, TransferBuffers};
use crate::rules::decide::{KeyRange, Keyrings};
use crate::rules::outgoing::Unfit;
use crate::rules::waking::{Waking, wake};
use crate::rules::workloads::{self, Woken};
use crate::state::{Checkpoint, Prefixes};

/// Objects that are woken at a time.
const WIDTH: usize = 32;

/// How often one object is tried that others change meanwhile, or of which a
/// KMS plugin does not answer.
const ATTEMPTS: usize = 20;

/// Between two looks at a checkpoint, or at such an object.
const PAUSE: Duration = Duration::from_millis(200);

/// How far a mirror had come when it was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Drained {
    /// The source's newest revision at the start.
    pub revision: i64,
    /// Everything up to here was applied; 0 before the first copy is done.
    pub checkpoint: i64,
    /// Whether a mirror ran.
    pub led: bool,
}

/// One object that was made to rest.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Restored {
    /// The whole key at the destination.
    pub key: String,
    /// What was changed in it.
    pub fields: Vec<Woken>,
    /// Why it rests still.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

/// How a mirror of one name stands at the destination.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The mark, where it was promoted already.
    pub marked: Option<Marked>,
    /// Everything up to here was applied; `None` before the first copy is done.
    pub checkpoint: Option<i64>,
}

/// The promotion of one mirror's destination.
pub struct Promotion<'a> {
    /// The destination, with its own keys.
    pub destination: &'a EtcdDestination,
    /// What the mirror's options are.
    pub options: &'a Options,
    /// How values are encrypted there.
    pub keyrings: &'a Keyrings,
}

/// Waits until a mirror that runs has applied everything that the source has
/// now, `settle` long at most.
pub async fn drain<W: World>(
    parts: &Parts<W>,
    options: &Options,
    settle: Duration,
) -> Result<Drained, MirrorError> {
    let revision = newest(&*parts.source).await?.0;
    let (leader, key) = (options.candidate().key(), options.checkpoint_key());
    let deadline = Instant::now() + settle;
    let read = async |key: &[u8]| {
        let get = || parts.destination.get(key);
        let read = persist("waiting for the mirror's checkpoint", get).await;
        read.map_err(MirrorError::Destination)
    };
    loop {
        let led = read(&leader).await?.is_some();
        let checkpoint = applied(read(key.as_bytes()).await?.as_deref()).unwrap_or(0);
        if checkpoint >= revision || !led || Instant::now() >= deadline {
            return Ok(Drained {
                revision,
                checkpoint,
                led,
            });
        }
        sleep(PAUSE).await;
    }
}

/// Up to where everything was applied, as a checkpoint says.
fn applied(checkpoint: Option<&[u8]>) -> Option<i64> {
    let checkpoint: Checkpoint = serde_json::from_slice(checkpoint?).ok()?;
    checkpoint.bootstrapped.then_some(checkpoint.revision)
}

impl Promotion<'_> {
    fn leader_key(&self) -> Vec<u8> {
        self.options.candidate().key()
    }

    /// How the mirror stands.
    ///
    /// # Errors
    ///
    /// Also where no mirror of that name was ever there.
    pub async fn standing(&self) -> Result<Standing, MirrorError> {
        let (leader, key) = (self.leader_key(), self.options.checkpoint_key());
        let look = async || {
            let marked = self.destination.promoted(&leader).await?;
            let checkpoint = self.destination.get(key.as_bytes()).await?;
            let leads = self.destination.lease_of_leader(&leader).await?;
            Ok((marked, checkpoint, leads))
        };
        let looked = persist("looking how the mirror stands", look).await;
        let (marked, checkpoint, leads) = looked.map_err(MirrorError::Destination)?;
        if marked.is_none() && checkpoint.is_none() && leads.is_none() {
            let name = self.options.name.clone();
            return Err(MirrorError::NotMirrored { name, key });
        }
        self.refuse_other_prefix(checkpoint.as_deref())?;
        Ok(Standing {
            marked,
            checkpoint: applied(checkpoint.as_deref()),
        })
    }

    /// Nothing would be found that rests where the mirror has written nothing.
    fn refuse_other_prefix(&self, checkpoint: Option<&[u8]>) -> Result<(), MirrorError> {
        let Some(recorded) = prefixes_of(checkpoint) else {
            return Ok(());
        };
        // The source's is of no matter here, and need not be given.
        let now = Prefixes {
            source: recorded.source.clone(),
            ..self.options.prefixes()
        };
        same_prefixes(self.options, recorded, now)
    }

    /// Keeps every mirror of that name from writing, from now on and for good.
    /// Returns the mark: an earlier one, where it was promoted already.
    pub async fn mark(&self, time: String, checkpoint: Option<i64>) -> Result<Marked, MirrorError> {
        let leader = self.leader_key();
        let lease = persist("looking who leads", || {
            self.destination.lease_of_leader(&leader)
        });
        let lease = lease.await.map_err(MirrorError::Destination)?;
        let Candidate {
            holder: Holder {
                host, pid, token, ..
            },
            ..
        } = self.options.candidate();
        let mark = Mark {
            time,
            host,
            pid,
            token,
            checkpoint,
            lease: lease.map_or(0, |lease| lease.0),
        };
        // Texts and numbers: that cannot fail.
        let mark = serde_json::to_vec(&mark).unwrap_or_default();
        let promote = || self.destination.promote(&leader, &mark);
        let marked = persist("taking the leadership for good", promote).await;
        marked.map_err(MirrorError::Destination)
    }

    /// Ends the lease of the mirror that led, so that it notices at once and
    /// not when it has something to write.
    pub async fn depose(&self, marked: &Marked) {
        let lease = serde_json::from_slice::<Mark>(&marked.mark).map_or(0, |mark| mark.lease);
        if lease != 0
            && let Err(error) = self.destination.end_lease(LeaseId(lease)).await
        {
            tracing::warn!("ending the lease of the mirror that led: {error}");
        }
    }

    /// Wakes everything that the mirror has made to rest, and tells of each
    /// object. What is awake already is left alone.
    pub async fn restore(
        &self,
        marked: &Marked,
        mut told: impl FnMut(Restored),
    ) -> Result<(), MirrorError> {
        for resource in workloads::resources() {
            let under = format!("{}{}/", self.options.dest_kube_prefix, resource.path);
            let (mut rest, mut size) = (Some(KeyRange::prefix(under)), PageSize::default());
            while let Some(range) = rest.take() {
                let page = || self.destination.page(&range, size.limit());
                let page = persist("listing the destination", page).await;
                let (page, more) = page.map_err(MirrorError::Destination)?;
                let sizes = page.iter().map(|own| own.key.len() + own.value.len());
                size.observe(sizes);
                let last = page.last().filter(|_| more);
                rest = last.map(|last| after(&last.key, &range));
                let woken = page
                    .into_iter()
                    .map(|version| self.wake(resource, &marked.fence, version));
                let mut woken = futures::stream::iter(woken).buffered(WIDTH);
                while let Some(restored) = woken.next().await {
                    if let Some(restored) = restored? {
                        told(restored);
                    }
                }
            }
        }
        Ok(())
    }

    /// Wakes one object; nothing where it does not rest.
    async fn wake(
        &self,
        resource: &Resource,
        fence: &Fence,
        mut version: Version,
    ) -> Result<Option<Restored>, MirrorError> {
        let mut sent: Option<Vec<Woken>> = None;
        for _ in 0..ATTEMPTS {
            let Waking { value, fields } = match self.look(resource, &version) {
                // Nothing is left of it: an answer was lost.
                Ok(None) => return Ok(sent.map(|fields| restored(&version.key, fields, None))),
                Ok(Some(found)) => found,
                Err(Unfit { transient, .. }) if transient => {
                    sleep(PAUSE).await;
                    continue;
                }
                Err(Unfit { reason, .. }) => {
                    return Ok(Some(restored(&version.key, Vec::new(), Some(reason))));
                }
            };
            let replace = || self.destination.replace(fence, &version, &value);
            let replaced = persist("restoring an object", replace).await;
            if replaced.map_err(MirrorError::Destination)? {
                return Ok(Some(restored(&version.key, fields, None)));
            }
            sent = Some(fields);
            match self.again(fence, &version.key).await? {
                Some(now) => version = now,
                None => return Ok(None),
            }
        }
        let why = "it changed whenever it was to be restored, or a KMS plugin did not answer";
        let why = format!("{why}: run `carry promote` again");
        Ok(Some(restored(&version.key, Vec::new(), Some(why))))
    }

    fn look(&self, resource: &Resource, version: &Version) -> Result<Option<Waking>, Unfit> {
        blocking(self.keyrings.may_block(), || {
            let mut buffers = TransferBuffers::default();
            let at = (version.key.as_slice(), version.value.as_slice());
            let name = &self.options.name;
            wake(self.keyrings, name, resource, at, &mut buffers)
        })
    }

    /// The key as it is now, if the mark is still there.
    async fn again(&self, fence: &Fence, key: &[u8]) -> Result<Option<Version>, MirrorError> {
        let leader = self.leader_key();
        let look = async || {
            let marked = self.destination.promoted(&leader).await?;
            let now = self.destination.read(key).await?;
            Ok::<_, EtcdError>((marked, now))
        };
        let looked = persist("looking at an object again", look).await;
        let (marked, now) = looked.map_err(MirrorError::Destination)?;
        match marked.is_some_and(|marked| marked.fence == *fence) {
            true => Ok(now),
            false => Err(MirrorError::TakenBack {
                name: self.options.name.clone(),
            }),
        }
    }

    /// Takes the mark away, and notes in the checkpoint that the destination is
    /// not what was written to it: who goes on from there has to compare
    /// everything. Returns the mark, if there was one.
    pub async fn revert(&self) -> Result<Option<Marked>, MirrorError> {
        let Some(marked) = self.standing().await?.marked else {
            return Ok(None);
        };
        let (leader, key) = (self.leader_key(), self.options.checkpoint_key());
        let take_back = async || {
            // Again where something has changed in between, until it is gone:
            // an answer may be lost, too.
            while let Some(now) = self.destination.promoted(&leader).await? {
                let checkpoint = self.destination.read(key.as_bytes()).await?;
                let noted = checkpoint.as_ref().and_then(noted_as_reverted);
                let instead = checkpoint.as_ref().zip(noted.as_deref());
                if self.destination.take_back(&now, instead).await? {
                    break;
                }
            }
            Ok(())
        };
        let taken = persist("taking the promotion back", take_back).await;
        taken.map_err(MirrorError::Destination)?;
        Ok(Some(marked))
    }
}

/// One that cannot be read lets nobody go on as it is.
fn noted_as_reverted(checkpoint: &Version) -> Option<Vec<u8>> {
    let read = serde_json::from_slice::<Checkpoint>(&checkpoint.value).ok()?;
    let reverted = true;
    serde_json::to_vec(&Checkpoint { reverted, ..read }).ok()
}

fn restored(key: &[u8], fields: Vec<Woken>, failed: Option<String>) -> Restored {
    Restored {
        key: String::from_utf8_lossy(key).into_owned(),
        fields,
        failed,
    }
}
