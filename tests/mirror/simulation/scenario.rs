//! What happens in one run, but for what the network does by itself: all of it
//! drawn from the seed, and shown to people.

use std::collections::BTreeMap;
use std::fmt;

use carry::rules::policy::{OnConflict, Owners};

use super::definitions::{self, CUSTOM, DEFINITIONS};
use super::dice::Dice;
use super::drift::{self, Meddling};
use super::owners;
use super::rules::Version;
use super::services::{self, Addressing, Call, SERVICES};

/// How the network is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weather {
    /// The longest usual delay of one way, in milliseconds.
    pub delay: u64,
    /// How often (in percent) one takes fifty times as long.
    pub slow: u32,
    /// How often a write's answer is lost.
    pub answer_lost: u32,
    /// How often a write is lost.
    pub request_lost: u32,
    /// How often a write seems lost and arrives later.
    pub late: u32,
    /// How often a call is refused before anything happened.
    pub refused: u32,
    /// How often a read fails.
    pub read_fails: u32,
    /// How often a watch is cut instead of delivering something.
    pub cut: u32,
    /// How often progress is told at odd moments.
    pub progress: u32,
}

/// What becomes of the local state in a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// As by SIGKILL.
    Kept,
    /// The disk is gone.
    Lost,
    /// The machine crashed: at most this many of the last writes that were not
    /// synced are missing.
    Behind(usize),
}

/// One key in a transaction of the source.
#[derive(Clone, Debug)]
pub struct Edit {
    pub key: String,
    /// `None` deletes.
    pub value: Option<String>,
    pub leased: bool,
}

#[derive(Clone, Debug)]
pub enum Step {
    Write(Vec<Edit>),
    /// The source compacts at its newest revision less this.
    Compact {
        behind: i64,
    },
    CutWatches,
    Announce,
    /// Another client writes at the destination; a key that the source may
    /// have only where there is nothing.
    Foreign {
        key: String,
        value: String,
    },
    Weather(Weather),
    Down {
        ms: u64,
    },
    Full {
        ms: u64,
    },
    /// carry dies after so many more calls, and comes back later.
    Crash {
        host: usize,
        calls: i64,
        fate: Fate,
        away: u64,
    },
    Stop {
        host: usize,
        away: u64,
    },
    Pause {
        host: usize,
        ms: u64,
    },
    ExpireLease,
    /// Another version of the rules, in use at once or after a restart.
    Rules {
        number: usize,
        hot: bool,
    },
    Mend,
    /// The destination's kube-apiserver does this upon what it sees now, so
    /// many milliseconds later.
    Call {
        call: Call,
        lag: u64,
    },
    /// Another client changes what carry has written.
    Meddle(Meddling),
    /// Another client deletes something of its own that is in carry's way.
    Free {
        pick: usize,
    },
}

/// What is fixed for a whole run.
#[derive(Clone, Debug)]
pub struct Settings {
    pub live: bool,
    pub sealed: bool,
    pub hosts: usize,
    /// `--mode active-standby`.
    pub waits: bool,
    /// `--prune`.
    pub prune: bool,
    /// `--once`: it ends when it has caught up, and is run again.
    pub once: bool,
    /// `--resync`, at every start.
    pub resync: bool,
    /// What becomes of what others have under keys that the rules select.
    pub conflict: OnConflict,
    /// What becomes of what has owners, if anything has.
    pub owners: Option<Owners>,
    /// Others act right after a look at the destination: in this many of a
    /// hundred.
    pub ambushes: u32,
    /// There are Services.
    pub services: Option<Addressing>,
    /// There are definitions and custom resources.
    pub defined: bool,
    /// What the destination's kube-apiserver did before the start.
    pub calls: Vec<Call>,
    /// Others change what carry has written, and that is mended, or not.
    pub mend: Option<bool>,
    /// What others have in carry's way goes away.
    pub frees: bool,
    pub width: usize,
    pub txn_ops: usize,
    pub txn_bytes: usize,
    pub max_ops: usize,
    pub max_bytes: usize,
    /// The longest page of a list.
    pub page: usize,
    pub versions: Vec<Version>,
    /// What others have at the destination before the start.
    pub foreign: BTreeMap<String, String>,
    /// What the source has before the start.
    pub before: Vec<Vec<Edit>>,
}

