//! A whole rules file, compiled: which rules can apply to a key, where to
//! look, in which order to apply.
//!
//! Promises that its ranges hold every key that any rule can select.
//! Deliberately evaluates nothing (see `decide`).

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::diagnostic::{Diagnostic, Spanned};
use crate::k8s::schema;
use crate::lang::hir::{Predicate, Slot};
use crate::lang::listing;

use super::candidates::Candidates;
use super::carried::Carried;
use super::codes;
use super::compiled::CompiledRule;
use super::kept_out::{self, KeptOut};
use super::key_range::{KeyRange, normalize};
use super::policy::{OnDrift, Policies, Services, Workloads};
use super::reach::Reach;
use super::rule_set::{Leases, Phase, Rule, RuleId, RuleSet};
use super::slots::SlotSource;

/// A part of a bootstrap that is finished before the next begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// For people: the rule's name, or `secondary`.
    pub name: String,
    /// One sequential rule, or all secondary ones.
    pub phase: Phase,
    /// What to list: sorted, disjoint.
    pub ranges: Vec<KeyRange>,
}

/// A rules file, compiled for one key prefix.
#[derive(Debug)]
pub struct Plan {
    pub(super) prefix: String,
    pub(super) rules: Vec<CompiledRule>,
    pub(super) candidates: Candidates,
    key_rules: Vec<usize>,
    mirrors_leases: bool,
    number: u64,
    ranges: Vec<KeyRange>,
    stages: Vec<Stage>,
    digest: String,
}

/// More slots than the values of one resource can be scanned for.
const MAX_SLOTS: usize = u16::MAX as usize;

/// Another one for each change of what policies change by default.
const REWRITING: &str = "2";

/// The number of the next plan; 0 is none's.
static PLANS: AtomicU64 = AtomicU64::new(1);

impl Plan {
    /// Compiles `rule_set` for keys under `prefix` (`/registry`).
    ///
    /// Returns everything found on the way; there is no plan if any of it is
    /// an error.
    pub fn compile(rule_set: &RuleSet, prefix: &str) -> (Option<Plan>, Vec<Diagnostic>) {
        let mut diagnostics = Vec::new();
        let mut rules = Vec::new();
        let reaches: Vec<Reach> = rule_set.rules().map(Reach::of).collect();
        let carried = Carried::of(rule_set.rules().zip(&reaches));
        for (rule, reach) in rule_set.rules().zip(reaches) {
            diagnostics.extend(unreachable_keys(rule, prefix));
            match CompiledRule::new(rule, reach) {
                Ok(compiled) => rules.push(compiled),
                Err(diagnostic) => diagnostics.push(diagnostic),
            }
        }
        let failed = |diagnostics: &[Diagnostic]| {
            diagnostics
                .iter()
                .any(|own| own.level == crate::diagnostic::Level::Error)
        };
        if failed(&diagnostics) {
            return (None, diagnostics);
        }
        let plan = Plan::new(rules, kept_out::all(&carried), prefix.trim_end_matches('/'));
        if plan.candidates.most_slots() > MAX_SLOTS {
            let span = plan.rules.first().map(|rule| rule.span).unwrap_or_default();
            let message = format!(
                "the rules read more than {MAX_SLOTS} different labels and fields of one kind"
            );
            diagnostics.push(
                codes::TOO_LARGE
                    .at(span, message)
                    .help("split the file and run one carry for each part"),
            );
            return (None, diagnostics);
        }
        (Some(plan), diagnostics)
    }

    fn new(rules: Vec<CompiledRule>, kept_out: Vec<KeptOut>, prefix: &str) -> Plan {
        let candidates = Candidates::new(&rules, kept_out);
        let over_keys = |at: &usize| rules[*at].reach.keys().is_some();
        let mut plan = Plan {
            prefix: prefix.to_owned(),
            number: PLANS.fetch_add(1, Ordering::Relaxed),
            key_rules: (0..rules.len()).filter(over_keys).collect(),
            mirrors_leases: rules.iter().any(|rule| rule.leases == Leases::Mirror),
            rules,
            candidates,
            ranges: Vec::new(),
            stages: Vec::new(),
            digest: String::new(),
        };
        plan.stages = plan.make_stages();
        let staged = plan.stages.iter().flat_map(|stage| stage.ranges.clone());
        let namespaces = plan.reads_namespaces().then(|| plan.namespace_range());
        plan.ranges = plan.joined(staged.chain(namespaces).collect());
        plan.digest = plan.make_digest();
        plan
    }

    fn make_stages(&self) -> Vec<Stage> {
        let mut stages = Vec::new();
        for rule in self.phase(Phase::Sequential) {
            let ranges = rule.reach.ranges(&self.prefix, None);
            stages.push(Stage {
                name: rule.name.clone(),
                phase: Phase::Sequential,
                ranges,
            });
        }
        let secondary = self.phase(Phase::Secondary);
        let ranges = secondary
            .flat_map(|rule| rule.reach.ranges(&self.prefix, None))
            .collect();
        stages.push(Stage {
            name: Phase::Secondary.to_string(),
            phase: Phase::Secondary,
            ranges: self.joined(ranges),
        });
        stages
    }

