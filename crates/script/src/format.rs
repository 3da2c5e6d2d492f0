//! The formatter (LANG-345): one layout for all scripts. Comments and single blank lines are kept, strings keep their
//! quotes, breaks of the writer are kept, and the syntax tree never changes. What it is not: `unparse`, which has no
//! comments to keep.

use crate::commands::{CommandSpec, Shape};
use crate::diagnostic::Diagnostic;
use crate::lexer::{Mark, Token, TokenKind, lex};
use crate::parse::parse;

/// Longest line before it is broken.
const WIDTH: usize = 100;

/// The script in the common layout. A script with syntax errors is not formatted: its errors come back.
pub fn format(source: &str) -> Result<String, Vec<Diagnostic>> {
    let parsed = parse(source);
    if parsed.has_errors() {
        return Err(parsed.diagnostics);
    }
    let formatted = layout(source);
    // The promise of LANG-345: never another tree. Layout rules that would break it are not applied.
    let again = parse(&formatted);
    let same = !again.has_errors() && again.script == parsed.script;
    Ok(if same { formatted } else { source.to_owned() })
}

fn layout(source: &str) -> String {
    let mut out = String::new();
    let mut depth = 0usize;
    let mut blank = false;
    let mut line: Vec<Token> = Vec::new();
    for token in lex(source).tokens {
        if token.kind != TokenKind::Newline {
            line.push(token);
            continue;
        }
        let tokens = std::mem::take(&mut line);
        if tokens.is_empty() {
            blank = !out.is_empty();
            continue;
        }
        if std::mem::take(&mut blank) {
            out.push('\n');
        }
        let first = tokens.iter().find(|t| t.significant()).map_or("", |t| t.span.text(source));
        if first == "end" {
            depth = depth.saturating_sub(1);
        }
        Statement::new(source, &tokens).write(&mut out, depth);
        if first == "for" {
            depth += 1;
        }
    }
    out
}

/// One statement with its comments.
struct Statement<'s> {
    source: &'s str,
    tokens: &'s [Token],
    /// Last token of the command word.
    word_end: usize,
    spec: Option<&'static CommandSpec>,
}

impl<'s> Statement<'s> {
    fn new(source: &'s str, tokens: &'s [Token]) -> Self {
        let start = tokens.iter().position(Token::significant).unwrap_or(0);
        let mut statement = Statement { source, tokens, word_end: start, spec: None };
        statement.word_end = statement.command_word_end(start);
        if let (Some(first), Some(last)) = (tokens.get(start), tokens.get(statement.word_end)) {
            statement.spec = CommandSpec::of(first.span.to(last.span).text(source));
        }
        statement
    }

