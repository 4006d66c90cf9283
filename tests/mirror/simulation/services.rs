//! Services: what the source has of them, the kube-apiserver of the
//! destination that gives addresses at the same time, and what must hold of
//! both.
//!
//! The source's are written as words: a type, addresses, `p<port>=<node port>`,
//! `check=<node port>`, a policy of families. An annotation keeps these, so that
//! they are told from the stored bytes again.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use carry::destination::memory::MemoryDestination;
use carry::destination::{Guard, Op};
use carry::diagnostic::SourceText;
use carry::k8s::Keyring;
use carry::k8s::services::{ServiceName, Transaction};
use carry::rules::decide::Judge;
use carry::rules::{self, Plan};
use k8s_pb::api::core::v1::Service;
use k8s_pb::api::networking::v1::IPAddress;

use super::definitions;
use super::dice::Dice;
use super::rules::opened;
use super::stage::{Stage, pass};
use super::witness::Witness;
use crate::services::apiserver::{self, Kept};
use crate::services::made::{self, message};
use crate::services::store::Store;

/// Those that the source may have.
pub const SERVICES: [&str; 4] = [
    "/r/services/specs/n/a",
    "/r/services/specs/n/b",
    "/r/services/specs/m/a",
    "/r/services/specs/m/b",
];

const FOLDER: &str = "/r/services/specs/";
const TYPES: [&str; 5] = [
    "ClusterIP",
    "NodePort",
    "LoadBalancer",
    "ExternalName",
    "None",
];
const POLICIES: [&str; 3] = ["SingleStack", "PreferDualStack", "RequireDualStack"];

/// The policy, and the cluster.
#[derive(Clone, Copy, Debug)]
pub struct Addressing {
    /// `services: keep`; else `reallocate`.
    pub keep: bool,
    pub kept: Kept,
}

/// What the kube-apiserver of the destination is asked for.
#[derive(Clone, Debug)]
pub enum Call {
    Create {
        namespace: &'static str,
        name: String,
        families: Vec<bool>,
        ports: usize,
        pick: usize,
    },
    Remove {
        pick: usize,
    },
    /// One of its ranges is about to go, or is back.
    Retire,
}

pub fn is_service(key: &str) -> bool {
    key.starts_with(FOLDER)
}

/// Whether a key tells which addresses are taken.
pub fn is_of_addresses(key: &str) -> bool {
    key.starts_with("/r/ipaddresses/") || key.starts_with("/r/ranges/")
}

/// What carry itself thinks of Services.
pub fn judge(keep: bool) -> &'static Judge {
    static JUDGES: [OnceLock<Judge>; 2] = [OnceLock::new(), OnceLock::new()];
    JUDGES[usize::from(keep)].get_or_init(|| {
        let policy = if keep { "keep" } else { "reallocate" };
        let text = format!(
            "policies: {{services: {policy}}}\nfilters:\n  secondary:\n    - name: services\n      group: \"\"\n      resources: [{{kind: Service}}]\n"
        );
        let rules = rules::load(&SourceText::new("rules.yaml", text)).rule_set;
        let (plan, found) = Plan::compile(&rules.expect("rules"), "/r");
        let plan = plan.unwrap_or_else(|| panic!("{found:?}"));
        Judge::new(plan, Keyring::identity())
    })
}

fn name_of(key: &str) -> ServiceName {
    let rest = key.strip_prefix(FOLDER).unwrap_or_default();
    let (namespace, name) = rest.split_once('/').unwrap_or_default();
    ServiceName::new(namespace, name)
}

/// The words that a stored value was made of; `foreign` of another's.
pub fn told<'s>(key: &str, stored: &'s [u8]) -> Cow<'s, str> {
    if definitions::is_object(key) && !stored.is_empty() {
        return Cow::Owned(definitions::told(stored));
    }
    if !is_service(key) || stored.is_empty() {
        return String::from_utf8_lossy(opened(stored));
    }
    let annotations = message::<Service>(stored).metadata.unwrap_or_default();
    let words = annotations.annotations.get("words").cloned();
    Cow::Owned(words.unwrap_or_else(|| "foreign".to_owned()))
}

