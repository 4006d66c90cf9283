//! The command line as it is written: every flag, its environment variable
//! and its help.
//!
//! Promises every flag of etcd-carry 0.1 under its name and default.
//! Deliberately checks nothing but the shape: `settings` judges the values, so
//! that all of what is wrong is reported at once.

use super::check_rules::args::CheckRulesArgs;
use super::typed::Typed;
use super::words::Words;
use clap::{Args, Parser, Subcommand, ValueEnum};

pub use super::side_args::{ConfigArgs, ConnectArgs, LogArgs, MasterArgs, SideArgs, SlaveArgs};

/// Mirrors a chosen part of one etcd into another, continuously.
#[derive(Parser, Debug)]
#[command(name = "carry", version, about, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Mirror what the rules select from the source into the destination
    Run(Box<RunArgs>),
    /// Check rules files and report everything that is wrong with them
    CheckRules(Box<CheckRulesArgs>),
    /// Say what becomes of a key, of many, or of a manifest, and why
    Explain(Box<ExplainArgs>),
    /// Compare both sides under the rules, and mend what differs
    Verify(Box<VerifyArgs>),
    /// Fail over: stop mirroring for good, and let the destination do the source's work
    Promote(Box<PromoteArgs>),
    /// Print what a shell needs to complete commands and flags
    Completions {
        /// For which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write one for each command
    Man {
        /// Write carry.1, carry-run.1 and so on into this directory, which is made where missing
        #[arg(long, value_name = "DIR")]
        directory: Option<String>,
    },
    /// Say which carry this is, and what it works with
    Version {
        /// How it is printed
        #[arg(long, value_enum, default_value_t = Output::Human)]
        output: Output,
    },
}

impl Command {
    /// How it logs, if it does.
    pub fn log(&self) -> Option<&LogArgs> {
        match self {
            Command::Run(args) => Some(&args.log),
            Command::Verify(args) => Some(&args.log),
            Command::Promote(args) => Some(&args.log),
            _ => None,
        }
    }
}

/// Flags that `run` and `explain` share.
#[derive(Args, Debug, Clone)]
pub struct RulesArgs {
    /// The configuration file.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The rules file
    #[arg(
        long,
        env = "CARRY_MIRROR_RULE",
        value_name = "FILE",
        default_value = "/etc/mirror/rules.yaml"
    )]
    pub mirror_rule: String,
    /// How the source's apiserver encrypts values [default: /etc/mirror/secrets-encryption.yaml, where it exists]
    #[arg(long, env = "CARRY_ENCRYPTION_PROVIDER_CONFIG", value_name = "FILE")]
    pub encryption_provider_config: Option<String>,
    /// The prefix of all Kubernetes keys
    #[arg(
        long,
        env = "CARRY_KUBE_PREFIX",
        value_name = "PREFIX",
        default_value = "/registry"
    )]
    pub kube_prefix: String,
    /// How the destination's apiserver encrypts values; `none` where it encrypts nothing [default: the file of --encryption-provider-config]
    #[arg(
        long,
        env = "CARRY_DEST_ENCRYPTION_PROVIDER_CONFIG",
        value_name = "FILE"
    )]
    pub dest_encryption_provider_config: Option<String>,
    /// The prefix of all Kubernetes keys at the destination [default: that of --kube-prefix]
    #[arg(long, env = "CARRY_DEST_KUBE_PREFIX", value_name = "PREFIX")]
    pub dest_kube_prefix: Option<String>,
}

