//! Connections to both sides, and what to do where etcd says no.
//!
//! Promises that a refused user hears which flags to look at, and a user
//! without permission which commands to run. Deliberately changes nothing at
//! either side.

use crate::destination::etcd::EtcdDestination;
use crate::etcd::{
    Connection, Credentials, DEMANDS_CERTIFICATE, Endpoint, EtcdError, MAY_DEMAND_CERTIFICATE,
    OnReload, RIGHT_CA, TransportSettings, connect,
};
use crate::metrics::{Metrics, Side};
use crate::mirror::MirrorError;
use crate::rules::decide::{Judge, KeyRange};
use crate::source::{EtcdSource, WatchError};

use super::settings::RulesSettings;

/// Which etcd, in words and flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The one that is mirrored from.
    Source,
    /// The one that is mirrored into.
    Destination,
}

impl Which {
    fn who(self) -> &'static str {
        match self {
            Which::Source => "source",
            Which::Destination => "destination",
        }
    }

    fn flag(self) -> &'static str {
        match self {
            Which::Source => "master",
            Which::Destination => "slave",
        }
    }
}

/// Connects, with an error for people.
pub async fn open(which: Which, settings: &TransportSettings) -> Result<Connection, String> {
    let connection = connect(settings).await;
    let connection = connection.map_err(|error| failed(which, settings, &error))?;
    let shown: Vec<String> = connection
        .endpoints()
        .iter()
        .map(Endpoint::to_string)
        .collect();
    tracing::info!("connected to the {} at {}", which.who(), shown.join(", "));
    Ok(connection)
}

/// Logs and counts that certificates, keys or authorities have changed.
pub fn on_reload(which: Which, metrics: Metrics) -> OnReload {
    let side = match which {
        Which::Source => Side::Source,
        Which::Destination => Side::Destination,
    };
    OnReload::new(move |reloaded| {
        metrics.tls_reloaded(side, reloaded.is_ok());
        let who = which.who();
        match reloaded {
            Ok(()) => tracing::info!(
                "the files for TLS to the {who} have changed: new connections are made with them"
            ),
            Err(why) => tracing::error!(
                "the changed files for TLS to the {who} cannot be used, those before stay in use: {why}"
            ),
        }
    })
}

/// What an error of one side means, and what to do.
pub fn failed(which: Which, settings: &TransportSettings, error: &EtcdError) -> String {
    let (who, flag) = (which.who(), which.flag());
    let advice = match (error, &settings.credentials) {
        (EtcdError::Unauthenticated(why), Some(_)) if why.contains("is not enabled") => {
            format!("; leave `--{flag}-user` out, or switch it on with `etcdctl auth enable`")
        }
        (EtcdError::Unauthenticated(_), Some(Credentials { user, .. })) => format!(
            "; check the name `{user}` of `--{flag}-user` and the password of `--{flag}-password-file` or `CARRY_{}_PASSWORD`",
            flag.to_uppercase()
        ),
        (EtcdError::Unauthenticated(_) | EtcdError::PermissionDenied(_), None) => {
            format!("; etcd asks for a user: give `--{flag}-user` and `--{flag}-password-file`")
        }
        _ => String::new(),
    };
    format!("{who}: {}{advice}", with_flags(&error.to_string(), flag))
}

/// The same of a request for `ranges`: where the user may not `access` them,
/// with the commands that let it.
pub fn refused(
    which: Which,
    settings: &TransportSettings,
    error: &EtcdError,
    lacking: &Lacking<'_>,
) -> String {
    let told = failed(which, settings, error);
    match error {
        EtcdError::PermissionDenied(_) if !lacking.ranges.is_empty() => {
            let grants = lacking.grants().join("\n");
            format!("{told}; let one of the user's roles have what it lacks:\n{grants}")
        }
        _ => told,
    }
}

/// What a user may not do.
pub struct Lacking<'a> {
    /// `read` or `readwrite`.
    pub access: &'a str,
    /// With which keys.
    pub ranges: &'a [KeyRange],
    /// The prefix of all of Kubernetes' keys at that side, with a slash at its
    /// end or without.
    pub kube_prefix: &'a str,
}

/// What is missing in a handshake is the file of some flag.
fn with_flags(error: &str, flag: &str) -> String {
    let certificate = format!(": give `--{flag}-cert` and `--{flag}-key`");
    let flags = [
        (RIGHT_CA, format!(" (`--{flag}-cacert`)")),
        (DEMANDS_CERTIFICATE, certificate.clone()),
        (MAY_DEMAND_CERTIFICATE, certificate),
    ];
    let named = flags.iter();
    named.fold(error.to_owned(), |error, (missing, flags)| {
        error.replace(missing, &format!("{missing}{flags}"))
    })
}

