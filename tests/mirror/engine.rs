//! The engine over a scripted source, a destination and a store in memory, and
//! scripted rules: every promise that needs no real etcd.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use carry::destination::memory::{Fault, MemoryDestination};
use carry::destination::{Destination as _, Op};
use carry::etcd::{EtcdError, SourceRevision};
use carry::k8s::Transferred;
use carry::metrics::Metrics;
use carry::mirror::{
    DryRun, Holder, Judging, Limits, Mirror, MirrorError, Options, Parts, Planned, Reload,
    Reloaded, Report, Silent, Standby, Summary, Unseen, World,
};
use carry::rules::decide::{Decision, DeleteReason, Event, KeyRange, Scratch, SkipReason, Stage};
use carry::rules::identity::{Identity, Side};
use carry::rules::namespaces::{Namespaces, View};
use carry::rules::outgoing::{Outgoing, OutgoingScratch, Unfit};
use carry::rules::policy::{OnConflict, OnDrift};
use carry::rules::{Phase, RuleId};
use carry::source::ScriptedSource;
use carry::state::{MemoryStore, StateStore as _};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::harness::{eventually, temp_dir};

/// Rules over `/r/`: `first/` and then `namespaces/` (values with `pick`)
/// sequentially; then `config/<namespace>/…` where the Namespace's value says
/// `on`, and `plain/…` always. A value with `skip` is never selected, one with
/// `bad` cannot be judged; a Namespace with `garbage` cannot be read.
///
/// A value with `unfit` must not be written. Until `mended` is set: one with
/// `later` may pass by itself, and after that `bad`, `unfit` and `garbage` are
/// as good as any.
///
/// Under the digest `narrow` nothing of `plain` is selected, under `without` it
/// is not even looked at. What is under `together/` may be applied in one
/// transaction. Keys under leases are selected under the digest `leases` alone.
///
/// A value is of the object that its word `uid:…` says, and without one told by
/// its bytes. What is not ours at the destination is kept under the digest `keep`
/// and written over under `overwrite`; else it is taken over.
///
/// Under the digest `mend` what others change at the destination is mended.
///
/// Once `rotated` is set, the encryption is another one, and what the
/// destination has of a value with `sealed` can no longer be read. Until
/// `mended` is set too, one with `away-here` cannot be judged then, and one with
/// `away-there` not be written.
pub(super) struct Script {
    digest: String,
    mended: Arc<AtomicBool>,
    rotated: Arc<AtomicBool>,
    stages: Vec<Stage>,
    ranges: Vec<KeyRange>,
}

impl Script {
    pub(super) fn new(digest: &str) -> Script {
        let ranges = |folders: &[&str]| -> Vec<KeyRange> {
            folders
                .iter()
                .map(|folder| KeyRange::prefix(format!("/r/{folder}/")))
                .collect()
        };
        let stage = |name: &str, folders: &[&str]| Stage {
            name: name.to_owned(),
            phase: match name {
                "secondary" => Phase::Secondary,
                _ => Phase::Sequential,
            },
            ranges: ranges(folders),
        };
        // Rules that select nothing of `plain` need not even look there.
        let secondary: &[&str] = match digest {
            "without" => &["config", "together"],
            _ => &["config", "plain", "together"],
        };
        let mut all = [secondary, &["first", "namespaces"]].concat();
        all.sort_unstable();
        Script {
            digest: digest.to_owned(),
            mended: Arc::default(),
            rotated: Arc::default(),
            stages: vec![
                stage("first", &["first"]),
                stage("namespaces", &["namespaces"]),
                stage("secondary", secondary),
            ],
            ranges: ranges(&all),
        }
    }

    fn is_mended(&self) -> bool {
        self.mended.load(Ordering::SeqCst)
    }

    fn is_rotated(&self) -> bool {
        self.rotated.load(Ordering::SeqCst)
    }

    fn is_away(&self) -> bool {
        self.is_rotated() && !self.is_mended()
    }

    fn select(&self, event: &Event<'_>, namespaces: &Namespaces) -> Result<Option<u32>, String> {
        let key = std::str::from_utf8(event.key).expect("scripted keys are text");
        let value = String::from_utf8_lossy(event.value.unwrap_or_default());
        let parts: Vec<&str> = key.split('/').skip(2).collect();
        let barred = event.leased && !self.mirrors_leases();
        if event.value.is_none() || barred || value.contains("skip") {
            return Ok(None);
        }
        if value.contains("bad") && !self.is_mended() {
            return Err("it is bad".to_owned());
        }
        if value.contains("away-here") && self.is_away() {
            return Err("the plugin here is away".to_owned());
        }
        Ok(match parts[..] {
            ["first", _] => Some(0),
            ["namespaces", _] => value.contains("pick").then_some(1),
            ["config", namespace, _] => match namespaces.get(namespace) {
                View::Unreadable => return Err("its namespace cannot be read".to_owned()),
                view => is_on(view).then_some(2),
            },
            ["plain", _] => (self.digest != "narrow").then_some(3),
            ["together", _] => Some(3),
            _ => None,
        })
    }
}

fn is_later(value: &[u8]) -> bool {
    String::from_utf8_lossy(value).contains("later")
}

fn is_on(view: &View) -> bool {
    matches!(view, View::Present(labels) if labels.iter().any(|(key, _)| &**key == "on"))
}

