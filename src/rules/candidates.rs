//! Which rules can select a key, and what they read of its value.
//!
//! Promises that the rules of a set are found in constant time from the key,
//! however many rules the file has, and that one scan of the value fills every
//! slot that any of them reads.

use std::collections::HashMap;
use std::sync::Arc;

use crate::k8s::schema::{self, Resource};
use crate::k8s::{KeyResource, Path, Query};

use super::compiled::CompiledRule;
use super::kept_out::KeptOut;
use super::member::Member;
use super::member_index::MemberIndex;
use super::reach::CLUSTER_LOCAL;
use super::shared::{SharedCondition, share};
use super::slots::SlotSource;

/// The rules that may select objects of one resource.
#[derive(Debug)]
pub struct CandidateSet {
    /// In the order in which they are tried.
    pub members: Box<[Member]>,
    /// What is read of a value for any of them.
    pub sources: Box<[SlotSource]>,
    /// The fields among `sources`, with their places there.
    pub fields: Box<[(u16, Path)]>,
    /// The scan for the version that today's kube-apiservers store.
    pub query: Query,
    /// The scan's paths, for other versions.
    pub paths: Box<[Path]>,
    /// Which members to try.
    pub index: MemberIndex,
    /// What several members have in common.
    pub shared: Box<[SharedCondition]>,
    /// What policies may keep out of it: each by its place, with the set's slots
    /// for its own.
    pub kept_out: Box<[(usize, Box<[u16]>)]>,
    /// The slots of an object's group and kind, where policies ask for them.
    pub kind: (u16, u16),
}

impl CandidateSet {
    fn new(
        rules: &[CompiledRule],
        members: &[usize],
        kept_out: &[(usize, &KeptOut)],
        (api_version, kind): (&str, &str),
    ) -> Self {
        // An object's namespace decides which Namespace's labels are read.
        let mut sources = vec![SlotSource::Field(namespace_path())];
        let mut bound = Vec::with_capacity(members.len());
        for &rule in members {
            let binding = rules[rule]
                .sources
                .iter()
                .map(|source| place(&mut sources, source));
            bound.push(Member {
                rule,
                binding: binding.collect(),
                shared: Box::default(),
                rest: None,
            });
        }
        let kept_out = kept_out.iter().map(|(at, own)| {
            let slots = own.sources.iter();
            let slots = slots.map(|source| place(&mut sources, source));
            (*at, slots.collect())
        });
        let kept_out: Box<[(usize, Box<[u16]>)]> = kept_out.collect();
        let kind_slots = match kept_out.is_empty() {
            true => (0, 0),
            false => (
                place(&mut sources, &SlotSource::Group),
                place(&mut sources, &SlotSource::Kind),
            ),
        };
        let fields: Box<[(u16, Path)]> = sources
            .iter()
            .enumerate()
            .filter_map(|(at, source)| match source {
                SlotSource::Field(path) => Some((narrow(at), path.clone())),
                _ => None,
            })
            .collect();
        let paths: Box<[Path]> = fields.iter().map(|(_, path)| path.clone()).collect();
        let query = Query::new(&paths, api_version, kind);
        let shared = share(rules, &mut bound);
        CandidateSet {
            index: MemberIndex::new(rules, &bound, &sources),
            shared,
            members: bound.into(),
            sources: sources.into(),
            fields,
            query,
            paths,
            kept_out,
            kind: kind_slots,
        }
    }
}

fn namespace_path() -> Path {
    let step = |name: &str| crate::k8s::Step::Field(name.into());
    Path::new(vec![step("metadata"), step("namespace")])
}

fn place(sources: &mut Vec<SlotSource>, source: &SlotSource) -> u16 {
    let at = sources
        .iter()
        .position(|own| own == source)
        .unwrap_or_else(|| {
            sources.push(source.clone());
            sources.len() - 1
        });
    narrow(at)
}

/// Beyond 65,535 slots a set is refused when the plan is made.
fn narrow(at: usize) -> u16 {
    u16::try_from(at).unwrap_or(u16::MAX)
}

/// The sets of all resources.
#[derive(Debug)]
pub struct Candidates {
    /// What policies keep out, in the order in which they are asked.
    pub kept_out: Vec<KeptOut>,
    built_in: HashMap<&'static str, Arc<CandidateSet>>,
    custom: HashMap<String, Arc<CandidateSet>>,
    unknown: Arc<CandidateSet>,
    cluster_local: Arc<CandidateSet>,
}

/// Sets for groups that no rule names, found once and kept: a task's own.
pub type Found = HashMap<Box<str>, Arc<CandidateSet>>;

/// How many groups are kept; a cluster has a few hundred.
const MAX_FOUND: usize = 4096;

