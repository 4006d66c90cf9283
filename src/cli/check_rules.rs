//! `carry check-rules`: every finding of every file, and the compiled stages.
//!
//! Promises exit code 0 when all files are good (warnings allowed), 1 when one
//! has errors, 2 when one could not be read. Deliberately touches no etcd.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::args::{CheckRulesArgs, Dump, Output};
use super::rules_file::{self, Checked};
use super::settings;
use crate::diagnostic::{Level, to_json};
use crate::lang::listing;
use crate::rules::{Phase, Plan};

/// Runs the command.
pub fn run(args: &CheckRulesArgs) -> ExitCode {
    let prefix = match settings::kube_prefix(&args.kube_prefix) {
        Ok(prefix) => prefix,
        Err(message) => {
            eprintln!("error: {message}");
            return ExitCode::from(2);
        }
    };
    let mut worst = 0;
    let mut objects = Vec::new();
    for file in &args.files {
        match rules_file::check(Path::new(file), &prefix) {
            Ok(checked) => {
                worst = worst.max(u8::from(checked.plan.is_none()));
                match args.output {
                    Output::Human => print_human(file, &checked, args.dump),
                    Output::Json => objects.push(as_json(file, &checked, args.dump)),
                }
            }
            Err(message) => {
                eprintln!("error: {message}");
                worst = 2;
            }
        }
    }
    if args.output == Output::Json {
        println!("{:#}", Value::Array(objects));
    }
    ExitCode::from(worst)
}

/// Findings go to stdout, unless a stage was asked for: then that does.
fn print_human(file: &str, checked: &Checked, stage: Option<Dump>) {
    match (stage, &checked.plan) {
        (Some(stage), Some(plan)) => {
            eprint!("{}", checked.rendered(rules_file::stderr_style()));
            print!("{}", dump(plan, stage));
        }
        _ => {
            print!("{}", checked.rendered(rules_file::stdout_style()));
            println!("{file}: {}", summary(checked));
        }
    }
}

fn summary(checked: &Checked) -> String {
    let warnings = counted(checked.count(Level::Warning), "warning");
    let Some(plan) = &checked.plan else {
        return format!(
            "{}, {warnings}",
            counted(checked.count(Level::Error), "error")
        );
    };
    let of = |phase| {
        plan.rules()
            .iter()
            .filter(move |rule| rule.phase == phase)
            .count()
    };
    let sequential = counted(of(Phase::Sequential), "sequential rule");
    let secondary = counted(of(Phase::Secondary), "secondary rule");
    format!("ok: {sequential}, {secondary}, {warnings}")
}

fn counted(number: usize, what: &str) -> String {
    match number {
        0 => format!("no {what}s"),
        1 => format!("1 {what}"),
        many => format!("{many} {what}s"),
    }
}

fn as_json(file: &str, checked: &Checked, stage: Option<Dump>) -> Value {
    let mut object = json!({
        "file": file,
        "ok": checked.plan.is_some(),
        "errors": checked.count(Level::Error),
        "warnings": checked.count(Level::Warning),
        "diagnostics": to_json(&checked.source, &checked.diagnostics),
    });
    if let (Some(stage), Some(plan)) = (stage, &checked.plan) {
        object["dump"] = Value::String(dump(plan, stage));
    }
    object
}

/// One stage of a compiled file.
fn dump(plan: &Plan, stage: Dump) -> String {
    if stage == Dump::Plan {
        return plan.listing();
    }
    let mut out = String::new();
    for rule in plan.rules() {
        let _ = writeln!(out, "{}:", rule.name);
        match stage {
            Dump::Ast => {
                for (place, condition) in &rule.conditions {
                    let _ = write!(out, "{place}: {condition}\n{}", listing::tree(condition));
                }
            }
            Dump::Hir => out.push_str(&listing::hir(&rule.predicate)),
            _ => {
                if let Some(gate) = &rule.gate {
                    let _ = writeln!(out, "gate (over the key and the Namespace):");
                    out.push_str(&listing::bytecode(&gate.program));
                    let _ = writeln!(out, "rule:");
                }
                out.push_str(&listing::bytecode(&rule.program));
            }
        }
        out.push('\n');
    }
    out
}
