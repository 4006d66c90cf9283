//! What a running carry says of itself over HTTP: health, status, metrics.
//!
//! Promises answers at any time, however busy the mirror is, and never a value
//! of any key. Deliberately changes nothing: every route only reads.

mod named;
mod progress;
mod serve;
mod status;

pub use named::NamedKey;
pub use serve::{AdminError, bind, serve};
pub use status::{Limits, Status, StatusReport};
