//! From text to a `document`.
//!
//! Promises a diagnostic for everything in YAML that rules files do not use
//! (anchors, aliases, tags, merge keys, several documents, keys that are not
//! text), and for everything that is not YAML. Deliberately keeps its own
//! stack, so that no nesting can exhaust the machine's.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, StrInput, Tag};

use super::codes;
use super::document::{Entry, Kind, Node, Scalar, Style, Value};
use super::findings::Findings;
use super::source_map::quoted_len;
use crate::diagnostic::{Diagnostic, Fix, Span, Spanned};

/// Deeper than any rules file needs.
const MAX_DEPTH: usize = 64;

/// Reads the one document of `text`; `None` where nothing can be made of it,
/// which has been reported then.
pub fn read(text: &str, findings: &mut Findings) -> Option<Node> {
    if let Some(control) = control_character(text) {
        findings.push(control);
        return None;
    }
    if text.starts_with('\u{feff}') {
        findings.push(byte_order_mark());
    }
    let mut reader = Reader {
        text,
        offsets: Offsets::new(text),
        stack: Vec::new(),
        root: None,
    };
    match reader.run(findings) {
        Ok(()) if reader.root.is_none() => {
            findings.push(empty_file(text));
            None
        }
        Ok(()) => reader.root,
        Err(diagnostic) => {
            findings.push(*diagnostic);
            None
        }
    }
}

/// The first character that YAML does not allow, NUL above all.
fn control_character(text: &str) -> Option<Diagnostic> {
    let refused = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}');
    let (at, c) = text.char_indices().find(|&(_, c)| refused(c))?;
    let name = if c == '\0' {
        "a NUL byte".to_owned()
    } else {
        format!("control character U+{:04X}", c as u32)
    };
    let span = Span::new(at, at + c.len_utf8());
    Some(
        codes::NOT_TEXT
            .at(span, format!("the file is not text: it contains {name}"))
            .help("remove it; if the file was saved as UTF-16, save it as UTF-8"),
    )
}

fn byte_order_mark() -> Diagnostic {
    codes::BYTE_ORDER_MARK
        .at(
            Span::new(0, '\u{feff}'.len_utf8()),
            "the file starts with a byte order mark",
        )
        .help("save it as UTF-8 without a byte order mark; carry ignores it, other tools may not")
        .fix(Fix::replace(Span::new(0, '\u{feff}'.len_utf8()), ""))
}

fn empty_file(text: &str) -> Diagnostic {
    let what = if text.trim().is_empty() {
        "the file is empty"
    } else {
        "the file contains only comments"
    };
    codes::EMPTY_FILE
        .at(Span::new(0, 0), what)
        .help("write `filters:` with `sequential:` and `secondary:` below it")
}

/// From the parser's character counts to byte offsets.
struct Offsets {
    /// Of each character, where they differ.
    bytes: Option<Vec<usize>>,
    len: usize,
}

impl Offsets {
    fn new(text: &str) -> Offsets {
        let bytes = (!text.is_ascii()).then(|| text.char_indices().map(|(at, _)| at).collect());
        Offsets {
            bytes,
            len: text.len(),
        }
    }

    fn of(&self, marker: Marker) -> usize {
        match &self.bytes {
            Some(bytes) => bytes.get(marker.index()).copied().unwrap_or(self.len),
            None => marker.index().min(self.len),
        }
    }
}

/// A collection that is being read.
struct Frame {
    start: Span,
    /// From its start to the end of the last thing in it, refused or not.
    read: Span,
    content: Content,
}

enum Content {
    Sequence(Vec<Node>),
    Mapping {
        entries: Vec<Entry>,
        seen: HashMap<String, Span>,
        key: Key,
    },
}

/// What a mapping waits for.
enum Key {
    /// A key.
    Awaited,
    /// The value of this key.
    Read(Spanned<String>),
    /// The value of a key that was refused: it is dropped.
    Refused,
}

struct Reader<'a> {
    text: &'a str,
    offsets: Offsets,
    stack: Vec<Frame>,
    root: Option<Node>,
}

type Fatal = Box<Diagnostic>;

impl<'a> Reader<'a> {
    fn run(&mut self, findings: &mut Findings) -> Result<(), Fatal> {
        let mut parser = Parser::new(StrInput::new(self.text));
        while let Some(next) = parser.next_event() {
            let (event, span) = next.map_err(|error| self.not_yaml(&error))?;
            let span = Span::new(self.offsets.of(span.start), self.offsets.of(span.end));
            match event {
                Event::StreamEnd => break,
                Event::DocumentStart(_) if self.root.is_some() => {
                    return self.further_document(span);
                }
                event => self.event(event, span, findings)?,
            }
        }
        Ok(())
    }

