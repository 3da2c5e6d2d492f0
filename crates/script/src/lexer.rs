//! From text to tokens: comments, continuation, strings, names, numbers (language.md section 1). Every character of the
//! source ends up in a token or in white space, so that highlighting and formatting work on broken scripts too.
//! What it is not: it knows no commands; what a word means is decided by its position (LANG-013).

use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::diagnostic::Diagnostic;
use crate::messages;
use crate::span::Span;

/// Kind of a token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TokenKind {
    /// A name or word, also with one `@`.
    Word,
    /// A word that starts with a digit, e.g. `2lønn`.
    DigitWord,
    /// Digits with optional decimals.
    Number,
    /// A quoted text.
    Text,
    /// `$name`.
    Binding,
    /// An operator or punctuation mark.
    Mark(Mark),
    /// `// …`, a `#` line, or `/* … */`.
    Comment,
    /// `\` at the end of a line.
    Continuation,
    /// End of a line.
    Newline,
    /// `textblock` … `endblock`, all of it.
    TextBlock,
    /// Something that is no token; the diagnostic with this index says why.
    Bad(usize),
}

macro_rules! marks {
    ($($name:ident $text:literal)*) => {
        /// Operators and punctuation marks.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Mark { $(#[doc = $text] $name,)* }

        impl Mark {
            /// As written.
            pub const fn text(self) -> &'static str {
                match self { $(Mark::$name => $text,)* }
            }
        }

        /// Longest first.
        const MARKS: &[Mark] = &[$(Mark::$name,)*];
    };
}

marks! {
    Concat "++" Arrow "->" Equal "==" NotEqual "!=" LessOrEqual "<=" GreaterOrEqual ">=" Cross "##"
    Open "(" Close ")" Comma "," Semicolon ";" Colon ":" Assign "=" Not "!" Less "<" Greater ">" And "&" Or "|"
    Plus "+" Minus "-" Times "*" Divide "/" Power "^" Dot "." Hash "#"
}

/// One token.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Token {
    /// Kind.
    pub kind: TokenKind,
    /// Place.
    pub span: Span,
}

impl Token {
    /// Whether it has meaning for the grammar.
    pub fn significant(&self) -> bool {
        !matches!(self.kind, TokenKind::Comment | TokenKind::Continuation)
    }

    /// Whether it stands directly behind `before`, without white space or line break.
    pub fn glued_to(&self, before: &Token) -> bool {
        self.span.start == before.span.end
    }
}

/// The tokens of a text, with what is wrong in them.
pub struct Lexed {
    /// All tokens in order; the last one is always [`TokenKind::Newline`].
    pub tokens: Vec<Token>,
    /// Lexical errors, by the index in [`TokenKind::Bad`].
    pub errors: Vec<Diagnostic>,
}

/// Identifier in the form in which names are compared (LANG-001).
pub fn normal(text: &str) -> String {
    if is_nfc(text) { text.to_owned() } else { text.nfc().collect() }
}

/// Whether a text is a valid name (LANG-006).
pub fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(starts_name) && chars.all(continues_name)
}

fn starts_name(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

fn continues_name(c: char) -> bool {
    // Combining marks: a decomposed å is one letter once normalised.
    c.is_alphanumeric() || c == '_' || ('\u{300}'..='\u{36f}').contains(&c)
}

/// Whether an exponent begins here, as in `1e6` or `2.5E-3`.
fn begins_exponent(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(['e', 'E']) else { return false };
    let digits = rest.strip_prefix(['+', '-']).unwrap_or(rest);
    let after = digits.trim_start_matches(|c: char| c.is_ascii_digit());
    after.len() < digits.len() && !after.starts_with(|c: char| continues_name(c) || c == '+' || c == '-')
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{a0}')
}

fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r')
}

struct Lexer<'s> {
    source: &'s str,
    at: usize,
    line: u32,
    column: u32,
    tokens: Vec<Token>,
    errors: Vec<Diagnostic>,
    /// Nothing but white space and comments since the last line that was not continued.
    fresh: bool,
}

