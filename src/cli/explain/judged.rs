//! One key with its value, judged: what the report of it says.
//!
//! Promises that the decision shown is the one that `run` takes: both call
//! `rules::decide` and `rules::outgoing`. Deliberately asks nobody for keys.

use serde_json::{Value, json};

use super::settings::ExplainSettings;
use crate::cli::explain_report::{AtDestination, Changed, Need, Report, ToWrite, Whence};
use crate::rules::decide::{Decision, Event, Judge, Scratch, SkipReason};
use crate::rules::namespaces::Namespaces;
use crate::rules::outgoing::{OutgoingScratch, Rewriting};
use crate::rules::prospects::{Bar, Prospect};
use crate::rules::trace::RuleTrace;
use crate::source::Item;

/// A key, and what there is under it.
pub struct Found<'a> {
    /// The whole key.
    pub key: &'a [u8],
    /// What is there, if anything.
    pub item: Option<Item>,
    /// Where it is from.
    pub whence: Whence,
    /// What is known of Namespaces.
    pub namespaces: &'a Namespaces,
}

const ADDRESSES: &str = "its addresses and node ports are those that the destination has for it, else the source's where they are free there, else new ones: `services: reallocate`";

/// The report of one key.
pub fn report(judge: &Judge, settings: &ExplainSettings, found: Found<'_>) -> Report {
    let Found {
        key,
        item,
        whence,
        namespaces,
    } = found;
    let value = item.as_ref().map(|item| item.value.as_slice());
    let leased = item.as_ref().is_some_and(|item| item.lease != 0);
    let event = Event {
        key,
        value,
        leased,
        owned: false,
    };
    let mut decision = judge.decide(&event, namespaces, &mut Scratch::default());
    let mut to_write = None;
    // How an object would be written depends on how it is stored.
    if whence != Whence::Imagined {
        (decision, to_write) = last_look(judge, &event, decision, &mut OutgoingScratch::default());
    }
    let mut rules = value.map(|value| judge.trace(key, value, namespaces, settings.show_secrets));
    if let Some(Ok(traces)) = &mut rules {
        judge.trace_policies(traces);
        if leased {
            judge.trace_lease(traces);
        }
    }
    let asides = spared(&decision, &rules);
    let shown = value.filter(|_| settings.show_object);
    let object = shown.map(|value| judge.object(key, value, settings.show_secrets));
    Report {
        whence,
        past: None,
        notes: Vec::new(),
        asides,
        depends: addresses(judge, &event, &decision),
        by_key: match (value, &decision) {
            (None, Decision::Skip(SkipReason::Gone | SkipReason::NoCandidate)) => {
                by_key(&judge.prospects(key, namespaces))
            }
            _ => Vec::new(),
        },
        object: object.and_then(Result::ok),
        key: String::from_utf8_lossy(key).into_owned(),
        identity: value.map(|value| judge.identify(key, value)),
        outside: judge.is_outside_kubernetes(key),
        rule_names: judge
            .plan()
            .rules()
            .iter()
            .map(|rule| rule.name.clone())
            .collect(),
        candidates: judge
            .candidates(key)
            .into_iter()
            .map(str::to_owned)
            .collect(),
        item,
        decision,
        left_out: None,
        conflict: None,
        difference: None,
        to_write,
        rules,
        destination: AtDestination::NotAsked,
        unsigned: false,
    }
}

/// Why a policy that could keep it out does not.
fn spared<E>(decision: &Decision, rules: &Option<Result<Vec<RuleTrace>, E>>) -> Vec<String> {
    let (Decision::Put { rule }, Some(Ok(traces))) = (decision, rules) else {
        return Vec::new();
    };
    let own = traces.iter().find(|own| own.rule == *rule);
    let spared = own.and_then(|own| own.spared);
    let spared =
        spared.map(|(policy, why)| format!("  the policy `{policy}` does not keep it out: {why}"));
    spared.into_iter().collect()
}

/// Where a Service has its addresses from, if they may be others than at the
/// source.
fn addresses(judge: &Judge, event: &Event<'_>, decision: &Decision) -> Vec<String> {
    match (decision, event.value) {
        (Decision::Put { rule }, Some(value)) if judge.gives_addresses(event.key, value, *rule) => {
            vec![ADDRESSES.to_owned()]
        }
        _ => Vec::new(),
    }
}

