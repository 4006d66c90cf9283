//! Connections to real etcds: endpoints, TLS, failover, and the words for
//! what goes wrong.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use carry::admin::{Status, bind, serve};
use carry::etcd::{Connection, Endpoint, EtcdError, TlsSettings, TransportSettings, connect};
use carry::metrics::Metrics;
use etcd_client::{Compare, CompareOp, Txn, TxnOp};

use super::harness::{Authority, Etcd, Options, any_version, carry, free_port, temp_dir, versions};

/// Settings for these endpoints, which have a scheme.
pub fn to<S: AsRef<str>>(urls: &[S]) -> TransportSettings {
    let parse = |url: &S| Endpoint::parse(url.as_ref(), false).expect("endpoint");
    TransportSettings::new(urls.iter().map(parse).collect())
}

/// A connection to a server without TLS.
pub async fn plain(etcd: &Etcd) -> Connection {
    connect(&to(&[etcd.plain_url()])).await.expect("connect")
}

fn with_tls(url: &str, tls: TlsSettings) -> TransportSettings {
    TransportSettings {
        tls: Some(tls),
        ..to(&[url])
    }
}

fn mutual(authority: &Authority) -> TlsSettings {
    TlsSettings {
        ca: Some(authority.ca()),
        cert: Some(authority.client_cert()),
        key: Some(authority.client_key()),
        insecure_skip_verify: false,
    }
}

/// Why `settings` do not connect, as a person reads it.
async fn refusal(settings: &TransportSettings) -> String {
    match connect(settings).await {
        Ok(_) => panic!("connected to {:?}", settings.endpoints),
        Err(error) => error.to_string(),
    }
}

#[test]
fn endpoints_as_people_write_them() {
    let shown = |text: &str, tls: bool| Endpoint::parse(text, tls).map(|e| e.to_string());
    for (text, tls, expected) in [
        ("10.0.0.1:2379", false, "http://10.0.0.1:2379"),
        ("10.0.0.1:2379", true, "https://10.0.0.1:2379"),
        ("http://etcd-0.etcd:2379", true, "http://etcd-0.etcd:2379"),
        ("https://etcd:2379/", false, "https://etcd:2379"),
        ("[::1]:2379", false, "http://[::1]:2379"),
    ] {
        assert_eq!(shown(text, tls).as_deref(), Ok(expected), "{text}");
    }
    for (text, part) in [
        ("etcd", "is not `host:port`"),
        ("http://etcd", "is not `host:port`"),
        ("::1:2379", "is not `host:port`"),
        ("etcd:0", "not a port from 1 to 65535"),
        ("etcd:70000", "not a port from 1 to 65535"),
        ("ftp://etcd:2379", "has the scheme `ftp`"),
        ("http://etcd:2379/v3", "has a path"),
        ("http://me:secret@etcd:2379", "must not hold a user"),
        ("et cd:2379", "not a host name or address"),
        ("[1.2.3.4:2379", "is not `host:port`"),
    ] {
        let error = shown(text, false).expect_err(text);
        assert!(error.contains(part), "{text}: {error}");
        assert!(!error.contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn mutual_tls() {
    for version in versions("mirror::connect::mutual_tls") {
        let authority = Authority::new();
        let etcd = Etcd::start(version, Options::new().tls(&authority));
        etcd.put("/a", "1").await;
        let connection = connect(&with_tls(&etcd.url(), mutual(&authority)))
            .await
            .expect("TLS");
        assert_eq!(connection.status().await.expect("status").revision, 2);
        let by_name = etcd.url().replace("127.0.0.1", "localhost");
        let connection = connect(&with_tls(&by_name, mutual(&authority)))
            .await
            .expect("TLS");
        assert_eq!(connection.status().await.expect("status").revision, 2);
    }
}

#[tokio::test]
async fn skipping_verification_still_shows_our_certificate() {
    let what = "mirror::connect::skipping_verification_still_shows_our_certificate";
    let Some(version) = any_version(what) else {
        return;
    };
    let authority = Authority::new();
    let etcd = Etcd::start(version, Options::new().tls(&authority));
    let tls = TlsSettings {
        ca: None,
        insecure_skip_verify: true,
        ..mutual(&authority)
    };
    connect(&with_tls(&etcd.url(), tls))
        .await
        .expect("TLS without verification");
}

#[tokio::test]
async fn wrong_certificates_are_named() {
    for version in versions("mirror::connect::wrong_certificates_are_named") {
        let (authority, other) = (Authority::new(), Authority::new());
        let etcd = Etcd::start(version, Options::new().tls(&authority));
        let url = etcd.url();
        let good = mutual(&authority);
        let foreign = mutual(&other);
        let cases = [
            (
                TlsSettings {
                    ca: foreign.ca.clone(),
                    ..good.clone()
                },
                "unknown authority",
            ),
            (
                TlsSettings {
                    cert: None,
                    key: None,
                    ..good.clone()
                },
                "demand",
            ),
            (
                TlsSettings {
                    ca: good.ca.clone(),
                    ..foreign
                },
                "client certificate",
            ),
        ];
        for (tls, part) in cases {
            let error = refusal(&with_tls(&url, tls)).await;
            assert!(
                error.contains(part) && error.contains(&url),
                "{version:?}: {error}"
            );
        }
        let plain_url = url.replace("https", "http");
        let error = refusal(&to(&[&plain_url])).await;
        assert!(error.contains("wants TLS"), "{version:?}: {error}");
        let tls_url = etcd.plain_url().replace("http", "https");
        let error = refusal(&with_tls(&tls_url, good)).await;
        assert!(error.contains("write `http://`"), "{version:?}: {error}");
    }
}

/// A server certificate of our own making, served by nobody but this test.
async fn serve_tls(params: rcgen::CertificateParams) -> (String, PathBuf, tempfile::TempDir) {
    use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
    let (dir, key) = (temp_dir(), rcgen::KeyPair::generate().expect("key"));
    let authority_key = rcgen::KeyPair::generate().expect("key");
    let mut authority = rcgen::CertificateParams::default();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca = dir.path().join("ca.pem");
    let signed = authority.self_signed(&authority_key).expect("authority");
    std::fs::write(&ca, signed.pem()).expect("write");
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let certificate = params.signed_by(&key, &issuer).expect("certificate");
    let chain = CertificateDer::from_pem_slice(certificate.pem().as_bytes()).expect("PEM");
    let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).expect("PEM");
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![chain], key)
        .expect("server");
    let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("bind");
    let port = listener.local_addr().expect("address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = acceptor.accept(stream).await;
        }
    });
    (format!("https://127.0.0.1:{port}"), ca, dir)
}

