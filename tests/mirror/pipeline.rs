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
    let launch = (1..5_usize).prop_map(|ops| Step::Launch { ops });
    let complete = (0..8_usize).prop_map(|which| Step::Complete { which });
    vec(prop_oneof![3 => submit, 2 => launch, 2 => complete], 1..120)
}

/// What a pipeline has to do, by the book.
#[derive(Default)]
struct Model {
    revision: i64,
    /// Every write: revision → key and whether it is a barrier.
    submitted: BTreeMap<i64, (Vec<u8>, bool)>,
    in_flight: Vec<Batch>,
    /// The newest applied revision of each key.
    applied: BTreeMap<Vec<u8>, i64>,
    /// Every barrier that was applied.
    barriers: Vec<i64>,
}

fn key_of(op: &Op) -> &[u8] {
    match op {
        Op::Put { key, .. } | Op::Delete { key } => key,
    }
}

impl Model {
    fn submit(&mut self, pipeline: &mut Pipeline, key: u8, barrier: bool, delete: bool) {
        self.revision += 1;
        let key = vec![key];
        self.submitted.insert(self.revision, (key.clone(), barrier));
        let op = match delete {
            true => Op::Delete { key },
            false => Op::Put {
                key,
                value: vec![1],
            },
        };
        let revision = SourceRevision(self.revision);
        pipeline.submit(Write {
            op,
            revision,
            rule: None,
            barrier,
            known: Known::Yes,
        });
    }

    fn launch(&mut self, pipeline: &mut Pipeline, ops: usize) -> bool {
        let Some(batch) = pipeline.next_batch(Limits {
            ops,
            bytes: 1 << 20,
        }) else {
            return false;
        };
        assert!(batch.ops.len() <= ops);
        for (op, note) in batch.ops.iter().zip(&batch.notes) {
            self.may_go(key_of(op), note.revision.0, batch.ops.len());
        }
        self.in_flight.push(batch);
        true
    }

    fn may_go(&self, key: &[u8], revision: i64, together: usize) {
        let flying = || self.in_flight.iter().flat_map(|batch| &batch.ops);
        assert!(
            flying().all(|op| key_of(op) != key),
            "one write of a key at a time"
        );
        assert!(
            self.applied.get(key).is_none_or(|last| *last < revision),
            "never back"
        );
        let (_, barrier) = &self.submitted[&revision];
        if *barrier {
            assert_eq!((together, flying().count()), (1, 0), "a barrier goes alone");
            let earlier = self.submitted.range(..revision);
            for (earlier, (key, _)) in earlier {
                let superseded = self
                    .submitted
                    .range(earlier + 1..)
                    .any(|(_, (k, _))| k == key);
                let done = self.applied.get(key).is_some_and(|last| last >= earlier);
                assert!(
                    done || superseded,
                    "{earlier} comes before the barrier {revision}"
                );
            }
        }
        for (earlier, (_, barrier)) in self.submitted.range(..revision) {
            assert!(
                !barrier || self.barriers.contains(earlier),
                "no barrier is overtaken"
            );
        }
    }

    fn complete(&mut self, pipeline: &mut Pipeline, which: usize) {
        if self.in_flight.is_empty() {
            return;
        }
        let batch = self.in_flight.swap_remove(which % self.in_flight.len());
        for (op, note) in batch.ops.iter().zip(&batch.notes) {
            self.applied.insert(key_of(op).to_vec(), note.revision.0);
            if self.submitted[&note.revision.0].1 {
                self.barriers.push(note.revision.0);
            }
            pipeline.complete(op, note, Known::Yes);
        }
    }

    fn check_watermark(&self, pipeline: &Pipeline) {
        let watermark = pipeline.watermark(SourceRevision(self.revision)).0;
        for (revision, (key, _)) in self.submitted.range(..=watermark) {
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
        for (revision, (key, _)) in &model.submitted {
            assert!(model.applied[key] >= *revision);
        }
    }
}
