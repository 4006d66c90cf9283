//! Mistakes in encryption configurations: each kind is told with its exact
//! place, and no message repeats what may be a key.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use carry::k8s::Keyring;
use carry::k8s::crypto::kms::{KmsPlugin, KmsPlugins, KmsVersion, PluginConfig, Socket};

use crate::toy_kms::ToyKms;

const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAA==";

/// A whole configuration around the list `resources`.
fn config(resources: &str) -> String {
    format!(
        "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n{resources}"
    )
}

fn providers(providers: &str) -> String {
    config(&format!(
        "- resources: [secrets]\n  providers:\n{providers}"
    ))
}

fn resources(resources: &str) -> String {
    config(&format!(
        "- resources: {resources}\n  providers: [identity: {{}}]\n"
    ))
}

fn told(yaml: &str) -> String {
    let loaded = Keyring::parse("enc.yaml", yaml);
    loaded.map_or_else(|error| error.to_string(), |_| "accepted".to_owned())
}

/// The text without its `‸`, and line and column of what stood after it.
fn marked(yaml: &str) -> (String, usize, usize) {
    let at = yaml
        .find('‸')
        .unwrap_or_else(|| panic!("no mark in {yaml}"));
    let before = &yaml[..at];
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    (yaml.replace('‸', ""), line, column)
}

/// Each text has a mark before the value at fault.
#[track_caller]
fn check(cases: &[(String, &str)]) {
    for (text, message) in cases {
        let (yaml, line, column) = marked(text);
        let told = told(&yaml);
        let place = format!("enc.yaml:{line}:{column}: ");
        assert!(
            told.starts_with(&place) && told.contains(message),
            "{text}\n→ {told}\n  expected {place}… {message}"
        );
        assert!(
            !told.contains("Raw") && !told.contains("struct") && !told.contains("i64"),
            "names of ours in: {told}"
        );
    }
}

#[test]
fn the_document() {
    let identity = "resources:\n- resources: [secrets]\n  providers: [{identity: {}}]\n";
    check(&[
        ("‸".to_owned(), "missing field `apiVersion`"),
        (
            "‸kind: EncryptionConfig\n".to_owned(),
            "missing field `apiVersion`",
        ),
        ("‸- a\n".to_owned(), "expected an EncryptionConfiguration"),
        ("kind: b\nresources: [‸}\n".to_owned(), "did not find"),
        (
            "kind: b\n c‸: d\n".to_owned(),
            "mapping values are not allowed",
        ),
        (
            format!("kind: EncryptionConfig\napiVersion: ‸v2\n{identity}"),
            "`EncryptionConfig` of `v2`",
        ),
        (
            format!("kind: ‸EncryptionConfiguration\napiVersion: v1\n{identity}"),
            "is no encryption configuration",
        ),
        (
            format!("kind: \"‸\"\napiVersion: v1\n{identity}").replace("\"‸\"", "‸\"Pod\""),
            "`Pod` of `v1`",
        ),
        (
            format!("kind: EncryptionConfig\napiVersion: v1\n‸metadata: {{}}\n{identity}"),
            "unknown field `metadata`",
        ),
        (
            format!("kind: EncryptionConfig\napiVersion: v1\n{identity}‸kind: x\n"),
            "duplicate field `kind`",
        ),
        (
            format!("kind: EncryptionConfig\napiVersion: v1\n{identity}---\n‸kind: x\n")
                .replace("---\n‸", "‸---\n"),
            "more than one document",
        ),
        (config("  ‸[]\n"), "`resources` is empty"),
        (config("  ‸x: 1\n"), "expected a sequence"),
    ]);
    assert_eq!(
        told(&format!(
            "kind: EncryptionConfig\napiVersion: v1\n{identity}"
        )),
        "accepted"
    );
}

