//! Operations → one guarded etcd transaction.
//!
//! Promises that nothing is built without its fence. Deliberately pure: it
//! sends nothing.

use etcd_client::{Compare, CompareOp, GetOptions, PutOptions, Txn, TxnOp};

use super::election::{Leader, LeaseId, Term, promoted_key};
use super::{Fence, Guard, Op};

/// All of `ops`, if the leader key is exactly as the fence says, and all of
/// `guards` are so. Where it may be the one or the other, the leader key is
/// read. The revision that changed it says all: no two changes have the same.
pub(super) fn guarded(fence: &Fence, guards: &[Guard], ops: &[Op]) -> Txn {
    let key = fence.key.as_slice();
    let mut holds = Vec::with_capacity(1 + guards.len());
    holds.push(Compare::mod_revision(
        key,
        CompareOp::Equal,
        fence.mod_revision,
    ));
    holds.extend(guards.iter().map(comparison));
    let ops: Vec<TxnOp> = ops.iter().map(operation).collect();
    let txn = Txn::new().when(holds).and_then(ops);
    match guards.is_empty() {
        true => txn,
        false => txn.or_else([TxnOp::get(key, None::<GetOptions>)]),
    }
}

fn comparison(guard: &Guard) -> Compare {
    match guard {
        Guard::Absent(key) => Compare::create_revision(key.as_slice(), CompareOp::Equal, 0),
        Guard::Unchanged { key, mod_revision } => {
            Compare::mod_revision(key.as_slice(), CompareOp::Equal, *mod_revision)
        }
        Guard::Lives {
            key,
            create_revision,
        } => Compare::create_revision(key.as_slice(), CompareOp::Equal, *create_revision),
        // It holds for each key of the range, and where there is none.
        Guard::NoneNewer { range, revision } => {
            let start = range.start.as_slice();
            let older = Compare::mod_revision(start, CompareOp::Less, revision + 1);
            older.with_range(range.end.as_slice())
        }
    }
}

fn operation(op: &Op) -> TxnOp {
    match op {
        Op::Put { key, value } => TxnOp::put(key.as_slice(), value.as_slice(), None),
        Op::PutLeased { key, value, lease } => put_leased(key, value, LeaseId(*lease)),
        Op::Delete { key } => TxnOp::delete(key.as_slice(), None),
    }
}

/// Takes the leader key if nobody has it and the destination is not promoted;
/// else reads it, and the mark.
pub(super) fn take(key: &[u8], holder: &[u8], lease: LeaseId) -> Txn {
    let mark = promoted_key(key);
    Txn::new()
        .when([absent(key), absent(&mark)])
        .and_then([put_leased(key, holder, lease)])
        .or_else([read(key), read(&mark)])
}

/// Marks the destination as promoted, and takes the leader key away from
/// whoever has it; reads the mark where there is one already.
pub(super) fn promote(leader: &[u8], mark: &[u8]) -> Txn {
    let key = promoted_key(leader);
    let ops = [
        TxnOp::put(key.as_slice(), mark, None),
        TxnOp::delete(leader, None),
    ];
    Txn::new()
        .when([absent(&key)])
        .and_then(ops)
        .or_else([read(&key)])
}

/// Writes other bytes in the place of those that a key has had since
/// `mod_revision`, under the lease that it has, if `fence` holds.
pub(super) fn replace(fence: &Fence, key: &[u8], mod_revision: i64, value: &[u8]) -> Txn {
    let mark = fence.key.as_slice();
    let holds = [
        Compare::create_revision(mark, CompareOp::Equal, fence.create_revision),
        Compare::mod_revision(mark, CompareOp::Equal, fence.mod_revision),
        Compare::mod_revision(key, CompareOp::Equal, mod_revision),
    ];
    let options = PutOptions::new().with_ignore_lease();
    Txn::new()
        .when(holds)
        .and_then([TxnOp::put(key, value, Some(options))])
}

/// Removes the mark if it is still as `fence` says, and writes other bytes in
/// the place of those that a key has had since a revision.
pub(super) fn take_back(fence: &Fence, instead: Option<(&[u8], i64, &[u8])>) -> Txn {
    let same = |key: &[u8], revision| Compare::mod_revision(key, CompareOp::Equal, revision);
    let key = fence.key.as_slice();
    let mut holds = vec![same(key, fence.mod_revision)];
    let mut ops = vec![TxnOp::delete(key, None)];
    if let Some((read, mod_revision, value)) = instead {
        holds.push(same(read, mod_revision));
        ops.push(TxnOp::put(read, value, None));
    }
    Txn::new().when(holds).and_then(ops)
}

fn absent(key: &[u8]) -> Compare {
    Compare::create_revision(key, CompareOp::Equal, 0)
}

fn read(key: &[u8]) -> TxnOp {
    TxnOp::get(key, None::<GetOptions>)
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
