//! Comments for carry in a rules file: `# carry: allow W012 reason`.
//!
//! Before the first line of YAML such a comment holds for the whole file. At
//! the end of a line it holds for that line, in a line of its own for the next
//! one, and for all that is indented more and follows.
//!
//! Promises that text which only looks like a comment, within a scalar, is
//! none. Deliberately judges nothing (see `levels`).

use super::catalogue;
use super::codes;
use super::setting::Setting;
use crate::diagnostic::{Code, Diagnostic, Fix, Level, Span};

/// What a comment for carry begins with.
const MARK: &str = "carry:";

/// One comment that could be read.
#[derive(Clone, Debug)]
struct Directive {
    /// From `carry:` to the last code.
    span: Span,
    /// The whole comment, with the white space before it.
    whole: Span,
    codes: Vec<Code>,
    setting: Setting,
    /// What begins within this is concerned.
    scope: Span,
    /// Whether it may be for what nobody has looked for.
    excused: bool,
}

/// All comments for carry in one file.
#[derive(Clone, Debug, Default)]
pub struct Directives {
    read: Vec<Directive>,
    wrong: Vec<Diagnostic>,
}

impl Directives {
    /// The comments of `text`, where `scalars` finds the places of its scalars
    /// in their order.
    pub fn of(text: &str, scalars: impl FnOnce() -> Vec<Span>) -> Directives {
        let mut directives = Directives::default();
        if !text.contains(MARK) {
            return directives;
        }
        let scalars = scalars();
        let lines = Lines::new(text, &scalars);
        for (number, comment) in lines.comments() {
            let words = &text[comment.start as usize + 1..comment.end as usize];
            let begin = words.len() - words.trim_start().len();
            if !words[begin..].starts_with(MARK) {
                continue;
            }
            let at = comment.start as usize + 1 + begin;
            let directive = Words::new(text, Span::new(at, comment.end as usize));
            match directive.read() {
                Ok((setting, codes, span)) => directives.read.push(Directive {
                    span,
                    whole: lines.whole(number, comment),
                    codes,
                    setting,
                    scope: lines.scope(number, comment),
                    excused: false,
                }),
                Err(wrong) => directives.wrong.push(*wrong),
            }
        }
        directives
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.read.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.read.is_empty()
    }

    /// What the innermost comment says of a finding, and notes in `used` that
    /// it was of use.
    pub fn setting(&self, diagnostic: &Diagnostic, used: &mut [bool]) -> Option<Setting> {
        let at = diagnostic.place().start;
        let concerned = self.read.iter().enumerate().filter(|(_, own)| {
            own.codes.contains(&diagnostic.code) && own.scope.start <= at && at < own.scope.end
        });
        let (index, directive) =
            concerned.min_by_key(|(_, own)| own.scope.end - own.scope.start)?;
        if let Some(used) = used.get_mut(index) {
            *used = true;
        }
        Some(directive.setting)
    }

    /// What has one of `codes` was not looked for: comments for it are not
    /// blamed for being of no use.
    pub fn excuse(&mut self, codes: &[Code]) {
        for own in &mut self.read {
            own.excused |= own.codes.iter().any(|code| codes.contains(code));
        }
    }

    /// What is wrong with the comments themselves; `used` says which were of
    /// use.
    pub fn findings(&self, used: &[bool]) -> Vec<Diagnostic> {
        let mut found = self.wrong.clone();
        let unused = self.read.iter().zip(used);
        let unused = unused.filter(|(own, used)| !**used && !own.excused);
        for (directive, _) in unused {
            let word = directive.setting.word();
            let codes: Vec<&str> = directive.codes.iter().map(|code| code.as_str()).collect();
            let message = format!(
                "nothing is found here that `{word} {}` is for",
                codes.join(", ")
            );
            found.push(
                codes::UNUSED_DIRECTIVE
                    .at(directive.span, message)
                    .help("remove the comment")
                    .fix(Fix::replace(directive.whole, "")),
            );
        }
        found
    }
}

/// The words of one comment.
struct Words<'t> {
    text: &'t str,
    span: Span,
}

type Read = (Setting, Vec<Code>, Span);

