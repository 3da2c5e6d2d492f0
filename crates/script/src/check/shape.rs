//! Commands that make and change variables and code lists (language.md 8.3, 8.4).

use std::sync::Arc;

use kernel::LangMap;

use super::expression::Type;
use super::state::{Column, Dataset, Kind, LabelState, ListDefinition};
use super::{Checker, Parse, Placed, head_names};
use crate::constants::Constant;
use crate::messages;
use crate::program::{
    Action, DataType, Destring, Label, Labels, Literal, Name, Recode, RecodeColumn, RecodeRule, RecodeSource,
};
use crate::span::{Located, Span};
use crate::suggest;
use crate::tree::{Command, Expr, ExprKind, Head, Rule, Source};

impl Checker<'_> {
    /// The names of existing columns in a list.
    pub(super) fn existing(&self, names: &[Expr]) -> Parse<Vec<(Placed, Column)>> {
        let mut found = Vec::with_capacity(names.len());
        for expr in names {
            let name = self.bindings.name(expr)?;
            let column = self.state.dataset(expr.span)?.column(&name, expr.span)?;
            found.push((Located::new(name, expr.span), column));
        }
        Ok(found)
    }

    /// The text of an option, quoted or not.
    pub(super) fn option_text(&self, command: &Command, option: &str) -> Parse<Option<Placed>> {
        let argument = command.option(option).and_then(|o| o.arguments.first()).and_then(|a| a.value());
        argument.map(|e| self.bindings.value(e).map(|v| Located::new(v.text(), e.span))).transpose()
    }

    pub(super) fn generate(&mut self, command: &Command, span: Span) -> Parse<Action> {
        let Head::Assign { target, value } = &command.head else {
            return Self::fail(messages::no_active_dataset(span));
        };
        self.state.dataset(command.spec.span)?;
        let name = self.bindings.new_name(target)?;
        self.state.dataset(span)?.free(&name, target.span)?;
        let typed = self.column_value(value)?;
        let condition = self.condition(command.condition.as_ref())?;
        let column = Column::with(typed.ty.column(), LabelState::None);
        let column = self.state.dataset_mut(span)?.set(&name, column);
        Ok(Action::Generate { column, value: typed.expression(), condition })
    }

    pub(super) fn replace(&mut self, command: &Command, span: Span) -> Parse<Action> {
        let Head::Assign { target, value } = &command.head else {
            return Self::fail(messages::no_active_dataset(span));
        };
        let dataset = self.state.dataset(command.spec.span)?;
        let name = self.bindings.name(target)?;
        let before = dataset.column(&name, target.span)?;
        self.changeable(&name, target.span)?;
        if let Some(DataType::Key(_)) = before.data_type {
            return Self::fail(messages::key_in_expression(target.span));
        }
        let typed = self.column_value(value)?;
        let condition = self.condition(command.condition.as_ref())?;
        let all = condition.is_none();
        let after = match (&before.data_type, &typed.ty) {
            (_, Type::Missing) => before.data_type.clone(),
            (_, Type::Unknown) if all => None,
            (_, Type::Of(new)) if all => Some(new.clone()),
            (None, _) | (_, Type::Unknown) => before.data_type.clone(),
            (Some(old), Type::Of(new)) if (*old == DataType::Text) != (*new == DataType::Text) => {
                return Self::fail(messages::types_differ(value.span, &name, *old == DataType::Text));
            }
            (Some(DataType::Integer | DataType::Date), Type::Of(DataType::Decimal)) => Some(DataType::Decimal),
            (Some(old), Type::Of(_)) => Some(old.clone()),
        };
        // The labels go with the kind of the codes: text or number.
        let kept = before.data_type.is_none() || text(&before.data_type) == text(&after);
        let labels = if kept { before.labels } else { LabelState::None };
        let column = Column::with(after.clone(), labels);
        let (data_type, labels) = (after.unwrap_or(DataType::Integer), column.plan_labels());
        let column = self.state.dataset_mut(span)?.set(&name, column);
        Ok(Action::Replace { column, value: typed.expression(), condition, data_type, labels })
    }

    pub(super) fn rename(&mut self, command: &Command) -> Parse<Action> {
        let [from, to] = head_names(command) else { return Self::fail(messages::no_active_dataset(command.spec.span)) };
        let dataset = self.state.dataset(command.spec.span)?;
        let old = self.bindings.name(from)?;
        let new = self.bindings.new_name(to)?;
        self.changeable(&old, from.span)?;
        dataset.free(&new, to.span)?;
        if dataset.get(&old).is_none() {
            // The unit key has one name; in a dataset that is not fully known the column may be any.
            if let Some(DataType::Key(_)) = dataset.column(&old, from.span)?.data_type {
                return Self::fail(messages::key_in_expression(from.span));
            }
            self.state.dataset_mut(to.span)?.set(&new, Column::UNKNOWN);
        }
        let dataset = self.state.dataset_mut(from.span)?;
        dataset.rename(&old, &new);
        for edge in ["START@", "STOP@"] {
            dataset.rename(&format!("{edge}{old}"), &format!("{edge}{new}"));
        }
        Ok(Action::Rename { from: old.into(), to: new.into() })
    }

    pub(super) fn clone_variables(&mut self, command: &Command) -> Parse<Action> {
        let Head::Pairs(pairs) = &command.head else {
            return Self::fail(messages::no_active_dataset(command.spec.span));
        };
        self.state.dataset(command.spec.span)?;
        let prefix = self.option_text(command, "prefix")?.map_or(String::new(), |p| p.node);
        let suffix = self.option_text(command, "suffix")?.map_or(String::new(), |s| s.node);
        let mut made: Vec<(Name, Name)> = Vec::new();
        for (from, to) in pairs {
            let old = self.bindings.name(from)?;
            let dataset = self.state.dataset(from.span)?;
            let column = dataset.column(&old, from.span)?;
            let (new, place) = match to {
                Some(to) => (self.bindings.new_name(to)?, to.span),
                None => (self.joined(&prefix, &old, &suffix, from.span)?, from.span),
            };
            let dataset = self.state.dataset_mut(from.span)?;
            dataset.free(&new, place)?;
            made.push((old.into(), dataset.set(&new, column)));
        }
        Ok(Action::CloneColumns { pairs: made })
    }

    /// `E303` for `date@panel` of a panel: it tells the rows of a unit apart and stays as it is.
    fn changeable(&self, name: &str, span: Span) -> Parse<()> {
        let dataset = self.state.dataset(span)?;
        if name == "date@panel" && dataset.kind == Kind::Panel {
            return Self::fail(messages::occasion_stays(span));
        }
        Ok(())
    }

    /// A name with prefix and suffix, or `E108`.
    pub(super) fn joined(&self, prefix: &str, name: &str, suffix: &str, span: Span) -> Parse<String> {
        let joined = format!("{prefix}{name}{suffix}");
        if crate::lexer::is_name(&joined) { Ok(joined) } else { Self::fail(messages::invalid_name(span, &joined)) }
    }

    pub(super) fn drop_keep(&mut self, command: &Command) -> Parse<Action> {
        let span = command.spec.span;
        let keep = command.spec.node.word == "keep";
        self.state.dataset(span)?;
        if let Some(condition) = &command.condition {
            let condition = self.truth(condition)?;
            return Ok(if keep { Action::KeepIf(condition) } else { Action::DropIf(condition) });
        }
        let named = self.existing(head_names(command))?;
        let names: Vec<Name> = named.iter().map(|(name, _)| Name::from(name.node.as_str())).collect();
        if !keep {
            named.iter().try_for_each(|(name, _)| self.changeable(&name.node, name.span))?;
        }
        let dataset = self.state.dataset_mut(span)?;
        // START@x and STOP@x go where x goes.
        let chosen = |column: &str| {
            let owner = column.strip_prefix("START@").or_else(|| column.strip_prefix("STOP@"));
            names.iter().any(|n| n.as_ref() == column || Some(n.as_ref()) == owner)
        };
        if keep {
            dataset.retain(|column| chosen(column) || column == "date@panel");
            dataset.open = false;
            Ok(Action::KeepColumns(names))
        } else {
            dataset.retain(|column| !chosen(column));
            Ok(Action::DropColumns(names))
        }
    }

    pub(super) fn recode(&mut self, command: &Command) -> Parse<Action> {
        let Head::Recode { variables, rules } = &command.head else {
            return Self::fail(messages::no_active_dataset(command.spec.span));
        };
        self.state.dataset(command.spec.span)?;
        let named = self.existing(variables)?;
        let prefix = match self.option_text(command, "prefix")? {
            Some(prefix) => Some(prefix),
            None => self.option_text(command, "generate")?,
        };
        let mut columns = Vec::new();
        let mut changed = Vec::new();
        for (name, column) in named {
            if let Some(DataType::Key(_)) = column.data_type {
                return Self::fail(messages::key_in_expression(name.span));
            }
            for rule in rules {
                self.rule_fits(rule, &name.node, column.data_type.as_ref())?;
            }
            let target = match &prefix {
                Some(prefix) => {
                    let target = self.joined(&prefix.node, &name.node, "", prefix.span)?;
                    self.state.dataset(name.span)?.free(&target, prefix.span)?;
                    target
                }
                None => {
                    self.changeable(&name.node, name.span)?;
                    name.node.clone()
                }
            };
            let column = recoded(&column, rules);
            columns.push(RecodeColumn {
                source: name.node.as_str().into(),
                target: target.as_str().into(),
                data_type: column.data_type.clone().unwrap_or(DataType::Integer),
                labels: column.plan_labels(),
            });
            changed.push((target, column));
        }
        if let Some(i) = rules.iter().position(|r| r.sources.iter().any(|s| s.node == Source::Everything))
            && let Some(source) = rules.get(i + 1).and_then(|r| r.sources.first())
        {
            self.warnings.push(messages::rule_never_matches(source.span));
        }
        let condition = self.condition(command.condition.as_ref())?;
        let dataset = self.state.dataset_mut(command.spec.span)?;
        for (name, column) in changed {
            dataset.set(&name, column);
        }
        Ok(Action::Recode(Recode { columns, rules: rules.iter().map(plan_rule).collect(), condition }))
    }

    /// Codes of a rule against the type of the variable (LANG-141, LANG-142).
    fn rule_fits(&self, rule: &Rule, name: &str, data_type: Option<&DataType>) -> Parse<()> {
        let Some(data_type) = data_type else { return Ok(()) };
        let is_text = *data_type == DataType::Text;
        for source in &rule.sources {
            match &source.node {
                Source::Value(value) => code_fits(value, name, is_text)?,
                Source::Range(..) if is_text => return Self::fail(messages::interval_on_text(source.span, name)),
                _ => {}
            }
        }
        code_fits(&rule.target, name, is_text)
    }

    pub(super) fn define_labels(&mut self, command: &Command) -> Parse<Action> {
        let Head::Labels { list, entries } = &command.head else {
            return Self::fail(messages::no_active_dataset(command.spec.span));
        };
        let name = self.bindings.new_name(list)?;
        if self.state.lists.contains_key(&name) {
            return Self::fail(messages::name_taken(list.span, &name));
        }
        let mut made: Vec<(Literal, String)> = Vec::new();
        for (code, label) in entries {
            let code_value = match self.bindings.value(code)? {
                Constant::Integer(n) => Literal::Integer(n),
                Constant::Decimal(x) => Literal::Decimal(x),
                other => Literal::Text(other.text().into()),
            };
            if made.iter().any(|(known, _)| *known == code_value) {
                return Self::fail(messages::name_taken(code.span, &code_value.to_string()));
            }
            made.push((code_value, self.bindings.value(label)?.text()));
        }
        self.state.lists.insert(name.clone(), ListDefinition::new(Some(made)));
        Ok(Action::DefineLabels { list: name.into() })
    }

    /// A code list of the script, or `E208`.
    pub(super) fn list(&self, expr: &Expr) -> Parse<(String, ListDefinition)> {
        let name = self.bindings.name(expr)?;
        match self.state.lists.get(&name) {
            Some(list) => Ok((name, list.clone())),
            None => {
                let near = suggest::nearest(&name, self.state.lists.keys().map(String::as_str));
                Self::fail(messages::unknown_list(expr.span, &name).candidates(near))
            }
        }
    }

    pub(super) fn assign_labels(&mut self, command: &Command) -> Parse<Action> {
        let [variable, list] = head_names(command) else {
            return Self::fail(messages::no_active_dataset(command.spec.span));
        };
        self.state.dataset(command.spec.span)?;
        let name = self.bindings.name(variable)?;
        let mut column = self.state.dataset(variable.span)?.column(&name, variable.span)?;
        if let Some(DataType::Key(_)) = column.data_type {
            return Self::fail(messages::key_in_expression(variable.span));
        }
        let (list_name, definition) = self.list(list)?;
        let Some(entries) = definition.entries else {
            column.labels = LabelState::Unknown;
            let column = self.state.dataset_mut(variable.span)?.set(&name, column);
            return Ok(Action::AssignLabels { column, list: list_name.into(), labels: Arc::default() });
        };
        // Numbers match numeric variables by value, texts match text exactly (LANG-151).
        let is_text = column.data_type == Some(DataType::Text);
        let known = column.data_type.is_some();
        let matching = entries.iter().filter(|(code, _)| !known || matches!(code, Literal::Text(_)) == is_text);
        let entries: Vec<Label> = matching
            .map(|(code, label)| Label { code: code.clone(), text: every_language(label), missing: false })
            .collect();
        if entries.is_empty() {
            self.warnings.push(messages::no_code_matches(list.span, &list_name, &name));
        }
        let labels = Arc::new(Labels { entries });
        column.labels = LabelState::Known(labels.clone());
        let column = self.state.dataset_mut(variable.span)?.set(&name, column);
        if let Some(definition) = self.state.lists.get_mut(&list_name) {
            definition.given.push(labels.clone());
        }
        Ok(Action::AssignLabels { column, list: list_name.into(), labels })
    }

    pub(super) fn drop_labels(&mut self, command: &Command) -> Parse<Action> {
        let mut dropped = Vec::new();
        for expr in head_names(command) {
            dropped.push(self.list(expr)?);
        }
        let mut columns: Vec<(Name, Name)> = Vec::new();
        for (dataset, content) in &mut self.state.datasets {
            let uses = |column: &Column| dropped.iter().any(|(_, list)| list.is_of(column));
            let bare: Vec<(Name, Column)> = content
                .columns()
                .filter(|(_, column)| uses(column))
                .map(|(name, column)| (name.clone(), Column { labels: LabelState::None, ..column.clone() }))
                .collect();
            for (name, column) in bare {
                content.set(&name, column);
                columns.push((dataset.clone(), name));
            }
        }
        let lists = dropped.into_iter().map(|(name, _)| name);
        let lists = lists.inspect(|name| drop(self.state.lists.remove(name))).map(Name::from).collect();
        Ok(Action::DropLabels { lists, columns })
    }

    pub(super) fn destring(&mut self, command: &Command) -> Parse<Action> {
        self.state.dataset(command.spec.span)?;
        let named = self.existing(head_names(command))?;
        let prefix = self.option_text(command, "prefix")?;
        let reading = Reading {
            ignore: self.option_text(command, "ignore")?.map_or(String::new(), |t| t.node),
            decimal_comma: command.option("dpcomma").is_some(),
        };
        let force = command.option("force").is_some();
        let mut columns = Vec::new();
        for (name, column) in named {
            match &column.data_type {
                Some(DataType::Text) | None => {}
                Some(DataType::Key(_)) => return Self::fail(messages::key_in_expression(name.span)),
                Some(_) => return Self::fail(messages::needs_text(name.span)),
            }
            let target = match &prefix {
                Some(prefix) => {
                    let target = self.joined(&prefix.node, &name.node, "", prefix.span)?;
                    self.state.dataset(name.span)?.free(&target, prefix.span)?;
                    target
                }
                None => name.node.clone(),
            };
            let labels = match &column.labels {
                LabelState::Known(labels) => {
                    // Where there is a code list it decides, not the data (LANG-245).
                    if !force && labels.entries.iter().any(|l| !l.missing && !reading.fits(&l.code)) {
                        return Self::fail(messages::codes_not_numeric(name.span, &name.node));
                    }
                    let (labels, met) = numeric_labels(labels, &reading);
                    if met {
                        self.warnings.push(messages::codes_meet(name.span, &name.node));
                    }
                    LabelState::Known(Arc::new(labels))
                }
                other => other.clone(),
            };
            // Whether all values are whole is known when it runs (LANG-146); both are numbers.
            let column = Column::with(Some(DataType::Integer), labels);
            let labels = column.plan_labels();
            let target = self.state.dataset_mut(name.span)?.set(&target, column);
            columns.push(RecodeColumn { source: name.node.into(), target, data_type: DataType::Integer, labels });
        }
        let Reading { ignore, decimal_comma } = reading;
        Ok(Action::Destring(Destring { columns, ignore, decimal_comma, force }))
    }
}

