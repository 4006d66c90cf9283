//! The page on the admin port: what it is served as, what it is told, and what
//! a real browser shows of it.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use carry::admin::{Limits, Status, bind, serve};
use carry::metrics::{Metrics, Phase, ResyncKind};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::browser::{Browser, browser};
use super::harness::{Carry, Etcd, any_version, temp_dir};

/// A served status; ends when the token does.
async fn served(limits: Limits) -> (Status, u16, CancellationToken) {
    let status = Status::with_limits("test", Metrics::default(), limits);
    let listener = bind("127.0.0.1:0".parse().expect("address")).await;
    let listener = listener.expect("bind");
    let port = listener.local_addr().expect("address").port();
    let ended = CancellationToken::new();
    let until = ended.clone().cancelled_owned();
    tokio::spawn(serve(listener, status.clone(), until));
    (status, port, ended)
}

fn ask(port: u16, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("connect");
    let patience = Some(Duration::from_secs(20));
    stream.set_read_timeout(patience).expect("a timeout");
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("asked");
    stream
}

/// Reads on until a text is there, or to the end.
fn read_until(stream: &mut TcpStream, part: &str) -> String {
    let (mut all, mut bytes) = (String::new(), [0; 4096]);
    while !all.contains(part) {
        let read = stream.read(&mut bytes).expect("an answer in time");
        if read == 0 {
            break;
        }
        all.push_str(&String::from_utf8_lossy(&bytes[..read]));
    }
    all
}

