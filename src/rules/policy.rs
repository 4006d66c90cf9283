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
    /// `onConflict`.
    pub on_conflict: OnConflict,
    /// `workloads`.
    pub workloads: Workloads,
    /// `owners`.
    pub owners: Owners,
    /// `drift`.
    pub drift: OnDrift,
    /// `services`.
    pub services: Services,
}

/// What becomes of a key that a rule selects, where the destination has another
/// object under it that carry has not written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnConflict {
    /// The destination's stays as it is.
    #[default]
    Keep,
    /// It is written over, and from then on carry's own: deleted when the
    /// source's is.
    Adopt,
    /// It is written over, and stays when the source's is deleted.
    Overwrite,
    /// carry ends with an error.
    Stop,
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

/// What the destination's controllers make of Deployments, Jobs and the like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Workloads {
    /// What the source's do.
    #[default]
    AsIs,
    /// Nothing: nothing runs before the destination is promoted.
    ScaledToZero,
    /// All but CronJobs and Jobs, which would do the source's work once more.
    Suspended,
}

/// What becomes of an object of which the destination lacks an owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Owners {
    /// It waits for its owners.
    #[default]
    Hold,
    /// It is written without the references to those that are not there.
    Strip,
    /// It is not written.
    Skip,
}

/// What becomes of a change that somebody else has made to a mirrored key at
/// the destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnDrift {
    /// It stays until the source's key changes, and is reported.
    #[default]
    Keep,
    /// The source's value is written again.
    Mend,
}

/// What becomes of Services, whose addresses are of their own cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Services {
    /// They have at the destination the addresses and node ports that they have
    /// there already, else the source's where these are free, else new ones.
    #[default]
    Reallocate,
    /// They have the source's, whatever the destination says.
    Keep,
    /// They are not mirrored.
    Skip,
    /// Only those without addresses are mirrored.
    HeadlessOnly,
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
    /// What the destination lacks the owners of.
    Owners,
    /// What the destination had before carry.
    OnConflict,
    /// What of a CustomResourceDefinition is the destination's own; a policy
    /// without a setting.
    Definitions,
    /// What runs workloads.
    Workloads,
    /// Services.
    Services,
}

impl Policy {
    /// All of them.
    pub const ALL: [Policy; 9] = [
        Policy::SystemObjects,
        Policy::ControlledObjects,
        Policy::PersistentVolumes,
        Policy::Deletion,
        Policy::Owners,
        Policy::OnConflict,
        Policy::Definitions,
        Policy::Workloads,
        Policy::Services,
    ];

    /// Its name in rules files and as a label.
    pub fn name(self) -> &'static str {
        match self {
            Policy::SystemObjects => "systemObjects",
            Policy::ControlledObjects => "controlledObjects",
            Policy::PersistentVolumes => "persistentVolumes",
            Policy::Deletion => "deletion",
            Policy::Owners => "owners",
            Policy::OnConflict => "onConflict",
            Policy::Definitions => "definitions",
            Policy::Workloads => "workloads",
            Policy::Services => "services",
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Some of the policies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PolicySet(u16);

impl PolicySet {
    /// Takes one in.
    pub fn insert(&mut self, policy: Policy) {
        self.0 |= PolicySet::bit(policy);
    }

    /// Whether it is among them.
    pub fn contains(self, policy: Policy) -> bool {
        self.0 & PolicySet::bit(policy) != 0
    }

    /// Each once.
    pub fn iter(self) -> impl Iterator<Item = Policy> {
        let all = Policy::ALL.into_iter();
        all.filter(move |policy| self.contains(*policy))
    }

    fn bit(policy: Policy) -> u16 {
        1 << policy as u16
    }
}

impl FromIterator<Policy> for PolicySet {
    fn from_iter<I: IntoIterator<Item = Policy>>(policies: I) -> PolicySet {
        let mut set = PolicySet::default();
        policies.into_iter().for_each(|policy| set.insert(policy));
        set
    }
}
