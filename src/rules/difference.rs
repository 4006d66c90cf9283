//! Where two states of an object differ, field by field.
//!
//! Promises the same reticence as a trace's: of what a Secret keeps only the
//! places are named. Deliberately compares lists element by element: what was
//! put in at the front of one makes all behind it differ.

use serde_json::Value;
use zeroize::Zeroizing;

use crate::k8s::{Path, Record, Step, Transferred};

use super::decide::Judge;
use super::outgoing::OutgoingScratch;
use super::rule_set::RuleId;
use super::shown::{NOT_SHOWN, is_private};

/// One place where two states differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The place, as a field path.
    pub path: String,
    /// What was there; `None` where nothing was.
    pub before: Option<Value>,
    /// What is there; `None` where nothing is.
    pub after: Option<Value>,
    /// Whether both are a Secret's, and stand for what is not shown.
    pub hidden: bool,
}

/// Where two objects differ, in order of their fields. Of Secrets the places
/// alone, unless `show_secrets`.
pub fn differences(before: &Value, after: &Value, show_secrets: bool) -> Vec<Difference> {
    let secret = [before, after].iter().any(|own| own["kind"] == "Secret");
    let mut walk = Walk {
        steps: Vec::new(),
        redact: secret && !show_secrets,
        found: Vec::new(),
    };
    walk.compare(Some(before), Some(after));
    walk.found
}

struct Walk {
    steps: Vec<Step>,
    redact: bool,
    found: Vec<Difference>,
}

impl Walk {
    fn compare(&mut self, before: Option<&Value>, after: Option<&Value>) {
        if before == after {
            return;
        }
        match (before, after) {
            _ if self.is_sealed() => self.note(before, after),
            (Some(Value::Object(old)), Some(Value::Object(new))) => {
                let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
                names.sort_unstable();
                names.dedup();
                for name in names {
                    let step = Step::Field(name.as_str().into());
                    self.below(step, old.get(name), new.get(name));
                }
            }
            (Some(Value::Array(old)), Some(Value::Array(new))) => {
                for (at, index) in (0..old.len().max(new.len())).zip(0..) {
                    self.below(Step::Index(index), old.get(at), new.get(at));
                }
            }
            _ => self.note(before, after),
        }
    }

    fn below(&mut self, step: Step, before: Option<&Value>, after: Option<&Value>) {
        self.steps.push(step);
        self.compare(before, after);
        self.steps.pop();
    }

    fn name(&self, at: usize) -> Option<&str> {
        self.steps.get(at).and_then(Step::name)
    }

    fn is_private(&self) -> bool {
        let top = self.name(0).unwrap_or_default();
        self.redact && !self.steps.is_empty() && is_private(top, self.name(1))
    }

    /// Whether what lies beneath is nobody's business: of a private map the
    /// names may be known.
    fn is_sealed(&self) -> bool {
        let names = match self.name(0) {
            Some("metadata") => 3,
            _ => 2,
        };
        self.is_private() && self.steps.len() >= names
    }

    fn note(&mut self, before: Option<&Value>, after: Option<&Value>) {
        let private = self.is_private();
        let shown = |value: &Value| match private {
            true => NOT_SHOWN.into(),
            false => value.clone(),
        };
        self.found.push(Difference {
            path: Path::new(self.steps.clone()).to_string(),
            before: before.map(shown),
            after: after.map(shown),
            hidden: private,
        });
    }
}

impl Judge {
    /// Where what the source has under `key` differs from what the destination
    /// has `there`: each decrypted with its own side's keys. `before` is the
    /// destination's; `after` is as it would be written if `rule` selects it, as
    /// far as the source's value and this one say that. What is written where
    /// more of the destination is known: see [`Judge::change`].
    ///
    /// # Errors
    ///
    /// Why one of them cannot be read.
    pub fn difference(
        &self,
        key: &[u8],
        value: &[u8],
        there: &[u8],
        rule: Option<RuleId>,
        show_secrets: bool,
    ) -> Result<Vec<Difference>, String> {
        let here = self.object_to_write(key, value, there, rule);
        let here = here.map_err(|why| format!("the source's value cannot be read: {why}"))?;
        let there = self.object_there(key, there);
        let there = there.map_err(|why| format!("the destination's cannot be read: {why}"))?;
        Ok(differences(&there, &here, show_secrets))
    }