impl Judging for Script {
    fn decide(&self, event: &Event<'_>, namespaces: &Namespaces, _: &mut Scratch) -> Decision {
        match self.select(event, namespaces) {
            Err(reason) => Decision::Hold {
                rule: None,
                reason,
                transient: is_later(event.value.unwrap_or_default()),
            },
            Ok(Some(rule)) => Decision::Put { rule: RuleId(rule) },
            Ok(None) if event.owned && event.value.is_none() => {
                Decision::Delete(DeleteReason::Gone)
            }
            Ok(None) if event.owned => Decision::Delete(DeleteReason::Unselected),
            Ok(None) => Decision::Skip(SkipReason::NotSelected),
        }
    }

    fn stages(&self) -> &[Stage] {
        &self.stages
    }

    fn stage_of(&self, rule: RuleId) -> usize {
        (rule.0 as usize).min(2)
    }

    fn rule_name(&self, rule: RuleId) -> &str {
        ["first", "namespaces", "config", "plain"][rule.0 as usize]
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
        std::str::from_utf8(key)
            .ok()?
            .strip_prefix("/r/namespaces/")
    }

    fn namespace_view(&self, _: &[u8], value: &[u8]) -> View {
        let value = String::from_utf8_lossy(value);
        if value.contains("garbage") && !self.is_mended() {
            return View::Unreadable;
        }
        let labels: Vec<(Box<str>, Box<str>)> = value
            .split_whitespace()
            .map(|word| (word.into(), "".into()))
            .collect();
        View::Present(labels.into())
    }

    fn is_applied_together(&self, key: &[u8]) -> bool {
        key.starts_with(b"/r/together/")
    }

    fn flipped_by(&self, name: &str, before: &View, after: &View) -> Vec<KeyRange> {
        let verdict = |view: &View| (*view != View::Unreadable).then(|| is_on(view));
        match verdict(before) == verdict(after) {
            true => Vec::new(),
            false => vec![KeyRange::prefix(format!("/r/config/{name}/"))],
        }
    }

    fn outgoing<'b>(
        &self,
        _: &[u8],
        value: &[u8],
        _: Option<RuleId>,
        _: &'b mut OutgoingScratch,
    ) -> Result<Outgoing<'b>, Unfit> {
        let text = String::from_utf8_lossy(value);
        let unfit = text.contains("unfit") && !self.is_mended();
        match unfit || text.contains("away-there") && self.is_away() {
            true => Err(Unfit::new("it is unfit".to_owned(), is_later(value))),
            false => Ok(Transferred::AsItIs.into()),
        }
    }

    fn is_there(
        &self,
        _: &[u8],
        value: &[u8],
        there: &[u8],
        _: Option<RuleId>,
        _: &mut OutgoingScratch,
    ) -> bool {
        let sealed = String::from_utf8_lossy(there).contains("sealed");
        value == there && !(sealed && self.is_rotated())
    }

    fn on_drift(&self, _: RuleId) -> OnDrift {
        match self.digest.as_str() {
            "mend" => OnDrift::Mend,
            _ => OnDrift::Keep,
        }
    }

    fn on_conflict(&self, _: Option<RuleId>, _: &[u8]) -> OnConflict {
        match self.digest.as_str() {
            "keep" => OnConflict::Keep,
            "overwrite" => OnConflict::Overwrite,
            _ => OnConflict::Adopt,
        }
    }

    fn identity(&self, _: &[u8], value: &[u8], _: Side) -> Result<Identity, Unfit> {
        let text = String::from_utf8_lossy(value);
        let uid = text
            .split_whitespace()
            .find(|word| word.starts_with("uid:"));
        Ok(match uid {
            Some(uid) => Identity::of("uid", uid.as_bytes()),
            None => Identity::of("bytes", value),
        })
    }

    fn encryption_digest(&self) -> String {
        match self.is_rotated() {
            true => "rotated".to_owned(),
            false => "as it was".to_owned(),
        }
    }

    fn may_block(&self) -> bool {
        true
    }

    fn mirrors_leases(&self) -> bool {
        self.digest == "leases"
    }

    fn digest(&self) -> &str {
        &self.digest
    }
}

pub(super) struct Scripted;

impl World for Scripted {
    type Source = ScriptedSource;
    type Destination = MemoryDestination;
    type Store = MemoryStore;
    type Judge = Script;
}

/// Remembers what is held, and everything that was said of keys that others
/// have changed.
#[derive(Default)]
pub(super) struct Held(
    Mutex<BTreeMap<Vec<u8>, String>>,
    Mutex<Vec<Drifted>>,
    /// The newest revision of the source, and the last that is applied.
    [AtomicI64; 2],
);

impl Held {
    /// Why a key is held.
    pub(super) fn reason(&self, key: &str) -> Option<String> {
        self.0.lock().expect("lock").get(key.as_bytes()).cloned()
    }
}

/// What was said of a key; `None` when that was over.
pub(super) type Drifted = (String, Option<String>);

