//! Completion: what may stand at a place, from the tables of the language, the script so far, and metadata.

use kernel::{LangMap, Language};
use serde::{Deserialize, Serialize};

use super::{AtPlace, Shallow, at_place, shallow};
use crate::catalogue::Catalogue;
use crate::check::{LabelState, State, state_at};
use crate::commands::{
    CHART_STATISTICS, COMMANDS, CommandSpec, GROUP_STATISTICS, OptionShape, OptionSpec, Part, Shape,
};
use crate::constants::Bindings;
use crate::functions::FUNCTIONS;
use crate::help;
use crate::lexer::{Mark, Token, TokenKind, lex};
use crate::messages;
use crate::parse::parse;
use crate::program::Literal;
use crate::span::Span;
use crate::suggest::fold;
use crate::unparse::quoted;

/// Most suggestions at once.
const MOST: usize = 200;

/// What a suggestion is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CompletionKind {
    /// A code of a variable, with its label.
    Code,
    /// A variable of the dataset.
    Variable,
    /// A register variable.
    Register,
    /// A dataset.
    Dataset,
    /// A code list of the script.
    List,
    /// A binding.
    Binding,
    /// An alias of a store.
    Alias,
    /// A store.
    Store,
    /// An option.
    Option,
    /// A connecting word or statistic.
    Keyword,
    /// A command.
    Command,
    /// A function.
    Function,
}

/// One suggestion.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Completion {
    /// What is written when it is chosen.
    pub text: String,
    /// What it is.
    pub kind: CompletionKind,
    /// A line about it: signature, title or label.
    pub detail: LangMap,
    /// The stretch that the text takes the place of.
    pub replace: Span,
}

/// What may stand at line and column (from 1, in characters): best first, at most 200.
pub fn complete(source: &str, line: u32, column: u32, catalogue: &dyn Catalogue) -> Vec<Completion> {
    let tokens = lex(source).tokens;
    let inside = |t: &Token| {
        let end = (t.span.end_line, t.span.end_column);
        (t.span.line, t.span.column) < (line, column) && (line, column) <= end
    };
    if tokens.iter().any(|t| matches!(t.kind, TokenKind::Comment | TokenKind::TextBlock) && inside(t)) {
        return Vec::new();
    }
    let place = at_place(&tokens, line, column);
    let (state, bindings) = state_at(&parse(source).script, catalogue, line);
    let replace = match place.current {
        Some(token) => token.span,
        None => Span { line, column, end_line: line, end_column: column, ..offset(source, line, column) },
    };
    let mut finder = Finder { source, catalogue, state, bindings, replace, typed: String::new(), found: Vec::new() };
    finder.typed = typed(source, &place, line, column);
    finder.find(&place);
    finder.found.sort_by(|a, b| a.0.cmp(&b.0));
    finder.found.into_iter().map(|(_, c)| c).take(MOST).collect()
}

/// The byte offset of a place.
fn offset(source: &str, line: u32, column: u32) -> Span {
    let tokens = lex(source).tokens;
    let near = tokens.iter().rev().find(|t| (t.span.line, t.span.column) <= (line, column));
    let Some(token) = near else { return Span::default() };
    let mut at = token.span.start;
    let (mut l, mut c) = (token.span.line, token.span.column);
    for character in source.get(at..).unwrap_or("").chars() {
        if (l, c) >= (line, column) {
            break;
        }
        at += character.len_utf8();
        if character == '\n' {
            (l, c) = (l + 1, 1);
        } else if character != '\r' {
            c += 1;
        }
    }
    Span { start: at, end: at, ..Span::default() }
}

/// The part of the word at the place that is written already, without quotes and `$`.
fn typed(source: &str, place: &AtPlace, line: u32, column: u32) -> String {
    let Some(token) = place.current else { return String::new() };
    let text = token.span.text(source);
    let written = if token.span.line == line { column.saturating_sub(token.span.column) as usize } else { usize::MAX };
    let part: String = text.chars().take(written).collect();
    part.trim_matches(['\'', '"', '$']).to_owned()
}

