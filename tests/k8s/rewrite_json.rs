//! JSON values rewritten: the text around the field stays as it is.

use carry::k8s::{Edit, rewrite};
use serde_json::{Value, json};

const HEAD: &str = r#"{"apiVersion":"example.com/v1","kind":"Site""#;

/// A custom resource with this text behind its type.
fn site(rest: &str) -> String {
    format!("{HEAD}{rest}}}\n")
}

fn edit(text: &str, path: &str, edit: Edit) -> Result<String, String> {
    rewrite(text.as_bytes(), &[(path.parse().expect(path), edit)])
        .map(|value| String::from_utf8(value.to_vec()).expect("UTF-8"))
        .map_err(|error| error.to_string())
}

#[track_caller]
fn becomes(before: &str, path: &str, change: Edit, after: &str) {
    assert_eq!(
        edit(&site(before), path, change),
        Ok(site(after)),
        "`{path}`"
    );
}

fn set(value: Value) -> Edit {
    Edit::Set(value)
}

#[test]
fn a_value_changes_and_the_text_around_it_does_not() {
    let stored = r#" , "spec" : { "b" : 1.50 , "a" : [ 1, "x" ,null ] } , "z":{}"#;
    becomes(
        stored,
        "spec.b",
        set(json!(2)),
        r#" , "spec" : { "b" : 2 , "a" : [ 1, "x" ,null ] } , "z":{}"#,
    );
    becomes(
        stored,
        "spec.a[1]",
        set(json!({"y": 1, "x": "<\u{2028}\t\u{1}é\"\\"})),
        r#" , "spec" : { "b" : 1.50 , "a" : [ 1, {"x":"\u003c\u2028\t\u0001é\"\\","y":1} ,null ] } , "z":{}"#,
    );
    becomes(stored, "spec.b", set(json!(1.5)), stored);
    becomes(
        stored,
        "spec",
        set(json!({"a": [1, "x", null], "b": 1.5})),
        stored,
    );
    becomes(
        stored,
        "spec.a[3]",
        set(json!(1e21)),
        r#" , "spec" : { "b" : 1.50 , "a" : [ 1, "x" ,null,1e+21 ] } , "z":{}"#,
    );
    becomes(
        stored,
        "spec.a[2].deep[0].er",
        set(json!(1e-7)),
        r#" , "spec" : { "b" : 1.50 , "a" : [ 1, "x" ,{"deep":[{"er":1e-7}]} ] } , "z":{}"#,
    );
    becomes(
        stored,
        "z.a['<']",
        set(json!(0.5)),
        r#" , "spec" : { "b" : 1.50 , "a" : [ 1, "x" ,null ] } , "z":{"a":{"\u003c":0.5}}"#,
    );
    becomes(
        stored,
        "metadata.labels['a/b']",
        set(json!("c")),
        r#" , "spec" : { "b" : 1.50 , "a" : [ 1, "x" ,null ] } , "z":{},"metadata":{"labels":{"a/b":"c"}}"#,
    );
}

