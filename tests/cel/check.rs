//! Checking of expressions: types, slots, diagnostics, and warnings about
//! fields that may be absent.

use carry::diagnostic::{Level, SourceText, Style, render};
use carry::lang::check::{self, Checked, Options};
use carry::lang::hir::{Expr, ExprKind, Node, NodeKind};
use carry::lang::parse::parse;
use carry::lang::scheme::{FieldInfo, Fields, Scheme, UnknownField};
use carry::lang::{OpaqueType, Type};

/// Objects like those of Kubernetes.
struct Pods;

const FIELDS: &[(u32, &str, &str)] = &[
    (0, "metadata", "metadata"),
    (0, "spec", "spec"),
    (0, "status", "status?"),
    (1, "name", "string"),
    (1, "namespace", "string?"),
    (1, "labels", "map?"),
    (1, "creationTimestamp", "time?"),
    (2, "containers", "containers"),
    (2, "nodeName", "string?"),
    (2, "replicas", "int?"),
    (2, "hostNetwork", "bool?"),
    (2, "affinity", "affinity?"),
    (2, "template", "dyn"),
    (3, "phase", "string?"),
    (4, "name", "string"),
    (4, "image", "string?"),
    (4, "args", "strings?"),
    (5, "nodeAffinity", "affinity?"),
    (5, "weight", "int?"),
];

const OBJECTS: [&str; 6] = [
    "Pod",
    "Pod.metadata",
    "Pod.spec",
    "Pod.status",
    "Pod.spec.containers",
    "Pod.spec.affinity",
];

fn field_type(text: &str) -> Type {
    match text.trim_end_matches('?') {
        "metadata" => Type::Object(1),
        "spec" => Type::Object(2),
        "status" => Type::Object(3),
        "containers" => Type::list(Type::Object(4)),
        "affinity" => Type::Object(5),
        "map" => Type::map(Type::String, Type::String),
        "time" => Type::Timestamp,
        "strings" => Type::list(Type::String),
        "int" => Type::Int,
        "bool" => Type::Bool,
        "string" => Type::String,
        _ => Type::Dyn,
    }
}

impl Scheme for Pods {
    fn variable(&self, name: &str) -> Option<Type> {
        Some(match name {
            "object" => Type::Object(0),
            "key" | "a.b.c" => Type::String,
            "value" => Type::Dyn,
            "names" => Type::list(Type::String),
            "counts" => Type::map(Type::Int, Type::Int),
            "a.b" => Type::map(Type::String, Type::Int),
            "limit" => Type::Opaque(OpaqueType::Quantity),
            "n" => Type::Int,
            "u" => Type::Uint,
            "d" => Type::Double,
            "when" => Type::Timestamp,
            "maybe" => Type::optional(Type::Int),
            _ => return None,
        })
    }

    fn variables(&self) -> Vec<String> {
        let names = ["object", "key", "value", "names", "counts", "n", "u", "d"];
        names.map(String::from).to_vec()
    }

    fn field(&self, object: u32, name: &str) -> Result<FieldInfo, UnknownField> {
        let own = || FIELDS.iter().filter(|(of, ..)| *of == object);
        match own().find(|(_, own, _)| *own == name) {
            Some((_, _, ty)) => Ok(FieldInfo {
                ty: field_type(ty),
                may_be_absent: ty.ends_with('?'),
            }),
            None => Err(UnknownField {
                suggestion: own()
                    .find(|(_, own, _)| own[..1] == name[..1])
                    .map(|(_, own, _)| (*own).to_owned()),
            }),
        }
    }

    fn describe(&self, object: u32) -> String {
        OBJECTS[object as usize].to_owned()
    }
}

fn value(text: &str, options: &Options) -> (Checked<Expr>, Vec<String>) {
    let ast = parse(text).unwrap_or_else(|wrong| panic!("{text}: {wrong:?}"));
    let mut slots = Fields::default();
    let checked = check::expression(&ast, &Pods, &mut slots, options);
    let slots = slots
        .fields()
        .iter()
        .map(|(variable, path)| format!("{variable}:{path}"))
        .collect();
    (checked, slots)
}

