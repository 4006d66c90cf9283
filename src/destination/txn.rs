//! Operations → one guarded etcd transaction.
//!
//! Promises that nothing is built without its fence. Deliberately pure: it
//! sends nothing.

use etcd_client::{Compare, CompareOp, GetOptions, PutOptions, Txn, TxnOp};

use super::election::{Leader, LeaseId, Term};
use super::{Fence, Op};

/// All of `ops`, if the leader key is exactly as the fence says. Comparisons
/// do not count as operations in etcd's limit.
pub(super) fn guarded(fence: &Fence, ops: &[Op]) -> Txn {
    let key = fence.key.as_slice();
    let holds = [
        Compare::create_revision(key, CompareOp::Equal, fence.create_revision),
        Compare::mod_revision(key, CompareOp::Equal, fence.mod_revision),
    ];
    let ops: Vec<TxnOp> = ops.iter().map(operation).collect();
    Txn::new().when(holds).and_then(ops)
}

fn operation(op: &Op) -> TxnOp {
    match op {
        Op::Put { key, value } => TxnOp::put(key.as_slice(), value.as_slice(), None),
        Op::PutLeased { key, value, lease } => put_leased(key, value, LeaseId(*lease)),
        Op::Delete { key } => TxnOp::delete(key.as_slice(), None),
    }
}

/// Takes the leader key if nobody has it; else reads it.
pub(super) fn take(key: &[u8], holder: &[u8], lease: LeaseId) -> Txn {
    let absent = Compare::create_revision(key, CompareOp::Equal, 0);
    Txn::new()
        .when([absent])
        .and_then([put_leased(key, holder, lease)])
        .or_else([TxnOp::get(key, None::<GetOptions>)])
}

/// Rewrites the leader key if it is still ours.
pub(super) fn rewrite(term: &Term) -> Txn {
    let key = term.fence.key.as_slice();
    Txn::new()
        .when([ours(term)])
        .and_then([put_leased(key, &term.holder, term.lease)])
}

/// Removes the leader key if it is still ours.
pub(super) fn give_back(term: &Term) -> Txn {
    Txn::new()
        .when([ours(term)])
        .and_then([TxnOp::delete(term.fence.key.as_slice(), None)])
}

/// Removes another's leader key if it is still as it was seen.
pub(super) fn evict(key: &[u8], leader: &Leader) -> Txn {
    let same = Compare::mod_revision(key, CompareOp::Equal, leader.mod_revision);
    Txn::new().when([same]).and_then([TxnOp::delete(key, None)])
}

fn ours(term: &Term) -> Compare {
    let Fence {
        key,
        create_revision,
        ..
    } = &term.fence;
    Compare::create_revision(key.as_slice(), CompareOp::Equal, *create_revision)
}

fn put_leased(key: &[u8], value: &[u8], lease: LeaseId) -> TxnOp {
    TxnOp::put(key, value, Some(PutOptions::new().with_lease(lease.0)))
}
