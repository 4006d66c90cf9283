//! CustomResourceDefinitions and custom resources: what the source has of
//! them, who takes definitions up at the destination, and what must hold of
//! both.
//!
//! The source's are written as words: a definition `has:<versions>`,
//! `stores:<versions>`; an object is `in:<version>`, and may be of a `kind:<kind>`
//! that is not the definition's. An annotation keeps these.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use carry::destination::Op;
use carry::diagnostic::SourceText;
use carry::k8s::Keyring;
use carry::rules::decide::Judge;
use carry::rules::{self, Plan, RuleId};
use serde_json::{Map, Value, json};

use super::dice::Dice;
use super::model::Want;
use super::stage::{Stage, pass};
use super::witness::Witness;

/// Definitions that the source may have.
pub const DEFINITIONS: [&str; 2] = [
    "/r/apiextensions.k8s.io/customresourcedefinitions/widgets.example.com",
    "/r/apiextensions.k8s.io/customresourcedefinitions/gadgets.example.com",
];

/// Objects of these.
pub const CUSTOM: [&str; 5] = [
    "/r/example.com/widgets/n/a",
    "/r/example.com/widgets/n/b",
    "/r/example.com/widgets/m/a",
    "/r/example.com/gadgets/n/a",
    "/r/example.com/gadgets/m/a",
];

const FOLDER: &str = "/r/apiextensions.k8s.io/customresourcedefinitions/";
const OBJECTS: &str = "/r/example.com/";

/// Where objects of a Namespace are.
pub const FOLDERS: [&str; 2] = ["/r/example.com/widgets/", "/r/example.com/gadgets/"];

pub fn is_definition(key: &str) -> bool {
    key.starts_with(FOLDER)
}

pub fn is_custom(key: &str) -> bool {
    key.starts_with(OBJECTS)
}

/// The definition of a custom resource.
pub fn definition_of(object: &str) -> &'static str {
    DEFINITIONS[usize::from(!object.contains("widgets"))]
}

/// Whether a value is an object of Kubernetes, in JSON.
pub fn is_object(key: &str) -> bool {
    is_definition(key) || is_custom(key)
}

/// What carry itself thinks of them.
pub fn judge() -> &'static Judge {
    static JUDGE: OnceLock<Judge> = OnceLock::new();
    JUDGE.get_or_init(|| {
        let text = "filters:\n  secondary:\n    - {name: definitions, group: apiextensions.k8s.io, resources: [{kind: CustomResourceDefinition}]}\n    - {name: objects, group: example.com, resources: [{kind: '*'}]}\n";
        let rules = rules::load(&SourceText::new("rules.yaml", text.to_owned())).rule_set;
        let (plan, found) = Plan::compile(&rules.expect("rules"), "/r");
        let plan = plan.unwrap_or_else(|| panic!("{found:?}"));
        Judge::new(plan, Keyring::identity())
    })
}

/// Which of its rules a key is of.
pub fn rule(key: &str) -> Option<RuleId> {
    Some(RuleId(u32::from(!is_definition(key))))
}

/// The words of a stored value.
pub fn told(stored: &[u8]) -> String {
    let object = parsed(stored);
    let words = object["metadata"]["annotations"]["words"].as_str();
    words.unwrap_or("foreign").to_owned()
}

/// A value made of words.
pub fn bytes(key: &str, words: &str) -> Vec<u8> {
    made(key, words).to_string().into_bytes()
}

fn parsed(stored: &[u8]) -> Value {
    serde_json::from_slice(stored).expect("an object")
}

fn word<'w>(words: &'w str, name: &str) -> Option<&'w str> {
    words.split(' ').find_map(|word| word.strip_prefix(name))
}

/// The kind and the plural of what a key is about.
fn names(key: &str) -> (&'static str, &'static str) {
    match key.contains("widgets") {
        true => ("Widget", "widgets"),
        false => ("Gadget", "gadgets"),
    }
}

