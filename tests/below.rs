//! Notes below a text: columns of tabs and of wide characters, and where long
//! lines are broken.

use carry::diagnostic::{Note, Row, below};
use proptest::prelude::*;
use unicode_width::UnicodeWidthStr as _;

fn note(at: usize, text: &str) -> Note {
    Note {
        at,
        text: text.to_owned(),
    }
}

/// A note at each `*` of the text, which is taken out.
fn drawn(marked: &str, notes: &[&str], width: usize) -> String {
    let text = marked.replace('*', "");
    let places = marked.match_indices('*').enumerate();
    let places = places.map(|(before, (at, _))| at - before);
    let notes: Vec<Note> = places.zip(notes).map(|(at, text)| note(at, text)).collect();
    let breaks: Vec<(usize, usize)> = text.match_indices("&&").map(|(at, _)| (at, 0)).collect();
    let mut out = String::from("\n");
    for row in below(&text, &notes, &breaks, width) {
        let row = match row {
            Row::Text {
                line,
                continues,
                text,
            } => {
                format!("{line}{} {text}", if continues { '+' } else { ' ' })
            }
            Row::Notes(text) => format!("   {text}"),
        };
        out.push_str(row.trim_end());
        out.push('\n');
    }
    out
}

#[test]
fn notes_stand_at_their_columns() {
    assert_eq!(
        drawn("*a *== *b", &["1", "false", "2"], 80),
        "
0  a == b
   │ │  │
   1 │  2
     false
"
    );
    assert_eq!(drawn("nothing", &[], 80), "\n0  nothing\n");
    assert_eq!(drawn("", &[], 80), "\n0\n");
    // At the very end, and two at one place.
    assert_eq!(
        drawn("ab**c*", &["1", "22", "3"], 80),
        "
0  abc
     ││
     │3
     22
     1
"
    );
}

/// Columns are those of a terminal, not characters or bytes.
#[test]
fn wide_and_combining_characters_and_tabs() {
    assert_eq!(
        drawn("x\t*== \"東京\" *&& e\u{301}*z", &["a", "b", "c"], 80),
        "
0  x   == \"東京\" && e\u{301}z
       │         │   │
       a         b   c
"
    );
    // Notes may be wide themselves.
    assert_eq!(
        drawn("*a *b *c", &["東", "京", "x"], 80),
        "
0  a b c
   │ │ │
   │ │ x
   │ 京
   東
"
    );
    assert_eq!(
        drawn("a\u{7}\u{202e}b", &[], 80),
        "\n0  a\u{fffd}\u{fffd}b\n"
    );
}

#[test]
fn long_lines_are_broken_at_the_best_place() {
    let text = "one *== 1 && two *== 2 && three *== 3";
    assert_eq!(
        drawn(text, &["true", "true", "false"], 24),
        "
0  one == 1 && two == 2
       │           │
       true        true
0+   && three == 3
              │
              false
"
    );
    // What does not fit is a note.
    assert_eq!(
        drawn("one *== 1 && two *== 2", &["true", "a longer note"], 24),
        "
0  one == 1
       │
       true
0+   && two == 2
            │
            a longer note
"
    );
    // Without a good place between words, and with none at all as it is.
    assert_eq!(
        drawn("aaaaaaaaaa bbbbbbbbbb cccccccccc", &[], 24),
        "\n0  aaaaaaaaaa bbbbbbbbbb\n0+   cccccccccc\n"
    );
    let long = "a".repeat(40);
    assert_eq!(drawn(&long, &[], 24), format!("\n0  {long}\n"));
}

#[test]
fn lines_of_the_text_have_their_own_notes() {
    assert_eq!(
        drawn("*a &&\n\n  *b\n", &["1", "2"], 80),
        "
0  a &&
   │
   1
1
2    b
     │
     2
3
"
    );
}

