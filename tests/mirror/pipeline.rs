//! The order of writes under every interleaving of new writes, transactions
//! and answers.

use std::collections::BTreeMap;

use carry::destination::Op;
use carry::etcd::SourceRevision;
use carry::mirror::pipeline::{Batch, Known, Limits, Pipeline, Write};
use proptest::collection::vec;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Submit {
        key: u8,
        barrier: bool,
        delete: bool,
    },
    /// Two keys, or three, of one revision.
    Together {
        first: u8,
        count: u8,
        barrier: bool,
    },
    Launch {
        ops: usize,
    },
    Complete {
        which: usize,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let submit =
        (0..6_u8, prop::bool::weighted(0.15), any::<bool>()).prop_map(|(key, barrier, delete)| {
            Step::Submit {
                key,
                barrier,
                delete,
            }
        });
    let together = (0..6_u8, 2..4_u8, prop::bool::weighted(0.2));
    let together = together.prop_map(|(first, count, barrier)| Step::Together {
        first,
        count,
        barrier,
    });
    let launch = (1..5_usize).prop_map(|ops| Step::Launch { ops });
    let complete = (0..8_usize).prop_map(|which| Step::Complete { which });
    vec(
        prop_oneof![3 => submit, 1 => together, 2 => launch, 2 => complete],
        1..120,
    )
}

/// What a pipeline has to do, by the book.
#[derive(Default)]
struct Model {
    revision: i64,
    /// Every write: revision and key → whether it is a barrier.
    submitted: BTreeMap<(i64, Vec<u8>), bool>,
    /// How many writes of a revision go out together.
    together: BTreeMap<i64, usize>,
    in_flight: Vec<Batch>,
    /// The newest applied revision of each key.
    applied: BTreeMap<Vec<u8>, i64>,
    /// Every revision of a barrier that was applied.
    barriers: Vec<i64>,
}

fn key_of(op: &Op) -> &[u8] {
    match op {
        Op::Put { key, .. } | Op::PutLeased { key, .. } | Op::Delete { key } => key,
    }
}

impl Model {
    fn write(&mut self, key: Vec<u8>, barrier: bool, delete: bool) -> Write {
        self.submitted.insert((self.revision, key.clone()), barrier);
        let op = match delete {
            true => Op::Delete { key },
            false => Op::Put {
                key,
                value: vec![1],
            },
        };
        Write {
            op,
            revision: SourceRevision(self.revision),
            rule: None,
            barrier,
            known: Known::Yes,
        }
    }

    fn submit(&mut self, pipeline: &mut Pipeline, key: u8, barrier: bool, delete: bool) {
        self.revision += 1;
        let write = self.write(vec![key], barrier, delete);
        pipeline.submit(write);
    }

    fn submit_together(&mut self, pipeline: &mut Pipeline, first: u8, count: u8, barrier: bool) {
        self.revision += 1;
        self.together.insert(self.revision, usize::from(count));
        let keys = (first..first + count).map(|key| vec![key % 6]);
        let writes = keys.map(|key| self.write(key, barrier, false)).collect();
        pipeline.submit_together(writes);
    }

    fn launch(&mut self, pipeline: &mut Pipeline, ops: usize) -> bool {
        let Some(batch) = pipeline.next_batch(Limits {
            ops,
            bytes: 1 << 20,
        }) else {
            return false;
        };
        let mut revisions: Vec<i64> = batch.notes.iter().map(|note| note.revision.0).collect();
        revisions.dedup();
        match revisions.iter().find_map(|own| self.together.get(own)) {
            Some(&count) => assert_eq!((batch.ops.len(), revisions.len()), (count, 1), "whole"),
            None => assert!(batch.ops.len() <= ops),
        }
        for (op, note) in batch.ops.iter().zip(&batch.notes) {
            self.may_go(key_of(op), note.revision.0, &revisions);
        }
        self.in_flight.push(batch);
        true
    }

    fn may_go(&self, key: &[u8], revision: i64, together: &[i64]) {
        let flying = || self.in_flight.iter().flat_map(|batch| &batch.ops);
        assert!(
            flying().all(|op| key_of(op) != key),
            "one write of a key at a time"
        );
        assert!(
            self.applied.get(key).is_none_or(|last| *last < revision),
            "never back"
        );
        if self.submitted[&(revision, key.to_vec())] {
            assert_eq!((together, flying().count()), (&[revision][..], 0), "alone");
            self.all_before(revision);
        }
        for ((earlier, _), barrier) in self.submitted.range(..(revision, Vec::new())) {
            assert!(
                !barrier || self.barriers.contains(earlier),
                "no barrier is overtaken"
            );
        }
    }

