//! Who carry logs in as at either side.
//!
//! Promises that a password is never part of a message, and that every
//! combination that cannot work is explained. Deliberately does not take
//! `name:password` as etcdctl does: every process list would show it.

use std::path::Path;

use zeroize::Zeroizing;

use super::args::SideArgs;
use super::encryption::readable_by_others;
use super::problems::Problems;
use crate::etcd::Credentials;

/// Far more than any password has.
const MAX_BYTES: usize = 64 << 10;

/// The user of one side, if it has one; `None` where something is wrong.
pub(super) fn credentials(
    problems: &mut Problems,
    flag: &str,
    args: &SideArgs,
) -> Option<Option<Credentials>> {
    let variable = format!("CARRY_{}_PASSWORD", flag.to_uppercase());
    let before = problems.0.len();
    let Some(user) = &args.user else {
        for (given, which) in [
            (args.password.is_some(), "password"),
            (args.password_file.is_some(), "password-file"),
        ] {
            if given {
                problems.add(format!(
                    "`--{flag}-{which}` is given without a user: give `--{flag}-user` too"
                ));
            }
        }
        return (problems.0.len() == before).then_some(None);
    };
    let where_else = format!("`--{flag}-password-file` or the variable `{variable}`");
    if user.is_empty() {
        problems.add(format!("`--{flag}-user` is empty: give a user's name"));
    }
    if let Some((name, _)) = user.split_once(':') {
        problems.add(format!(
            "`--{flag}-user` `{name}:…` holds a colon: give the name alone, and the password in {where_else}"
        ));
    }
    let password = match (&args.password, &args.password_file) {
        (Some(_), Some(_)) => {
            problems.add(format!(
                "`--{flag}-password` (or `{variable}`) and `--{flag}-password-file` are both given: leave one out"
            ));
            None
        }
        (Some(password), None) => Some(password.clone()),
        (None, Some(file)) => problems.take(read(flag, Path::new(file))),
        (None, None) => {
            problems.add(format!(
                "`--{flag}-user` is given without a password: give {where_else}"
            ));
            None
        }
    };
    if password.as_ref().is_some_and(String::is_empty) {
        problems.add(format!(
            "the password of `--{flag}-user` is empty: give it in {where_else}"
        ));
    }
    let password = password.filter(|_| problems.0.len() == before)?;
    let user = user.clone();
    Some(Some(Credentials { user, password }))
}

/// What is said of password files that others than their owner can read.
pub(super) fn warnings(sides: [&SideArgs; 2]) -> Vec<String> {
    let files = sides.iter().filter_map(|own| own.password_file.as_ref());
    let readable = files.filter_map(|file| readable_by_others(Path::new(file), "a password"));
    readable.collect()
}

fn read(flag: &str, path: &Path) -> Result<String, String> {
    let shown = path.display();
    let wrong = |why: String| {
        format!(
            "`--{flag}-password-file` `{shown}` cannot be used: {why}; give a readable file that holds the password alone"
        )
    };
    let bytes = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let bytes = Zeroizing::new(bytes);
    if bytes.len() > MAX_BYTES {
        return Err(wrong("it is too long for a password".to_owned()));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| wrong("it is not UTF-8".to_owned()))?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    Ok(text.to_owned())
}