/// One run.
#[derive(Clone)]
pub struct Scenario {
    pub seed: u64,
    pub settings: Settings,
    /// Each after so many milliseconds.
    pub steps: Vec<(u64, Step)>,
}

/// Keys that the source may have.
pub const KEYS: [&str; 19] = [
    "/r/first/a",
    "/r/first/b",
    "/r/namespaces/n",
    "/r/namespaces/m",
    "/r/config/n/a",
    "/r/config/n/b",
    "/r/config/m/a",
    "/r/config/m/b",
    "/r/config/o/a",
    "/r/plain/a",
    "/r/plain/b",
    "/r/plain/c",
    "/r/plain/d",
    "/r/misc/a",
    "/r/first/c",
    "/r/plain/e",
    "/r/config/n/c",
    "/r/plain/f",
    "/zz/a",
];

/// All keys that the source may have.
pub fn selectable() -> impl Iterator<Item = &'static str> {
    let all = KEYS.into_iter().chain(SERVICES);
    all.chain(DEFINITIONS).chain(CUSTOM)
}

/// Keys that others have at the destination and the source never has.
pub const FOREIGN: [&str; 5] = [
    "/r/plain/foreign",
    "/r/config/n/foreign",
    "/r/first/0",
    "/r/misc/foreign",
    "/other",
];

const CONFLICTS: [OnConflict; 4] = [
    OnConflict::Keep,
    OnConflict::Adopt,
    OnConflict::Overwrite,
    OnConflict::Stop,
];

/// Makes other dice of a seed.
const RARE: u64 = 0x5eed;
const MORE: u64 = 0x5e71_ce50;
const FREE: u64 = 0xf4ee;
const DEFINED: u64 = 0xdef1_0ed0;
const UIDS: u64 = 0x01d5;

impl Scenario {
    pub fn draw(seed: u64) -> Scenario {
        let mut writer = Author {
            dice: Dice::new(seed),
            number: 0,
            last: BTreeMap::new(),
            uids: None,
        };
        writer.scenario(seed)
    }
}

impl Settings {
    /// Whether the destination can be watched.
    pub fn watches(&self) -> bool {
        self.mend.is_some() || self.frees
    }

    /// Whether carry ends where others have something in its way.
    pub fn stops(&self) -> bool {
        self.conflict == OnConflict::Stop
    }
}

/// What others have is in carry's way in some runs, and they take it away.
fn obstruct(settings: &mut Settings, dice: &mut Dice) {
    let hears_nothing = settings.once && settings.conflict == OnConflict::Keep;
    settings.frees = dice.chance(match settings.stops() || hears_nothing {
        true => 90,
        false => 60,
    });
    if settings.frees {
        for _ in 0..dice.below(5) {
            let key = (*dice.pick(&KEYS)).to_owned();
            settings.foreign.insert(key, "foreign here".to_owned());
        }
    }
    if dice.chance(40) {
        settings.ambushes = *dice.pick(&[5, 15, 40]);
    }
}

struct Author {
    dice: Dice,
    number: usize,
    last: BTreeMap<String, String>,
    /// Where there are owners.
    uids: Option<Dice>,
}

impl Author {
    fn scenario(&mut self, seed: u64) -> Scenario {
        let mut settings = self.settings(seed);
        let mut more = Dice::new(seed ^ MORE);
        self.extend(&mut settings, &mut more);
        let mut free = Dice::new(seed ^ FREE);
        let mut defining = Dice::new(seed ^ DEFINED);
        self.define(&mut settings, &mut defining);
        obstruct(&mut settings, &mut free);
        let count = self.dice.between(5, 60);
        let hurry = *self.dice.pick(&[3, 20, 80, 300]);
        let mut steps = Vec::new();
        if self.dice.chance(80) {
            steps.push((0, Step::Weather(self.weather())));
        }
        for _ in 0..count {
            let pause = match self.dice.chance(10) {
                true => self.dice.between(0, 1500),
                false => self.dice.between(0, hurry),
            };
            let step = self.step(&settings);
            steps.push((pause, step));
            steps.extend(self.more_steps(&settings, &mut more));
            if settings.defined {
                steps.extend(self.defining_steps(&mut defining));
            }
            if settings.frees {
                steps.extend(self.obstructing_steps(&settings, &mut free));
            }
        }
        // Nothing comes after it that would bring carry there anyway.
        if settings.frees && free.chance(50) {
            let pick = free.below(64);
            steps.push((free.between(0, 300), Step::Free { pick }));
        }
        Scenario {
            seed,
            settings,
            steps,
        }
    }

