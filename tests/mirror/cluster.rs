//! A cluster of three etcd members on 127.0.0.1.
//!
//! Promises that it has a leader when it is handed out, that a member comes
//! back on its ports with its data, and that everything is gone when the
//! handle is dropped. Deliberately keeps the members in three processes: what
//! happens to one does not touch the others.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;

use super::harness::{Process, Version, free_port, http_get, temp_dir, wait_until};

/// How many members.
pub const MEMBERS: usize = 3;

struct Member {
    client: u16,
    peer: u16,
    health: u16,
    dir: TempDir,
    process: Option<Process>,
    stopped: bool,
}

/// Three members.
pub struct Cluster {
    version: Version,
    members: Vec<Member>,
    token: String,
}

impl Cluster {
    /// Starts three members and waits for a leader.
    pub fn start(version: Version) -> Cluster {
        let members = (0..MEMBERS).map(|_| Member {
            client: free_port(),
            peer: free_port(),
            health: free_port(),
            dir: temp_dir(),
            process: None,
            stopped: false,
        });
        let mut cluster = Cluster {
            version,
            members: members.collect(),
            token: format!("cluster-{}", free_port()),
        };
        (0..MEMBERS).for_each(|at| cluster.launch(at));
        wait_until("every member to serve", || {
            (0..MEMBERS).all(|at| cluster.healthy(at))
        });
        cluster
    }

    fn launch(&mut self, at: usize) {
        let binary = self.version.binary().expect("ask `versions` first");
        let peers: Vec<String> = self.members.iter().enumerate().map(peer).collect();
        let member = &self.members[at];
        let (client, health) = (member.client, member.health);
        let (_, own) = peers[at].split_once('=').expect("name and URL");
        let args = [
            format!("--name=member-{at}"),
            format!("--data-dir={}", member.dir.path().display()),
            format!("--listen-client-urls=http://127.0.0.1:{client}"),
            format!("--advertise-client-urls=http://127.0.0.1:{client}"),
            format!("--listen-peer-urls={own}"),
            format!("--initial-advertise-peer-urls={own}"),
            format!("--initial-cluster={}", peers.join(",")),
            format!("--initial-cluster-token={}", self.token),
            format!("--listen-metrics-urls=http://127.0.0.1:{health}"),
            "--heartbeat-interval=50".to_owned(),
            "--election-timeout=500".to_owned(),
            "--logger=zap".to_owned(),
            "--log-level=error".to_owned(),
        ];
        self.members[at].process = Some(Process::start(&binary, &args, &[]));
        self.members[at].stopped = false;
    }

    fn healthy(&self, at: usize) -> bool {
        http_get(self.members[at].health, "/health")
            .is_some_and(|(code, body)| code == 200 && body.contains("true"))
    }

    /// Where the members serve clients.
    pub fn urls(&self) -> Vec<String> {
        let url = |member: &Member| format!("http://127.0.0.1:{}", member.client);
        self.members.iter().map(url).collect()
    }

    /// Which member leads, going by those that can be asked.
    pub fn leader(&self) -> Option<usize> {
        let leads = |at: &usize| {
            let member = &self.members[*at];
            let asked = member.process.is_some() && !member.stopped;
            let said = asked.then(|| http_get(member.health, "/metrics")).flatten();
            said.is_some_and(|(_, body)| body.contains("\netcd_server_is_leader 1"))
        };
        (0..MEMBERS).find(leads)
    }

    /// Waits until one leads.
    pub fn wait_leader(&self) -> usize {
        let mut leader = None;
        wait_until("a member to lead", || {
            leader = self.leader();
            leader.is_some()
        });
        leader.expect("there is one")
    }

    /// Waits until another than `old` leads; how long that took.
    pub fn wait_other_leader(&self, old: usize) -> Duration {
        let begin = Instant::now();
        wait_until("another member to lead", || {
            self.leader().is_some_and(|leader| leader != old)
        });
        begin.elapsed()
    }

    /// SIGKILL.
    pub fn kill(&mut self, at: usize) {
        self.members[at].process = None;
    }

    /// Starts a killed member again, and waits until it serves.
    pub fn resume(&mut self, at: usize) {
        self.launch(at);
        wait_until("the member to serve again", || self.healthy(at));
    }

    /// SIGSTOP: its connections stay, and nothing is answered.
    pub fn freeze(&mut self, at: usize) {
        self.signal(at, Signal::STOP);
        self.members[at].stopped = true;
    }

    /// SIGCONT.
    pub fn thaw(&mut self, at: usize) {
        self.signal(at, Signal::CONT);
        self.members[at].stopped = false;
        wait_until("the member to serve again", || self.healthy(at));
    }

    fn signal(&self, at: usize, signal: Signal) {
        let process = self.members[at].process.as_ref();
        process.expect("the member runs").signal(signal);
    }
}

fn peer((at, member): (usize, &Member)) -> String {
    format!("member-{at}=http://127.0.0.1:{}", member.peer)
}