    /// Sorted and disjoint. None reaches across an end of the key prefix: a
    /// destination may have what lies under it elsewhere.
    fn joined(&self, ranges: Vec<KeyRange>) -> Vec<KeyRange> {
        let prefix = format!("{}/", self.prefix);
        let (within, outside): (Vec<_>, Vec<_>) = ranges
            .into_iter()
            .partition(|range| range.start.starts_with(prefix.as_bytes()));
        let mut all = normalize(within);
        all.extend(normalize(outside));
        all.sort_unstable();
        all
    }

    fn phase(&self, phase: Phase) -> impl Iterator<Item = &CompiledRule> {
        self.rules.iter().filter(move |rule| rule.phase == phase)
    }

    /// The rules, in the order in which they are tried.
    pub fn rules(&self) -> &[CompiledRule] {
        &self.rules
    }

    /// What policies keep out, in the order in which they are asked.
    pub fn kept_out(&self) -> &[KeptOut] {
        &self.candidates.kept_out
    }

    /// Whether one of these may take something away from any rule.
    pub fn asks(&self, own: &KeptOut) -> bool {
        let mut rules = self.rules.iter();
        rules.any(|rule| {
            own.is_asked(rule.policies) && !own.spares(&rule.named) && own.concerns(&rule.reach)
        })
    }

    /// The key prefix, without a slash at its end.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Every range that any rule can select from, and that of the Namespaces
    /// where their labels are read: sorted, disjoint.
    pub fn ranges(&self) -> &[KeyRange] {
        &self.ranges
    }

    /// Each sequential rule by itself, then all secondary rules together.
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// The stage in which `rule`'s keys are applied: an index into `stages`.
    pub fn stage_of(&self, rule: RuleId) -> usize {
        (rule.0 as usize).min(self.stages.len() - 1)
    }

    /// Whether any rule looks at Namespaces.
    pub fn reads_namespaces(&self) -> bool {
        self.rules
            .iter()
            .flat_map(|rule| &rule.sources)
            .any(SlotSource::may_fault)
    }

    /// Whether any rule reads more of Namespaces than their labels.
    pub fn reads_namespace_fields(&self) -> bool {
        let mut sources = self.rules.iter().flat_map(|rule| &rule.sources);
        sources.any(|source| matches!(source, SlotSource::NamespaceField(_)))
    }

    /// Whether any rule is over keys outside of Kubernetes.
    pub fn has_key_rules(&self) -> bool {
        !self.key_rules.is_empty()
    }

    /// Whether any rule selects keys that are attached to an etcd lease.
    pub fn mirrors_leases(&self) -> bool {
        self.mirrors_leases
    }

    /// Whether any rule gives Services addresses of the destination.
    pub fn reallocates(&self) -> bool {
        let mut rules = self.rules.iter();
        rules.any(|rule| rule.policies.services == Services::Reallocate)
    }

    /// Tells it from every other plan of this process.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The rules over keys outside of Kubernetes, by their places.
    pub(super) fn key_rules(&self) -> &[usize] {
        &self.key_rules
    }

    /// Where the Namespace objects are.
    pub fn namespace_range(&self) -> KeyRange {
        KeyRange::prefix(format!("{}/namespaces/", self.prefix))
    }

    /// The name of a rule; empty for a number that no rule has.
    pub fn rule_name(&self, rule: RuleId) -> &str {
        self.rules
            .get(rule.0 as usize)
            .map_or("", |rule| &rule.name)
    }

    /// Sixteen hexadecimal digits: the same for files that mean the same,
    /// whatever their comments and layout.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Tells what policies change in values from other such changes: where it
    /// is another one, what is at the destination is compared anew, and whether
    /// Services have what they should of addresses.
    pub fn rewriting(&self) -> String {
        let mut digest = format!("{:016x}", fnv1a(REWRITING.as_bytes()));
        let of_objects = || self.rules.iter().filter(|rule| rule.reach.keys().is_none());
        let workloads = same(of_objects().map(|rule| rule.policies.workloads));
        let of_services = of_objects().filter(|rule| rule.reach.covers_services());
        let services = same(of_services.map(|rule| rule.policies.services));
        // Else it depends on which rule selects what.
        let (Some(workloads), Some(services)) = (workloads, services) else {
            return format!("{digest} {}", self.digest);
        };
        if workloads != Workloads::default() {
            let _ = write!(digest, " {workloads:?}");
        }
        if services != Services::default() {
            let _ = write!(digest, " {services:?}");
        }
        digest
    }