    fn event(
        &mut self,
        event: Event<'_>,
        span: Span,
        findings: &mut Findings,
    ) -> Result<(), Fatal> {
        match event {
            Event::Alias(_) => {
                findings.push(self.alias(span));
                self.add(
                    Node {
                        span,
                        value: Value::Refused,
                    },
                    findings,
                );
            }
            Event::Scalar(text, style, anchor, tag) => {
                let tagged = tag.is_some();
                let good = self.properties(span, anchor, tag.as_deref(), true, findings);
                let scalar = Scalar {
                    text: text.into_owned(),
                    style: style_of(style),
                    tagged,
                };
                let value = if good {
                    Value::Scalar(scalar)
                } else {
                    Value::Refused
                };
                self.add(
                    Node {
                        span: self.scalar_span(span, style),
                        value,
                    },
                    findings,
                );
            }
            Event::SequenceStart(anchor, tag) => {
                self.properties(span, anchor, tag.as_deref(), false, findings);
                self.open(span, Content::Sequence(Vec::new()))?;
            }
            Event::MappingStart(anchor, tag) => {
                self.properties(span, anchor, tag.as_deref(), false, findings);
                let (entries, seen, key) = (Vec::new(), HashMap::new(), Key::Awaited);
                self.open(span, Content::Mapping { entries, seen, key })?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span, findings),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => {}
        }
        Ok(())
    }

    /// Refuses anchors and all tags but `!!str`.
    fn properties(
        &self,
        span: Span,
        anchor: usize,
        tag: Option<&Tag>,
        is_scalar: bool,
        findings: &mut Findings,
    ) -> bool {
        let place = self.property(span);
        if anchor != 0 {
            findings.push(
                codes::YAML_FEATURE
                    .at(place, "anchors are not supported in rules files")
                    .help("remove it, and write the value out wherever it is needed"),
            );
        }
        let Some(tag) = tag else { return true };
        let is_text = tag.is_yaml_core_schema() && tag.suffix == "str";
        if is_scalar && is_text {
            return true;
        }
        findings.push(
            codes::YAML_FEATURE
                .at(place, "YAML tags are not supported in rules files")
                .help("put the value in quotes if it begins with `!`; else remove the tag"),
        );
        false
    }

    /// The word at the start of a node: its anchor or its tag.
    fn property(&self, span: Span) -> Span {
        let start = span.start as usize;
        let word = self
            .text
            .get(start..)
            .unwrap_or("")
            .split([' ', '\t', '\r', '\n', ',', ']', '}'])
            .next();
        Span::new(start, start + word.map_or(0, str::len))
    }

    fn alias(&self, span: Span) -> Diagnostic {
        let place = self.property(span);
        let written = self
            .text
            .get(place.start as usize..place.end as usize)
            .unwrap_or("*");
        let message = "aliases (an unquoted `*`) are not supported in rules files";
        let help = format!(
            "if a glob was meant, quote it: `\"{written}\"`; otherwise write the value out"
        );
        codes::YAML_FEATURE
            .at(place, message)
            .help(help)
            .fix(Fix::replace(place, format!("\"{written}\"")))
    }

    /// Block scalars end with line breaks that nobody wants to see marked, and
    /// to the parser what follows a quote up to the next token belongs to it.
    fn scalar_span(&self, span: Span, style: ScalarStyle) -> Span {
        let start = span.start as usize;
        let written = self.text.get(start..span.end as usize).unwrap_or("");
        let quoted = match style {
            ScalarStyle::SingleQuoted => quoted_len(written, '\''),
            ScalarStyle::DoubleQuoted => quoted_len(written, '"'),
            _ => None,
        };
        let len = quoted.unwrap_or(written.trim_end().len());
        Span::new(start, start + len)
    }

    fn open(&mut self, start: Span, content: Content) -> Result<(), Fatal> {
        if self.stack.len() >= MAX_DEPTH {
            let message = format!("nested more than {MAX_DEPTH} levels deep");
            return Err(Box::new(
                codes::NESTED_TOO_DEEPLY
                    .at(start, message)
                    .help("no rule needs as many; check the brackets"),
            ));
        }
        self.stack.push(Frame {
            start,
            read: start,
            content,
        });
        Ok(())
    }

    fn close(&mut self, end: Span, findings: &mut Findings) {
        let Some(frame) = self.stack.pop() else {
            return;
        };
        // Only brackets are longer than nothing at both ends.
        let brackets = frame.start.start < frame.start.end && end.start < end.end;
        let span = if brackets {
            frame.read.to(end)
        } else {
            frame.read
        };
        let value = match frame.content {
            Content::Sequence(items) => Value::Sequence(items),
            Content::Mapping { entries, .. } => Value::Mapping(entries),
        };
        self.add(Node { span, value }, findings);
    }