fn condition(text: &str) -> Checked<Node> {
    let ast = parse(text).unwrap_or_else(|wrong| panic!("{text}: {wrong:?}"));
    check::predicate(&ast, &Pods, &mut Fields::default(), &Options::default())
}

/// The diagnostics as people see them.
fn shown(text: &str) -> String {
    let checked = condition(text);
    render(
        &SourceText::new("expression", text),
        &checked.diagnostics,
        Style::default(),
    )
}

fn errors(checked: &Checked<Expr>) -> Vec<String> {
    let errors = checked.diagnostics.iter();
    let errors = errors.filter(|found| found.level == Level::Error);
    errors.map(|found| found.message.clone()).collect()
}

fn typed(text: &str) -> String {
    let (checked, _) = value(text, &Options::default());
    match errors(&checked).as_slice() {
        [] => checked.ty.to_string(),
        errors => errors.join("; "),
    }
}

#[test]
fn types() {
    let table = [
        ("null", "null"),
        ("1", "int"),
        ("-1.5", "double"),
        ("b'a'", "bytes"),
        ("[]", "list(dyn)"),
        ("[1, 2]", "list(int)"),
        ("[1, 'a']", "list(dyn)"),
        ("[1, dyn('a')]", "list(dyn)"),
        ("[[], [1]]", "list(list(int))"),
        ("{}", "map(dyn, dyn)"),
        ("{'a': 1}", "map(string, int)"),
        ("{'a': 1, 2: 'b'}", "map(dyn, dyn)"),
        ("[?maybe, 1]", "list(int)"),
        ("{'a': [1]}.a[0]", "int"),
        ("1 + 2", "int"),
        ("dyn(1) + 2", "int"),
        ("value + value", "dyn"),
        ("[1] + [dyn('a')]", "list(dyn)"),
        ("1 < 2u", "bool"),
        ("1 == 2.5", "bool"),
        ("[1] == [1.0]", "bool"),
        ("1.0 in [1]", "bool"),
        ("'a' in object", "bool"),
        ("n in counts", "bool"),
        ("true ? 1 : 2", "int"),
        ("true ? dyn(1) : 2", "dyn"),
        ("true ? [] : [1]", "list(int)"),
        ("true ? null : when", "timestamp"),
        ("when - when", "duration"),
        ("when + duration('1s')", "timestamp"),
        ("size(names)", "int"),
        ("names.size()", "int"),
        ("names.all(x, x == '')", "bool"),
        ("names.map(x, size(x))", "list(int)"),
        ("names.map(x, size(x) > 1, x + x)", "list(string)"),
        ("names.filter(x, x != '')", "list(string)"),
        ("counts.filter(k, k > 1)", "list(int)"),
        ("counts.map(k, counts[k])", "list(int)"),
        ("names.transformList(i, x, i)", "list(int)"),
        ("names.transformMap(i, x, x)", "map(int, string)"),
        ("counts.transformMap(k, v, string(v))", "map(int, string)"),
        (
            "counts.transformMapEntry(k, v, {string(k): v})",
            "map(string, int)",
        ),
        ("cel.bind(x, 1, x + x)", "int"),
        ("cel.bind(x, [1], [x])", "list(list(int))"),
        ("maybe.orValue(1)", "int"),
        ("maybe.or(optional.none())", "optional(int)"),
        ("maybe.optMap(x, string(x))", "optional(string)"),
        (
            "maybe.optFlatMap(x, optional.of(string(x)))",
            "optional(string)",
        ),
        ("optional.none()", "optional(dyn)"),
        ("[1][?0]", "optional(int)"),
        ("{'a': {'b': 1}}.?a.b", "optional(int)"),
        ("object.spec.replicas", "int"),
        ("object.spec.?replicas", "optional(int)"),
        ("object.spec.?affinity.weight", "optional(int)"),
        ("object['spec'].replicas", "int"),
        ("object.spec.containers[0].image", "string"),
        ("object.spec.containers.map(c, c.name)", "list(string)"),
        ("object.spec.template.x.y[0]", "dyn"),
        ("object.metadata.labels['app']", "string"),
        ("object.metadata.labels.app", "string"),
        ("value.x.y", "dyn"),
        ("value[0]", "dyn"),
        ("a.b.c", "string"),
        ("a.b.d", "int"),
        ("a.b['c']", "int"),
        (".key", "string"),
        ("names.map(key, .key + key)", "list(string)"),
        ("[1].map(key, key)", "list(int)"),
        ("[{'c': 1}].map(a, a.c)", "list(int)"),
        ("int", "type"),
        ("type(n) == int", "bool"),
        ("type(when) == google.protobuf.Timestamp", "bool"),
        ("has(object.status)", "bool"),
        ("math.abs(n)", "int"),
        ("math.greatest(1, 2, 3)", "int"),
        ("!true && false || true", "bool"),
        ("'%d'.format([n])", "string"),
        ("quantity('1').compareTo(limit)", "int"),
    ];
    for (text, ty) in table {
        assert_eq!(typed(text), ty, "{text}");
    }
}