#[tokio::test]
async fn expired_certificates_and_other_names_are_named() {
    let names = |name: &str| rcgen::CertificateParams::new(vec![name.to_owned()]).expect("name");
    let mut expired = names("127.0.0.1");
    expired.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let mut early = names("127.0.0.1");
    early.not_before = rcgen::date_time_ymd(4000, 1, 1);
    let cases = [
        (expired, "has expired"),
        (early, "not valid yet"),
        (names("etcd.example"), "for another name"),
    ];
    for (params, part) in cases {
        let (url, ca, _dir) = serve_tls(params).await;
        let tls = TlsSettings {
            ca: Some(ca),
            ..TlsSettings::default()
        };
        let error = refusal(&with_tls(&url, tls)).await;
        assert!(error.contains(part) && error.contains(&url), "{error}");
    }
}

#[tokio::test]
async fn unusable_files_are_named() {
    let (authority, other, dir) = (Authority::new(), Authority::new(), temp_dir());
    let junk = dir.path().join("junk.pem");
    std::fs::write(&junk, "no certificate").expect("write");
    let good = mutual(&authority);
    let missing = dir.path().join("missing.pem");
    let cases = [
        (
            TlsSettings {
                ca: Some(missing),
                ..good.clone()
            },
            "missing.pem",
        ),
        (
            TlsSettings {
                ca: Some(junk.clone()),
                ..good.clone()
            },
            "holds no certificate authority",
        ),
        (
            TlsSettings {
                cert: Some(junk.clone()),
                ..good.clone()
            },
            "holds no client certificate",
        ),
        (
            TlsSettings {
                key: Some(junk),
                ..good.clone()
            },
            "holds no private key",
        ),
        (
            TlsSettings {
                key: None,
                ..good.clone()
            },
            "without its private key",
        ),
        (
            TlsSettings {
                ca: None,
                ..good.clone()
            },
            "needs a certificate authority",
        ),
        (
            TlsSettings {
                key: Some(other.client_key()),
                ..good.clone()
            },
            "do not belong together",
        ),
    ];
    for (tls, part) in cases {
        let error = refusal(&with_tls("https://127.0.0.1:1", tls)).await;
        assert!(error.contains(part), "{error}");
    }
}

