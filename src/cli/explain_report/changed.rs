//! What policies change in a value: each field, from what to what, and why.
//!
//! Promises that nothing of a Secret's data is shown, since no policy changes
//! any. Deliberately does not know what the destination has.

use serde_json::{Value, json};

use crate::k8s::{Edit, Step};
use crate::rules::outgoing::Rewriting;
use crate::rules::policy::Policy;

/// Longer values are cut for people.
const LONGEST: usize = 120;

/// One field that a policy changes.
pub struct Changed {
    rewriting: Rewriting,
    /// What the source has there, if anything.
    from: Option<Value>,
    /// Whether the destination has the object already.
    there: bool,
}

impl Changed {
    /// All `rewritings` of what is `object` at the source; `there` says whether
    /// the destination is known to have it already.
    pub fn all(rewritings: Vec<Rewriting>, object: Option<&Value>, there: bool) -> Vec<Changed> {
        let all = rewritings.into_iter().map(|rewriting| Changed {
            from: object.and_then(|object| at(object, rewriting.path.steps()).cloned()),
            rewriting,
            there,
        });
        all.collect()
    }

    /// For people.
    pub fn human(&self) -> String {
        let Rewriting { policy, path, edit } = &self.rewriting;
        let from = self.from.as_ref();
        let what = match edit {
            Edit::Remove => match from.and_then(named) {
                Some(named) => format!("without `{path}`, {named}"),
                None => format!("without `{path}`"),
            },
            Edit::Set(value) | Edit::Replace(value) => match from {
                Some(from) => format!("with `{path}` {} instead of {}", cut(value), cut(from)),
                None => format!("with `{path}` {}", cut(value)),
            },
        };
        match self.why() {
            Some(why) => format!("{what} (policy `{policy}`: {why})"),
            None => format!("{what} (policy `{policy}`)"),
        }
    }

    /// For programs; `null` where the field goes, or was not there.
    pub fn json(&self) -> Value {
        json!({
            "policy": self.rewriting.policy.name(),
            "field": self.rewriting.path.to_string(),
            "from": self.from,
            "value": match &self.rewriting.edit {
                Edit::Remove => &Value::Null,
                Edit::Set(value) | Edit::Replace(value) => value,
            },
            "why": self.why(),
        })
    }

    /// Why that is changed; nothing of policies that change nothing.
    fn why(&self) -> Option<&'static str> {
        let path = self.rewriting.path.steps();
        let name = |at: usize| path.get(at).and_then(Step::name);
        Some(match self.rewriting.policy {
            Policy::Deletion => "the delete itself is carried over, once it is done",
            Policy::PersistentVolumes => "it is bound anew at the destination",
            Policy::Workloads => "it rests until `carry promote`",
            Policy::Owners => "the destination lacks the owner, with its uid",
            Policy::Definitions if name(1) == Some("storedVersions") => {
                "the destination has stored these, too"
            }
            Policy::Definitions => "that is the destination's to say",
            Policy::Services if name(0) == Some("status") => {
                "load balancers are the destination's own"
            }
            Policy::Services if self.there => "the destination's own stays, or is one of its free",
            Policy::Services => {
                "the source's is taken there, or in no range of the destination: it gets this one, or another that is free"
            }
            Policy::SystemObjects | Policy::ControlledObjects | Policy::OnConflict => return None,
        })
    }
}

/// What stands at the end of a path.
pub fn at<'v>(object: &'v Value, steps: &[Step]) -> Option<&'v Value> {
    steps.iter().try_fold(object, |own, step| match step {
        Step::Index(index) => own.get(usize::try_from(*index).ok()?),
        Step::Field(name) | Step::Key(name) => own.get(&**name),
    })
}

/// An owner, or all of them.
fn named(value: &Value) -> Option<String> {
    let one = |value: &Value| {
        let text = |field: &str| value.get(field).and_then(Value::as_str);
        Some(format!("{} `{}`", text("kind")?, text("name")?))
    };
    match value {
        Value::Array(all) => {
            let all: Option<Vec<String>> = all.iter().map(one).collect();
            all.filter(|all| !all.is_empty()).map(|all| all.join(", "))
        }
        one_alone => one(one_alone),
    }
}

fn cut(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