    fn make_digest(&self) -> String {
        let mut text = format!("prefix {}\n", self.prefix);
        for rule in &self.rules {
            let _ = writeln!(text, "{} {} {:?}", rule.phase, rule.name, rule.on_error);
            // Nothing where it says nothing, as before there was the field.
            if rule.leases != Leases::default() {
                let _ = writeln!(text, "leases {:?}", rule.leases);
            }
            if rule.policies != Policies::default() {
                let _ = writeln!(text, "policies {:?}", rule.policies);
            }
            // By number: names of slots are for people and may coincide.
            let slots = (0..rule.sources.len()).map(|number| Slot {
                name: format!("${number}"),
                may_fault: false,
            });
            let _ = writeln!(text, "{:?}", rule.sources);
            text.push_str(&listing::hir(&Predicate {
                root: rule.predicate.root.clone(),
                slots: slots.collect(),
            }));
        }
        for own in self.kept_out() {
            let _ = writeln!(text, "{} {:?}", own.policy, own.sources);
            text.push_str(&listing::hir(&own.predicate));
        }
        format!("{:016x}", fnv1a(text.as_bytes()))
    }

    /// For people: the rules with their ranges, the stages, and the candidates
    /// of each resource that has any.
    pub fn listing(&self) -> String {
        let mut out = format!("digest {}\n\nstages\n", self.digest);
        for stage in &self.stages {
            let _ = writeln!(out, "  {}", stage.name);
            for range in &stage.ranges {
                let _ = writeln!(out, "    {}", show(range));
            }
        }
        out.push_str("\ncandidates by key\n");
        for resource in schema::resources() {
            let names = self.rules.iter().filter(|rule| {
                rule.reach
                    .covers_resource(&crate::k8s::KeyResource::BuiltIn(resource))
            });
            let names: Vec<&str> = names.map(|rule| rule.name.as_str()).collect();
            if !names.is_empty() {
                let _ = writeln!(
                    out,
                    "  {}/{}/  {}",
                    self.prefix,
                    resource.path,
                    names.join(", ")
                );
            }
        }
        self.list_custom(&mut out);
        self.list_keys(&mut out);
        self.list_leases(&mut out);
        self.list_mended(&mut out);
        out
    }

    fn list_keys(&self, out: &mut String) {
        for &at in &self.key_rules {
            let Some(rule) = self.rules.get(at) else {
                continue;
            };
            for range in rule.reach.ranges(&self.prefix, None) {
                let _ = writeln!(out, "  {}  {}", show(&range), rule.name);
            }
        }
    }

    fn list_leases(&self, out: &mut String) {
        let mirrors = |rule: &&CompiledRule| rule.leases == Leases::Mirror;
        let names = self.rules.iter().filter(mirrors);
        let names: Vec<&str> = names.map(|rule| rule.name.as_str()).collect();
        if !names.is_empty() {
            let _ = writeln!(out, "\nkeys attached to a lease\n  {}", names.join(", "));
        }
    }

    fn list_mended(&self, out: &mut String) {
        let mends = |rule: &&CompiledRule| rule.policies.drift == OnDrift::Mend;
        let names = self.rules.iter().filter(mends);
        let names: Vec<&str> = names.map(|rule| rule.name.as_str()).collect();
        if !names.is_empty() {
            let names = names.join(", ");
            let _ = writeln!(out, "\nmended where others change it\n  {names}");
        }
    }

    fn list_custom(&self, out: &mut String) {
        for (place, resource) in [
            ("<group>/<plural>/ of custom resources", None),
            (
                "<any plural that carry does not know>/",
                Some(crate::k8s::KeyResource::Unknown("")),
            ),
        ] {
            let names = self.rules.iter().filter(|rule| match &resource {
                Some(resource) => rule.reach.covers_resource(resource),
                None => rule.reach.selects_custom(),
            });
            let names: Vec<&str> = names.map(|rule| rule.name.as_str()).collect();
            if !names.is_empty() {
                let _ = writeln!(out, "  {}/{place}  {}", self.prefix, names.join(", "));
            }
        }
    }
}

/// What all have, or the default where there are none; `None` where they differ.
fn same<T: Default + PartialEq>(mut all: impl Iterator<Item = T>) -> Option<T> {
    let first = all.next().unwrap_or_default();
    all.all(|other| other == first).then_some(first)
}

/// Keys that a rule over other keys cannot select, since they are Kubernetes'.
fn unreachable_keys(rule: &Rule, prefix: &str) -> Vec<Diagnostic> {
    let prefix = format!("{}/", prefix.trim_end_matches('/'));
    let within = rule
        .keys
        .iter()
        .filter(|glob| glob.value.starts_with(&prefix));
    let warn = |glob: &Spanned<String>| {
        let message = format!(
            "`{}` selects nothing: keys under `{prefix}` are Kubernetes'",
            glob.value
        );
        codes::UNREACHABLE_KEYS
            .at(glob.span, message)
            .help("select them by `group` and `resources`, in a rule without `keys`")
    };
    within.map(warn).collect()
}

/// A range as people read it: a prefix where it is one.
fn show(range: &KeyRange) -> String {
    let start = range.start.escape_ascii();
    if KeyRange::prefix(range.start.clone()) == *range {
        return format!("{start}*");
    }
    format!("{start} .. {}", range.end.escape_ascii())
}

/// FNV-1a, 64 bits: stable across releases and machines, which is all that a
/// digest of one's own rules needs.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
