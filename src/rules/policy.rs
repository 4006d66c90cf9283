//! What keeps a standby cluster safe whatever the rules select: settings.
//!
//! Promises defaults under which nothing is mirrored that the standby makes for
//! itself. Deliberately without logic (see `kept_out` and `rewriting`).

use std::fmt;

/// The policies of one rule: `policies` of the file, and over those `policy`
/// of the rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Policies {
    /// `systemObjects`.
    pub system_objects: Kept,
    /// `controlledObjects`.
    pub controlled_objects: Kept,
    /// `persistentVolumes`.
    pub persistent_volumes: Volumes,
}

/// Whether something is mirrored at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Kept {
    /// Not where a rule selects it without naming it.
    #[default]
    Skip,
    /// As anything else.
    Mirror,
}

/// What becomes of PersistentVolumes and PersistentVolumeClaims.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Volumes {
    /// They are not mirrored.
    #[default]
    Skip,
    /// They are mirrored, to be bound anew at the destination, and no volume
    /// is deleted with its claim.
    Retain,
}

/// A policy that can keep an object from being mirrored, or change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Policy {
    /// What a cluster's own components make for themselves.
    SystemObjects,
    /// What a controller makes anew from another mirrored object.
    ControlledObjects,
    /// PersistentVolumes and PersistentVolumeClaims.
    PersistentVolumes,
    /// That something is being deleted is the source's affair; a policy
    /// without a setting.
    Deletion,
}

impl Policy {
    /// All of them.
    pub const ALL: [Policy; 4] = [
        Policy::SystemObjects,
        Policy::ControlledObjects,
        Policy::PersistentVolumes,
        Policy::Deletion,
    ];

    /// Its name in rules files and as a label.
    pub fn name(self) -> &'static str {
        match self {
            Policy::SystemObjects => "systemObjects",
            Policy::ControlledObjects => "controlledObjects",
            Policy::PersistentVolumes => "persistentVolumes",
            Policy::Deletion => "deletion",
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
