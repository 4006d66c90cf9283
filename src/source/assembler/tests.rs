//! What the assembler hands out, for every order in which several watches may
//! say what has happened.
//!
//! Promises to compare with the true history. Deliberately sends only what a
//! real server may send.

use etcd_client::proto::PbKeyValue;
use proptest::prelude::*;

use super::*;

fn put(key: &str, revision: i64) -> PbEvent {
    let kv = PbKeyValue {
        key: key.into(),
        mod_revision: revision,
        ..Default::default()
    };
    PbEvent {
        r#type: 0,
        kv: Some(kv),
        prev_kv: None,
    }
}

fn assembler(from: i64) -> Assembler {
    let ranges = [KeyRange::prefix("/a/"), KeyRange::prefix("/c/")];
    Assembler::new(&ranges, SourceRevision(from))
}

fn drain(assembler: &mut Assembler) -> Vec<String> {
    std::iter::from_fn(|| assembler.pop())
        .map(|event| show(&event))
        .collect()
}

fn show(event: &WatchEvent) -> String {
    match event {
        WatchEvent::Progress(revision) => format!("progress {revision}"),
        WatchEvent::Changes(changes) => {
            let each = |c: &Change| format!("{}@{}", String::from_utf8_lossy(&c.key), c.revision);
            changes.iter().map(each).collect::<Vec<_>>().join(" ")
        }
    }
}

#[test]
fn a_revision_in_pieces_is_handed_out_whole() {
    let mut a = assembler(5);
    a.events(0, vec![put("/a/1", 5), put("/a/2", 6)], true)
        .unwrap();
    assert_eq!(drain(&mut a), ["/a/1@5"]);
    a.progress(None, SourceRevision(9));
    a.events(0, vec![put("/a/3", 6)], true).unwrap();
    assert_eq!(drain(&mut a), [""; 0]);
    a.events(0, vec![put("/c/4", 6)], false).unwrap();
    assert_eq!(drain(&mut a), ["/a/2@6 /a/3@6 /c/4@6"]);
    assert_eq!(a.resume_at(), SourceRevision(7));
}

#[test]
fn a_break_between_pieces_begins_the_revision_anew() {
    let mut a = assembler(5);
    a.events(0, vec![put("/a/1", 6), put("/a/2", 6)], true)
        .unwrap();
    a.begin(1);
    assert_eq!(a.resume_at(), SourceRevision(6));
    a.events(0, vec![put("/a/1", 6), put("/a/2", 6)], false)
        .unwrap();
    assert_eq!(drain(&mut a), ["/a/1@6 /a/2@6"]);
}

#[test]
fn what_is_not_wanted_is_dropped_but_proves_progress() {
    let mut a = assembler(5);
    a.events(
        0,
        vec![put("/b/1", 5), put("/a/1", 6), put("/d/1", 7)],
        false,
    )
    .unwrap();
    assert_eq!(drain(&mut a), ["/a/1@6", "progress 7"]);
}

#[test]
fn progress_never_goes_back() {
    let mut a = assembler(5);
    a.progress(None, SourceRevision(3));
    assert_eq!(drain(&mut a), [""; 0]);
    a.progress(None, SourceRevision(9));
    a.progress(None, SourceRevision(8));
    assert_eq!(drain(&mut a), ["progress 9"]);
    assert_eq!(a.proven(), SourceRevision(9));
}

/// Two watches, of `/a/` and `/c/`.
fn two(from: i64) -> Assembler {
    let mut assembler = assembler(from);
    assembler.begin(2);
    assembler
}

#[test]
fn what_only_one_watch_has_said_waits() {
    let mut a = two(5);
    a.events(0, vec![put("/a/1", 5)], false).unwrap();
    assert_eq!(drain(&mut a), [""; 0]);
    assert!(a.is_waiting() && a.proven() == SourceRevision(4));
    a.events(1, vec![put("/c/1", 7)], false).unwrap();
    assert_eq!(drain(&mut a), ["/a/1@5"], "/a/ may still have a 6");
    a.progress(None, SourceRevision(8));
    assert_eq!(drain(&mut a), ["/c/1@7", "progress 8"]);
    assert!(!a.is_waiting());
}

