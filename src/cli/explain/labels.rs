//! Labels as they are written on a command line: `env=prod,team=web`.
//!
//! Promises that none is written twice. Deliberately lets any text be a value:
//! an apiserver is who refuses labels.

/// Labels, in the order in which they are written.
pub type Labels = Vec<(String, String)>;

/// Reads `--namespace-labels`.
///
/// # Errors
///
/// What is wrong with them.
pub fn parse(text: &str) -> Result<Labels, String> {
    let mut labels = Labels::new();
    let wrong = |why: String| format!("`--namespace-labels` `{text}`: {why}");
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let Some((key, value)) = part.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            return Err(wrong(format!("`{part}` is no label: write `key=value`")));
        };
        if labels.iter().any(|(own, _)| own == key) {
            return Err(wrong(format!("`{key}` is written twice")));
        }
        labels.push((key.to_owned(), value.to_owned()));
    }
    Ok(labels)
}