    fn settings(&mut self, seed: u64) -> Settings {
        let mut rare = Dice::new(seed ^ RARE);
        let (once, resync) = (rare.chance(8), rare.chance(12));
        let conflict = CONFLICTS[rare.weighted(&[35, 22, 25, 18])];
        let owned = rare.chance(30);
        let mut uids = Dice::new(seed ^ UIDS);
        let policies = [Owners::Hold, Owners::Strip, Owners::Skip];
        let owners = owned.then(|| *uids.pick(&policies));
        self.uids = owners.map(|_| uids);
        let mut versions = vec![Version::ALL];
        for _ in 0..2 {
            versions.push(Version {
                first: self.dice.chance(80),
                plain: self.dice.chance(80),
                twin: self.dice.chance(50),
                label: if self.dice.chance(70) { "on" } else { "blue" },
            });
        }
        let mut foreign = BTreeMap::new();
        for key in FOREIGN {
            if self.dice.chance(60) {
                foreign.insert(key.to_owned(), "foreign".to_owned());
            }
        }
        for _ in 0..self.dice.below(3) {
            let key = (*self.dice.pick(&KEYS)).to_owned();
            foreign.insert(key, "foreign here".to_owned());
        }
        let mut before = Vec::new();
        for _ in 0..self.dice.below(12) {
            before.push(self.edits());
        }
        // What is compared counts, too.
        let least = if owned { 4 } else { 2 };
        Settings {
            once,
            resync,
            conflict,
            owners,
            services: None,
            defined: false,
            calls: Vec::new(),
            mend: None,
            frees: false,
            ambushes: 0,
            live: self.dice.chance(60),
            sealed: self.dice.chance(25),
            hosts: if self.dice.chance(25) { 2 } else { 1 },
            waits: self.dice.chance(50),
            prune: self.dice.chance(50),
            width: *self.dice.pick(&[1, 2, 4, 32]),
            txn_ops: *self.dice.pick(&[1, 2, 3, 128]),
            txn_bytes: *self.dice.pick(&[60, 300, 1 << 20]),
            max_ops: (*self.dice.pick(&[2, 3, 128, 128])).max(least),
            max_bytes: 400,
            page: *self.dice.pick(&[1, 2, 3, 500]),
            versions,
            foreign,
            before,
        }
    }

    /// Services in some runs, and in some others who change what is carry's;
    /// the rest is as without.
    fn extend(&mut self, settings: &mut Settings, dice: &mut Dice) {
        if dice.chance(25) {
            settings.services = Some(services::draw_addressing(dice));
            // What is compared counts, too.
            settings.max_ops = settings.max_ops.max(16);
            settings.max_bytes = 1 << 20;
            for _ in 0..dice.below(6) {
                settings.calls.push(services::draw_call(dice));
            }
            for _ in 0..dice.below(5) {
                let edits = vec![self.service(dice)];
                settings.before.push(edits);
            }
        }
        if !settings.once && dice.chance(20) {
            settings.mend = Some(dice.chance(60));
        }
    }

    fn more_steps(&mut self, settings: &Settings, dice: &mut Dice) -> Vec<(u64, Step)> {
        let mut steps = Vec::new();
        if settings.services.is_some() {
            if dice.chance(45) {
                let mut edits = vec![self.service(dice)];
                if dice.chance(20) {
                    edits.push(self.service(dice));
                    edits.dedup_by_key(|edit| edit.key.clone());
                }
                steps.push((dice.between(0, 20), Step::Write(edits)));
            }
            if dice.chance(35) {
                let call = services::draw_call(dice);
                let longest = *dice.pick(&[0, 5, 50]);
                let lag = dice.between(0, longest);
                steps.push((dice.between(0, 20), Step::Call { call, lag }));
            }
        }
        if settings.mend.is_some() && dice.chance(35) {
            let meddling = drift::draw(dice, &mut self.number, settings);
            steps.push((dice.between(0, 20), Step::Meddle(meddling)));
        }
        steps
    }