#[test]
fn a_revision_of_several_watches_is_handed_out_whole() {
    let mut a = two(5);
    a.events(1, vec![put("/c/1", 6)], false).unwrap();
    a.events(0, vec![put("/a/1", 5)], false).unwrap();
    assert_eq!(drain(&mut a), ["/a/1@5"]);
    a.events(0, vec![put("/a/2", 6)], true).unwrap();
    a.progress(None, SourceRevision(6));
    assert_eq!(drain(&mut a), [""; 0], "more pieces are to come");
    a.events(0, vec![put("/a/3", 6)], false).unwrap();
    assert_eq!(drain(&mut a), ["/a/2@6 /a/3@6 /c/1@6"]);
}

#[test]
fn what_one_watch_is_told_proves_nothing_for_the_others() {
    let mut a = two(5);
    a.events(0, vec![put("/a/1", 7)], false).unwrap();
    a.progress(Some(0), SourceRevision(9));
    assert_eq!(a.proven(), SourceRevision(4));
    assert!(!drain(&mut a).iter().any(|said| said.contains('@')));
    a.progress(Some(1), SourceRevision(8));
    assert_eq!(drain(&mut a), ["/a/1@7", "progress 8"]);
}

#[test]
fn a_break_forgets_what_was_not_proven() {
    let mut a = two(5);
    a.events(0, vec![put("/a/1", 5), put("/a/2", 8)], false)
        .unwrap();
    a.events(1, vec![put("/c/1", 6)], false).unwrap();
    assert_eq!(drain(&mut a), ["/a/1@5 /c/1@6"]);
    a.begin(1);
    assert!(!a.is_waiting() && a.resume_at() == SourceRevision(7));
    a.events(0, vec![put("/c/2", 7), put("/a/2", 8)], false)
        .unwrap();
    assert_eq!(drain(&mut a), ["/c/2@7 /a/2@8"]);
}

#[test]
fn a_watch_that_was_never_made_is_an_error() {
    let mut a = two(5);
    assert!(a.events(2, vec![put("/a/1", 5)], false).is_err());
}

#[test]
fn too_much_that_waits_is_noticed() {
    let large = |revision| {
        let mut event = put("/a/1", revision);
        if let Some(kv) = &mut event.kv {
            kv.value = vec![0; MAX_WAITING / 4];
        }
        event
    };
    let mut a = two(5);
    for revision in 5..9 {
        assert!(!a.overflows());
        a.events(0, vec![large(revision)], false).unwrap();
    }
    assert!(a.overflows());
    a.begin(1);
    assert!(!a.overflows());
    for revision in 5..10 {
        a.events(0, vec![large(revision)], false).unwrap();
    }
    assert_eq!(drain(&mut a).len(), 5, "alone, a watch proves by itself");
}

/// What a server may do next.
#[derive(Clone, Debug)]
enum Step {
    /// Commit a revision with keys of these ranges (0 and 1 wanted, 2 not).
    Commit(Vec<u8>),
    /// Send a watch what is new for it, at most so many revisions, in pieces of
    /// so many events.
    Send(u8, usize, usize),
    /// Speak for all watches, if all have got everything.
    Answer,
    /// Speak for one watch, if it has got everything.
    Notify(u8),
    /// Break, and go on with so many watches.
    Break(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop::collection::vec(0..3u8, 1..4).prop_map(Step::Commit),
        6 => (0..3u8, 1..4usize, 1..3usize).prop_map(|(w, n, size)| Step::Send(w, n, size)),
        2 => Just(Step::Answer),
        1 => (0..3u8).prop_map(Step::Notify),
        1 => (1..4usize).prop_map(Step::Break),
    ]
}

/// The true history, how far each watch has been told of it, and what has
/// been handed out.
struct Server {
    history: Vec<(i64, String)>,
    committed: i64,
    sent: Vec<i64>,
    assembler: Assembler,
    handed_out: usize,
}

const PREFIXES: [&str; 3] = ["/a/", "/c/", "/b/"];

impl Server {
    fn new() -> Server {
        let mut server = Server {
            history: Vec::new(),
            committed: 1,
            sent: Vec::new(),
            assembler: assembler(2),
            handed_out: 0,
        };
        server.reopen(2);
        server
    }