fn made(key: &str, words: &str) -> Value {
    let (kind, plural) = names(key);
    let name = key.rsplit('/').next().unwrap_or_default();
    if is_custom(key) {
        let namespace = key.split('/').nth(4).unwrap_or_default();
        let version = word(words, "in:").unwrap_or("v1");
        return json!({
            "apiVersion": format!("example.com/{version}"),
            "kind": word(words, "kind:").unwrap_or(kind),
            "metadata": {"name": name, "namespace": namespace, "annotations": {"words": words}},
            "spec": {"size": 1},
        });
    }
    let list = |name: &str| word(words, name).unwrap_or("v1").split(',');
    let versions: Vec<Value> = list("has:").map(|own| json!({"name": own})).collect();
    let stored: Vec<&str> = list("stores:").collect();
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": name, "annotations": {"words": words}},
        "spec": {
            "group": "example.com",
            "names": {"kind": kind, "plural": plural},
            "scope": "Namespaced",
            "versions": versions,
        },
        "status": {
            "acceptedNames": {"kind": kind, "plural": plural, "shortNames": ["of-its-own"]},
            "conditions": [{"type": "Established", "status": "True", "reason": "OfItsOwn"}],
            "storedVersions": stored,
        },
    })
}

/// Words, after those that all values begin with.
pub fn draw(key: &str, dice: &mut Dice) -> String {
    if is_definition(key) {
        let (has, stores) = *dice.pick(&[
            ("v1", "v1"),
            ("v1", "v1"),
            ("v1,v2", "v1"),
            ("v1,v2", "v1,v2"),
            ("v1,v2", "v2"),
            ("v2", "v2"),
            ("v2,v3", "v2"),
        ]);
        return format!("has:{has} stores:{stores}");
    }
    let version = ["v1", "v2", "v3"][dice.weighted(&[60, 35, 5])];
    let kind = if dice.chance(4) { " kind:Other" } else { "" };
    format!("in:{version}{kind}")
}

/// One of the keys, definitions less often.
pub fn pick(dice: &mut Dice) -> &'static str {
    match dice.chance(40) {
        true => DEFINITIONS[dice.weighted(&[65, 35])],
        false => CUSTOM[dice.below(CUSTOM.len())],
    }
}

/// The object with other words.
pub fn reworded(stored: &[u8], words: &str) -> Vec<u8> {
    let mut object = parsed(stored);
    object["metadata"]["annotations"]["words"] = words.into();
    object.to_string().into_bytes()
}

/// The kube-apiserver of the destination takes up what carry has written, a
/// while later.
pub fn take_up(stage: &Arc<Stage>, ops: &[Op]) {
    if !stage.settings.defined || !stage.settings.live {
        return;
    }
    let keys = ops
        .iter()
        .map(|op| String::from_utf8_lossy(op.key()).into_owned());
    for key in keys.filter(|key| is_definition(key)) {
        let longest = stage.roll(|dice| *dice.pick(&[0, 5, 100, 1500]));
        let lag = stage.roll(|dice| dice.between(0, longest));
        let stage = stage.clone();
        stage.witness().taking_up += 1;
        tokio::spawn(async move {
            pass(Duration::from_millis(lag)).await;
            establish(&stage, &key);
            stage.witness().taking_up -= 1;
        });
    }
}

fn establish(stage: &Stage, key: &str) {
    let there = stage.destination.contents(key.as_bytes());
    let Some(there) = there.get(key.as_bytes()) else {
        return;
    };
    let mut object = parsed(there);
    if is_established(&object) || stage.witness().is_anothers(key) {
        return;
    }
    let status = object["status"].as_object_mut();
    let status = status.expect("a status that says what is stored");
    status.insert("conditions".to_owned(), conditions());
    let accepted = json!({"kind": names(key).0, "plural": names(key).1});
    status.insert("acceptedNames".to_owned(), accepted);
    let value = object.to_string().into_bytes();
    stage.destination.put(key.as_bytes(), &value);
    let op = Op::put(key.as_bytes().to_vec(), value.clone(), 0);
    let mut witness = stage.witness();
    witness.note_elsewhere("the apiserver", &[op]);
    witness.elsewhere(key, Some(&value), false);
}

fn conditions() -> Value {
    json!([{"type": "NamesAccepted", "status": "True"}, {"type": "Established", "status": "True"}])
}

fn is_established(definition: &Value) -> bool {
    let conditions = definition["status"]["conditions"].as_array();
    let mut all = conditions.into_iter().flatten();
    all.any(|own| own["type"] == "Established" && own["status"] == "True")
}

