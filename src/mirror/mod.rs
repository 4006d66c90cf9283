//! The mirror: from source to destination, under the rules, for as long as it
//! runs.
//!
//! | step | where |
//! |---|---|
//! | who leads | `leadership` |
//! | where to begin | `start` |
//! | the full list | `bootstrap`, over `listing` and `cursor` |
//! | catching up after a restart | `replay` |
//! | a ledger that is lost | `reclaim` |
//! | following | `reader` → `spool` → `tail` |
//! | the order of writes | `pipeline` |
//! | values encrypted for the destination | `sealing` |
//! | transactions and their outcomes | `writer`, with `journal` before the ledger and `trouble` |
//! | keys under leases | `leasing`, over `lease_book` |
//! | held keys, judged again | `held`, `due`, `rejudge`, `reload` |
//! | both sides compared: `carry verify` | `verify`, over `pages`, `compare`, `second_look` → `verified` |
//! | the one loop that all goes through | `session` |
//! | every error → what is done about it | `retry` |
//!
//! Promises what section 4 of the design says: whatever dies, the destination
//! is right again after a restart, and nothing that is right is written again.
//! Deliberately knows nothing of command lines and shows nothing.

mod bootstrap;
mod checkpoints;
mod compare;
mod cursor;
mod cuts;
mod dry_run;
mod due;
mod error;
mod held;
mod history;
mod horizon;
mod journal;
mod judged;
mod judging;
mod leadership;
mod lease_book;
mod leasing;
mod leftovers;
mod lifecycle;
mod listing;
mod lost_leases;
mod options;
mod outcome;
mod pages;
pub mod pipeline;
mod ranges;
mod reader;
mod reclaim;
mod refusing;
mod rejudge;
mod reload;
mod replay;
mod report;
mod retry;
mod sealing;
mod second_look;
mod session;
mod spool;
mod standby;
mod start;
mod starving;
mod tail;
mod trouble;
mod verified;
mod verify;
mod world;
mod writer;

pub use dry_run::{DryRun, Planned};
pub use error::MirrorError;
pub use judging::Judging;
pub use leadership::Holder;
pub use lifecycle::{Mirror, Summary};
pub use options::{Mode, Options, Standby, Widths};
pub use reload::{Reload, Reloaded};
pub use report::{Report, Silent};
pub use retry::fix_jitter;
pub use spool::Limits;
pub use start::{Full, Known, Ledger, Reason, Start, decide};
pub use verified::{Counts, Example, Examples, Verified};
pub use verify::Verify;
pub use world::{Parts, World};
