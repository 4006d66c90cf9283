//! The text of a configuration file as it may be shown.
//!
//! Promises that nothing of it that may be a secret is left, whatever is wrong
//! with the file, and that all else stands where it stood. Deliberately reads
//! no YAML: most is hidden of what cannot be read.

/// What names of secrets have in them, also mistyped.
const SECRETS: [&str; 11] = [
    "pass",
    "pasw",
    "pswd",
    "paswd",
    "pwd",
    "pword",
    "sword",
    "secret",
    "token",
    "credential",
    "-pw",
];

/// `text` with as many `*` as it has bytes in place of what may be secret: what
/// stands after the name of a password, secret or token, and users and
/// passwords in front of an `@`.
pub fn hide(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    // How far the name stood to the right whose value may go on.
    let mut within: Option<usize> = None;
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start().len();
        if within.is_some_and(|of| ends(line, indent, of)) {
            within = None;
        }
        if within.is_some() {
            stars(&mut shown, line);
            continue;
        }
        let secret = secret(line);
        let clear = secret.unwrap_or(line.len());
        let (before, value) = line.split_at_checked(clear).unwrap_or((line, ""));
        before_at(&mut shown, before);
        stars(&mut shown, value);
        within = secret.map(|_| indent);
    }
    shown
}

/// Whether a line begins something else than a value that began above it,
/// after a name with `of` spaces before it.
fn ends(line: &str, indent: usize, of: usize) -> bool {
    let line = line.trim();
    let named = line.split_once(':').is_some_and(|(name, rest)| {
        let one_word = !name.is_empty() && !name.contains(char::is_whitespace);
        one_word && (rest.is_empty() || rest.starts_with(char::is_whitespace))
    });
    indent <= of && (named || line.starts_with('#') || line == "---")
}

/// Where in a line begins what must not be shown.
fn secret(line: &str) -> Option<usize> {
    let in_word = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let mut from = 0;
    while let Some(rest) = line.get(from..).filter(|rest| !rest.is_empty()) {
        let start = from + rest.find(in_word)?;
        let word = line.get(start..).unwrap_or_default();
        let end = word.find(|c| !in_word(c)).unwrap_or(word.len());
        let (word, after) = word.split_at_checked(end)?;
        from = start + end;
        let value = after.trim_start_matches(['"', '\'']);
        let apart = value.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, ':' | '='));
        let at = line.len() - apart.len();
        let name = word.to_lowercase();
        if names_a_secret(&name) && apart.len() < value.len() {
            return Some(at);
        }
        // `name:password` is refused, and not shown either.
        if name.ends_with("user")
            && apart.len() < value.len()
            && let Some(colon) = apart.find(':')
        {
            return Some(at + colon + 1);
        }
    }
    None
}

fn names_a_secret(name: &str) -> bool {
    let of_file = ["-file", "_file"].iter().any(|end| name.ends_with(end));
    let camel = name.ends_with("passwordfile") || name.ends_with("tokenfile");
    !of_file && !camel && SECRETS.iter().any(|part| name.contains(part))
}

/// What stands before an `@` goes, up to a scheme or a space.
fn before_at(shown: &mut String, text: &str) {
    let ends_url = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '[' | '{');
    for part in text.split_inclusive(ends_url) {
        let Some(at) = part.rfind('@') else {
            shown.push_str(part);
            continue;
        };
        let (user, host) = part.split_at_checked(at).unwrap_or((part, ""));
        let scheme = user.find("://").map_or(0, |scheme| scheme + 3);
        let (scheme, user) = user.split_at_checked(scheme).unwrap_or(("", user));
        shown.push_str(scheme);
        stars(shown, user);
        shown.push_str(host);
    }
}

fn stars(shown: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '\n' | '\r' => shown.push(c),
            c => (0..c.len_utf8()).for_each(|_| shown.push('*')),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::hide;

    #[test]
    fn secrets_are_hidden_wherever_they_stand() {
        for (text, shown) in [
            ("master-password: hunter2\n", "master-password: *******\n"),
            ("master-pasword: hunter2", "master-pasword: *******"),
            ("master-pw: hunter2", "master-pw: *******"),
            (
                "CARRY_SLAVE_PASSWORD=hunter2",
                "CARRY_SLAVE_PASSWORD=*******",
            ),
            (
                "sourcePassword: ü\r\nname: a\r\n",
                "sourcePassword: **\r\nname: a\r\n",
            ),
            (
                "\"dest-password\" : \"h 2\"\n",
                "\"dest-password\" : *****\n",
            ),
            ("{name: a, admin-token: b}", "{name: a, admin-token: **"),
            ("master-password hunter2", "master-password *******"),
            (
                "a-password: |\n  hunter2\n\n  b: c\nname: a\n",
                "a-password: *\n*********\n\n******\nname: a\n",
            ),
            (
                "a-password:\n- hunter2\n# b\n",
                "a-password:\n*********\n# b\n",
            ),
            ("master-user: me:hunter2", "master-user: me:*******"),
            ("- https://me:hunter2@a:1", "- https://**********@a:1"),
            ("x: [me:p@w@a:1, b:1]", "x: [******@a:1, b:1]"),
        ] {
            assert_eq!(hide(text), shown);
            assert_eq!(text.len(), shown.len(), "{text}");
        }
    }

    #[test]
    fn all_else_is_shown() {
        for text in [
            "master-password-file: /run/secrets/etcd # a\nadmin-token-file: b\n",
            "adminTokenFile: b\nCARRY_MASTER_PASSWORD_FILE: c\n",
            "name: compass\nmaster-user: me\nmaster-endpoints: [https://a:1, b:2]\n",
            "encryption-provider-config: /etc/mirror/secrets-encryption.yaml\n",
            "",
            "\n\n",
            "ä: ö\n",
        ] {
            assert_eq!(hide(text), text);
        }
    }
}