/// What the flags name is said with the flags.
#[tokio::test(flavor = "multi_thread")]
async fn what_tls_lacks_is_said_with_its_flags() {
    let what = "mirror::connect::what_tls_lacks_is_said_with_its_flags";
    let Some(version) = any_version(what) else {
        return;
    };
    let (authority, other) = (Authority::new(), Authority::new());
    let etcd = Etcd::start(version, Options::new().tls(&authority));
    let (ca, wrong) = (authority.ca(), other.ca());
    let ca = format!("--master-cacert={}", ca.display());
    let wrong = format!("--master-cacert={}", wrong.display());
    for (flags, part) in [
        (
            Vec::new(),
            "error: TLS to the source (`--master-*`) needs a certificate authority to trust: give `--master-cacert FILE`, or accept any certificate with `--master-insecure-skip-tls-verify`",
        ),
        (vec![wrong], "give the right CA file (`--master-cacert`)"),
        // A server that has hung up before it was read has not said so.
        (
            vec![ca],
            "a client certificate: give `--master-cert` and `--master-key`",
        ),
    ] {
        let mut args = explaining(&etcd.url());
        args.extend(flags);
        let ended = carry(&args);
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(ended.stderr.contains(part), "{}", ended.stderr);
    }
}

/// The arguments of a `carry explain` that asks this source.
fn explaining(url: &str) -> Vec<String> {
    let rules = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/examples/rules.yaml");
    let args = [
        "explain",
        "/registry/secrets/unique/influxdb",
        "--mirror-rule",
        rules,
        "--master-endpoints",
        url,
    ];
    args.map(str::to_owned).to_vec()
}

/// A carry's own port: HTTP/2, and no gRPC.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_etcd_is_named() {
    let status = Status::new("test".to_owned(), Metrics::default());
    let listener = bind("127.0.0.1:0".parse().expect("an address"));
    let listener = listener.await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(serve(listener, status, std::future::pending()));
    let url = format!("http://{address}");
    let error = connect(&to(&[&url])).await.err().expect("no etcd");
    let expected = EtcdError::NotEtcd {
        at: format!(" at `{url}`"),
        code: 404,
    };
    assert_eq!(error, expected);
    assert!(!error.is_retryable() && !error.outcome_unknown());
    let ended = tokio::task::spawn_blocking(move || carry(&explaining(&url)));
    let ended = ended.await.expect("carry");
    assert_eq!(ended.code, 2, "{ended:?}");
    let said = format!(
        "error: source: what answers at `http://{address}` is no etcd (HTTP 404 instead of gRPC): give etcd's client port, usually 2379\n"
    );
    assert!(ended.stderr.ends_with(&said), "{}", ended.stderr);
}

#[tokio::test]
async fn unreachable_endpoints_are_all_named() {
    let (one, two) = (free_port(), free_port());
    let urls = [one, two].map(|port| format!("http://127.0.0.1:{port}"));
    let error = connect(&to(&urls)).await.err().expect("nobody listens");
    assert!(matches!(error, EtcdError::Unreachable(_)), "{error:?}");
    assert!(!error.outcome_unknown());
    for url in &urls {
        assert!(error.to_string().contains(url), "{error}");
    }
}

#[tokio::test]
async fn a_silent_endpoint_is_given_up_after_the_dial_timeout() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
    let url = format!("http://{}", silent.local_addr().expect("address"));
    let begin = Instant::now();
    let mut settings = to(&[&url]);
    settings.dial_timeout = Duration::from_millis(200);
    let error = refusal(&settings).await;
    assert!(error.contains(&url), "{error}");
    assert!(
        begin.elapsed() < Duration::from_secs(5),
        "{:?}",
        begin.elapsed()
    );
}

