//! The flags of either etcd as they are written: the same for source and
//! destination.
//!
//! Promises the names of etcd-carry 0.1 and those of 0.2. Deliberately judges
//! nothing; `settings` does.

use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};

/// Where settings are from that are no flags.
#[derive(Args, Debug, Clone)]
pub struct ConfigArgs {
    /// A file of YAML with settings by the names of their flags; flags and variables go before it
    #[arg(long, env = "CARRY_CONFIG", value_name = "FILE")]
    pub config: Option<String>,
}

/// What is logged, and how.
#[derive(Args, Debug, Clone)]
pub struct LogArgs {
    /// Log more; the variable `RUST_LOG` says more finely what
    #[arg(long, env = "CARRY_DEBUG")]
    pub debug: bool,
    /// How each line of the log is written: for people, or as an object of JSON
    #[arg(long, env = "CARRY_LOG_FORMAT", value_enum, default_value_t = LogFormat::Human)]
    pub log_format: LogFormat,
}

/// `--log-format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Human,
    /// An object of JSON a line.
    Json,
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
    /// Quiet time after which a connection in use is tested; less than 10s (also the default, as etcd-carry has it) counts as 10s, since etcd refuses more
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
