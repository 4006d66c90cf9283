//! Real etcd, real faults: what the mirror promises, whatever dies.
//!
//! Each scenario writes some hundred times a second to a small Kubernetes
//! cluster, makes one kind of fault for a while, lets it become quiet, and then
//! compares both sides with a few lines that know the rules. What is random is
//! chosen by a seed that is printed. Threads and processes are not repeated by
//! it, only the choices are.
//!
//! | variable | |
//! |---|---|
//! | `CARRY_CHAOS_SEED` | the seed (default: another one each time) |
//! | `CARRY_CHAOS_SECONDS` | how long the faults of each scenario last (default: 6) |
//!
//! `tests/chaos.sh` runs the same for half an hour, and lets a Prometheus with
//! carry's alerts look at it.

mod access;
mod alerts;
mod compare;
mod explained;
mod history;
mod kills;
mod leaders;
mod ledger;
mod load;
mod network;
pub mod random;
mod restored;
mod rounds;
mod space;
mod standby;
mod tokens;
pub mod values;
pub mod writers;
