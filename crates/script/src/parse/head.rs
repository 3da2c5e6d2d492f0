//! The heads of the commands, one form each (language.md section 2).

use super::{Cursor, Parse};
use crate::catalogue::RequestedVersion;
use crate::commands::{CHART_STATISTICS, CommandSpec, GROUP_STATISTICS, Part, Shape};
use crate::lexer::{Mark, Token, TokenKind, normal};
use crate::messages::{self, What, what};
use crate::span::Located;
use crate::tree::{Expr, Factor, Group, Head, Ident, RegisterVariable, Rule, Source, Term, Word};

impl Head {
    /// Whether nothing was written.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Head::Empty => true,
            Head::Names(names) => names.is_empty(),
            _ => false,
        }
    }
}

fn part_name(part: Part) -> What {
    match part {
        Part::Variable => what::VARIABLE,
        Part::NewVariable => what::NEW_NAME,
        Part::Dataset => what::DATASET,
        Part::NewDataset => what::NEW_DATASET,
        Part::List => what::LIST,
        Part::Prefix => what::PREFIX,
    }
}

impl<'p> Cursor<'p> {
    pub(super) fn head(&mut self, spec: &CommandSpec) -> Parse<Head> {
        match spec.shape {
            Shape::Empty | Shape::Block => Ok(Head::Empty),
            Shape::Require => self.require(),
            Shape::Names { parts, least, most } => self.names_head(parts, least, most),
            Shape::Import => self.import(),
            Shape::ImportEvent => self.import_event(),
            Shape::ImportPanel => self.import_panel(),
            Shape::Assign => self.assign(spec),
            Shape::Pairs => self.pairs(),
            Shape::Groups { arrow } => self.groups(arrow),
            Shape::Merge => self.merge(),
            Shape::DropKeep => self.drop_keep(),
            Shape::Recode => self.recode(),
            Shape::Sample => {
                let size = self.value(what::NUMBER)?;
                Ok(Head::Sample { size, seed: self.value(what::SEED)? })
            }
            Shape::Labels => self.labels(),
            Shape::ListLabels => {
                let variable = self.register_variable()?;
                let time = if self.at_boundary() { None } else { Some(self.constant()?) };
                Ok(Head::ListLabels { variable, time })
            }
            Shape::Chart => {
                let statistic = self.statistic(CHART_STATISTICS)?;
                Ok(Head::Chart { statistic, variables: self.variables(&[])? })
            }
            Shape::Model { least, by } => self.model(least, by),
            Shape::IvModel => self.iv_model(),
            Shape::Words { least, most } => self.words(least, most),
            Shape::Help => self.help(),
            Shape::Registers => {
                let mut variables = Vec::new();
                while !self.at_boundary() {
                    variables.push(self.register_variable()?);
                }
                Ok(Head::Registers(variables))
            }
            Shape::Plot => self.plot(),
            Shape::Link => self.link(),
            Shape::Assertion => {
                if self.at_boundary() {
                    return Err(self.missing(what::CONDITION));
                }
                self.assertion = true;
                Ok(Head::Assertion(self.expression()?))
            }
        }
    }

    /// Variables up to a boundary or one of the words; at least one.
    fn variables(&mut self, until: &[&str]) -> Parse<Vec<Expr>> {
        let mut variables = vec![self.name(what::VARIABLE)?];
        while !self.at_boundary() && !until.iter().any(|w| self.is_word(w)) {
            variables.push(self.name(what::VARIABLE)?);
        }
        Ok(variables)
    }

    fn names_head(&mut self, parts: &[Part], least: usize, most: usize) -> Parse<Head> {
        let mut names = Vec::new();
        while names.len() < most && (names.len() < least || !self.at_boundary()) {
            let part = parts.get(names.len()).or(parts.last()).copied().unwrap_or(Part::Variable);
            names.push(match part {
                Part::NewVariable | Part::NewDataset | Part::Dataset | Part::List => self.new_name(part_name(part))?,
                Part::Variable | Part::Prefix => self.name(part_name(part))?,
            });
        }
        Ok(Head::Names(names))
    }

