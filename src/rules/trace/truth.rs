//! How a condition came out: it holds, it does not, or it faults.
//! Deliberately without the reason, which is the condition's.

/// How a condition came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It holds.
    Holds,
    /// It does not.
    Fails,
    /// It depends on something that could not be read.
    Faults,
}

impl<E> From<Result<bool, E>> for Truth {
    fn from(found: Result<bool, E>) -> Truth {
        match found {
            Ok(true) => Truth::Holds,
            Ok(false) => Truth::Fails,
            Err(_) => Truth::Faults,
        }
    }
}
