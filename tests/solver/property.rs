//! Random pairs of rules: no claim has a counterexample among all objects of
//! the universe, every witness is selected by its rule, and little is left
//! undecided.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use carry::diagnostic::{Diagnostic, Level, SourceText, Span};
use carry::k8s::Keyring;
use carry::lang::Value;
use carry::lang::hir::{Node, NodeKind};
use carry::rules::claims::{Claim, Part, Why, claims};
use carry::rules::decide::{Decision, Event, Judge, Scratch};
use carry::rules::witness::{Witness, witnesses};
use carry::rules::{Plan, RuleId, load};
use carry::vm;

use super::random::{Dice, rule};
use super::universe::{self, Truth, World, truth};

/// How many rules a file has: each is compared with all before it.
const RULES: usize = 12;

/// How many pairs of rules are looked at, and for how long.
const PAIRS: usize = 100_000;
const TIME: Duration = Duration::from_secs(150);

/// Without optimisation there is no time for all.
const AT_LEAST: usize = 1_000;

/// How many of what is left open is shown.
const NOTED: usize = 24;

#[derive(Default)]
struct Counts {
    pairs: AtomicUsize,
    claims: [AtomicUsize; 8],
    /// Rules that select something of the universe, and those without a
    /// witness.
    selecting: AtomicUsize,
    without_witness: AtomicUsize,
    /// Rules that select nothing of the universe, and those of which neither
    /// that nor a witness is known.
    idle: AtomicUsize,
    undecided: AtomicUsize,
    excludes: AtomicUsize,
    excludes_without_witness: AtomicUsize,
    noted: AtomicUsize,
}

#[test]
fn no_claim_has_a_counterexample() {
    let universe = universe::all();
    let (counts, begun) = (Counts::default(), Instant::now());
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(4);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let pairs = counts.pairs.load(Ordering::Relaxed);
                    if pairs >= PAIRS || begun.elapsed() > TIME {
                        break;
                    }
                    look_at(seed as u64, &universe, &counts);
                }
            });
        }
    });
    let of = |count: &AtomicUsize| count.load(Ordering::Relaxed);
    let share = |part: &AtomicUsize, whole: &AtomicUsize| of(part) as f64 / of(whole).max(1) as f64;
    let shares = [
        share(&counts.without_witness, &counts.selecting),
        share(&counts.undecided, &counts.idle),
        share(&counts.excludes_without_witness, &counts.excludes),
    ];
    let kinds: Vec<usize> = counts.claims.iter().map(of).collect();
    println!(
        "{} pairs in {:?}, claims {kinds:?}",
        of(&counts.pairs),
        begun.elapsed()
    );
    println!(
        "without an answer: {shares:.4?} of {} selecting and {} idle rules, and {} excludes",
        of(&counts.selecting),
        of(&counts.idle),
        of(&counts.excludes)
    );
    assert!(of(&counts.pairs) >= AT_LEAST);
    assert!(kinds.iter().all(|count| *count > 0), "{kinds:?}");
    // Of the rules that are left open most differ from earlier ones in what has a
    // controller alone: a witness cannot be given one.
    assert!(shares.iter().all(|share| *share < 0.05), "{shares:?}");
}

/// A file of two rules, and how they come out.
struct File<'u> {
    plan: Plan,
    text: String,
    seed: u64,
    universe: &'u [World],
    values: Vec<Vec<Vec<Value<'u>>>>,
    truths: Vec<Vec<Truth>>,
    /// The same where policies keep nothing out.
    mirrored: Vec<Vec<Truth>>,
}