fn text(data_type: &Option<DataType>) -> bool {
    *data_type == Some(DataType::Text)
}

fn every_language(text: &str) -> LangMap {
    LangMap::of(text, text, text)
}

fn code_fits(code: &Expr, name: &str, is_text: bool) -> Parse<()> {
    match &code.node {
        ExprKind::Missing => Ok(()),
        ExprKind::Text(_) if !is_text => Err(Box::new(messages::types_differ(code.span, name, false))),
        ExprKind::Integer(_) | ExprKind::Decimal(_) if is_text => {
            Err(Box::new(messages::types_differ(code.span, name, true)))
        }
        _ => Ok(()),
    }
}

fn literal(code: &Expr) -> Option<Literal> {
    match &code.node {
        ExprKind::Integer(n) => Some(Literal::Integer(*n)),
        ExprKind::Decimal(x) => Some(Literal::Decimal(*x)),
        ExprKind::Text(s) => Some(Literal::Text(s.as_str().into())),
        _ => None,
    }
}

fn plan_rule(rule: &Rule) -> RecodeRule {
    let bound = |b: &Option<Expr>| b.as_ref().and_then(literal).and_then(|l| l.as_f64());
    let sources = rule.sources.iter().map(|source| match &source.node {
        Source::Value(value) => literal(value).map_or(RecodeSource::Missing, RecodeSource::Value),
        Source::Range(low, high) => RecodeSource::Range(bound(low), bound(high)),
        Source::Missing => RecodeSource::Missing,
        Source::NonMissing => RecodeSource::NonMissing,
        Source::Everything => RecodeSource::Everything,
    });
    RecodeRule { sources: sources.collect(), target: literal(&rule.target), flag_missing: rule.missing }
}