#[test]
fn entries_and_resources() {
    let second = |first: &str, second: &str| {
        config(&format!(
            "- resources: {first}\n  providers: [identity: {{}}]\n- resources: {second}\n  providers: [identity: {{}}]\n"
        ))
    };
    check(&[
        (
            config("- ‸resources: [secrets]\n"),
            "missing field `providers`",
        ),
        (
            config("- ‸providers: [identity: {}]\n"),
            "missing field `resources`",
        ),
        (
            config("- resources: [secrets]\n  providers: ‸[]\n"),
            "at least one provider",
        ),
        (resources("‸[]"), "at least one resource"),
        (resources("[secrets, ‸'*']"), "`*.*` for everything"),
        (resources("[‸'secrets.*']"), "`secrets.*` is not a resource"),
        (resources("[‸'a*b']"), "`a*b` is not a resource"),
        (resources("[‸'*.*.*']"), "`*.*.*` is not a resource"),
        (resources("[‸.apps]"), "`.apps` is not a resource"),
        (resources("[‸\"\"]"), "`` is not a resource"),
        (
            resources("[configmaps,\n   ‸Secrets]"),
            "`Secrets` has capitals",
        ),
        (resources("[‸events.events.k8s.io]"), "use `events`"),
        (resources("[‸'*.extensions']"), "Kubernetes has removed"),
        (
            resources("[‸serviceipallocations]"),
            "is no resource of the API",
        ),
        (resources("['*.', ‸secrets]"), "overlap"),
        (resources("[secrets, ‸'*.']"), "overlap"),
        (resources("[secrets, ‸secrets.]"), "overlap"),
        (resources("[deployments.apps, ‸'*.*']"), "overlap"),
        (resources("[‸{a: b}]"), "expected a string"),
        (
            second("['*.']", "[‸pods]"),
            "`pods` is masked by the earlier `*.`",
        ),
        (
            second("['*.*']", "[‸'*.apps']"),
            "`*.apps` is masked by the earlier `*.*`",
        ),
        (
            second("['*.apps']", "[pods, ‸'*.apps']"),
            "masked by the same one",
        ),
        (
            config("- resources: [secrets]\n  providers: [identity: {}]\n  ‸extra: 1\n"),
            "unknown field `extra`",
        ),
    ]);
    for good in [
        "['*.', '*.apps']",
        "[secrets, secrets.test.io]",
        "['*.*']",
        "[events]",
    ] {
        assert_eq!(told(&resources(good)), "accepted", "{good}");
    }
    assert_eq!(told(&second("[secrets]", "[secrets]")), "accepted");
    assert_eq!(told(&second("[pods]", "['*.']")), "accepted");
}