#[test]
fn what_goes_takes_a_comma_along() {
    let stored = r#","x":{ "a":1, "b":2 , "c":3 },"l":[ 1 , 2,3 ]"#;
    becomes(
        stored,
        "x.a",
        Edit::Remove,
        r#","x":{ "b":2 , "c":3 },"l":[ 1 , 2,3 ]"#,
    );
    becomes(
        stored,
        "x.b",
        Edit::Remove,
        r#","x":{ "a":1, "c":3 },"l":[ 1 , 2,3 ]"#,
    );
    becomes(
        stored,
        "x.c",
        Edit::Remove,
        r#","x":{ "a":1, "b":2 },"l":[ 1 , 2,3 ]"#,
    );
    becomes(
        stored,
        "l[0]",
        Edit::Remove,
        r#","x":{ "a":1, "b":2 , "c":3 },"l":[ 2,3 ]"#,
    );
    becomes(
        stored,
        "l[2]",
        Edit::Remove,
        r#","x":{ "a":1, "b":2 , "c":3 },"l":[ 1 , 2 ]"#,
    );
    becomes(
        stored,
        "l",
        Edit::Remove,
        r#","x":{ "a":1, "b":2 , "c":3 }"#,
    );
    for absent in ["x.d", "l[3]", "l.a", "x[0]", "x.a.b", "nothing.at.all"] {
        becomes(stored, absent, Edit::Remove, stored);
        becomes(stored, absent, Edit::Replace(json!(1)), stored);
    }
    becomes(r#","x":{"a":1}"#, "x.a", Edit::Remove, r#","x":{}"#);
    becomes(r#","x":[ 1 ]"#, "x[0]", Edit::Remove, r#","x":[  ]"#);
}

#[test]
fn of_a_repeated_key_the_last_counts() {
    let stored = r#","s":{"a":1,"b":2,"\u0061":3,"a":4}"#;
    becomes(
        stored,
        "s.a",
        set(json!(5)),
        r#","s":{"a":1,"b":2,"\u0061":3,"a":5}"#,
    );
    becomes(stored, "s.a", set(json!(4)), stored);
    becomes(stored, "s.a", Edit::Remove, r#","s":{"b":2}"#);
    becomes(
        r#","s":{"a":1},"s":{"b":2}"#,
        "s.a",
        set(json!(3)),
        r#","s":{"a":1},"s":{"b":2,"a":3}"#,
    );
    // Half a surrogate pair is U+FFFD, as Go reads it.
    becomes(
        r#","s":{"\ud800x":1,"\ud83e\uDD80\n\/":2}"#,
        "s['\u{fffd}x']",
        set(json!(3)),
        r#","s":{"\ud800x":3,"\ud83e\uDD80\n\/":2}"#,
    );
    becomes(
        r#","s":{"\ud800x":1,"\ud83e\uDD80\n\/":2}"#,
        "s['🦀\n/']",
        Edit::Remove,
        r#","s":{"\ud800x":1}"#,
    );
    becomes(r#","s":{"a":1},"s":{"b":2}"#, "s", Edit::Remove, "");
    becomes(r#","s":{"a":1,"a":2}"#, "s.a", Edit::Remove, r#","s":{}"#);
}

#[test]
fn null_is_a_value_of_custom_resources() {
    becomes(r#","a":1"#, "a", set(Value::Null), r#","a":null"#);
    becomes(r#","a":null"#, "a", Edit::Replace(json!(1)), r#","a":1"#);
    becomes("", "a.b", set(Value::Null), r#","a":{"b":null}"#);
}

#[test]
fn text_in_lines_and_of_any_depth() {
    let pretty = ",\n  \"spec\": {\n    \"a\": 1,\n    \"b\": 2\n  }\n";
    becomes(
        pretty,
        "spec.a",
        Edit::Remove,
        ",\n  \"spec\": {\n    \"b\": 2\n  }\n",
    );
    becomes(
        pretty,
        "spec.b",
        Edit::Remove,
        ",\n  \"spec\": {\n    \"a\": 1\n  }\n",
    );
    becomes(
        pretty,
        "spec.c",
        set(json!(3)),
        ",\n  \"spec\": {\n    \"a\": 1,\n    \"b\": 2,\"c\":3\n  }\n",
    );
    let deep = format!(r#","a":{}1{},"b":1"#, "[".repeat(900), "]".repeat(900));
    becomes(
        &deep,
        "b",
        set(json!(2)),
        &deep.replace(r#""b":1"#, r#""b":2"#),
    );
}

#[test]
fn what_is_in_the_way_is_refused_by_its_path() {
    let stored = site(r#","a":"text","l":[1]"#);
    for (path, why) in [
        (
            "a.b.c",
            "`a` cannot be rewritten: expected an object, found a text",
        ),
        (
            "a[0]",
            "`a` cannot be rewritten: expected a list, found a text",
        ),
        (
            "l.b",
            "`l` cannot be rewritten: expected an object, found a list",
        ),
        (
            "l[0].b",
            "`l[0]` cannot be rewritten: expected an object, found a number",
        ),
        (
            "l[2].b",
            "`l[2]` cannot be rewritten: the list ends before it; index 1 would append an element",
        ),
        (
            "x[1].b",
            "`x[1]` cannot be rewritten: the list ends before it; index 0 would append an element",
        ),
        (
            "kind",
            "`kind` cannot be rewritten: expected a text, found a whole number",
        ),
    ] {
        assert_eq!(edit(&stored, path, set(json!(1))).unwrap_err(), why);
    }
}

#[test]
fn kinds_with_a_schema_are_checked() {
    let crd = |spec: &str| {
        format!(
            r#"{{"apiVersion":"apiextensions.k8s.io/v1beta1","kind":"CustomResourceDefinition","spec":{spec}}}"#
        )
    };
    let stored = crd(r#"{"names":{"plural":"sites","kind":"Site"},"preserveUnknownFields":false}"#);
    assert_eq!(
        edit(&stored, "spec.names.plural", set(json!("places"))),
        Ok(crd(
            r#"{"names":{"plural":"places","kind":"Site"},"preserveUnknownFields":false}"#
        ))
    );
    assert_eq!(
        edit(&stored, "spec.preserveUnknownFields", set(Value::Null)),
        Ok(crd(r#"{"names":{"plural":"sites","kind":"Site"}}"#))
    );
    for (path, value, why) in [
        (
            "spec.names.plurals",
            json!("x"),
            "`spec.names.plurals` cannot be rewritten: unknown field `plurals`, did you mean `plural`?",
        ),
        (
            "spec.names",
            json!({"kind": 1}),
            "`spec.names.kind` cannot be rewritten: expected a text, found a whole number",
        ),
        (
            "metadata.labels.a",
            json!(1),
            "`metadata.labels.a` cannot be rewritten: expected a text, found a whole number",
        ),
    ] {
        assert_eq!(edit(&stored, path, set(value)).unwrap_err(), why);
    }
    let schema = "spec.validation.openAPIV3Schema.properties.spec";
    let nested = edit(
        &crd("{}"),
        &format!("{schema}.items.type"),
        set(json!("string")),
    );
    let inner =
        r#"{"validation":{"openAPIV3Schema":{"properties":{"spec":{"items":{"type":"string"}}}}}}"#;
    assert_eq!(nested, Ok(crd(inner)));
    for (member, value, fits) in [
        ("items", json!({"type": "string"}), true),
        ("items", json!([{"type": "string"}]), true),
        ("items", json!([{"typ": "string"}]), false),
        ("additionalProperties", json!(false), true),
        ("additionalProperties", json!({"nullable": true}), true),
        ("additionalProperties", json!("yes"), false),
        ("dependencies", json!({"a": ["b"], "c": {}}), true),
        ("enum", json!([1, null, "x", {"y": []}]), true),
        ("default", json!({"anything": [1]}), true),
        ("maximum", json!(1), true),
        ("maximum", json!("1"), false),
    ] {
        let outcome = edit(&crd("{}"), &format!("{schema}.{member}"), set(value));
        assert_eq!(outcome.is_ok(), fits, "{member}: {outcome:?}");
    }
    // The metadata of custom resources is what it is everywhere.
    assert_eq!(
        edit(&site(""), "metadata.generation", set(json!("1"))).unwrap_err(),
        "`metadata.generation` cannot be rewritten: expected a whole number, found a text"
    );
}
