//! From tokens to the syntax tree. Every statement is read on its own, so that one error never hides another:
//! all syntax errors of a script come at once, at most one per statement (LANG-093).
//! What it is not: it looks up no name and evaluates nothing; see `check`.

pub(crate) mod expression;
mod head;
mod options;

use crate::commands::{COMMANDS, CommandSpec, Shape};
use crate::diagnostic::{self, Diagnostic};
use crate::lexer::{Lexed, Mark, Token, TokenKind, lex, normal};
use crate::messages::{self, What, what};
use crate::span::{Located, Span};
use crate::suggest;
use crate::tree::{Command, Head, Ident, Loop, LoopValues, Script, Statement, StatementKind};

/// Deepest nesting of loops (language.md section 11).
const LOOP_DEPTH: usize = 16;
/// Errors that get a "did you mean"; comparing names is the dear part of a broken script.
const SUGGESTIONS: usize = 1_000;
/// Largest script in bytes and lines.
const SOURCE_BYTES: usize = 2 << 20;
const SOURCE_LINES: usize = 200_000;

/// What reading a script gave.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    /// The statements that could be read.
    pub script: Script,
    /// Errors and warnings, by line and column.
    pub diagnostics: Vec<Diagnostic>,
}

impl Parsed {
    /// Whether phase 1 found an error: then nothing is checked or run (LANG-093).
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}

pub(crate) use expression::system_name;

/// Errors are boxed: they are rare and large.
pub(crate) type Fail = Box<Diagnostic>;
pub(crate) type Parse<T> = Result<T, Fail>;

/// Reads a script. Never fails: what cannot be read is left out and named in the diagnostics.
pub fn parse(source: &str) -> Parsed {
    read(source, false)
}

/// Reads a script that must also run where the forms of section 12 are unknown: each of them is an error.
pub fn parse_strict(source: &str) -> Parsed {
    read(source, true)
}

fn read(source: &str, strict: bool) -> Parsed {
    if source.len() > SOURCE_BYTES || source.lines().nth(SOURCE_LINES).is_some() {
        let error =
            messages::script_too_large(Span { line: 1, column: 1, end_line: 1, end_column: 1, start: 0, end: 0 });
        return Parsed { script: Script::default(), diagnostics: vec![error] };
    }
    let Lexed { tokens, errors } = lex(source);
    let mut blocks = Blocks { source, errors, open: Vec::new(), done: Vec::new(), diagnostics: Vec::new(), strict };
    let mut statement: Vec<Token> = Vec::new();
    for token in tokens {
        if token.kind == TokenKind::Newline {
            blocks.statement(&statement, token.span.before());
            statement.clear();
        } else if token.significant() {
            statement.push(token);
        } else if blocks.strict && token.kind == TokenKind::Comment && token.span.text(source).starts_with("/*") {
            blocks.diagnostics.push(messages::unexpected(token.span, Some("/*"), &[what::COMMAND]));
        }
    }
    let mut parsed = blocks.finish();
    diagnostic::sort(&mut parsed.diagnostics);
    parsed
}

/// A `for` whose `end` has not come yet.
struct OpenFor {
    /// Statements in front of it, on its level.
    before: Vec<Statement>,
    head: Span,
    /// None when the head could not be read: the body is still read for its errors, then dropped.
    loops: Option<Vec<Loop>>,
}

struct Blocks<'s> {
    source: &'s str,
    errors: Vec<Diagnostic>,
    open: Vec<OpenFor>,
    done: Vec<Statement>,
    diagnostics: Vec<Diagnostic>,
    strict: bool,
}