fn versions(definition: &Value) -> BTreeSet<&str> {
    let all = definition["spec"]["versions"].as_array();
    let names = all.into_iter().flatten();
    names.filter_map(|own| own["name"].as_str()).collect()
}

fn stored_versions(definition: &Value) -> Vec<&str> {
    let all = definition["status"]["storedVersions"].as_array();
    all.into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

fn version(object: &Value) -> &str {
    let version = object["apiVersion"].as_str().unwrap_or_default();
    version.split('/').nth(1).unwrap_or_default()
}

impl Witness {
    fn definition_of(&self, key: &str) -> Option<Value> {
        let there = self.contents().get(definition_of(key));
        there.map(|there| parsed(there))
    }

    /// What keeps the destination from reading such an object.
    fn is_undefined(&self, object: &Value, key: &str) -> Option<&'static str> {
        let Some(definition) = self.definition_of(key) else {
            return Some("has no definition");
        };
        match () {
            () if definition["spec"]["names"]["kind"] != object["kind"] => Some("is of no kind"),
            () if !versions(&definition).contains(version(object)) => Some("is in no version"),
            () if self.live && !is_established(&definition) => Some("is not taken up"),
            () => None,
        }
    }

    /// An object that the destination has in a version which a definition
    /// takes away.
    fn unreadable_by(&self, key: &str, definition: &Value) -> Option<&str> {
        let there = parsed(self.contents().get(key)?);
        let folder = format!("{OBJECTS}{}/", names(key).1);
        let gone = |own: &&str| !versions(definition).contains(own);
        let dropped: Vec<&str> = stored_versions(&there).into_iter().filter(gone).collect();
        let mut objects = self.contents().range(folder.clone()..);
        let within = objects.find_map(|(key, stored)| {
            let is_one = || dropped.contains(&version(&parsed(stored)));
            (key.starts_with(&folder) && is_one()).then_some(key)
        });
        within.map(String::as_str)
    }

    /// What is wrong about an object that carry writes.
    pub fn object_differs(&self, key: &str, words: &str, stored: &[u8]) -> Option<String> {
        let (source, own) = (made(key, words), parsed(stored));
        if is_custom(key) {
            let undefined = self.is_undefined(&own, key);
            return match undefined {
                Some(why) => Some(format!("`{key}` is written, and {why}")),
                None if stored != bytes(key, words) => {
                    Some(format!("`{key}` is not as at the source"))
                }
                None => None,
            };
        }
        if let Some(object) = self.unreadable_by(key, &source) {
            return Some(format!("`{key}` is written, and `{object}` not readable"));
        }
        let expected = self.expected(key, source);
        (own != expected).then(|| format!("`{key}` is {own}, and should be {expected}"))
    }

    /// A definition of the source, with what is the destination's to say.
    fn expected(&self, key: &str, source: Value) -> Value {
        let there = self.contents().get(key).map(|there| parsed(there));
        let mut expected = source.clone();
        let status: &mut Map<String, Value> = expected["status"].as_object_mut().expect("a map");
        for name in ["conditions", "acceptedNames"] {
            match there.as_ref().and_then(|there| there["status"].get(name)) {
                Some(own) => drop(status.insert(name.to_owned(), own.clone())),
                None => drop(status.remove(name)),
            }
        }
        let mut stored: Vec<String> = stored_versions(&source)
            .into_iter()
            .map(str::to_owned)
            .collect();
        for own in there.as_ref().map(stored_versions).unwrap_or_default() {
            if versions(&source).contains(own) && !stored.iter().any(|known| known == own) {
                stored.push(own.to_owned());
            }
        }
        status.insert("storedVersions".to_owned(), stored.into());
        expected
    }

    /// Whether a key has to wait for what the destination has or lacks.
    pub fn is_obstructed(&self, key: &str, want: &Want<'_>) -> bool {
        let Want::Value(stored, _) = want else {
            return false;
        };
        match key {
            _ if self.is_kept(key) => false,
            _ if is_custom(key) => self.is_undefined(&made(key, &stored.value), key).is_some(),
            _ if is_definition(key) => self.unreadable_by(key, &made(key, &stored.value)).is_some(),
            _ => false,
        }
    }
}
