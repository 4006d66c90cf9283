//! What is proved of rules: claims in a table, and claims and witnesses of
//! random rules against all objects of a small universe.

mod claims;
mod property;
pub mod random;
pub mod universe;