fn look_at(seed: u64, universe: &[World], counts: &Counts) {
    let mut dice = Dice::new(seed);
    let mut text = String::from("filters:\n  secondary:\n");
    for number in 0..RULES {
        text.push_str(&accepted_rule(&mut dice, number));
    }
    let loaded = load(&SourceText::new("rules.yaml", text.clone()));
    let failed = loaded
        .diagnostics
        .iter()
        .any(|own| own.level == Level::Error);
    let rules = loaded.rule_set.filter(|_| !failed);
    let rules = rules.unwrap_or_else(|| panic!("seed {seed}: {:?}", loaded.diagnostics));
    let (plan, found) = Plan::compile(&rules, "/registry");
    let plan = plan.unwrap_or_else(|| panic!("seed {seed}: {found:?}"));
    let rules_of = plan.rules().iter();
    let values: Vec<_> = rules_of
        .map(|rule| universe::values(universe, &rule.predicate))
        .collect();
    let truths = plan.rules().iter().zip(&values).map(|(rule, values)| {
        let values = values.iter();
        let verdicts = values.map(|values| vm::eval(&rule.program, &values[..]));
        verdicts.map(Truth::from).collect()
    });
    let truths: Vec<Vec<Truth>> = truths.collect();
    // What policies keep out, reason by reason, of every object.
    let kept: Vec<Vec<Truth>> = plan
        .kept_out()
        .iter()
        .map(|own| {
            let values = universe::values(universe, &own.predicate);
            let values = values.iter();
            values
                .map(|values| Truth::from(vm::eval(&own.program, &values[..])))
                .collect()
        })
        .collect();
    let all = plan.rules().iter().zip(&truths);
    let mirrored = all.map(|(rule, truths)| {
        let each = truths.iter().enumerate();
        let each = each.map(|(at, own)| {
            let world = &universe[at];
            let kind = world.object["kind"].as_str().unwrap_or_default();
            let reasons = plan.kept_out().iter().zip(&kept);
            let asked = reasons.filter(|(reason, _)| {
                reason.applies(rule.policies, &rule.named, world.group, kind)
            });
            mirrored(*own, asked.map(|(_, kept)| kept[at]).collect())
        });
        each.collect()
    });
    let file = File {
        mirrored: mirrored.collect(),
        truths,
        values,
        plan,
        text,
        seed,
        universe,
    };
    counts
        .pairs
        .fetch_add(RULES * (RULES - 1) / 2, Ordering::Relaxed);
    let all = claims(&rules, &file.plan);
    for claim in &all {
        counts.claims[number(claim)].fetch_add(1, Ordering::Relaxed);
        file.check(claim);
    }
    let judge = Judge::new(
        Plan::compile(&rules, "/registry")
            .0
            .expect("compiled before"),
        Keyring::default(),
    );
    for examples in witnesses(&rules, &judge) {
        file.check_examples(&examples.rule, &examples.selected, &judge, &all, counts);
        for (exclude, example) in examples.excluded.iter().enumerate() {
            if file.takes(examples.rule, exclude) {
                counts.excludes.fetch_add(1, Ordering::Relaxed);
                counts
                    .excludes_without_witness
                    .fetch_add(usize::from(example.is_none()), Ordering::Relaxed);
                if example.is_none() {
                    file.note(
                        counts,
                        &format!("no witness of exclude {exclude}"),
                        examples.rule,
                    );
                }
            }
        }
    }
}

/// What becomes of what a rule says once its policies have spoken.
fn mirrored(own: Truth, kept: Vec<Truth>) -> Truth {
    match own {
        Truth::Fails => own,
        _ if kept.contains(&Truth::Holds) => Truth::Fails,
        _ if kept.contains(&Truth::Faults) => Truth::Faults,
        _ => own,
    }
}

/// A random rule as an entry of the file. Some conditions are of the wrong type:
/// those are thrown away.
fn accepted_rule(dice: &mut Dice, number: usize) -> String {
    loop {
        let own = rule(dice, &format!("r{number}"));
        let entry = format!("    - {}\n", own.trim_end().replace('\n', "\n      "));
        let alone = format!("filters:\n  secondary:\n{entry}");
        let loaded = load(&SourceText::new("rules.yaml", alone));
        let is_error = |own: &Diagnostic| own.level == Level::Error;
        if !loaded.diagnostics.iter().any(is_error) {
            return entry;
        }
    }
}

