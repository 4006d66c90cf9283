//! `carry check-rules`: every finding of every file, and the compiled stages.
//!
//! Promises exit code 0 when all files are good (warnings allowed), 1 when one
//! has errors, 2 when one could not be read. Deliberately changes no file but
//! with `--fix`, and only reads from etcd, where the command line says so.

pub mod args;
mod changed;
mod columns;
mod data;
mod dump;
mod examples;
mod files;
mod fixing;
mod levels;
mod lines;
mod meaning;
mod sarif;
mod surveyed;
mod told;

use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::rules_file::{self, CheckedFile};
use super::stdout::say;
use super::{COULD_NOT_RUN, FOUND, refuse, said, settings, style};
use crate::diagnostic::{Level, to_json};
use crate::rules::{Check, Phase};
use args::{CheckOutput, CheckRulesArgs};
use told::Told;

/// Runs the command.
pub fn run(mut args: CheckRulesArgs) -> ExitCode {
    if let Some(word) = &args.explain {
        if let Some(flag) = args.typed.first("master-") {
            return refuse(format!(
                "`--{flag}` does not go with `--explain`: what a code means depends on no data"
            ));
        }
        return match meaning::explain(word) {
            Ok(text) => said(&text),
            Err(problem) => refuse(problem),
        };
    }
    if let Err(problem) = name_files(&mut args) {
        return refuse(problem);
    }
    let args = &args;
    let check = match how(args) {
        Ok(check) => check,
        Err(problems) => return refuse(problems.join("\n")),
    };
    let data = match data::asked_for(args, &check) {
        Ok(data) => data,
        Err(problems) => return refuse(problems),
    };
    let (files, problems) = files::expand(&args.files);
    for problem in &problems {
        eprintln!("error: {problem}");
    }
    let mut worst = if problems.is_empty() {
        0
    } else {
        COULD_NOT_RUN
    };
    let mut checked = Vec::new();
    for file in &files {
        match one(file, args, &check) {
            Ok(file) => checked.push(file),
            Err(problem) => {
                eprintln!("error: {problem}");
                worst = COULD_NOT_RUN;
            }
        }
    }
    let (told, looked) = match data {
        Some(data) => data.look(&mut checked, &check.levels),
        None => (Vec::new(), Ok(())),
    };
    if checked
        .iter()
        .any(|file| file.checked.count(Level::Error) > 0)
    {
        worst = worst.max(FOUND);
    }
    let printed = print(&checked, &told, args);
    if let Err(problem) = looked.and(printed) {
        return refuse(problem);
    }
    ExitCode::from(worst)
}

/// Where no file is named, the one that `carry run` would have is checked.
fn name_files(args: &mut CheckRulesArgs) -> Result<(), String> {
    match (args.mirror_rule.take(), args.files.is_empty()) {
        (Some(_), false) if args.typed.first("mirror-rule").is_some() => Err(
            "`--mirror-rule` does not go with files that are named by themselves: leave one of them out"
                .to_owned(),
        ),
        (_, false) => Ok(()),
        (Some(file), true) => {
            args.files.push(file);
            Ok(())
        }
        (None, true) => Err(
            "nothing to check: name rules files, or globs over them, or `-` for standard input; or give `--mirror-rule`, or a configuration file that has it"
                .to_owned(),
        ),
    }
}

/// How the files are checked.
fn how(args: &CheckRulesArgs) -> Result<Check, Vec<String>> {
    let prefix = settings::kube_prefix(&args.kube_prefix);
    let levels = levels::read(args);
    let from_stdin = args.fix && args.files.iter().any(|file| file == files::STDIN);
    let problem =
        from_stdin.then(|| "`--fix` writes files: it cannot fix standard input".to_owned());
    match (prefix, levels, problem) {
        (Ok(prefix), Ok(levels), None) => Ok(Check {
            prefix,
            levels,
            lints: true,
            encrypted: args.encryption_provider_config.is_some(),
        }),
        (prefix, levels, problem) => {
            let prefix = prefix.err().into_iter();
            Err(prefix
                .chain(levels.err().into_iter().flatten())
                .chain(problem)
                .collect())
        }
    }
}

