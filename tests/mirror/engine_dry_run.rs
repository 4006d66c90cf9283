//! A dry run beside a carry that writes to the ledger meanwhile.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use carry::destination::memory::MemoryDestination;
use carry::mirror::{DryRun, Parts, Planned, World};
use carry::rules::decide::KeyRange;
use carry::source::ScriptedSource;
use carry::state::{
    Checkpoint, HeldKey, LedgerChange, LedgerEntry, MemoryStore, Pair, StateError, StateStore,
};

use super::engine::{Script, Theatre, sample};

/// A ledger of another process: the next image of it is seen where it is asked
/// for. It cannot be written to.
struct Beside {
    images: Mutex<VecDeque<MemoryStore>>,
}

impl Beside {
    fn now(&self) -> MemoryStore {
        let images = self.images.lock().expect("no panic");
        images.front().expect("an image").clone()
    }
}

fn refused<T>() -> Result<T, StateError> {
    Err(StateError::Io("a dry run writes nothing".to_owned()))
}

impl StateStore for Beside {
    fn catch_up(&self) -> Result<(), StateError> {
        let mut images = self.images.lock().expect("no panic");
        if images.len() > 1 {
            images.pop_front();
        }
        Ok(())
    }

    fn get(&self, key: &[u8]) -> Result<Option<LedgerEntry>, StateError> {
        self.now().get(key)
    }

    fn scan(
        &self,
        range: &KeyRange,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, LedgerEntry)>, StateError> {
        self.now().scan(range, limit)
    }

    fn pair(&self) -> Result<Option<Pair>, StateError> {
        self.now().pair()
    }

    fn checkpoints(&self) -> Result<Vec<Checkpoint>, StateError> {
        self.now().checkpoints()
    }

    fn encryption(&self) -> Result<Option<String>, StateError> {
        self.now().encryption()
    }

    fn held(&self) -> Result<Vec<HeldKey>, StateError> {
        self.now().held()
    }

    fn kept(&self) -> Result<Vec<Vec<u8>>, StateError> {
        self.now().kept()
    }

    fn apply(&self, _: &[LedgerChange]) -> Result<(), StateError> {
        refused()
    }

    fn sync(&self) -> Result<(), StateError> {
        refused()
    }

    fn reset(&self, _: &Pair) -> Result<(), StateError> {
        refused()
    }

    fn set_pair(&self, _: &Pair) -> Result<(), StateError> {
        refused()
    }

    fn add_checkpoint(&self, _: &Checkpoint) -> Result<(), StateError> {
        refused()
    }

    fn set_encryption(&self, _: &str) -> Result<(), StateError> {
        refused()
    }

    fn hold(&self, _: &HeldKey) -> Result<(), StateError> {
        refused()
    }

    fn release(&self, _: &[Vec<u8>]) -> Result<(), StateError> {
        refused()
    }

    fn keep(&self, _: &[u8]) -> Result<(), StateError> {
        refused()
    }

    fn unkeep(&self, _: &[Vec<u8>]) -> Result<(), StateError> {
        refused()
    }

    fn set_checkpoint(&self, _: &Checkpoint) -> Result<(), StateError> {
        refused()
    }
}

struct Foreign;

impl World for Foreign {
    type Source = ScriptedSource;
    type Destination = MemoryDestination;
    type Store = Beside;
    type Judge = Script;
}

/// A dry run that finds one image of the ledger after the other.
async fn looked(stage: &Theatre, images: Vec<MemoryStore>) -> (DryRun, Vec<Planned>) {
    let Parts {
        source,
        destination,
        judge,
        metrics,
        ..
    } = stage.parts();
    // None is seen before it is asked for.
    let images = [vec![MemoryStore::default()], images].concat();
    let images = Mutex::new(images.into());
    let parts: Parts<Foreign> = Parts {
        source,
        destination,
        store: Arc::new(Beside { images }),
        judge,
        metrics,
    };
    let mut planned = Vec::new();
    let looked = DryRun::look(&parts, &stage.options(), |one| planned.push(one)).await;
    (looked.expect("a dry run"), planned)
}

/// A checkpoint that arrives while the dry run begins does not make the ledger
/// one that is lost: what only the ledger knows would not be told.
#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_may_arrive_meanwhile() {
    let stage = Theatre::new();
    sample(&stage);
    let revision = stage.put("plain/zz", "1");
    stage.delete("plain/zz");
    stage.once().await;
    let before = stage.store.image();
    stage.put("plain/new", "1");
    stage.once().await;
    let after = stage.store.image();
    assert_ne!(
        before.checkpoints().expect("memory"),
        after.checkpoints().expect("memory")
    );
    // The source has it no more, and had it not at the checkpoint.
    let gone = b"/r/plain/zz".to_vec();
    let entry = LedgerEntry::new(revision, "plain");
    for image in [&before, &after] {
        let (key, entry) = (gone.clone(), Some(entry.clone()));
        image.apply(&[LedgerChange { key, entry }]).expect("memory");
    }
    stage.destination.put(&gone, b"1");
    for images in [vec![after.clone()], vec![before, after]] {
        let count = images.len();
        let (looked, planned) = looked(&stage, images).await;
        assert_eq!(looked.puts, 0, "{count}: {planned:?}");
        let key = gone.clone();
        assert_eq!(planned, [Planned::Delete { key }], "{count}");
    }
}