    /// Hands a finished node to the collection that it belongs to.
    fn add(&mut self, mut node: Node, findings: &mut Findings) {
        let Some(frame) = self.stack.last_mut() else {
            self.root = Some(node);
            return;
        };
        frame.read = frame.read.to(node.span);
        let is_nothing = node.span.start == node.span.end;
        match &mut frame.content {
            Content::Sequence(items) => {
                if is_nothing {
                    node.span = dash_before(self.text, node.span);
                }
                items.push(node);
            }
            Content::Mapping { entries, seen, key } => match std::mem::replace(key, Key::Awaited) {
                Key::Awaited => *key = read_key(node, seen, findings),
                Key::Refused => {}
                Key::Read(name) => {
                    if is_nothing {
                        node.span = name.span;
                    }
                    entries.push(Entry {
                        key: name,
                        value: node,
                    });
                }
            },
        }
    }

    /// A second `---` is fine when nothing follows it.
    fn further_document(&self, span: Span) -> Result<(), Fatal> {
        let rest = self.text.get(span.end as usize..).unwrap_or("");
        let nothing = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
        if rest.lines().all(nothing) {
            return Ok(());
        }
        Err(Box::new(
            codes::SEVERAL_DOCUMENTS
                .at(span, "the file holds several YAML documents")
                .label("a second document starts here")
                .help("put each document in a file of its own, or all rules under one `filters:`"),
        ))
    }

    fn not_yaml(&self, error: &ScanError) -> Fatal {
        let at = self.offsets.of(*error.marker());
        let rest = self.text.get(at..).unwrap_or("");
        if rest.starts_with('*') {
            return Box::new(self.alias(Span::new(at, at + 1)));
        }
        let width = rest
            .chars()
            .next()
            .filter(|c| !c.is_whitespace())
            .map_or(0, char::len_utf8);
        let info = error.info().replace('\'', "`");
        Box::new(
            codes::NOT_YAML
                .at(
                    Span::new(at, at + width),
                    format!("the file is not YAML: {info}"),
                )
                .help(self.advice(at, &info)),
        )
    }

    fn advice(&self, at: usize, info: &str) -> &'static str {
        let rest = self.text.get(at..).unwrap_or("");
        let before = self.text.get(..at).unwrap_or("");
        if info.contains("tab") || rest.starts_with('\t') {
            return "indent with spaces";
        }
        if before.ends_with('\t') {
            return "write a space instead of the tab";
        }
        if info.contains("trailing content") {
            return "a value that begins with a quote ends with it: put all of it into other quotes, or into the lines below a `|`";
        }
        if info.contains("quoted scalar") {
            return "check that the quote is closed; inside `\"…\"` write a backslash as `\\\\`";
        }
        if info.contains("mapping values") {
            return "check the indentation; a value that contains `: ` must be quoted";
        }
        "check the indentation, brackets and quotes here and in the lines above"
    }
}

/// The `-` that announces an empty entry.
fn dash_before(text: &str, at: Span) -> Span {
    let before = text.get(..at.start as usize).unwrap_or("");
    before
        .rfind('-')
        .map_or(at, |dash| Span::new(dash, dash + 1))
}

/// Takes a node as a key, if it can be one.
fn read_key(node: Node, seen: &mut HashMap<String, Span>, findings: &mut Findings) -> Key {
    let refuse = |findings: &mut Findings, message: String, help: String| {
        findings.push(codes::BAD_KEY.at(node.head(), message).help(help));
        Key::Refused
    };
    let scalar = match &node.value {
        Value::Refused => return Key::Refused,
        Value::Scalar(scalar) => scalar,
        Value::Sequence(_) | Value::Mapping(_) => {
            let message = format!("a key must be text, not {}", node.describe());
            return refuse(
                findings,
                message,
                "write a plain name before the `:`".into(),
            );
        }
    };
    let text = &scalar.text;
    if text == "<<" && scalar.style == Style::Plain {
        let help = "write the keys out where they are needed".into();
        return refuse(
            findings,
            "merge keys (`<<`) are not supported in rules files".into(),
            help,
        );
    }
    match scalar.kind() {
        Kind::String => {}
        Kind::Null => {
            let help = "write a name before the `:`".into();
            return refuse(findings, "a key is missing".into(), help);
        }
        Kind::Boolean | Kind::Number => {
            let message = format!("a key must be text, but `{text}` is {}", node.describe());
            return refuse(findings, message, format!("quote it: `\"{text}\"`"));
        }
    }
    if let Some(first) = seen.get(text) {
        findings.push(
            codes::FIELD_TWICE
                .at(node.span, format!("the key `{text}` is written twice"))
                .also(*first, "first written here")
                .help("keep one of them"),
        );
        return Key::Refused;
    }
    seen.insert(text.clone(), node.span);
    Key::Read(Spanned::new(scalar.text.clone(), node.span))
}

fn style_of(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted => Style::SingleQuoted,
        ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
        ScalarStyle::Literal => Style::Literal,
        ScalarStyle::Folded => Style::Folded,
    }
}
