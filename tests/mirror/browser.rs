//! A real browser without a window: Chromium, told what to do over its
//! debugging pipe.
//!
//! Promises that it is gone when the handle is dropped, and that whatever the
//! page complains of is kept. Deliberately speaks the few commands that are
//! needed itself: a driver would have to fit the browser's version.
//!
//! The browser is `$CARRY_TEST_CHROMIUM`, else the first of `chromium`,
//! `chromium-browser` and `google-chrome` in `PATH`. With `$CARRY_TEST_SHOTS`,
//! a folder, screenshots are kept there.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::harness::{guarded, spawn, temp_dir};

/// Starting it takes long on a machine that does much else.
const BOUND: Duration = Duration::from_secs(60);

/// The browser, if there is one; else one line says that `what` is not run.
pub fn browser(what: &str) -> Option<PathBuf> {
    let named = std::env::var_os("CARRY_TEST_CHROMIUM").filter(|path| !path.is_empty());
    let path = std::env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let mut in_path = std::env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .filter(|path| path.is_file());
    let found = named.map(PathBuf::from).or_else(|| in_path.next());
    if found.is_none() {
        println!("{what}: not run, since there is no Chromium (set CARRY_TEST_CHROMIUM)");
    }
    found
}

/// A browser with one tab.
pub struct Browser {
    child: Child,
    orders: ChildStdin,
    answers: mpsc::Receiver<Value>,
    session: Option<String>,
    sent: u64,
    /// What the browser has told unasked.
    told: Vec<Value>,
    _folder: TempDir,
}

impl Browser {
    /// Starts it with an empty tab.
    pub fn start(program: &Path) -> Browser {
        let folder = temp_dir();
        // The pipe is to be file descriptors 3 and 4.
        let mut command = guarded(Path::new("sh"));
        command
            .arg("-c")
            .arg(r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1"#)
            .arg(program)
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-extensions",
                "--no-first-run",
                "--no-default-browser-check",
                "--hide-scrollbars",
                "--remote-debugging-pipe",
            ])
            .arg(format!("--user-data-dir={}", folder.path().display()))
            .arg("about:blank")
            .env("HOME", folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = spawn(command);
        let (orders, from) = (child.stdin.take(), child.stdout.take());
        let from = from.expect("stdout");
        let (into, answers) = mpsc::channel();
        std::thread::spawn(move || {
            for message in BufReader::new(from).split(0).map_while(Result::ok) {
                let Ok(message) = serde_json::from_slice(&message) else {
                    continue;
                };
                if into.send(message).is_err() {
                    return;
                }
            }
        });
        let mut browser = Browser {
            child,
            orders: orders.expect("stdin"),
            answers,
            session: None,
            sent: 0,
            told: Vec::new(),
            _folder: folder,
        };
        let made = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let attach = json!({"targetId": made["targetId"], "flatten": true});
        let attached = browser.call("Target.attachToTarget", attach);
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser
    }

    /// Does one command of the browser's protocol.
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        let answer = self.try_call(method, params);
        answer.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    fn try_call(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        self.sent += 1;
        let mut message = json!({"id": self.sent, "method": method, "params": params});
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        let sent = write!(self.orders, "{message}\0").and_then(|()| self.orders.flush());
        sent.unwrap_or_else(|error| panic!("{method}: the browser is gone: {error}"));
        loop {
            let answer = self.answers.recv_timeout(BOUND);
            let answer = answer.unwrap_or_else(|error| panic!("{method}: no answer: {error}"));
            if answer["id"] != self.sent {
                self.told.push(answer);
                continue;
            }
            return match &answer["error"] {
                Value::Null => Ok(answer["result"].clone()),
                error => Err(error.clone()),
            };
        }
    }

    /// Goes to a page.
    pub fn open(&mut self, url: &str) {
        let went = self.call("Page.navigate", json!({"url": url}));
        assert!(went["errorText"].is_null(), "{url}: {went}");
        self.wait_for("location.href !== 'about:blank' && document.readyState === 'complete'");
    }

    /// The value of an expression of JavaScript.
    pub fn eval(&mut self, expression: &str) -> Value {
        let value = self.try_eval(expression);
        value.unwrap_or_else(|error| panic!("{expression}: {error}"))
    }

    /// The same, but for what goes wrong while a page takes another's place.
    fn try_eval(&mut self, expression: &str) -> Result<Value, Value> {
        let params = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let value = self.try_call("Runtime.evaluate", params)?;
        match &value["exceptionDetails"] {
            Value::Null => Ok(value["result"]["value"].clone()),
            thrown => Err(thrown.clone()),
        }
    }

    /// Waits until an expression is true; panics with what the page shows.
    pub fn wait_for(&mut self, expression: &str) {
        let begin = Instant::now();
        while self.try_eval(expression) != Ok(Value::Bool(true)) {
            if begin.elapsed() > BOUND {
                let shown = self.eval("document.body.innerText");
                panic!("waited {BOUND:?} in vain for {expression}; the page shows:\n{shown}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until the element with this id shows a text with this in it.
    pub fn wait_text(&mut self, id: &str, part: &str) {
        let part = serde_json::to_string(part).expect("text");
        self.wait_for(&format!(
            "document.getElementById('{id}').innerText.includes({part})"
        ));
    }

    /// As on a screen so wide, dark or light.
    pub fn look(&mut self, width: u32, dark: bool) {
        let metrics = json!({
            "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 700,
        });
        self.call("Emulation.setDeviceMetricsOverride", metrics);
        let scheme = if dark { "dark" } else { "light" };
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.call("Emulation.setEmulatedMedia", json!({"features": features}));
    }

    /// Keeps a picture of the whole page where `$CARRY_TEST_SHOTS` says so.
    pub fn shot(&mut self, name: &str) {
        let Some(folder) = std::env::var_os("CARRY_TEST_SHOTS") else {
            return;
        };
        let params = json!({"format": "png", "captureBeyondViewport": true});
        let taken = self.call("Page.captureScreenshot", params);
        let data = taken["data"].as_str().expect("a picture");
        let png = base64::engine::general_purpose::STANDARD.decode(data);
        let path = Path::new(&folder).join(format!("{name}.png"));
        std::fs::write(path, png.expect("base64")).expect("a file");
    }

    /// What the browser has complained of: errors, and what its policy forbids.
    pub fn complaints(&mut self) -> Vec<String> {
        self.eval("0");
        let of = |told: &Value| match told["method"].as_str()? {
            "Runtime.exceptionThrown" => Some(told["params"]["exceptionDetails"].to_string()),
            "Log.entryAdded" => Some(told["params"]["entry"]["text"].to_string()),
            _ => None,
        };
        self.told.iter().filter_map(of).collect()
    }

    /// Where the page has asked for something.
    pub fn requests(&mut self) -> Vec<String> {
        self.eval("0");
        let of = |told: &Value| {
            let asked = told["method"] == "Network.requestWillBeSent";
            let url = told["params"]["request"]["url"].as_str()?;
            asked.then(|| url.to_owned())
        };
        self.told.iter().filter_map(of).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Some(group) = Pid::from_raw(self.child.id() as i32) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}
