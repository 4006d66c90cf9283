//! Scripted rules over `/r/`, in several versions, and what they mean.
//!
//! `first/` is a sequential rule's, and values with `first` in `plain/`; then `namespaces/` (values with `pick`)
//! another's; `config/<namespace>/…` is selected where the Namespace's value
//! has the label of the version, or by the rule `twin` where the value has
//! `twin`; `plain/…` always. Words in values change that: `skip` (never
//! selected), `bad` (cannot be judged), `later` (cannot be judged until it is
//! mended), `unfit` and `unfit-later` (must not be written), in a Namespace
//! `garbage` (cannot be read). What `of:<key>#<n>` means, `owners.rs` says.
//!
//! Services are as `config/…`, and so are custom resources; definitions are as
//! `plain/…`, always. What becomes of these at the destination, carry's own rules
//! say.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use carry::k8s::{Provider, Transferred};
use carry::mirror::Judging;
use carry::rules::decide::{
    Decision, DeleteReason, Event, Judge, KeyRange, Scratch, SkipReason, Stage,
};
use carry::rules::drift::Drift;
use carry::rules::identity::{Identity, Side};
use carry::rules::landing::{
    Addresses, CrdTable, Definition, Landing, Leaving, Obstacle, Seen, StoredObjects, There, Wanted,
};
use carry::rules::namespaces::{Namespaces, View};
use carry::rules::outgoing::{Outgoing, OutgoingScratch, Unfit};
use carry::rules::policy::{OnConflict, OnDrift, Owners};
use carry::rules::{Phase, RuleId};

use super::definitions::{self, is_object};
use super::owners;
use super::services::{self, Addressing, is_service, told};

/// One rules file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    pub first: bool,
    pub plain: bool,
    pub twin: bool,
    pub label: &'static str,
}

impl Version {
    pub const ALL: Version = Version {
        first: true,
        plain: true,
        twin: false,
        label: "on",
    };

    pub fn digest(self) -> String {
        format!("{self:?}")
    }
}

/// What is known of a Namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Labels<'a> {
    None,
    Some(&'a str),
    Unreadable,
}

/// What the rules say of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Put(u32),
    No,
    Hold { transient: bool },
}

/// The rules themselves, of a key that is there.
pub fn judge<'n>(
    version: Version,
    mended: bool,
    key: &str,
    value: &str,
    labels: impl Fn(&str) -> Labels<'n>,
) -> Verdict {
    let has = |word: &str| value.split(' ').any(|found| found == word);
    if has("skip") {
        return Verdict::No;
    }
    let parts: Vec<&str> = key.split('/').skip(2).collect();
    let rule = match parts[..] {
        ["first", _] if version.first => 0,
        ["namespaces", _] if has("pick") => 1,
        ["apiextensions.k8s.io", _, _] => 3,
        ["config", namespace, _]
        | ["services", "specs", namespace, _]
        | ["example.com", _, namespace, _] => match labels(namespace) {
            _ if version.twin && has("twin") => 4,
            Labels::Unreadable => return Verdict::Hold { transient: false },
            Labels::Some(labels) if labels.split(' ').any(|label| label == version.label) => 2,
            _ => return Verdict::No,
        },
        ["plain", _] if version.first && has("first") => 0,
        ["plain", _] if version.plain => 3,
        _ => return Verdict::No,
    };
    match () {
        () if has("bad") => Verdict::Hold { transient: false },
        () if has("later") && !mended => Verdict::Hold { transient: true },
        () => Verdict::Put(rule),
    }
}

/// Whether a value that is selected can be written; else whether that may pass.
pub fn fit(mended: bool, key: &str, value: &str, max_bytes: usize) -> Result<(), bool> {
    let has = |word: &str| value.split(' ').any(|found| found == word);
    match () {
        () if has("unfit") || value.is_empty() && !may_be_empty(key) => Err(false),
        () if has("unfit-later") && !mended => Err(true),
        () if key.len() + value.len() > max_bytes => Err(false),
        () => Ok(()),
    }
}

/// The Namespace whose labels decide about a key.
pub fn namespace_of(key: &str) -> Option<&str> {
    let folders = ["/r/config/", "/r/services/specs/"];
    let rest = folders
        .iter()
        .chain(&definitions::FOLDERS)
        .find_map(|folder| key.strip_prefix(*folder))?;
    rest.split('/').next()
}

fn may_be_empty(key: &str) -> bool {
    key == "/r/plain/c"
}

/// Takes the encryption off.
pub fn opened(stored: &[u8]) -> &[u8] {
    match stored.strip_prefix(b"~") {
        Some(sealed) => sealed.get(2..).unwrap_or_default(),
        None => stored,
    }
}

