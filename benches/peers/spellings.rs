//! The conditions of `benches/conditions` as each engine spells them.
//!
//! Promises none where an engine cannot say it by itself. Deliberately measures
//! nothing.

use crate::conditions::teams;

/// In ZEN, over the variable `object`.
pub fn zen(condition: &str) -> Option<String> {
    Some(match condition {
        "equality" => "object.metadata.namespace == 'payments'".to_owned(),
        "one of 3" => "object.metadata.labels.team in ['billing', 'ledger', 'team-150']".to_owned(),
        "one of 200" => format!("object.metadata.labels.team in [{}]", teams("'", ", ")),
        "parts of texts" => "startsWith(object.metadata.name, 'web-') \
             and endsWith(object.metadata.name, '-x7k2p') \
             and contains(object.spec.nodeName, '.eu-west-1.')"
            .to_owned(),
        "regular expression" => {
            "matches(object.metadata.name, '^web-[0-9a-f]{8,10}-[a-z0-9]{5}$')".to_owned()
        }
        "numbers" => "object.spec.priority >= 1000 \
             and object.spec.terminationGracePeriodSeconds < 60"
            .to_owned(),
        "guards" => "object.metadata.annotations != null \
             and object.metadata.annotations.owner != null \
             and object.metadata.annotations.owner != ''"
            .to_owned(),
        "some container" => {
            "some(object.spec.containers, startsWith(#.image, 'registry.example.com/'))".to_owned()
        }
        "all containers" => "all(object.spec.containers, \
             #.resources.limits != null and #.resources.limits.memory != null)"
            .to_owned(),
        "three terms" => "object.metadata.namespace == 'payments' \
             and object.metadata.labels.tier in ['web', 'api'] and object.spec.priority > 100"
            .to_owned(),
        "ternary" => "(object.spec.priority != null ? object.spec.priority : 0) > 500".to_owned(),
        "concatenation" => "object.metadata.namespace + '/' + object.metadata.name \
             == 'payments/web-6bf8f4cf98-x7k2p' and len(object.metadata.name) <= 63"
            .to_owned(),
        _ => return None,
    })
}

/// In Rhai, over the variable `object`.
pub fn rhai(condition: &str) -> Option<String> {
    Some(match condition {
        "equality" => r#"object.metadata.namespace == "payments""#.to_owned(),
        "one of 3" => {
            r#"object.metadata.labels.team in ["billing", "ledger", "team-150"]"#.to_owned()
        }
        "one of 200" => format!("object.metadata.labels.team in [{}]", teams("\"", ", ")),
        "parts of texts" => r#"object.metadata.name.starts_with("web-")
             && object.metadata.name.ends_with("-x7k2p")
             && object.spec.nodeName.contains(".eu-west-1.")"#
            .to_owned(),
        "numbers" => "object.spec.priority >= 1000 \
             && object.spec.terminationGracePeriodSeconds < 60"
            .to_owned(),
        "guards" => r#""annotations" in object.metadata && "owner" in object.metadata.annotations
             && object.metadata.annotations.owner != """#
            .to_owned(),
        "some container" => {
            r#"object.spec.containers.some(|c| c.image.starts_with("registry.example.com/"))"#
                .to_owned()
        }
        "all containers" => r#"object.spec.containers.all(
                 |c| "limits" in c.resources && "memory" in c.resources.limits)"#
            .to_owned(),
        "three terms" => r#"object.metadata.namespace == "payments"
             && object.metadata.labels.tier in ["web", "api"] && object.spec.priority > 100"#
            .to_owned(),
        "ternary" => {
            r#"(if "priority" in object.spec { object.spec.priority } else { 0 }) > 500"#.to_owned()
        }
        "concatenation" => r#"object.metadata.namespace + "/" + object.metadata.name
             == "payments/web-6bf8f4cf98-x7k2p" && object.metadata.name.len <= 63"#
            .to_owned(),
        _ => return None,
    })
}

/// In Rego: a module whose rule `allow` is the condition, over `input`. No line
/// may be longer than 1,024 characters.
pub fn rego(condition: &str) -> Option<String> {
    let allow = match condition {
        "equality" => r#"allow if input.metadata.namespace == "payments""#.to_owned(),
        "one of 3" => r#"teams := {"billing", "ledger", "team-150"}
            allow if input.metadata.labels.team in teams"#
            .to_owned(),
        "one of 200" => format!(
            "teams := {{{}}}\nallow if input.metadata.labels.team in teams",
            teams("\"", ",\n")
        ),
        "parts of texts" => r#"allow if {
                startswith(input.metadata.name, "web-")
                endswith(input.metadata.name, "-x7k2p")
                contains(input.spec.nodeName, ".eu-west-1.")
            }"#
        .to_owned(),
        "regular expression" => {
            r#"allow if regex.match("^web-[0-9a-f]{8,10}-[a-z0-9]{5}$", input.metadata.name)"#
                .to_owned()
        }
        "numbers" => r#"allow if {
                input.spec.priority >= 1000
                input.spec.terminationGracePeriodSeconds < 60
            }"#
        .to_owned(),
        "guards" => r#"allow if input.metadata.annotations.owner != """#.to_owned(),
        "some container" => r#"allow if {
                some c in input.spec.containers
                startswith(c.image, "registry.example.com/")
            }"#
        .to_owned(),
        "all containers" => {
            "allow if { every c in input.spec.containers { c.resources.limits.memory } }".to_owned()
        }
        "three terms" => r#"allow if {
                input.metadata.namespace == "payments"
                input.metadata.labels.tier in {"web", "api"}
                input.spec.priority > 100
            }"#
        .to_owned(),
        "ternary" => r#"allow if object.get(input.spec, "priority", 0) > 500"#.to_owned(),
        "concatenation" => r#"allow if {
                concat("/", [input.metadata.namespace, input.metadata.name]) ==
                    "payments/web-6bf8f4cf98-x7k2p"
                count(input.metadata.name) <= 63
            }"#
        .to_owned(),
        "quantity" => "allow if units.parse_bytes(\
             input.spec.containers[0].resources.requests.memory) > units.parse_bytes(\"256Mi\")"
            .to_owned(),
        _ => return None,
    };
    Some(format!("package bench\n{allow}\n"))
}

/// In wirefilter, over fields of its own: it knows neither lists and maps nor
/// absent values, and matches the ends of a text by regular expressions.
pub fn wirefilter(condition: &str) -> Option<String> {
    Some(match condition {
        "equality" => r#"metadata.namespace == "payments""#.to_owned(),
        "one of 3" => r#"labels.team in {"billing" "ledger" "team-150"}"#.to_owned(),
        "one of 200" => format!("labels.team in {{{}}}", teams("\"", " ")),
        "parts of texts" => r#"metadata.name matches "^web-" && metadata.name matches "-x7k2p$"
             && spec.nodeName contains ".eu-west-1.""#
            .to_owned(),
        "regular expression" => {
            r#"metadata.name matches "^web-[0-9a-f]{8,10}-[a-z0-9]{5}$""#.to_owned()
        }
        "numbers" => "spec.priority >= 1000 && spec.grace < 60".to_owned(),
        "three terms" => r#"metadata.namespace == "payments" && labels.tier in {"web" "api"}
             && spec.priority > 100"#
            .to_owned(),
        _ => return None,
    })
}