/// Type and labels after a recode: targets are added, codes that no longer occur are kept (LANG-143).
fn recoded(column: &Column, rules: &[Rule]) -> Column {
    let decimal = rules.iter().any(|r| matches!(r.target.node, ExprKind::Decimal(_)));
    let data_type = match &column.data_type {
        Some(DataType::Integer | DataType::Date) if decimal => Some(DataType::Decimal),
        other => other.clone(),
    };
    let plain = rules.iter().all(|r| r.label.is_none() && !r.missing);
    let mut labels = match &column.labels {
        LabelState::Unknown => return Column::with(data_type, LabelState::Unknown),
        LabelState::None if plain => return Column::with(data_type, LabelState::None),
        LabelState::None => Labels::default(),
        LabelState::Known(labels) => labels.as_ref().clone(),
    };
    for rule in rules {
        let Some(code) = literal(&rule.target) else { continue };
        let known = labels.of(&code).map(|l| l.code.clone());
        let entry = labels.entries.iter_mut().find(|l| Some(&l.code) == known.as_ref());
        match (entry, &rule.label) {
            (Some(entry), label) => {
                if let Some(label) = label {
                    entry.text = every_language(&label.node);
                }
                entry.missing |= rule.missing;
            }
            (None, Some(label)) => {
                labels.entries.push(Label { code, text: every_language(&label.node), missing: rule.missing });
            }
            (None, None) if rule.missing => {
                let text = every_language(&code.to_string());
                labels.entries.push(Label { code, text, missing: true });
            }
            (None, None) => {}
        }
    }
    Column::with(data_type, LabelState::Known(Arc::new(labels)))
}

