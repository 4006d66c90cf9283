//! The token at which a text stops being an expression, and what is around it.
//!
//! Promises what explanations need: the tokens before, the one after, the
//! brackets and choices that are open. Deliberately explains nothing itself.

use crate::diagnostic::Span;

use super::scan::{Kind, Token, tokens};

/// Where it goes wrong.
pub(super) struct Found<'t> {
    pub(super) text: &'t str,
    /// The tokens before, all of them right.
    before: Vec<Token<'t>>,
    /// The wrong one; `None` at the end of the text.
    pub(super) token: Option<Token<'t>>,
    /// The one after it.
    pub(super) after: Option<Token<'t>>,
    /// Brackets that are open, the innermost last; the first stands for the
    /// text itself.
    levels: Vec<Level<'t>>,
}

/// A bracket that is open.
#[derive(Clone, Default)]
pub(super) struct Level<'t> {
    pub(super) bracket: Option<Token<'t>>,
    /// Each `?` whose `:` is missing.
    pub(super) questions: Vec<Token<'t>>,
    /// Whether the current entry of a map or message has its `:`.
    pub(super) colon: bool,
}

impl<'t> Found<'t> {
    /// `at` is where pest stopped: at the wrong token, in it, or in the space
    /// before it.
    pub(super) fn new(text: &'t str, at: usize) -> Found<'t> {
        let mut rest = tokens(text);
        let mut found = Found {
            text,
            before: Vec::new(),
            token: None,
            after: None,
            levels: vec![Level::default()],
        };
        found.token = loop {
            match rest.next() {
                Some(token) if token.end() <= at => found.step(token),
                token => break token,
            }
        };
        found.after = rest.next();
        found
    }

    fn step(&mut self, token: Token<'t>) {
        let behind_operand = self.behind_operand();
        self.before.push(token);
        if token.kind == Kind::Open {
            self.levels.push(Level {
                bracket: Some(token),
                ..Level::default()
            });
        }
        if token.kind == Kind::Close {
            self.levels.pop();
        }
        let Some(level) = self.levels.last_mut() else {
            return;
        };
        match token.text {
            "?" if behind_operand => level.questions.push(token),
            ":" if level.questions.pop().is_none() => level.colon = true,
            "," => level.colon = false,
            _ => {}
        }
    }

    /// The token `back` places before the wrong one, from 0.
    pub(super) fn last(&self, back: usize) -> Option<Token<'t>> {
        self.before.iter().rev().nth(back).copied()
    }

    /// The text of that token, empty where there is none.
    pub(super) fn last_text(&self, back: usize) -> &'t str {
        self.last(back).map_or("", |token| token.text)
    }

    /// The text of the wrong token; empty at the end.
    pub(super) fn token_text(&self) -> &'t str {
        self.token.map_or("", |token| token.text)
    }

    /// The text of the wrong token and of the one after it, where nothing
    /// stands between them.
    pub(super) fn joined_after(&self) -> &'t str {
        match (self.token, self.after) {
            (Some(one), Some(two)) if one.end() == two.start => self.between(one.start, two.end()),
            _ => "",
        }
    }

    /// The same of the token before and the wrong one.
    pub(super) fn joined_before(&self) -> &'t str {
        match (self.last(0), self.token) {
            (Some(one), Some(two)) if one.end() == two.start => self.between(one.start, two.end()),
            _ => "",
        }
    }

    fn between(&self, start: usize, end: usize) -> &'t str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// The wrong token's place; the end of the text where there is none.
    pub(super) fn span(&self) -> Span {
        let end = self.last(0).map_or(0, |token| token.end());
        self.token.map_or(Span::new(end, end), |token| token.span())
    }

    /// The innermost open bracket.
    pub(super) fn level(&self) -> Level<'t> {
        self.levels.last().cloned().unwrap_or_default()
    }

    /// The bracket around it.
    pub(super) fn outer_bracket(&self) -> Option<Token<'t>> {
        self.levels.iter().rev().nth(1)?.bracket
    }

    /// Whether the bracket that closes directly before the wrong token was
    /// opened behind `word`.
    pub(super) fn last_opens(&self, word: &str) -> bool {
        let mut depth = 0;
        let mut rest = self.before.iter().rev();
        let open = rest.by_ref().find(|token| {
            depth += i32::from(token.kind == Kind::Close) - i32::from(token.kind == Kind::Open);
            depth == 0
        });
        open.is_some_and(|open| open.kind == Kind::Open)
            && rest.next().is_some_and(|before| before.text == word)
    }

    /// Whether an operand ends directly before the wrong token.
    pub(super) fn behind_operand(&self) -> bool {
        self.last(0).is_some_and(|token| match token.kind {
            Kind::Word => token.text != "in" || self.last_text(1) == ".",
            Kind::Number | Kind::Text | Kind::Quoted | Kind::Close => true,
            _ => false,
        })
    }
}