    /// Definitions and custom resources in some runs.
    fn define(&mut self, settings: &mut Settings, dice: &mut Dice) {
        settings.defined = dice.chance(25);
        if !settings.defined {
            return;
        }
        // What is compared counts, too.
        settings.max_ops = settings.max_ops.max(16);
        settings.max_bytes = 1 << 20;
        for _ in 0..dice.below(5) {
            let edits = self.objects(dice);
            settings.before.push(edits);
        }
        for _ in 0..dice.below(3) {
            let (key, value) = self.foreign_object(dice);
            settings.foreign.insert(key, value);
        }
    }

    fn defining_steps(&mut self, dice: &mut Dice) -> Vec<(u64, Step)> {
        let mut steps = Vec::new();
        if dice.chance(45) {
            let edits = self.objects(dice);
            steps.push((dice.between(0, 20), Step::Write(edits)));
        }
        if dice.chance(4) {
            let (key, value) = self.foreign_object(dice);
            steps.push((dice.between(0, 20), Step::Foreign { key, value }));
        }
        if dice.chance(6) {
            steps.extend(self.race(dice));
        }
        steps
    }

    /// A definition that loses a version, and an object that comes in that
    /// version at about the same time.
    fn race(&mut self, dice: &mut Dice) -> Vec<(u64, Step)> {
        let object = *dice.pick(&CUSTOM);
        let definition = definitions::definition_of(object);
        let mut edit = |key: &str, words: &str| Edit {
            key: key.to_owned(),
            value: Some(format!("{} {words}", self.numbered("v"))),
            leased: false,
        };
        let first = edit(definition, "has:v1,v2 stores:v1");
        let mut both = [edit(definition, "has:v2 stores:v2"), edit(object, "in:v1")];
        if dice.chance(50) {
            both.reverse();
        }
        let mut steps = vec![(dice.between(0, 20), Step::Write(vec![first]))];
        // Until the first one is there, and taken up.
        let longest = *dice.pick(&[20, 400, 2000]);
        let pause = dice.between(0, longest);
        if dice.chance(40) {
            steps.push((pause, Step::Write(both.to_vec())));
            return steps;
        }
        let [one, other] = both;
        steps.push((pause, Step::Write(vec![one])));
        steps.push((dice.between(0, 4), Step::Write(vec![other])));
        steps
    }

    /// What another has of these.
    fn foreign_object(&mut self, dice: &mut Dice) -> (String, String) {
        let key = definitions::pick(dice);
        let value = format!(
            "{} {}",
            self.numbered("foreign"),
            definitions::draw(key, dice)
        );
        (key.to_owned(), value)
    }

    /// Changes of definitions and custom resources in one transaction.
    fn objects(&mut self, dice: &mut Dice) -> Vec<Edit> {
        let mut edits: BTreeMap<String, Edit> = BTreeMap::new();
        let count = if dice.chance(75) { 1 } else { 2 };
        for _ in 0..count {
            let key = definitions::pick(dice).to_owned();
            let mut value = None;
            if !dice.chance(22) {
                let mut words = format!("{} {}", self.numbered("v"), definitions::draw(&key, dice));
                for (percent, word) in [(8, "twin"), (4, "skip"), (3, "bad"), (3, "later")] {
                    if dice.chance(percent) {
                        words.push_str(&format!(" {word}"));
                    }
                }
                value = Some(words);
            }
            let leased = dice.chance(2);
            edits.insert(key.clone(), Edit { key, value, leased });
        }
        edits.into_values().collect()
    }

    /// Others put things in carry's way, and take them away.
    fn obstructing_steps(&mut self, settings: &Settings, dice: &mut Dice) -> Vec<(u64, Step)> {
        let mut steps = Vec::new();
        // Where that ends carry, it would never get far.
        let (comes, goes) = if settings.stops() { (5, 40) } else { (12, 20) };
        if dice.chance(comes) {
            let key = (*dice.pick(&KEYS)).to_owned();
            let value = self.numbered("foreign");
            steps.push((dice.between(0, 20), Step::Foreign { key, value }));
        }
        if dice.chance(goes) {
            let pick = dice.below(64);
            steps.push((dice.between(0, 20), Step::Free { pick }));
        }
        if dice.chance(5) {
            steps.extend(self.ambush(dice));
        }
        steps
    }

