//! Paths, read and printed.

use carry::k8s::{Path, Step};
use proptest::prelude::*;

#[test]
fn paths_are_read_and_printed() {
    let cases = [
        ("type", "type"),
        ("spec.ports[0].name", "spec.ports[0].name"),
        ("metadata.labels['a.b/c']", r#"metadata.labels["a.b/c"]"#),
        (r#"data["a\"b\\"]"#, r#"data["a\"b\\"]"#),
        ("a[0][1]", "a[0][1]"),
    ];
    for (text, printed) in cases {
        assert_eq!(text.parse::<Path>().expect(text).to_string(), printed);
    }
    assert_eq!(Path::label("a/b").to_string(), r#"metadata.labels["a/b"]"#);
    assert_eq!(
        Path::annotation("a/b").to_string(),
        r#"metadata.annotations["a/b"]"#
    );
}

#[test]
fn mistakes_have_a_place() {
    let cases = [
        ("", 0),
        (".a", 0),
        ("a.", 2),
        ("a..b", 2),
        ("a b", 1),
        ("a[", 2),
        ("a[x]", 2),
        ("a[1", 1),
        ("a[99999999999]", 2),
        ("a[\"x]", 2),
        ("a]b", 1),
    ];
    for (text, at) in cases {
        assert_eq!(
            text.parse::<Path>().map_err(|error| error.at),
            Err(at),
            "{text}"
        );
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        "[a-zA-Z$_][a-zA-Z0-9$_-]{0,7}".prop_map(|name| Step::Field(name.into())),
        any::<String>().prop_map(|key| Step::Key(key.into())),
        any::<u32>().prop_map(Step::Index),
    ];
    let first = "[a-zA-Z]{1,8}".prop_map(|name| Step::Field(name.into()));
    (first, prop::collection::vec(step, 0..5)).prop_map(|(first, mut rest)| {
        rest.insert(0, first);
        rest
    })
}

proptest! {
    #[test]
    fn what_is_printed_reads_back(steps in steps()) {
        let path = Path::new(steps);
        prop_assert_eq!(path.to_string().parse::<Path>(), Ok(path));
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        if let Err(error) = text.parse::<Path>() {
            prop_assert!(text.is_char_boundary(error.at));
        }
    }
}