#[test]
fn providers_and_keys() {
    let keys = |provider: &str, key: &str| {
        providers(&format!("  - {provider}:\n      keys:\n      - {key}\n"))
    };
    let aes = |key: &str| keys("aescbc", key);
    check(&[
        (providers("  - ‸{}\n"), "a provider is named nowhere"),
        (providers("  - ‸identity:\n"), "a provider is named nowhere"),
        (providers("  - ‸identity\n"), "expected a provider"),
        (providers("  - ‸rot13: {}\n"), "unknown field `rot13`"),
        (
            providers("  - identity: {}\n    ‸x: 1\n"),
            "unknown field `x`",
        ),
        (providers("  - identity: {‸x: 1}\n"), "unknown field `x`"),
        (
            providers("  - identity: {}\n    ‸identity: {}\n"),
            "duplicate field `identity`",
        ),
        (
            providers(&format!(
                "  - aescbc: {{keys: [{{name: a, secret: {KEY}}}]}}\n    ‸identity: {{}}\n"
            )),
            "more than one provider",
        ),
        (
            providers(&format!(
                "  - kms:\n    identity: {{}}\n    ‸aesgcm: {{keys: [{{name: a, secret: {KEY}}}]}}\n"
            )),
            "more than one provider",
        ),
        (providers("  - aescbc: ‸{}\n"), "missing field `keys`"),
        (
            providers("  - aescbc: {keys: ‸[]}\n"),
            "provider `aescbc` has no keys",
        ),
        (
            providers("  - identity: {}\n  - secretbox: {keys: ‸[]}\n"),
            "provider `secretbox` has no keys",
        ),
        (aes(&format!("‸secret: {KEY}")), "missing field `name`"),
        (aes("‸name: a"), "missing field `secret`"),
        (
            aes(&format!("secret: {KEY}\n        name: ‸''")),
            "empty name",
        ),
        (
            aes("name: a\n        secret: ‸c2hvcnQ="),
            "key `a` is 5 bytes long, expected 16, 24 or 32",
        ),
        (
            aes("name: a\n        secret: ‸''"),
            "key `a` is 0 bytes long",
        ),
        (
            aes("name: a\n        secret: ‸'***'"),
            "the secret is not base64",
        ),
        (
            aes("name: a\n        secret: ‸AAAA=A=="),
            "the secret is not base64",
        ),
        (
            aes("name: a\n        secret: ‸[a]"),
            "expected a secret in base64",
        ),
        (
            keys("secretbox", &format!("name: a\n        secret: ‸{KEY}")),
            "is 16 bytes long, expected 32",
        ),
        (
            aes(&format!(
                "name: a\n        secret: {KEY}\n      - name: b\n        secret: ‸AAAA"
            )),
            "key `b` is 3 bytes long",
        ),
        (
            aes(&format!(
                "name: a\n        ‸Secret: {KEY}\n        secret: {KEY}"
            )),
            "unknown field `Secret`",
        ),
        // The place of an alias is the alias, not what it stands for.
        (
            providers("  - aescbc: {keys: [{name: &n AAAA, secret: ‸*n}]}\n"),
            "is 3 bytes long",
        ),
    ]);
}

#[test]
fn kms_plugins() {
    let kms = |fields: &str| {
        providers(&format!(
            "  - kms: {{name: p, endpoint: 'unix:///k', {fields}}}\n"
        ))
    };
    let endpoint =
        |endpoint: &str| providers(&format!("  - kms: {{name: p, endpoint: {endpoint}}}\n"));
    let named = |name: &str, version: &str| {
        format!("  - kms: {{name: {name}, apiVersion: {version}, endpoint: 'unix:///k'}}\n")
    };
    check(&[
        (
            providers("  - kms: ‸{name: p}\n"),
            "missing field `endpoint`",
        ),
        (
            providers("  - kms: ‸{endpoint: 'unix:///k'}\n"),
            "missing field `name`",
        ),
        (providers(&named("‸''", "v2")), "empty name"),
        (providers(&named("‸'a:b'", "v2")), "which v2 forbids"),
        (
            providers(&(named("a", "v1") + &named("‸a", "v2"))),
            "v2 wants a name once",
        ),
        (
            providers(&(named("a", "v2") + &named("‸a", "v2"))),
            "v2 wants a name once",
        ),
        (providers(&named("a", "‸v3")), "use `v1` or `v2`"),
        (kms("‸nonsense: 1"), "unknown field `nonsense`"),
        (kms("timeout: ‸3"), "`3` is no duration"),
        (kms("timeout: ‸''"), "is no duration"),
        (kms("timeout: ‸3 seconds"), "is no duration"),
        (kms("timeout: ‸0s"), "longer than nothing"),
        (kms("timeout: ‸'-3s'"), "longer than nothing"),
        (kms("timeout: ‸300000h1h9999999h"), "is no duration"),
        (kms("timeout: ‸[3s]"), "expected a string"),
        (kms("apiVersion: v2, cachesize: ‸10"), "for v1 only"),
        (kms("cachesize: ‸0"), "`cachesize` is 0"),
        (kms("cachesize: ‸3000000000"), "32 bits"),
        (kms("cachesize: ‸many"), "expected a whole number"),
        (kms("cachesize: ‸1.5"), "expected a whole number"),
        (endpoint("‸''"), "`endpoint` is empty"),
        (endpoint("‸tcp://localhost:1"), "is no unix socket"),
        (endpoint("‸/run/kms.sock"), "is no unix socket"),
        (endpoint("‸unix://host"), "has no path"),
        (endpoint("‸'unix:'"), "has no path"),
        (endpoint("‸'unix:///@'"), "has no path"),
        (endpoint("‸'unix:///a%2'"), "no URL that can be read"),
        (endpoint("‸'unix:///a%00'"), "no URL that can be read"),
    ]);
    for good in [
        kms("timeout: 1h2m3.5s"),
        kms("timeout: 1.5ms, cachesize: -1"),
        kms("apiVersion: v2, timeout: null"),
        kms("apiVersion: '', cachesize: 2000"),
        endpoint("'unix:///@name'"),
        endpoint("'unix:relative'"),
        endpoint("'unix:/k%20k'"),
        providers(&(named("a:b", "v1") + &named("a:b", "v1"))),
        providers(&(named("a", "v2") + &named("a", "v1"))),
    ] {
        assert_eq!(told(&good), "accepted", "{good}");
    }
}

