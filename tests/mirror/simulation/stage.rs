//! What all processes of a run share: both etcds, the network between, and the
//! witness of what happens at the destination.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use carry::destination::election::LeaseId;
use carry::destination::memory::MemoryDestination;
use carry::etcd::EtcdError;
use carry::source::ScriptedSource;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::dice::Dice;
use super::rules::{Outside, Rules, Version};
use super::scenario::{Scenario, Settings, Weather};
use super::witness::Witness;

/// How long a leader key outlives its process.
pub const LEASE: Duration = Duration::from_secs(2);

pub struct Stage {
    pub settings: Settings,
    pub source: ScriptedSource,
    pub destination: MemoryDestination,
    pub outside: Arc<Outside>,
    /// The rules file.
    pub rules: watch::Sender<Arc<Rules>>,
    witness: Mutex<Witness>,
    state: Mutex<State>,
    calm: AtomicBool,
}

struct State {
    dice: Dice,
    weather: Weather,
    down_until: Option<Instant>,
    full_until: Option<Instant>,
    leases: BTreeMap<i64, Instant>,
    lives: u32,
    /// Writes until the answer of one is lost.
    unlucky_in: Option<u64>,
    /// What the source is to delete next.
    doomed: Vec<String>,
}

/// What becomes of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Luck {
    Good,
    Refused,
    RequestLost,
    AnswerLost,
    Late,
}

/// One way there and back.
pub struct Trip {
    pub there: Duration,
    pub back: Duration,
    pub luck: Luck,
}

impl Stage {
    pub fn new(scenario: &Scenario, verbose: bool) -> Stage {
        let settings = scenario.settings.clone();
        let destination = MemoryDestination::new(0xb);
        destination.set_limits(settings.max_ops, settings.max_bytes);
        let outside = Arc::new(Outside {
            conflict: settings.conflict,
            services: settings.services,
            mend: settings.mend == Some(true),
            owners: settings.owners,
            defined: settings.defined,
            ..Outside::default()
        });
        let rules = Rules::new(settings.versions[0], settings.sealed, outside.clone());
        Stage {
            source: ScriptedSource::new(0xa),
            destination,
            outside,
            rules: watch::Sender::new(Arc::new(rules)),
            witness: Mutex::new(Witness::new(&settings, verbose)),
            state: Mutex::new(State {
                dice: Dice::new(scenario.seed ^ 0x7000_0000_0000),
                weather: Weather::default(),
                down_until: None,
                full_until: None,
                leases: BTreeMap::new(),
                lives: 0,
                unlucky_in: None,
                doomed: Vec::new(),
            }),
            settings,
            calm: AtomicBool::new(false),
        }
    }

    /// Whether nothing disturbs any more.
    pub fn is_calm(&self) -> bool {
        self.calm.load(Ordering::SeqCst)
    }

    pub fn calm(&self) {
        self.calm.store(true, Ordering::SeqCst);
    }

    pub fn witness(&self) -> MutexGuard<'_, Witness> {
        self.witness.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn roll<T>(&self, roll: impl FnOnce(&mut Dice) -> T) -> T {
        roll(&mut self.state().dice)
    }

    pub fn weather(&self) -> Weather {
        self.state().weather
    }

    pub fn set_weather(&self, weather: Weather) {
        self.state().weather = weather;
    }

    pub fn version(&self) -> Version {
        self.rules.borrow().version()
    }

    pub fn set_version(&self, version: Version) {
        let rules = Rules::new(version, self.settings.sealed, self.outside.clone());
        self.rules.send_replace(Arc::new(rules));
    }

    pub fn next_life(&self) -> u32 {
        let mut state = self.state();
        state.lives += 1;
        state.lives
    }

    /// The answer of the write after so many more is lost.
    pub fn loses_answer_after(&self, writes: u64) {
        self.state().unlucky_in = Some(writes);
    }

    /// The source deletes this soon.
    pub fn doom(&self, key: &str) {
        self.state().doomed.push(key.to_owned());
    }

    pub fn take_doomed(&self) -> Vec<String> {
        std::mem::take(&mut self.state().doomed)
    }