    /// Something comes into carry's way just before it writes there along with
    /// something else, and is gone before that has an answer.
    fn ambush(&mut self, dice: &mut Dice) -> [(u64, Step); 4] {
        let keys = ["/r/plain/c", "/r/plain/d"].map(str::to_owned);
        let edits = keys.clone().map(|key| Edit {
            key,
            value: Some(self.numbered("v")),
            leased: false,
        });
        let slow = Weather {
            delay: 40,
            slow: 40,
            ..Weather::default()
        };
        let [key, _] = keys;
        let value = self.numbered("foreign");
        let (pick, soon) = (dice.below(64), dice.between(20, 400));
        [
            (0, Step::Weather(slow)),
            (0, Step::Foreign { key, value }),
            (0, Step::Write(edits.to_vec())),
            (soon, Step::Free { pick }),
        ]
    }

    /// A change of a Service.
    fn service(&mut self, dice: &mut Dice) -> Edit {
        let key = (*dice.pick(&SERVICES)).to_owned();
        let mut value = None;
        if !dice.chance(25) {
            let mut words = format!("{} {}", self.numbered("v"), services::draw(dice));
            for (percent, word) in [(10, "twin"), (5, "skip"), (4, "bad"), (4, "later")] {
                if dice.chance(percent) {
                    words.push_str(&format!(" {word}"));
                }
            }
            value = Some(words);
        }
        Edit {
            key,
            value,
            leased: dice.chance(2),
        }
    }

    fn weather(&mut self) -> Weather {
        let mut some = |most: u64| match self.dice.chance(50) {
            true => 0,
            false => self.dice.between(0, most) as u32,
        };
        Weather {
            answer_lost: some(15),
            request_lost: some(15),
            late: some(15),
            refused: some(10),
            read_fails: some(10),
            cut: some(10),
            progress: some(40),
            slow: some(5),
            delay: *self.dice.pick(&[0, 1, 3, 10, 40]),
        }
    }

    fn step(&mut self, settings: &Settings) -> Step {
        const WEIGHTS: [u32; 15] = [60, 5, 3, 2, 1, 3, 2, 1, 8, 2, 2, 1, 2, 1, 8];
        let host = self.dice.below(settings.hosts);
        match self.dice.weighted(&WEIGHTS) {
            0 => Step::Write(self.edits()),
            1 => Step::Compact {
                behind: self.dice.below(6) as i64,
            },
            2 => Step::CutWatches,
            3 => Step::Announce,
            4 => Step::Foreign {
                key: match self.dice.chance(60) {
                    true => (*self.dice.pick(&KEYS)).to_owned(),
                    false => (*self.dice.pick(&FOREIGN)).to_owned(),
                },
                value: self.numbered("foreign"),
            },
            5 => Step::Weather(self.weather()),
            6 => Step::Down {
                ms: self.dice.between(10, 3000),
            },
            7 => Step::Full {
                ms: self.dice.between(10, 2000),
            },
            8 => self.crash(host),
            9 => Step::Stop {
                host,
                away: self.dice.between(0, 500),
            },
            10 => Step::Pause {
                host,
                ms: self.dice.between(10, 5000),
            },
            11 => Step::ExpireLease,
            12 => Step::Rules {
                number: self.dice.below(settings.versions.len()),
                hot: self.dice.chance(70),
            },
            13 => Step::Mend,
            _ => Step::Write(self.relabel()),
        }
    }

    fn crash(&mut self, host: usize) -> Step {
        let most = *self.dice.pick(&[0, 5, 30, 200]);
        let calls = self.dice.between(0, most) as i64;
        let fate = match self.dice.weighted(&[50, 20, 30]) {
            0 => Fate::Kept,
            1 => Fate::Lost,
            _ => Fate::Behind(self.dice.below(8)),
        };
        let longest = *self.dice.pick(&[50, 800]);
        let away = self.dice.between(0, longest);
        Step::Crash {
            host,
            calls,
            fate,
            away,
        }
    }

