//! `README.md` and `README-zh_CN.md` say the same: headings, code, tables,
//! lists and what stands in backticks are alike, and links lead somewhere.
//!
//! Each rule is a function from texts to findings; below stands for each that
//! a text which breaks it is found. Deliberately does not judge the words.

use std::collections::BTreeSet;
use std::path::Path;

const ENGLISH: &str = "README.md";
const CHINESE: &str = "README-zh_CN.md";

/// A heading and what stands under it, up to the next heading of any level.
#[derive(Debug, Default)]
struct Section {
    level: usize,
    title: String,
    /// Whole blocks, with their fences.
    code: Vec<String>,
    tables: Vec<Vec<Row>>,
    items: usize,
    paragraphs: usize,
    /// What stands in backticks outside of code blocks and tables, sorted.
    quoted: Vec<String>,
}

/// For each cell of a table's row, what stands in backticks, sorted.
type Row = Vec<Vec<String>>;

#[derive(PartialEq, Eq)]
enum Kind {
    Blank,
    Paragraph,
    Item,
    Table,
}

// ---------------------------------------------------------------------------
// Reading Markdown, as far as it is used here

fn sections(text: &str) -> Vec<Section> {
    let mut sections = Vec::new();
    let mut before = Kind::Blank;
    let mut prose = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some((level, title)) = heading(line) {
            close(&mut sections, &mut prose);
            sections.push(Section {
                level,
                title: title.to_owned(),
                ..Section::default()
            });
            before = Kind::Blank;
            continue;
        }
        let Some(section) = sections.last_mut() else {
            panic!("{line:?} stands before any heading");
        };
        if line.starts_with("```") {
            section.code.push(code_block(line, &mut lines));
            before = Kind::Blank;
            continue;
        }
        let kind = kind(line, &before);
        match kind {
            Kind::Table if before == Kind::Table => {
                let table = section.tables.last_mut().expect("a table");
                table.push(row(line));
            }
            Kind::Table => section.tables.push(vec![row(line)]),
            Kind::Item if is_item(line) => section.items += 1,
            Kind::Paragraph if before != Kind::Paragraph => section.paragraphs += 1,
            _ => {}
        }
        if kind != Kind::Table {
            prose.push_str(line);
            prose.push(' ');
        }
        before = kind;
    }
    close(&mut sections, &mut prose);
    sections
}

/// Gives the last section what its prose has in backticks.
fn close(sections: &mut [Section], prose: &mut String) {
    if let Some(last) = sections.last_mut() {
        last.quoted = quoted(prose);
    }
    prose.clear();
}

fn heading(line: &str) -> Option<(usize, &str)> {
    let title = line.trim_start_matches('#');
    let level = line.len() - title.len();
    title
        .strip_prefix(' ')
        .filter(|_| (1..=6).contains(&level))
        .map(|title| (level, title))
}

fn code_block<'t>(opening: &str, lines: &mut impl Iterator<Item = &'t str>) -> String {
    let mut block = opening.to_owned();
    for line in lines {
        block.push('\n');
        block.push_str(line);
        if line == "```" {
            return block;
        }
    }
    panic!("a block of code that does not end: {block}");
}

/// What a line is, after one of the kind `before`.
fn kind(line: &str, before: &Kind) -> Kind {
    match before {
        _ if line.trim().is_empty() => Kind::Blank,
        _ if line.starts_with('|') => Kind::Table,
        _ if is_item(line) => Kind::Item,
        Kind::Item => Kind::Item,
        _ => Kind::Paragraph,
    }
}

fn is_item(line: &str) -> bool {
    let line = line.trim_start();
    let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    line.starts_with("- ") || (number.len() < line.len() && number.starts_with(". "))
}

fn row(line: &str) -> Row {
    let line = line.replace("\\|", "\u{1}");
    let inner = line.trim().trim_start_matches('|').trim_end_matches('|');
    let cells = inner.split('|').map(quoted);
    cells.collect()
}

fn quoted(text: &str) -> Vec<String> {
    let spans = text.split('`').skip(1).step_by(2);
    let mut spans: Vec<_> = spans.map(str::to_owned).collect();
    spans.sort_unstable();
    spans
}

/// The targets of all links outside of code.
fn links(text: &str) -> Vec<String> {
    let mut prose = String::new();
    let mut in_code = false;
    for line in text.lines() {
        let fence = line.starts_with("```");
        in_code ^= fence;
        if !in_code && !fence {
            prose.push_str(line);
            prose.push(' ');
        }
    }
    let outside: String = prose.split('`').step_by(2).collect();
    let targets = outside.split("](").skip(1);
    targets
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.to_owned())
        .collect()
}