/// Keeps what the configuration says of plugins.
#[derive(Default)]
struct Recorder(RefCell<Vec<PluginConfig>>);

impl KmsPlugins for Recorder {
    fn connect(&self, plugin: &PluginConfig) -> Arc<dyn KmsPlugin> {
        self.0.borrow_mut().push(plugin.clone());
        Arc::new(ToyKms::default())
    }
}

fn plugin(fields: &str) -> PluginConfig {
    let recorder = Recorder::default();
    let yaml = providers(&format!("  - kms: {{name: p, {fields}}}\n"));
    Keyring::parse_with("enc.yaml", &yaml, &recorder).expect("a configuration");
    recorder.0.take().pop().expect("one plugin")
}

#[test]
fn endpoints_are_read_as_kube_apiserver_reads_them() {
    let path = |path: &str| Socket::Path(path.to_owned());
    for (endpoint, expected) in [
        ("unix:///run/kms.sock", path("/run/kms.sock")),
        ("unix:/run/kms.sock", path("/run/kms.sock")),
        ("unix:kms.sock", path("kms.sock")),
        ("UNIX:///k", path("/k")),
        ("unix://host/k", path("/k")),
        ("unix:///k?query#fragment", path("/k")),
        ("unix:///k%20%c3%a4", path("/k ä")),
        ("unix:///@name", Socket::Abstract("name".to_owned())),
        ("unix:///%40name", Socket::Abstract("name".to_owned())),
        ("unix:///a/@b", path("/a/@b")),
    ] {
        assert_eq!(
            plugin(&format!("endpoint: '{endpoint}'")).socket,
            expected,
            "{endpoint}"
        );
    }
}

#[test]
fn versions_and_timeouts_have_defaults() {
    let endpoint = "endpoint: 'unix:///k'";
    let found = plugin(endpoint);
    assert_eq!(
        (found.version, found.timeout),
        (KmsVersion::V1, Duration::from_secs(3))
    );
    let found = plugin(&format!("{endpoint}, apiVersion: v2"));
    assert_eq!(found.version, KmsVersion::V2);
    for (timeout, nanoseconds) in [
        ("1s", 1_000_000_000),
        ("1.5s", 1_500_000_000),
        (".5s", 500_000_000),
        ("1.s", 1_000_000_000),
        ("1m30s", 90_000_000_000),
        ("+2h0.001ms", 7_200_000_001_000),
        ("7us", 7_000),
        ("7µs", 7_000),
        ("1ns", 1),
        ("0.123456789s", 123_456_789),
        ("2562047h47m16.854775807s", i64::MAX as u64),
    ] {
        let found = plugin(&format!("{endpoint}, timeout: '{timeout}'"));
        assert_eq!(
            found.timeout,
            Duration::from_nanos(nanoseconds),
            "{timeout}"
        );
    }
}