impl Report for Held {
    fn phase(&self, phase: carry::metrics::Phase) {
        Silent::<Unseen>::default().phase(phase);
    }
    fn ready(&self, _: Option<&str>) {}
    fn saw_source(&self, revision: i64) {
        self.2[0].fetch_max(revision, Ordering::SeqCst);
    }
    fn applied(&self, revision: i64) {
        self.2[1].store(revision, Ordering::SeqCst);
    }
    fn progressed(&self) {}
    fn hold(&self, key: &[u8], reason: &str) {
        self.0
            .lock()
            .expect("lock")
            .insert(key.to_vec(), reason.to_owned());
    }
    fn release(&self, key: &[u8]) {
        self.0.lock().expect("lock").remove(key);
    }
    fn drift(&self, key: &[u8], how: Option<&str>) {
        let key = String::from_utf8_lossy(key)
            .trim_start_matches("/r/")
            .to_owned();
        let drifted = (key, how.map(str::to_owned));
        self.1.lock().expect("lock").push(drifted);
    }
}

/// A configuration that changes once. The first look panics, unless `looked`.
struct Changing {
    to: Arc<AtomicBool>,
    told: AtomicBool,
    looked: AtomicBool,
}

impl Reload for Changing {
    fn reload(&self) -> Reloaded {
        let looked = self.looked.swap(true, Ordering::SeqCst);
        assert!(looked, "the first look panics, and the next ones follow");
        let changed = self.to.load(Ordering::SeqCst);
        match changed && !self.told.swap(true, Ordering::SeqCst) {
            true => Reloaded::Applied(Vec::new()),
            false => Reloaded::Unchanged,
        }
    }
}

/// Two etcds and a disk.
pub(super) struct Theatre {
    pub(super) source: ScriptedSource,
    pub(super) destination: Arc<MemoryDestination>,
    pub(super) store: MemoryStore,
    pub(super) digest: String,
    pub(super) held: Arc<Held>,
    pub(super) standby: Standby,
    pub(super) mended: Arc<AtomicBool>,
    pub(super) rotated: Arc<AtomicBool>,
    /// Which of the two the configuration's change is. If `rotated`, the first
    /// look for it panics.
    pub(super) reloads_rotation: bool,
    /// Whether each start lists everything, though it could go on where the
    /// last one ended.
    pub(super) resync: bool,
}

pub(super) struct Running {
    pub(super) task: JoinHandle<Result<Summary, MirrorError>>,
    pub(super) stop: CancellationToken,
    /// Other rules while it runs.
    pub(super) rules: watch::Sender<Arc<Script>>,
}

impl Running {
    pub(super) async fn stop(self) -> Summary {
        self.stop.cancel();
        self.task.await.expect("no panic").expect("a clean end")
    }

    /// As SIGKILL would: nothing is finished.
    pub(super) async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

impl Theatre {
    pub(super) fn new() -> Theatre {
        Theatre {
            source: ScriptedSource::new(0xa),
            destination: Arc::new(MemoryDestination::new(0xb)),
            store: MemoryStore::default(),
            digest: "rules".to_owned(),
            held: Arc::default(),
            standby: Standby::Live,
            mended: Arc::default(),
            rotated: Arc::default(),
            reloads_rotation: false,
            resync: false,
        }
    }

    pub(super) fn put(&self, key: &str, value: &str) -> SourceRevision {
        self.source.put(format!("/r/{key}"), value)
    }

    pub(super) fn delete(&self, key: &str) -> SourceRevision {
        self.source.delete(format!("/r/{key}"))
    }

    pub(super) fn script(&self) -> Script {
        Script {
            mended: self.mended.clone(),
            rotated: self.rotated.clone(),
            ..Script::new(&self.digest)
        }
    }

    pub(super) fn parts(&self) -> Parts<Scripted> {
        Parts {
            source: Arc::new(self.source.clone()),
            destination: self.destination.clone(),
            store: Arc::new(self.store.clone()),
            judge: Arc::new(self.script()),
            metrics: Metrics::default(),
        }
    }

    pub(super) fn options(&self) -> Options {
        static TOKEN: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let token = TOKEN
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed)
            .to_string();
        let store = Some("this disk".to_owned());
        let holder = Holder {
            host: "here".to_owned(),
            pid: 1,
            store,
            token,
        };
        let mut options = Options::new("test", holder);
        options.standby = self.standby;
        options.resync = self.resync;
        options.checkpoint_every = Duration::from_millis(10);
        options.lease_ttl = Duration::from_millis(300);
        options.look_every = Duration::from_millis(20);
        options.reload_every = Duration::from_millis(10);
        options.retry_held_after = Duration::from_millis(10);
        options.drift_every = Duration::from_millis(10);
        options
    }

    pub(super) fn run_with(&self, options: Options) -> Running {
        let stop = CancellationToken::new();
        let mirror = Mirror::new(self.parts(), options, self.held.clone(), stop.clone());
        let reload = Changing {
            to: match self.reloads_rotation {
                true => self.rotated.clone(),
                false => self.mended.clone(),
            },
            told: AtomicBool::new(false),
            looked: AtomicBool::new(!self.reloads_rotation),
        };
        let (rules, changes) = watch::channel(Arc::new(self.script()));
        let mirror = mirror.with_reload(Arc::new(reload)).with_rules(changes);
        Running {
            task: tokio::spawn(mirror.run()),
            stop,
            rules,
        }
    }

    pub(super) fn run(&self) -> Running {
        self.run_with(self.options())
    }

    pub(super) async fn once(&self) -> Summary {
        let mut options = self.options();
        options.once = true;
        self.run_with(options)
            .task
            .await
            .expect("no panic")
            .expect("a clean end")
    }

