//! From the command line as written to settings that can be used.
//!
//! Promises that everything wrong is reported at once, each with what to do,
//! and that no flag is ignored: what cannot be honoured yet is refused.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::args::{ConnectArgs, RunArgs, SideArgs, StandbyArg};
use super::credentials;
use super::encryption::readable_by_others;
use super::problems::{existing, path};
use super::{bytes, duration};
use crate::admin::TokenFile;
use crate::etcd::{Endpoint, SourceRevision, TlsError, TlsSettings, TransportSettings};
use crate::mirror::Mode;

pub use super::problems::Problems;
pub use super::rules_settings::{RulesSettings, kube_prefix};

/// How the destination is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standby {
    /// One key a transaction: an apiserver serves from it.
    Live,
    /// Many keys a transaction.
    Cold,
    /// Live exactly where an apiserver is seen.
    Auto,
}

/// `carry run`, validated.
#[derive(Clone, Debug)]
pub struct RunSettings {
    /// What is mirrored.
    pub rules: RulesSettings,
    /// The etcd that is mirrored from.
    pub source: TransportSettings,
    /// The etcd that is mirrored into.
    pub destination: TransportSettings,
    /// `--name`.
    pub name: String,
    /// `--standby`.
    pub standby: Standby,
    /// `--max-txn-ops`: at least 1.
    pub max_txn_ops: usize,
    /// `--db-path`.
    pub db_path: PathBuf,
    /// Bytes that may wait on disk.
    pub spool_limit: u64,
    /// `--bind-address` and `--bind-port`.
    pub bind: SocketAddr,
    /// `--admin-token-file`: whose holder may order something.
    pub admin_token: Option<TokenFile>,
    /// `--mode`.
    pub mode: Mode,
    /// `--rev`; `None` for the newest.
    pub rev: Option<SourceRevision>,
    /// `--resync`.
    pub resync: bool,
    /// `--prune`.
    pub prune: bool,
    /// `--max-lag`: at least a second.
    pub max_lag: Duration,
    /// `--once`.
    pub once: bool,
    /// `--dry-run`.
    pub dry_run: bool,
    /// `--debug`.
    pub debug: bool,
    /// What should be looked at, but keeps nothing from running.
    pub warnings: Vec<String>,
}

impl RunSettings {
    /// Judges everything; the error holds all that is wrong.
    pub fn from_args(args: RunArgs) -> Result<RunSettings, Problems> {
        let mut problems = Problems::default();
        let file = &args.rules.mirror_rule;
        if args.print_config && !file.is_empty() {
            // A run says so of itself, when it reads the file.
            problems.take(existing("--mirror-rule", Path::new(file)));
        }
        let rules = RulesSettings::from_args(&mut problems, args.rules);
        let timing = timing(&mut problems, &args.connect);
        let (master, slave): (SideArgs, SideArgs) = (args.master.into(), args.slave.into());
        let warnings = credentials::warnings([&master, &slave]);
        let source = side(&mut problems, &MASTER, master, timing);
        let destination = side(&mut problems, &SLAVE, slave, timing);
        let name = problems.take(name(args.name));
        let max_txn_ops = problems.take(max_txn_ops(&args.max_txn_ops));
        let db_path = problems.take(path("--db-path", args.db_path));
        let spool_limit = problems.take(spool_limit(&args.spool_limit));
        let mode = problems.take(mode(&args.mode));
        let rev = problems.take(rev(&args.rev, args.resync));
        let max_lag = problems.take(max_lag(&args.max_lag));
        let bind = bind(&mut problems, &args.bind_address, &args.bind_port);
        let admin_token = problems.take(admin_token(args.admin_token_file));
        let warnings = warnings.into_iter().chain(token_warning(&admin_token));
        let assemble = || {
            Some(RunSettings {
                rules: rules?,
                source: source?,
                destination: destination?,
                name: name?,
                standby: standby(args.standby),
                max_txn_ops: max_txn_ops?,
                db_path: db_path?,
                spool_limit: spool_limit?,
                bind: bind?,
                admin_token: admin_token?,
                mode: mode?,
                rev: rev?,
                resync: args.resync,
                prune: args.prune,
                max_lag: max_lag?,
                once: args.once,
                dry_run: args.dry_run,
                debug: args.log.debug,
                warnings: warnings.collect(),
            })
        };
        let settings = assemble();
        problems.none_or(settings)
    }
}