/// Splits a text into tokens.
pub fn lex(source: &str) -> Lexed {
    let mut lexer = Lexer { source, at: 0, line: 1, column: 1, tokens: Vec::new(), errors: Vec::new(), fresh: true };
    if source.starts_with('\u{feff}') {
        lexer.at = '\u{feff}'.len_utf8();
    }
    lexer.run();
    Lexed { tokens: lexer.tokens, errors: lexer.errors }
}

impl<'s> Lexer<'s> {
    fn rest(&self) -> &'s str {
        self.source.get(self.at..).unwrap_or("")
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn here(&self) -> Span {
        let (line, column) = (self.line, self.column);
        Span { line, column, end_line: line, end_column: column, start: self.at, end: self.at }
    }

    /// Takes one character; `\r\n` counts as one line break.
    fn bump(&mut self) {
        let Some(c) = self.peek() else { return };
        self.at += c.len_utf8();
        let ends_line = c == '\n' || (c == '\r' && !self.rest().starts_with('\n'));
        if ends_line {
            self.line += 1;
            self.column = 1;
        } else if c != '\r' {
            self.column += 1;
        }
    }

    fn take_while(&mut self, test: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&test) {
            self.bump();
        }
    }

    fn push(&mut self, kind: TokenKind, from: Span) {
        self.fresh &= matches!(kind, TokenKind::Comment | TokenKind::Newline | TokenKind::TextBlock);
        self.tokens.push(Token { kind, span: from.to(self.here()) });
    }

    fn bad(&mut self, from: Span, error: Diagnostic) {
        self.errors.push(error);
        self.push(TokenKind::Bad(self.errors.len() - 1), from);
    }

    fn run(&mut self) {
        loop {
            self.take_while(is_blank);
            let from = self.here();
            let Some(c) = self.peek() else { break };
            match c {
                '\n' | '\r' => self.newline(from),
                '\\' => self.backslash(from),
                '\'' | '"' => self.string(from, c),
                '$' => self.binding(from),
                '#' if self.fresh => self.comment(from),
                _ if self.rest().starts_with("//") => self.comment(from),
                _ if self.rest().starts_with("/*") => self.block_comment(from),
                '0'..='9' => self.number(from),
                _ if starts_name(c) => self.word(from),
                _ => self.mark(from, c),
            }
        }
        let from = self.here();
        self.push(TokenKind::Newline, from);
    }

    fn newline(&mut self, from: Span) {
        let crlf = self.rest().starts_with("\r\n");
        self.bump();
        if crlf {
            self.bump();
        }
        self.push(TokenKind::Newline, from);
        self.fresh = true;
    }

    fn comment(&mut self, from: Span) {
        self.take_while(|c| !is_break(c));
        self.push(TokenKind::Comment, from);
    }

    fn block_comment(&mut self, from: Span) {
        let length = self.rest().find("*/").map(|i| i + 2);
        let stop = length.map_or(self.source.len(), |l| self.at + l);
        while self.at < stop {
            self.bump();
        }
        match length {
            Some(_) => self.push(TokenKind::Comment, from),
            None => self.bad(from, messages::comment_not_closed(from.to(self.here()))),
        }
    }

    /// `\`: the last character of its line but for blanks and a comment (LANG-002).
    fn backslash(&mut self, from: Span) {
        self.bump();
        let behind = self.rest();
        let after = behind.trim_start_matches(is_blank);
        if !(after.is_empty() || after.starts_with(is_break) || after.starts_with("//")) {
            let span = from.to(self.here());
            self.bad(from, messages::stray_character(span, '\\'));
            return;
        }
        let rest_of_line = behind.split(is_break).next().unwrap_or("");
        if behind[rest_of_line.len()..].trim_matches(|c| is_blank(c) || is_break(c)).is_empty() {
            let span = from.to(self.here());
            self.bad(from, messages::continuation_at_end(span));
            return;
        }
        self.push(TokenKind::Continuation, from);
        self.take_while(is_blank);
        if after.starts_with("//") {
            let from = self.here();
            self.take_while(|c| !is_break(c));
            self.push(TokenKind::Comment, from);
        }
        let crlf = self.rest().starts_with("\r\n");
        self.bump();
        if crlf {
            self.bump();
        }
        self.fresh = false;
    }

    fn string(&mut self, from: Span, quote: char) {
        self.bump();
        self.take_while(|c| c != quote && !is_break(c));
        if self.peek() == Some(quote) {
            self.bump();
            self.push(TokenKind::Text, from);
        } else {
            let opening = Span { end_column: from.column + 1, end: from.start + 1, ..from };
            self.bad(from, messages::string_not_closed(opening));
        }
    }

    fn binding(&mut self, from: Span) {
        self.bump();
        if self.peek().is_some_and(starts_name) {
            self.take_while(continues_name);
            self.push(TokenKind::Binding, from);
        } else {
            let span = from.to(self.here());
            self.bad(from, messages::stray_character(span, '$'));
        }
    }

    fn number(&mut self, from: Span) {
        self.take_while(|c| c.is_ascii_digit());
        if self.peek().is_some_and(continues_name) && !begins_exponent(self.rest()) {
            self.take_while(continues_name);
            self.push(TokenKind::DigitWord, from);
            return;
        }
        let mut ahead = self.rest().chars();
        if ahead.next() == Some('.') && ahead.next().is_some_and(|c| c.is_ascii_digit()) {
            self.bump();
            self.take_while(|c| c.is_ascii_digit());
        }
        if begins_exponent(self.rest()) {
            // The language has none; read as one word, it can be told so.
            self.bump();
            self.take_while(|c| c.is_ascii_digit() || c == '+' || c == '-');
            self.push(TokenKind::DigitWord, from);
            return;
        }
        self.push(TokenKind::Number, from);
    }

    fn word(&mut self, from: Span) {
        let opens_block = self.fresh;
        self.take_while(continues_name);
        let mut ahead = self.rest().chars();
        if ahead.next() == Some('@') && ahead.next().is_some_and(starts_name) {
            self.bump();
            self.take_while(continues_name);
        }
        if opens_block && from.to(self.here()).text(self.source) == "textblock" && self.alone() {
            self.textblock(from);
        } else {
            self.push(TokenKind::Word, from);
        }
    }

    /// Nothing but blanks or a comment on the rest of the line.
    fn alone(&self) -> bool {
        let rest_of_line = self.rest().split(is_break).next().unwrap_or("");
        let after = rest_of_line.trim_matches(is_blank);
        after.is_empty() || after.starts_with("//")
    }

    /// Everything up to the line `endblock`, unread (LANG-005).
    fn textblock(&mut self, from: Span) {
        let opening = from.to(self.here());
        loop {
            self.take_while(|c| !is_break(c));
            if self.peek().is_none() {
                self.bad(from, messages::block_not_closed(opening, "textblock", "endblock"));
                return;
            }
            self.bump();
            let line = self.rest().trim_start_matches('\n').split(is_break).next().unwrap_or("");
            if line.trim_matches(is_blank) == "endblock" {
                self.take_while(is_break);
                self.take_while(is_blank);
                self.take_while(continues_name);
                self.push(TokenKind::TextBlock, from);
                return;
            }
        }
    }

    fn mark(&mut self, from: Span, c: char) {
        let rest = self.rest();
        match MARKS.iter().find(|m| rest.starts_with(m.text())) {
            Some(mark) => {
                for _ in 0..mark.text().len() {
                    self.bump();
                }
                self.push(TokenKind::Mark(*mark), from);
            }
            None => {
                self.bump();
                let span = from.to(self.here());
                self.bad(from, messages::stray_character(span, c));
            }
        }
    }
}
