//! The page in a tab that nobody looks at, and names that JavaScript knows.

use carry::admin::{Status, bind, serve};
use carry::metrics::{Metrics, Phase};

use super::browser::{Browser, browser};

/// As a browser does it when another tab comes to the front.
fn hide(browser: &mut Browser, hidden: bool) {
    browser.eval(&format!(
        "Object.defineProperty(document, 'hidden', {{configurable: true, get: () => {hidden}}}); document.dispatchEvent(new Event('visibilitychange'));"
    ));
}

fn listened(browser: &mut Browser) -> usize {
    let requests = browser.requests();
    requests
        .iter()
        .filter(|url| url.ends_with("/events"))
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_nobody_looks_at_needs_no_connection() {
    let Some(program) = browser("a page in the background") else {
        return;
    };
    let status = Status::new("test", Metrics::default());
    let listener = bind("127.0.0.1:0".parse().expect("address")).await;
    let listener = listener.expect("bind");
    let port = listener.local_addr().expect("address").port();
    tokio::spawn(serve(listener, status.clone(), std::future::pending()));
    status.sides().rules(vec!["constructor".to_owned()]);
    status.metrics().leader(true);
    let task = tokio::task::spawn_blocking(move || {
        let mut browser = Browser::start(&program);
        browser.look(1280, false);
        browser.open(&format!("http://127.0.0.1:{port}/"));
        browser.wait_text("title", "Starting");
        browser.wait_text("link-text", "live");
        browser.wait_text("rules", "constructor");
        let rules = browser.eval("document.getElementById('rules').innerText");
        assert_eq!(rules, "constructor\t0");
        assert_eq!(browser.eval("document.title"), "↻ busy · carry test");

        hide(&mut browser, true);
        browser.wait_text("link-text", "paused while nobody looks: as of ");
        status.set_phase(Phase::Bootstrap);
        // Longer than after which a silent connection counts as lost.
        browser.wait_text("link-text", "as of 8 s ago");
        assert_eq!(browser.eval("document.title"), "… · carry test");
        let title = "document.getElementById('title').innerText";
        assert_eq!(browser.eval(title), "Starting");
        assert_eq!(listened(&mut browser), 1);

        hide(&mut browser, false);
        browser.wait_text("title", "Catching up: everything is listed");
        browser.wait_text("link-text", "live");
        assert_eq!(browser.eval("document.title"), "↻ busy · carry test");
        assert_eq!(listened(&mut browser), 2);
        assert_eq!(browser.complaints(), [""; 0]);
    });
    task.await.expect("the browser");
}