    fn require(&mut self) -> Parse<Head> {
        let first = self.ident(what::STORE)?;
        let mut span = first.span;
        while let (Some(dot), Some(part)) = (self.peek(), self.ahead(1)) {
            let word = matches!(part.kind, TokenKind::Word | TokenKind::DigitWord | TokenKind::Number);
            if dot.kind != TokenKind::Mark(Mark::Dot) || !word || dot.span.start != span.end || !part.glued_to(dot) {
                break;
            }
            self.at += 2;
            span = span.to(part.span);
        }
        let store = Located::new(normal(span.text(self.source)), span);
        if self.take_mark(Mark::Colon).is_none() {
            return Err(Box::new(messages::part_missing(self.here(), what::VERSION)));
        }
        let version = self.version()?;
        self.need_word("as")?;
        Ok(Head::Require { store, version, alias: self.ident(what::ALIAS)? })
    }

    /// Everything glued together behind the colon.
    fn version(&mut self) -> Parse<Located<RequestedVersion>> {
        let missing = || Box::new(messages::part_missing(self.here(), what::VERSION));
        let first =
            self.peek().filter(|t| matches!(t.kind, TokenKind::Number | TokenKind::Word)).ok_or_else(missing)?;
        let mut last: &Token = first;
        let mut count = 1;
        while let Some(next) = self.ahead(count).filter(|t| t.glued_to(last)) {
            if !matches!(next.kind, TokenKind::Number | TokenKind::Mark(Mark::Dot)) {
                break;
            }
            last = next;
            count += 1;
        }
        let span = first.span.to(last.span);
        let version = RequestedVersion::read(span.text(self.source)).ok_or_else(missing)?;
        self.at += count;
        Ok(Located::new(version, span))
    }

    fn register_variable(&mut self) -> Parse<RegisterVariable> {
        let first = self.ident(what::REGISTER_VARIABLE)?;
        let slash = self.peek().filter(|t| t.kind == TokenKind::Mark(Mark::Divide) && t.span.start == first.span.end);
        let Some(slash) = slash else { return Ok(RegisterVariable { alias: None, name: first }) };
        self.at += 1;
        match self.peek() {
            Some(token) if !token.glued_to(slash) => Err(self.unexpected(&[what::REGISTER_VARIABLE])),
            _ => Ok(RegisterVariable { alias: Some(first), name: self.ident(what::REGISTER_VARIABLE)? }),
        }
    }

    fn as_name(&mut self) -> Parse<Option<Expr>> {
        if self.take_word("as") { Ok(Some(self.new_name(what::NEW_NAME)?)) } else { Ok(None) }
    }

    fn import(&mut self) -> Parse<Head> {
        let variable = self.register_variable()?;
        let time = if self.at_boundary() || self.is_word("as") { None } else { Some(self.constant()?) };
        Ok(Head::Import { variable, time, name: self.as_name()? })
    }

    fn import_event(&mut self) -> Parse<Head> {
        let variable = self.register_variable()?;
        let from = self.time()?;
        self.need_word("to")?;
        let to = self.time()?;
        Ok(Head::ImportEvent { variable, from, to, name: self.as_name()? })
    }

    fn time(&mut self) -> Parse<Expr> {
        if self.at_boundary() || ["to", "as"].iter().any(|w| self.is_word(w)) {
            return Err(Box::new(messages::part_missing(self.here(), what::TIME)));
        }
        self.constant()
    }

    fn import_panel(&mut self) -> Parse<Head> {
        let mut variables = vec![self.register_variable()?];
        while let Some(token) = self.peek().filter(|t| t.kind == TokenKind::Word && !self.at_boundary()) {
            if self.text(token) == "as" {
                return Err(self.unexpected(&[what::TIME, what::REGISTER_VARIABLE]));
            }
            if self.ahead(1).is_some_and(|t| t.kind == TokenKind::Mark(Mark::Open)) {
                break;
            }
            variables.push(self.register_variable()?);
        }
        let mut times = vec![self.time()?];
        while !self.at_boundary() {
            if self.is_word("as") {
                return Err(self.unexpected(&[what::TIME, what::END]));
            }
            times.push(self.time()?);
        }
        Ok(Head::ImportPanel { variables, times })
    }