/// The anchor that GitHub gives a heading.
fn slug(title: &str) -> String {
    let kept = title.to_lowercase();
    kept.chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

// ---------------------------------------------------------------------------
// The rules

fn differences(english: &str, chinese: &str) -> Vec<String> {
    let (english, chinese) = (sections(english), sections(chinese));
    let mut findings = Vec::new();
    if english.len() != chinese.len() {
        let (left, right) = (english.len(), chinese.len());
        findings.push(format!("{left} headings are not {right}"));
    }
    for (left, right) in english.iter().zip(&chinese) {
        let place = format!("`{}` and `{}`", left.title, right.title);
        let mut differ = |what: &str, left: String, right: String| {
            if left != right {
                findings.push(format!("{place}: {what}: {left} is not {right}"));
            }
        };
        let counts = |what: [usize; 2]| what.map(|count| count.to_string());
        let [levels, items, paragraphs] = [
            ("level", [left.level, right.level]),
            ("list items", [left.items, right.items]),
            ("paragraphs", [left.paragraphs, right.paragraphs]),
        ];
        for (what, both) in [levels, items, paragraphs] {
            let [left, right] = counts(both);
            differ(what, left, right);
        }
        differ("code", left.code.join("\n"), right.code.join("\n"));
        let [english, chinese] = [left, right].map(|section| section.quoted.join("` `"));
        differ("backticks", english, chinese);
        tables_differ(&left.tables, &right.tables, &mut differ);
    }
    findings
}

fn tables_differ(
    english: &[Vec<Row>],
    chinese: &[Vec<Row>],
    differ: &mut impl FnMut(&str, String, String),
) {
    let count = |tables: &[Vec<Row>]| tables.len().to_string();
    differ("tables", count(english), count(chinese));
    for (left, right) in english.iter().zip(chinese) {
        differ("rows", left.len().to_string(), right.len().to_string());
        for (left, right) in left.iter().zip(right) {
            differ("row", format!("{left:?}"), format!("{right:?}"));
        }
    }
}

/// Links to headings that there are not, and to files that are not there.
fn broken_links(name: &str, text: &str, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let sections = sections(text);
    let anchors: BTreeSet<_> = sections
        .iter()
        .map(|section| slug(&section.title))
        .collect();
    let mut findings = Vec::new();
    if anchors.len() != sections.len() {
        findings.push(format!("{name}: two headings of one anchor"));
    }
    let good = |target: &str| match target.strip_prefix('#') {
        Some(anchor) => anchors.contains(anchor),
        None => target.starts_with("https://") || exists(target),
    };
    let broken = links(text).into_iter().filter(|target| !good(target));
    findings.extend(broken.map(|target| format!("{name}: `{target}` leads nowhere")));
    findings
}

/// Whether the line below the title is a link to the other file.
fn leads_to_the_other(text: &str, link: &str) -> bool {
    let lines: Vec<_> = text.lines().take(4).collect();
    matches!(lines[..], [title, "", second, ""] if title.starts_with("# ") && second == link)
}

/// `**` that closes behind punctuation and before a letter is no bold type to
/// GitHub: easily written in Chinese, which has no space there.
fn bold_that_does_not_close(text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line: String = line.split('`').step_by(2).collect::<Vec<_>>().join("x");
        let parts: Vec<_> = line.split("**").collect();
        let closings = parts.windows(2).skip(1).step_by(2);
        let open = |pair: &&[&str]| {
            let last = pair[0].chars().next_back();
            let next = pair[1].chars().next();
            last.is_some_and(|c| !c.is_alphanumeric()) && next.is_some_and(char::is_alphanumeric)
        };
        if closings.clone().any(|pair| open(&pair)) {
            findings.push(format!("line {}: bold type that does not close", at + 1));
        }
    }
    findings
}

