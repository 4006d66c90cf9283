//! What `carry run` needs of its settings, whether it mirrors or only tells what
//! it would do.
//!
//! Promises that both look at the same etcds in the same way. Deliberately does
//! neither.

use std::path::Path;
use std::sync::Arc;

use super::connecting::{self, Needs, Which};
use super::settings::{RunSettings, Standby};
use crate::destination::etcd::EtcdDestination;
use crate::destination::prefixed::Prefixed;
use crate::metrics::Metrics;
use crate::mirror::{Holder, Options, Parts, Standby as MirrorStandby, World};
use crate::rules::decide::Judge;
use crate::source::EtcdSource;
use crate::state::StateStore;

/// Two etcds.
pub struct Real<St>(std::marker::PhantomData<St>);

impl<St: StateStore> World for Real<St> {
    type Source = EtcdSource;
    type Destination = Prefixed<EtcdDestination>;
    type Store = St;
    type Judge = Judge;
}

/// Connections to both.
pub async fn connect_both(
    settings: &RunSettings,
    metrics: &Metrics,
) -> Result<(EtcdSource, EtcdDestination), String> {
    let source = connecting::open(Which::Source, &settings.source).await?;
    let destination = connecting::open(Which::Destination, &settings.destination).await?;
    Ok((
        EtcdSource::new(source, metrics.clone()),
        EtcdDestination::new(destination).counted(metrics.clone()),
    ))
}

/// What a failure on these connections is explained by.
pub fn needs<'n>(
    settings: &'n RunSettings,
    (source, destination): (&'n EtcdSource, &'n EtcdDestination),
    judge: &'n Judge,
) -> Needs<'n> {
    Needs {
        source: (source, &settings.source),
        destination: (destination, &settings.destination),
        judge,
        rules: &settings.rules,
        name: &settings.name,
    }
}

/// Both sides under the rules, the destination by its own prefix.
pub fn parts<St: StateStore>(
    (source, destination): (EtcdSource, EtcdDestination),
    judge: &Arc<Judge>,
    store: St,
    metrics: &Metrics,
) -> Parts<Real<St>> {
    let destination = Prefixed::new(destination, judge.key_map().clone());
    Parts {
        source: Arc::new(source),
        destination: Arc::new(destination),
        store: Arc::new(store),
        judge: judge.clone(),
        metrics: metrics.clone(),
    }
}

/// How the mirror is to go about it.
pub fn options(settings: &RunSettings) -> Options {
    let mut options = Options::new(settings.name.clone(), holder(&settings.db_path));
    options.kube_prefix = format!("{}/", settings.rules.kube_prefix);
    options.dest_kube_prefix = format!("{}/", settings.rules.dest_kube_prefix);
    options.standby = match settings.standby {
        Standby::Live => MirrorStandby::Live,
        Standby::Cold => MirrorStandby::Cold,
        Standby::Auto => MirrorStandby::Auto,
    };
    options.widths.txn_ops = settings.max_txn_ops;
    // RocksDB leaves alone what it does not know, and so do we.
    options.spool.directory = Some(settings.db_path.join("spool"));
    options.spool.disk = settings.spool_limit;
    options.once = settings.once;
    // A source with nothing to tell must prove so well within `--max-lag`.
    options.progress_every = options.progress_every.min(settings.max_lag / 3);
    options.mode = settings.mode;
    options.rev = settings.rev;
    options.resync = settings.resync;
    options.prune = settings.prune;
    options
}

/// This process, as a leader.
pub fn holder(db_path: &Path) -> Holder {
    let read = |path: &str| std::fs::read_to_string(path).map(|text| text.trim().to_owned());
    let pid = std::process::id();
    let since = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .unwrap_or_default();
    Holder {
        host: read("/proc/sys/kernel/hostname").unwrap_or_else(|_| "unknown host".to_owned()),
        pid,
        store: store_id(db_path),
        token: format!("{pid}-{}", since.as_nanos()),
    }
}

/// Which directory this is, on which machine since it was booted. RocksDB lets
/// one process have it open at a time.
fn store_id(db_path: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let directory = std::fs::metadata(db_path).ok()?;
    Some(format!(
        "{}/{}:{}",
        boot.trim(),
        directory.dev(),
        directory.ino()
    ))
}
