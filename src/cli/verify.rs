//! `carry verify`: both sides compared under the rules, and mended if asked.
//!
//! Promises exit code 0 where nothing differs, 1 where something does (after
//! mending, where something still does), 2 where it could not be found out.
//! Deliberately mends only as the leader of its `--name`, through the very
//! mirror that `run` runs: whatever `run` would not write, this does not either.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::args::{Output, VerifyArgs};
use super::between::{Real, holder};
use super::config::Config;
use super::connecting::{self, Needs, Which};
use super::ending::end;
use super::interrupted::unless_interrupted;
use super::ledger;
use super::progress::Shown;
use super::rules_file::{self, Loaded};
use super::rules_settings::RulesSettings;
use super::stdout::say;
use super::verify_report::{Mended, Told};
use super::verify_settings::VerifySettings;
use super::{FOUND, logging, refuse};
use crate::destination::Destination as _;
use crate::destination::etcd::EtcdDestination;
use crate::destination::prefixed::Prefixed;
use crate::metrics::Metrics;
use crate::mirror::{
    Drained, Mirror, MirrorError, Options, Parts, Silent, Summary, Verified, Verify, drain,
};
use crate::rules::decide::Judge;
use crate::source::EtcdSource;
use crate::state::{MemoryStore, RocksStore, StateError, StateStore};

