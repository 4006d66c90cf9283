//! Notes below a text, each at its column, with lines that lead to them: how
//! the values of an expression are shown.
//!
//! Promises that every line begins in the column of what it leads to, with tabs
//! and with characters of any width, and that a text is broken where that is
//! needed for everything to fit, if it can be. Deliberately knows nothing of
//! what the text says.

use std::ops::Range;

use unicode_width::UnicodeWidthStr as _;

/// What is said of one place of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The place: an offset in the text.
    pub at: usize,
    /// What is said: one line.
    pub text: String,
}

/// One line of what is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// A piece of the text.
    Text {
        /// The line of the text that it is of, from 0.
        line: usize,
        /// Whether that line began before it.
        continues: bool,
        /// The piece.
        text: String,
    },
    /// Notes, and lines that lead to notes further below.
    Notes(String),
}

/// What leads from a place to its note.
const LEAD: &str = "│";

/// How far the rest of a line is indented.
const CONTINUED: usize = 2;

/// No piece is shorter.
const SHORTEST: usize = 4;

/// Columns between the stops of tabs.
const TAB: usize = 4;

/// `text` with `notes` below each of its lines. `breaks` are places where a
/// line that is too long for `width` columns may be broken, each with how bad
/// that is: the best that serve are taken.
pub fn below(text: &str, notes: &[Note], breaks: &[(usize, usize)], width: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut start = 0;
    for (number, line) in text.split('\n').enumerate() {
        let end = start + line.len();
        let within = Line {
            text: line,
            start,
            last: end == text.len(),
            notes,
        };
        for (index, piece) in within.pieces(breaks, width).into_iter().enumerate() {
            let indent = if index == 0 { 0 } else { CONTINUED };
            let piece = Piece::new(&within, piece, indent);
            rows.push(Row::Text {
                line: number,
                continues: index > 0,
                text: piece.text.trim_end().to_owned(),
            });
            rows.extend(piece.rows().into_iter().map(Row::Notes));
        }
        start = end + 1;
    }
    rows
}

/// A line of the text.
struct Line<'t> {
    text: &'t str,
    /// Where it begins in the text.
    start: usize,
    last: bool,
    notes: &'t [Note],
}

impl Line<'_> {
    /// Where its pieces are, as offsets in it: as few as fit.
    fn pieces(&self, breaks: &[(usize, usize)], width: usize) -> Vec<Range<usize>> {
        let mut pieces = Vec::new();
        let mut start = 0;
        while start < self.text.len() {
            let indent = if start == 0 { 0 } else { CONTINUED };
            // Few characters take no column: what is far longer cannot fit.
            let fits = |end: usize| {
                end - start <= width.saturating_mul(8)
                    && Piece::new(self, start..end, indent).width() <= width
            };
            let end = match fits(self.text.len()) {
                true => self.text.len(),
                false => self.end_of_piece(start, breaks, &fits),
            };
            // White space between two pieces ends the first.
            let rest = self.text.get(end..).unwrap_or_default();
            let next = end + rest.len() - rest.trim_start().len();
            pieces.push(start..next);
            start = next;
        }
        if pieces.is_empty() {
            pieces.push(0..0);
        }
        pieces
    }

    /// The best place to break it after `start`: of those that fit the least
    /// bad, and the last of these; else between words; else the first there is.
    fn end_of_piece(
        &self,
        start: usize,
        breaks: &[(usize, usize)],
        fits: &dyn Fn(usize) -> bool,
    ) -> usize {
        let rest = self.text.get(start..).unwrap_or_default();
        let indent = rest.len() - rest.trim_start().len();
        // An operator alone would be a line that says nothing.
        let first = start + indent + SHORTEST;
        let own = breaks.iter().filter_map(|(at, cost)| {
            let at = at.checked_sub(self.start)?;
            let inside = first < at && at < self.text.len() && self.text.is_char_boundary(at);
            inside.then_some((at, *cost))
        });
        let own: Vec<(usize, usize)> = own.collect();
        let best = own.iter().filter(|(at, _)| fits(*at));
        if let Some((at, _)) = best.min_by_key(|(at, cost)| (*cost, std::cmp::Reverse(*at))) {
            return *at;
        }
        let words = rest.match_indices(' ').map(|(at, _)| start + at + 1);
        let mut words = words.skip_while(|at| *at <= first).peekable();
        let next = words.peek().copied();
        let fitting = words.take_while(|at| fits(*at)).last();
        let nearest = own.iter().map(|(at, _)| *at).chain(next).min();
        fitting.or(nearest).unwrap_or(self.text.len())
    }
}

