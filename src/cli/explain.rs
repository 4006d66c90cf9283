//! `carry explain`: what one key is, what the rules say of it and why, and
//! what the destination has.
//!
//! Promises that the decision shown is the one that `run` takes: both call
//! `rules::decide`. Deliberately reads only: a key of the source, its
//! Namespace, and the key at the destination.

use std::process::ExitCode;

use super::args::{ExplainArgs, Output};
use super::connecting::{self, Which, failed};
use super::explain_report::{AtDestination, Report, There, ToWrite};
use super::rules_file;
use super::settings::ExplainSettings;
use crate::etcd::{EtcdError, TransportSettings};
use crate::k8s::Transferred;
use crate::metrics::Metrics;
use crate::rules::decide::{Decision, Event, Judge, Scratch};
use crate::rules::namespaces::Namespaces;
use crate::rules::outgoing::OutgoingScratch;
use crate::source::EtcdSource;
use crate::source::{Item, Source as _};

/// Runs the command.
pub fn run(args: ExplainArgs) -> ExitCode {
    let settings = match ExplainSettings::from_args(args) {
        Ok(settings) => settings,
        Err(problems) => return could_not(&problems.to_string()),
    };
    let loaded = match rules_file::load(&settings.rules) {
        Ok(loaded) => loaded,
        Err(failed) => {
            eprintln!("{}", failed.message.trim_end());
            return ExitCode::from(if failed.bad_rules { 1 } else { 2 });
        }
    };
    eprint!("{}", loaded.remarks);
    for warning in settings
        .warnings
        .iter()
        .chain(&loaded.encryption.warnings())
    {
        eprintln!("warning: {warning}");
    }
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return could_not(&format!("cannot start: {error}")),
    };
    match runtime.block_on(report(&settings, &loaded.judge)) {
        Ok(report) => {
            match settings.output {
                Output::Human => print!("{}", report.human(&loaded.source)),
                Output::Json => println!("{:#}", report.json(&loaded.source)),
            }
            ExitCode::from(u8::from(!report.exists()))
        }
        Err(message) => could_not(&message),
    }
}

fn could_not(message: &str) -> ExitCode {
    for line in message.lines() {
        eprintln!("error: {line}");
    }
    ExitCode::from(2)
}

async fn report(settings: &ExplainSettings, judge: &Judge) -> Result<Report, String> {
    let key = settings.key.as_slice();
    let source = open(Which::Source, &settings.source, key).await?;
    let refused = |error: EtcdError| failed(Which::Source, &settings.source, &error);
    let item = source.get(key).await.map_err(refused)?;
    let namespaces = namespaces(judge, &source, key, item.as_ref()).await;
    let namespaces = namespaces.map_err(refused)?;
    let destination = match &settings.destination {
        Some(settings) => {
            let at = judge.key_map().to_destination(key);
            let destination = open(Which::Destination, settings, &at).await?;
            let there = destination.get(&at).await;
            let there = there.map_err(|error| failed(Which::Destination, settings, &error))?;
            AtDestination::Read(there.map(|there| compare(judge, key, item.as_ref(), there)))
        }
        None => AtDestination::NotAsked,
    };
    let value = item.as_ref().map(|item| item.value.as_slice());
    let leased = item.as_ref().is_some_and(|item| item.lease != 0);
    let event = Event {
        key,
        value,
        leased,
        owned: false,
    };
    let decision = judge.decide(&event, &namespaces, &mut Scratch::default());
    let (decision, to_write) = last_look(judge, &event, decision);
    let mut rules = value.map(|value| judge.trace(key, value, &namespaces, settings.show_secrets));
    if let Some(Ok(traces)) = &mut rules
        && leased
    {
        judge.trace_lease(traces);
    }
    let shown = value.filter(|_| settings.show_object);
    let object = shown.map(|value| judge.object(key, value, settings.show_secrets));
    Ok(Report {
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
        to_write,
        rules,
        destination,
    })
}

/// What the mirror does once it has decided to write: the value is encrypted,
/// or the key is held after all.
fn last_look(judge: &Judge, event: &Event<'_>, decision: Decision) -> (Decision, Option<ToWrite>) {
    let (Decision::Put { .. }, Some(value)) = (&decision, event.value) else {
        return (decision, None);
    };
    let mut scratch = OutgoingScratch::default();
    let reencrypted = match judge.outgoing(event.key, value, &mut scratch) {
        Ok(Transferred::AsItIs) => None,
        Ok(Transferred::Sealed { provider, .. }) => Some(provider.to_string()),
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
        reencrypted,
    };
    (decision, Some(to_write))
}

fn compare(judge: &Judge, key: &[u8], item: Option<&Item>, there: Item) -> There {
    let mut scratch = OutgoingScratch::default();
    let value = item.map(|item| item.value.as_slice());
    There {
        same_bytes: value == Some(there.value.as_slice()),
        same_content: value
            .is_some_and(|value| judge.is_there(key, value, &there.value, &mut scratch)),
        encryption: judge
            .encryption_there(key, &there.value)
            .map(|provider| provider.to_string()),
        item: there,
    }
}

async fn open(
    which: Which,
    settings: &TransportSettings,
    key: &[u8],
) -> Result<EtcdSource, String> {
    let settings = settings.clone().asking_for(key);
    let connection = connecting::open(which, &settings).await?;
    Ok(EtcdSource::new(connection, Metrics::default()))
}

/// The Namespace of the object, where a rule looks at Namespaces.
async fn namespaces(
    judge: &Judge,
    source: &EtcdSource,
    key: &[u8],
    item: Option<&Item>,
) -> Result<Namespaces, EtcdError> {
    let mut namespaces = Namespaces::default();
    let names = item.map(|item| judge.namespaces_of(key, &item.value));
    for name in names.into_iter().flatten() {
        let mut key = judge.namespace_range().start;
        key.extend_from_slice(name.as_bytes());
        if let Some(item) = source.get(&key).await? {
            namespaces.set(&name, judge.namespace_view(&key, &item.value));
        }
    }
    Ok(namespaces)
}
