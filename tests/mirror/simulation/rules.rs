//! Scripted rules over `/r/`, in several versions, and what they mean.
//!
//! `first/` is a sequential rule's, and values with `first` in `plain/`; then `namespaces/` (values with `pick`)
//! another's; `config/<namespace>/…` is selected where the Namespace's value
//! has the label of the version, or by the rule `twin` where the value has
//! `twin`; `plain/…` always. Words in values change that: `skip` (never
//! selected), `bad` (cannot be judged), `later` (cannot be judged until it is
//! mended), `unfit` and `unfit-later` (must not be written), in a Namespace
//! `garbage` (cannot be read).

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use carry::k8s::{Provider, Transferred};
use carry::mirror::Judging;
use carry::rules::decide::{Decision, DeleteReason, Event, KeyRange, Scratch, SkipReason, Stage};
use carry::rules::identity::{Identity, Side};
use carry::rules::namespaces::{Namespaces, View};
use carry::rules::outgoing::{Outgoing, OutgoingScratch, Unfit};
use carry::rules::policy::OnConflict;
use carry::rules::{Phase, RuleId};

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
        ["config", namespace, _] => match labels(namespace) {
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
    /// What the destination had before carry stays as it is.
    pub keep: bool,
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
                &[("config", true), ("plain", plain)],
            ),
        ];
        Rules {
            version,
            sealed,
            outside,
            digest: version.digest(),
            stages,
            ranges: ranges(&[
                ("config", true),
                ("first", first),
                ("namespaces", true),
                ("plain", plain || first),
            ]),
        }
    }

    fn is_mended(&self) -> bool {
        self.outside.mended.load(Ordering::SeqCst)
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

fn is_on(label: &str, view: &View) -> bool {
    matches!(view, View::Present(labels) if labels.iter().any(|(key, _)| &**key == label))
}

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
                let (key, value) = (text(event.key), text(value));
                judge(self.version, self.is_mended(), key, value, labels)
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
            false => vec![KeyRange::prefix(format!("/r/config/{name}/"))],
        }
    }

    fn outgoing<'b>(
        &self,
        key: &[u8],
        value: &[u8],
        _: Option<RuleId>,
        _: &'b mut OutgoingScratch,
    ) -> Result<Outgoing<'b>, Unfit> {
        if let Err(transient) = fit(self.is_mended(), text(key), text(value), usize::MAX) {
            let reason = "it must not be written".to_owned();
            return Err(Unfit::new(reason, transient));
        }
        if !self.sealed {
            return Ok(Transferred::AsItIs.into());
        }
        let nonce = self.outside.nonces.fetch_add(1, Ordering::SeqCst) % 4;
        let sealed = [b"~", nonce.to_string().as_bytes(), b"~", value].concat();
        Ok(Transferred::Sealed {
            value: interned(sealed),
            provider: Provider::Identity,
            anew: true,
        }
        .into())
    }

    fn is_there(
        &self,
        _: &[u8],
        value: &[u8],
        there: &[u8],
        _: Option<RuleId>,
        _: &mut OutgoingScratch,
    ) -> bool {
        there.starts_with(b"~") == self.sealed && opened(there) == value
    }

    /// A value of the source, whichever, is another object than one of others.
    fn identity(&self, _: &[u8], value: &[u8], _: Side) -> Result<Identity, Unfit> {
        let foreign = opened(value).starts_with(b"foreign");
        Ok(Identity(u64::from(foreign)))
    }

    fn on_conflict(&self, _: Option<RuleId>) -> OnConflict {
        match self.outside.keep {
            true => OnConflict::Keep,
            false => OnConflict::Adopt,
        }
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