    fn text(&self, i: usize) -> &'s str {
        self.tokens.get(i).map_or("", |t| t.span.text(self.source))
    }

    fn kind(&self, i: usize) -> Option<TokenKind> {
        self.tokens.get(i).map(|t| t.kind)
    }

    fn mark(&self, i: usize) -> Option<Mark> {
        match self.kind(i) {
            Some(TokenKind::Mark(mark)) => Some(mark),
            _ => None,
        }
    }

    fn glued(&self, i: usize) -> bool {
        i > 0 && self.tokens.get(i).zip(self.tokens.get(i - 1)).is_some_and(|(b, a)| b.glued_to(a))
    }

    /// Hyphens belong to the command word (LANG-019).
    fn command_word_end(&self, start: usize) -> usize {
        let mut end = start;
        while self.mark(end + 1) == Some(Mark::Minus)
            && self.kind(end + 2) == Some(TokenKind::Word)
            && self.glued(end + 1)
            && self.glued(end + 2)
        {
            end += 2;
        }
        end
    }

    fn word(&self) -> &str {
        self.spec.map_or("", |s| s.word)
    }

    fn write(&self, out: &mut String, depth: usize) {
        let mut indent = "  ".repeat(depth);
        // Pieces of the line, each of which may start a line of its own.
        let mut pieces: Vec<String> = vec![String::new()];
        let mut scan = Scan::default();
        // Behind `help` and `coefplot` a second command word follows.
        let second = if matches!(self.word(), "help" | "coefplot") { self.word_end + 1 } else { usize::MAX };
        let second_end = if second == usize::MAX { 0 } else { self.command_word_end(second) };
        for (i, token) in self.tokens.iter().enumerate() {
            let text = self.text(i);
            match token.kind {
                TokenKind::TextBlock => {
                    self.text_block(out, &indent);
                    return;
                }
                TokenKind::Continuation => {
                    flush(out, &mut pieces, &mut indent, depth);
                    out.push_str(" \\");
                    if self.kind(i + 1) == Some(TokenKind::Comment) && self.text(i + 1).starts_with("//") {
                        out.push(' ');
                        out.push_str(self.text(i + 1).trim_end());
                    }
                    out.push('\n');
                    continue;
                }
                TokenKind::Comment if i > 0 && self.kind(i - 1) == Some(TokenKind::Continuation) => continue,
                _ => {}
            }
            let fixed = (i > 0 && i <= self.word_end && self.glued(i)) || (i > second && i <= second_end);
            let space = !fixed && self.space_before(i, &scan);
            if space && self.breaks_before(i, &scan) {
                pieces.push(String::new());
            }
            if let Some(piece) = pieces.last_mut() {
                if space && !piece.is_empty() {
                    piece.push(' ');
                }
                piece.push_str(text.trim_end());
            }
            scan.pass(self, i);
        }
        flush(out, &mut pieces, &mut indent, depth);
        out.push('\n');
    }

    fn text_block(&self, out: &mut String, indent: &str) {
        let raw = self.tokens.iter().find(|t| t.kind == TokenKind::TextBlock).map_or("", |t| t.span.text(self.source));
        let raw = raw.replace("\r\n", "\n").replace('\r', "\n");
        let lines: Vec<&str> = raw.split('\n').collect();
        for (i, line) in lines.iter().enumerate() {
            if i == 0 || i + 1 == lines.len() {
                out.push_str(indent);
                out.push_str(line.trim());
            } else {
                out.push_str(line);
            }
            out.push('\n');
        }
    }

    /// A line may be broken in front of an option and in front of a recode rule.
    fn breaks_before(&self, i: usize, scan: &Scan) -> bool {
        if scan.depth > 0 || i <= self.word_end {
            return false;
        }
        let option = scan.options && self.kind(i) == Some(TokenKind::Word);
        let rule = self.word() == "recode" && !scan.options && !scan.expression && self.mark(i) == Some(Mark::Open);
        option || rule
    }

    /// Whether a blank stands in front of token `i`.
    fn space_before(&self, i: usize, scan: &Scan) -> bool {
        if self.kind(i) == Some(TokenKind::Comment) || (i > 0 && self.kind(i - 1) == Some(TokenKind::Comment)) {
            return true;
        }
        let Some(before) = scan.last else { return false };
        let (left, right) = (self.mark(before), self.mark(i));
        match right {
            Some(Mark::Comma | Mark::Semicolon | Mark::Close) => return false,
            Some(Mark::Hash | Mark::Cross | Mark::Power) => return false,
            Some(Mark::Colon) => return self.word() == "for",
            Some(Mark::Open) => return self.space_before_open(i, before, scan),
            Some(Mark::Dot) if self.tight_dot(i) => return false,
            Some(Mark::Minus) if self.in_date(i) => return false,
            Some(Mark::Divide) => return !self.tight_slash(i, scan),
            _ => {}
        }
        match left {
            Some(Mark::Open | Mark::Hash | Mark::Cross | Mark::Power | Mark::Not) => false,
            Some(Mark::Colon) => self.word() == "for",
            Some(Mark::Dot) if self.tight_dot(before) => false,
            Some(Mark::Minus) if self.in_date(before) => false,
            Some(Mark::Minus) => scan.binary_minus,
            Some(Mark::Divide) => !self.tight_slash(before, scan),
            _ => true,
        }
    }

    fn space_before_open(&self, i: usize, before: usize, scan: &Scan) -> bool {
        match self.kind(before) {
            // `-(` and `!(` are tight, binary operators are not.
            Some(TokenKind::Mark(Mark::Minus)) => scan.binary_minus,
            Some(TokenKind::Mark(Mark::Not | Mark::Open | Mark::Power)) => false,
            Some(TokenKind::Mark(Mark::Divide)) => !self.tight_slash(before, scan),
            Some(TokenKind::Mark(_)) => true,
            Some(TokenKind::Word) if scan.options && !scan.expression => false,
            Some(TokenKind::Word) if before <= self.word_end || self.text(before) == "if" => true,
            Some(TokenKind::Word) if scan.expression => false,
            Some(TokenKind::Word) => match self.spec.map(|s| s.shape) {
                // Behind `++` a call has no blank, and a blank makes no call (LANG-026).
                Some(Shape::Recode | Shape::Groups { .. } | Shape::IvModel | Shape::Plot) => {
                    !(scan.depth > 0 || (scan.joined && self.glued(i)))
                }
                _ => false,
            },
            _ => true,
        }
    }

    /// `YYYY-MM-DD` without blanks: a date where one may stand, so it stays as it is.
    fn in_date(&self, minus: usize) -> bool {
        let number = |i: usize, digits: usize| self.kind(i) == Some(TokenKind::Number) && self.text(i).len() == digits;
        let starts = |i: usize| {
            number(i, 4)
                && self.mark(i + 1) == Some(Mark::Minus)
                && number(i + 2, 2)
                && self.mark(i + 3) == Some(Mark::Minus)
                && number(i + 4, 2)
                && (1..=4).all(|k| self.glued(i + k))
        };
        [1, 3].iter().any(|back| minus.checked_sub(*back).is_some_and(starts))
    }

    /// `no.ssb.fdb`, `38.0` and `i.x` are tight; the missing value is a value like others.
    fn tight_dot(&self, i: usize) -> bool {
        let named = |i: usize| !matches!(self.kind(i), Some(TokenKind::Mark(_)) | None);
        i > 0 && self.glued(i) && self.glued(i + 1) && named(i - 1) && named(i + 1)
    }

    /// `alias/NAME` and `a/b` in rules are tight, division is not.
    fn tight_slash(&self, i: usize, scan: &Scan) -> bool {
        let rule = self.word() == "recode" && !scan.options && scan.depth > 0;
        !scan.expression && (rule || (self.glued(i) && self.glued(i + 1)))
    }
}

