//! A configuration file, read and held against the flags.
//!
//! Promises everything that is wrong with it at once, each with its place and
//! what to do. Deliberately judges a value no further than its flag's parser
//! does: what it is good for is for `settings` to say, of a file as of a flag.

use clap::Command as Definition;

use super::hidden::hide;
use super::known::{Known, Meaning, meaning, names};
use crate::diagnostic::{Diagnostic, Level, SourceText, Span, Spanned};
use crate::rules::codes;
use crate::rules::yaml::{self, Entry, Kind, Node, Scalar, Value, nearest};

/// One setting of the file.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The name of its flag, whichever of its names the file has.
    pub name: String,
    /// Its value as a flag would have it.
    pub value: String,
    /// Where the value stands.
    pub span: Span,
    /// The name that the file has, and where.
    written: Spanned<String>,
}

/// A file and what is wrong with it.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    /// Its text, without what may be secret.
    pub source: SourceText,
    /// What it sets, in its order.
    pub settings: Vec<Setting>,
    /// Everything that was found.
    pub found: Vec<Diagnostic>,
}

impl ConfigFile {
    /// Reads the file that holds `bytes`.
    pub fn read(name: &str, bytes: Vec<u8>, definition: &Definition) -> ConfigFile {
        let file = yaml::read(name, bytes, "configuration files");
        let mut read = ConfigFile {
            source: SourceText::new(name, hide(&file.source.text)),
            settings: Vec::new(),
            found: file.diagnostics,
        };
        if let Some(document) = file.document {
            match &document.value {
                Value::Mapping(entries) => {
                    for entry in entries {
                        if let Err(found) = read.entry(entry, definition) {
                            read.found.extend(found);
                        }
                    }
                }
                Value::Refused => {}
                Value::Scalar(_) if document.is_null() => {}
                Value::Scalar(_) | Value::Sequence(_) => {
                    let message = format!(
                        "a configuration file is a mapping, not {}",
                        document.describe()
                    );
                    read.found.push(
                        codes::WRONG_TYPE
                            .at(document.head(), message)
                            .help("write a line for each setting, as in `name: default`"),
                    );
                }
            }
        }
        read.found.sort_by_key(|found| found.place().start);
        read
    }

    /// Whether it cannot be used.
    pub fn has_errors(&self) -> bool {
        self.found.iter().any(|found| found.level == Level::Error)
    }

    /// What it says of the flag of this name.
    pub fn setting(&self, name: &str) -> Option<&Setting> {
        self.settings.iter().find(|setting| setting.name == name)
    }

    /// The line of a place.
    pub fn line(&self, span: Span) -> usize {
        self.source.line_column(span.start).0
    }

    fn entry(&mut self, entry: &Entry, definition: &Definition) -> Result<(), Option<Diagnostic>> {
        let name = entry.key.value.as_str();
        let at = entry.key.span;
        let known = match meaning(definition, name) {
            Some(Meaning::Setting(known)) => known,
            Some(Meaning::Secret(file)) => {
                let message =
                    format!("`{name}` is a secret, which a configuration file does not hold");
                let help = format!(
                    "put it into a file of its own that nobody else can read, and name that with `{file}`"
                );
                return Err(Some(codes::MISPLACED_FIELD.at(at, message).help(help)));
            }
            Some(Meaning::OfOneCall) => {
                let message = format!("`{name}` is no setting: it is about one call");
                let help = format!("give `--{name}` on the command line");
                return Err(Some(codes::MISPLACED_FIELD.at(at, message).help(help)));
            }
            None => return Err(Some(unknown(name, at, definition))),
        };
        if let Some(first) = self.setting(known.name()) {
            let other = &first.written.value;
            let message = format!("`{name}` and `{other}` are the same setting");
            return Err(Some(
                codes::FIELD_TWICE
                    .at(at, message)
                    .also(first.written.span, "first written here")
                    .help("keep one of them"),
            ));
        }
        let value = value(&known, entry)?;
        self.settings.push(Setting {
            name: known.name().to_owned(),
            value,
            span: entry.value.head(),
            written: entry.key.clone(),
        });
        Ok(())
    }
}

fn unknown(name: &str, at: Span, definition: &Definition) -> Diagnostic {
    let names = names(definition);
    let shown = hide(name);
    let found = codes::UNKNOWN_FIELD.at(at, format!("there is no setting `{shown}`"));
    let plain = hyphenated(name);
    let exact = names.iter().copied().find(|known| *known == plain);
    match exact.or_else(|| nearest(&plain, names.iter().copied())) {
        Some(meant) => found.help(format!("did you mean `{meant}`?")),
        None => found.help(
            "settings have the names of flags, without the dashes in front: `carry run --help` has them",
        ),
    }
}

/// `--masterEndpoints` and `MASTER_ENDPOINTS` as flags are written.
fn hyphenated(name: &str) -> String {
    let bare = name.trim_start_matches('-');
    let bare = bare.strip_prefix("CARRY_").unwrap_or(bare);
    let camel = bare.contains(|c: char| c.is_ascii_lowercase());
    let mut plain = String::new();
    for c in bare.chars() {
        if camel && c.is_ascii_uppercase() && !plain.is_empty() {
            plain.push('-');
        }
        plain.push(match c {
            '_' => '-',
            c => c.to_ascii_lowercase(),
        });
    }
    plain
}

/// The value as a flag would have it; `None` where it was reported already.
fn value(known: &Known<'_>, entry: &Entry) -> Result<String, Option<Diagnostic>> {
    let node = &entry.value;
    let name = known.name();
    match &node.value {
        Value::Refused => Err(None),
        Value::Scalar(scalar) => scalar_value(known, scalar, node.span).map_err(Some),
        Value::Sequence(items) if known.is_list() => {
            let mut values = Vec::new();
            for item in items {
                match &item.value {
                    Value::Refused => return Err(None),
                    Value::Scalar(scalar) => {
                        values.push(scalar_value(known, scalar, item.span).map_err(Some)?);
                    }
                    Value::Sequence(_) | Value::Mapping(_) => {
                        let message =
                            format!("`{name}` is a list of texts, not of {}s", bare(item));
                        return Err(Some(codes::WRONG_TYPE.at(item.head(), message)));
                    }
                }
            }
            match values.is_empty() {
                true => Err(Some(empty(name, node.span))),
                false => Ok(values.join(&known.delimiter().to_string())),
            }
        }
        Value::Sequence(_) | Value::Mapping(_) => {
            let takes = match known.is_list() {
                true => "a list",
                false => "one value",
            };
            let message = format!("`{name}` takes {takes}, not {}", node.describe());
            let found = codes::WRONG_TYPE.at(node.head(), message);
            Err(Some(
                found.help(format!("write it as the flag `--{name}` has it")),
            ))
        }
    }
}

fn bare(node: &Node) -> &'static str {
    node.describe().trim_start_matches("a ")
}

fn scalar_value(known: &Known<'_>, scalar: &Scalar, at: Span) -> Result<String, Diagnostic> {
    let name = known.name();
    if scalar.kind() == Kind::Null || scalar.text.is_empty() {
        return Err(empty(name, at));
    }
    known.judge(&scalar.text).map_err(|(why, meant)| {
        let found = codes::UNKNOWN_WORD.at(at, why);
        match meant {
            Some(word) => found.help(format!("did you mean `{word}`?")),
            None => found,
        }
    })?;
    Ok(scalar.text.clone())
}

fn empty(name: &str, at: Span) -> Diagnostic {
    codes::EMPTY_VALUE
        .at(at, format!("`{name}` has no value"))
        .help("give it one, or leave the line out for the default")
}
