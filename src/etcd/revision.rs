//! Revisions of the two etcds, which must never be mixed up.

use std::fmt;

macro_rules! revision {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

revision! {
    /// A revision of the source etcd: 1 and up; 0 before anything is known.
    SourceRevision
}

revision! {
    /// A revision of the destination etcd: 1 and up.
    DestRevision
}
