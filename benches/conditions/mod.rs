//! Conditions over Pods as a platform engineer would write them, two Pods to
//! evaluate them over, and the clock.
//!
//! Promises that each condition holds of the first Pod and not of the second.
//! Deliberately knows no engine.
#![allow(dead_code)]

use std::time::{Duration, Instant};

use serde_json::{Value, json};

const ROUNDS: usize = 201;
const ROUND: Duration = Duration::from_micros(500);

/// A condition with its name.
pub struct Condition {
    /// For people, and to find other engines' spelling by.
    pub name: &'static str,
    /// In CEL, over the variable `object`.
    pub text: String,
}

/// All of them.
pub fn all() -> Vec<Condition> {
    let written = [
        ("equality", "object.metadata.namespace == 'payments'"),
        (
            "one of 3",
            "object.metadata.labels.team in ['billing', 'ledger', 'team-150']",
        ),
        ("one of 200", "object.metadata.labels.team in TEAMS"),
        (
            "parts of texts",
            "object.metadata.name.startsWith('web-') && object.metadata.name.endsWith('-x7k2p') \
             && object.spec.nodeName.contains('.eu-west-1.')",
        ),
        (
            "regular expression",
            "object.metadata.name.matches('^web-[0-9a-f]{8,10}-[a-z0-9]{5}$')",
        ),
        (
            "numbers",
            "object.spec.priority >= 1000 && object.spec.terminationGracePeriodSeconds < 60",
        ),
        (
            "guards",
            "has(object.metadata.annotations) && has(object.metadata.annotations.owner) \
             && object.metadata.annotations.owner != ''",
        ),
        (
            "some container",
            "object.spec.containers.exists(c, c.image.startsWith('registry.example.com/'))",
        ),
        (
            "all containers",
            "object.spec.containers.all(c, has(c.resources.limits) && 'memory' in c.resources.limits)",
        ),
        (
            "three terms",
            "object.metadata.namespace == 'payments' && object.metadata.labels.tier in ['web', 'api'] \
             && object.spec.priority > 100",
        ),
        (
            "ternary",
            "(has(object.spec.priority) ? object.spec.priority : 0) > 500",
        ),
        (
            "concatenation",
            "object.metadata.namespace + '/' + object.metadata.name \
             == 'payments/web-6bf8f4cf98-x7k2p' && size(object.metadata.name) <= 63",
        ),
        (
            "quantity",
            "quantity(object.spec.containers[0].resources.requests.memory)\
             .isGreaterThan(quantity('256Mi'))",
        ),
    ];
    let condition = |(name, text): (&'static str, &str)| Condition {
        name,
        text: text.replace("TEAMS", &format!("[{}]", teams("'", ", "))),
    };
    written.into_iter().map(condition).collect()
}

/// 200 names in quotes.
pub fn teams(quote: &str, between: &str) -> String {
    let names: Vec<String> = (0..200)
        .map(|number| format!("{quote}team-{number}{quote}"))
        .collect();
    names.join(between)
}

/// The Pod of which all hold, and the one of which none does.
pub fn pods() -> [Value; 2] {
    [
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": "web-6bf8f4cf98-x7k2p", "namespace": "payments",
                "labels": {
                    "app": "web", "pod-template-hash": "6bf8f4cf98",
                    "team": "team-150", "tier": "api",
                },
                "annotations": {"owner": "payments@example.com", "note": "x"},
                "uid": "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9",
            },
            "spec": {
                "nodeName": "ip-10-0-3-7.eu-west-1.compute.internal",
                "priority": 1000, "terminationGracePeriodSeconds": 30,
                "containers": [
                    {
                        "name": "proxy", "image": "docker.io/library/envoy:1.31",
                        "resources": {
                            "limits": {"cpu": "1", "memory": "1Gi"},
                            "requests": {"cpu": "100m", "memory": "512Mi"},
                        },
                    },
                    {
                        "name": "web", "image": "registry.example.com/web:7",
                        "resources": {"limits": {"memory": "2Gi"}},
                    },
                ],
            },
        }),
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": "api-6bf8f4cf98-x7k2", "namespace": "kube-system",
                "labels": {
                    "app": "api", "pod-template-hash": "6bf8f4cf98",
                    "team": "storage", "tier": "database",
                },
                "annotations": {"note": "x"},
                "uid": "1a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9",
            },
            "spec": {
                "nodeName": "ip-10-0-3-8.us-east-1.compute.internal",
                "priority": 0, "terminationGracePeriodSeconds": 300,
                "containers": [
                    {
                        "name": "proxy", "image": "docker.io/library/envoy:1.31",
                        "resources": {
                            "limits": {"cpu": "1", "memory": "1Gi"},
                            "requests": {"cpu": "100m", "memory": "128Mi"},
                        },
                    },
                    {
                        "name": "api", "image": "docker.io/example/api:7",
                        "resources": {"limits": {"cpu": "2"}},
                    },
                ],
            },
        }),
    ]
}

/// ns per call; the calls get 0 and 1 in turn.
pub fn time(mut call: impl FnMut(usize)) -> f64 {
    time_rounds(|| {
        for _ in 0..25 {
            call(0);
            call(1);
        }
        50
    })
}

/// µs per call of what takes long.
pub fn time_compiling(mut call: impl FnMut()) -> f64 {
    let ns = time_rounds(|| {
        call();
        1
    });
    ns / 1000.0
}

/// ns per call: the median of many rounds, each so short that most are over
/// before the scheduler gives the core to somebody else.
fn time_rounds(mut calls: impl FnMut() -> u32) -> f64 {
    let rounds = (0..ROUNDS).map(|_| {
        let (start, mut done) = (Instant::now(), 0);
        while start.elapsed() < ROUND {
            done += calls();
        }
        start.elapsed().as_nanos() as f64 / f64::from(done)
    });
    let mut rounds: Vec<f64> = rounds.collect();
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}