/// Runs the command.
pub fn run(args: VerifyArgs, config: &Config) -> ExitCode {
    let settings = match VerifySettings::from_args(args) {
        Ok(settings) => settings,
        Err(problems) => return config.refuse(problems),
    };
    let loaded = match rules_file::load(&settings.rules, &settings.name) {
        Ok(loaded) => loaded,
        Err(failed) => return failed.refuse(),
    };
    logging::remark(&loaded.remarks);
    for warning in settings
        .warnings
        .iter()
        .chain(&loaded.encryption.warnings())
    {
        tracing::warn!("{warning}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(8 << 20)
        .build();
    let ran = runtime.map_err(|error| format!("cannot start: {error}"));
    let ran = ran.and_then(|runtime| {
        let ran = runtime.block_on(unless_interrupted(verify(settings, loaded)));
        end(runtime);
        ran
    });
    match ran {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(FOUND),
        Err(why) => refuse(why),
    }
}

/// What every step works with.
pub(super) struct Context {
    settings: VerifySettings,
    source: EtcdSource,
    destination: EtcdDestination,
    judge: Arc<Judge>,
    options: Options,
    metrics: Metrics,
    shown: Shown,
}

/// Whether both sides are equal in the end.
async fn verify(settings: VerifySettings, loaded: Loaded) -> Result<bool, String> {
    let context = Context::open(settings, loaded.judge).await?;
    context.mirrored().await;
    let found = context.compare().await?;
    if !context.settings.repair {
        return context.tell(found, None);
    }
    let summary = context.mend().await?;
    let after = context.compare().await?;
    let mended = Mended::new(&found, &after, &summary);
    context.tell(after, Some(mended))
}

impl Context {
    /// Connects to both sides.
    pub(super) async fn open(
        mut settings: VerifySettings,
        judge: Judge,
    ) -> Result<Context, String> {
        settings.source.asks_for = connecting::source_key(&judge);
        settings.destination.asks_for = connecting::destination_key(&settings.name);
        let source = connecting::open(Which::Source, &settings.source).await?;
        let destination = connecting::open(Which::Destination, &settings.destination).await?;
        let metrics = Metrics::default();
        Ok(Context {
            source: EtcdSource::new(source, metrics.clone()),
            destination: EtcdDestination::new(destination),
            judge: Arc::new(judge),
            options: options(&settings.name, &settings.db_path, &settings.rules),
            metrics,
            settings,
            shown: Shown::default(),
        })
    }

    /// Warns where no mirror of that name has ever been.
    async fn mirrored(&self) {
        let (name, key) = (&self.settings.name, self.options.checkpoint_key());
        // What cannot be read is told of by whoever needs it.
        if let Ok(None) = self.destination.get(key.as_bytes()).await {
            tracing::warn!(
                "no carry named `{name}` has mirrored into this destination (there is no `{key}`): check `--name`"
            );
        }
    }

    /// Waits for a mirror that runs to apply what the source has now.
    pub(super) async fn drain(&self) -> Result<Drained, String> {
        let parts = self.parts(MemoryStore::default());
        let drained = drain(&parts, &self.options, self.settings.settle).await;
        self.or_explain(drained).await
    }

    fn tell(&self, found: Verified, mended: Option<Mended>) -> Result<bool, String> {
        let equal = found.equal;
        let told = Told { found, mended };
        say(&match self.settings.output {
            Output::Human => told.human(),
            Output::Json => format!("{}\n", told.json()),
        })?;
        Ok(equal)
    }

    /// With the ledger where there is one, beside a carry that has it open.
    pub(super) async fn compare(&self) -> Result<Verified, String> {
        let path = &self.settings.db_path;
        let opened = ledger::open_beside(path);
        match opened.map_err(|error| format!("`--db-path`: {error}"))? {
            None => {
                tracing::info!(
                    "there is no ledger at `{}`: what carry has written cannot be told from the standby's own",
                    path.display()
                );
                self.compare_with(MemoryStore::default()).await
            }
            Some((store, logs)) => {
                let compared = self.compare_with(store).await;
                drop(logs);
                compared
            }
        }
    }

    async fn compare_with<St: StateStore>(&self, store: St) -> Result<Verified, String> {
        let verify = Verify {
            examples: self.settings.examples,
            settle: self.settings.settle,
            lenient: self.settings.lenient,
            ..Verify::default()
        };
        let parts = self.parts(store);
        let verified = verify.run_telling(&parts, &self.options, &self.shown).await;
        self.or_explain(verified).await
    }

    /// A full list that believes nothing, as the leader.
    async fn mend(&self) -> Result<Summary, String> {
        let path = &self.settings.db_path;
        let store = RocksStore::open(path).map_err(|error| match error {
            StateError::InUse { path } => format!(
                "`--repair`: a running carry has the ledger `{path}` open; it mends what it sees by itself: stop it first, or start it anew with `--resync`"
            ),
            error => format!("`--db-path`: {error}"),
        })?;
        let mut options = self.options.clone();
        // Now that it exists for certain.
        options.holder = holder(path);
        (options.once, options.resync) = (true, true);
        let parts = self.parts(store);
        let stop = CancellationToken::new();
        let mirror = Mirror::new(parts, options, Arc::new(Silent(Shown::default())), stop);
        self.or_explain(Box::pin(mirror.run()).await).await
    }

    fn parts<St: StateStore>(&self, store: St) -> Parts<Real<St>> {
        let destination = self.destination.clone();
        Parts {
            source: Arc::new(self.source.clone()),
            destination: Arc::new(Prefixed::new(destination, self.judge.key_map().clone())),
            store: Arc::new(store),
            judge: self.judge.clone(),
            metrics: self.metrics.clone(),
        }
    }

    async fn or_explain<T>(&self, ran: Result<T, MirrorError>) -> Result<T, String> {
        let settings = &self.settings;
        let needs = Needs {
            source: (&self.source, &settings.source),
            destination: (&self.destination, &settings.destination),
            judge: &self.judge,
            rules: &settings.rules,
            name: &settings.name,
        };
        connecting::or_explain(ran, &needs).await
    }
}

/// What is asked of the mirror's own options, here and for a promotion.
pub(super) fn options(name: &str, db_path: &Path, rules: &RulesSettings) -> Options {
    let mut options = Options::new(name, holder(db_path));
    options.kube_prefix = format!("{}/", rules.kube_prefix);
    options.dest_kube_prefix = format!("{}/", rules.dest_kube_prefix);
    options
}