fn number(claim: &Claim) -> usize {
    match claim {
        Claim::Never { .. } => 0,
        Claim::AlwaysTrue { .. } => 1,
        Claim::AlwaysFalse { .. } => 2,
        Claim::Shadowed { .. } => 3,
        Claim::ExcludesNothing { .. } => 4,
        Claim::ExcludesAll { .. } => 5,
        Claim::Covered { .. } => 6,
        Claim::KeptOut { .. } => 7,
    }
}

impl File<'_> {
    fn root(&self, rule: RuleId) -> &Node {
        &self.plan.rules()[rule.0 as usize].predicate.root
    }

    fn truths(&self, rule: RuleId) -> &[Truth] {
        &self.truths[rule.0 as usize]
    }

    fn mirrored(&self, rule: RuleId) -> &[Truth] {
        &self.mirrored[rule.0 as usize]
    }

    /// How another condition over the slots of a rule comes out.
    fn truths_of(&self, rule: RuleId, node: &Node) -> Vec<Truth> {
        let values = self.values[rule.0 as usize].iter();
        values.map(|values| truth(node, values)).collect()
    }

    fn deny(&self, wrong: bool, claim: &dyn std::fmt::Debug, at: usize) {
        let object = &self.universe[at].object;
        assert!(
            !wrong,
            "seed {}: {claim:?}\nis wrong of {object} in\n{}",
            self.seed, self.text
        );
    }

    /// Looks for a counterexample.
    fn check(&self, claim: &Claim) {
        let own = self.truths(claim.rule());
        let holds = |truth: &Truth| *truth == Truth::Holds;
        let wrong: Vec<bool> = match claim {
            Claim::Never { .. } => own.iter().map(holds).collect(),
            Claim::KeptOut { rule, .. } => self.mirrored(*rule).iter().map(holds).collect(),
            Claim::Shadowed { by, identical, .. } => {
                let own = self.mirrored(claim.rule());
                let earlier = |at: usize| by.iter().any(|by| holds(&self.mirrored(*by)[at]));
                let differs = |at: usize| match identical {
                    true => holds(&own[at]) != earlier(at),
                    false => holds(&own[at]) && !earlier(at),
                };
                (0..own.len()).map(differs).collect()
            }
            Claim::AlwaysTrue { rule, part } => {
                let without = self.truths_of(*rule, &with_constant(self.root(*rule), part, true));
                own.iter()
                    .zip(&without)
                    .map(|(with, without)| with != without)
                    .collect()
            }
            Claim::AlwaysFalse { rule, part } | Claim::Covered { rule, part, .. } => {
                let without = self.truths_of(*rule, &with_constant(self.root(*rule), part, false));
                own.iter()
                    .zip(&without)
                    .map(|(with, without)| holds(with) != holds(without))
                    .collect()
            }
            Claim::ExcludesNothing {
                rule,
                exclude,
                because,
                ..
            } => {
                let other = match because {
                    Why::CoveredBy(other) => Some(*other),
                    _ => None,
                };
                let takes = self.taken(*rule, *exclude);
                let also = other.map(|other| self.taken(*rule, other));
                let lost = |at: usize| takes[at] && !also.as_ref().is_some_and(|also| also[at]);
                (0..own.len()).map(lost).collect()
            }
            Claim::ExcludesAll { rule, exclude, .. } => {
                let (selected, takes) = (self.without_excludes(*rule), self.taken(*rule, *exclude));
                (0..own.len())
                    .map(|at| holds(&selected[at]) && !takes[at])
                    .collect()
            }
        };
        for (at, wrong) in wrong.into_iter().enumerate() {
            self.deny(wrong, claim, at);
        }
    }

    fn without_excludes(&self, rule: RuleId) -> Vec<Truth> {
        let root = self.root(rule);
        let kept = root.parts().iter().filter(|part| part.title != "excludes");
        self.truths_of(rule, &Node::all(kept.cloned().collect(), root.span))
    }

    /// What the rest of a rule selects and an exclude of it takes away.
    fn taken(&self, rule: RuleId, exclude: usize) -> Vec<bool> {
        let excludes = self
            .root(rule)
            .parts()
            .iter()
            .find(|part| part.title == "excludes");
        let node = &excludes.expect("excludes").parts()[0].parts()[exclude];
        let (selected, own) = (self.without_excludes(rule), self.truths_of(rule, node));
        let both = selected.iter().zip(&own);
        both.map(|(selected, own)| *selected == Truth::Holds && *own == Truth::Holds)
            .collect()
    }

    fn takes(&self, rule: RuleId, exclude: usize) -> bool {
        self.taken(rule, exclude).contains(&true)
    }

    fn check_examples(
        &self,
        rule: &RuleId,
        found: &Option<Witness>,
        judge: &Judge,
        all: &[Claim],
        counts: &Counts,
    ) {
        let add = |count: &AtomicUsize, more: bool| {
            count.fetch_add(usize::from(more), Ordering::Relaxed);
        };
        if let Some(witness) = found {
            let value = witness.content.bytes();
            let event = Event {
                key: witness.key.as_bytes(),
                value: Some(&value),
                leased: false,
                owned: false,
            };
            let decision = judge.decide(&event, &witness.namespaces(), &mut Scratch::default());
            assert_eq!(
                decision,
                Decision::Put { rule: *rule },
                "seed {}: {witness:?}\n{}",
                self.seed,
                self.text
            );
        }
        let earlier =
            |at: usize| (0..rule.0).any(|other| self.mirrored(RuleId(other))[at] == Truth::Holds);
        let mut selected = self.mirrored(*rule).iter().enumerate();
        let selects = selected.any(|(at, truth)| *truth == Truth::Holds && !earlier(at));
        let empty: HashSet<RuleId> = all
            .iter()
            .filter(|claim| {
                matches!(
                    claim,
                    Claim::Never { .. } | Claim::KeptOut { .. } | Claim::Shadowed { .. }
                )
            })
            .map(Claim::rule)
            .collect();
        let (own, missing) = match selects {
            true => (&counts.selecting, &counts.without_witness),
            false => (&counts.idle, &counts.undecided),
        };
        add(own, true);
        add(missing, found.is_none() && !empty.contains(rule));
        if found.is_none() && !empty.contains(rule) {
            let what = if selects { "no witness" } else { "undecided" };
            self.note(counts, what, *rule);
        }
    }

    /// Shows the first few rules that are left open.
    fn note(&self, counts: &Counts, what: &str, rule: RuleId) {
        if counts.noted.fetch_add(1, Ordering::Relaxed) < NOTED {
            let mut entries = self.text.split("    - name: r");
            let entry: &str = entries.nth(rule.0 as usize + 1).unwrap_or_default();
            println!("seed {}, {what}: {entry}", self.seed);
        }
    }
}

/// The same with a constant in the place of one condition.
fn with_constant(root: &Node, part: &Part, value: bool) -> Node {
    fn replace(node: &mut Node, span: Span, value: bool) -> bool {
        if node.span == span {
            node.kind = NodeKind::Const(value);
            return true;
        }
        match &mut node.kind {
            NodeKind::Not(part) => replace(part, span, value),
            NodeKind::All(parts) | NodeKind::Any(parts) => {
                let mut any = false;
                for part in parts {
                    any |= replace(part, span, value);
                }
                any
            }
            _ => false,
        }
    }
    let mut root = root.clone();
    let list = part.title.split(['[', '.']).next().unwrap_or_default();
    let mut replaced = false;
    if let NodeKind::All(parts) = &mut root.kind {
        for own in parts.iter_mut().filter(|own| own.title == list) {
            replaced |= replace(own, part.span, value);
        }
    }
    assert!(replaced, "{part:?} is not in the rule");
    root
}
