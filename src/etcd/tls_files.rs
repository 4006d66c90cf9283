//! Certificates, keys and authorities on disk, read again whenever a connection
//! is made, and looked at between: connections last for months, and who changes
//! the files wants to know at once whether they can be used.
//!
//! Promises that files which cannot be used, or are half written, leave those
//! before in use, and that each change is told once. Connections that are open
//! stay as they are. Deliberately compares contents, not times: a Secret that
//! is mounted changes by swapping links.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

use super::{TlsError, TlsSettings};

/// How often the files are looked at while no connection is made.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Who is told that files have changed: they are in use now, or why they
/// cannot be used and those before stay in use.
#[derive(Clone)]
pub struct OnReload(Arc<Heard>);

type Heard = dyn Fn(Result<(), &TlsError>) + Send + Sync;

impl OnReload {
    /// Tells `heard`.
    pub fn new(heard: impl Fn(Result<(), &TlsError>) + Send + Sync + 'static) -> OnReload {
        OnReload(Arc::new(heard))
    }
}

impl fmt::Debug for OnReload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnReload")
    }
}

/// The files and what was last made of them.
pub(super) struct TlsFiles {
    settings: TlsSettings,
    on_reload: Option<OnReload>,
    hasher: RandomState,
    held: Mutex<Held>,
}

struct Held {
    connector: TlsConnector,
    /// The state of the files that was put into use, or refused.
    seen: Vec<u64>,
}

impl TlsFiles {
    /// Reads them for the first time.
    pub(super) fn open(
        settings: TlsSettings,
        on_reload: Option<OnReload>,
    ) -> Result<TlsFiles, TlsError> {
        let hasher = RandomState::new();
        // Before they are used: what changes in between is seen as a change.
        let seen = fingerprint(&settings, &hasher);
        let connector = connector(&settings)?;
        Ok(TlsFiles {
            settings,
            on_reload,
            hasher,
            held: Mutex::new(Held { connector, seen }),
        })
    }

    /// Looks now and then until nobody uses them any more, if somebody is told.
    pub(super) fn watch(self: &Arc<Self>) {
        if self.on_reload.is_some() {
            tokio::spawn(look(Arc::downgrade(self)));
        }
    }

    /// The state of the files, where it has neither been put into use nor
    /// refused.
    fn changed(&self) -> Option<Vec<u64>> {
        let now = fingerprint(&self.settings, &self.hasher);
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        (now != held.seen).then_some(now)
    }

    /// For a new connection: by the files as they are now, if they can be used.
    pub(super) fn connector(&self) -> TlsConnector {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let now = fingerprint(&self.settings, &self.hasher);
        if now == held.seen {
            return held.connector.clone();
        }
        let made = connector(&self.settings);
        // Written to between the two: a later connection takes them.
        if fingerprint(&self.settings, &self.hasher) != now {
            return held.connector.clone();
        }
        held.seen = now;
        let told = made.map(|connector| held.connector = connector);
        if let Some(OnReload(heard)) = &self.on_reload {
            heard(told.as_ref().copied());
        }
        held.connector.clone()
    }
}

async fn look(files: Weak<TlsFiles>) {
    let mut before = None;
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let Some(files) = files.upgrade() else { return };
        // They may lie on a network.
        let looked = tokio::task::spawn_blocking(move || {
            let now = files.changed();
            // The certificate may be written and its key not yet: two looks in a
            // row must find the same.
            if now.is_some() && now == before {
                files.connector();
            }
            now
        });
        match looked.await {
            Ok(now) => before = now,
            // Only the end of the runtime ends it so.
            Err(_) => return,
        }
    }
}

fn connector(settings: &TlsSettings) -> Result<TlsConnector, TlsError> {
    let config = settings.client_config()?;
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Tells one state of the files from another; nothing can be learnt from it.
fn fingerprint(settings: &TlsSettings, hasher: &RandomState) -> Vec<u64> {
    let files = [&settings.ca, &settings.cert, &settings.key];
    let of = |file: &&Option<std::path::PathBuf>| match file {
        None => 0,
        Some(path) => match std::fs::read(path).map(Zeroizing::new) {
            Ok(bytes) => hasher.hash_one(bytes.as_slice()),
            Err(error) => hasher.hash_one(error.to_string()),
        },
    };
    files.iter().map(of).collect()
}
