//! Where stored keys are asked for: the source, or a snapshot file.
//!
//! Promises the same answers from either, as of one revision where one was
//! given. Deliberately tries nothing twice: whoever explains is there to see
//! the error.

use std::path::PathBuf;

use super::settings::{Origin, Place};
use crate::cli::connecting::{self, Lacking, Which, refused};
use crate::cli::explain_report::Whence;
use crate::etcd::{EtcdError, SourceRevision, TransportSettings};
use crate::metrics::Metrics;
use crate::rules::Plan;
use crate::rules::decide::{Judge, KeyRange};
use crate::rules::namespaces::Namespaces;
use crate::source::{EtcdSource, Item, SnapshotFile, Source as _};

/// How many keys are read at a time.
const PAGE: usize = 500;

/// Where stored keys are.
pub enum Store {
    /// The source.
    Etcd {
        /// The connection.
        source: Box<EtcdSource>,
        /// How it was made.
        settings: Box<TransportSettings>,
        /// The revision that was asked for.
        at: Option<SourceRevision>,
        /// What the rules look at.
        looked_at: Vec<KeyRange>,
        /// The prefix of all of Kubernetes' keys.
        kube_prefix: String,
    },
    /// A snapshot file.
    Snapshot {
        /// The file.
        file: SnapshotFile,
        /// Its name.
        path: PathBuf,
    },
}

impl Store {
    /// Opens what `from` says, to be judged by `plan`; of an etcd with users, one
    /// who may read `key`.
    pub async fn open(from: &Origin, plan: &Plan, key: &[u8]) -> Result<Store, String> {
        match &from.place {
            Place::Etcd(settings) => {
                let settings = settings.clone().asking_for(key);
                let connection = connecting::open(Which::Source, &settings).await?;
                Ok(Store::Etcd {
                    source: Box::new(EtcdSource::new(connection, Metrics::default())),
                    settings: Box::new(settings),
                    at: from.at,
                    looked_at: plan.ranges().to_vec(),
                    kube_prefix: plan.prefix().to_owned(),
                })
            }
            Place::Snapshot(path) => match SnapshotFile::open(path, from.at) {
                Ok(file) => Ok(Store::Snapshot {
                    file,
                    path: path.clone(),
                }),
                Err(error) => Err(format!("`--snapshot` `{}`: {error}", path.display())),
            },
        }
    }

    /// What to call it.
    pub fn whence(&self) -> Whence {
        match self {
            Store::Etcd { .. } => Whence::Source,
            Store::Snapshot { .. } => Whence::Snapshot,
        }
    }

    /// The revision that everything is as of; `None` for the newest.
    pub fn as_of(&self) -> Option<SourceRevision> {
        match self {
            Store::Etcd { at, .. } => *at,
            Store::Snapshot { file, .. } => Some(file.revision()),
        }
    }

    /// The source's cluster id; a snapshot tells none.
    pub async fn cluster_id(&self) -> Result<Option<u64>, String> {
        match self {
            Store::Snapshot { .. } => Ok(None),
            Store::Etcd { source, .. } => match source.status().await {
                Ok(status) => Ok(Some(status.cluster_id)),
                Err(error) => Err(self.failed(&error)),
            },
        }
    }

    /// One key.
    pub async fn get(&self, key: &[u8]) -> Result<Option<Item>, String> {
        match self {
            Store::Snapshot { file, path } => file
                .get(key)
                .map_err(|error| format!("`--snapshot` `{}`: {error}", path.display())),
            Store::Etcd {
                source, at: None, ..
            } => {
                let item = source.get(key).await;
                item.map_err(|error| self.refused(&error, &KeyRange::only(key)))
            }
            Store::Etcd {
                source,
                at: Some(at),
                ..
            } => match source.list(&KeyRange::only(key), *at, 1).await {
                Ok((items, _)) => Ok(items.into_iter().next()),
                Err(error) => Err(self.refused(&error, &KeyRange::only(key))),
            },
        }
    }

