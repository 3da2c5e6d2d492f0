//! Places in a script and values that know theirs. Lines and columns count from 1, columns in characters
//! (language.md section 7.2); offsets are bytes of the source. What it is not: a source map over files, a script is one text.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A stretch of source text. Positions are of the physical line, also in continued statements and loop bodies.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Span {
    /// Line of the first character, from 1.
    pub line: u32,
    /// Column of the first character, from 1, in characters.
    pub column: u32,
    /// Line just behind the last character.
    pub end_line: u32,
    /// Column just behind the last character.
    pub end_column: u32,
    /// Byte offset of the first character.
    pub start: usize,
    /// Byte offset just behind the last character.
    pub end: usize,
}

impl Span {
    /// The stretch from the start of `self` to the end of `other`.
    pub fn to(self, other: Span) -> Span {
        Span { end_line: other.end_line, end_column: other.end_column, end: other.end, ..self }
    }

    /// The empty stretch at the end of `self`.
    pub fn after(self) -> Span {
        Span { line: self.end_line, column: self.end_column, start: self.end, ..self }
    }

    /// The empty stretch at the start of `self`.
    pub fn before(self) -> Span {
        Span { end_line: self.line, end_column: self.column, end: self.start, ..self }
    }

    /// Length in characters on the first line; 0 for an empty stretch and for one that spans lines.
    pub fn length(self) -> u32 {
        if self.line == self.end_line { self.end_column.saturating_sub(self.column) } else { 0 }
    }

    /// Whether a position (line and column) lies in the stretch or at its end.
    pub fn holds(self, line: u32, column: u32) -> bool {
        (self.line, self.column) <= (line, column) && (line, column) <= (self.end_line, self.end_column)
    }

    /// The source text of this stretch; empty when the span belongs to another text.
    pub fn text(self, source: &str) -> &str {
        source.get(self.start..self.end).unwrap_or("")
    }
}

/// First and last character, as messages show it: `4:1–4:9` for a word of nine letters.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = if self.start == self.end { self.end_column } else { self.end_column.saturating_sub(1) };
        write!(f, "{}:{}\u{2013}{}:{last}", self.line, self.column, self.end_line)
    }
}

/// A part of the syntax tree with its place. Two parts are equal when their contents are:
/// the place never takes part, so that trees of differently laid out scripts can be compared (LANG-023).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Located<T> {
    /// The part itself.
    pub node: T,
    /// Where it stands.
    pub span: Span,
}

impl<T> Located<T> {
    /// A part at a place.
    pub fn new(node: T, span: Span) -> Self {
        Self { node, span }
    }
}

impl<T: PartialEq> PartialEq for Located<T> {
    fn eq(&self, other: &Self) -> bool {
        self.node == other.node
    }
}
