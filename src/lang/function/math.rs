//! Overloads of numbers.
//!
//! Promises the functions of CEL's math extension, `math.greatest` and `math.least` of
//! up to 16 arguments. Deliberately computes nothing.

use super::Sig::{self, Bool, Double, Dyn, Int, List, Uint};
use super::{Function, Overload};

/// One row each.
pub(super) const ROWS: &[Overload] = overloads! {
    global Ceil "math.ceil" (Double) -> Double;
    global Floor "math.floor" (Double) -> Double;
    global Round "math.round" (Double) -> Double;
    global Trunc "math.trunc" (Double) -> Double;
    global Abs "math.abs" (Int) -> Int;
    global Abs "math.abs" (Uint) -> Uint;
    global Abs "math.abs" (Double) -> Double;
    global Sign "math.sign" (Int) -> Int;
    global Sign "math.sign" (Uint) -> Uint;
    global Sign "math.sign" (Double) -> Double;
    global Sqrt "math.sqrt" (Int) -> Double;
    global Sqrt "math.sqrt" (Uint) -> Double;
    global Sqrt "math.sqrt" (Double) -> Double;
    global IsNan "math.isNaN" (Double) -> Bool;
    global IsInf "math.isInf" (Double) -> Bool;
    global IsFinite "math.isFinite" (Double) -> Bool;
    global BitAnd "math.bitAnd" (Int, Int) -> Int;
    global BitAnd "math.bitAnd" (Uint, Uint) -> Uint;
    global BitOr "math.bitOr" (Int, Int) -> Int;
    global BitOr "math.bitOr" (Uint, Uint) -> Uint;
    global BitXor "math.bitXor" (Int, Int) -> Int;
    global BitXor "math.bitXor" (Uint, Uint) -> Uint;
    global BitNot "math.bitNot" (Int) -> Int;
    global BitNot "math.bitNot" (Uint) -> Uint;
    global ShiftLeft "math.bitShiftLeft" (Int, Int) -> Int;
    global ShiftLeft "math.bitShiftLeft" (Uint, Int) -> Uint;
    global ShiftRight "math.bitShiftRight" (Int, Int) -> Int;
    global ShiftRight "math.bitShiftRight" (Uint, Int) -> Uint;
    global Greatest "math.greatest" (List(&Int)) -> Int;
    global Greatest "math.greatest" (List(&Uint)) -> Uint;
    global Greatest "math.greatest" (List(&Double)) -> Double;
    global Greatest "math.greatest" (List(&Dyn)) -> Dyn;
    global Least "math.least" (List(&Int)) -> Int;
    global Least "math.least" (List(&Uint)) -> Uint;
    global Least "math.least" (List(&Double)) -> Double;
    global Least "math.least" (List(&Dyn)) -> Dyn;
};

/// How many arguments `math.greatest` takes.
const MOST: usize = 16;

const INTS: &[Sig] = &[Int; MOST];
const UINTS: &[Sig] = &[Uint; MOST];
const DOUBLES: &[Sig] = &[Double; MOST];
const DYNS: &[Sig] = &[Dyn; MOST];

/// The rows of `math.greatest` and `math.least` of several numbers: of one
/// type, or of any.
pub(super) fn of_many() -> impl Iterator<Item = Overload> {
    let functions = [
        (Function::Greatest, "math.greatest"),
        (Function::Least, "math.least"),
    ];
    let rows = functions.into_iter().flat_map(|function| {
        (1..=MOST).flat_map(move |count| {
            let types = [(INTS, Int), (UINTS, Uint), (DOUBLES, Double), (DYNS, Dyn)];
            let types = types.into_iter();
            types.map(move |(params, result)| (function, params.get(..count), result))
        })
    });
    rows.filter_map(|((function, name), params, result)| {
        Some(Overload {
            function,
            name,
            member: false,
            params: params?,
            result,
        })
    })
}
