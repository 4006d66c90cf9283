//! The command line as it is written: every flag, its environment variable
//! and its help.
//!
//! Promises every flag of etcd-carry 0.1 under its name and default.
//! Deliberately checks nothing but the shape: `settings` judges the values, so
//! that all of what is wrong is reported at once.

use clap::builder::BoolishValueParser;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

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
    CheckRules(CheckRulesArgs),
    /// Say what becomes of one key, and why
    Explain(Box<ExplainArgs>),
    /// Compare both sides under the rules, and mend what differs
    Verify(Box<VerifyArgs>),
}

/// Flags that `run` and `explain` share.
#[derive(Args, Debug, Clone)]
pub struct RulesArgs {
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

/// How connections are made, on both sides.
#[derive(Args, Debug, Clone)]
pub struct ConnectArgs {
    /// How long one endpoint may take to answer a new connection
    #[arg(
        long,
        env = "CARRY_DIAL_TIMEOUT",
        value_name = "DURATION",
        default_value = "2s"
    )]
    pub dial_timeout: String,
    /// Quiet time after which a connection in use is tested; at least 10s, since etcd refuses more
    #[arg(
        long,
        env = "CARRY_KEEPALIVE_TIME",
        value_name = "DURATION",
        default_value = "2s"
    )]
    pub keepalive_time: String,
    /// How long the answer to that test may take
    #[arg(
        long,
        env = "CARRY_KEEPALIVE_TIMEOUT",
        value_name = "DURATION",
        default_value = "6s"
    )]
    pub keepalive_timeout: String,
}

/// One etcd's flags, whichever side it is.
#[derive(Debug, Clone, Default)]
pub struct SideArgs {
    /// `--…-endpoints`.
    pub endpoints: Vec<String>,
    /// `--…-cacert`, where given.
    pub cacert: Option<String>,
    /// `--…-cert`, where given.
    pub cert: Option<String>,
    /// `--…-key`, where given.
    pub key: Option<String>,
    /// `--…-insecure-skip-tls-verify`.
    pub insecure_skip_verify: bool,
    /// `--…-insecure-transport`, where given.
    pub insecure_transport: Option<bool>,
    /// `--…-user`, where given.
    pub user: Option<String>,
    /// `--…-password`, where given.
    pub password: Option<String>,
    /// `--…-password-file`, where given.
    pub password_file: Option<String>,
}