/// Values live as long as the process: there are few.
fn interned(value: Vec<u8>) -> &'static [u8] {
    static ALL: OnceLock<Mutex<HashSet<&'static [u8]>>> = OnceLock::new();
    let mut all = ALL.get_or_init(Mutex::default).lock().expect("no panic");
    if let Some(found) = all.get(value.as_slice()) {
        return found;
    }
    let kept: &'static [u8] = value.leak();
    all.insert(kept);
    kept
}

/// What lives longer than one process of carry.
#[derive(Default)]
pub struct Outside {
    /// The KMS plugin answers, so to speak.
    pub mended: AtomicBool,
    pub nonces: AtomicU64,
    /// What becomes of what others have under keys that are selected.
    pub conflict: OnConflict,
    /// What becomes of the addresses of Services, if there are any.
    pub services: Option<Addressing>,
    /// What others change at the destination is mended.
    pub mend: bool,
    /// What becomes of what has owners, if anything has.
    pub owners: Option<Owners>,
    /// There are definitions and custom resources.
    pub defined: bool,
}

/// One version of the rules in use.
pub struct Rules {
    version: Version,
    sealed: bool,
    outside: Arc<Outside>,
    digest: String,
    stages: Vec<Stage>,
    ranges: Vec<KeyRange>,
}

impl Rules {
    pub fn version(&self) -> Version {
        self.version
    }

    pub fn new(version: Version, sealed: bool, outside: Arc<Outside>) -> Rules {
        let ranges = |folders: &[(&str, bool)]| -> Vec<KeyRange> {
            let wanted = folders.iter().filter(|(_, wanted)| *wanted);
            wanted
                .map(|(folder, _)| KeyRange::prefix(format!("/r/{folder}/")))
                .collect()
        };
        let stage = |name: &str, phase, folders: &[(&str, bool)]| Stage {
            name: name.to_owned(),
            phase,
            ranges: ranges(folders),
        };
        let Version { first, plain, .. } = version;
        let (services, defined) = (outside.services.is_some(), outside.defined);
        let stages = vec![
            stage(
                "first",
                Phase::Sequential,
                &[("first", first), ("plain", first)],
            ),
            stage("namespaces", Phase::Sequential, &[("namespaces", true)]),
            stage(
                "secondary",
                Phase::Secondary,
                &[
                    ("apiextensions.k8s.io/customresourcedefinitions", defined),
                    ("config", true),
                    ("example.com", defined),
                    ("plain", plain),
                    ("services/specs", services),
                ],
            ),
        ];
        Rules {
            version,
            sealed,
            outside,
            digest: version.digest(),
            stages,
            ranges: ranges(&[
                ("apiextensions.k8s.io/customresourcedefinitions", defined),
                ("config", true),
                ("example.com", defined),
                ("first", first),
                ("namespaces", true),
                ("plain", plain || first),
                ("services/specs", services),
            ]),
        }
    }

    fn is_mended(&self) -> bool {
        self.outside.mended.load(Ordering::SeqCst)
    }

    /// What carry itself says of a key that is a Service's.
    fn of_service(&self, key: &[u8]) -> Option<&'static Judge> {
        let addressing = self.outside.services?;
        is_service(text(key)).then(|| services::judge(addressing.keep))
    }

    /// The same where it is an object, and its rule there.
    fn of_object(&self, key: &[u8]) -> Option<(&'static Judge, Option<RuleId>)> {
        let key = text(key);
        is_object(key).then(|| (definitions::judge(), definitions::rule(key)))
    }

    /// What carry itself says of any key.
    fn own(&self, key: &[u8]) -> Option<(&'static Judge, Option<RuleId>)> {
        let service = self.of_service(key).map(|judge| (judge, ONLY));
        service.or_else(|| self.of_object(key))
    }

    /// The same of all that has to do with addresses.
    fn of_addresses(&self) -> Option<&'static Judge> {
        Some(services::judge(self.outside.services?.keep))
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

fn is_on(label: &str, view: &View) -> bool {
    matches!(view, View::Present(labels) if labels.iter().any(|(key, _)| &**key == label))
}

