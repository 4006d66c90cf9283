//! From `--allow`, `--note`, `--warn` and `--deny` to levels.
//!
//! Promises that a code which does not exist is refused, not ignored.
//! Deliberately gives the flags an order of their own: what is stricter counts.

use super::args::CheckRulesArgs;
use crate::diagnostic::Level;
use crate::rules::catalogue;
use crate::rules::levels::Levels;
use crate::rules::setting::Setting;

/// What the flags ask for.
///
/// # Errors
///
/// Everything that is wrong with them.
pub fn read(args: &CheckRulesArgs) -> Result<Levels, Vec<String>> {
    let mut levels = Levels::default();
    let mut problems = Vec::new();
    let flags = [
        ("--allow", Setting::Allow, &args.allow),
        ("--note", Setting::Note, &args.note),
        ("--warn", Setting::Warn, &args.warn),
        ("--deny", Setting::Deny, &args.deny),
    ];
    for (flag, setting, words) in flags {
        let words = words.iter().flat_map(|words| words.split(','));
        for word in words.map(str::trim) {
            match (setting, word) {
                (Setting::Deny, "warnings") => levels.deny_warnings = true,
                (Setting::Deny, "notes") => levels.deny_notes = true,
                _ => match catalogue::code(word) {
                    Some(code) if code.level() != Level::Error => levels.codes.push((code, setting)),
                    Some(code) => problems.push(format!(
                        "`{flag} {code}`: an error's level cannot be set; codes with `W` or `N` have levels that can"
                    )),
                    None => problems.push(format!(
                        "`{flag} {word}`: there is no such code; `carry check-rules --explain all` lists them"
                    )),
                },
            }
        }
    }
    match problems.is_empty() {
        true => Ok(levels),
        false => Err(problems),
    }
}
