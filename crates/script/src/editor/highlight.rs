//! Token classes for colouring. Decided by position alone, so that colours do not jump while a name is being typed.

use serde::{Deserialize, Serialize};

use super::shallow;
use crate::commands::CommandSpec;
use crate::functions::Function;
use crate::lexer::{Mark, Token, TokenKind, lex};
use crate::span::Span;

/// Class of a token.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenClass {
    /// A known command word.
    Command,
    /// A connecting word: `as`, `if`, `into` …
    Keyword,
    /// An option word.
    Option,
    /// A function in front of its parenthesis.
    Function,
    /// A variable, dataset or other name.
    Name,
    /// An alias or register variable.
    Register,
    /// `$name`.
    Binding,
    /// A number, date or the missing value.
    Number,
    /// A text in quotes.
    Text,
    /// An operator or punctuation mark.
    Operator,
    /// A comment.
    Comment,
    /// A text block.
    TextBlock,
    /// An unknown command word, or something that is no token.
    Error,
}

impl TokenClass {
    /// The name used in style sheets.
    pub const fn name(self) -> &'static str {
        match self {
            TokenClass::Command => "command",
            TokenClass::Keyword => "keyword",
            TokenClass::Option => "option",
            TokenClass::Function => "function",
            TokenClass::Name => "name",
            TokenClass::Register => "register",
            TokenClass::Binding => "binding",
            TokenClass::Number => "number",
            TokenClass::Text => "text",
            TokenClass::Operator => "operator",
            TokenClass::Comment => "comment",
            TokenClass::TextBlock => "text-block",
            TokenClass::Error => "error",
        }
    }
}

const KEYWORDS: &[&str] =
    &["as", "if", "to", "into", "on", "by", "in", "from", "via", "missing", "nonmissing", "min", "max"];

/// All tokens of a text with their classes, in order; white space is left out.
pub fn highlight(source: &str) -> Vec<(Span, TokenClass)> {
    let mut classes = Vec::new();
    let mut line: Vec<Token> = Vec::new();
    for token in lex(source).tokens {
        if token.kind == TokenKind::Newline {
            statement(source, &line, &mut classes);
            line.clear();
        } else {
            line.push(token);
        }
    }
    classes.sort_by_key(|(span, _)| span.start);
    classes
}

fn statement(source: &str, tokens: &[Token], classes: &mut Vec<(Span, TokenClass)>) {
    let significant: Vec<Token> = tokens.iter().copied().filter(Token::significant).collect();
    let parts = shallow(source, &significant);
    let mut depth = 0usize;
    for token in tokens.iter().filter(|t| !t.significant()) {
        let class = if token.kind == TokenKind::Comment { TokenClass::Comment } else { TokenClass::Operator };
        classes.push((token.span, class));
    }
    for (i, token) in significant.iter().enumerate() {
        let next = significant.get(i + 1);
        let opens = next.is_some_and(|t| t.kind == TokenKind::Mark(Mark::Open));
        let text = token.span.text(source);
        if i == 0 && token.kind == TokenKind::Word {
            let known = CommandSpec::of(&parts.word).is_some();
            let last = significant.get(parts.word_length.saturating_sub(1)).unwrap_or(token);
            classes.push((token.span.to(last.span), if known { TokenClass::Command } else { TokenClass::Error }));
        }
        if i < parts.word_length && significant.first().is_some_and(|t| t.kind == TokenKind::Word) {
            continue;
        }
        let class = match token.kind {
            TokenKind::Word => {
                let in_options = parts.options_at.is_some_and(|at| i > at);
                let glued_slash = |t: Option<&Token>, before: bool| {
                    t.is_some_and(|t| {
                        t.kind == TokenKind::Mark(Mark::Divide)
                            && if before { token.glued_to(t) } else { t.glued_to(token) }
                    })
                };
                let register =
                    parts.word.starts_with("import") || matches!(parts.word.as_str(), "list-labels" | "variables");
                let before = i.checked_sub(1).and_then(|b| significant.get(b));
                if in_options && depth == 0 {
                    TokenClass::Option
                } else if register && (glued_slash(next, false) || glued_slash(before, true)) {
                    TokenClass::Register
                } else if opens && Function::named(text).is_some() {
                    TokenClass::Function
                } else if KEYWORDS.contains(&text) && (i > parts.word_length || text == "if") {
                    TokenClass::Keyword
                } else {
                    TokenClass::Name
                }
            }
            TokenKind::Number => TokenClass::Number,
            TokenKind::Mark(Mark::Dot) => TokenClass::Operator,
            TokenKind::Text => TokenClass::Text,
            TokenKind::Binding => TokenClass::Binding,
            TokenKind::TextBlock => TokenClass::TextBlock,
            TokenKind::Comment => TokenClass::Comment,
            TokenKind::Bad(_) | TokenKind::DigitWord => TokenClass::Error,
            TokenKind::Mark(Mark::Open) => {
                depth += 1;
                TokenClass::Operator
            }
            TokenKind::Mark(Mark::Close) => {
                depth = depth.saturating_sub(1);
                TokenClass::Operator
            }
            TokenKind::Mark(_) | TokenKind::Continuation | TokenKind::Newline => TokenClass::Operator,
        };
        classes.push((token.span, class));
    }
}