/// What has been read of a statement.
#[derive(Default)]
struct Scan {
    last: Option<usize>,
    depth: usize,
    /// Behind the comma.
    options: bool,
    /// In a data expression or a constant: behind `=` of an assignment or behind `if`.
    expression: bool,
    /// The last `-` stands between two operands.
    binary_minus: bool,
    /// A `++` stands since the last blank-separated name began.
    joined: bool,
}

impl Scan {
    fn pass(&mut self, statement: &Statement, i: usize) {
        let kind = statement.kind(i);
        if kind == Some(TokenKind::Comment) {
            return;
        }
        match statement.mark(i) {
            Some(Mark::Open) => self.depth += 1,
            Some(Mark::Close) => self.depth = self.depth.saturating_sub(1),
            Some(Mark::Comma) if self.depth == 0 && !matches!(statement.word(), "for") => {
                self.options = true;
                self.expression = false;
            }
            Some(Mark::Assign) if matches!(statement.word(), "generate" | "replace" | "let" | "param") => {
                self.expression = true;
            }
            Some(Mark::Minus) => {
                let operand = self.last.is_some_and(|last| {
                    !matches!(statement.kind(last), Some(TokenKind::Mark(m)) if !matches!(m, Mark::Close | Mark::Dot))
                });
                let signed = !statement.glued(i) && statement.glued(i + 1);
                self.binary_minus = operand && (self.expression || !signed);
            }
            _ => {}
        }
        if kind == Some(TokenKind::Word) && i > statement.word_end && self.depth == 0 && statement.text(i) == "if" {
            self.expression = true;
        }
        if statement.word() == "assert" {
            self.expression = true;
        }
        match statement.mark(i) {
            Some(Mark::Concat) => self.joined = true,
            Some(Mark::Close) => self.joined = false,
            _ => {}
        }
        self.last = Some(i);
    }
}

/// Writes pieces on as few lines as fit; further lines are indented by two blanks more.
fn flush(out: &mut String, pieces: &mut Vec<String>, indent: &mut String, depth: usize) {
    let deeper = "  ".repeat(depth + 1);
    let mut line = String::new();
    for piece in pieces.drain(..).filter(|p| !p.is_empty()) {
        let fits = indent.chars().count() + line.chars().count() + 1 + piece.chars().count() <= WIDTH - 2;
        if !line.is_empty() && !fits {
            out.push_str(indent);
            out.push_str(&line);
            out.push_str(" \\\n");
            indent.clone_from(&deeper);
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&piece);
    }
    out.push_str(indent);
    out.push_str(&line);
    indent.clone_from(&deeper);
    pieces.push(String::new());
}