impl Candidates {
    /// Finds the candidates of every resource known before the first event.
    pub fn new(rules: &[CompiledRule], kept_out: Vec<KeptOut>) -> Candidates {
        let built_in = schema::resources().iter().map(|resource| {
            let set = built_in(rules, resource, &kept_out);
            (resource.path, Arc::new(set))
        });
        let mut groups: Vec<&str> = rules.iter().flat_map(CompiledRule::group_names).collect();
        groups.sort_unstable();
        groups.dedup();
        let custom = groups
            .into_iter()
            .map(|group| (group.to_owned(), Arc::new(custom(rules, group, &kept_out))));
        let unknown = members(rules, &KeyResource::Unknown(""));
        let of_unknown = asked(rules, &unknown, &KeyResource::Unknown(""), &kept_out);
        let unknown = CandidateSet::new(rules, &unknown, &of_unknown, ("", ""));
        let over_objects = |at: &usize| rules[*at].reach.keys().is_none();
        let all: Vec<usize> = (0..rules.len()).filter(over_objects).collect();
        Candidates {
            built_in: built_in.collect(),
            custom: custom.collect(),
            unknown: Arc::new(unknown),
            cluster_local: Arc::new(CandidateSet::new(rules, &all, &[], ("v1", "Endpoints"))),
            kept_out,
        }
    }

    /// The set for one resource.
    pub fn of(
        &self,
        resource: &KeyResource<'_>,
        rules: &[CompiledRule],
        found: &mut Found,
    ) -> Arc<CandidateSet> {
        match resource {
            KeyResource::BuiltIn(resource) => {
                Arc::clone(self.built_in.get(resource.path).unwrap_or(&self.unknown))
            }
            KeyResource::Custom { group, .. } => self.custom_of(group, rules, found),
            // Their keys say nothing of what they hold, and no rule decides:
            // it is for `explain` to say what the rules would.
            KeyResource::Unknown(first) if is_cluster_local_path(first) => {
                Arc::clone(&self.cluster_local)
            }
            KeyResource::Unknown(_) => Arc::clone(&self.unknown),
        }
    }

    fn custom_of(
        &self,
        group: &str,
        rules: &[CompiledRule],
        found: &mut Found,
    ) -> Arc<CandidateSet> {
        if let Some(set) = self.custom.get(group).or_else(|| found.get(group)) {
            return Arc::clone(set);
        }
        if found.len() >= MAX_FOUND {
            found.clear();
        }
        let set = Arc::new(custom(rules, group, &self.kept_out));
        found.insert(group.into(), Arc::clone(&set));
        set
    }

    /// The largest number of slots of any set.
    pub fn most_slots(&self) -> usize {
        let sets = self.built_in.values().chain(self.custom.values());
        sets.chain([&self.unknown, &self.cluster_local])
            .map(|set| set.sources.len())
            .max()
            .unwrap_or(0)
    }
}

fn is_cluster_local_path(first: &str) -> bool {
    CLUSTER_LOCAL.contains(&first)
}

/// What policies may keep out of what `members` select of a resource.
fn asked<'k>(
    rules: &[CompiledRule],
    members: &[usize],
    resource: &KeyResource<'_>,
    kept_out: &'k [KeptOut],
) -> Vec<(usize, &'k KeptOut)> {
    let asked = |own: &KeptOut| {
        let asks = |rule: &CompiledRule| own.is_asked(rule.policies) && !own.spares(&rule.named);
        own.is_about(resource) && members.iter().any(|at| asks(&rules[*at]))
    };
    let all = kept_out.iter().enumerate();
    all.filter(|(_, own)| asked(own)).collect()
}

fn built_in(
    rules: &[CompiledRule],
    resource: &'static Resource,
    kept_out: &[KeptOut],
) -> CandidateSet {
    let own = KeyResource::BuiltIn(resource);
    let members = members(rules, &own);
    let kept_out = asked(rules, &members, &own, kept_out);
    let api_version = match resource.group {
        "" => resource.version.to_owned(),
        group => format!("{group}/{}", resource.version),
    };
    CandidateSet::new(rules, &members, &kept_out, (&api_version, resource.kind))
}

fn custom(rules: &[CompiledRule], group: &str, kept_out: &[KeptOut]) -> CandidateSet {
    let own = KeyResource::Custom { group, plural: "" };
    let members = members(rules, &own);
    let kept_out = asked(rules, &members, &own, kept_out);
    CandidateSet::new(rules, &members, &kept_out, (&format!("{group}/v1"), ""))
}

fn members(rules: &[CompiledRule], resource: &KeyResource<'_>) -> Vec<usize> {
    (0..rules.len())
        .filter(|&at| rules[at].reach.covers_resource(resource))
        .collect()
}