proptest! {
    /// Whatever the text: nothing is lost, every note is there, and it ends.
    #[test]
    fn nothing_is_lost(
        text in "[a-c &|\t\n東e\u{301}]{0,80}",
        places in prop::collection::vec(0_usize..90, 0..8),
        width in 0_usize..60,
    ) {
        let places: Vec<usize> = places.into_iter().filter(|at| text.is_char_boundary(*at)).collect();
        let notes: Vec<Note> = places.iter().enumerate().map(|(n, at)| note(*at, &format!("<{n}>"))).collect();
        let breaks: Vec<(usize, usize)> = text.match_indices("&&").map(|(at, _)| (at, 0)).collect();
        let rows = below(&text, &notes, &breaks, width);
        let visible = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        let mut shown = String::new();
        let mut told = String::new();
        for row in &rows {
            match row {
                Row::Text { text, .. } => shown.push_str(text),
                Row::Notes(text) => told.push_str(text),
            }
        }
        prop_assert_eq!(visible(&shown), visible(&text));
        for (n, at) in places.iter().enumerate() {
            // A note on the end of a line that is not the last has no place.
            let at_end = text.as_bytes().get(*at) == Some(&b'\n');
            prop_assert!(at_end || told.contains(&format!("<{n}>")), "{:?} of {:?}", n, rows);
        }
    }

    /// Every note begins in the column of what it is of, and the rows above it
    /// lead there.
    #[test]
    fn notes_are_led_to(text in "[a-c東\t]{1,30}", places in prop::collection::btree_set(0_usize..30, 1..8)) {
        let places: Vec<usize> = places.into_iter().filter(|at| *at < text.len() && text.is_char_boundary(*at)).collect();
        let notes: Vec<Note> = places.iter().enumerate().map(|(n, at)| note(*at, &format!("<{n}>"))).collect();
        let rows = below(&text, &notes, &[], 500);
        let Some(Row::Text { text: shown, .. }) = rows.first() else {
            return Err(TestCaseError::fail("no text"));
        };
        for (n, at) in places.iter().enumerate() {
            let before: String = text[..*at].chars().filter(|c| *c == '東').collect();
            let mut column = 0;
            for c in text[..*at].chars() {
                column = if c == '\t' { column / 4 * 4 + 4 } else { column + c.to_string().width() };
            }
            prop_assert!(shown.width() >= column || text[*at..].trim().is_empty(), "{}", before);
            let wanted = format!("<{n}>");
            let mut found = false;
            for row in &rows[1..] {
                let Row::Notes(row) = row else { continue };
                let start = row.char_indices().find(|(at, _)| row[..*at].width() == column);
                let rest = start.map_or("", |(at, _)| &row[at..]);
                if rest.starts_with(&wanted) {
                    found = true;
                    break;
                }
                prop_assert!(rest.starts_with('│'), "{:?}", rows);
            }
            prop_assert!(found, "{:?}", rows);
        }
    }
}

/// A line as long as conditions may be is laid out in no time to speak of.
#[test]
fn the_longest_lines() {
    let names: Vec<String> = (0..6_000).map(|at| format!("'name-{at:06}'")).collect();
    let text = format!("a in [{}] && b", names.join(", "));
    let commas = text.match_indices(", ").map(|(at, _)| (at + 2, 1));
    let breaks: Vec<(usize, usize)> = commas.collect();
    let notes = [note(2, "true"), note(text.len() - 1, "false")];
    for (breaks, width) in [(&breaks[..], 80), (&[], 80), (&[], 1), (&breaks[..], 1)] {
        let rows = below(&text, &notes, breaks, width);
        assert!(rows.len() > 1_000, "{}", rows.len());
    }
    let unbroken = "a".repeat(100_000);
    assert_eq!(below(&unbroken, &[], &[], 80).len(), 1);
    let places: Vec<Note> = (0..500).map(|at| note(at * 200, "1")).collect();
    assert!(below(&unbroken, &places, &[], 80).len() >= 3);
}