/// `carry run`.
#[derive(Args, Debug, Clone)]
pub struct RunArgs {
    /// What to mirror.
    #[command(flatten)]
    pub rules: RulesArgs,
    /// Name of this mirror, for several of them between the same clusters: a-z, 0-9 and `-`
    #[arg(long, env = "CARRY_NAME", default_value = "default")]
    pub name: String,
    /// How to write: `live` one key a transaction (an apiserver serves from the destination), `cold` many, `auto` finds out
    #[arg(long, env = "CARRY_STANDBY", value_enum, default_value_t = StandbyArg::Auto)]
    pub standby: StandbyArg,
    /// Most keys in one transaction of a cold destination; etcd's own limit is 128 operations
    #[arg(
        long,
        env = "CARRY_MAX_TXN_OPS",
        value_name = "N",
        default_value = "128"
    )]
    pub max_txn_ops: String,
    /// Directory of carry's own state; made where missing
    #[arg(
        long,
        env = "CARRY_DB_PATH",
        value_name = "DIR",
        default_value = "/var/lib/mirror/db"
    )]
    pub db_path: String,
    /// Bytes that may wait on disk, below `--db-path`, while the destination is
    /// slower than the source; 0 for none
    #[arg(
        long,
        env = "CARRY_SPOOL_LIMIT",
        value_name = "BYTES",
        default_value = "4Gi"
    )]
    pub spool_limit: String,
    /// Address that the page, health, status and metrics are served on
    #[arg(
        long,
        env = "CARRY_BIND_ADDRESS",
        value_name = "IP",
        default_value = "0.0.0.0"
    )]
    pub bind_address: String,
    /// Its port; 0 for any free one
    #[arg(
        long,
        env = "CARRY_BIND_PORT",
        value_name = "PORT",
        default_value = "10520"
    )]
    pub bind_port: String,
    /// File with the token that orders over that port must have: `POST /reload` and `POST /resync`. Without it none are taken
    #[arg(long, env = "CARRY_ADMIN_TOKEN_FILE", value_name = "FILE")]
    pub admin_token_file: Option<String>,
    /// `standalone` ends when another carry of this name leads; `active-standby` waits and takes over when that one is gone
    #[arg(
        long,
        env = "CARRY_MODE",
        value_name = "MODE",
        value_parser = Words(&["standalone", "active-standby"]),
        default_value = "standalone"
    )]
    pub mode: String,
    /// Source revision that the first copy is of; 0 for the newest. Later starts go on where the mirror is
    #[arg(long, env = "CARRY_REV", value_name = "REVISION", default_value = "0")]
    pub rev: String,
    /// Compare everything with the destination at start and mend what differs; also accepts another source, or one that was restored from a backup
    #[arg(long, env = "CARRY_RESYNC")]
    pub resync: bool,
    /// Delete what changed rules no longer select; without it such keys are kept as they are and reported
    #[arg(long, env = "CARRY_PRUNE")]
    pub prune: bool,
    /// `/readyz` fails when it is longer ago that all was known to be applied
    #[arg(
        long,
        env = "CARRY_MAX_LAG",
        value_name = "DURATION",
        default_value = "30s"
    )]
    pub max_lag: String,
    /// Mirror up to the source's revision at start, then exit
    #[arg(long, env = "CARRY_ONCE")]
    pub once: bool,
    /// Decide and report, but write nothing, and listen on no port
    #[arg(long, env = "CARRY_DRY_RUN")]
    pub dry_run: bool,
    /// Print the configuration that results from flags, variables, file and defaults as a file for --config, with where each setting is from, and run nothing
    #[arg(long)]
    pub print_config: bool,
    /// How it logs.
    #[command(flatten)]
    pub log: LogArgs,
    /// How connections are made.
    #[command(flatten)]
    pub connect: ConnectArgs,
    /// The source.
    #[command(flatten)]
    pub master: MasterArgs,
    /// The destination.
    #[command(flatten)]
    pub slave: SlaveArgs,
}

/// `--standby`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StandbyArg {
    /// One key a transaction.
    Live,
    /// Many keys a transaction.
    Cold,
    /// Live where an apiserver is seen.
    Auto,
}

/// `--output`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Human,
    /// For programs.
    Json,
}

/// `--only`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Only {
    /// What a rule selects.
    Mirrored,
    /// What is left alone.
    Skipped,
    /// What cannot be judged.
    Held,
}

/// `carry explain`.
#[derive(Args, Debug, Clone)]
pub struct ExplainArgs {
    /// A whole etcd key, as in `/registry/secrets/default/token`. For a table of many: a prefix that ends with `/`, or a glob (`*` and `?` stop at slashes, `**` does not)
    pub key: Option<String>,
    /// Explain the objects of a file of YAML or JSON instead; `-` for stdin
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<String>,
    /// Ask a snapshot file of etcd, or a copy of `member/snap/db`, instead of the source
    #[arg(long, value_name = "FILE")]
    pub snapshot: Option<String>,
    /// As of this revision of the source, or of the snapshot [default: the newest]
    #[arg(long, value_name = "REVISION")]
    pub at_revision: Option<String>,
    /// With --file: labels of the objects' Namespaces, `env=prod,team=web`; they win over those in the file
    #[arg(long, value_name = "LABELS")]
    pub namespace_labels: Option<String>,
    /// What if that were changed: `spec.replicas=3`; removed: `metadata.labels.app-`; of the object's Namespace: `namespace.labels.env=prod`. May be repeated
    #[arg(long, value_name = "PATH=VALUE")]
    pub what_if: Vec<String>,
    /// With --file: a table, one line or two for each object
    #[arg(long)]
    pub table: bool,
    /// In a table: show only keys of which this was decided; all are counted
    #[arg(long, value_enum, value_name = "DECISION")]
    pub only: Option<Only>,
    /// By which rules.
    #[command(flatten)]
    pub rules: RulesArgs,
    /// Where carry's ledger is, which knows whether carry has written the key; it may be in use
    #[arg(long, env = "CARRY_DB_PATH", value_name = "DIR")]
    pub db_path: Option<String>,
    /// Name of the mirror: whose the ledger is, and what is marked with it at the destination
    #[arg(long, env = "CARRY_NAME", default_value = "default")]
    pub name: String,
    /// How results are printed: in JSON a key is one object, a file an array of them, and of a table each line an object, the last of which has the counts
    #[arg(long, value_enum, default_value_t = Output::Human)]
    pub output: Output,
    /// Show every rule, and not only the one that decides or those that came nearest
    #[arg(long)]
    pub all: bool,
    /// Print the whole object as it is stored, as YAML
    #[arg(long)]
    pub show_object: bool,
    /// Print the data of Secrets
    #[arg(long)]
    pub show_secrets: bool,
    /// How connections are made.
    #[command(flatten)]
    pub connect: ConnectArgs,
    /// The source.
    #[command(flatten)]
    pub master: MasterArgs,
    /// The destination, if it is to be looked at too.
    #[command(flatten)]
    pub slave: SlaveArgs,
    /// The flags that stand on the command line itself, and not in the
    /// environment alone.
    #[arg(skip)]
    pub typed: Typed,
}