/// The same nine flags for either side; clap needs the names as literals.
macro_rules! side_flags {
    ($name:ident, $side:literal, $alias:literal, $env:literal, $who:literal) => {
        #[doc = concat!("The flags of ", $who, ".")]
        #[derive(Args, Debug, Clone)]
        #[command(next_help_heading = concat!($who, " (--", $side, "-* or --", $alias, "-*)"))]
        pub struct $name {
            #[arg(id = concat!($side, "-endpoints"), long = concat!($side, "-endpoints"),
                alias = concat!($alias, "-endpoints"), env = concat!($env, "_ENDPOINTS"),
                value_name = "URL", value_delimiter = ',',
                help = "Where etcd listens: `https://host:port`, `http://host:port` or `host:port`, several by commas or repeated")]
            endpoints: Vec<String>,
            #[arg(id = concat!($side, "-cacert"), long = concat!($side, "-cacert"),
                alias = concat!($alias, "-cacert"), env = concat!($env, "_CACERT"), value_name = "FILE",
                help = concat!("Authorities to trust, PEM [default with TLS: /etc/kubernetes/", $side, "/etcd/ca.crt, where it exists]"))]
            cacert: Option<String>,
            #[arg(id = concat!($side, "-cert"), long = concat!($side, "-cert"),
                alias = concat!($alias, "-cert"), env = concat!($env, "_CERT"), value_name = "FILE",
                help = concat!("Client certificate, PEM [default with TLS: /etc/kubernetes/", $side, "/etcd/server.crt, where it exists]"))]
            cert: Option<String>,
            #[arg(id = concat!($side, "-key"), long = concat!($side, "-key"),
                alias = concat!($alias, "-key"), env = concat!($env, "_KEY"), value_name = "FILE",
                help = concat!("Its private key, PEM [default with TLS: /etc/kubernetes/", $side, "/etcd/server.key, where it exists]"))]
            key: Option<String>,
            #[arg(id = concat!($side, "-insecure-skip-tls-verify"), long = concat!($side, "-insecure-skip-tls-verify"),
                alias = concat!($alias, "-insecure-skip-tls-verify"), env = concat!($env, "_INSECURE_SKIP_TLS_VERIFY"),
                num_args = 0..=1, require_equals = true, default_missing_value = "true",
                value_parser = BoolishValueParser::new(), value_name = "BOOL",
                help = "Accept any server certificate")]
            insecure_skip_verify: Option<bool>,
            #[arg(id = concat!($side, "-insecure-transport"), long = concat!($side, "-insecure-transport"),
                alias = concat!($alias, "-insecure-transport"), env = concat!($env, "_INSECURE_TRANSPORT"),
                num_args = 0..=1, require_equals = true, default_missing_value = "true",
                value_parser = BoolishValueParser::new(), value_name = "BOOL",
                help = "No TLS for endpoints without a scheme [default: true, unless certificates are given]")]
            insecure_transport: Option<bool>,
            #[arg(id = concat!($side, "-user"), long = concat!($side, "-user"),
                alias = concat!($alias, "-user"), env = concat!($env, "_USER"), value_name = "NAME",
                help = "The user to log in as, where etcd asks for one")]
            user: Option<String>,
            #[arg(id = concat!($side, "-password"), long = concat!($side, "-password"),
                alias = concat!($alias, "-password"), env = concat!($env, "_PASSWORD"),
                hide_env_values = true, value_name = "PASSWORD",
                help = concat!("Its password; as a flag everybody on the machine can read it: better in the variable, or in --", $side, "-password-file"))]
            password: Option<String>,
            #[arg(id = concat!($side, "-password-file"), long = concat!($side, "-password-file"),
                alias = concat!($alias, "-password-file"), env = concat!($env, "_PASSWORD_FILE"), value_name = "FILE",
                help = "A file that holds its password and nothing else; a newline at its end does not count")]
            password_file: Option<String>,
        }

        impl From<$name> for SideArgs {
            fn from(args: $name) -> SideArgs {
                SideArgs {
                    endpoints: args.endpoints,
                    cacert: args.cacert,
                    cert: args.cert,
                    key: args.key,
                    insecure_skip_verify: args.insecure_skip_verify.unwrap_or(false),
                    insecure_transport: args.insecure_transport,
                    user: args.user,
                    password: args.password,
                    password_file: args.password_file,
                }
            }
        }
    };
}

side_flags!(MasterArgs, "master", "source", "CARRY_MASTER", "The source");
side_flags!(SlaveArgs, "slave", "dest", "CARRY_SLAVE", "The destination");

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
    /// Address that health, status and metrics are served on
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
    /// `standalone` ends when another carry of this name leads; `active-standby` waits and takes over when that one is gone
    #[arg(
        long,
        env = "CARRY_MODE",
        value_name = "MODE",
        default_value = "standalone"
    )]
    pub mode: String,
    /// Source revision that the first copy is of; 0 for the newest. Later starts go on where the mirror is
    #[arg(long, env = "CARRY_REV", value_name = "REVISION", default_value = "0")]
    pub rev: String,
    /// Compare everything with the destination at start and mend what differs; also accepts another source, or one that was restored from a backup
    #[arg(long, env = "CARRY_RESYNC", value_parser = BoolishValueParser::new())]
    pub resync: bool,
    /// Delete what changed rules no longer select; without it such keys are kept as they are and reported
    #[arg(long, env = "CARRY_PRUNE", value_parser = BoolishValueParser::new())]
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
    #[arg(long, env = "CARRY_ONCE", value_parser = BoolishValueParser::new())]
    pub once: bool,
    /// Decide and report, but write nothing
    #[arg(long, env = "CARRY_DRY_RUN", value_parser = BoolishValueParser::new())]
    pub dry_run: bool,
    /// Log more
    #[arg(long, env = "CARRY_DEBUG", num_args = 0..=1, require_equals = true,
        default_missing_value = "true", value_parser = BoolishValueParser::new(), value_name = "BOOL")]
    pub debug: Option<bool>,
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

