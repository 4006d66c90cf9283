//! The flags of `carry check-rules`.
//!
//! Promises names that other linters have for the same. Deliberately checks
//! nothing but the shape.

use clap::{Args, ValueEnum};

use crate::cli::side_args::{ConfigArgs, ConnectArgs, MasterArgs};
use crate::cli::typed::Typed;

/// `carry check-rules`.
#[derive(Args, Debug, Clone)]
pub struct CheckRulesArgs {
    /// Rules files, or globs over them; `-` reads standard input [default: that of --mirror-rule]
    #[arg(value_name = "FILE")]
    pub files: Vec<String>,
    /// The rules file that is checked where no FILE is given, as for `carry run`
    #[arg(long, env = "CARRY_MIRROR_RULE", value_name = "FILE")]
    pub mirror_rule: Option<String>,
    /// Say what a code means, with an example; `all` lists the codes
    #[arg(long, value_name = "CODE", conflicts_with_all = ["files", "fix", "dump", "snapshot", "diff", "at_revision"])]
    pub explain: Option<String>,
    /// Write the changes into the files that are known to be safe
    #[arg(long, conflicts_with = "dump")]
    pub fix: bool,
    /// Do not show findings of this code
    #[arg(long, value_name = "CODE")]
    pub allow: Vec<String>,
    /// Show findings of this code as notes
    #[arg(long, value_name = "CODE")]
    pub note: Vec<String>,
    /// Show findings of this code as warnings
    #[arg(long, value_name = "CODE")]
    pub warn: Vec<String>,
    /// Take findings of this code as errors; `warnings` and `notes` mean all that are left of that level
    #[arg(long, value_name = "CODE")]
    pub deny: Vec<String>,
    /// Look at the data of a snapshot file of etcd, or of a copy of `member/snap/db`, too: what each rule selects
    #[arg(long, value_name = "FILE", conflicts_with = "dump")]
    pub snapshot: Option<String>,
    /// The data as of this revision of the source, or of the snapshot [default: the newest]
    #[arg(long, value_name = "REVISION")]
    pub at_revision: Option<String>,
    /// With data: say which keys are gained and lost when the files checked take the place of this one
    #[arg(long, value_name = "FILE", conflicts_with = "dump")]
    pub diff: Option<String>,
    /// The configuration file.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// How the apiservers encrypt values, as for `carry run`: then Secrets are not remarked on, and data is read with it
    #[arg(long, env = "CARRY_ENCRYPTION_PROVIDER_CONFIG", value_name = "FILE")]
    pub encryption_provider_config: Option<String>,
    /// Print a stage of the compiled rules
    #[arg(long, value_enum, value_name = "STAGE")]
    pub dump: Option<Dump>,
    /// Print an object for each rule that it selects, and for each exclude one that it takes away, as YAML for `carry explain --file -`
    #[arg(long, conflicts_with_all = ["dump", "fix"])]
    pub witness: bool,
    /// How results are printed
    #[arg(long, value_enum, default_value_t = CheckOutput::Human)]
    pub output: CheckOutput,
    /// When colours are used
    #[arg(long, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
    /// The prefix of all Kubernetes keys
    #[arg(
        long,
        env = "CARRY_KUBE_PREFIX",
        value_name = "PREFIX",
        default_value = "/registry"
    )]
    pub kube_prefix: String,
    /// How connections are made.
    #[command(flatten)]
    pub connect: ConnectArgs,
    /// The source, whose data is looked at where one of its flags stands on
    /// the command line.
    #[command(flatten)]
    pub master: MasterArgs,
    /// The flags that stand on the command line itself.
    #[arg(skip)]
    pub typed: Typed,
}

/// `--output`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CheckOutput {
    /// For people, with the lines of the file.
    Human,
    /// One line for each finding.
    Short,
    /// For programs.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Annotations of a GitHub workflow.
    Github,
}

/// `--color`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
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