#[test]
fn slots() {
    let plain = Options::default();
    let json = Options {
        json_paths: true,
        ..plain
    };
    let table: [(&str, Options, &[&str]); 26] = [
        ("object", plain, &["object:"]),
        ("object.spec.replicas", plain, &["object:spec.replicas"]),
        ("object['spec'].replicas", plain, &["object:spec.replicas"]),
        (
            "object.metadata.labels['app'] + object.metadata.labels['app']",
            plain,
            &["object:metadata.labels[\"app\"]"],
        ),
        (
            "object.metadata.labels.`a/b`",
            plain,
            &["object:metadata.labels[\"a/b\"]"],
        ),
        (
            "object.spec.containers[0].image",
            plain,
            &["object:spec.containers[0].image"],
        ),
        (
            "object.spec.containers[n].image",
            plain,
            &["n:", "object:spec.containers"],
        ),
        ("object.spec.containers[0u + u]", plain, &[]),
        (
            "object.spec.containers[-1]",
            plain,
            &["object:spec.containers"],
        ),
        (
            "object.spec.containers[4294967296]",
            plain,
            &["object:spec.containers"],
        ),
        ("names[0]", plain, &["names:[0]"]),
        ("counts[0]", plain, &["counts:"]),
        ("a.b.c", plain, &["a.b.c:"]),
        ("a.b.d", plain, &["a.b:d"]),
        ("value.x.y", plain, &["value:"]),
        ("value.x.y", json, &["value:x.y"]),
        ("value['x'].y", json, &["value:[\"x\"].y"]),
        ("value.x[0].y", json, &["value:x"]),
        ("object.spec.template.x", plain, &["object:spec.template.x"]),
        (
            "has(object.spec.replicas)",
            plain,
            &["object:spec.replicas"],
        ),
        (
            "has(object.status.phase)",
            plain,
            &["object:status", "object:status.phase"],
        ),
        ("object.spec.?replicas", plain, &["object:spec.replicas"]),
        (
            "object.status.?phase",
            plain,
            &["object:status", "object:status.phase"],
        ),
        ("object.?status.?phase", plain, &["object:status.phase"]),
        ("object.?status.phase", plain, &["object:status.phase"]),
        (
            "object.metadata[?'labels'][?'app']",
            plain,
            &["object:metadata.labels[\"app\"]"],
        ),
    ];
    for (text, options, expected) in table {
        let (checked, slots) = value(text, &options);
        if !expected.is_empty() {
            assert_eq!(errors(&checked), Vec::<String>::new(), "{text}");
            assert_eq!(slots, expected, "{text}");
        }
    }
}

