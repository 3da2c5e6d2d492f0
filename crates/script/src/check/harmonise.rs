//! Codes of one date on the list of another: `harmonise`, and the option of the imports (LANG-320 to LANG-322).

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use kernel::Date;

use super::import::register_column;
use super::{Checker, Parse, head_names};
use crate::catalogue::{Temporality, VariableInfo};
use crate::diagnostic::Diagnostic;
use crate::messages;
use crate::program::{Action, Harmonise, Harmonised, Split};
use crate::span::Span;
use crate::tree::{Command, CommandOption, ExprKind};

impl Checker<'_> {
    /// `harmonise v, from(date) to(date) [split(...)]`.
    pub(super) fn harmonise(&mut self, command: &Command) -> Parse<Action> {
        self.state.dataset(command.spec.span)?;
        let [variable] = head_names(command) else {
            return Self::fail(messages::no_active_dataset(command.spec.span));
        };
        let name = self.bindings.name(variable)?;
        let column = self.state.dataset(variable.span)?.column(&name, variable.span)?;
        let (from, to) = (self.day_of(command.option("from"))?, self.day_of(command.option("to"))?);
        let split = split_of(command.option("split"));
        let (Some(from), Some(to)) = (from, to) else {
            return Self::fail(messages::option_missing(command.spec.span, "from() to()"));
        };
        if column.data_type.is_none() {
            // Metadata is not at hand: there is no plan.
            return Ok(Action::KeepColumns(Vec::new()));
        }
        let Some(info) = &column.origin else {
            return Self::fail(messages::no_change_table(variable.span, &name));
        };
        let codes = harmonised(info, from, to, split, variable.span)?;
        let held = column.plan_labels();
        let held = held.iter().flat_map(|labels| &labels.entries).map(|entry| entry.code.to_string());
        self.warnings.extend(outside(info, held, from, &codes, variable.span));
        let mut column = register_column(info, &[to]);
        // The list is now that of another date; the codes can be moved on from there.
        column.origin = Some(info.clone());
        let labels = column.plan_labels();
        let column = self.state.dataset_mut(variable.span)?.set(&name, column);
        Ok(Action::Harmonise(Harmonise { column, codes, labels }))
    }

    /// The option `harmonise(to(date) [split(...)])` of `import`.
    pub(super) fn import_harmonised(
        &mut self,
        command: &Command,
        info: Option<&Arc<VariableInfo>>,
        at: Option<Date>,
    ) -> Parse<Option<Harmonised>> {
        let Some(option) = command.option("harmonise") else { return Ok(None) };
        let span = option.name.span;
        let Some(to) = self.day_of(nested(option, "to"))? else {
            return Self::fail(messages::option_missing(span, "to()"));
        };
        match (info, at) {
            (None, _) => Ok(None),
            (Some(info), Some(from)) => {
                let codes = harmonised(info, from, to, split_of(nested(option, "split")), span)?;
                self.warnings.extend(outside(info, earlier(info, from), from, &codes, span));
                Ok(Some(codes))
            }
            (Some(info), None) => Self::fail(messages::no_change_table(span, &info.name)),
        }
    }

    /// The option of `import-panel`: to the last time unless it says `to()`. Variables without change table stay as
    /// they are; one of them must have one.
    pub(super) fn panel_harmonised(
        &mut self,
        command: &Command,
        variables: &[Arc<VariableInfo>],
        times: &[Date],
    ) -> Parse<Option<Vec<Vec<Harmonised>>>> {
        let Some(option) = command.option("harmonise") else { return Ok(None) };
        let span = option.name.span;
        let split = split_of(nested(option, "split"));
        let to = self.day_of(nested(option, "to"))?.or(times.last().copied());
        let (Some(to), Some(first)) = (to, variables.first()) else { return Ok(None) };
        if !variables.iter().any(|v| has_changes(v)) {
            return Self::fail(messages::no_change_table(span, &first.name));
        }
        let of = |info: &Arc<VariableInfo>| {
            let moved = |from: &Date| match has_changes(info) {
                true => harmonised(info, *from, to, split, span),
                false => Ok(Harmonised { to, changes: Arc::default(), split }),
            };
            times.iter().map(moved).collect::<Parse<Vec<_>>>()
        };
        variables.iter().map(of).collect::<Parse<Vec<_>>>().map(Some)
    }

    fn day_of(&self, option: Option<&CommandOption>) -> Parse<Option<Date>> {
        let argument = option.and_then(|o| o.arguments.first()).and_then(|a| a.value());
        argument.map(|e| self.bindings.date(e)).transpose()
    }
}

fn nested<'o>(option: &'o CommandOption, name: &str) -> Option<&'o CommandOption> {
    option.arguments.iter().find_map(|argument| match argument {
        crate::tree::Argument::Nested(inner) if inner.name.node == name => Some(inner),
        _ => None,
    })
}

fn split_of(option: Option<&CommandOption>) -> Split {
    let word = option.and_then(|o| o.arguments.first()).and_then(|a| a.value()).map(|e| &e.node);
    match word {
        Some(ExprKind::Name(word)) if word == "missing" => Split::Missing,
        Some(ExprKind::Name(word)) if word == "error" => Split::Error,
        _ => Split::Largest,
    }
}

fn has_changes(info: &VariableInfo) -> bool {
    info.code_list.as_ref().is_some_and(|list| !list.changes.is_empty())
}

/// Codes that a spell which began earlier may still have: those of the lists before the one of the day.
fn earlier(info: &VariableInfo, day: Date) -> impl Iterator<Item = String> {
    let spells = info.temporality == Temporality::Event;
    let list = info.code_list.as_ref().filter(|_| spells);
    let before = list.into_iter().flat_map(|list| &list.periods);
    let before = before.filter(move |period| period.until.is_some_and(|until| until < day));
    before.flat_map(|period| &period.codes).map(|entry| entry.code.clone())
}

/// `W617`: codes that the column may have, that are not in the list of the day, and that the table does not translate: they
/// stay (LANG-321). The lists alone decide, so it tells nothing of the data (LANG-245).
fn outside(
    info: &VariableInfo,
    held: impl Iterator<Item = String>,
    day: Date,
    codes: &Harmonised,
    span: Span,
) -> Option<Diagnostic> {
    let list = info.code_list.as_ref()?.on(Some(day))?;
    let listed: HashSet<&str> = list.codes.iter().map(|entry| entry.code.as_str()).collect();
    let translated: HashSet<&str> = codes.changes.iter().map(|change| change.from.as_str()).collect();
    let stay: BTreeSet<String> =
        held.filter(|code| !listed.contains(code.as_str()) && !translated.contains(code.as_str())).collect();
    (!stay.is_empty()).then(|| messages::codes_outside_the_list(span, day, &stay))
}

/// The translation. Whether a code was split is told by the table, not by the data (LANG-245).
fn harmonised(info: &VariableInfo, from: Date, to: Date, split: Split, span: Span) -> Parse<Harmonised> {
    let list = info.code_list.as_ref().filter(|list| !list.changes.is_empty());
    let Some(list) = list else {
        return Err(Box::new(messages::no_change_table(span, &info.name)));
    };
    let changes = list.changes_between(from, to);
    if split == Split::Error
        && let Some(change) = changes.iter().find(|c| c.to.len() > 1)
    {
        return Err(Box::new(messages::code_was_split(span, &change.from)));
    }
    Ok(Harmonised { to, changes: Arc::new(changes), split })
}