fn admin_token(file: Option<String>) -> Result<Option<TokenFile>, String> {
    let used = |file: String| {
        let path = path("--admin-token-file", file)?;
        TokenFile::new(path.clone()).map_err(|why| {
            format!(
                "`--admin-token-file` `{}` cannot be used: {why}; give a readable file that holds a token of at least 16 bytes alone, as `openssl rand -hex 32` makes one",
                path.display()
            )
        })
    };
    file.map(used).transpose()
}

fn token_warning(token: &Option<Option<TokenFile>>) -> Option<String> {
    let file = token.as_ref()?.as_ref()?;
    readable_by_others(file.path(), "a token")
}

fn spool_limit(text: &str) -> Result<u64, String> {
    bytes::parse(text).map_err(|wrong| format!("`--spool-limit`: {wrong}"))
}

/// One side's words.
pub(super) struct SideNames {
    flag: &'static str,
    who: &'static str,
    directory: &'static str,
}

pub(super) const MASTER: SideNames = SideNames {
    flag: "master",
    who: "source",
    directory: "/etc/kubernetes/master/etcd",
};
pub(super) const SLAVE: SideNames = SideNames {
    flag: "slave",
    who: "destination",
    directory: "/etc/kubernetes/slave/etcd",
};

/// `--rev` begins a first copy, `--resync` goes through what is there: both at
/// once would take the destination back.
fn rev(text: &str, resync: bool) -> Result<Option<SourceRevision>, String> {
    let number = text.parse::<i64>().ok().filter(|&rev| rev >= 0);
    let rev = number.ok_or_else(|| {
        format!("`--rev` `{text}` is not a revision: give a number from 1 up, or 0 for the newest")
    })?;
    match (rev, resync) {
        (0, _) => Ok(None),
        (_, true) => Err(
            "`--rev` and `--resync` exclude each other: a resync is as of the newest revision"
                .to_owned(),
        ),
        (rev, false) => Ok(Some(SourceRevision(rev))),
    }
}

/// Dial timeout, keep-alive time and keep-alive timeout.
#[derive(Clone, Copy)]
pub(super) struct Timing {
    dial: Duration,
    keepalive_time: Duration,
    keepalive_timeout: Duration,
}

pub(super) fn timing(problems: &mut Problems, args: &ConnectArgs) -> Option<Timing> {
    let mut positive = |flag: &str, text: &str| {
        let parsed = duration::parse(text).and_then(|duration| match duration.is_zero() {
            true => Err(format!(
                "`{text}` is no time at all: give a duration above 0"
            )),
            false => Ok(duration),
        });
        problems.take(parsed.map_err(|problem| format!("`{flag}`: {problem}")))
    };
    let dial = positive("--dial-timeout", &args.dial_timeout);
    let keepalive_time = positive("--keepalive-time", &args.keepalive_time);
    let keepalive_timeout = positive("--keepalive-timeout", &args.keepalive_timeout);
    Some(Timing {
        dial: dial?,
        keepalive_time: keepalive_time?,
        keepalive_timeout: keepalive_timeout?,
    })
}

pub(super) fn side(
    problems: &mut Problems,
    names: &SideNames,
    args: SideArgs,
    timing: Option<Timing>,
) -> Option<TransportSettings> {
    let user = credentials::credentials(problems, names.flag, &args);
    check_files(problems, names, &args);
    let endpoints = endpoints(problems, names, &args)?;
    let tls = match endpoints.iter().any(Endpoint::tls) {
        true => Some(tls(problems, names, &args)?),
        false => None,
    };
    let timing = timing?;
    Some(TransportSettings {
        endpoints,
        tls,
        dial_timeout: timing.dial,
        keepalive_time: timing.keepalive_time,
        keepalive_timeout: timing.keepalive_timeout,
        credentials: user?,
        asks_for: vec![0],
        on_reload: None,
    })
}

/// Files that were given must be there, also where they turn out not to be
/// needed.
fn check_files(problems: &mut Problems, names: &SideNames, args: &SideArgs) {
    let files = [
        ("cacert", &args.cacert),
        ("cert", &args.cert),
        ("key", &args.key),
    ];
    for (which, file) in files {
        if let Some(file) = file {
            let flag = format!("--{}-{which}", names.flag);
            problems.take(existing(&flag, Path::new(file)));
        }
    }
}

