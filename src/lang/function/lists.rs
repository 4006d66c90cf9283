//! Overloads of lists and sets.
//!
//! Promises the functions of CEL's list and set extensions and of Kubernetes. Deliberately computes nothing.

use super::Overload;
use super::Sig::{
    self, Bool, Bytes, Double, Duration, Dyn, Int, List, Optional, Param, String, Timestamp, Uint,
};

const A: Sig = Param(0);
const LIST: Sig = List(&A);

/// One row each.
pub(super) const ROWS: &[Overload] = overloads! {
    member IsSorted "isSorted" (List(&Int)) -> Bool;
    member IsSorted "isSorted" (List(&Uint)) -> Bool;
    member IsSorted "isSorted" (List(&Double)) -> Bool;
    member IsSorted "isSorted" (List(&Bool)) -> Bool;
    member IsSorted "isSorted" (List(&Duration)) -> Bool;
    member IsSorted "isSorted" (List(&Timestamp)) -> Bool;
    member IsSorted "isSorted" (List(&String)) -> Bool;
    member IsSorted "isSorted" (List(&Bytes)) -> Bool;
    member IsSorted "isSorted" (List(&Dyn)) -> Bool;
    member Sum "sum" (List(&Int)) -> Int;
    member Sum "sum" (List(&Uint)) -> Uint;
    member Sum "sum" (List(&Double)) -> Double;
    member Sum "sum" (List(&Duration)) -> Duration;
    member Sum "sum" (List(&Dyn)) -> Dyn;
    member Min "min" (List(&Int)) -> Int;
    member Min "min" (List(&Uint)) -> Uint;
    member Min "min" (List(&Double)) -> Double;
    member Min "min" (List(&Bool)) -> Bool;
    member Min "min" (List(&Duration)) -> Duration;
    member Min "min" (List(&Timestamp)) -> Timestamp;
    member Min "min" (List(&String)) -> String;
    member Min "min" (List(&Bytes)) -> Bytes;
    member Min "min" (List(&Dyn)) -> Dyn;
    member Max "max" (List(&Int)) -> Int;
    member Max "max" (List(&Uint)) -> Uint;
    member Max "max" (List(&Double)) -> Double;
    member Max "max" (List(&Bool)) -> Bool;
    member Max "max" (List(&Duration)) -> Duration;
    member Max "max" (List(&Timestamp)) -> Timestamp;
    member Max "max" (List(&String)) -> String;
    member Max "max" (List(&Bytes)) -> Bytes;
    member Max "max" (List(&Dyn)) -> Dyn;
    member Sort "sort" (List(&Int)) -> List(&Int);
    member Sort "sort" (List(&Uint)) -> List(&Uint);
    member Sort "sort" (List(&Double)) -> List(&Double);
    member Sort "sort" (List(&Bool)) -> List(&Bool);
    member Sort "sort" (List(&Duration)) -> List(&Duration);
    member Sort "sort" (List(&Timestamp)) -> List(&Timestamp);
    member Sort "sort" (List(&String)) -> List(&String);
    member Sort "sort" (List(&Bytes)) -> List(&Bytes);
    member Sort "sort" (List(&Dyn)) -> List(&Dyn);
    member IndexOf "indexOf" (LIST, A) -> Int;
    member LastIndexOf "lastIndexOf" (LIST, A) -> Int;
    member First "first" (LIST) -> Optional(&A);
    member Last "last" (LIST) -> Optional(&A);
    member Distinct "distinct" (LIST) -> LIST;
    member Flatten "flatten" (List(&LIST)) -> LIST;
    member Flatten "flatten" (List(&Dyn)) -> List(&Dyn);
    member Flatten "flatten" (List(&Dyn), Int) -> List(&Dyn);
    global Range "lists.range" (Int) -> List(&Int);
    member Reverse "reverse" (LIST) -> LIST;
    member Slice "slice" (LIST, Int, Int) -> LIST;

    global SetsContains "sets.contains" (LIST, LIST) -> Bool;
    global SetsEquivalent "sets.equivalent" (LIST, LIST) -> Bool;
    global SetsIntersects "sets.intersects" (LIST, LIST) -> Bool;
};