impl Rules {
    /// As the destination stores it.
    fn stored(&self, value: &[u8]) -> Transferred<'static> {
        let value = match self.sealed {
            true => {
                let nonce = self.outside.nonces.fetch_add(1, Ordering::SeqCst) % 4;
                [b"~", nonce.to_string().as_bytes(), b"~", value].concat()
            }
            false => value.to_vec(),
        };
        Transferred::Sealed {
            value: interned(value),
            provider: Provider::Identity,
            anew: self.sealed,
        }
    }

    /// Whether the destination has a value, which may lack owners where they
    /// are taken away.
    fn is_value(&self, value: &[u8], there: &[u8]) -> bool {
        let there = opened(there);
        let strips = self.outside.owners == Some(Owners::Strip);
        there == value || strips && owners::is_stripped(text(there), text(value))
    }

    fn fits(&self, key: &[u8], value: &[u8]) -> Result<(), Unfit> {
        let words = told(text(key), value);
        fit(self.is_mended(), text(key), &words, usize::MAX)
            .map_err(|transient| Unfit::new("it must not be written".to_owned(), transient))
    }
}

/// The rule that carry's own rules have for Services.
const ONLY: Option<RuleId> = Some(RuleId(0));

impl Judging for Rules {
    fn decide(&self, event: &Event<'_>, namespaces: &Namespaces, _: &mut Scratch) -> Decision {
        let labels = |name: &str| match namespaces.get(name) {
            View::Absent => Labels::None,
            View::Unreadable => Labels::Unreadable,
            view if is_on(self.version.label, view) => Labels::Some(self.version.label),
            View::Present(_) => Labels::Some(""),
        };
        let verdict = match event.value {
            Some(value) if !event.leased => {
                let key = text(event.key);
                let value = told(key, value);
                judge(self.version, self.is_mended(), key, &value, labels)
            }
            _ => Verdict::No,
        };
        match verdict {
            Verdict::Hold { transient } => Decision::Hold {
                rule: None,
                reason: "it cannot be judged".to_owned(),
                transient,
            },
            Verdict::Put(rule) => Decision::Put { rule: RuleId(rule) },
            Verdict::No if event.owned && event.value.is_none() => {
                Decision::Delete(DeleteReason::Gone)
            }
            Verdict::No if event.owned => Decision::Delete(DeleteReason::Unselected),
            Verdict::No => Decision::Skip(SkipReason::NotSelected),
        }
    }

    fn stages(&self) -> &[Stage] {
        &self.stages
    }

    fn stage_of(&self, rule: RuleId) -> usize {
        (rule.0 as usize).min(2)
    }

    fn rule_name(&self, rule: RuleId) -> &str {
        ["first", "namespaces", "config", "plain", "twin"][rule.0 as usize]
    }

    fn ranges(&self) -> &[KeyRange] {
        &self.ranges
    }

    fn reads_namespaces(&self) -> bool {
        true
    }

    fn namespace_range(&self) -> KeyRange {
        KeyRange::prefix("/r/namespaces/")
    }