/// Reads, checks and where it was asked for fixes a file.
fn one(name: &str, args: &CheckRulesArgs, check: &Check) -> Result<CheckedFile, String> {
    if name == files::STDIN {
        let mut bytes = Vec::new();
        let read = std::io::stdin().lock().read_to_end(&mut bytes);
        read.map_err(|error| format!("cannot read standard input: {error}"))?;
        return Ok(rules_file::check_bytes("<stdin>", bytes, check));
    }
    let path = Path::new(name);
    let file = rules_file::check(path, check)?;
    if !args.fix {
        return Ok(file);
    }
    let (source, checked, count) = fixing::fixed(&file.source, file.checked, check);
    if count > 0 {
        fixing::write(path, &source.text)?;
        eprintln!("{name}: {} made", counted(count, "change"));
    }
    Ok(CheckedFile { source, checked })
}

fn print(
    files: &[CheckedFile],
    told: &[Option<Told>],
    args: &CheckRulesArgs,
) -> Result<(), String> {
    let told = told
        .iter()
        .map(Option::as_ref)
        .chain(std::iter::repeat(None));
    let mut both = files.iter().zip(told);
    match args.output {
        CheckOutput::Human => both.try_for_each(|(file, told)| {
            human(file, args)?;
            told.map_or(Ok(()), |told| say(&format!("\n{}\n", told.human())))
        }),
        CheckOutput::Short => files.iter().try_for_each(|file| say(&lines::short(file))),
        CheckOutput::Github => files.iter().try_for_each(|file| say(&lines::github(file))),
        CheckOutput::Sarif => say(&format!("{:#}\n", sarif::log(files))),
        CheckOutput::Json => {
            let all = both.map(|(file, told)| {
                let mut object = as_json(file, args);
                if let Some(told) = told {
                    told.add_to(&mut object);
                }
                object
            });
            say(&format!("{:#}\n", Value::Array(all.collect())))
        }
    }
}

/// Findings go to stdout, unless something else was asked for: then that does.
fn human(file: &CheckedFile, args: &CheckRulesArgs) -> Result<(), String> {
    match (args.dump, &file.checked.plan) {
        (Some(stage), Some(plan)) => {
            eprint!("{}", file.rendered(style::stderr(args.color)));
            say(&dump::dump(plan, stage))
        }
        (None, Some(_)) if args.witness => {
            eprint!("{}", file.rendered(style::stderr(args.color)));
            say(&examples::yaml(&examples::of(file, &args.kube_prefix)))
        }
        _ => {
            let found = file.rendered(style::stdout(args.color));
            if !found.is_empty() {
                say(&format!("{found}\n"))?;
            }
            say(&format!("{}: {}\n", file.source.name, summary(file)))
        }
    }
}

fn summary(file: &CheckedFile) -> String {
    let checked = &file.checked;
    let count = |level, what| counted(checked.count(level), what);
    let mut remarks = count(Level::Warning, "warning");
    if checked.count(Level::Note) > 0 {
        remarks = format!("{remarks}, {}", count(Level::Note, "note"));
    }
    let errors = checked.count(Level::Error);
    let (Some(plan), 0) = (&checked.plan, errors) else {
        return format!("{}, {remarks}", counted(errors, "error"));
    };
    let of = |phase| {
        let rules = plan.rules().iter();
        rules.filter(move |rule| rule.phase == phase).count()
    };
    let sequential = counted(of(Phase::Sequential), "sequential rule");
    let secondary = counted(of(Phase::Secondary), "secondary rule");
    format!("ok: {sequential}, {secondary}, {remarks}")
}

fn counted(number: usize, what: &str) -> String {
    match number {
        0 => format!("no {what}s"),
        1 => format!("1 {what}"),
        many => format!("{many} {what}s"),
    }
}

fn as_json(file: &CheckedFile, args: &CheckRulesArgs) -> Value {
    let checked = &file.checked;
    let mut object = json!({
        "file": file.source.name,
        "ok": checked.count(Level::Error) == 0,
        "errors": checked.count(Level::Error),
        "warnings": checked.count(Level::Warning),
        "notes": checked.count(Level::Note),
        "diagnostics": to_json(&file.source, &checked.diagnostics),
    });
    if args.witness {
        object["witnesses"] = examples::as_json(&examples::of(file, &args.kube_prefix));
    }
    if let (Some(stage), Some(plan)) = (args.dump, &checked.plan) {
        object["dump"] = Value::String(dump::dump(plan, stage));
    }
    object
}