#[tokio::test]
async fn the_second_endpoint_serves_when_the_first_is_dead() {
    let what = "mirror::connect::the_second_endpoint_serves_when_the_first_is_dead";
    let Some(version) = any_version(what) else {
        return;
    };
    let etcd = Etcd::plain(version);
    let dead = format!("http://127.0.0.1:{}", free_port());
    let connection = connect(&to(&[dead, etcd.plain_url()]))
        .await
        .expect("connect");
    connection.status().await.expect("status");
}

/// Two members of different clusters stand for two members of one: which of
/// them answers shows.
#[tokio::test]
async fn a_lost_member_is_replaced_by_the_next() {
    let what = "mirror::connect::a_lost_member_is_replaced_by_the_next";
    let Some(version) = any_version(what) else {
        return;
    };
    let (mut first, second) = (Etcd::plain(version), Etcd::plain(version));
    second.put("/second", "here").await;
    let urls = [first.plain_url(), second.plain_url()];
    let connection = connect(&to(&urls)).await.expect("connect");
    let get = async || {
        connection
            .kv()
            .get("/second", None)
            .await
            .map(|answer| answer.count())
    };
    assert_eq!(get().await.expect("first"), 0);
    first.kill();
    super::harness::eventually("the second member to answer", || async {
        matches!(get().await, Ok(1))
    })
    .await;
    first.resume();
    connection.reconsider(&EtcdError::NoLeader);
    super::harness::eventually("the first member to answer", || async {
        matches!(get().await, Ok(0))
    })
    .await;
}

#[tokio::test]
async fn what_etcd_refuses_is_classified() {
    for version in versions("mirror::connect::what_etcd_refuses_is_classified") {
        let options = Options::new()
            .arg("--max-txn-ops=4")
            .arg("--max-request-bytes=65536")
            .arg("--quota-backend-bytes=2097152");
        let etcd = Etcd::start(version, options);
        let connection = plain(&etcd).await;
        let txn = async |ops: Vec<TxnOp>| {
            let guard = Compare::version("/x", CompareOp::Greater, -1);
            let answer = connection
                .kv()
                .txn(Txn::new().when([guard]).and_then(ops))
                .await;
            EtcdError::from(answer.expect_err("refused"))
        };
        let put = |key: String, size: usize| TxnOp::put(key, vec![b'x'; size], None);
        let many = (0..5).map(|n| put(format!("/{n}"), 1)).collect();
        assert_eq!(txn(many).await, EtcdError::TooManyOps);
        let twice = vec![put("/a".into(), 1), put("/a".into(), 1)];
        assert_eq!(txn(twice).await, EtcdError::DuplicateKey);
        let large = txn(vec![put("/a".into(), 70_000)]).await;
        assert!(matches!(large, EtcdError::TooLarge(_)), "{large:?}");
        let larger = txn(vec![put("/a".into(), 3 << 20)]).await;
        assert!(matches!(larger, EtcdError::TooLarge(_)), "{larger:?}");
        for error in [
            EtcdError::TooManyOps,
            EtcdError::DuplicateKey,
            large,
            larger,
        ] {
            assert!(
                !error.outcome_unknown() && !error.is_retryable(),
                "{error:?}"
            );
        }
        let full = loop {
            let value = vec![b'x'; 60_000];
            if let Err(error) = connection.kv().put("/full", value, None).await {
                break EtcdError::from(error);
            }
        };
        assert_eq!(full, EtcdError::NoSpace);
        assert!(!full.outcome_unknown() && full.is_retryable());
    }
}

#[tokio::test]
async fn a_server_killed_under_a_request_leaves_the_outcome_open() {
    let what = "mirror::connect::a_server_killed_under_a_request_leaves_the_outcome_open";
    let Some(version) = any_version(what) else {
        return;
    };
    let mut etcd = Etcd::plain(version);
    let connection = plain(&etcd).await;
    connection.status().await.expect("status");
    // Stopped, it takes the request and does not answer.
    etcd.process().signal(rustix::process::Signal::STOP);
    let mut kv = connection.kv();
    let request = tokio::spawn(async move { kv.put("/a", "1", None).await });
    tokio::task::yield_now().await;
    etcd.kill();
    let error = EtcdError::from(request.await.expect("task").expect_err("killed"));
    // Where the request was not even sent yet it is known not to be applied.
    assert!(
        error.outcome_unknown() || matches!(error, EtcdError::Unreachable(_)),
        "{error:?}"
    );
    assert!(error.is_retryable(), "{error:?}");
}
