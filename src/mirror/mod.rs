//! The mirror: from source to destination, under the rules, for as long as it
//! runs.
//!
//! | step | where |
//! |---|---|
//! | who leads | `leadership` |
//! | where to begin | `opening`, by what `start` decides |
//! | the full list | `bootstrap`, over `listing`, `fetching` and `cursor` |
//! | catching up after a restart | `replay` |
//! | a ledger that is lost | `reclaim` |
//! | what would be done: `--dry-run` | `dry_run`, by a `foresight` of what is `foreseen` at the destination, under a ledger that is `recalled` |
//! | following | `reader` → `spool` → `tail` |
//! | the order of writes | `pipeline` |
//! | what the destination has already, and what a write relies on | `landing` |
//! | definitions, and their objects there | `defining`, over `definitions` |
//! | the addresses of Services | `addresses`, over `source_services`; told of by `counting` |
//! | keys of which the destination has something else | `conflicts`, `keeping` tells of them, and of held ones |
//! | values encrypted for the destination | `sealing` |
//! | transactions and their outcomes | `writer`, with `noting` before, `journal` before the ledger, and `trouble` |
//! | first writes of an earlier session | `intents` |
//! | keys under leases | `leasing`, over `lease_book` |
//! | what others change at the destination | `drift_watch` → `drift`, over `drift_look` and `drift_book` → `drifting` |
//! | held keys, judged again | `held`, `due`, `rejudge`, `reload` |
//! | both sides compared: `carry verify` | `verify`, over `pages`, `compare`, `second_look` → `verified` |
//! | a standby that takes the source's place: `carry promote` | `promote`, under a `mark` |
//! | the one loop that all goes through | `session` |
//! | every error → what is done about it | `retry` |
//!
//! Promises what section 4 of the design says: whatever dies, the destination
//! is right again after a restart, and nothing that is right is written again.
//! Deliberately knows nothing of command lines and shows nothing.

mod acting;
mod addresses;
mod bootstrap;
mod checkpoints;
mod compare;
mod conflicts;
mod counting;
mod cursor;
mod cuts;
mod defining;
mod definitions;
mod drift;
mod drift_book;
mod drift_look;
mod drift_watch;
mod drifting;
mod dry_run;
mod due;
mod error;
mod fetching;
mod foreseen;
mod foresight;
mod held;
mod history;
mod horizon;
mod intents;
mod journal;
mod judged;
mod judging;
mod keeping;
mod landing;
mod leadership;
mod lease_book;
mod leasing;
mod leftovers;
mod lifecycle;
mod listing;
mod lost_leases;
mod mark;
mod noting;
mod numbered;
mod opening;
mod options;
mod outage;
mod outcome;
mod pages;
pub mod pipeline;
mod planned;
mod progress;
mod promote;
mod ranges;
mod reader;
mod recalled;
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
mod source_services;
mod spool;
mod standby;
mod start;
mod starving;
mod tail;
mod talk;
mod trouble;
mod verified;
mod verify;
mod wakes;
mod world;
mod writer;

pub use error::MirrorError;
pub use judging::Judging;
pub use leadership::Holder;
pub use lifecycle::{Mirror, Summary};
pub use mark::Mark;
pub use numbered::numbered;
pub use options::{Mode, Options, Standby, Widths};
pub use planned::{DryRun, OfDeletion, Planned};
pub use progress::{Progress, Unseen};
pub use promote::{Drained, Promotion, Restored, Standing, drain};
pub use reload::{Reload, Reloaded};
pub use report::{AddressPairs, Report, Silent};
pub use retry::fix_jitter;
pub use spool::Limits;
pub use start::{Full, Known, Ledger, Reason, Start, decide};
pub use verified::{Counts, Example, Examples, Verified};
pub use verify::Verify;
pub use world::{Parts, World};