/// How `destring` reads a text (LANG-145).
struct Reading {
    ignore: String,
    decimal_comma: bool,
}

impl Reading {
    /// Whether a code is a number, or nothing but blanks, which is missing.
    fn fits(&self, code: &Literal) -> bool {
        match code {
            Literal::Text(text) => text.trim().is_empty() || self.number(text).is_some(),
            _ => true,
        }
    }

    /// The number that a text stands for.
    fn number(&self, text: &str) -> Option<Literal> {
        let kept: String = text.trim().chars().filter(|c| !self.ignore.contains(*c)).collect();
        let plain = if self.decimal_comma { kept.replace(',', ".") } else { kept };
        let digits = plain.strip_prefix(['+', '-']).unwrap_or(&plain);
        if !digits.starts_with(|c: char| c.is_ascii_digit()) || !digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        {
            return None;
        }
        let whole = plain.parse().ok().map(Literal::Integer);
        whole.or_else(|| plain.parse().ok().map(Literal::Decimal))
    }
}

/// The labels of a text variable after `destring`; codes that meet keep the first label, and that is told (LANG-146).
fn numeric_labels(labels: &Labels, reading: &Reading) -> (Labels, bool) {
    let mut numeric = Labels::default();
    let mut met = false;
    for label in &labels.entries {
        let Literal::Text(code) = &label.code else { continue };
        let Some(code) = reading.number(code) else { continue };
        if numeric.of(&code).is_some() {
            met = true;
        } else {
            numeric.entries.push(Label { code, ..label.clone() });
        }
    }
    (numeric, met)
}

/// The columns of a dataset that are numbers, and the others.
pub(super) fn numeric_columns(dataset: &Dataset) -> (Vec<Name>, Vec<Name>) {
    let (numeric, others): (Vec<_>, Vec<_>) =
        dataset.columns().partition(|(_, c)| c.is_numeric() || c.data_type.is_none());
    let names = |columns: Vec<(&Name, &Column)>| columns.into_iter().map(|(n, _)| n.clone()).collect();
    (names(numeric), names(others))
}