/// Wherever a secret stands in the file, no message repeats it.
#[test]
fn secrets_are_never_told() {
    const SECRET: &str = "c2VjcmV0c2VjcmV0c2VjcmV0";
    let identity = "resources:\n- resources: [secrets]\n  providers: [{identity: {}}]\n";
    let cases = [
        providers(&format!("  - aescbc: {{keys: [{SECRET}]}}\n")),
        providers(&format!("  - aescbc: {{keys: {SECRET}}}\n")),
        providers(&format!("  - aescbc: {SECRET}\n")),
        providers(&format!("  - {SECRET}: {{}}\n")),
        providers(&format!("  - identity: {SECRET}\n")),
        providers(&format!("  - identity: {{{SECRET}: 1}}\n")),
        providers(&format!(
            "  - aescbc: {{keys: [{{name: a, {SECRET}: secret}}]}}\n"
        )),
        providers(&format!(
            "  - aescbc: {{keys: [{{name: a, secret: '{SECRET}!'}}]}}\n"
        )),
        providers(&format!(
            "  - aescbc: {{keys: [{{name: a, secret: [{SECRET}]}}]}}\n"
        )),
        providers(&format!(
            "  - aescbc: {{keys: [{{name: {SECRET}, secret: a}}]}}\n"
        )),
        providers(&format!(
            "  - aescbc: {{keys: [{{name: {SECRET}, secret: AAAA}}]}}\n"
        )),
        providers(&format!(
            "  - kms: {{name: {SECRET}, endpoint: {SECRET}}}\n"
        )),
        providers(&format!(
            "  - kms: {{name: a, apiVersion: {SECRET}, endpoint: 'unix:///k'}}\n"
        )),
        providers(&format!(
            "  - kms: {{name: a, timeout: {SECRET}, endpoint: 'unix:///k'}}\n"
        )),
        providers(&format!(
            "  - kms: {{name: a, cachesize: {SECRET}, endpoint: 'unix:///k'}}\n"
        )),
        resources(&format!("[{SECRET}]")),
        format!("resources: {SECRET}\n"),
        format!("{SECRET}: 1\n"),
        format!("{SECRET}\n"),
        format!("kind: {SECRET}\napiVersion: v1\n{identity}"),
        format!("kind: EncryptionConfig\napiVersion: {SECRET}\n{identity}"),
        format!("a: *{SECRET}\n"),
        format!("a: !!{SECRET} [\n"),
    ];
    for yaml in cases {
        let told = told(&yaml);
        assert!(
            told != "accepted" && !told.contains(SECRET),
            "{yaml}\n→ {told}"
        );
    }
    let aescbc = format!("  - aescbc: {{keys: [{{name: a, secret: {KEY}}}]}}\n");
    let yaml = config(&format!(
        "- resources: [secrets, '*.apps']\n  providers:\n{aescbc}"
    ));
    let keyring = Keyring::parse("enc.yaml", &yaml).expect("a configuration");
    assert_eq!(format!("{keyring:?}"), r#"Keyring ["secrets", "*.apps"]"#);
}

/// What Go's decoder takes, too: line breaks within, and stray last bits.
#[test]
fn base64_is_read_as_go_reads_it() {
    for secret in [
        "AAAAAAAAAAAAAAAAAAAAAA==",
        "AAAAAAAAAAAAAAAAAAAAAB==",
        "|\n          AAAAAAAAAAAA\n          AAAAAAAAAA==\n",
    ] {
        let yaml = providers(&format!(
            "  - aesgcm:\n      keys:\n      - name: a\n        secret: {secret}\n"
        ));
        assert_eq!(told(&yaml), "accepted", "{secret}");
    }
}
