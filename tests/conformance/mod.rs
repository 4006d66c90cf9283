//! The conformance suites over the data of `../shared`. Each prints one line
//! `NAME: PASSED/TOTAL` and the names of what failed.

mod encryption;
mod etcd_carry;
mod kube_corpus;