    fn edits(&mut self) -> Vec<Edit> {
        let count = match self.dice.chance(70) {
            true => 1,
            false => self.dice.between(2, 5),
        };
        let mut edits: BTreeMap<String, Edit> = BTreeMap::new();
        for _ in 0..count {
            let key = (*self.dice.pick(&KEYS)).to_owned();
            let edit = self.edit(key.clone());
            edits.insert(key, edit);
        }
        edits.into_values().collect()
    }

    /// A Namespace, and perhaps keys in it, in one transaction.
    fn relabel(&mut self) -> Vec<Edit> {
        let name = *self.dice.pick(&["n", "m"]);
        let mut edits = vec![self.edit(format!("/r/namespaces/{name}"))];
        for _ in 0..self.dice.below(2) {
            let key = format!("/r/config/{name}/a");
            edits.push(self.edit(key));
        }
        edits
    }

    fn edit(&mut self, key: String) -> Edit {
        if self.dice.chance(22) {
            return Edit {
                key,
                value: None,
                leased: false,
            };
        }
        let again = self.dice.chance(5);
        let value = match self.last.get(&key) {
            Some(last) if again => last.clone(),
            _ => self.value(&key),
        };
        self.last.insert(key.clone(), value.clone());
        Edit {
            key,
            value: Some(value),
            leased: self.dice.chance(3),
        }
    }

    fn numbered(&mut self, what: &str) -> String {
        self.number += 1;
        format!("{what} {}", self.number)
    }

    fn value(&mut self, key: &str) -> String {
        let mut value = self.numbered("v");
        let mut word = |percent: u32, word: &str, dice: &mut Dice| {
            if dice.chance(percent) {
                value.push(' ');
                value.push_str(word);
            }
        };
        let dice = &mut self.dice;
        if key.starts_with("/r/namespaces/") {
            word(50, "on", dice);
            word(30, "blue", dice);
            word(70, "pick", dice);
            word(8, "garbage", dice);
        } else if key.starts_with("/r/config/") {
            word(30, "twin", dice);
        } else if key.starts_with("/r/plain/") {
            word(20, "first", dice);
        }
        word(10, "skip", dice);
        word(5, "bad", dice);
        word(5, "later", dice);
        word(4, "unfit", dice);
        word(4, "unfit-later", dice);
        word(10, &"x".repeat(100), dice);
        word(3, &"x".repeat(500), dice);
        if let Some(uids) = &mut self.uids {
            value.push_str(&owners::draw(key, uids));
        }
        match self.dice.chance(3) {
            true => String::new(),
            false => value,
        }
    }
}

impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            None => write!(f, "-{}", self.key),
            Some(value) => {
                let value = value.replace(&"x".repeat(100), "X");
                let leased = if self.leased { " (leased)" } else { "" };
                write!(f, "{}={value:?}{leased}", self.key)
            }
        }
    }
}

fn joined(edits: &[Edit]) -> String {
    let edits: Vec<String> = edits.iter().map(Edit::to_string).collect();
    edits.join(", ")
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Write(edits) => write!(f, "write {}", joined(edits)),
            other => write!(f, "{other:?}"),
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = &self.settings;
        writeln!(f, "seed {}", self.seed)?;
        writeln!(
            f,
            "services {:?} ({:?}), defined {}, mend {:?}, frees {} (ambushes {}), live {}, sealed {}, prune {}, once {}, resync {}, conflict {:?}, owners {:?}, hosts {} (waits {}), width {}, ops {} (server {}), bytes {}, page {}",
            settings.services,
            settings.calls,
            settings.defined,
            settings.mend,
            settings.frees,
            settings.ambushes,
            settings.live,
            settings.sealed,
            settings.prune,
            settings.once,
            settings.resync,
            settings.conflict,
            settings.owners,
            settings.hosts,
            settings.waits,
            settings.width,
            settings.txn_ops,
            settings.max_ops,
            settings.txn_bytes,
            settings.page
        )?;
        for version in &settings.versions {
            writeln!(f, "rules {version:?}")?;
        }
        writeln!(f, "foreign: {:?}", settings.foreign)?;
        for edits in &settings.before {
            writeln!(f, "before: {}", joined(edits))?;
        }
        for (pause, step) in &self.steps {
            writeln!(f, "+{pause} ms: {step}")?;
        }
        Ok(())
    }
}
