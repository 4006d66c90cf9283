//! What is wrong with a configuration, by the path of the value at fault.
//! Deliberately knows no lines: those are looked up when there is something to
//! tell.

/// A mistake and the way to it.
#[derive(Debug)]
pub(super) struct Fault {
    pub message: String,
    pub target: Target,
    /// From the inside to the outside.
    way: Vec<Step>,
}

/// What of the value at the path is at fault.
#[derive(Debug)]
pub(super) enum Target {
    Value,
    /// The second, in the file, of these keys of a mapping.
    SecondOf(&'static [&'static str]),
}

/// One step into a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Field(&'static str),
    Item(usize),
}

impl Fault {
    pub fn new(message: impl Into<String>) -> Fault {
        Fault {
            message: message.into(),
            target: Target::Value,
            way: Vec::new(),
        }
    }

    /// Only one of these keys may stand in the mapping.
    pub fn second_of(message: impl Into<String>, keys: &'static [&'static str]) -> Fault {
        Fault {
            target: Target::SecondOf(keys),
            ..Fault::new(message)
        }
    }

    /// The same, seen from the mapping that has the faulty value under `name`.
    pub fn field(mut self, name: &'static str) -> Fault {
        self.way.push(Step::Field(name));
        self
    }

    /// The same, seen from the list.
    pub fn item(mut self, index: usize) -> Fault {
        self.way.push(Step::Item(index));
        self
    }

    /// From the document to the value.
    pub fn path(&self) -> impl Iterator<Item = Step> {
        self.way.iter().rev().copied()
    }
}

/// The text in backticks, or what it is where it may be a key that somebody
/// put into the wrong place.
pub(super) fn quoted(text: &str) -> String {
    match may_be_key(text) || text.len() > LONGEST_NAME {
        true => "(not repeated, it may be a key)".to_owned(),
        false => format!("`{}`", text.escape_debug()),
    }
}

/// The shortest key has 16 bytes, which are 22 characters of base64.
fn may_be_key(text: &str) -> bool {
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=-_\r\n".contains(&byte);
    text.len() >= 22 && text.bytes().all(is_base64)
}

const LONGEST_NAME: usize = 253;
