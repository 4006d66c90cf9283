//! The addresses of Services at a destination: on stored bytes, by cases, and
//! by properties over a store that others allocate from at the same time.

mod allocator;
pub mod apiserver;
pub mod made;
mod planned;
mod simulation;
mod splices;
pub mod store;
mod stored;