/// What the mirror does once it has decided to write: the value is encrypted,
/// or the key is held after all.
pub fn last_look(
    judge: &Judge,
    event: &Event<'_>,
    decision: Decision,
    scratch: &mut OutgoingScratch,
) -> (Decision, Option<ToWrite>) {
    let (Decision::Put { rule }, Some(value)) = (&decision, event.value) else {
        return (decision, None);
    };
    let outgoing = match judge.outgoing(event.key, value, Some(*rule), scratch) {
        Ok(outgoing) => outgoing,
        Err(unfit) => {
            let held = Decision::Hold {
                rule: None,
                reason: unfit.reason,
                transient: unfit.transient,
            };
            return (held, None);
        }
    };
    let key = judge.key_map().to_destination(event.key);
    let moved = *key != *event.key;
    let to_write = ToWrite {
        key: String::from_utf8_lossy(&key).into_owned(),
        moved,
        reencrypted: outgoing.value.reencrypted(),
        changed: changed(judge, (event.key, value), outgoing.rewritings, false),
        along: Vec::new(),
        need: Need::Unknown,
    };
    (decision, Some(to_write))
}

/// What policies change in a value, with what the source has there; `there` says
/// whether the destination has the object already.
pub fn changed(
    judge: &Judge,
    (key, value): (&[u8], &[u8]),
    rewritings: Vec<Rewriting>,
    there: bool,
) -> Vec<Changed> {
    let object = match rewritings.is_empty() {
        true => None,
        false => judge.object(key, value, false).ok(),
    };
    Changed::all(rewritings, object.as_ref(), there)
}

/// One line for each rule; those that cannot select anything there because
/// they are for other resources are counted.
fn by_key(prospects: &[Prospect]) -> Vec<String> {
    let elsewhere = |own: &&Prospect| matches!(own.bar, Some(Bar::Resource | Bar::Keys));
    let (others, concerned): (Vec<_>, Vec<_>) = prospects.iter().partition(elsewhere);
    let mut lines: Vec<String> = concerned.iter().map(|own| prospect(own)).collect();
    match (others.as_slice(), concerned.is_empty()) {
        ([], _) => {}
        (_, true) => lines.push("none of them is for such a key".to_owned()),
        ([one], false) => lines.push(format!("- {}: is for other keys", one.rule)),
        (others, false) => lines.push(format!("- {} others are for other keys", others.len())),
    }
    lines
}

fn prospect(own: &Prospect) -> String {
    let rule = &own.rule;
    match &own.bar {
        None if own.depends.is_empty() => format!("✓ {rule}: could select it"),
        None => format!(
            "? {rule}: may select it, depending on its {}",
            quoted(&own.depends)
        ),
        Some(bar) => format!("✗ {rule}: {}", barred(bar)),
    }
}

/// Why a rule can select nothing under a key.
fn barred(bar: &Bar) -> String {
    match bar {
        Bar::Resource => "is for other resources".to_owned(),
        Bar::Keys => "is for other keys".to_owned(),
        Bar::Namespaces(names) => format!("selects from namespace {} only", quoted(names)),
        Bar::NoNamespace => "selects from namespaces, and this key is in none".to_owned(),
        Bar::NamespaceLabels(name) => {
            format!("wants another namespace than `{name}`, or other labels of it")
        }
        Bar::NoSuchNamespace(name) => {
            format!("looks at the Namespace `{name}`, which is not there")
        }
        Bar::Names(names) => format!("selects the name {} only", quoted(names)),
    }
}

fn quoted(names: &[String]) -> String {
    let names = names.iter().map(|name| format!("`{name}`"));
    names.collect::<Vec<_>>().join(", ")
}

/// What keeps the first rule that is for such keys from selecting one.
pub fn by_key_in_short(prospects: &[Prospect]) -> Option<String> {
    let barred_by = |own: &Prospect| match &own.bar {
        None | Some(Bar::Resource | Bar::Keys) => None,
        Some(bar) => Some(format!("`{}` {}", own.rule, barred(bar))),
    };
    prospects.iter().find_map(barred_by)
}

/// The same for programs.
pub fn prospects_json(prospects: &[Prospect]) -> Value {
    let each = prospects.iter().map(|own| {
        json!({
            "rule": own.rule,
            "possible": own.bar.is_none(),
            "reason": own.bar.as_ref().map(barred),
            "depends": own.depends,
        })
    });
    each.collect()
}
