//! Explanations of the word under the pointer: commands, functions, register variables, columns, bindings.

use kernel::{LangMap, Language};
use serde::{Deserialize, Serialize};

use super::{AtPlace, at_place, shallow};
use crate::catalogue::{Catalogue, Temporality, VariableInfo};
use crate::check::{LabelState, state_at};
use crate::commands::CommandSpec;
use crate::functions::Function;
use crate::help;
use crate::lexer::{Mark, TokenKind, lex, normal};
use crate::messages::{self, say};
use crate::parse::{parse, system_name};
use crate::program::DataType;
use crate::span::Span;

/// What is said about a word.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Hover {
    /// The word.
    pub span: Span,
    /// Text of a few lines.
    pub text: LangMap,
}

/// What is known about the word at line and column (from 1, in characters).
pub fn hover(source: &str, line: u32, column: u32, catalogue: &dyn Catalogue) -> Option<Hover> {
    let tokens = lex(source).tokens;
    // One character on, so that the first letter of a word belongs to it.
    let place = at_place(&tokens, line, column + 1);
    let token = place.current?;
    let word = token.span.text(source);
    let statement_end = tokens.iter().position(|t| t.kind == TokenKind::Newline && t.span.start >= token.span.end)?;
    let statement: Vec<_> = tokens
        .iter()
        .take(statement_end)
        .copied()
        .filter(|t| t.significant() && t.span.start >= place.before.first().map_or(token.span.start, |f| f.span.start))
        .collect();
    let parts = shallow(source, &statement);
    if place.before.len() < parts.word_length {
        let spec = CommandSpec::of(&parts.word)?;
        let about = messages::about(spec);
        let more = |l| help::command(spec).map_or("", |h| h.text.text(l));
        let [nb, nn, en] = Language::ALL.map(|l| format!("{}\n{} {}", spec.signature(), about.text(l), more(l)));
        let last = statement.get(parts.word_length - 1)?;
        return Some(Hover { span: statement.first()?.span.to(last.span), text: LangMap::of(&nb, &nn, &en) });
    }
    let (state, bindings) = state_at(&parse(source).script, catalogue, line);
    let before = place.before.last();
    let next = tokens.iter().find(|t| t.span.start >= token.span.end && t.significant());
    let text = if token.kind == TokenKind::Binding {
        let value = bindings.get(&normal(word.trim_start_matches('$')))?.text();
        plain(&format!("{word} = {}", messages::shortened(&value)))
    } else if next.is_some_and(|t| t.kind == TokenKind::Mark(Mark::Open)) && Function::named(word).is_some() {
        let function = Function::named(word)?;
        let text = |l| help::function(function).map_or("", |h| h.text.text(l));
        let [nb, nn, en] = Language::ALL.map(|l| format!("{}\n{}", function.spec().signature, text(l)));
        LangMap::of(&nb, &nn, &en)
    } else if let Some(option) = option_at(&parts.word, &place, word, source) {
        option
    } else if before.is_some_and(|t| t.kind == TokenKind::Mark(Mark::Divide) && token.glued_to(t)) {
        let alias = place.before.iter().rev().nth(1)?;
        let alias = state.aliases.get(alias.span.text(source))?;
        variable_text(catalogue.variable(&alias.store, alias.version.as_deref()?, word)?.as_ref())
    } else {
        let dataset = state.active.as_ref().and_then(|a| state.datasets.get(a))?;
        let name = system_name(&normal(word));
        let column = dataset.get(&name)?;
        let [nb, nn, en] = column.data_type.as_ref().map_or(["?"; 3], type_names);
        let codes = match &column.labels {
            LabelState::Known(labels) => {
                let shown = labels.entries.iter().take(5).map(|l| format!("{} {}", l.code, l.text.text(Language::Nb)));
                format!("\n{}", shown.collect::<Vec<_>>().join("\n"))
            }
            _ => String::new(),
        };
        say!("{name}: {nb}{codes}", "{name}: {nn}{codes}", "{name}: {en}{codes}")
    };
    Some(Hover { span: token.span, text })
}

/// The help of an option of the command, for a word behind the first comma.
fn option_at(command: &str, place: &AtPlace, word: &str, source: &str) -> Option<LangMap> {
    let spec = CommandSpec::of(command)?;
    let option = spec.option(word)?;
    let behind_comma = place.before.iter().any(|t| t.span.text(source) == ",");
    let help = help::option(spec, option).filter(|_| behind_comma)?;
    let [nb, nn, en] = Language::ALL.map(|l| format!("{word}\n{}", help.text.text(l)));
    Some(LangMap::of(&nb, &nn, &en))
}

fn plain(text: &str) -> LangMap {
    LangMap::of(text, text, text)
}

fn type_names(data_type: &DataType) -> [&'static str; 3] {
    match data_type {
        DataType::Integer => ["heltall", "heiltal", "integer"],
        DataType::Decimal => ["desimaltall", "desimaltal", "decimal"],
        DataType::Text => ["alfanumerisk", "alfanumerisk", "alphanumeric"],
        DataType::Date => ["dato", "dato", "date"],
        DataType::Key(_) => ["enhetsnøkkel", "einingsnøkkel", "unit key"],
    }
}

fn variable_text(info: &VariableInfo) -> LangMap {
    let unit = &info.unit_type.name;
    let types = type_names(&info.data_type);
    let time = match info.temporality {
        Temporality::Fixed => ["fast", "fast", "fixed"],
        Temporality::Status => ["tverrsnitt", "tverrsnitt", "status"],
        Temporality::Accumulated => ["akkumulert", "akkumulert", "accumulated"],
        Temporality::Event => ["forløp", "forløp", "event"],
    };
    let day = |d: Option<kernel::Date>| d.map_or(String::new(), |d| d.to_string());
    let coverage = match (info.covered_from, info.covered_until) {
        (None, None) => String::new(),
        (from, until) => format!(", {} – {}", day(from), day(until)),
    };
    let mut texts = Language::ALL.into_iter().zip(types).zip(time).map(|((language, data_type), time)| {
        format!("{}\n{}\n{unit}, {time}, {data_type}{coverage}", info.name, info.title.text(language))
    });
    let mut next = || texts.next().unwrap_or_default();
    LangMap::of(&next(), &next(), &next())
}