    fn assign(&mut self, spec: &CommandSpec) -> Parse<Head> {
        let target = if spec.word == "generate" { self.new_name(what::NEW_NAME)? } else { self.name(what::VARIABLE)? };
        self.part_mark(Mark::Assign)?;
        if self.at_boundary() {
            return Err(self.missing(what::VALUE));
        }
        Ok(Head::Assign { target, value: self.expression()? })
    }

    fn arrow(&mut self) -> Parse<Option<Expr>> {
        if self.take_mark(Mark::Arrow).is_some() { Ok(Some(self.new_name(what::NEW_NAME)?)) } else { Ok(None) }
    }

    fn pairs(&mut self) -> Parse<Head> {
        let mut pairs = Vec::new();
        while pairs.is_empty() || !self.at_boundary() {
            let from = self.name(what::VARIABLE)?;
            pairs.push((from, self.arrow()?));
        }
        Ok(Head::Pairs(pairs))
    }

    /// `(statistic)`.
    fn statistic(&mut self, known: &[&'static str]) -> Parse<Ident> {
        self.part_mark(Mark::Open)?;
        let Some(token) = self.peek().filter(|t| t.kind == TokenKind::Word) else {
            return Err(self.missing(what::STATISTIC));
        };
        let word = self.text(token);
        if !known.contains(&word) {
            let near = self.nearest(word, known.iter().copied());
            return Err(Box::new(messages::unknown_statistic(token.span, word, known).candidates(near)));
        }
        self.at += 1;
        self.need_mark(Mark::Close)?;
        Ok(Located::new(word.to_owned(), token.span))
    }

    fn groups(&mut self, arrow: bool) -> Parse<Head> {
        let mut groups = Vec::new();
        while groups.is_empty() || self.is_mark(Mark::Open) {
            let statistic = self.statistic(GROUP_STATISTICS)?;
            let mut items = Vec::new();
            while items.is_empty() || !(self.at_boundary() || self.is_mark(Mark::Open)) {
                let variable = self.name(what::VARIABLE)?;
                let name = self.arrow()?;
                if arrow && name.is_none() {
                    return Err(Box::new(messages::part_missing(variable.span.after(), what::mark(Mark::Arrow))));
                }
                items.push((variable, name));
            }
            groups.push(Group { statistic, items });
        }
        Ok(Head::Groups(groups))
    }

    fn merge(&mut self) -> Parse<Head> {
        let variables = self.variables(&["into"])?;
        self.need_word("into")?;
        let into = self.new_name(what::DATASET)?;
        let mut on = Vec::new();
        if self.take_word("on") {
            on.push(self.name(what::KEY)?);
            // A comma may stand between keys; `merge` has no options.
            while self.peek().is_some() {
                self.take_mark(Mark::Comma);
                if self.strict {
                    return Err(self.unexpected(&[what::END]));
                }
                on.push(self.name(what::KEY)?);
            }
        }
        Ok(Head::Merge { variables, into, on })
    }

    fn drop_keep(&mut self) -> Parse<Head> {
        let mut names = Vec::new();
        while !self.at_boundary() {
            names.push(self.name(what::VARIABLE)?);
        }
        if !names.is_empty() && self.is_word("if") {
            return Err(self.unexpected(&[what::VARIABLE, what::END]));
        }
        Ok(Head::Names(names))
    }

    fn recode(&mut self) -> Parse<Head> {
        let mut variables = vec![self.name(what::VARIABLE)?];
        while !self.at_boundary() && !self.is_mark(Mark::Open) {
            variables.push(self.name(what::VARIABLE)?);
        }
        let mut rules = Vec::new();
        while rules.is_empty() || self.is_mark(Mark::Open) {
            rules.push(self.rule()?);
        }
        Ok(Head::Recode { variables, rules })
    }

    fn rule(&mut self) -> Parse<Rule> {
        if self.take_mark(Mark::Open).is_none() {
            return Err(self.missing(what::RULE));
        }
        let mut sources = Vec::new();
        while sources.is_empty() || !self.is_mark(Mark::Assign) {
            sources.push(self.source_of_rule()?);
        }
        self.need_mark(Mark::Assign)?;
        let target = match self.peek().map(|t| t.kind) {
            Some(TokenKind::Mark(Mark::Minus) | TokenKind::Number) => self.signed_number()?,
            Some(TokenKind::Text | TokenKind::Mark(Mark::Dot)) => self.value_or_missing()?,
            _ => return Err(self.unexpected(&[what::NUMBER, what::TEXT, what::mark(Mark::Dot)])),
        };
        let label = match self.peek().filter(|t| t.kind == TokenKind::Text) {
            Some(token) => {
                self.at += 1;
                Some(Located::new(self.unquoted(token), token.span))
            }
            None => None,
        };
        let missing = self.take_word("missing");
        if self.take_mark(Mark::Close).is_none() {
            return Err(self.unexpected(&[what::TEXT, what::word("missing"), what::mark(Mark::Close)]));
        }
        Ok(Rule { sources, target, label, missing })
    }

    fn value_or_missing(&mut self) -> Parse<Expr> {
        match self.take_mark(Mark::Dot) {
            Some(dot) => Ok(Located::new(crate::tree::ExprKind::Missing, dot.span)),
            None => self.value(what::VALUE),
        }
    }

    fn source_of_rule(&mut self) -> Parse<Located<Source>> {
        let start = self.here();
        let expected = &[what::NUMBER, what::TEXT, what::INTERVAL, what::word("missing"), what::mark(Mark::Times)];
        let Some(token) = self.peek() else { return Err(self.unexpected(expected)) };
        let open_end = matches!(self.text(token), "min" | "max") && token.kind == TokenKind::Word;
        let source = match token.kind {
            TokenKind::Mark(Mark::Minus) | TokenKind::Number => {
                let low = self.signed_number()?;
                if self.take_mark(Mark::Divide).is_some() {
                    Source::Range(Some(low), self.bound()?)
                } else {
                    Source::Value(low)
                }
            }
            TokenKind::Word if open_end => {
                self.at += 1;
                self.need_mark(Mark::Divide)?;
                Source::Range(None, self.bound()?)
            }
            TokenKind::Word if self.take_word("missing") => Source::Missing,
            TokenKind::Word if self.take_word("nonmissing") => Source::NonMissing,
            TokenKind::Text | TokenKind::Mark(Mark::Dot) => Source::Value(self.value_or_missing()?),
            TokenKind::Mark(Mark::Times) => {
                self.at += 1;
                Source::Everything
            }
            _ => return Err(self.unexpected(expected)),
        };
        let end = self.at.checked_sub(1).and_then(|i| self.tokens.get(i)).map_or(start, |t| t.span);
        Ok(Located::new(source, start.to(end)))
    }

    fn bound(&mut self) -> Parse<Option<Expr>> {
        if self.take_word("max") || self.take_word("min") { Ok(None) } else { self.signed_number().map(Some) }
    }

    fn labels(&mut self) -> Parse<Head> {
        let list = self.new_name(what::LIST)?;
        let mut entries = Vec::new();
        while entries.is_empty() || !self.at_boundary() {
            let code = self.value(what::CODE)?;
            entries.push((code, self.value(what::LABEL)?));
        }
        Ok(Head::Labels { list, entries })
    }

    pub(super) fn term(&mut self) -> Parse<Term> {
        let mut term = Term { factors: vec![self.factor()?], full: Vec::new() };
        loop {
            let full = self.is_mark(Mark::Cross);
            if !full && !self.is_mark(Mark::Hash) {
                return Ok(term);
            }
            self.at += 1;
            term.full.push(full);
            term.factors.push(self.factor()?);
        }
    }

    /// `i.x` and `c.x` are written without blanks.
    fn factor(&mut self) -> Parse<Factor> {
        let mut prefix = None;
        if let (Some(letter), Some(dot), Some(next)) = (self.peek(), self.ahead(1), self.ahead(2))
            && dot.kind == TokenKind::Mark(Mark::Dot)
            && dot.glued_to(letter)
            && next.glued_to(dot)
        {
            prefix = match self.text(letter) {
                "i" => Some('i'),
                "c" => Some('c'),
                _ => None,
            };
            self.at += if prefix.is_some() { 2 } else { 0 };
        }
        Ok(Factor { prefix, variable: self.name(what::VARIABLE)? })
    }

    fn terms(&mut self, until: &[&str], into: &mut Vec<Term>) -> Parse<()> {
        while !self.at_boundary() && !until.iter().any(|w| self.is_word(w)) {
            if [Mark::Open, Mark::Assign, Mark::Close].iter().any(|m| self.is_mark(*m)) {
                break;
            }
            into.push(self.term()?);
        }
        Ok(())
    }

    fn model(&mut self, least: usize, by: usize) -> Parse<Head> {
        let response = self.name(what::VARIABLE)?;
        let until: &[&str] = if by > 0 { &["by"] } else { &[] };
        let mut terms = Vec::new();
        self.terms(until, &mut terms)?;
        if terms.len() < least {
            return Err(self.missing(what::TERM));
        }
        let mut groups = Vec::new();
        if by > 0 {
            self.need_word("by")?;
            groups.push(self.name(what::VARIABLE)?);
            while groups.len() < by && !self.at_boundary() {
                groups.push(self.name(what::VARIABLE)?);
            }
        }
        Ok(Head::Model { response, terms, by: groups })
    }

    fn iv_model(&mut self) -> Parse<Head> {
        let response = self.name(what::VARIABLE)?;
        let (mut terms, mut endogenous, mut instruments) = (Vec::new(), Vec::new(), Vec::new());
        self.terms(&[], &mut terms)?;
        self.part_mark(Mark::Open)?;
        self.terms(&[], &mut endogenous)?;
        if endogenous.is_empty() {
            return Err(self.unexpected(&[what::TERM]));
        }
        self.part_mark(Mark::Assign)?;
        self.terms(&[], &mut instruments)?;
        if instruments.is_empty() {
            return Err(self.unexpected(&[what::TERM]));
        }
        self.part_mark(Mark::Close)?;
        self.terms(&[], &mut terms)?;
        Ok(Head::IvModel { response, terms, endogenous, instruments })
    }

    fn words(&mut self, least: usize, most: usize) -> Parse<Head> {
        let mut words = Vec::new();
        while words.len() < most && !self.at_boundary() {
            let Some(token) = self.peek() else { break };
            let word = match token.kind {
                TokenKind::Text => Word { text: Located::new(self.unquoted(token), token.span), quoted: true },
                TokenKind::Word | TokenKind::DigitWord | TokenKind::Number => {
                    Word { text: Located::new(normal(self.text(token)), token.span), quoted: false }
                }
                _ => return Err(self.unexpected(&[what::WORD, what::TEXT])),
            };
            self.at += 1;
            words.push(word);
        }
        if words.len() < least { Err(self.missing(what::WORD)) } else { Ok(Head::Words(words)) }
    }

    fn help(&mut self) -> Parse<Head> {
        if self.at_boundary() {
            return Ok(Head::Words(Vec::new()));
        }
        let spec = self.command_spec()?;
        let text = Located::new(spec.node.word.to_owned(), spec.span);
        Ok(Head::Words(vec![Word { text, quoted: false }]))
    }

    fn plot(&mut self) -> Parse<Head> {
        if self.at_boundary() {
            return Err(self.missing(what::MODEL));
        }
        let start = self.at;
        let spec = self.command_spec()?;
        if !matches!(spec.node.shape, Shape::Model { .. } | Shape::IvModel) || spec.node.word.ends_with("-predict") {
            self.at = start;
            return Err(self.unexpected(&[what::MODEL]));
        }
        Ok(Head::Plot(Box::new(self.command(spec)?)))
    }

    fn link(&mut self) -> Parse<Head> {
        let variables = self.variables(&["from"])?;
        self.need_word("from")?;
        let from = self.new_name(what::DATASET)?;
        let via = if self.take_word("via") { Some(self.name(what::VARIABLE)?) } else { None };
        Ok(Head::Link { variables, from, via })
    }
}
