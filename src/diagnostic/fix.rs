//! Changes to a text that mend what was found.
//!
//! Promises that applying them touches nothing but what they name.
//! Deliberately does not know what the text means: whoever offers a fix
//! vouches for it.

use std::collections::BTreeMap;

use super::Span;

/// What to write instead of a part of the text; an insertion where the span is
/// empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced.
    pub span: Span,
    /// By what.
    pub text: String,
}

/// Edits that belong together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fix {
    /// They do not overlap.
    pub edits: Vec<Edit>,
}

impl Fix {
    /// `text` in the place of what stands at `span`.
    pub fn replace(span: Span, text: impl Into<String>) -> Fix {
        Fix { edits: Vec::new() }.and(span, text)
    }

    /// And this as well.
    pub fn and(mut self, span: Span, text: impl Into<String>) -> Fix {
        let text = text.into();
        self.edits.push(Edit { span, text });
        self
    }
}

/// `text` with as many of `fixes` as do not get in each other's way, the
/// earlier ones first; and how many those are.
pub fn apply<'f>(text: &str, fixes: impl IntoIterator<Item = &'f Fix>) -> (String, usize) {
    let mut taken = Taken::default();
    let mut count = 0;
    for fix in fixes {
        let within = |edit: &Edit| {
            let (start, end) = (edit.span.start as usize, edit.span.end as usize);
            text.get(start..end).is_some()
        };
        let fits = fix
            .edits
            .iter()
            .all(|edit| within(edit) && taken.has_room(edit.span));
        if fits && !fix.edits.is_empty() {
            for edit in &fix.edits {
                taken.0.insert(edit.span.start, edit);
            }
            count += 1;
        }
    }
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for edit in taken.0.values() {
        out.push_str(text.get(at..edit.span.start as usize).unwrap_or_default());
        out.push_str(&edit.text);
        at = edit.span.end as usize;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    (out, count)
}

/// Edits that do not overlap, by their first byte.
#[derive(Default)]
struct Taken<'f>(BTreeMap<u32, &'f Edit>);

impl Taken<'_> {
    /// Whether nothing of `span` is taken. Two insertions at one place would
    /// have no order: the first one has it.
    fn has_room(&self, span: Span) -> bool {
        let before = self.0.range(..=span.start).next_back();
        let after = self.0.range(span.start..).next();
        before.is_none_or(|(_, own)| own.span.end <= span.start && own.span.start != span.start)
            && after.is_none_or(|(start, _)| span.end <= *start && *start != span.start)
    }
}