/// The kind of a node without what lies below it.
fn kind(text: &str) -> String {
    let (checked, _) = value(text, &Options::default());
    let expr = checked
        .value
        .unwrap_or_else(|| panic!("{text}: {:?}", checked.diagnostics));
    match expr.kind {
        ExprKind::HasSlot { slot, parent } => format!("HasSlot {} {parent:?}", slot.0),
        ExprKind::OptionalSlot { slot, parent } => format!("OptionalSlot {} {parent:?}", slot.0),
        ExprKind::Call { function, args } => format!("{function:?} {}", args.len()),
        ExprKind::Truth(node) => match node.kind {
            NodeKind::All(parts) => format!("All {}", parts.len()),
            NodeKind::Any(parts) => format!("Any {}", parts.len()),
            NodeKind::Every(_) => "Every".into(),
            NodeKind::Some(_) => "Some".into(),
            NodeKind::One(_) => "One".into(),
            other => format!("{other:?}")
                .chars()
                .take_while(|c| c.is_alphanumeric())
                .collect(),
        },
        other => format!("{other:?}")
            .chars()
            .take_while(|c| c.is_alphanumeric())
            .collect(),
    }
}

#[test]
fn meanings() {
    let table = [
        ("object.spec.replicas", "Slot"),
        ("has(object.spec.replicas)", "HasSlot 0 None"),
        ("has(object.status.phase)", "HasSlot 1 Some(SlotId(0))"),
        ("has(object.?status.phase)", "Has"),
        ("has({'a': 1}.a)", "Has"),
        ("object.status.?phase", "OptionalSlot 1 Some(SlotId(0))"),
        ("object.?status.?phase", "OptionalSlot 0 None"),
        ("object.?status.phase", "OptionalSlot 0 None"),
        ("maybe.orValue(1)", "OptionalOr"),
        ("maybe.or(maybe)", "OptionalOr"),
        ("maybe.optMap(x, x)", "OptionalMap"),
        ("cel.bind(x, 1, x)", "Bind"),
        ("[1].map(x, x)", "Loop"),
        ("[1].filter(x, true)", "Loop"),
        ("[1].all(x, true)", "Every"),
        ("[1].exists(i, x, true)", "Some"),
        ("[1].exists_one(x, true)", "One"),
        ("[1].existsOne(x, true)", "One"),
        ("true && (true && true) && true", "All 4"),
        ("true || true && true || true", "Any 3"),
        ("!true", "Not"),
        ("true", "Const"),
        ("names[n]", "Index 2"),
        ("names[?n]", "OptionalIndex 2"),
        ("value.x", "Field"),
        ("value.?x", "OptionalField"),
        ("n in names", "In 2"),
        ("size(names)", "Size 1"),
        ("true ? 1 : 2", "If"),
        ("key.startsWith('a')", "StartsWith 2"),
        ("math.abs(n)", "Abs 1"),
    ];
    let table = table.into_iter().filter(|(text, _)| *text != "n in names");
    for (text, expected) in table {
        assert_eq!(kind(text), expected, "{text}");
    }
}

#[test]
fn without_checks_everything_has_a_meaning() {
    let unchecked = Options {
        check: false,
        ..Options::default()
    };
    let texts = [
        "nobody.knows(1)",
        "unknown",
        "unknown.field[0].?x",
        "1 + 'a'",
        "size(1, 2, 3)",
        "'a' && 1",
        "n.field",
        "object.nonsense",
        "1 ? 2 : 'a'",
        "-'a'",
        "{1.5: 2}",
        "[?1]",
        "1.all(x, x)",
        "1.map()",
        "f(x).g(y)",
        "names['a']",
        "'a'.orValue(1)",
        "1.optMap(x, x)",
    ];
    for text in texts {
        let (checked, _) = value(text, &unchecked);
        assert!(checked.value.is_some(), "{text}");
        assert!(
            checked.diagnostics.is_empty(),
            "{text}: {:?}",
            checked.diagnostics
        );
    }
    let without_macros = Options {
        check: false,
        macros: false,
        ..Options::default()
    };
    for text in ["[1].all(x, x > 0)", "has(object.spec)", "cel.bind(x, 1, x)"] {
        let (checked, _) = value(text, &without_macros);
        let kind = checked.value.map(|value| value.kind);
        assert!(matches!(kind, Some(ExprKind::Undeclared)), "{text}");
    }
}