/// The value of a key of the source.
pub fn bytes(key: &str, words: &str) -> Vec<u8> {
    match key {
        _ if words.is_empty() => Vec::new(),
        _ if is_service(key) => made::service_bytes(&made_of(key, words)),
        _ if definitions::is_object(key) => definitions::bytes(key, words),
        _ => words.as_bytes().to_vec(),
    }
}

fn made_of(key: &str, text: &str) -> Service {
    let words: Vec<&str> = text.split(' ').collect();
    let one_of = |known: &[&'static str]| known.iter().find(|own| words.contains(own)).copied();
    let own_type = one_of(&TYPES).unwrap_or("ClusterIP");
    let is_address = |word: &&&str| word.starts_with("10.") || word.starts_with("fd00::");
    let addresses: Vec<&str> = words.iter().filter(is_address).copied().collect();
    let number = |text: &str| text.parse::<i32>().unwrap_or_default();
    let has_ports = matches!(own_type, "NodePort" | "LoadBalancer");
    let mut ports = Vec::new();
    for word in &words {
        let parts = word.strip_prefix('p').and_then(|rest| rest.split_once('='));
        if let Some((port, node_port)) = parts {
            let node_port = if has_ports { number(node_port) } else { 0 };
            ports.push(("TCP", number(port), node_port));
        }
    }
    let name = name_of(key);
    let mut service = made::exposed(made::service(&name.name, &addresses), own_type, &ports);
    let metadata = service.metadata.get_or_insert_default();
    metadata.namespace = Some(name.namespace.to_string());
    metadata
        .annotations
        .insert("words".to_owned(), text.to_owned());
    let spec = service.spec.get_or_insert_default();
    spec.ip_family_policy = one_of(&POLICIES).map(str::to_owned);
    let check = words.iter().find_map(|word| word.strip_prefix("check="));
    match own_type {
        "LoadBalancer" => {
            spec.external_traffic_policy = Some("Local".to_owned());
            spec.health_check_node_port = check.map(number);
        }
        "ExternalName" => {
            (spec.cluster_ip, spec.cluster_ips) = (None, Vec::new());
        }
        "None" => {
            spec.r#type = Some("ClusterIP".to_owned());
            spec.cluster_ip = Some("None".to_owned());
            spec.cluster_ips = vec!["None".to_owned()];
        }
        _ => {}
    }
    service
}

/// Words of a Service, after those that all values begin with.
pub fn draw(dice: &mut Dice) -> String {
    let own_type = TYPES[dice.weighted(&[5, 3, 2, 1, 1])];
    let (v4, v6) = (dice.below(10), dice.below(10));
    let mut words = match dice.below(6) {
        0 | 1 => format!("{own_type} 10.0.0.{v4}"),
        2 => format!("{own_type} fd00::{v6} SingleStack"),
        3 => format!("{own_type} 10.0.0.{v4} fd00::{v6} RequireDualStack"),
        4 => format!("{own_type} fd00::{v6} 10.0.0.{v4} PreferDualStack"),
        _ => format!("{own_type} 10.0.0.{v4} PreferDualStack"),
    };
    let first = dice.between(29_998, 30_007);
    for number in 0..dice.below(3) as u64 {
        words.push_str(&format!(" p{}={}", 80 + number, first + number));
    }
    words.push_str(&format!(" check={}", first + 2));
    words
}

pub fn draw_addressing(dice: &mut Dice) -> Addressing {
    let (objects, bitmaps) = *dice.pick(&[(true, false), (false, true), (true, true)]);
    Addressing {
        keep: dice.chance(10),
        kept: Kept { objects, bitmaps },
    }
}

pub fn draw_call(dice: &mut Dice) -> Call {
    match dice.weighted(&[60, 35, 5]) {
        0 => {
            let mirrored = dice.chance(25);
            Call::Create {
                namespace: match mirrored {
                    true => ["n", "m"][dice.below(2)],
                    false => "own",
                },
                name: (*dice.pick(&["a", "b", "c"])).to_owned(),
                families: dice
                    .pick(&[vec![false], vec![true], vec![false, true], vec![]])
                    .clone(),
                ports: dice.below(3),
                pick: dice.below(64),
            }
        }
        1 => Call::Remove {
            pick: dice.below(64),
        },
        _ => Call::Retire,
    }
}

/// The same key, as the apiserver of other tests has it; and back.
fn registry(key: &str) -> String {
    format!("/registry/{}", key.strip_prefix("/r/").unwrap_or(key))
}

fn simulated(key: &[u8]) -> Vec<u8> {
    let rest = key.strip_prefix(b"/registry/").unwrap_or(key);
    [b"/r/", rest].concat()
}

/// The destination as an apiserver sees it.
fn view(destination: &MemoryDestination) -> Store {
    let mut store = Store::default();
    for (key, value) in destination.contents(b"/r/") {
        let revision = destination.revision_of(&key).map_or(0, |own| own.0);
        let key = registry(&String::from_utf8_lossy(&key));
        store.keys.insert(key, (value, revision));
    }
    store
}

/// The ranges, before anything else.
pub fn found(stage: &Stage) {
    let Some(addressing) = stage.settings.services else {
        return;
    };
    for (key, (value, _)) in apiserver::cluster(addressing.kept).keys {
        let key = simulated(key.as_bytes());
        stage.destination.put(&key, &value);
        stage.witness().wrote_apiserver(&[Op::put(key, value, 0)]);
    }
    for call in &stage.settings.calls {
        answer(stage, call, &view(&stage.destination));
    }
}

/// It sees what there is now, and acts upon it a while later.
pub fn call(stage: &Arc<Stage>, call: &Call, lag: u64) {
    let (view, stage, call) = (view(&stage.destination), stage.clone(), call.clone());
    tokio::spawn(async move {
        pass(Duration::from_millis(lag)).await;
        if !stage.is_calm() && stage.arrive().is_ok() {
            answer(&stage, &call, &view);
        }
    });
}

fn answer(stage: &Stage, call: &Call, view: &Store) {
    let Some(Addressing { kept, .. }) = stage.settings.services else {
        return;
    };
    let transaction = match call {
        Call::Create {
            namespace,
            name,
            families,
            ports,
            pick,
        } => {
            let name = ServiceName::new(namespace, name);
            if stage.witness().is_taken(&format!("{FOLDER}{name}")) {
                return;
            }
            apiserver::create(view, kept, &name, families, *ports, *pick)
        }
        Call::Remove { pick } => {
            let mut all = apiserver::services(view);
            all.retain(|(name, _)| &*name.namespace == "own");
            let place = pick.checked_rem(all.len());
            place.and_then(|place| apiserver::delete(view, &all[place].0))
        }
        Call::Retire => {
            let mut after = view.clone();
            apiserver::retire(&mut after);
            let key = simulated(apiserver::OTHER_KEY.as_bytes());
            if let Some(value) = after.get(apiserver::OTHER_KEY) {
                stage.destination.put(&key, value);
                let op = Op::put(key, value.to_vec(), 0);
                stage.witness().wrote_apiserver(&[op]);
            }
            None
        }
    };
    if let Some(transaction) = transaction {
        commit(stage, &transaction);
    }
}

fn commit(stage: &Stage, transaction: &Transaction) {
    let compare = transaction.compares.iter().map(|compare| {
        let key = simulated(&compare.key);
        match compare.mod_revision {
            0 => Guard::Absent(key),
            mod_revision => Guard::Unchanged { key, mod_revision },
        }
    });
    let guards: Vec<Guard> = compare.collect();
    let puts = transaction.puts.iter();
    let puts = puts.map(|put| Op::put(simulated(&put.key), put.value.to_vec(), 0));
    let deletes = transaction.deletes.iter();
    let deletes = deletes.map(|key| Op::Delete {
        key: simulated(key),
    });
    let ops: Vec<Op> = puts.chain(deletes).collect();
    if stage.destination.transact(&guards, &ops) {
        stage.witness().wrote_apiserver(&ops);
    }
}

/// A Service is deleted as everybody deletes one, by whoever may.
pub fn delete(stage: &Stage, key: &str) {
    let view = view(&stage.destination);
    if let Some(transaction) = apiserver::delete(&view, &name_of(key)) {
        commit(stage, &transaction);
    }
}

/// The Service with other words, and all that is the destination's own.
pub fn reworded(stored: &[u8], words: &str) -> Vec<u8> {
    let mut service: Service = message(stored);
    let metadata = service.metadata.get_or_insert_default();
    metadata
        .annotations
        .insert("words".to_owned(), words.to_owned());
    made::service_bytes(&service)
}

impl Witness {
    fn store(&self) -> Store {
        let mut store = Store::default();
        for (key, value) in self.contents() {
            store.keys.insert(registry(key), (value.clone(), 0));
        }
        store
    }

    /// Every address and every node port has one owner, and is kept as its own.
    fn addresses_are_well(&mut self) {
        if let Some(Addressing { keep: false, kept }) = self.services
            && let Err(wrong) = apiserver::is_kept_well(&self.store(), kept)
        {
            self.object(format!("addresses: {wrong}"));
        }
    }

    /// The kube-apiserver of the destination has written.
    pub fn wrote_apiserver(&mut self, ops: &[Op]) {
        self.note_elsewhere("the apiserver", ops);
        for op in ops {
            let key = String::from_utf8_lossy(op.key()).into_owned();
            match op {
                Op::Put { value, .. } | Op::PutLeased { value, .. } => {
                    self.elsewhere(&key, Some(value), is_service(&key));
                }
                Op::Delete { .. } => self.elsewhere(&key, None, is_service(&key)),
            }
        }
        self.addresses_are_well();
    }

    /// What carry has written of addresses goes with one Service, and is that
    /// one's. Not yet taken in.
    pub fn addresses_go_along(&mut self, ops: &[Op]) {
        let Some(addressing) = self.services else {
            return;
        };
        let mut of = ops.iter().map(|op| String::from_utf8_lossy(op.key()));
        let service = of.find(|key| is_service(key)).map(|key| name_of(&key));
        for op in ops {
            let key = String::from_utf8_lossy(op.key()).into_owned();
            if !is_of_addresses(&key) {
                continue;
            }
            let Some(service) = service.clone() else {
                self.object(format!("`{key}` is written for no Service"));
                continue;
            };
            let value = match op {
                Op::Put { value, .. } | Op::PutLeased { value, .. } => Some(value.clone()),
                Op::Delete { .. } => None,
            };
            let before = self.contents().get(&key).cloned();
            if addressing.keep && !gives_up(&key, before.as_deref(), value.as_deref()) {
                self.object(format!("`{key}` is taken, which nothing is under `keep`"));
            }
            let both = [before.as_ref(), value.as_ref()].into_iter().flatten();
            let is_other = |own: &&Vec<u8>| owner(own) != service;
            if key.starts_with("/r/ipaddresses/") && both.into_iter().any(|own| is_other(&own)) {
                self.object(format!("`{key}` is not {service}'s, and is written"));
            }
            let is_new = before.is_none() && key.starts_with("/r/ipaddresses/10.1.0.");
            if is_new && !apiserver::gives_others(&self.store()) {
                self.object(format!("`{key}` is of a range that goes"));
            }
            self.elsewhere(&key, value.as_deref(), false);
        }
    }

    /// After a transaction of carry's.
    pub fn addresses_went_along(&mut self, ops: &[Op]) {
        let mut keys = ops.iter().map(|op| String::from_utf8_lossy(op.key()));
        if keys.any(|key| is_service(&key) || is_of_addresses(&key)) {
            self.addresses_are_well();
        }
    }

    /// How a Service that carry writes differs from what it should be.
    pub fn service_differs(&self, key: &str, words: &str, stored: &[u8]) -> Option<String> {
        let Addressing { keep, .. } = self.services?;
        let source = made_of(key, words);
        if keep {
            let same = stored == made::service_bytes(&source);
            return (!same).then(|| format!("`{key}` is not as at the source"));
        }
        let own: Service = message(stored);
        let mut expected = source.clone();
        let has_none = ["ExternalName", "None"];
        if !words.split(' ').any(|word| has_none.contains(&word)) {
            take_addresses(&mut expected, &own);
        }
        if expected != own {
            return Some(format!(
                "`{key}` differs in more than its addresses: {own:?}, at the source {source:?}"
            ));
        }
        let before = message::<Service>(self.contents().get(key)?);
        let moved = moved(&before, &own)?;
        Some(format!("`{key}` loses what it had: {moved}"))
    }

    /// Whether there is nothing left of what a Service needs.
    pub fn is_starved(&self, key: &str, words: &str) -> bool {
        if !is_service(key) || !matches!(self.services, Some(Addressing { keep: false, .. })) {
            return false;
        }
        let store = self.store();
        let service = made_of(key, words).spec.unwrap_or_default();
        let needs = |v6: bool| {
            let is_of = |own: &String| own.contains(':') == v6 && own != "None";
            service.cluster_ips.iter().any(is_of)
                || words.contains("RequireDualStack")
                || words.contains("PreferDualStack")
        };
        let none = |v6: bool| needs(v6) && apiserver::free_addresses(&store, v6).is_empty();
        let ports = service
            .ports
            .iter()
            .filter(|own| own.node_port() != 0)
            .count();
        let checks = usize::from(service.health_check_node_port() != 0);
        let has_none = service.cluster_ips.is_empty() || service.cluster_ip() == "None";
        !has_none && (none(false) || none(true))
            || apiserver::free_ports(&store).len() < ports + checks
    }
}

/// Whether something is less than before, and nothing more.
fn gives_up(key: &str, before: Option<&[u8]>, value: Option<&[u8]>) -> bool {
    let (Some(before), Some(value)) = (before, value) else {
        return value.is_none();
    };
    let (before, value) = (made::offsets(before), made::offsets(value));
    let less = value.len() < before.len() && value.iter().all(|bit| before.contains(bit));
    key.starts_with("/r/ranges/") && less
}

/// Whose an IPAddress is.
fn owner(stored: &[u8]) -> ServiceName {
    let spec = message::<IPAddress>(stored).spec.unwrap_or_default();
    let parent = spec.parent_ref.unwrap_or_default();
    ServiceName::new(parent.namespace(), parent.name())
}

/// Of what belongs to a cluster, `own` has its own.
fn take_addresses(expected: &mut Service, own: &Service) {
    let own = own.spec.clone().unwrap_or_default();
    let spec = expected.spec.get_or_insert_default();
    spec.cluster_ip = own.cluster_ip;
    spec.cluster_ips = own.cluster_ips;
    spec.ip_families = own.ip_families;
    for (port, own) in spec.ports.iter_mut().zip(&own.ports) {
        if port.node_port() != 0 {
            port.node_port = own.node_port;
        }
    }
    if spec.health_check_node_port.is_some() {
        spec.health_check_node_port = own.health_check_node_port;
    }
}

/// An address, or a node port, that is another than before.
fn moved(before: &Service, after: &Service) -> Option<String> {
    let spec = |service: &Service| service.spec.clone().unwrap_or_default();
    let (before, after) = (spec(before), spec(after));
    let is_v6 = |own: &str| own.contains(':');
    for own in before.cluster_ips.iter().filter(|own| *own != "None") {
        let mut now = after.cluster_ips.iter().filter(|own| *own != "None");
        let same = now.find(|now| is_v6(now) == is_v6(own));
        if same.is_some_and(|now| now != own) {
            return Some(own.clone());
        }
    }
    for own in before.ports.iter().filter(|own| own.node_port() != 0) {
        let mut now = after.ports.iter().filter(|own| own.node_port() != 0);
        let same = now.find(|now| now.port() == own.port());
        if same.is_some_and(|now| now.node_port() != own.node_port()) {
            return Some(own.node_port().to_string());
        }
    }
    None
}