    /// What the destination must have.
    pub(super) fn wanted(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let script = self.script();
        let mut namespaces = Namespaces::default();
        for item in self.source.items() {
            if let Some(name) = script.namespace_of_key(&item.key) {
                namespaces.set(name, script.namespace_view(&item.key, &item.value));
            }
        }
        let items = self.source.items().into_iter().filter(|item| {
            let (key, value) = (item.key.as_slice(), Some(item.value.as_slice()));
            let event = Event {
                key,
                value,
                leased: false,
                owned: false,
            };
            matches!(script.select(&event, &namespaces), Ok(Some(_)))
        });
        items.map(|item| (item.key, item.value)).collect()
    }

    pub(super) fn is_mirrored(&self) -> bool {
        self.destination.contents(b"/r/") == self.wanted()
    }

    pub(super) async fn mirrored(&self) {
        eventually("the destination to equal what is selected", || async {
            self.is_mirrored()
        })
        .await;
    }

    /// Every put and delete of mirrored keys so far, in order.
    pub(super) fn writes(&self) -> Vec<String> {
        let shown = |op: &Op| match op {
            Op::Put { key, value } | Op::PutLeased { key, value, .. } => {
                format!("{}={}", shown(key), shown(value))
            }
            Op::Delete { key } => format!("-{}", shown(key)),
        };
        fn shown(bytes: &[u8]) -> String {
            String::from_utf8_lossy(bytes)
                .trim_start_matches("/r/")
                .to_owned()
        }
        let committed = self.destination.committed();
        let ops = committed
            .iter()
            .flat_map(|committed| &committed.ops)
            .map(shown);
        ops.filter(|write| !write.contains("/carry/")).collect()
    }

    /// Waits until everything up to now is in the checkpoint.
    pub(super) async fn checkpointed(&self) {
        let now = self.source.revision().0;
        eventually("the checkpoint to reach the newest revision", || async {
            let checkpoints = self.store.checkpoints().expect("memory");
            matches!(checkpoints.as_slice(), [known] if known.bootstrapped && known.revision >= now)
        })
        .await;
    }

    /// Everything that was said so far of keys that others have changed.
    pub(super) fn drifted(&self) -> Vec<Drifted> {
        self.held.1.lock().expect("lock").clone()
    }

    pub(super) fn holds(&self, key: &str) -> bool {
        let held = self.held.0.lock().expect("lock");
        held.contains_key(format!("/r/{key}").as_bytes())
    }
}

pub(super) fn sample(stage: &Theatre) {
    stage.put("plain/a", "1");
    stage.put("namespaces/one", "pick on");
    stage.put("config/one/a", "1");
    stage.put("config/two/a", "not selected");
    stage.put("first/a", "1");
    stage.put("plain/b", "skip");
}