    fn namespace_of_key<'a>(&self, key: &'a [u8]) -> Option<&'a str> {
        text(key).strip_prefix("/r/namespaces/")
    }

    fn namespace_view(&self, _: &[u8], value: &[u8]) -> View {
        let words = text(value).split(' ');
        if words.clone().any(|word| word == "garbage") {
            return View::Unreadable;
        }
        let labels: Vec<(Box<str>, Box<str>)> =
            words.map(|word| (word.into(), "".into())).collect();
        View::Present(labels.into())
    }

    fn may_be_empty(&self, key: &[u8]) -> bool {
        may_be_empty(text(key))
    }

    fn is_applied_together(&self, key: &[u8]) -> bool {
        key.starts_with(b"/r/plain/")
    }

    fn flipped_by(&self, name: &str, before: &View, after: &View) -> Vec<KeyRange> {
        let verdict =
            |view: &View| (*view != View::Unreadable).then(|| is_on(self.version.label, view));
        match verdict(before) == verdict(after) {
            true => Vec::new(),
            false => {
                let mut flipped = vec![KeyRange::prefix(format!("/r/config/{name}/"))];
                if self.outside.services.is_some() {
                    flipped.push(KeyRange::prefix(format!("/r/services/specs/{name}/")));
                }
                if self.outside.defined {
                    let folders = definitions::FOLDERS.iter();
                    flipped.extend(folders.map(|own| KeyRange::prefix(format!("{own}{name}/"))));
                }
                flipped
            }
        }
    }

    fn outgoing<'b>(
        &self,
        key: &[u8],
        value: &[u8],
        _: Option<RuleId>,
        scratch: &'b mut OutgoingScratch,
    ) -> Result<Outgoing<'b>, Unfit> {
        self.fits(key, value)?;
        if let Some((judge, rule)) = self.own(key) {
            return judge.outgoing(key, value, rule, scratch);
        }
        Ok(match self.sealed {
            true => self.stored(value).into(),
            false => Transferred::AsItIs.into(),
        })
    }

    fn landing<'b>(
        &self,
        key: &[u8],
        value: &[u8],
        rule: Option<RuleId>,
        seen: &Seen,
        scratch: &'b mut OutgoingScratch,
    ) -> Result<Landing<'b>, Obstacle> {
        self.fits(key, value)?;
        let mut guards = Vec::new();
        let words = told(text(key), value);
        let left = match self.outside.owners {
            Some(policy) => owners::landing(policy, text(key), &words, seen, &mut guards)?,
            None => None,
        };
        if let Some((judge, rule)) = self.own(key) {
            let mut landing = judge.landing(key, value, rule, seen, scratch)?;
            landing.guards.extend(guards);
            return Ok(landing);
        }
        let outgoing = match left {
            None => self.outgoing(key, value, rule, scratch)?,
            Some(left) => self.stored(left.as_bytes()).into(),
        };
        Ok(Landing {
            outgoing,
            guards,
            along: None,
        })
    }

    fn leaving(&self, key: &[u8], seen: &Seen) -> Result<Leaving, Obstacle> {
        let judge = self.of_service(key);
        judge.map_or_else(|| Ok(Leaving::default()), |own| own.leaving(key, seen))
    }

    fn goes_alone(&self, key: &[u8]) -> bool {
        self.of_service(key).is_some_and(|own| own.goes_alone(key))
    }

    fn address_ranges(&self) -> Vec<KeyRange> {
        let judge = self.of_addresses();
        judge.map_or_else(Vec::new, Judge::address_ranges)
    }

    fn addresses(&self, items: &[(Vec<u8>, There)]) -> Option<Addresses> {
        Judging::addresses(self.of_addresses()?, items)
    }

    fn add_wanted(&self, wanted: &mut Wanted, key: &[u8], value: &[u8]) {
        if let Some(judge) = self.of_addresses() {
            judge.add_wanted(wanted, key, value);
        }
    }

    fn tell_addresses(&self, addresses: &mut Addresses, key: &[u8], there: Option<&There>) {
        if let Some(judge) = self.of_addresses() {
            judge.tell_addresses(addresses, key, there);
        }
    }

    fn addresses_of(&self, key: &[u8], value: &[u8], there: &[u8]) -> Vec<(IpAddr, IpAddr)> {
        let judge = self.of_service(key);
        judge.map_or_else(Vec::new, |own| own.addresses_of(key, value, there))
    }

    fn crd_range(&self) -> Option<KeyRange> {
        self.outside
            .defined
            .then(|| definitions::judge().crd_range())
    }

    fn is_custom(&self, key: &[u8]) -> bool {
        definitions::is_custom(text(key))
    }

    fn crd_table(&self, items: &[(Vec<u8>, There)]) -> CrdTable {
        Judging::crd_table(definitions::judge(), items)
    }

    fn definition(&self, key: &[u8], there: &There) -> Option<Definition> {
        definitions::judge().definition(key, there)
    }

    fn add_stored(&self, objects: &mut StoredObjects, key: &[u8], value: &[u8]) {
        definitions::judge().add_stored(objects, key, value);
    }

    fn is_there(
        &self,
        key: &[u8],
        value: &[u8],
        there: &[u8],
        _: Option<RuleId>,
        scratch: &mut OutgoingScratch,
    ) -> bool {
        match self.own(key) {
            Some((judge, rule)) => judge.is_there(key, value, there, rule, scratch),
            None => there.starts_with(b"~") == self.sealed && self.is_value(value, there),
        }
    }

    fn drift(
        &self,
        key: &[u8],
        value: &[u8],
        there: &[u8],
        rule: RuleId,
        scratch: &mut OutgoingScratch,
    ) -> Option<Drift> {
        match self.own(key) {
            Some((judge, own)) => judge.drift(key, value, there, own.unwrap_or(rule), scratch),
            None => {
                let same = self.is_there(key, value, there, Some(rule), scratch);
                (!same).then_some(Drift::Value)
            }
        }
    }

    fn on_drift(&self, _: RuleId) -> OnDrift {
        match self.outside.mend {
            true => OnDrift::Mend,
            false => OnDrift::Keep,
        }
    }

    /// A value of the source, whichever, is another object than one of others.
    fn identity(&self, key: &[u8], value: &[u8], _: Side) -> Result<Identity, Unfit> {
        let foreign = told(text(key), value).starts_with("foreign");
        Ok(Identity(u64::from(foreign)))
    }

    fn on_conflict(&self, _: Option<RuleId>, _: &[u8]) -> OnConflict {
        self.outside.conflict
    }

    fn encryption_digest(&self) -> String {
        format!("sealed: {}", self.sealed)
    }

    fn may_block(&self) -> bool {
        false
    }

    fn digest(&self) -> &str {
        &self.digest
    }
}
