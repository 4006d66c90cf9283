//! What a running carry says of itself over HTTP: health, status, metrics.
//!
//! Promises answers at any time, however busy the mirror is, and never a value
//! of any key. Deliberately changes nothing without a token: every other route
//! only reads.

mod answer;
mod course;
mod doors;
mod events;
mod limits;
mod live;
mod moves;
mod named;
mod orders;
mod page;
mod progress;
mod serve;
mod sides;
mod status;
mod token;
mod verdict;

pub use limits::Limits;
pub use named::{AddressPair, NamedKey};
pub use orders::{Orders, RulesOrders, RulesRead};
pub use serve::{AdminError, bind, serve, serve_with};
pub use sides::Sides;
pub use status::{Status, StatusReport};
pub use token::TokenFile;
