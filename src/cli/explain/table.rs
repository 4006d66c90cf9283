//! Many keys in one table, page by page.
//!
//! Promises one page in memory at a time, whatever the number of keys, and that
//! it stops reading where nobody reads on. Deliberately sorts nothing: keys
//! come in their order.

use std::io::{self, BufWriter, ErrorKind, Write};

use serde_json::json;

use super::counts::Counts;
use super::file::Objects;
use super::layout::Layout;
use super::row::Rows;
use super::settings::Origin;
use super::store::Store;
use super::wanted::Keys;
use crate::cli::args::{Only, Output};
use crate::etcd::SourceRevision;
use crate::rules::decide::Judge;
use crate::rules::namespaces::Namespaces;
use crate::source::Item;

/// How a table is written.
pub struct Table<W> {
    out: W,
    output: Output,
    only: Option<Only>,
    layout: Layout,
    by: By,
    counts: Counts,
    shown: u64,
}

/// What a table is judged by, besides the rules.
#[derive(Clone, Copy, Debug)]
pub enum By {
    /// What the source has; `unasked` says that a destination is named where
    /// `carry run` looks for it.
    Source { unasked: bool },
    /// The same of a snapshot.
    Snapshot { unasked: bool },
    /// What a file has.
    File,
}

impl By {
    /// That what is called mirrored may still be held or stay out, for people.
    fn told(self) -> String {
        let (by, unasked, instead) = match self {
            By::Source { unasked } => (
                "source",
                unasked,
                "`carry explain KEY` asks it for one key, `carry run --dry-run` for all",
            ),
            By::Snapshot { unasked } => ("snapshot", unasked, "`carry run --dry-run` asks it"),
            By::File => ("file", false, ""),
        };
        let asked = match unasked {
            true => "the one of the environment or the configuration file was not asked; ",
            false => "",
        };
        let told = [
            "judged by the rules and the ",
            by,
            " alone, not by what a destination has or lacks",
            if instead.is_empty() { "" } else { ": " },
            asked,
            instead,
        ];
        told.concat()
    }
}

/// To stdout.
pub fn on_stdout(output: Output, only: Option<Only>, by: By) -> Table<impl Write> {
    Table {
        out: BufWriter::new(io::stdout().lock()),
        output,
        only,
        layout: Layout::of_stdout(),
        by,
        counts: Counts::default(),
        shown: 0,
    }
}

impl<W: Write> Table<W> {
    /// All keys of a store that were asked for; whether there were any.
    pub async fn keys(mut self, judge: &Judge, keys: &Keys, from: &Origin) -> Result<bool, String> {
        let store = Store::open(from, judge.plan(), &keys.range().start).await?;
        let namespaces = store.all_namespaces(judge).await?;
        let mut rows = Rows::new(judge, &namespaces, true);
        let mut pages = store.list(keys.range()).await?;
        while let Some(mut items) = pages.next().await? {
            items.retain(|item| keys.has(&item.key));
            if !written(self.page(&items, &mut rows))? {
                return Ok(true);
            }
        }
        if let Some(moved) = pages.moved() {
            eprintln!(
                "warning: the source has compacted its history meanwhile: the last keys are as of revision {}",
                moved.0
            );
        }
        if self.counts.keys() == 0 && self.output == Output::Human {
            let meant = judge.meant(&keys.to_string());
            let meant = meant.map(|meant| format!(": did you mean `{meant}`?"));
            eprintln!("no key matches `{keys}`{}", meant.unwrap_or_default());
        }
        let at = store.as_of();
        written(self.end(judge, at))?;
        Ok(self.counts.keys() > 0)
    }

    /// The objects of a file.
    pub fn objects(mut self, judge: &Judge, objects: &Objects) -> Result<bool, String> {
        let namespaces: Namespaces = objects.known(judge);
        let mut rows = Rows::new(judge, &namespaces, false);
        let items = objects.all.iter().map(|own| own.item());
        let items: Vec<Item> = items.collect();
        if written(self.page(&items, &mut rows))? {
            written(self.end(judge, None))?;
        }
        Ok(true)
    }

    fn page(&mut self, items: &[Item], rows: &mut Rows<'_>) -> io::Result<()> {
        let mut shown = Vec::new();
        for item in items {
            let decided = rows.decide(item);
            self.counts.add(&decided);
            if self.only.is_none_or(|only| only == decided.word) {
                shown.push(rows.row(item, &decided));
            }
        }
        self.shown += u64::try_from(shown.len()).unwrap_or(u64::MAX);
        match self.output {
            _ if shown.is_empty() => {}
            Output::Human => self.out.write_all(self.layout.page(&shown).as_bytes())?,
            Output::Json => {
                for row in shown {
                    writeln!(self.out, "{}", row.json())?;
                }
            }
        }
        Ok(())
    }

    fn end(&mut self, judge: &Judge, at: Option<SourceRevision>) -> io::Result<()> {
        match self.output {
            Output::Human if self.counts.keys() == 0 => {}
            Output::Human => {
                let blank = if self.shown > 0 { "\n" } else { "" };
                write!(self.out, "{blank}{}", self.counts.human(judge))?;
                let remark = self.layout.remark(&self.by.told());
                self.out.write_all(remark.as_bytes())?;
            }
            Output::Json => {
                let counts = json!({
                    "counts": self.counts.json(judge),
                    "asOf": at.map(|at| at.0),
                });
                writeln!(self.out, "{counts}")?;
            }
        }
        self.out.flush()
    }
}

/// Whether it was written; `false` where nobody reads on.
fn written(result: io::Result<()>) -> Result<bool, String> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(format!("cannot write to stdout: {error}")),
    }
}