/// A piece of a line, as it is shown.
struct Piece {
    text: String,
    /// Columns and notes, in the order of the columns.
    notes: Vec<(usize, String)>,
}

impl Piece {
    fn new(line: &Line<'_>, range: Range<usize>, indent: usize) -> Piece {
        let mut shown = Piece {
            text: " ".repeat(indent),
            notes: Vec::new(),
        };
        let whole = range.end == line.text.len();
        let mut notes: Vec<&Note> = line.notes.iter().collect();
        notes.retain(|note| {
            let at = note.at.checked_sub(line.start);
            at.is_some_and(|at| range.contains(&at) || whole && line.last && at == range.end)
        });
        notes.sort_by_key(|note| note.at);
        let mut notes = notes.into_iter().peekable();
        let piece = line.text.get(range.clone()).unwrap_or_default();
        for (at, c) in piece.char_indices() {
            let at = line.start + range.start + at;
            while let Some(note) = notes.next_if(|note| note.at < at + c.len_utf8()) {
                let column = shown.text.width();
                shown.notes.push((column, note.text.clone()));
            }
            match c {
                '\t' => {
                    let stop = TAB - shown.text.width() % TAB;
                    shown.text.extend(std::iter::repeat_n(' ', stop));
                }
                c if is_hidden(c) => shown.text.push('\u{fffd}'),
                c => shown.text.push(c),
            }
        }
        let column = shown.text.width();
        shown
            .notes
            .extend(notes.map(|note| (column, note.text.clone())));
        shown
    }

    /// The columns that it takes with all its notes.
    fn width(&self) -> usize {
        let notes = self
            .notes
            .iter()
            .map(|(column, text)| column + text.width());
        notes
            .chain([self.text.trim_end().width()])
            .max()
            .unwrap_or(0)
    }

    /// From the right to the left, each note as far up as there is room for it.
    fn rows(&self) -> Vec<String> {
        let Some(_) = self.notes.first() else {
            return Vec::new();
        };
        let mut rows: Vec<Vec<(usize, &str)>> = vec![Vec::new(), Vec::new()];
        for (column, text) in self.notes.iter().rev() {
            lead(&mut rows[0], *column);
            let end = column + text.width();
            let free = |row: &Vec<(usize, &str)>| row.last().is_none_or(|(next, _)| end < *next);
            let at = rows.iter().skip(1).position(free).map(|at| at + 1);
            let at = at.unwrap_or_else(|| {
                rows.push(Vec::new());
                rows.len() - 1
            });
            rows[1..at].iter_mut().for_each(|row| lead(row, *column));
            rows[at].push((*column, text));
        }
        rows.iter().map(|row| drawn(row)).collect()
    }
}

fn lead(row: &mut Vec<(usize, &str)>, column: usize) {
    // Two notes of one place have one line.
    if row.last().is_none_or(|(next, _)| *next > column) {
        row.push((column, LEAD));
    }
}

/// A row, which is filled from the right.
fn drawn(row: &[(usize, &str)]) -> String {
    let (mut out, mut width) = (String::new(), 0);
    for (column, text) in row.iter().rev() {
        out.extend(std::iter::repeat_n(' ', column.saturating_sub(width)));
        out.push_str(text);
        width = (*column).max(width) + text.width();
    }
    out
}

/// Characters that a terminal acts on, or that show others in another order.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