#[tokio::test(flavor = "multi_thread")]
async fn bootstrap_goes_stage_by_stage() {
    for standby in [Standby::Live, Standby::Cold] {
        let stage = Theatre {
            standby,
            ..Theatre::new()
        };
        sample(&stage);
        let summary = stage.once().await;
        assert!(stage.is_mirrored());
        let writes = stage.writes();
        assert_eq!(writes[..2], ["first/a=1", "namespaces/one=pick on"]);
        assert_eq!((writes.len(), summary.puts), (4, 4));
        assert_eq!(summary.applied, stage.source.revision());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tail_follows_updates_unselecting_and_deletes() {
    let stage = Theatre::new();
    sample(&stage);
    let running = stage.run();
    stage.mirrored().await;
    stage.put("plain/a", "2");
    stage.put("config/one/a", "skip");
    stage.delete("first/a");
    stage.put("plain/c", "new");
    stage.mirrored().await;
    running.stop().await;
    assert!(stage.destination.contents(b"/r/config/").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_others_are_not_touched() {
    let stage = Theatre::new();
    sample(&stage);
    stage.destination.put(b"/r/plain/native", b"theirs");
    stage.destination.put(b"/other", b"theirs");
    let running = stage.run();
    stage.checkpointed().await;
    stage.delete("plain/a");
    stage.checkpointed().await;
    running.stop().await;
    assert_eq!(stage.destination.contents(b"/r/plain/native").len(), 1);
    assert_eq!(stage.destination.contents(b"/other").len(), 1);
    assert_eq!(stage.destination.contents(b"/r/plain/a").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn namespaces_flip_both_ways() {
    let stage = Theatre::new();
    sample(&stage);
    let running = stage.run();
    stage.mirrored().await;
    stage.put("namespaces/two", "on");
    stage.mirrored().await;
    assert_eq!(stage.destination.contents(b"/r/config/two/").len(), 1);
    stage.put("namespaces/one", "pick");
    stage.mirrored().await;
    assert_eq!(stage.destination.contents(b"/r/config/one/").len(), 0);
    stage.delete("namespaces/two");
    stage.mirrored().await;
    assert_eq!(stage.destination.contents(b"/r/config/").len(), 0);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_and_its_objects_in_one_revision() {
    let stage = Theatre::new();
    let running = stage.run();
    stage.source.txn([
        (b"/r/config/new/a".to_vec(), Some(b"1".to_vec()), 0),
        (b"/r/namespaces/new".to_vec(), Some(b"on".to_vec()), 0),
    ]);
    eventually("the object to arrive", || async {
        stage.destination.contents(b"/r/config/new/a").len() == 1
    })
    .await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_judged_is_held_until_it_can() {
    let stage = Theatre::new();
    sample(&stage);
    let running = stage.run();
    stage.mirrored().await;
    stage.put("plain/a", "bad");
    eventually("the key to be held", || async { stage.holds("plain/a") }).await;
    assert_eq!(stage.destination.contents(b"/r/plain/a").len(), 1);
    stage.put("namespaces/one", "garbage pick");
    eventually("the keys of the namespace to be held", || async {
        stage.holds("config/one/a")
    })
    .await;
    assert_eq!(stage.destination.contents(b"/r/config/one/a").len(), 1);
    stage.put("namespaces/one", "pick");
    stage.put("plain/a", "good");
    stage.mirrored().await;
    assert!(!stage.holds("plain/a") && !stage.holds("config/one/a"));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_must_not_be_written_is_held_and_not_owned() {
    for standby in [Standby::Live, Standby::Cold] {
        let stage = Theatre {
            standby,
            ..Theatre::new()
        };
        stage.put("plain/listed", "unfit");
        sample(&stage);
        for native in ["listed", "followed"] {
            let key = format!("/r/plain/{native}");
            stage.destination.put(key.as_bytes(), b"theirs");
        }
        let running = stage.run();
        stage.checkpointed().await;
        stage.put("plain/followed", "unfit");
        stage.put("plain/a", "unfit");
        stage.put("plain/beside", "good");
        for key in ["plain/listed", "plain/followed", "plain/a"] {
            eventually("the key to be held", || async { stage.holds(key) }).await;
        }
        stage.checkpointed().await;
        let has = |key: &str| {
            stage
                .destination
                .contents(key.as_bytes())
                .into_values()
                .next()
        };
        assert_eq!(has("/r/plain/a").as_deref(), Some(&b"1"[..]), "left alone");
        assert_eq!(has("/r/plain/beside").as_deref(), Some(&b"good"[..]));
        // What was never written is not ours to delete.
        for key in ["plain/listed", "plain/followed", "plain/a"] {
            stage.delete(key);
        }
        stage.checkpointed().await;
        assert_eq!(has("/r/plain/listed").as_deref(), Some(&b"theirs"[..]));
        assert_eq!(has("/r/plain/followed").as_deref(), Some(&b"theirs"[..]));
        assert_eq!(has("/r/plain/a"), None);
        assert!(!stage.holds("plain/listed") && !stage.holds("plain/a"));
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn held_keys_are_judged_again_when_the_configuration_changes() {
    let stage = Theatre::new();
    sample(&stage);
    stage.put("plain/bad", "bad");
    stage.put("plain/unfit", "unfit");
    stage.put("namespaces/one", "garbage pick on");
    let running = stage.run();
    for key in ["plain/bad", "plain/unfit", "config/one/a"] {
        eventually("the key to be held", || async { stage.holds(key) }).await;
    }
    stage.put("plain/unfit", "unfit still");
    stage.checkpointed().await;
    stage.mended.store(true, Ordering::SeqCst);
    let released = || async { stage.held.0.lock().expect("lock").is_empty() };
    eventually("all to be released", released).await;
    let has = |key: &str| {
        stage
            .destination
            .contents(key.as_bytes())
            .into_values()
            .next()
    };
    assert_eq!(has("/r/plain/unfit").as_deref(), Some(&b"unfit still"[..]));
    assert_eq!(has("/r/plain/bad").as_deref(), Some(&b"bad"[..]));
    assert_eq!(has("/r/config/one/a").as_deref(), Some(&b"1"[..]));
    running.stop().await;
    assert!(stage.store.held().expect("memory").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_mended_while_down_is_released_at_the_start() {
    for (in_tail, resync) in [(false, false), (false, true), (true, false), (true, true)] {
        let stage = Theatre {
            resync,
            ..Theatre::new()
        };
        sample(&stage);
        let hold = || {
            stage.put("plain/bad", "bad");
            stage.put("plain/unfit", "unfit");
        };
        if !in_tail {
            hold();
        }
        let running = stage.run();
        stage.checkpointed().await;
        if in_tail {
            hold();
        }
        eventually("both to be held", || async {
            stage.holds("plain/bad") && stage.holds("plain/unfit")
        })
        .await;
        stage.checkpointed().await;
        running.kill().await;
        let summary = stage.once().await;
        assert_eq!((summary.held, summary.puts), (2, 0), "still held");
        stage.mended.store(true, Ordering::SeqCst);
        let summary = stage.once().await;
        assert_eq!((summary.held, summary.puts), (0, 2));
        assert_eq!(stage.destination.contents(b"/r/plain/unfit").len(), 1);
        assert!(!stage.holds("plain/bad") && !stage.holds("plain/unfit"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_pass_by_itself_is_tried_again() {
    let stage = Theatre::new();
    sample(&stage);
    let mut options = stage.options();
    // Nobody says that anything has changed.
    options.reload_every = Duration::from_secs(3600);
    let running = stage.run_with(options);
    stage.put("plain/bad", "bad");
    for number in 0..3 {
        stage.put(&format!("plain/bad-{number}"), "bad later");
        stage.put(&format!("plain/unfit-{number}"), "unfit later");
    }
    eventually("all to be held", || async {
        stage.held.0.lock().expect("lock").len() == 7
    })
    .await;
    stage.mended.store(true, Ordering::SeqCst);
    eventually("those to be released that may pass", || async {
        stage.held.0.lock().expect("lock").len() == 1
    })
    .await;
    assert!(stage.holds("plain/bad"), "it does not pass by itself");
    assert_eq!(stage.destination.contents(b"/r/plain/unfit-").len(), 3);
    assert_eq!(stage.destination.contents(b"/r/plain/bad-").len(), 3);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_while_all_is_compared_is_compared_later() {
    for killed in [false, true] {
        let stage = Theatre {
            reloads_rotation: true,
            ..Theatre::new()
        };
        let away = ["plain/here", "plain/there"];
        stage.put("plain/beside", "sealed");
        stage.put("plain/here", "sealed away-here later");
        stage.put("plain/there", "sealed away-there later");
        stage.put("plain/readable", "1");
        let mut running = stage.run();
        stage.mirrored().await;
        stage.checkpointed().await;
        stage.rotated.store(true, Ordering::SeqCst);
        eventually("all to be compared", || async {
            stage.store.encryption().expect("memory").as_deref() == Some("rotated")
        })
        .await;
        assert!(away.iter().all(|key| stage.holds(key)), "held");
        if killed {
            running.kill().await;
            running = stage.run();
        }
        stage.mended.store(true, Ordering::SeqCst);
        eventually("both to be released", || async {
            stage.held.0.lock().expect("lock").is_empty()
        })
        .await;
        running.stop().await;
        let writes = stage.writes();
        let count = |key: &str| writes.iter().filter(|write| write.starts_with(key)).count();
        assert_eq!(count("plain/readable"), 1, "{writes:?}");
        for key in ["plain/beside", "plain/here", "plain/there"] {
            assert_eq!(count(key), 2, "{key}: {writes:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_writes_nothing_that_is_there() {
    for resync in [false, true] {
        let stage = Theatre {
            resync,
            ..Theatre::new()
        };
        sample(&stage);
        let running = stage.run();
        stage.checkpointed().await;
        running.stop().await;
        let before = stage.writes().len();
        stage.put("plain/down", "while down");
        stage.delete("first/a");
        let running = stage.run();
        stage.mirrored().await;
        stage.checkpointed().await;
        running.kill().await;
        assert_eq!(stage.writes().len(), before + 2);
        stage.once().await;
        assert_eq!(stage.writes().len(), before + 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_ledger_is_rebuilt() {
    let mut stage = Theatre::new();
    sample(&stage);
    let running = stage.run();
    stage.checkpointed().await;
    running.stop().await;
    let before = stage.writes().len();
    stage.store = MemoryStore::default();
    stage.delete("plain/a");
    stage.once().await;
    assert!(
        stage.is_mirrored(),
        "what an earlier carry wrote is deleted with its source"
    );
    assert_eq!(stage.writes()[before..], ["-plain/a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_rules_and_compaction_while_down_are_a_full_list() {
    let mut stage = Theatre::new();
    sample(&stage);
    let running = stage.run();
    stage.checkpointed().await;
    running.stop().await;
    let before = stage.writes().len();
    stage.digest = "other rules".to_owned();
    stage.once().await;
    assert_eq!(stage.writes().len(), before);
    stage.delete("plain/a");
    stage.put("plain/z", "1");
    let now = stage.put("plain/y", "1");
    stage.source.compact(now);
    stage.once().await;
    assert!(stage.is_mirrored());
    assert_eq!(stage.writes().len(), before + 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn compaction_in_the_tail_is_a_full_list() {
    let stage = Theatre::new();
    sample(&stage);
    let running = stage.run();
    stage.mirrored().await;
    let compacted = SourceRevision(2);
    stage.source.fail_watches(EtcdError::Compacted {
        compacted: compacted.0,
    });
    stage.put("plain/later", "1");
    stage.mirrored().await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn compaction_while_listing_goes_on_at_a_newer_revision() {
    let stage = Theatre::new();
    for number in 0..50 {
        stage.put(&format!("plain/{number}"), "1");
    }
    sample(&stage);
    // The first stage cannot end: the others are not listed yet.
    let running = stage.run();
    eventually("the leadership", || async {
        !stage
            .destination
            .contents(b"/carry/test/checkpoint")
            .is_empty()
    })
    .await;
    stage.destination.set_open(false);
    for number in 0..3 {
        stage.put(&format!("plain/{number}"), "changed");
        stage.put("namespaces/two", if number == 1 { "off" } else { "on" });
        stage.delete(&format!("plain/4{number}"));
        stage.put(&format!("plain/4{number}"), "back");
        let now = stage.delete(&format!("plain/4{number}"));
        stage.source.compact(now);
    }
    stage.destination.set_open(true);
    stage.mirrored().await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_a_transaction_is_survived() {
    use Fault::{AnswerLost, ArrivesLate, RequestLost, Unavailable};
    for standby in [Standby::Live, Standby::Cold] {
        let stage = Theatre {
            standby,
            ..Theatre::new()
        };
        sample(&stage);
        let faults = [AnswerLost, ArrivesLate, RequestLost, Unavailable];
        stage.destination.script(faults.into_iter().cycle().take(5));
        let running = stage.run();
        for number in 0..12 {
            stage.put("plain/hot", &number.to_string());
            stage.put(&format!("plain/{}", number % 3), &number.to_string());
            stage.destination.script([faults[number % 4]]);
        }
        stage.mirrored().await;
        stage.checkpointed().await;
        running.stop().await;
        assert_never_back(&stage.writes(), "plain/hot=");
    }
}

/// For one key the destination never goes back.
fn assert_never_back(writes: &[String], key: &str) {
    let values = writes.iter().filter_map(|write| write.strip_prefix(key));
    let values: Vec<u32> = values
        .map(|value| value.parse().expect("a number"))
        .collect();
    assert!(values.is_sorted(), "went back: {values:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_at_every_step_is_survived() {
    for (faults, resync) in (0..6).flat_map(|faults| [(faults, false), (faults, true)]) {
        let stage = Theatre {
            resync,
            ..Theatre::new()
        };
        sample(&stage);
        stage
            .destination
            .script((0..faults).map(|number| match number % 3 {
                0 => Fault::AnswerLost,
                1 => Fault::ArrivesLate,
                _ => Fault::RequestLost,
            }));
        let mut running = stage.run();
        for step in 0..8 {
            stage.put("plain/hot", &step.to_string());
            stage.put(&format!("config/one/{step}"), "1");
            if step % 3 == 2 {
                stage.delete(&format!("config/one/{}", step - 1));
            }
            for _ in 0..(faults * 7 + step * 5) % 41 {
                tokio::task::yield_now().await;
            }
            running.kill().await;
            running = stage.run();
        }
        stage.mirrored().await;
        running.stop().await;
        assert_never_back(&stage.writes(), "plain/hot=");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_is_down_for_a_while_loses_nothing() {
    let stage = Theatre::new();
    sample(&stage);
    let running = stage.run();
    stage.mirrored().await;
    stage.destination.set_down(true);
    stage.put("plain/a", "while down");
    stage.delete("first/a");
    tokio::time::sleep(Duration::from_millis(100)).await;
    stage.destination.set_down(false);
    stage.mirrored().await;
    running.stop().await;
}

/// While nothing can be written, and everything waits for that, it is known how
/// far the source is.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_to_be_judged_was_seen() {
    let stage = Theatre::new();
    sample(&stage);
    let running = stage.run();
    stage.mirrored().await;
    stage.destination.set_down(true);
    // What is of that Namespace is judged again once all before is written.
    stage.put("plain/a", "while down");
    stage.put("namespaces/two", "on");
    let newest = stage.source.revision().0 + 10;
    for number in 0..10 {
        stage.put("plain/b", &number.to_string());
    }
    let [seen, applied] = &stage.held.2;
    eventually("the source's newest revision to be told", || async {
        seen.load(Ordering::SeqCst) == newest
    })
    .await;
    assert!(applied.load(Ordering::SeqCst) < newest - 10);
    stage.destination.set_down(false);
    stage.mirrored().await;
    running.stop().await;
}

/// The two values of `carry_spool_bytes`.
fn spooled(metrics: &Metrics) -> (u64, u64) {
    let text = metrics.encode();
    let of = |store: &str| {
        let sample = format!("carry_spool_bytes{{store=\"{store}\"}} ");
        let value = text.lines().find_map(|line| line.strip_prefix(&sample));
        value.expect("the metric").parse().expect("a number")
    };
    (of("memory"), of("disk"))
}

#[tokio::test(flavor = "multi_thread")]
async fn far_more_than_the_spool_holds_while_nothing_is_written() {
    let stage = Theatre::new();
    sample(&stage);
    let directory = temp_dir();
    let mut options = stage.options();
    options.spool = Limits {
        memory: 2 << 20,
        disk: 20 << 20,
        directory: Some(directory.path().join("spool")),
    };
    let parts = stage.parts();
    let metrics = parts.metrics.clone();
    let stop = CancellationToken::new();
    let mirror = Mirror::new(parts, options, stage.held.clone(), stop.clone());
    let running = tokio::spawn(mirror.run());
    stage.mirrored().await;
    stage.destination.set_open(false);
    let value = vec![b'x'; 100 << 10];
    let mut most = (0, 0);
    for round in 0..25 {
        let put = |n: usize| {
            let key = format!("/r/plain/{}", round * 40 + n).into_bytes();
            (key, Some(value.clone()), 0)
        };
        stage.source.txn((0..40).map(put));
        let (memory, disk) = spooled(&metrics);
        most = (memory.max(most.0), disk.max(most.1));
    }
    eventually("the spool to be full", || async {
        spooled(&metrics).1 >= 20 << 20
    })
    .await;
    // One event more has a place in each: here that is a revision of 4 MB.
    let (memory, disk) = spooled(&metrics);
    let most = (memory.max(most.0), disk.max(most.1));
    assert!(most.0 < 8 << 20 && most.1 < 26 << 20, "{most:?}");
    stage.source.put("/r/plain/last", "after all");
    stage.destination.set_open(true);
    stage.checkpointed().await;
    assert!(stage.is_mirrored());
    assert_eq!(spooled(&metrics).1, 0);
    let writes = stage.destination.committed();
    let puts = writes.iter().flat_map(|committed| &committed.ops);
    let large = puts.filter(|op| matches!(op, Op::Put { value, .. } if value.len() == 100 << 10));
    assert_eq!(large.count(), 1_000, "each exactly once");
    stop.cancel();
    running.await.expect("no panic").expect("a clean end");
    // Whoever read the watch has to let go of it too.
    eventually("the spool to be removed", || async {
        !directory.path().join("spool").exists()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_lease_is_a_new_campaign() {
    let stage = Theatre::new();
    sample(&stage);
    let running = stage.run();
    stage.mirrored().await;
    stage.destination.expire_leases();
    stage.put("plain/a", "after");
    stage.mirrored().await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_changes_of_a_key_become_one() {
    let stage = Theatre::new();
    sample(&stage);
    let running = stage.run();
    stage.checkpointed().await;
    stage.destination.set_open(false);
    for number in 0..50 {
        stage.put("plain/hot", &number.to_string());
    }
    let last = stage.put("plain/end", "end");
    eventually("the engine to have seen all", || async {
        stage.source.revision() == last
    })
    .await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    stage.destination.set_open(true);
    stage.mirrored().await;
    running.stop().await;
    let hot = stage
        .writes()
        .iter()
        .filter(|write| write.starts_with("plain/hot="))
        .count();
    assert!(hot <= 3, "{hot} writes of one key");
}

#[tokio::test(flavor = "multi_thread")]
async fn sequential_writes_are_barriers() {
    let stage = Theatre {
        standby: Standby::Cold,
        ..Theatre::new()
    };
    sample(&stage);
    let running = stage.run();
    stage.checkpointed().await;
    stage.destination.set_open(false);
    stage.put("plain/before", "1");
    stage.put("first/b", "1");
    stage.put("plain/after", "1");
    tokio::time::sleep(Duration::from_millis(50)).await;
    stage.destination.set_open(true);
    stage.mirrored().await;
    running.stop().await;
    let writes = stage.writes();
    let at = |start: &str| writes.iter().position(|write| write.starts_with(start));
    assert!(at("plain/before") < at("first/b") && at("first/b") < at("plain/after"));
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_learnt_and_what_never_fits_is_held() {
    let stage = Theatre {
        standby: Standby::Cold,
        ..Theatre::new()
    };
    stage.destination.set_limits(3, 1000);
    for number in 0..100 {
        stage.put(&format!("plain/{number}"), "1");
    }
    stage.put("plain/large", &"x".repeat(2000));
    let running = stage.run();
    eventually("the large one to be held", || async {
        stage.holds("plain/large")
    })
    .await;
    eventually("the others to arrive", || async {
        stage.destination.contents(b"/r/plain/").len() == 100
    })
    .await;
    stage.put("plain/large", "small");
    stage.mirrored().await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kube_apiserver_that_appears_changes_the_way() {
    let stage = Theatre {
        standby: Standby::Auto,
        ..Theatre::new()
    };
    for number in 0..100 {
        stage.put(&format!("plain/{number}"), "1");
    }
    let running = stage.run();
    stage.mirrored().await;
    let most = |stage: &Theatre, from: usize| {
        let committed = stage.destination.committed();
        committed[from..]
            .iter()
            .map(|committed| committed.ops.len())
            .max()
            .unwrap_or(0)
    };
    assert_eq!(most(&stage, 0), 100);
    stage
        .destination
        .put(b"/registry/masterleases/192.0.2.1", b"x");
    tokio::time::sleep(Duration::from_millis(100)).await;
    let from = stage.destination.committed().len();
    let ops = (0..50).map(|number| (format!("/r/plain/{number}").into_bytes(), Some(vec![1]), 0));
    stage.source.txn(ops);
    stage.mirrored().await;
    running.stop().await;
    assert_eq!(most(&stage, from), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_writes_nothing() {
    let stage = Theatre::new();
    sample(&stage);
    stage.put("plain/bad", "bad");
    let mut planned = Vec::new();
    let parts = stage.parts();
    let looked = DryRun::look(&parts, &stage.options(), |one| planned.push(one)).await;
    let looked = looked.expect("a dry run");
    assert_eq!((looked.puts, looked.deletes, looked.held), (4, 0, 1));
    assert!(matches!(&planned[0], Planned::Put { key, .. } if key == b"/r/first/a"));
    let status = stage.destination.status().await.expect("status");
    assert_eq!(status.revision.0, 1, "nothing was written");
    assert_eq!(stage.store.pair().expect("memory"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_say_why() {
    let stage = Theatre::new();
    sample(&stage);
    stage.once().await;
    stage.source.set_cluster_id(0xb);
    let refused = stage.run().task.await.expect("no panic");
    assert!(
        matches!(refused, Err(MirrorError::SameCluster { .. })),
        "{refused:?}"
    );
    stage.source.set_cluster_id(0xc);
    let refused = stage.run().task.await.expect("no panic");
    assert!(
        matches!(refused, Err(MirrorError::OtherSource { .. })),
        "{refused:?}"
    );
    let behind = Theatre {
        source: ScriptedSource::new(0xa),
        ..stage
    };
    let refused = behind.run().task.await.expect("no panic");
    assert!(
        matches!(refused, Err(MirrorError::SourceBehind { .. })),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_with_one_name_the_second_gives_up() {
    let stage = Theatre::new();
    sample(&stage);
    let running = stage.run();
    stage.mirrored().await;
    let mut options = stage.options();
    options.holder.store = Some("another disk".to_owned());
    let second = stage.run_with(options).task.await.expect("no panic");
    assert!(
        matches!(second, Err(MirrorError::LedByAnother { .. })),
        "{second:?}"
    );
    stage.put("plain/a", "still led by the first");
    stage.mirrored().await;
    running.stop().await;
}