impl<'t> Words<'t> {
    fn new(text: &'t str, span: Span) -> Words<'t> {
        Words { text, span }
    }

    /// The setting, the codes, and up to where they go.
    fn read(&self) -> Result<Read, Box<Diagnostic>> {
        let (start, end) = (self.span.start as usize, self.span.end as usize);
        let mut at = start + MARK.len();
        let word = self.next(&mut at);
        let setting = Setting::ALL.into_iter().find(|own| own.word() == word.0);
        let Some(setting) = setting else {
            let place = if word.0.is_empty() { self.span } else { word.1 };
            let message = match word.0 {
                "" => "this comment for carry says nothing".to_owned(),
                word => format!("a comment for carry cannot say `{word}`"),
            };
            return Err(Box::new(codes::BAD_DIRECTIVE.at(place, message).help(
                "write `# carry: allow W012 reason`; instead of `allow` also `note`, `warn` or `deny`",
            )));
        };
        let mut found: Vec<Code> = Vec::new();
        let mut last = word.1.end as usize;
        while at < end {
            let word = self.next(&mut at);
            let name = word.0.trim_end_matches(',');
            match catalogue::code(name) {
                Some(code) if code.level() == Level::Error => {
                    let message = format!(
                        "`{code}` is an error and cannot be set to `{}`",
                        setting.word()
                    );
                    let help = "only warnings and notes have levels that can be set";
                    return Err(Box::new(
                        codes::BAD_DIRECTIVE.at(word.1, message).help(help),
                    ));
                }
                Some(code) => found.push(code),
                None if looks_like_code(name) => {
                    let message = format!("there is no code `{name}`");
                    let help = "`carry check-rules --explain all` lists the codes";
                    return Err(Box::new(
                        codes::BAD_DIRECTIVE.at(word.1, message).help(help),
                    ));
                }
                // The reason.
                None => break,
            }
            last = word.1.start as usize + name.len();
        }
        if found.is_empty() {
            let message = format!("`{}` names no code", setting.word());
            let help = "name the codes that are meant: `# carry: allow W012 reason`";
            return Err(Box::new(
                codes::BAD_DIRECTIVE.at(self.span, message).help(help),
            ));
        }
        Ok((setting, found, Span::new(start, last)))
    }

    /// The word at or after `at`, which is moved behind it.
    fn next(&self, at: &mut usize) -> (&'t str, Span) {
        let rest = &self.text[*at..self.span.end as usize];
        let start = *at + rest.len() - rest.trim_start().len();
        let word = rest.split_whitespace().next().unwrap_or_default();
        *at = start + word.len();
        (word, Span::new(start, *at))
    }
}

/// A letter and digits, which nobody's reason begins with.
fn looks_like_code(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic())
        && word.len() > 1
        && chars.all(|c| c.is_ascii_digit())
}

/// The lines of a file and where its scalars are.
struct Lines<'t> {
    text: &'t str,
    /// Where each line begins.
    starts: Vec<usize>,
    /// How far each line is indented that holds more than white space, a
    /// comment, or `---`.
    indents: Vec<Option<usize>>,
    scalars: &'t [Span],
}

impl<'t> Lines<'t> {
    fn new(text: &'t str, scalars: &'t [Span]) -> Lines<'t> {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1));
        let mut lines = Lines {
            text,
            starts: starts.collect(),
            indents: Vec::new(),
            scalars,
        };
        let numbers = 0..lines.starts.len();
        lines.indents = numbers.map(|number| lines.content(number)).collect();
        lines
    }

    /// The line without its break.
    fn line(&self, number: usize) -> &'t str {
        let start = self.starts.get(number).copied().unwrap_or(self.text.len());
        let rest = &self.text[start..];
        rest.split('\n')
            .next()
            .unwrap_or_default()
            .trim_end_matches('\r')
    }

    /// Every comment with the number of its line.
    fn comments(&self) -> impl Iterator<Item = (usize, Span)> + '_ {
        (0..self.starts.len()).filter_map(|number| Some((number, self.comment(number)?)))
    }

    /// The comment of a line: from its `#`, which stands at the begin or after
    /// white space, to the end of the line.
    fn comment(&self, number: usize) -> Option<Span> {
        let (start, line) = (self.starts[number], self.line(number));
        let marks = line.match_indices('#').map(|(at, _)| at);
        let mut comments = marks.filter(|at| {
            let before = line[..*at].chars().next_back();
            before.is_none_or(char::is_whitespace) && !self.within_scalar(start + at)
        });
        let at = comments.next()?;
        Some(Span::new(start + at, start + line.trim_end().len()))
    }

    fn within_scalar(&self, at: usize) -> bool {
        let after = self.scalars.partition_point(|own| own.start as usize <= at);
        let before = after.checked_sub(1).and_then(|own| self.scalars.get(own));
        before.is_some_and(|own| at < own.end as usize)
    }

    /// What is removed with the comment: its line, where it stands alone.
    fn whole(&self, number: usize, comment: Span) -> Span {
        let start = self.starts[number];
        let before = &self.text[start..comment.start as usize];
        if before.trim().is_empty() {
            let end = self.starts.get(number + 1).copied();
            return Span::new(start, end.unwrap_or(self.text.len()));
        }
        Span::new(start + before.trim_end().len(), comment.end as usize)
    }

    /// What a comment is for.
    fn scope(&self, number: usize, comment: Span) -> Span {
        let alone = self.is_blank_before(number, comment.start as usize);
        let content = |from: usize| {
            let rest = self.indents.iter().enumerate().skip(from);
            rest.filter_map(|(line, indent)| Some((line, (*indent)?)))
        };
        if alone && content(0).next().is_none_or(|(first, _)| number < first) {
            return Span::new(0, self.text.len() + 1);
        }
        let target = content(number + usize::from(alone)).next();
        let Some((target, own)) = target else {
            return Span::new(self.text.len(), self.text.len());
        };
        let after = content(target + 1).find(|(_, indent)| *indent <= own);
        let end = after.map_or(self.text.len() + 1, |(line, _)| self.starts[line]);
        Span::new(self.starts[target], end)
    }

    fn is_blank_before(&self, number: usize, at: usize) -> bool {
        self.text[self.starts[number]..at].trim().is_empty()
    }

    /// How far the line is indented, if it holds anything.
    fn content(&self, number: usize) -> Option<usize> {
        let line = self.line(number);
        let content = match self.comment(number) {
            Some(comment) => &line[..comment.start as usize - self.starts[number]],
            None => line,
        };
        let text = content.trim_start_matches('\u{feff}').trim();
        let indent = line.len() - line.trim_start_matches(' ').len();
        (!text.is_empty() && text != "---").then_some(indent)
    }
}