    fn is_unlucky(&self) -> bool {
        let mut state = self.state();
        let left = state.unlucky_in;
        state.unlucky_in = left.and_then(|left| left.checked_sub(1));
        left == Some(0)
    }

    /// The destination cannot be reached until then.
    pub fn down(&self, until: Option<Instant>) {
        self.state().down_until = until;
    }

    /// The destination has no room until then.
    pub fn full(&self, until: Option<Instant>) {
        self.state().full_until = until;
    }

    fn delay(&self) -> Duration {
        let mut state = self.state();
        let Weather { delay, slow, .. } = state.weather;
        let usual = state.dice.between(0, delay);
        let factor = if state.dice.chance(slow) { 50 } else { 1 };
        Duration::from_millis(usual * factor)
    }

    pub fn reading(&self) -> Trip {
        let Weather {
            read_fails,
            refused,
            ..
        } = self.weather();
        let luck = self.roll(|dice| match () {
            () if dice.chance(read_fails) => Luck::AnswerLost,
            () if dice.chance(refused) => Luck::Refused,
            () => Luck::Good,
        });
        Trip {
            there: self.delay(),
            back: self.delay(),
            luck,
        }
    }

    pub fn writing(&self) -> Trip {
        let weather = self.weather();
        let unlucky = self.is_unlucky();
        let luck = self.roll(|dice| match () {
            () if unlucky => Luck::AnswerLost,
            () if dice.chance(weather.answer_lost) => Luck::AnswerLost,
            () if dice.chance(weather.request_lost) => Luck::RequestLost,
            () if dice.chance(weather.late) => Luck::Late,
            () if dice.chance(weather.refused) => Luck::Refused,
            () => Luck::Good,
        });
        let late = match luck {
            Luck::Late => self.roll(|dice| dice.between(30, 1500)),
            _ => 0,
        };
        Trip {
            there: self.delay() + Duration::from_millis(late),
            back: self.delay(),
            luck,
        }
    }

    /// Before any call has its effect at the destination: leases end, and it
    /// may not be there.
    pub fn arrive(&self) -> Result<(), EtcdError> {
        let now = Instant::now();
        let mut state = self.state();
        if state.down_until.is_some_and(|until| now < until) {
            return Err(EtcdError::Unreachable("it is down".to_owned()));
        }
        let full = state.full_until.is_some_and(|until| now < until);
        self.destination.set_full(full);
        let ended: Vec<i64> = state
            .leases
            .iter()
            .filter(|(_, until)| now >= **until)
            .map(|(lease, _)| *lease)
            .collect();
        for lease in ended {
            state.leases.remove(&lease);
            self.destination.expire_lease(LeaseId(lease));
        }
        Ok(())
    }

    /// A lease lives on from now.
    pub fn renew_lease(&self, lease: LeaseId) {
        self.state().leases.insert(lease.0, Instant::now() + LEASE);
    }

    /// All leases end now.
    pub fn end_leases(&self) {
        self.state().leases.clear();
        self.destination.expire_leases();
    }

    pub fn left(&self, lease: LeaseId) -> Option<Duration> {
        let until = *self.state().leases.get(&lease.0)?;
        // etcd tells whole seconds.
        let left = until.saturating_duration_since(Instant::now());
        Some(Duration::from_secs(left.as_secs()))
    }
}

/// Other tasks get their turn even where nothing takes time.
pub async fn pass(time: Duration) {
    match time.is_zero() {
        true => tokio::task::yield_now().await,
        false => sleep(time).await,
    }
}

/// Bad news takes its time: otherwise who tries again at once would keep the
/// clock from moving.
pub fn back<T>(trip: &Trip, answer: &Result<T, EtcdError>) -> Duration {
    match answer {
        Ok(_) => trip.back,
        Err(_) => trip.back.max(Duration::from_millis(1)),
    }
}

pub fn timeout() -> EtcdError {
    EtcdError::Timeout("nobody knows why".to_owned())
}

pub fn refused() -> EtcdError {
    EtcdError::Unreachable("connection refused".to_owned())
}