impl ExplainArgs {
    /// The first flag on the command line whose name begins so.
    pub fn typed(&self, beginning: &str) -> Option<&str> {
        self.typed.first(beginning)
    }
}

/// `carry verify`.
#[derive(Args, Debug, Clone)]
pub struct VerifyArgs {
    /// By which rules.
    #[command(flatten)]
    pub rules: RulesArgs,
    /// Name of the mirror that is verified
    #[arg(long, env = "CARRY_NAME", default_value = "default")]
    pub name: String,
    /// Where its ledger is, which says what carry has written; it may be in use
    #[arg(
        long,
        env = "CARRY_DB_PATH",
        value_name = "DIR",
        default_value = "/var/lib/mirror/db"
    )]
    pub db_path: String,
    /// Mend what differs, as the leader: refused while another carry of that name leads
    #[arg(long)]
    pub repair: bool,
    /// How many keys of each kind are named
    #[arg(long, env = "CARRY_EXAMPLES", value_name = "N", default_value = "10")]
    pub examples: String,
    /// How long a running mirror may take to catch up with a key before it counts as different
    #[arg(
        long,
        env = "CARRY_SETTLE",
        value_name = "DURATION",
        default_value = "10s"
    )]
    pub settle: String,
    /// How results are printed
    #[arg(long, value_enum, default_value_t = Output::Human)]
    pub output: Output,
    /// How it logs.
    #[command(flatten)]
    pub log: LogArgs,
    /// How connections are made.
    #[command(flatten)]
    pub connect: ConnectArgs,
    /// The source.
    #[command(flatten)]
    pub master: MasterArgs,
    /// The destination.
    #[command(flatten)]
    pub slave: SlaveArgs,
}

/// `carry promote`.
#[derive(Args, Debug, Clone)]
pub struct PromoteArgs {
    /// By which rules.
    #[command(flatten)]
    pub rules: RulesArgs,
    /// Name of the mirror whose destination is promoted
    #[arg(long, env = "CARRY_NAME", default_value = "default")]
    pub name: String,
    /// Where its ledger is, which says what carry has written; it may be in use
    #[arg(
        long,
        env = "CARRY_DB_PATH",
        value_name = "DIR",
        default_value = "/var/lib/mirror/db"
    )]
    pub db_path: String,
    /// The source is gone: neither wait for what it has still, nor compare both sides. Needs no flags of the source, and reads no rules
    #[arg(long)]
    pub without_source: bool,
    /// Go on where both sides differ, or the first copy was never finished
    #[arg(long)]
    pub force: bool,
    /// Take a promotion back: carry may mirror into the destination again
    #[arg(long, conflicts_with_all = ["without_source", "force"])]
    pub revert: bool,
    /// How many keys of each kind that differ are named
    #[arg(long, env = "CARRY_EXAMPLES", value_name = "N", default_value = "10")]
    pub examples: String,
    /// How long the running mirror may take to apply what the source has, and to catch up with a key before it counts as different
    #[arg(
        long,
        env = "CARRY_SETTLE",
        value_name = "DURATION",
        default_value = "10s"
    )]
    pub settle: String,
    /// How results are printed
    #[arg(long, value_enum, default_value_t = Output::Human)]
    pub output: Output,
    /// How it logs.
    #[command(flatten)]
    pub log: LogArgs,
    /// How connections are made.
    #[command(flatten)]
    pub connect: ConnectArgs,
    /// The source.
    #[command(flatten)]
    pub master: MasterArgs,
    /// The destination.
    #[command(flatten)]
    pub slave: SlaveArgs,
}