/// The data of the last event of this name that is complete.
fn last_event(said: &str, name: &str) -> Value {
    // An event may be cut into chunks, of which each has its length before it.
    let lines: Vec<&str> = said.lines().collect();
    let at = lines
        .iter()
        .rposition(|line| *line == format!("event: {name}"));
    let data = at.and_then(|at| lines.get(at + 1)?.strip_prefix("data: "));
    serde_json::from_str(data.unwrap_or_default()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_served_so_that_nothing_else_runs_in_it() {
    let (_status, port, _) = served(Limits::default()).await;
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/page.css", "text/css; charset=utf-8"),
        ("/page.js", "text/javascript; charset=utf-8"),
    ] {
        let said = read_until(&mut ask(port, path), "\0").to_lowercase();
        let (head, body) = said.split_once("\r\n\r\n").expect("a head");
        assert!(head.starts_with("http/1.1 200"), "{head}");
        for line in [
            &format!("content-type: {kind}"),
            "x-content-type-options: nosniff",
            "x-frame-options: deny",
            "referrer-policy: no-referrer",
        ] {
            assert!(head.lines().any(|have| have == line), "{line}:\n{head}");
        }
        let policy = head
            .lines()
            .find_map(|line| line.strip_prefix("content-security-policy: "));
        let policy = policy.expect("a policy");
        for part in [
            "default-src 'none'",
            "frame-ancestors 'none'",
            "script-src 'self'",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        // Nothing is fetched from elsewhere; a name of XML is no address.
        let elsewhere = body.replace("http://www.w3.org/2000/svg", "");
        for part in [
            "http://",
            "https://",
            "//cdn",
            "innerhtml",
            "onclick=",
            "style=\"",
        ] {
            assert!(!elsewhere.contains(part), "{path} has {part}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn listeners_are_told_what_was_and_what_is() {
    let (status, port, ended) = served(Limits::default()).await;
    status.sides().set(
        "process 1 on here".to_owned(),
        vec!["http://a:1".to_owned()],
        vec!["https://b:2".to_owned()],
    );
    status.hold(b"/k/a", "undecodable");
    let mut stream = ask(port, "/events");
    let said = read_until(&mut stream, "}}\n\n");
    assert!(said.contains("text/event-stream"), "{said}");
    assert_eq!(last_event(&said, "history")["every"], 5);
    let state = last_event(&said, "state");
    assert_eq!(state["sourceEndpoints"][0], "http://a:1");
    assert_eq!(state["destinationEndpoints"][0], "https://b:2");
    assert_eq!(state["holder"], "process 1 on here");
    assert_eq!(state["verdict"]["level"], "busy");
    assert_eq!(state["verdict"]["title"], "Starting");
    assert_eq!(state["status"]["held"][0]["key"], "/k/a");
    // A change is told before the second is over, and so is the end.
    let begin = Instant::now();
    status.set_phase(Phase::Tail);
    status.set_ready();
    let title = "\"title\":\"Following the source, but 1 key is held";
    read_until(&mut stream, title);
    assert!(begin.elapsed() < Duration::from_secs(5));
    status.set_phase(Phase::Stopped);
    ended.cancel();
    let said = read_until(&mut stream, "\0");
    assert_eq!(last_event(&said, "state")["verdict"]["title"], "Stopped");
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_room_for_so_many_listeners() {
    let (_status, port, _) = served(Limits::default()).await;
    let mut listening: Vec<TcpStream> = (0..32).map(|_| ask(port, "/events")).collect();
    for stream in &mut listening {
        let said = read_until(stream, "event: state");
        assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    }
    let said = read_until(&mut ask(port, "/events"), "\0");
    assert!(said.starts_with("HTTP/1.1 503"), "{said}");
    assert!(said.contains("32 pages are open already"), "{said}");
    // Who goes makes room.
    drop(listening.pop());
    let begin = Instant::now();
    loop {
        let said = read_until(&mut ask(port, "/events"), "event: state");
        if said.starts_with("HTTP/1.1 200") {
            break;
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "{said}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Of all texts that are shown, the ones that stand out too little from what is
/// behind them (WCAG 2, level AA: 4.5 to 1).
const FAINT: &str = r#"(() => {
  const parse = (text) => (text.match(/[\d.]+/g) || []).map(Number);
  const luminance = ([r, g, b]) => {
    const part = (c) => ((c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const colour = parse(getComputedStyle(node).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const faint = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !node.getClientRects().length) continue;
    const style = getComputedStyle(node);
    const svg = node.namespaceURI.endsWith("svg");
    const [a, b] = [luminance(parse(svg ? style.fill : style.color)), luminance(behind(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) faint.add(`${ratio.toFixed(2)}: ${walker.currentNode.data.trim()}`);
  }
  return [...faint];
})()"#;

/// Readable from the phone to the desk, in light and dark; with pictures.
fn readable(browser: &mut Browser, name: &str) {
    for (width, dark) in [(320, false), (375, true), (1280, true), (1280, false)] {
        browser.look(width, dark);
        browser.wait_for("new Promise((done) => requestAnimationFrame(() => done(true)))");
        let over = browser.eval(
            "[...document.querySelectorAll('body, body *')].filter((node) => node.getBoundingClientRect().right > innerWidth + 0.5 && !node.closest('.scroll, .skip')).map((node) => node.outerHTML.slice(0, 90))",
        );
        assert_eq!(over, serde_json::json!([]), "{name} is wider than {width}");
        let wide = browser.eval("document.documentElement.scrollWidth");
        assert!(wide.as_u64() <= Some(u64::from(width)), "{name}: {wide}");
        assert_eq!(
            browser.eval(FAINT),
            serde_json::json!([]),
            "{name}, dark: {dark}"
        );
        let theme = if dark { "dark" } else { "light" };
        browser.shot(&format!("{name}-{width}-{theme}"));
    }
}

const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 96, 0, 7));
const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 97, 12, 44));

fn long_key(n: usize) -> String {
    format!(
        "/registry/example.com/widgets/team-{n:03}/a-rather-long-name-of-an-object-that-somebody-gave-it-{n}"
    )
}

fn much_is_wrong(status: &Status) {
    for n in 0..120 {
        status.hold(
            long_key(n).as_bytes(),
            "rule `widgets`: the destination has no definition of `widgets.example.com`",
        );
    }
    status.hold(
        "/registry/<script>document.title = 'owned'</script>/ü".as_bytes(),
        "<img src=x onerror=\"document.title = 'owned'\">",
    );
    status.keep(b"/registry/services/specs/default/own");
    status.drift(
        b"/registry/deployments/shop/web",
        Some("`spec.replicas` is not as at the source; it is left so until the source changes (policy `drift`)"),
    );
    status.service_addresses(b"/registry/services/specs/shop/web", &[(ADDRESS, OTHER)]);
    status.resync(ResyncKind::FirstCopy, "first copy", 1_204_771);
    status.resync(ResyncKind::Rules, "the rules have changed", 1_318_002);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_shows_how_it_is() {
    let Some(program) = browser("the page") else {
        return;
    };
    let limits = Limits {
        max_lag: Duration::from_secs(3),
        ..Limits::default()
    };
    let (status, port, ended) = served(limits).await;
    // As long as the source is to be heard of.
    let heard = Arc::new(AtomicBool::new(true));
    let (proofs, hears) = (status.clone(), heard.clone());
    tokio::spawn(async move {
        loop {
            if hears.load(Ordering::Relaxed) {
                proofs.progressed();
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    });
    status.sides().set(
        "process 41 on carry-0".to_owned(),
        vec![
            "https://10.0.0.1:2379".to_owned(),
            "https://10.0.0.2:2379".to_owned(),
        ],
        vec!["https://[fd00::17]:2379".to_owned()],
    );
    status.set_rules_digest("4b1f0c9d22e87a61");
    let names = ["namespaces", "team-secrets", "widgets"].map(str::to_owned);
    status.sides().rules(names.to_vec());
    let metrics = status.metrics().clone();
    metrics.destination_space(73 << 20, false);
    metrics.leader(true);
    let task = tokio::task::spawn_blocking(move || {
        let mut browser = Browser::start(&program);
        let base = format!("http://127.0.0.1:{port}/");
        browser.look(1280, false);
        browser.open(&base);
        browser.wait_text("title", "Starting");

        status.set_phase(Phase::Bootstrap);
        status.resync(ResyncKind::FirstCopy, "first copy", 1_204_771);
        browser.wait_text("title", "Catching up: everything is listed and compared");
        browser.wait_text("detail", "first copy, at revision 1204771");
        readable(&mut browser, "catching-up");
        // What is measured there is what is seen.
        browser.eval("document.getElementById('detail').style.color = '#999'");
        let faint = browser.eval(FAINT);
        let faint = faint.as_array().expect("a list");
        assert!(
            faint
                .iter()
                .any(|text| text.to_string().contains("first copy")),
            "{faint:?}"
        );
        browser.eval("document.getElementById('detail').style.color = ''");

        status.set_phase(Phase::Tail);
        status.saw_source(1_318_940);
        status.applied(1_318_940);
        status.set_ready();
        browser.wait_text("title", "Healthy: the destination follows the source");
        browser.wait_text("applied", "1,318,940");
        readable(&mut browser, "healthy");

        // Nothing is proven any more.
        heard.store(false, Ordering::Relaxed);
        browser.wait_text("title", "The source is silent");
        browser.wait_text("action", "source's etcd answers");
        browser.wait_text("lag-more", "proven");
        readable(&mut browser, "silent");
        status.saw_source(1_318_999);
        browser.wait_text("title", "Behind the source");
        browser.wait_text("lag", "59 revisions");

        metrics.destination_space(2 << 30, true);
        browser.wait_text("title", "The destination is full");
        browser.wait_text("action", "etcdctl alarm disarm");
        readable(&mut browser, "full");
        metrics.destination_space(73 << 20, false);

        much_is_wrong(&status);
        heard.store(true, Ordering::Relaxed);
        status.applied(1_318_999);
        browser.wait_text("title", "Following the source, but 3 things want a look");
        browser.wait_text("held-n", "121");
        browser.wait_text("held-rest", "and 21 more");
        browser.wait_text("held", "(99 keys)");
        browser.wait_text("services", "10.97.12.44");
        browser.wait_text("resyncs", "the rules have changed");
        // What looks like markup is text.
        let found = "[...document.querySelectorAll('#held .key')].some((key) => key.textContent === \"/registry/<script>document.title = 'owned'</script>/ü\")";
        browser.wait_for(found);
        assert_eq!(
            browser.eval("document.querySelectorAll('img, script:not([src])').length"),
            0
        );
        let title = browser.eval("document.title");
        assert!(
            !title.as_str().expect("a title").contains("owned"),
            "{title}"
        );
        // What is opened stays open when the list changes.
        browser.eval("document.querySelector('#held summary').click()");
        for n in 0..10 {
            status.release(long_key(n).as_bytes());
        }
        browser.wait_text("held-n", "111");
        assert_eq!(
            browser.eval("document.querySelector('#held details').open"),
            true
        );
        browser.eval("document.querySelector('#held summary').click()");
        readable(&mut browser, "remarks");

        // From the keyboard, a sample is read off.
        browser.eval("document.querySelector('#chart-lag svg').focus()");
        let key = serde_json::json!({"type": "keyDown", "key": "ArrowLeft", "code": "ArrowLeft"});
        browser.call("Input.dispatchKeyEvent", key);
        browser.wait_text("chart-lag", " at ");

        let elsewhere = |url: &String| !url.starts_with(&base) && !url.starts_with("data:");
        let asked: Vec<String> = browser.requests().into_iter().filter(elsewhere).collect();
        assert_eq!(asked, [""; 0], "the page asks elsewhere");
        assert_eq!(browser.complaints(), [""; 0]);
        (browser, status)
    });
    let (mut browser, status) = task.await.expect("the browser");
    status.set_phase(Phase::Stopped);
    ended.cancel();
    let task = tokio::task::spawn_blocking(move || {
        browser.wait_text("title", "carry has stopped, or is being started again");
        browser.wait_text("link-text", "not connected: as of");
        readable(&mut browser, "stopped");
    });
    task.await.expect("the browser");
}

const RULES: &str = r#"
filters:
  secondary:
    - name: <i>settings</i>
      keys: ["/settings/**"]
      when: value.enabled
"#;

/// Two etcds, and a key of each kind in them.
async fn with_settings() -> Option<(Etcd, Etcd, tempfile::TempDir, std::path::PathBuf)> {
    let version = any_version("the page")?;
    let (source, destination) = (Etcd::plain(version), Etcd::plain(version));
    let folder = temp_dir();
    let rules = folder.path().join("rules.yaml");
    std::fs::write(&rules, RULES).expect("rules");
    for n in 0..300 {
        source
            .put(format!("/settings/{n}"), r#"{"enabled": true}"#)
            .await;
    }
    source.put("/settings/<b>held</b>", "{}").await;
    source.put("/settings/own", r#"{"enabled": true}"#).await;
    destination.put("/settings/own", "theirs").await;
    Some((source, destination, folder, rules))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_follows_a_mirror_through_a_restart() {
    let Some(program) = browser("the page of a mirror") else {
        return;
    };
    let Some((source, destination, _folder, rules)) = with_settings().await else {
        return;
    };
    let mut carry = Carry::between(&source, &destination, &rules, &[""; 0]);
    carry.wait_ready();
    let mut browser = Browser::start(&program);
    browser.look(1280, false);
    let base = format!("http://127.0.0.1:{}/", carry.port());
    browser.open(&base);
    browser.wait_text("title", "Following the source, but 2 things want a look");
    browser.wait_text("phase", "tail");
    browser.wait_text("held", "/settings/<b>held</b>");
    browser.wait_text("held", "it reads a field or key that is not there");
    browser.wait_text("kept", "/settings/own");
    browser.wait_text("rules", "<i>settings</i>");
    browser.wait_text("rules", "300");
    browser.wait_text("resyncs", "first copy");
    browser.wait_text("source", &source.url());
    browser.wait_text("destination", &destination.url());
    browser.wait_text("destination", "revision");
    browser.wait_text("leader", "this carry");
    destination.put("/settings/7", "changed").await;
    browser.wait_text("drift", "/settings/7");
    source
        .put("/settings/<b>held</b>", r#"{"enabled": true}"#)
        .await;
    browser.wait_text("held-count", "0");
    browser.wait_text("keys", "301");
    browser.wait_for("document.querySelectorAll('#chart-age .curve, #chart-age .dot').length > 0");
    readable(&mut browser, "mirror");
    assert_eq!(browser.complaints(), [""; 0]);

    carry.kill();
    browser.wait_text("title", "Connection lost");
    browser.wait_text("link-text", "not connected: as of");
    readable(&mut browser, "lost");
    let drawn = "document.querySelectorAll('#chart-age .curve, #chart-age .dot').length";
    let before = browser.eval(drawn);
    assert!(before.as_u64() > Some(0), "{before}");
    let mut carry = carry.again();
    browser.wait_text("link-text", "live");
    browser.wait_text("title", "Following the source");
    // Open pages and listeners who read nothing do not hold up the end.
    let listening: Vec<TcpStream> = (0..8).map(|_| ask(carry.port(), "/events")).collect();
    let begin = Instant::now();
    assert_eq!(carry.stop(), 0);
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(3), "ending took {took:?}");
    browser.wait_text("title", "carry has stopped, or is being started again");
    drop(listening);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_says_who_leads_and_stays_ready() {
    let Some((source, destination, _folder, rules)) = with_settings().await else {
        return;
    };
    let more = ["--mode=active-standby", "--max-lag=2s"];
    let mut leader = Carry::between(&source, &destination, &rules, &more);
    leader.wait_ready();
    let mut standby = Carry::between(&source, &destination, &rules, &more);
    let leads = format!("process {} on ", leader.process().id());
    standby.wait_for("the standby to say who leads", |standby| {
        let status = standby.http("/status");
        status.is_some_and(|(_, body)| body.contains(&leads))
    });
    let begin = Instant::now();
    standby.wait_for("three times `--max-lag`", |standby| {
        let ready = standby.http("/readyz").expect("an answer");
        assert_eq!(ready, (200, "ok\n".to_owned()));
        begin.elapsed() > Duration::from_secs(6)
    });
    let Some(program) = browser("the page of a standby") else {
        return;
    };
    let mut browser = Browser::start(&program);
    browser.look(1280, false);
    browser.open(&format!("http://127.0.0.1:{}/", standby.port()));
    browser.wait_text("title", &format!("Standing by: {leads}"));
    browser.wait_text("leader", &leads);
    readable(&mut browser, "standby");
    leader.stop();
    browser.wait_text("leader", "this carry");
    browser.wait_text("title", "Following the source");
    assert_eq!(standby.stop(), 0);
}