struct Finder<'a> {
    source: &'a str,
    catalogue: &'a dyn Catalogue,
    state: State,
    bindings: Bindings,
    replace: Span,
    typed: String,
    /// With the order: start of the word before middle, then kind, then name.
    found: Vec<((bool, CompletionKind, String), Completion)>,
}

impl Finder<'_> {
    fn offer(&mut self, text: &str, kind: CompletionKind, detail: LangMap) {
        let (typed, name) = (fold(&self.typed), fold(text));
        let label = kind == CompletionKind::Code && fold(detail.text(Language::Nb)).contains(&typed);
        let starts = name.trim_matches('\'').starts_with(&typed);
        if starts || label || (typed.len() > 1 && name.contains(&typed)) {
            let completion = Completion { text: text.to_owned(), kind, detail, replace: self.replace };
            self.found.push(((!starts, kind, text.to_owned()), completion));
        }
    }

    fn find(&mut self, place: &AtPlace) {
        if place.current.is_some_and(|t| t.kind == TokenKind::Binding) || self.after_dollar(place) {
            self.binding_names();
            return;
        }
        if self.command_word(place).is_some() {
            self.commands(place);
            return;
        }
        let parts = shallow(self.source, &place.before);
        let Some(spec) = CommandSpec::of(&parts.word) else {
            self.commands(place);
            return;
        };
        if spec.word == "help" || spec.word == "coefplot" {
            self.commands(place);
        } else if let Some(at) = parts.options_at {
            self.options(spec, place, &parts, at);
        } else {
            self.head(spec, place, &parts);
        }
    }

    fn after_dollar(&self, place: &AtPlace) -> bool {
        let bad = place.current.filter(|t| matches!(t.kind, TokenKind::Bad(_)));
        bad.is_some_and(|t| t.span.text(self.source).starts_with('$'))
    }

    /// The stretch of a command word that is being written, hyphens included; none when something else is.
    fn command_word(&self, place: &AtPlace) -> Option<Span> {
        let tokens: Vec<Token> = place.before.iter().copied().chain(place.current).collect();
        let (first, last) = (tokens.first()?, tokens.last()?);
        let glued = tokens.windows(2).all(|pair| pair[1].glued_to(&pair[0]));
        let word = |t: &Token| matches!(t.kind, TokenKind::Word | TokenKind::Mark(Mark::Minus));
        let at_end = last.span.end == self.replace.end;
        (glued && at_end && tokens.iter().all(word)).then(|| first.span.to(last.span))
    }

    fn commands(&mut self, place: &AtPlace) {
        if let Some(span) = self.command_word(place) {
            self.replace = span;
            // What stands behind the place is not typed yet, or is what shall be replaced.
            let head = place.current.map_or(span.end, |t| t.span.start);
            self.typed.insert_str(0, self.source.get(span.start..head).unwrap_or(""));
        }
        for spec in COMMANDS {
            let signature = spec.signature();
            let about = messages::about(spec);
            let [nb, nn, en] = Language::ALL.map(|l| format!("{signature} — {}", about.text(l)));
            self.offer(spec.word, CompletionKind::Command, LangMap::of(&nb, &nn, &en));
        }
    }

    fn options(&mut self, spec: &'static CommandSpec, place: &AtPlace, parts: &Shallow, at: usize) {
        if parts.depth == 0 {
            for option in spec.options {
                let text = if option.shape == OptionShape::Flag {
                    option.name.to_owned()
                } else {
                    format!("{}()", option.name)
                };
                let detail = help::option(spec, option).map_or_else(|| plain(spec.word), |h| h.text.clone());
                self.offer(&text, CompletionKind::Option, detail);
            }
            return;
        }
        // The word in front of the parenthesis that is open.
        let mut open = Vec::new();
        for (i, token) in place.before.iter().enumerate().skip(at) {
            match token.kind {
                TokenKind::Mark(Mark::Open) => open.push(i),
                TokenKind::Mark(Mark::Close) => drop(open.pop()),
                _ => {}
            }
        }
        let word =
            open.last().and_then(|i| place.before.get(i.checked_sub(1)?)).map_or("", |t| t.span.text(self.source));
        let option: Option<&OptionSpec> = spec.option(word);
        match option.map(|o| o.shape) {
            Some(
                OptionShape::Variable | OptionShape::OptionalVariable | OptionShape::Variables | OptionShape::Terms,
            ) => {
                self.variables();
            }
            Some(OptionShape::Choice(words)) => self.keywords(words),
            _ => {}
        }
    }

    fn head(&mut self, spec: &'static CommandSpec, place: &AtPlace, parts: &Shallow) {
        let tokens = place.before.get(parts.word_length..).unwrap_or(&[]);
        let last = tokens.last();
        let last_text = last.map_or("", |t| t.span.text(self.source));
        let has = |word: &str| tokens.iter().any(|t| t.kind == TokenKind::Word && t.span.text(self.source) == word);
        let assigned = tokens.iter().any(|t| t.kind == TokenKind::Mark(Mark::Assign));
        match spec.shape {
            _ if has("if") => self.expression(tokens),
            Shape::Assign | Shape::Assertion if assigned || spec.shape == Shape::Assertion => self.expression(tokens),
            Shape::Assign if spec.word == "replace" => self.variables(),
            Shape::Assign => {}
            Shape::Require if !tokens.iter().any(|t| t.kind == TokenKind::Mark(Mark::Colon)) => {
                // A store name has several parts; all that is written of it is replaced.
                if let Some(start) = tokens.first() {
                    self.replace = start.span.to(self.replace);
                    self.typed = self.replace.text(self.source).to_owned();
                }
                for store in self.catalogue.store_names() {
                    self.offer(&store, CompletionKind::Store, LangMap::default());
                }
            }
            Shape::Require => self.keywords(&["as"]),
            Shape::Import | Shape::ImportEvent | Shape::ImportPanel | Shape::ListLabels | Shape::Registers => {
                self.registers(tokens, last);
                if !tokens.is_empty() && last_text != "/" {
                    self.keywords(if spec.shape == Shape::ImportEvent { &["to", "as"] } else { &["as"] });
                }
                if tokens.is_empty() && spec.shape == Shape::ListLabels {
                    self.lists();
                }
            }
            Shape::Names { parts, .. } => self.part(parts.get(tokens.len()).or(parts.last()).copied()),
            Shape::Merge if has("on") => self.variables(),
            Shape::Merge if has("into") => {
                self.datasets();
                self.keywords(&["on"]);
            }
            Shape::Merge => {
                self.variables();
                self.keywords(&["into"]);
            }
            Shape::Link if has("from") => self.datasets(),
            Shape::Chart | Shape::Groups { .. } if last_text == "(" => {
                self.keywords(if spec.shape == Shape::Chart { CHART_STATISTICS } else { GROUP_STATISTICS });
            }
            Shape::Recode if parts.depth > 0 => self.rule(tokens),
            Shape::DropKeep => {
                self.variables();
                if tokens.is_empty() {
                    self.keywords(&["if"]);
                }
            }
            Shape::Empty
            | Shape::Words { .. }
            | Shape::Help
            | Shape::Labels
            | Shape::Sample
            | Shape::Block
            | Shape::Plot => {}
            _ => self.variables(),
        }
        if spec.condition && !has("if") && !tokens.is_empty() && parts.depth == 0 {
            self.keywords(&["if"]);
        }
    }

    fn part(&mut self, part: Option<Part>) {
        match part {
            Some(Part::Variable | Part::Prefix) => self.variables(),
            Some(Part::Dataset) => self.datasets(),
            Some(Part::List) => self.lists(),
            Some(Part::NewVariable | Part::NewDataset) | None => {}
        }
    }

    /// Behind a comparison with a labelled variable its codes; else variables and functions.
    fn expression(&mut self, tokens: &[Token]) {
        if let [.., variable, operator] = tokens
            && matches!(operator.kind, TokenKind::Mark(Mark::Equal | Mark::NotEqual))
        {
            self.codes(variable.span.text(self.source));
        }
        self.variables();
        for function in FUNCTIONS {
            let text = |l| help::function(function.function).map_or("", |h| h.text.text(l));
            let [nb, nn, en] = Language::ALL.map(|l| format!("{} — {}", function.signature, text(l)));
            self.offer(&format!("{}()", function.name), CompletionKind::Function, LangMap::of(&nb, &nn, &en));
        }
    }

    fn rule(&mut self, tokens: &[Token]) {
        let variable = tokens.first().map_or("", |t| t.span.text(self.source)).to_owned();
        self.codes(&variable);
        self.keywords(&["missing", "nonmissing", "min", "max"]);
    }

    fn codes(&mut self, variable: &str) {
        let dataset = self.state.active.as_ref().and_then(|a| self.state.datasets.get(a));
        let Some(LabelState::Known(labels)) = dataset.and_then(|d| d.get(variable)).map(|c| c.labels.clone()) else {
            return;
        };
        for label in &labels.entries {
            let text = match &label.code {
                Literal::Text(code) => quoted(code),
                number => number.to_string(),
            };
            self.offer(&text, CompletionKind::Code, label.text.clone());
        }
    }

    fn variables(&mut self) {
        let dataset = self.state.active.as_ref().and_then(|a| self.state.datasets.get(a));
        let names: Vec<String> = dataset.map(|d| d.names().map(str::to_owned).collect()).unwrap_or_default();
        for name in names {
            self.offer(&name, CompletionKind::Variable, LangMap::default());
        }
    }

    fn datasets(&mut self) {
        let names: Vec<String> = self.state.datasets.keys().map(|n| n.to_string()).collect();
        for name in names {
            self.offer(&name, CompletionKind::Dataset, LangMap::default());
        }
    }

    fn lists(&mut self) {
        let names: Vec<String> = self.state.lists.keys().cloned().collect();
        for name in names {
            self.offer(&name, CompletionKind::List, LangMap::default());
        }
    }

    fn binding_names(&mut self) {
        let names: Vec<(String, String)> = self
            .bindings
            .names()
            .iter()
            .map(|n| ((*n).to_owned(), self.bindings.get(n).map_or(String::new(), |c| c.text())))
            .collect();
        for (name, value) in names {
            let text = format!("${name}");
            let completion =
                Completion { text, kind: CompletionKind::Binding, detail: plain(&value), replace: self.replace };
            if fold(&name).starts_with(&fold(&self.typed)) {
                self.found.push(((false, CompletionKind::Binding, name), completion));
            }
        }
    }

    fn keywords(&mut self, words: &[&str]) {
        for word in words {
            self.offer(word, CompletionKind::Keyword, LangMap::default());
        }
    }

    /// Aliases, and behind `alias/` the variables of its store with their titles.
    fn registers(&mut self, tokens: &[Token], last: Option<&Token>) {
        if let ([.., alias, slash], Some(_)) = (tokens, last)
            && slash.kind == TokenKind::Mark(Mark::Divide)
        {
            let Some(alias) = self.state.aliases.get(alias.span.text(self.source)).cloned() else { return };
            let Some(version) = alias.version else { return };
            for name in self.catalogue.variable_names(&alias.store, &version) {
                let title = self.catalogue.variable(&alias.store, &version, &name).map(|v| v.title.clone());
                // A title is found too: who types "inntekt" means the income variables.
                let title = title.unwrap_or_default();
                let titled =
                    self.typed.chars().count() > 2 && fold(title.text(Language::Nb)).contains(&fold(&self.typed));
                if titled && !fold(&name).contains(&fold(&self.typed)) {
                    let completion = Completion {
                        text: name.clone(),
                        kind: CompletionKind::Register,
                        detail: title,
                        replace: self.replace,
                    };
                    self.found.push(((true, CompletionKind::Register, name), completion));
                } else {
                    self.offer(&name, CompletionKind::Register, title);
                }
            }
            return;
        }
        if tokens.is_empty() {
            let aliases: Vec<(String, String)> =
                self.state.aliases.iter().map(|(a, s)| (a.clone(), s.store.clone())).collect();
            for (alias, store) in aliases {
                self.offer(&format!("{alias}/"), CompletionKind::Alias, plain(&store));
            }
        }
    }
}

fn plain(text: &str) -> LangMap {
    LangMap::of(text, text, text)
}