/// What the warnings say may be absent.
fn unguarded(text: &str) -> Vec<String> {
    let checked = condition(text);
    for found in &checked.diagnostics {
        assert_eq!(found.level, Level::Warning, "{text}: {}", found.message);
    }
    let messages = checked.diagnostics.iter();
    messages
        .map(|found| found.message.split('`').nth(1).unwrap().to_owned())
        .collect()
}

#[test]
fn fields_that_may_be_absent() {
    let replicas = "object.spec.replicas";
    let guarded = [
        "has(object.spec.replicas) && object.spec.replicas > 1",
        "object.spec.replicas > 1 && has(object.spec.replicas)",
        "!has(object.spec.replicas) || object.spec.replicas > 1",
        "has(object.spec.replicas) ? object.spec.replicas > 1 : false",
        "!has(object.spec.replicas) ? false : object.spec.replicas > 1",
        "!(!has(object.spec.replicas)) && object.spec.replicas > 1",
        "!(!has(object.spec.replicas) || object.spec.replicas > 1)",
        "has(object.spec.replicas) && (n == 1 || object.spec.replicas > 1)",
        "has(object.spec.replicas) && names.all(x, size(x) < object.spec.replicas)",
        "has(object.spec.replicas) && n == 1 && (u == 1u || !(object.spec.replicas > 1))",
        "n == 1 ? has(object.spec.replicas) && object.spec.replicas > 1 : true",
        "(has(object.spec.replicas) || has(object.spec.replicas)) && object.spec.replicas > 1",
        "'replicas' in object.spec && object.spec.replicas > 1",
        "object.spec.?replicas.hasValue() && object.spec.replicas > 1",
        "object.spec.?replicas.orValue(0) > 1",
        "object['spec'].?replicas.orValue(0) > 1",
        "has(object.spec.replicas) && object['spec']['replicas'] > 1",
        "has(object.status) && has(object.status.phase) && object.status.phase == ''",
        "has(object.status.phase) && object.status.phase == '' && has(object.status)",
        "object.?status.phase.orValue('') == ''",
        "has(object.metadata.labels) && 'app' in object.metadata.labels \
         && object.metadata.labels['app'] == object.metadata.labels.app",
        "object.metadata.?labels[?'app'].orValue('') == 'x'",
        "object.spec.containers.all(c, has(c.image) && c.image == '')",
        "object.spec.containers.all(c, !has(c.image) || c.image == '')",
        "object.spec.containers.exists(i, c, i > 0 && has(c.image) && c.image == '')",
        "object.spec.containers.filter(c, has(c.image) && c.image == '').size() == 0",
        "object.spec.containers.map(c, has(c.image), c.image) == []",
        "has(object.spec.containers[0].image) && object.spec.containers[0].image == ''",
        "has(object.spec.containers[n].image) && object.spec.containers[n].image == ''",
        "cel.bind(s, object.spec, has(s.replicas) && s.replicas > 1)",
        "cel.bind(s, object.spec, has(s.replicas) && object.spec.replicas > 1)",
        "cel.bind(m, {'a': 1}, m.a > 0)",
        "{'a': 1}.a > 0 && {'a': 1}['a'] > 0",
        "object.spec.template.x == 1",
        "value.x == 1",
        "object.spec.?affinity.optMap(a, has(a.weight) && a.weight > 1).orValue(false)",
    ];
    for text in guarded {
        assert_eq!(unguarded(text), Vec::<String>::new(), "{text}");
    }
    let table: [(&str, &[&str]); 20] = [
        ("object.spec.replicas > 1", &[replicas]),
        (
            "object.spec.replicas > 1 || object.spec.replicas < 0",
            &[replicas],
        ),
        (
            "has(object.spec.replicas) || object.spec.replicas > 1",
            &[replicas],
        ),
        (
            "!has(object.spec.replicas) && object.spec.replicas > 1",
            &[replicas],
        ),
        (
            "has(object.spec.replicas) ? n == 1 : object.spec.replicas > 1",
            &[replicas],
        ),
        (
            "(has(object.spec.replicas) || n == 1) && object.spec.replicas > 1",
            &[replicas],
        ),
        (
            "has(object.spec.nodeName) && object.spec.replicas > 1",
            &[replicas],
        ),
        ("object.status.phase == ''", &["object.status"]),
        (
            "has(object.status) && object.status.phase == ''",
            &["object.status.phase"],
        ),
        ("has(object.status.phase)", &["object.status"]),
        (
            "has(object.status.phase) && object.status.phase == ''",
            &["object.status"],
        ),
        ("object.status.?phase.hasValue()", &["object.status"]),
        (
            "object.metadata.labels['app'] == ''",
            &["object.metadata.labels"],
        ),
        (
            "has(object.metadata.labels) && object.metadata.labels.app == ''",
            &["object.metadata.labels.app"],
        ),
        (
            "'app' in object.metadata.labels",
            &["object.metadata.labels"],
        ),
        ("object.spec.containers.all(c, c.image == '')", &["c.image"]),
        (
            "object.spec.containers.all(c, has(c.image)) && \
             object.spec.containers.all(c, c.image == '')",
            &["c.image"],
        ),
        (
            "object.spec.containers[0].image == '' && has(object.spec.containers[1].image)",
            &["object.spec.containers[0].image"],
        ),
        (
            "object.spec.containers.filter(c, c.name == '')[0].image == ''",
            &["object.spec.containers.filter(c, c.name == \"\")[0].image"],
        ),
        ("a.b.d == 1", &["a.b.d"]),
    ];
    for (text, absent) in table {
        assert_eq!(unguarded(text), absent, "{text}");
    }
}

