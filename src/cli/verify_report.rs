//! What `carry verify` found, for people and for programs.
//!
//! Promises the same facts either way. Deliberately prints nothing itself.

use std::fmt::Write as _;

use serde::Serialize;

use crate::mirror::{Counts, Example, Summary, Verified, numbered};

/// What `--repair` did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Mended {
    /// Missing keys before.
    pub missing: u64,
    /// Different keys before.
    pub different: u64,
    /// Extra keys before.
    pub extra: u64,
    /// How many of all these are left.
    pub left: u64,
    /// Keys written.
    pub written: u64,
    /// Keys deleted.
    pub deleted: u64,
}

impl Mended {
    /// From what was found before and after, and what was done in between.
    pub fn new(before: &Verified, after: &Verified, summary: &Summary) -> Mended {
        let Counts {
            missing,
            different,
            extra,
            ..
        } = before.counts;
        Mended {
            missing,
            different,
            extra,
            left: after.counts.differences(),
            written: summary.puts,
            deleted: summary.deletes,
        }
    }
}

/// All that is told.
#[derive(Clone, Debug, Serialize)]
pub struct Told {
    /// The last comparison.
    #[serde(flatten)]
    pub found: Verified,
    /// What was done before it.
    #[serde(rename = "repaired", skip_serializing_if = "Option::is_none")]
    pub mended: Option<Mended>,
}

impl Told {
    /// One JSON object.
    pub fn json(&self) -> String {
        // Strings, numbers and maps by strings: that cannot fail.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// Lines of text.
    pub fn human(&self) -> String {
        let mut text = String::new();
        let examples = &self.found.examples;
        list(
            &mut text,
            "missing",
            &examples.missing,
            self.found.counts.missing,
        );
        list(
            &mut text,
            "different",
            &examples.different,
            self.found.counts.different,
        );
        list(&mut text, "extra", &examples.extra, self.found.counts.extra);
        list(&mut text, "held", &examples.held, self.found.counts.held);
        let left_out = self.found.counts.left_out;
        list(&mut text, "left out", &examples.left_out, left_out);
        list(&mut text, "unclear", &examples.unclear, self.found.unclear);
        self.rules(&mut text);
        self.summary(&mut text);
        text
    }

    fn rules(&self, text: &mut String) {
        for (rule, counts) in &self.found.rules {
            let Counts {
                selected, equal, ..
            } = counts;
            let mut line = format!("rule `{rule}`: {selected} selected, {equal} equal");
            for (count, what) in [
                (counts.missing, "missing"),
                (counts.different, "different"),
                (counts.extra, "extra"),
                (counts.held, "held"),
                (counts.left_out, "left out"),
                (counts.unsettled, "changing"),
            ] {
                if count > 0 {
                    let _ = write!(line, ", {count} {what}");
                }
            }
            let _ = writeln!(text, "{line}");
        }
    }

    fn summary(&self, text: &mut String) {
        let Verified {
            revision, counts, ..
        } = &self.found;
        if let Some(mended) = &self.mended {
            let Mended {
                missing,
                different,
                extra,
                left,
                written,
                deleted,
            } = mended;
            let _ = writeln!(
                text,
                "repaired: {missing} missing, {different} different and {extra} extra keys were found; {written} written, {deleted} deleted; {left} left"
            );
        }
        let verdict = match self.found.equal {
            true => "equal".to_owned(),
            false => format!(
                "{}: {} missing, {} different, {} extra",
                numbered(counts.differences(), "difference"),
                counts.missing,
                counts.different,
                counts.extra
            ),
        };
        let _ = writeln!(
            text,
            "at revision {revision}: {} of {} selected keys are equal; {verdict}",
            counts.equal, counts.selected
        );
        self.remarks(text);
    }

    /// A line for what is neither equal nor different.
    fn remarks(&self, text: &mut String) {
        if !self.found.ledger && self.found.counts.missing > 0 {
            text.push_str(NO_LEDGER);
        }
        for (policy, count) in &self.found.left_out_by {
            let keys = numbered(*count, "key");
            let _ = writeln!(text, "{keys} left out by the policy `{policy}`");
        }
        let Verified {
            counts,
            foreign,
            unclear,
            retired,
            ..
        } = &self.found;
        for (count, of_one, of_many) in [
            (
                counts.held,
                "held: it cannot be judged, read or encrypted, or waits for something at the destination, and is neither equal nor different",
                "held: they cannot be judged, read or encrypted, or wait for something at the destination, and are neither equal nor different",
            ),
            (
                counts.unsettled,
                "changed whenever it was looked at",
                "changed whenever they were looked at",
            ),
            (
                *retired,
                "kept though no rule selects it any more",
                "kept though no rule selects them any more",
            ),
            (
                *foreign,
                "not carry's, left alone",
                "not carry's, left alone",
            ),
            (*unclear, UNCLEAR, UNCLEAR),
        ] {
            let what = if count == 1 { of_one } else { of_many };
            if count > 0 {
                let _ = writeln!(text, "{} {what}", numbered(count, "key"));
            }
        }
    }
}

const NO_LEDGER: &str =
    "without the ledger, what carry holds or leaves out counts as missing: give its `--db-path`\n";

const UNCLEAR: &str = "carry's or the standby's own: only the ledger can say, give its `--db-path`";

fn list(text: &mut String, what: &str, examples: &[Example], count: u64) {
    for Example { key, rule, reason } in examples {
        let rule = rule
            .as_ref()
            .map_or(String::new(), |rule| format!(" (rule `{rule}`)"));
        let reason = reason
            .as_ref()
            .map_or(String::new(), |reason| format!(": {reason}"));
        let _ = writeln!(text, "{what} {key}{rule}{reason}");
    }
    let shown = u64::try_from(examples.len()).unwrap_or(u64::MAX);
    if !examples.is_empty() && count > shown {
        let _ = writeln!(text, "{what} … and {} more", count - shown);
    }
}