impl Blocks<'_> {
    fn statement(&mut self, tokens: &[Token], end: Span) {
        let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else { return };
        let span = first.span.to(last.span);
        if first.kind == TokenKind::TextBlock {
            let text = inner_text(first.span.text(self.source));
            self.done.push(Located::new(StatementKind::TextBlock(text), span));
            return;
        }
        let bad = tokens.iter().find_map(|t| match t.kind {
            TokenKind::Bad(index) => self.errors.get(index).cloned(),
            _ => None,
        });
        let mut cursor = Cursor::new(self.source, tokens, end, self.strict);
        cursor.suggesting = self.diagnostics.len() < SUGGESTIONS;
        let word = first.span.text(self.source);
        match word {
            "for" => {
                let loops = match bad {
                    Some(error) => Err(Box::new(error)),
                    None => cursor.for_head(),
                };
                let loops = loops.map_err(|error| self.diagnostics.push(*error)).ok();
                if self.open.len() >= LOOP_DEPTH {
                    self.diagnostics.push(messages::loops_too_deep(span, LOOP_DEPTH));
                }
                self.open.push(OpenFor { before: std::mem::take(&mut self.done), head: span, loops });
            }
            "end" if bad.is_none() && tokens.len() == 1 => self.close(span),
            _ => {
                let read = match bad {
                    Some(error) => Err(Box::new(error)),
                    None => cursor.statement(),
                };
                self.diagnostics.append(&mut cursor.warnings);
                match read {
                    Ok(kind) => {
                        self.strict |= turns_strict(&kind);
                        self.done.push(Located::new(kind, span));
                    }
                    Err(error) => self.diagnostics.push(*error),
                }
            }
        }
    }

    fn close(&mut self, span: Span) {
        let Some(opened) = self.open.pop() else {
            self.diagnostics.push(messages::end_without_start(span, "end", "for"));
            return;
        };
        let body = std::mem::replace(&mut self.done, opened.before);
        if let Some(loops) = opened.loops {
            let whole = opened.head.to(span);
            self.done.push(Located::new(StatementKind::For { loops, body }, whole));
        }
    }

    fn finish(mut self) -> Parsed {
        while let Some(opened) = self.open.pop() {
            let head = Span {
                end_line: opened.head.line,
                end_column: opened.head.column + 3,
                end: opened.head.start + 3,
                ..opened.head
            };
            self.diagnostics.push(messages::block_not_closed(head, "for", "end"));
            self.done = opened.before;
        }
        Parsed { script: Script { statements: self.done, strict: self.strict }, diagnostics: self.diagnostics }
    }
}

fn turns_strict(kind: &StatementKind) -> bool {
    let StatementKind::Command(command) = kind else { return false };
    let Head::Words(words) = &command.head else { return false };
    command.spec.node.word == "configure" && words.iter().any(|w| w.text.node == "strict")
}

/// The lines between `textblock` and `endblock`.
fn inner_text(block: &str) -> String {
    let block = block.replace("\r\n", "\n").replace('\r', "\n");
    let lines: Vec<&str> = block.split('\n').collect();
    lines.get(1..lines.len().saturating_sub(1)).unwrap_or(&[]).join("\n")
}

/// Reads one statement.
pub(crate) struct Cursor<'p> {
    source: &'p str,
    tokens: &'p [Token],
    at: usize,
    /// Behind the last token.
    end: Span,
    /// Forms beyond microdata.no are refused.
    strict: bool,
    /// Dates may stand here (LANG-011).
    dates: bool,
    /// A word is a call only when `(` follows without blank (LANG-026).
    names: bool,
    /// Depth of parentheses and calls.
    nesting: u32,
    /// `has()` is known here (LANG-361).
    assertion: bool,
    warnings: Vec<Diagnostic>,
    /// Whether errors get a "did you mean".
    suggesting: bool,
}

