//! Findings as SARIF 2.1.0 (OASIS), which code scanning services read.
//!
//! Promises one run with every rule that was found. Deliberately leaves out
//! what carry does not know: fingerprints and the history of a finding.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::cli::rules_file::CheckedFile;
use crate::diagnostic::{Code, Diagnostic, Level, SourceText, Span};
use crate::rules::catalogue;

/// All findings of all files.
pub fn log(files: &[CheckedFile]) -> Value {
    let codes: BTreeSet<Code> = files
        .iter()
        .flat_map(|file| file.checked.diagnostics.iter().map(|found| found.code))
        .collect();
    let results: Vec<Value> = files
        .iter()
        .flat_map(|file| {
            let found = file.checked.diagnostics.iter();
            found.map(|found| result(&file.source, found))
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "carry",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": codes.into_iter().map(rule).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(code: Code) -> Value {
    let entry = catalogue::entry(code);
    let title = entry.map_or("", |entry| entry.title);
    let text = entry.map_or("", |entry| entry.text);
    json!({
        "id": code.as_str(),
        "shortDescription": {"text": title},
        "fullDescription": {"text": text},
        "help": {"text": format!("carry check-rules --explain {code}")},
        "defaultConfiguration": {"level": level(code.level())},
    })
}

fn result(source: &SourceText, found: &Diagnostic) -> Value {
    let text = match &found.help {
        Some(help) => format!("{}; {help}", found.message),
        None => found.message.clone(),
    };
    let related = found.labels.iter().skip(1).map(|label| {
        let mut place = location(source, label.span);
        place["message"] = json!({"text": label.text});
        place
    });
    let mut result = json!({
        "ruleId": found.code.as_str(),
        "level": level(found.level),
        "message": {"text": text},
        "locations": [location(source, found.place())],
        "relatedLocations": related.collect::<Vec<_>>(),
    });
    if let Some(fix) = &found.fix {
        let replacements = fix.edits.iter().map(|edit| {
            json!({
                "deletedRegion": region(source, edit.span),
                "insertedContent": {"text": edit.text},
            })
        });
        result["fixes"] = json!([{
            "artifactChanges": [{
                "artifactLocation": {"uri": uri(source)},
                "replacements": replacements.collect::<Vec<_>>(),
            }],
        }]);
    }
    result
}

fn location(source: &SourceText, span: Span) -> Value {
    json!({"physicalLocation": {
        "artifactLocation": {"uri": uri(source)},
        "region": region(source, span),
    }})
}

fn region(source: &SourceText, span: Span) -> Value {
    let (line, column) = source.line_column(span.start);
    let (end_line, end_column) = source.line_column(span.end);
    json!({
        "startLine": line,
        "startColumn": column,
        "endLine": end_line,
        "endColumn": end_column,
    })
}

/// A relative reference: spaces and what else a URI cannot hold are encoded.
fn uri(source: &SourceText) -> String {
    let mut out = String::new();
    for byte in source.name.trim_start_matches("./").bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(char::from(byte));
            }
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Note => "note",
        Level::Warning => "warning",
        Level::Error => "error",
    }
}