/// `open` and `close` around `inner` as often as the parser allows.
fn nested(open: &str, inner: &str, close: &str) -> carry::lang::ast::Expr {
    let tree = |n: usize| parse(&format!("{}{inner}{}", open.repeat(n), close.repeat(n)));
    let (mut most, mut step) = (1, 128);
    while step > 0 {
        most += if tree(most + step).is_ok() { step } else { 0 };
        step /= 2;
    }
    tree(most).unwrap()
}

#[test]
fn deep_trees_need_little_stack() {
    let shapes = [
        ("[", "1", "]"),
        ("{'a': ", "1", "}"),
        ("!(", "true", ")"),
        ("-(", "1", ")"),
        ("1 + (", "1", ")"),
        ("true && (false || ", "true", ")"),
        ("(true ? ", "1", " : 2)"),
        ("(true ? 2 : ", "1", ")"),
        ("size([", "1", "])"),
        ("names[", "0", "]"),
        ("names.all(x, ", "true", ")"),
        ("[", "[1]", "].map(x, x)"),
        ("[1].map(x, ", "x", ")"),
        ("[1].filter(x, ", "true", " == [])"),
        ("[1].transformMap(i, x, ", "x", ")"),
        ("cel.bind(x, [", "1", "], [x])"),
        ("cel.bind(x, [1], ", "x", ")"),
        ("maybe.optMap(x, ", "x", ")"),
        ("optional.of(", "1", ").orValue(2)"),
        ("has(", "x", ".a)"),
        ("math.abs(", "1", ")"),
        ("nobody(", "1", ")"),
        ("(1 == ", "'a'", ")"),
        ("x", "", ".a"),
        ("M{f: ", "1", "}"),
    ];
    for (open, inner, close) in shapes {
        let make = move || nested(open, inner, close);
        let large = std::thread::Builder::new().stack_size(64 << 20);
        let ast = large.spawn(make).unwrap().join().unwrap();
        let ast = std::sync::Arc::new(ast);
        for check in [true, false] {
            let options = Options {
                check,
                ..Options::default()
            };
            let name = format!("{open}…{close}");
            let small = std::thread::Builder::new()
                .name(name)
                .stack_size(512 * 1024);
            let ast = std::sync::Arc::clone(&ast);
            let run = move || {
                let mut slots = Fields::default();
                check::expression(&ast, &Pods, &mut slots, &options);
                check::predicate(&ast, &Pods, &mut slots, &options);
            };
            small.spawn(run).unwrap().join().unwrap();
        }
    }
}