/// `--dump`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Dump {
    /// The conditions in CEL, as they were read.
    Ast,
    /// What the predicates mean.
    Hir,
    /// What the VM runs.
    Bytecode,
    /// Which keys and ranges each rule can select from.
    Plan,
}

/// `carry check-rules`.
#[derive(Args, Debug, Clone)]
pub struct CheckRulesArgs {
    /// Rules files
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<String>,
    /// Print a stage of the compiled rules
    #[arg(long, value_enum, value_name = "STAGE")]
    pub dump: Option<Dump>,
    /// How results are printed
    #[arg(long, value_enum, default_value_t = Output::Human)]
    pub output: Output,
    /// The prefix of all Kubernetes keys
    #[arg(
        long,
        env = "CARRY_KUBE_PREFIX",
        value_name = "PREFIX",
        default_value = "/registry"
    )]
    pub kube_prefix: String,
}

/// `carry explain`.
#[derive(Args, Debug, Clone)]
pub struct ExplainArgs {
    /// The whole etcd key, as in `/registry/secrets/default/token`
    pub key: String,
    /// By which rules.
    #[command(flatten)]
    pub rules: RulesArgs,
    /// How results are printed
    #[arg(long, value_enum, default_value_t = Output::Human)]
    pub output: Output,
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
    #[arg(long, value_name = "N", default_value = "10")]
    pub examples: String,
    /// How long a running mirror may take to catch up with a key before it counts as different
    #[arg(long, value_name = "DURATION", default_value = "10s")]
    pub settle: String,
    /// How results are printed
    #[arg(long, value_enum, default_value_t = Output::Human)]
    pub output: Output,
    /// Log more
    #[arg(long, env = "CARRY_DEBUG")]
    pub debug: bool,
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

/// Reads a command line, the program's name first. The error knows how to
/// print itself and its exit code, and is also how help and version are told.
pub fn parse<A: Into<std::ffi::OsString> + Clone>(
    args: impl IntoIterator<Item = A>,
) -> Result<Cli, clap::Error> {
    let mut command = Cli::command().mut_subcommands(with_other_names);
    let args: Vec<std::ffi::OsString> = args.into_iter().map(Into::into).collect();
    if let Some(first) = args.get(1).and_then(|arg| arg.to_str())
        && wants_run(first)
    {
        let text = format!("`{first}` needs a subcommand before it: write `carry run {first} …`");
        return Err(command.error(clap::error::ErrorKind::MissingSubcommand, text));
    }
    Cli::from_arg_matches(&command.try_get_matches_from(args)?)
}

/// etcd-carry had no subcommands: it is `carry run` that takes its flags.
fn wants_run(first: &str) -> bool {
    let name = first.split('=').next().unwrap_or(first);
    name.starts_with("--") && !matches!(name, "--" | "--help" | "--version")
}

macro_rules! other_names {
    ($($suffix:literal)*) => {
        &[$(
            (concat!("CARRY_MASTER_", $suffix), concat!("CARRY_SOURCE_", $suffix)),
            (concat!("CARRY_SLAVE_", $suffix), concat!("CARRY_DEST_", $suffix)),
        )*]
    };
}

/// Variables, and their names after the flags of etcd-carry 0.2.
const OTHER_NAMES: &[(&str, &str)] = other_names!(
    "ENDPOINTS" "CACERT" "CERT" "KEY" "INSECURE_SKIP_TLS_VERIFY" "INSECURE_TRANSPORT"
    "USER" "PASSWORD" "PASSWORD_FILE"
);

/// The environment knows the names of etcd-carry 0.2 too, where those of 0.1
/// are not set.
fn with_other_names(command: clap::Command) -> clap::Command {
    let set = |name: &str| std::env::var_os(name).is_some();
    command.mut_args(|arg| {
        let other = OTHER_NAMES.iter().find(|(name, other)| {
            arg.get_env().is_some_and(|env| env == *name) && !set(name) && set(other)
        });
        match other {
            Some((_, other)) => arg.env(*other),
            None => arg,
        }
    })
}