// ---------------------------------------------------------------------------
// The files

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    std::fs::read_to_string(top().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[track_caller]
fn assert_none(findings: &[String]) {
    let count = findings.len();
    assert!(count == 0, "{count} finding(s):\n{}", findings.join("\n"));
}

#[test]
fn both_say_the_same() {
    assert_none(&differences(&read(ENGLISH), &read(CHINESE)));
}

#[test]
fn links_lead_somewhere() {
    for name in [ENGLISH, CHINESE] {
        let exists = |target: &str| {
            let path = target.split('#').next().unwrap_or_default();
            top().join(path).exists()
        };
        assert_none(&broken_links(name, &read(name), exists));
    }
}

#[test]
fn each_leads_to_the_other() {
    let there = format!("[简体中文]({CHINESE})");
    let back = format!("[English]({ENGLISH})");
    assert!(leads_to_the_other(&read(ENGLISH), &there));
    assert!(leads_to_the_other(&read(CHINESE), &back));
}

#[test]
fn bold_type_closes() {
    assert_none(&bold_that_does_not_close(&read(CHINESE)));
}

// ---------------------------------------------------------------------------
// Each rule finds what breaks it, and only that

mod finds {
    use super::*;

    const LEFT: &str = "\
# carry

Takes `a` and
`b c`. It

1. does `x`
   and more;
2. ends.

```sh
# no heading
- no item
```

## The `--flag` table

| flag | meaning |
|---|---|
| `--only a\\|b` | see [above](#carry), `d` |
";

    const RIGHT: &str = "\
# carry

取 `b c` 和 `a`。它

1. 做 `x` 以及更多；
2. 结束。

```sh
# no heading
- no item
```

## `--flag` 表

| 参数 | 含义 |
|---|---|
| `--only a\\|b` | `d`，见[上文](#carry) |
";

    /// The findings where one text of the Chinese file is another one.
    #[track_caller]
    fn changed(from: &str, to: &str, expected: &[&str]) {
        assert!(RIGHT.contains(from), "{from:?}");
        let found = differences(LEFT, &RIGHT.replacen(from, to, 1));
        let as_expected = found.iter().zip(expected);
        let all = as_expected.fold(true, |all, (found, end)| all && found.contains(end));
        assert!(
            all && found.len() == expected.len(),
            "{found:?} are not {expected:?}"
        );
    }

    #[test]
    fn nothing_in_what_is_alike() {
        assert_none(&differences(LEFT, RIGHT));
        let read = sections(LEFT);
        let counts = |section: &Section| (section.level, section.items, section.paragraphs);
        let counted: Vec<_> = read.iter().map(counts).collect();
        assert_eq!(counted, [(1, 2, 1), (2, 0, 0)]);
        assert_eq!(read[0].code, ["```sh\n# no heading\n- no item\n```"]);
        assert_eq!(read[0].quoted, ["a", "b c", "x"]);
        assert_eq!(read[1].tables[0].len(), 3);
    }

    #[test]
    fn headings_that_differ() {
        changed("## ", "### ", &["level: 2 is not 3"]);
        changed(
            "2. 结束。",
            "2. 结束。\n\n# 更多",
            &[
                "2 headings are not 3",
                "code: ",
                "level: 2 is not 1",
                "code:  is not ```sh",
                "tables: 1 is not 0",
            ],
        );
    }

    #[test]
    fn code_that_differs() {
        changed("# no heading", "# 不是标题", &["`carry` and `carry`: code"]);
        changed("```sh", "```", &["code"]);
    }

    #[test]
    fn prose_that_differs() {
        changed("2. 结束。\n", "", &["list items: 2 is not 1"]);
        changed("它\n", "它\n\n又一段\n", &["paragraphs: 1 is not 2"]);
        changed("`a`", "a", &["backticks: a` `b c` `x is not b c` `x"]);
        changed("`x`", "`y`", &["backticks"]);
    }

    #[test]
    fn tables_that_differ() {
        changed("|---|---|\n", "", &["rows: 3 is not 2", "row"]);
        changed(
            "| 参数 |",
            "| 参数 | |",
            &["row: [[], []] is not [[], [], []]"],
        );
        changed("`d`", "`e`", &["row"]);
        changed("a\\|b", "a|b", &["row"]);
        let second = "|---|---|\n\n| `--only";
        changed(
            "|---|---|\n| `--only",
            second,
            &["tables: 1 is not 2", "rows: 3 is not 2"],
        );
    }

    #[test]
    fn anchors() {
        let pairs = [
            ("`carry man`, `carry version`", "carry-man-carry-version"),
            ("`carry man`、`carry version`", "carry-mancarry-version"),
            ("两个 carry，一个工作", "两个-carry一个工作"),
            ("Come from etcd-carry", "come-from-etcd-carry"),
        ];
        for (title, anchor) in pairs {
            assert_eq!(slug(title), anchor);
        }
    }

    #[test]
    fn links_that_lead_nowhere() {
        let text = "\
# 甲 `b`

[一](#甲-b), [two](#missing), [three
lines](there.md#x), [four](gone.md), [five](https://example.com/), `[six](#code)`

```
[seven](#code)
```
";
        let found = broken_links("x.md", text, |target| target == "there.md#x");
        let expected = ["#missing", "gone.md"];
        assert_eq!(
            found,
            expected.map(|target| format!("x.md: `{target}` leads nowhere"))
        );
        let twice = broken_links("x.md", "# a\n## a\n", |_| true);
        assert_eq!(twice, ["x.md: two headings of one anchor"]);
    }

    #[test]
    fn a_missing_way_to_the_other() {
        assert!(leads_to_the_other("# a\n\n[b](c)\n\nmore\n", "[b](c)"));
        assert!(!leads_to_the_other("# a\n[b](c)\n\nmore\n", "[b](c)"));
        assert!(!leads_to_the_other("# a\n\n[b](d)\n\nmore\n", "[b](c)"));
    }

    #[test]
    fn bold_type() {
        assert_none(&bold_that_does_not_close("**粗体**。**`a`**, **b.** c\n"));
        let found = bold_that_does_not_close("好\n**粗体。**后\n");
        assert_eq!(found, ["line 2: bold type that does not close"]);
    }
}
