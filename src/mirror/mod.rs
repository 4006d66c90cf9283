//! The mirror: from source to destination, under the rules, for as long as it
//! runs.
//!
//! | step | where |
//! |---|---|
//! | who leads | `leadership` |
//! | where to begin | `start` |
//! | the full list | `bootstrap`, over `listing` and `cursor` |
//! | catching up after a restart | `replay` |
//! | following | `reader` → `spool` → `tail` |
//! | the order of writes | `pipeline` |
//! | values encrypted for the destination | `sealing` |
//! | transactions and their outcomes | `writer`, with `journal` before the ledger |
//! | held keys, judged again | `held`, `due`, `rejudge`, `reload` |
//! | the one loop that all goes through | `session` |
//! | every error → what is done about it | `retry` |
//!
//! Promises what section 4 of the design says: whatever dies, the destination
//! is right again after a restart, and nothing that is right is written again.
//! Deliberately knows nothing of command lines and shows nothing.

mod bootstrap;
mod cursor;
mod dry_run;
mod due;
mod error;
mod held;
mod journal;
mod judged;
mod judging;
mod leadership;
mod lifecycle;
mod listing;
mod options;
mod outcome;
pub mod pipeline;
mod ranges;
mod reader;
mod rejudge;
mod reload;
mod replay;
mod report;
mod retry;
mod sealing;
mod session;
mod spool;
mod standby;
mod start;
mod tail;
mod world;
mod writer;

pub use dry_run::{DryRun, Planned};
pub use error::MirrorError;
pub use judging::Judging;
pub use leadership::Holder;
pub use lifecycle::{Mirror, Summary};
pub use options::{Options, Standby, Widths};
pub use reload::{Reload, Reloaded};
pub use report::{Report, Silent};
pub use start::{Full, Known, Ledger, Start, decide};
pub use world::{Parts, World};
