//! What an editor needs while a script is being written: token classes, completion, explanations (LANG-341). All of it
//! works on broken scripts. What it is not: a language server; that speaks a protocol and belongs to the binary.

mod complete;
mod highlight;
mod hover;
mod rename;

pub use complete::{Completion, CompletionKind, complete};
pub use highlight::{TokenClass, highlight};
pub use hover::{Hover, hover};
pub use rename::{occurrences, renamed};

use crate::lexer::{Mark, Token, TokenKind};

/// The significant tokens of the statement at a place, split at the place.
struct AtPlace {
    /// Whole tokens in front of the place.
    before: Vec<Token>,
    /// The word, number, binding or text that ends or stands at the place.
    current: Option<Token>,
}

/// Finds the statement that holds line and column.
fn at_place(tokens: &[Token], line: u32, column: u32) -> AtPlace {
    let mut before: Vec<Token> = Vec::new();
    for token in tokens {
        let start = (token.span.line, token.span.column);
        if start >= (line, column) {
            break;
        }
        if token.kind == TokenKind::Newline {
            before.clear();
            continue;
        }
        if token.significant() {
            before.push(*token);
        }
    }
    let word = |t: &Token| {
        matches!(
            t.kind,
            TokenKind::Word
                | TokenKind::DigitWord
                | TokenKind::Number
                | TokenKind::Binding
                | TokenKind::Text
                | TokenKind::Bad(_)
        )
    };
    let current = before.last().copied().filter(|t| word(t) && t.span.holds(line, column));
    if current.is_some() {
        before.pop();
    }
    AtPlace { before, current }
}

/// Words, option words and parentheses of a statement, as far as they can be told without reading it.
struct Shallow {
    /// The command word, assembled from its hyphens.
    word: String,
    /// Number of tokens in it.
    word_length: usize,
    /// Index of the comma in front of the options.
    options_at: Option<usize>,
    /// Depth of parentheses at the end.
    depth: usize,
}

fn shallow(source: &str, tokens: &[Token]) -> Shallow {
    let text = |i: usize| tokens.get(i).map_or("", |t| t.span.text(source));
    let mut word = text(0).to_owned();
    let mut word_length = usize::from(!tokens.is_empty());
    while let (Some(last), Some(hyphen), Some(part)) =
        (tokens.get(word_length.wrapping_sub(1)), tokens.get(word_length), tokens.get(word_length + 1))
    {
        let joined = hyphen.kind == TokenKind::Mark(Mark::Minus) && part.kind == TokenKind::Word;
        if !joined || !hyphen.glued_to(last) || !part.glued_to(hyphen) {
            break;
        }
        word.push('-');
        word.push_str(text(word_length + 1));
        word_length += 2;
    }
    let mut depth = 0usize;
    let mut options_at = None;
    for (i, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenKind::Mark(Mark::Open) => depth += 1,
            TokenKind::Mark(Mark::Close) => depth = depth.saturating_sub(1),
            TokenKind::Mark(Mark::Comma) if depth == 0 && word != "for" => options_at = options_at.or(Some(i)),
            _ => {}
        }
    }
    Shallow { word, word_length, options_at, depth }
}