    /// What becomes of what the destination has under the source's `key`, which
    /// is `there`, where `written` takes its place: both as it stores them.
    ///
    /// # Errors
    ///
    /// Why one of them cannot be read.
    pub fn change(
        &self,
        key: &[u8],
        there: &[u8],
        written: &[u8],
        show_secrets: bool,
    ) -> Result<Vec<Difference>, String> {
        let after = self.object_there(key, written);
        let after = after.map_err(|why| format!("what is to be written cannot be read: {why}"))?;
        let there = self.object_there(key, there);
        let there = there.map_err(|why| format!("the destination's cannot be read: {why}"))?;
        Ok(differences(&there, &after, show_secrets))
    }

    /// The source's object, with what policies change in it for a destination
    /// that has `there`.
    fn object_to_write(
        &self,
        key: &[u8],
        value: &[u8],
        there: &[u8],
        rule: Option<RuleId>,
    ) -> Result<Value, String> {
        let mut scratch = OutgoingScratch::default();
        let outgoing = match rule {
            Some(rule) => self
                .outgoing_over(key, value, there, rule, &mut scratch)
                .ok(),
            None => None,
        };
        match outgoing.map(|own| own.value) {
            Some(Transferred::Sealed { value, .. }) => self.object_there(key, value),
            Some(Transferred::AsItIs) | None => self.object(key, value, true),
        }
    }

    fn object_there(&self, key: &[u8], there: &[u8]) -> Result<Value, String> {
        let place = self.place(key);
        let place = place.map_err(|_| "its key is not that of an object".to_owned())?;
        let to_key = self.key_map().to_destination(key);
        let (keyrings, mut plain) = (self.keyrings(), Zeroizing::default());
        let destination = &keyrings.destination;
        let opened = destination.open(place.group(), place.plural(), &to_key, there, &mut plain);
        let opened = opened.map_err(|error| error.to_string())?;
        let record = Record::parse(opened.plain).map_err(|error| error.to_string())?;
        record.to_json().map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(before: &Value, after: &Value, show_secrets: bool) -> Vec<String> {
        let found = differences(before, after, show_secrets);
        let text = |value: Option<Value>| value.map_or("-".to_owned(), |value| value.to_string());
        let told = found.into_iter();
        told.map(|own| format!("{} {} {}", own.path, text(own.before), text(own.after)))
            .collect()
    }

    #[test]
    fn every_place_is_named() {
        let before = json!({"spec": {"a": 1, "l": [1, 2], "n": null}, "kind": "Pod"});
        let after =
            json!({"spec": {"a": 2, "l": [1, 3, {"x": 1}], "m": {"y.z": 1}}, "kind": "Pod"});
        assert_eq!(
            told(&before, &after, false),
            [
                "spec.a 1 2",
                "spec.l[1] 2 3",
                r#"spec.l[2] - {"x":1}"#,
                r#"spec.m - {"y.z":1}"#,
                "spec.n null -",
            ]
        );
        assert!(differences(&after, &after, false).is_empty());
    }

    #[test]
    fn secrets_keep_what_is_theirs() {
        let before = json!({"kind": "Secret", "type": "a", "data": {"p": "x", "q": "same"},
            "metadata": {"labels": {"a": "1"}, "annotations": {"k/l": "x"}, "managedFields": [{"f": 1}]}});
        let after = json!({"kind": "Secret", "type": "b", "data": {"p": "y", "q": "same", "r": "z"},
            "metadata": {"labels": {"a": "2"}, "annotations": {"k/l": "y"}, "managedFields": [{"f": 2}]}});
        let hidden = format!("{:?}", NOT_SHOWN);
        assert_eq!(
            told(&before, &after, false),
            [
                format!("data.p {hidden} {hidden}"),
                format!("data.r - {hidden}"),
                format!("metadata.annotations[\"k/l\"] {hidden} {hidden}"),
                "metadata.labels.a \"1\" \"2\"".to_owned(),
                format!("metadata.managedFields[0] {hidden} {hidden}"),
                "type \"a\" \"b\"".to_owned(),
            ]
        );
        assert!(told(&before, &after, true).contains(&"data.p \"x\" \"y\"".to_owned()));
        // A map that is there on one side only.
        let bare = json!({"kind": "Secret", "type": "a"});
        let gone = differences(&before, &bare, false);
        assert!(
            gone.iter().all(|own| !format!("{own:?}").contains("same")),
            "{gone:?}"
        );
        let other = json!({"kind": "ConfigMap", "type": "a"});
        let gone = differences(&before, &other, false);
        assert!(
            gone.iter().all(|own| !format!("{own:?}").contains("same")),
            "{gone:?}"
        );
    }
}