/// What a mirror needs of both sides, to tell what a user lacks.
pub struct Needs<'a> {
    /// The source and how it is reached.
    pub source: (&'a EtcdSource, &'a TransportSettings),
    /// The destination and how it is reached.
    pub destination: (&'a EtcdDestination, &'a TransportSettings),
    /// The rules.
    pub judge: &'a Judge,
    /// Where they are from, and the key prefixes.
    pub rules: &'a RulesSettings,
    /// `--name`.
    pub name: &'a str,
}

impl Needs<'_> {
    /// Why the mirror ended, in words for whoever can change it.
    pub async fn explain(&self, error: MirrorError) -> String {
        let (which, settings, cause) = match &error {
            MirrorError::Source(cause) | MirrorError::Watch(WatchError::Etcd(cause)) => {
                (Which::Source, self.source.1, cause)
            }
            MirrorError::Destination(cause) => (Which::Destination, self.destination.1, cause),
            _ => return error.to_string(),
        };
        let EtcdError::PermissionDenied(_) = cause else {
            return failed(which, settings, cause);
        };
        let lacking = match which {
            Which::Source => self.unread().await,
            Which::Destination => self.destination.0.denied(&self.written()).await,
        };
        let (access, kube_prefix) = match which {
            Which::Source => ("read", &self.rules.kube_prefix),
            Which::Destination => ("readwrite", &self.rules.dest_kube_prefix),
        };
        let lacking = Lacking {
            access,
            ranges: &lacking.unwrap_or_default(),
            kube_prefix,
        };
        refused(which, settings, cause, &lacking)
    }

    /// What is listed and watched and may not be.
    async fn unread(&self) -> Result<Vec<KeyRange>, EtcdError> {
        let mut ranges = self.judge.ranges().to_vec();
        if self.judge.reads_namespaces() {
            ranges.push(self.judge.namespace_range());
        }
        let start = ranges.iter().map(|range| &range.start).min().cloned();
        let end = ranges.iter().map(|range| &range.end).max().cloned();
        let lacking = self.source.0.denied(&ranges).await?;
        match (start, end) {
            // Older etcds are watched from the first to the last of them.
            (Some(start), Some(end)) if lacking.is_empty() => {
                self.source.0.denied(&[KeyRange { start, end }]).await
            }
            _ => Ok(lacking),
        }
    }

    fn written(&self) -> Vec<KeyRange> {
        let map = self.judge.key_map();
        let leases = KeyRange::prefix(format!("{}/masterleases/", self.rules.kube_prefix));
        let addresses = self.judge.address_ranges();
        let ranges = self.judge.ranges().iter().chain([&leases]);
        let ranges = ranges.chain(&addresses);
        let there = |range: &KeyRange| map.range_to_destination(range);
        let there = ranges.map(|range| there(range).unwrap_or_else(|| range.clone()));
        let own = KeyRange::prefix(format!("/carry/{}/", self.name));
        std::iter::once(own).chain(there).collect()
    }
}

/// What came of it, or why not in words for whoever can change it.
pub async fn or_explain<T>(ran: Result<T, MirrorError>, needs: &Needs<'_>) -> Result<T, String> {
    match ran {
        Ok(done) => Ok(done),
        Err(error) => Err(needs.explain(error).await),
    }
}

impl Lacking<'_> {
    /// The fewest commands that let a role have all of it: all that is of
    /// Kubernetes comes with its prefix.
    fn grants(&self) -> Vec<String> {
        let kube = KeyRange::prefix(format!("{}/", self.kube_prefix.trim_end_matches('/')));
        let within = |range: &&KeyRange| kube.start <= range.start && range.end <= kube.end;
        let of_kube = self.ranges.iter().any(|range| within(&range));
        let others = self.ranges.iter().filter(|range| !within(range));
        let mut all: Vec<&KeyRange> = of_kube.then_some(&kube).into_iter().chain(others).collect();
        all.dedup();
        let each = all.into_iter();
        each.map(|range| grant(self.access, range)).collect()
    }
}

/// The command that lets a role have `range`.
fn grant(access: &str, range: &KeyRange) -> String {
    let shown = |key: &[u8]| key.escape_ascii().to_string();
    let start = shown(&range.start);
    let keys = match range {
        range if range.start == [0] => "--from-key ''".to_owned(),
        range if *range == KeyRange::prefix(range.start.clone()) => format!("--prefix '{start}'"),
        range if *range == KeyRange::only(range.start.as_slice()) => format!("'{start}'"),
        range => format!("'{start}' '{}'", shown(&range.end)),
    };
    format!("  etcdctl role grant-permission ROLE {access} {keys}")
}

/// A key that the source's user can certainly read: what the rules select from
/// begins there.
pub fn source_key(judge: &Judge) -> Vec<u8> {
    let first = judge.ranges().first();
    first.map_or(vec![0], |range| range.start.clone())
}

/// A key that the destination's user can certainly read: carry's own.
pub fn destination_key(name: &str) -> Vec<u8> {
    format!("/carry/{name}/checkpoint").into_bytes()
}