impl<'p> Cursor<'p> {
    /// "Did you mean" (LANG-105).
    fn nearest<'n>(&self, wrong: &str, names: impl IntoIterator<Item = &'n str>) -> Vec<String> {
        if self.suggesting { suggest::nearest(wrong, names) } else { Vec::new() }
    }

    fn new(source: &'p str, tokens: &'p [Token], end: Span, strict: bool) -> Self {
        let end = tokens.last().map_or(end, |t| t.span.after());
        Cursor {
            source,
            tokens,
            at: 0,
            end,
            strict,
            dates: false,
            names: false,
            nesting: 0,
            assertion: false,
            warnings: Vec::new(),
            suggesting: true,
        }
    }

    fn peek(&self) -> Option<&'p Token> {
        self.tokens.get(self.at)
    }

    fn ahead(&self, by: usize) -> Option<&'p Token> {
        self.tokens.get(self.at + by)
    }

    fn text(&self, token: &Token) -> &'p str {
        token.span.text(self.source)
    }

    fn here(&self) -> Span {
        self.peek().map_or(self.end, |t| t.span)
    }

    fn is_mark(&self, mark: Mark) -> bool {
        self.peek().is_some_and(|t| t.kind == TokenKind::Mark(mark))
    }

    fn take_mark(&mut self, mark: Mark) -> Option<&'p Token> {
        let token = self.peek().filter(|t| t.kind == TokenKind::Mark(mark))?;
        self.at += 1;
        Some(token)
    }

    fn is_word(&self, word: &str) -> bool {
        self.peek().is_some_and(|t| t.kind == TokenKind::Word && self.text(t) == word)
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    /// The statement, its condition or its options begin here, or it ends.
    fn at_boundary(&self) -> bool {
        self.peek().is_none() || self.is_mark(Mark::Comma) || self.is_word("if")
    }

    /// `E105` at a boundary, else `E103` (LANG-025).
    fn missing(&self, part: What) -> Fail {
        if self.at_boundary() { Box::new(messages::part_missing(self.here(), part)) } else { self.unexpected(&[part]) }
    }

    /// `E103` naming what was found and what was expected.
    fn unexpected(&self, expected: &[What]) -> Fail {
        let found = self.peek().map(|t| self.text(t));
        Box::new(messages::unexpected(self.here(), found, expected))
    }

    fn need_mark(&mut self, mark: Mark) -> Parse<()> {
        match self.take_mark(mark) {
            Some(_) => Ok(()),
            None => Err(self.unexpected(&[what::mark(mark)])),
        }
    }

    /// A connecting word (LANG-025).
    fn need_word(&mut self, word: &'static str) -> Parse<()> {
        if self.take_word(word) { Ok(()) } else { Err(self.missing(what::word(word))) }
    }

    fn finished(&self) -> Parse<()> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.unexpected(&[what::END])),
        }
    }

    /// A plain name: of a binding, an alias, an iterator.
    fn ident(&mut self, part: What) -> Parse<Ident> {
        let Some(token) = self.peek() else { return Err(self.missing(part)) };
        match token.kind {
            TokenKind::Word if self.text(token).contains('@') => {
                Err(Box::new(messages::invalid_name(token.span, self.text(token))))
            }
            TokenKind::Word => {
                self.at += 1;
                Ok(Located::new(normal(self.text(token)), token.span))
            }
            TokenKind::Number | TokenKind::DigitWord => {
                Err(Box::new(messages::invalid_name(token.span, self.text(token))))
            }
            _ => Err(self.missing(part)),
        }
    }

    /// A command word with its hyphens (LANG-019).
    fn command_word(&mut self) -> Parse<Located<String>> {
        let Some(first) = self.peek() else { return Err(self.missing(what::COMMAND)) };
        if first.kind != TokenKind::Word {
            return Err(self.unexpected(&[what::COMMAND]));
        }
        self.at += 1;
        let mut span = first.span;
        let mut last = first;
        while let (Some(hyphen), Some(part)) = (self.peek(), self.ahead(1)) {
            let glued = hyphen.kind == TokenKind::Mark(Mark::Minus) && hyphen.glued_to(last) && part.glued_to(hyphen);
            if !glued || part.kind != TokenKind::Word {
                break;
            }
            self.at += 2;
            last = part;
            span = span.to(part.span);
        }
        Ok(Located::new(span.text(self.source).to_owned(), span))
    }

    /// The row of the command table for the word at the cursor.
    fn command_spec(&mut self) -> Parse<Located<&'static CommandSpec>> {
        let word = self.command_word()?;
        match CommandSpec::of(&word.node).filter(|c| !(self.strict && c.extension)) {
            Some(spec) => Ok(Located::new(spec, word.span)),
            None => {
                let words = COMMANDS.iter().filter(|c| !(self.strict && c.extension)).map(|c| c.word);
                let near = if self.suggesting { suggest::command(&word.node, words) } else { Vec::new() };
                Err(Box::new(messages::unknown_command(word.span, &word.node).candidates(near)))
            }
        }
    }

    fn statement(&mut self) -> Parse<StatementKind> {
        let spec = self.command_spec()?;
        match spec.node.word {
            "let" => self.let_binding(),
            "param" => self.param(),
            "end" => Err(self.unexpected(&[what::END])),
            "textblock" => Err(self.unexpected(&[what::END])),
            "endblock" => Err(Box::new(messages::end_without_start(spec.span, "endblock", "textblock"))),
            _ => {
                let command = self.command(spec)?;
                self.finished()?;
                Ok(StatementKind::Command(Box::new(command)))
            }
        }
    }

    /// Head, condition and options of a command whose word is read.
    fn command(&mut self, spec: Located<&'static CommandSpec>) -> Parse<Command> {
        let head = self.head(spec.node)?;
        let mut condition = None;
        let conditional = spec.node.condition || (spec.node.shape == Shape::DropKeep && head.is_empty());
        if conditional && self.take_word("if") {
            if self.at_boundary() {
                return Err(self.missing(what::CONDITION));
            }
            condition = Some(self.expression()?);
        }
        if spec.node.shape == Shape::DropKeep && head.is_empty() && condition.is_none() {
            return Err(self.missing(what::VARIABLE));
        }
        let options = if self.take_mark(Mark::Comma).is_some() { self.options(spec.node.options)? } else { Vec::new() };
        if self.peek().is_some() {
            return Err(self.unexpected(if spec.node.options.is_empty() {
                &[what::END]
            } else {
                &[what::END, what::COMMA]
            }));
        }
        let command = Command { spec, head, condition, options };
        self.option_rules(&command)?;
        Ok(command)
    }

    fn let_binding(&mut self) -> Parse<StatementKind> {
        let name = self.ident(what::BINDING_NAME)?;
        self.part_mark(Mark::Assign)?;
        let value = self.constant()?;
        self.finished()?;
        Ok(StatementKind::Let { name, value })
    }

    fn param(&mut self) -> Parse<StatementKind> {
        let name = self.ident(what::BINDING_NAME)?;
        let default = match self.take_mark(Mark::Assign) {
            Some(_) => Some(self.constant()?),
            None => None,
        };
        self.finished()?;
        Ok(StatementKind::Param { name, default })
    }

    /// A mark that is a required part: `E105` at the end of the statement.
    fn part_mark(&mut self, mark: Mark) -> Parse<()> {
        if self.take_mark(mark).is_some() { Ok(()) } else { Err(self.missing(what::mark(mark))) }
    }

    /// The head of a `for`, the word itself included.
    fn for_head(&mut self) -> Parse<Vec<Loop>> {
        self.at += 1;
        let mut loops = Vec::new();
        loop {
            let mut names = vec![self.ident(what::BINDING_NAME)?];
            while self.take_mark(Mark::Comma).is_some() {
                names.push(self.ident(what::BINDING_NAME)?);
            }
            self.need_word("in")?;
            let mut values = vec![self.loop_values()?];
            while self.take_mark(Mark::Comma).is_some() {
                values.push(self.loop_values()?);
            }
            if names.len() > 1 && names.len() != values.len() {
                let span = names.first().zip(names.last()).map_or(self.here(), |(a, b)| a.span.to(b.span));
                return Err(Box::new(messages::unequal_lists(span, names.len(), values.len())));
            }
            loops.push(Loop { names, values });
            if self.take_mark(Mark::Semicolon).is_none() {
                break;
            }
        }
        self.finished()?;
        Ok(loops)
    }

    fn loop_values(&mut self) -> Parse<LoopValues> {
        let ends = |t: &Token| matches!(t.kind, TokenKind::Mark(Mark::Comma | Mark::Semicolon));
        let mut depth = 0usize;
        let mut range = false;
        for token in self.tokens.get(self.at..).unwrap_or(&[]) {
            match token.kind {
                TokenKind::Mark(Mark::Open) => depth += 1,
                TokenKind::Mark(Mark::Close) => depth = depth.saturating_sub(1),
                TokenKind::Mark(Mark::Colon) if depth == 0 => range = true,
                _ if depth == 0 && ends(token) => break,
                _ => {}
            }
        }
        if range {
            let from = self.constant()?;
            self.need_mark(Mark::Colon)?;
            return Ok(LoopValues::Range(from, self.constant()?));
        }
        let mut values = Vec::new();
        while self.peek().is_some_and(|t| !ends(t)) {
            values.push(self.value(what::VALUE)?);
        }
        if values.is_empty() {
            Err(Box::new(messages::part_missing(self.here(), what::VALUE)))
        } else {
            Ok(LoopValues::List(values))
        }
    }
}