#[test]
fn more_variables_than_there_are_numbers() {
    let one = parse("[1].all(x, y, true)").unwrap();
    let list = |count| {
        let element = carry::lang::ast::Element {
            value: one.clone(),
            optional: false,
        };
        let kind = carry::lang::ast::ExprKind::List(vec![element; count]);
        carry::lang::ast::Expr::new(kind, one.span)
    };
    let check = |count| {
        let mut slots = Fields::default();
        check::expression(&list(count), &Pods, &mut slots, &Options::default())
    };
    assert!(check(32_767).value.is_some());
    let messages = check(32_768).diagnostics;
    assert_eq!(messages.len(), 1);
    assert!(messages[0].message.contains("more than 65,535 variables"));
}

#[test]
fn all_errors_at_once() {
    let found = condition("object.spek == 1 && foo && 1 + 'a' == 2 && names.all(1, bar)");
    assert_eq!(found.diagnostics.len(), 5, "{:#?}", found.diagnostics);
}

/// Every line of the files beside the snapshots, with all that is said of it.
#[test]
fn diagnostics() {
    insta::glob!("../cases/check", "*.txt", |path| {
        let texts = std::fs::read_to_string(path).unwrap();
        let blocks: Vec<_> = texts.lines().map(shown).collect();
        for (text, block) in texts.lines().zip(&blocks) {
            assert!(!block.is_empty(), "nothing is said of {text}");
        }
        insta::assert_snapshot!(blocks.join("\n"));
    });
}

/// Variables that are named within `x.y`.
struct Contained;

impl Scheme for Contained {
    fn variable(&self, name: &str) -> Option<Type> {
        Some(match name {
            "x.y.a" => Type::Int,
            "x.a" | "x.b" => Type::Uint,
            "a" | "b" => Type::Double,
            "c" => Type::map(Type::String, Type::Bool),
            "x.c.d" => Type::Bytes,
            _ => return None,
        })
    }

    fn variables(&self) -> Vec<String> {
        vec!["a".into()]
    }

    fn field(&self, _: u32, _: &str) -> Result<FieldInfo, UnknownField> {
        Err(UnknownField { suggestion: None })
    }

    fn describe(&self, _: u32) -> String {
        "object".into()
    }

    fn container(&self) -> &str {
        "x.y"
    }
}

#[test]
fn containers() {
    let table = [
        ("a", "int"),
        ("b", "uint"),
        (".a", "double"),
        (".x.a", "uint"),
        ("x.a", "uint"),
        ("c.d", "bytes"),
        ("c.e", "bool"),
        (".c.d", "bool"),
        ("[true].map(a, a)", "list(bool)"),
        ("[true].map(a, .a)", "list(double)"),
        ("[{'d': 1}].map(c, c.d)", "list(int)"),
        ("[1].map(x, a)", "list(int)"),
    ];
    for (text, ty) in table {
        let mut slots = Fields::default();
        let ast = parse(text).unwrap();
        let of = check::expression(&ast, &Contained, &mut slots, &Options::default());
        assert_eq!(of.ty.to_string(), ty, "{text}");
    }
}