    /// Everything earlier was applied, or something later of its key was or
    /// will be.
    fn all_before(&self, revision: i64) {
        for (earlier, key) in self
            .submitted
            .range(..(revision, Vec::new()))
            .map(|own| own.0)
        {
            let after = self.submitted.range((earlier + 1, Vec::new())..);
            let superseded = after.map(|own| own.0).any(|(_, other)| other == key);
            let done = self.applied.get(key).is_some_and(|last| last >= earlier);
            assert!(
                done || superseded,
                "{earlier} comes before the barrier {revision}"
            );
        }
    }

    fn complete(&mut self, pipeline: &mut Pipeline, which: usize) {
        if self.in_flight.is_empty() {
            return;
        }
        let batch = self.in_flight.swap_remove(which % self.in_flight.len());
        for (op, note) in batch.ops.iter().zip(&batch.notes) {
            let key = key_of(op).to_vec();
            self.applied.insert(key.clone(), note.revision.0);
            if self.submitted[&(note.revision.0, key)] {
                self.barriers.push(note.revision.0);
            }
            pipeline.complete(op, note, Known::Yes);
        }
    }

    fn check_watermark(&self, pipeline: &Pipeline) {
        let watermark = pipeline.watermark(SourceRevision(self.revision)).0;
        let below = self.submitted.range(..(watermark + 1, Vec::new()));
        for (revision, key) in below.map(|own| own.0) {
            let applied = self.applied.get(key).copied().unwrap_or(0);
            assert!(
                applied >= *revision,
                "{revision} is below {watermark}, applied: {applied}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_interleaving_keeps_the_order(steps in steps()) {
        let (mut pipeline, mut model) = (Pipeline::default(), Model::default());
        for step in steps {
            match step {
                Step::Submit { key, barrier, delete } => {
                    model.submit(&mut pipeline, key, barrier, delete);
                }
                Step::Together { first, count, barrier } => {
                    model.submit_together(&mut pipeline, first, count, barrier);
                }
                Step::Launch { ops } => drop(model.launch(&mut pipeline, ops)),
                Step::Complete { which } => model.complete(&mut pipeline, which),
            }
            model.check_watermark(&pipeline);
        }
        while !pipeline.is_idle() {
            while model.launch(&mut pipeline, 3) {}
            model.complete(&mut pipeline, 0);
        }
        model.check_watermark(&pipeline);
        assert_eq!(pipeline.watermark(SourceRevision(model.revision)).0, model.revision);
        for (revision, key) in model.submitted.keys() {
            assert!(model.applied[key] >= *revision);
        }
    }
}

const ONE: Limits = Limits {
    ops: 1,
    bytes: 1 << 20,
};

fn put(key: &str, revision: i64) -> Write {
    Write {
        op: Op::put(key.into(), b"1".to_vec(), 0),
        revision: SourceRevision(revision),
        rule: None,
        barrier: false,
        known: Known::Yes,
    }
}

/// What was applied before and is written again holds up nothing that comes
/// after it, and does not set the watermark back.
#[test]
fn what_is_written_again_does_not_set_the_watermark_back() {
    let seen = SourceRevision(90);
    let mut pipeline = Pipeline::default();
    pipeline.submit_again(put("/a", 3), seen);
    assert_eq!(pipeline.watermark(seen), seen);
    pipeline.submit(put("/b", 95));
    assert_eq!(pipeline.watermark(SourceRevision(95)), SourceRevision(90));
    let batch = pipeline.next_batch(ONE).expect("the first");
    assert_eq!(
        (batch.ops[0].clone(), batch.notes[0].revision),
        (put("/a", 3).op, SourceRevision(3))
    );
    // A later change of the key waits for it, and then goes out.
    pipeline.submit(put("/a", 96));
    pipeline.complete(&batch.ops[0], &batch.notes[0], Known::Yes);
    assert_eq!(pipeline.watermark(SourceRevision(96)), SourceRevision(94));
    let rest: Vec<_> = std::iter::from_fn(|| pipeline.next_batch(ONE)).collect();
    let revisions: Vec<i64> = rest.iter().map(|batch| batch.notes[0].revision.0).collect();
    assert_eq!(revisions, [95, 96]);
    for batch in rest {
        pipeline.complete(&batch.ops[0], &batch.notes[0], Known::Yes);
    }
    assert!(pipeline.is_idle());
    // One that replaces it before it went out keeps its place.
    pipeline.submit_again(put("/a", 96), SourceRevision(99));
    pipeline.submit(put("/a", 100));
    assert_eq!(pipeline.watermark(SourceRevision(100)), SourceRevision(99));
    let batch = pipeline.next_batch(ONE).expect("one");
    assert_eq!(batch.notes[0].revision, SourceRevision(100));
    pipeline.complete(&batch.ops[0], &batch.notes[0], Known::Yes);
    assert!(pipeline.next_batch(ONE).is_none());
    assert_eq!(pipeline.watermark(SourceRevision(100)), SourceRevision(100));
}