    /// All keys of a range, page by page.
    pub async fn list(&self, range: &KeyRange) -> Result<Pages<'_>, String> {
        Ok(self.list_at(range, self.revision().await?))
    }

    /// All keys of a range as of a revision, page by page.
    pub fn list_at(&self, range: &KeyRange, at: SourceRevision) -> Pages<'_> {
        Pages {
            store: self,
            at,
            rest: Some(range.clone()),
            moved: None,
        }
    }

    /// The revision that was asked for, else the newest.
    pub async fn revision(&self) -> Result<SourceRevision, String> {
        match self {
            Store::Snapshot { file, .. } => Ok(file.revision()),
            Store::Etcd { at: Some(at), .. } => Ok(*at),
            Store::Etcd { source, .. } => match source.status().await {
                Ok(status) => Ok(status.revision),
                Err(error) => Err(self.failed(&error)),
            },
        }
    }

    /// The Namespaces of these names, where a rule looks at Namespaces at all.
    pub async fn namespaces(
        &self,
        judge: &Judge,
        names: &[String],
    ) -> Result<Vec<(String, Item)>, String> {
        let mut found = Vec::new();
        for name in names.iter().filter(|_| judge.reads_namespaces()) {
            let mut key = judge.namespace_range().start;
            key.extend_from_slice(name.as_bytes());
            if let Some(item) = self.get(&key).await? {
                found.push((name.clone(), item));
            }
        }
        Ok(found)
    }

    /// All Namespaces, where a rule looks at Namespaces.
    pub async fn all_namespaces(&self, judge: &Judge) -> Result<Namespaces, String> {
        match judge.reads_namespaces() {
            true => self.all_namespaces_at(judge, self.revision().await?).await,
            false => Ok(Namespaces::default()),
        }
    }

    /// The same as of a revision.
    pub async fn all_namespaces_at(
        &self,
        judge: &Judge,
        at: SourceRevision,
    ) -> Result<Namespaces, String> {
        let mut namespaces = Namespaces::default();
        if !judge.reads_namespaces() {
            return Ok(namespaces);
        }
        let mut pages = self.list_at(&judge.namespace_range(), at);
        while let Some(items) = pages.next().await? {
            for item in items {
                if let Some(name) = judge.namespace_of_key(&item.key) {
                    namespaces.set(name, judge.namespace_view(&item.key, &item.value));
                }
            }
        }
        Ok(namespaces)
    }

    /// Why something was not said that any user is told.
    fn failed(&self, error: &EtcdError) -> String {
        match self {
            // Its revision, too, is that of an answer about a key.
            Store::Etcd { settings, .. } => {
                self.refused(error, &KeyRange::only(settings.asks_for.as_slice()))
            }
            Store::Snapshot { .. } => error.to_string(),
        }
    }

    /// Why `range` was not read.
    fn refused(&self, error: &EtcdError, range: &KeyRange) -> String {
        let Store::Etcd {
            settings,
            at,
            looked_at,
            kube_prefix,
            ..
        } = self
        else {
            return error.to_string();
        };
        let asked = at.map_or(0, |at| at.0);
        match error {
            EtcdError::Compacted { compacted: 0 } if at.is_some() => {
                format!("source: revision {asked} is compacted away: ask for a newer one")
            }
            EtcdError::Compacted { compacted } if at.is_some() => format!(
                "source: revision {asked} is compacted away: the oldest that is left is {compacted}"
            ),
            EtcdError::FutureRevision if at.is_some() => {
                format!("source: it has not reached revision {asked} yet")
            }
            error => {
                // Of keys outside of Kubernetes a rule looks at more than this one.
                let holds = |own: &&KeyRange| own.start <= range.start && range.end <= own.end;
                let lacking = Lacking {
                    access: "read",
                    ranges: std::slice::from_ref(looked_at.iter().find(holds).unwrap_or(range)),
                    kube_prefix,
                };
                refused(Which::Source, settings, error, &lacking)
            }
        }
    }
}

/// The keys of a range, page by page.
pub struct Pages<'s> {
    store: &'s Store,
    at: SourceRevision,
    rest: Option<KeyRange>,
    moved: Option<SourceRevision>,
}

impl Pages<'_> {
    /// The revision at which the rest was listed, where the one before was
    /// compacted meanwhile.
    pub fn moved(&self) -> Option<SourceRevision> {
        self.moved
    }

    /// The next page; `None` after the last.
    pub async fn next(&mut self) -> Result<Option<Vec<Item>>, String> {
        let Some(rest) = self.rest.take() else {
            return Ok(None);
        };
        let (items, more) = match self.store {
            Store::Snapshot { file, path } => file
                .list(&rest, PAGE)
                .map_err(|error| format!("`--snapshot` `{}`: {error}", path.display()))?,
            Store::Etcd { source, at, .. } => loop {
                match source.list(&rest, self.at, PAGE).await {
                    Ok(page) => break page,
                    Err(EtcdError::Compacted { .. }) if at.is_none() => {
                        let status = source.status().await;
                        let status = status.map_err(|error| self.store.failed(&error))?;
                        self.at = status.revision;
                        self.moved = Some(status.revision);
                    }
                    Err(error) => return Err(self.store.refused(&error, &rest)),
                }
            },
        };
        if let Some(last) = items.last().filter(|_| more) {
            let start = [last.key.as_slice(), &[0]].concat();
            self.rest = Some(KeyRange { start, ..rest });
        }
        Ok(Some(items))
    }
}