fn endpoints(problems: &mut Problems, names: &SideNames, args: &SideArgs) -> Option<Vec<Endpoint>> {
    let flag = format!("--{}-endpoints", names.flag);
    let given = args
        .endpoints
        .iter()
        .map(|text| text.trim())
        .filter(|text| !text.is_empty());
    let mut parsed = Vec::new();
    let before = problems.0.len();
    // A password with a comma in it is in several pieces.
    let given: Vec<&str> = match args.endpoints.iter().find(|text| text.contains('@')) {
        Some(refused) => vec![refused],
        None => given.collect(),
    };
    for text in given {
        let endpoint = Endpoint::parse(text, wants_tls(args));
        let endpoint = problems.take(endpoint.map_err(|problem| format!("`{flag}`: {problem}")));
        parsed.extend(endpoint.filter(|endpoint| !parsed.contains(endpoint)));
    }
    if parsed.is_empty() && problems.0.len() == before {
        let who = names.who;
        problems.add(format!(
            "`{flag}` is missing: say where the {who}'s etcd listens"
        ));
    }
    (problems.0.len() == before).then_some(parsed)
}

/// Without a scheme: TLS where it was asked for, or certificates were given.
fn wants_tls(args: &SideArgs) -> bool {
    let certificates = args.cacert.is_some() || args.cert.is_some() || args.key.is_some();
    match args.insecure_transport {
        Some(insecure) => !insecure,
        None => certificates,
    }
}

fn tls(problems: &mut Problems, names: &SideNames, args: &SideArgs) -> Option<TlsSettings> {
    let default = |given: &Option<String>, file: &str| match given {
        Some(given) => Some(PathBuf::from(given)),
        None => Some(Path::new(names.directory).join(file)).filter(|path| path.exists()),
    };
    // A pair is the user's or the default one, never mixed.
    let own_pair = args.cert.is_some() || args.key.is_some();
    let pair = |given: &Option<String>, file: &str| match own_pair {
        true => given.as_ref().map(PathBuf::from),
        false => default(given, file),
    };
    let settings = TlsSettings {
        ca: default(&args.cacert, "ca.crt"),
        cert: pair(&args.cert, "server.crt"),
        key: pair(&args.key, "server.key"),
        insecure_skip_verify: args.insecure_skip_verify,
    };
    // Missing files have been named already.
    if problems.0.is_empty() {
        let (flag, who) = (names.flag, names.who);
        let checked = settings.check();
        let explained = |error| match error {
            TlsError::NoAuthority => format!(
                "TLS to the {who} (`--{flag}-*`) needs a certificate authority to trust: give `--{flag}-cacert FILE`, or accept any certificate with `--{flag}-insecure-skip-tls-verify`"
            ),
            error => format!("TLS to the {who} (`--{flag}-*`): {error}"),
        };
        problems.take(checked.map_err(explained))?;
    }
    Some(settings)
}

pub(super) fn name(text: String) -> Result<String, String> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    match !text.is_empty() && text.chars().all(good) {
        true => Ok(text),
        false => Err(format!(
            "`--name` `{text}` is no name: use a-z, 0-9 and `-`"
        )),
    }
}

fn max_txn_ops(text: &str) -> Result<usize, String> {
    let parsed = text.parse().ok().filter(|&ops| ops > 0);
    parsed.ok_or_else(|| format!("`--max-txn-ops` `{text}` is not a number from 1 up"))
}

fn max_lag(text: &str) -> Result<Duration, String> {
    let parsed = duration::parse(text).map_err(|problem| format!("`--max-lag`: {problem}"))?;
    match parsed >= Duration::from_secs(1) {
        true => Ok(parsed),
        false => Err(format!(
            "`--max-lag` `{text}` is too short: give at least 1s"
        )),
    }
}

fn bind(problems: &mut Problems, address: &str, port: &str) -> Option<SocketAddr> {
    let bare = address.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse::<IpAddr>().map_err(|_| {
        format!(
            "`--bind-address` `{address}` is no IP address: write `127.0.0.1` for this machine alone, `0.0.0.0` for every address"
        )
    });
    let port = port
        .parse::<u16>()
        .map_err(|_| format!("`--bind-port` `{port}` is not a port from 0 to 65535"));
    let (address, port) = (problems.take(address), problems.take(port));
    Some(SocketAddr::new(address?, port?))
}

fn standby(arg: StandbyArg) -> Standby {
    match arg {
        StandbyArg::Live => Standby::Live,
        StandbyArg::Cold => Standby::Cold,
        StandbyArg::Auto => Standby::Auto,
    }
}

fn mode(text: &str) -> Result<Mode, String> {
    match text {
        "standalone" => Ok(Mode::Standalone),
        "active-standby" => Ok(Mode::ActiveStandby),
        _ => Err(format!(
            "`--mode` `{text}` is unknown: use `standalone` or `active-standby`"
        )),
    }
}