    fn reopen(&mut self, watches: usize) {
        self.assembler.begin(watches);
        self.sent = vec![self.assembler.resume_at().0 - 1; watches];
    }

    /// With three watches each has its own range, also the one in which
    /// nothing is wanted; with one, all are its.
    fn is_of(&self, watch: usize, key: &str) -> bool {
        self.sent.len() == 1 || key.starts_with(PREFIXES[watch])
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Commit(ranges) => {
                self.committed += 1;
                for (n, range) in ranges.iter().enumerate() {
                    let key = format!("{}{n}", PREFIXES[*range as usize]);
                    self.history.push((self.committed, key));
                }
            }
            Step::Send(watch, revisions, size) => {
                self.send(watch as usize % self.sent.len(), revisions, size);
            }
            Step::Answer if self.sent.iter().all(|sent| *sent == self.committed) => {
                let told = SourceRevision(self.committed);
                self.assembler.progress(None, told);
            }
            Step::Notify(watch) => {
                let watch = watch as usize % self.sent.len();
                if self.sent[watch] == self.committed {
                    let told = SourceRevision(self.committed);
                    self.assembler.progress(Some(watch), told);
                }
            }
            Step::Break(watches) => self.reopen(watches),
            Step::Answer => {}
        }
        self.check();
    }

    fn send(&mut self, watch: usize, revisions: usize, size: usize) {
        let after = self.sent[watch];
        let new = |(at, key): &&(i64, String)| *at > after && self.is_of(watch, key);
        let all: Vec<(i64, String)> = self.history.iter().filter(new).cloned().collect();
        let mut times: Vec<i64> = all.iter().map(|(at, _)| *at).collect();
        times.dedup();
        let upto = match times.get(revisions) {
            Some(_) => times[revisions - 1],
            None => self.committed,
        };
        self.sent[watch] = upto;
        let events: Vec<PbEvent> = all
            .iter()
            .filter(|(at, _)| *at <= upto)
            .map(|(at, key)| put(key, *at))
            .collect();
        let mut pieces = events.chunks(size).peekable();
        while let Some(piece) = pieces.next() {
            let more = pieces.peek().is_some();
            self.assembler.events(watch, piece.to_vec(), more).unwrap();
            self.check();
        }
    }

    /// What has been handed out is the true history so far; what is claimed,
    /// too.
    fn check(&mut self) {
        let wanted: Vec<(i64, &str)> = self
            .history
            .iter()
            .filter(|(_, key)| !key.starts_with("/b/"))
            .map(|(at, key)| (*at, key.as_str()))
            .collect();
        while let Some(event) = self.assembler.pop() {
            match event {
                WatchEvent::Progress(told) => {
                    assert!(told.0 <= self.committed);
                    let next = wanted.get(self.handed_out);
                    assert!(next.is_none_or(|(at, _)| *at > told.0), "{told}");
                }
                WatchEvent::Changes(changes) => {
                    let upto = changes.last().expect("not empty").revision.0;
                    let rest = &wanted[self.handed_out..];
                    let expected = rest.partition_point(|(at, _)| *at <= upto);
                    let by_key = |(at, key): &(i64, &str)| (*at, key.to_string());
                    let mut expected: Vec<_> = rest[..expected].iter().map(by_key).collect();
                    let mut found: Vec<(i64, String)> = changes
                        .iter()
                        .map(|c| (c.revision.0, String::from_utf8_lossy(&c.key).into_owned()))
                        .collect();
                    assert!(found.is_sorted_by_key(|(at, _)| *at));
                    self.handed_out += found.len();
                    found.sort();
                    expected.sort();
                    assert_eq!(found, expected);
                }
            }
        }
    }

    fn finish(&mut self) {
        for watch in 0..self.sent.len() {
            self.send(watch, usize::MAX - 1, 2);
        }
        self.take(Step::Answer);
        assert_eq!(self.assembler.proven(), SourceRevision(self.committed));
        let wanted = |(_, key): &&(i64, String)| !key.starts_with("/b/");
        assert_eq!(self.handed_out, self.history.iter().filter(wanted).count());
        assert!(!self.assembler.is_waiting());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_order_gives_the_true_history(steps in prop::collection::vec(step(), 1..60)) {
        let mut server = Server::new();
        for step in steps {
            server.take(step);
        }
        server.finish();
    }
}
