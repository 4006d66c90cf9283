//! The conformance suites over the data of `../shared`. Each prints one line
//! `NAME: PASSED/TOTAL` and the names of what failed.

mod cel;
mod encryption;
mod etcd_carry;
pub mod fields;
mod kube_corpus;
mod kube_golden;
