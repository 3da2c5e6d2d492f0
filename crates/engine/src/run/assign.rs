//! Commands that derive values row by row: `generate`, `replace`, `recode`, and the conditions of all commands.

use std::sync::Arc;

use script::program::{Destring, Expression, Literal, Name, Recode};

use super::{Outcome, Run};
use crate::control::{Control, by_chunk};
use crate::data::Data;
use crate::dataset::{Column, Core, Dataset, Rows, column_key};
use crate::destring::destring;
use crate::error::RunError;
use crate::expression::{Node, columns, compile};
use crate::mask::Mask;
use crate::narrowing::has_quantile;
use crate::quantile::quantile;
use crate::raw::{Raw, RawEdit};
use crate::recode::{Condition, merge_origins, recode};
use crate::vector::Kind;

impl Run {
    /// An expression ready to run over the columns of a dataset, and what it is made of.
    pub(super) fn prepare(&self, dataset: &Dataset, expression: &Expression) -> Result<Prepared, RunError> {
        let find = |name: &str| dataset.find(name).map(|c| c.data);
        let node = compile(expression, &find).map_err(|name| RunError::unknown_column(&name))?;
        let mut names = Vec::new();
        columns(expression, &mut names);
        let used: Vec<Column> = names.iter().filter_map(|n| dataset.find(n)).collect();
        let origin = used.iter().fold(Vec::new(), |all, c| merge_origins(&all, &c.origin));
        let key = expression_key(dataset, expression);
        Ok(Prepared {
            node,
            key,
            core: core(dataset, expression).unwrap_or(Core::Derived(key)),
            row_wise: matches!(dataset.rows, Rows::Units) && used.iter().all(|c| c.row_wise),
            origin,
        })
    }

    /// The same with every `quantile()` in it computed over the rows of the dataset that meet the condition, and set in
    /// as a column of a copy of the dataset (LANG-047).
    fn prepare_whole(
        &self,
        dataset: &Dataset,
        expression: &Expression,
        condition: Option<&Condition>,
        control: &dyn Control,
    ) -> Result<Prepared, RunError> {
        if !has_quantile(expression) {
            return self.prepare(dataset, expression);
        }
        let mask = condition.map_or_else(|| (*dataset.mask).clone(), |c| dataset.mask.and(&c.rows));
        let population = self.population_key(dataset)?;
        let rows_key = column_key("rows", &[&population, condition.map_or(&[][..], |c| &c.key[..])]);
        let mut dataset = dataset.clone();
        let expression = self.set_in(&mut dataset, expression, &mask, &rows_key, control)?;
        self.prepare(&dataset, &expression)
    }

    fn set_in(
        &self,
        dataset: &mut Dataset,
        expression: &Expression,
        mask: &Mask,
        rows_key: &[u8; 32],
        control: &dyn Control,
    ) -> Result<Expression, RunError> {
        use script::program::ExpressionKind as E;
        let mut inner = |e: &Expression| self.set_in(dataset, e, mask, rows_key, control);
        let kind = match &expression.kind {
            E::Column(_) | E::Literal(_) | E::Missing => expression.kind.clone(),
            E::Unary(op, x) => E::Unary(*op, Box::new(inner(x)?)),
            E::Binary(op, a, b) => E::Binary(*op, Box::new(inner(a)?), Box::new(inner(b)?)),
            E::Call(function, args) => {
                let args = args.iter().map(&mut inner).collect::<Result<Vec<_>, RunError>>()?;
                match (function, args.as_slice()) {
                    (script::Function::Quantile, [values, groups]) => {
                        let column = match &values.kind {
                            E::Column(name) => dataset.find(name),
                            _ => None,
                        };
                        let (values, groups) = (self.prepare(dataset, values)?, self.prepare(dataset, groups)?);
                        let data = quantile(&values.node, &groups.node, column.as_ref(), mask, control)?;
                        let name: Name = format!("quantile@{}", dataset.columns.len()).into();
                        let key = column_key("quantile", &[&values.key, &groups.key, rows_key]);
                        let column = Column {
                            data: Arc::new(data),
                            data_type: script::DataType::Integer,
                            labels: None,
                            flagged: Arc::default(),
                            title: None,
                            origin: Arc::new(values.origin),
                            key,
                            row_wise: false,
                            import: None,
                            core: Core::Derived(key),
                            made: true,
                        };
                        dataset.put(&name, column);
                        E::Column(name)
                    }
                    _ => E::Call(*function, args),
                }
            }
        };
        Ok(Expression { kind, data_type: expression.data_type.clone() })
    }

    pub(super) fn condition(
        &self,
        dataset: &Dataset,
        expression: Option<&Expression>,
        control: &dyn Control,
    ) -> Result<Option<Condition>, RunError> {
        let Some(expression) = expression else { return Ok(None) };
        let Prepared { node, key, row_wise, origin, .. } = self.prepare_whole(dataset, expression, None, control)?;
        let parts = by_chunk(control, dataset.mask.len(), |range| node.truths(range))?;
        Ok(Some(Condition { rows: Mask::of_words(parts, dataset.mask.len()), key, row_wise, origin }))
    }

    pub(super) fn filter(
        &mut self,
        condition: &Expression,
        drop: bool,
        control: &dyn Control,
    ) -> Result<Outcome, RunError> {
        if let Some(outcome) = self.filter_unread(condition, drop)? {
            return Ok(outcome);
        }
        let mut dataset = self.active()?.clone();
        if let Some(condition) = self.condition(&dataset, Some(condition), control)? {
            let mask = if drop { dataset.mask.and_not(&condition.rows) } else { dataset.mask.and(&condition.rows) };
            dataset.set_mask(mask);
        }
        self.population(dataset)
    }

    /// `generate` (no labels given) and `replace` (labels afterwards given).
    pub(super) fn assign(
        &mut self,
        plan: &Assignment<'_>,
        replace: Option<Option<Arc<script::program::Labels>>>,
        control: &dyn Control,
    ) -> Result<Outcome, RunError> {
        let mut dataset = self.active()?.clone();
        let condition = self.condition(&dataset, plan.condition, control)?;
        let value = self.prepare_whole(&dataset, plan.value, condition.as_ref(), control)?;
        let old = match replace {
            Some(_) => {
                let old = dataset.column(plan.column).ok_or_else(|| RunError::unknown_column(plan.column))?;
                // Where every value is replaced nothing of the old column is left but its labels.
                condition.is_some().then(|| old.clone())
            }
            None => None,
        };
        let kind = Kind::of_type(plan.data_type);
        let rows = dataset.mask.len();
        let short = if condition.is_none() { value.node.column(rows, kind, control) } else { None };
        let data = match short {
            Some(data) => data?,
            None => {
                let parts = by_chunk(control, rows, |range| {
                    let mut new = value.node.evaluate(range.clone());
                    let Some(condition) = &condition else { return new };
                    let touched: Vec<bool> = range.clone().map(|i| condition.rows.get(i)).collect();
                    match &old {
                        Some(old) => new.choose(&touched, old.data.read(range)),
                        None => {
                            new.valid.iter_mut().zip(touched).for_each(|(v, t)| *v &= t);
                            new
                        }
                    }
                })?;
                Data::of_chunks(parts, kind)
            }
        };
        let mut origin = value.origin;
        let mut row_wise = value.row_wise;
        let mut key_parts: Vec<[u8; 32]> = vec![value.key];
        if let Some(condition) = &condition {
            origin = merge_origins(&origin, &condition.origin);
            row_wise &= condition.row_wise;
            key_parts.push(condition.key);
        }
        if let Some(old) = &old {
            origin = merge_origins(&origin, &old.origin);
            row_wise &= old.row_wise;
            key_parts.push(old.key);
        }
        let key = match key_parts.as_slice() {
            [only] => *only,
            parts => column_key("if", &parts.iter().map(|p| p.as_slice()).collect::<Vec<_>>()),
        };
        let before = dataset.column(plan.column);
        let column = Column {
            data: Arc::new(data),
            data_type: plan.data_type.clone(),
            flagged: before.map_or_else(Default::default, |c| Arc::clone(&c.flagged)),
            title: before.and_then(|c| c.title.clone()),
            labels: replace.flatten(),
            origin: Arc::new(origin),
            key,
            row_wise,
            import: None,
            // A condition makes another column of it.
            core: if key_parts.len() == 1 { value.core } else { Core::Derived(key) },
            made: true,
        };
        let outcome = match condition {
            None => None,
            Some(condition) => {
                let touched = dataset.mask.and(&condition.rows);
                // For `generate` every other unit stays without a value; for `replace` those with one are left.
                let rest = match &old {
                    Some(old) => with_value(old, dataset.mask.len()).and(&dataset.mask),
                    None => (*dataset.mask).clone(),
                };
                let (people, known) = (self.people(&dataset)?, self.known_to(&dataset));
                let (touched, untouched) = people.edit(&dataset, &touched, &rest.and_not(&touched), &known);
                Some(vec![Raw::new(RawEdit {
                    dataset: dataset.name.to_string(),
                    columns: vec![plan.column.to_string()],
                    conditional: true,
                    touched,
                    untouched,
                })])
            }
        };
        dataset.put(plan.column, column);
        self.propose(dataset)?;
        Ok(match outcome {
            Some(edits) => Outcome::Edits(edits),
            None => {
                self.accept();
                Outcome::Done
            }
        })
    }

    /// `destring`: texts become numbers; who is touched says nothing, since every row is.
    pub(super) fn destring(&mut self, plan: &Destring, control: &dyn Control) -> Result<Outcome, RunError> {
        let mut dataset = self.active()?.clone();
        let population = self.population_key(&dataset)?;
        let mut verdicts = Vec::new();
        for column in &plan.columns {
            let source = dataset.column(&column.source).ok_or_else(|| RunError::unknown_column(&column.source))?;
            let (numbers, found) = destring(source, column, plan, &dataset.mask, control)?;
            if let Some(found) = found {
                let key = (column_key("no number", &[&numbers.key, &population]), source.origin.to_vec());
                let error = RunError::not_a_number(&column.source);
                verdicts.push(self.judged(&dataset, "E305", key, found, error)?);
            }
            dataset.put(&column.target, numbers);
        }
        if verdicts.is_empty() {
            return self.settle(dataset);
        }
        self.propose(dataset)?;
        Ok(Outcome::Judged { verdicts, then: Box::new(Outcome::Done) })
    }

    pub(super) fn recode(&mut self, plan: &Recode, control: &dyn Control) -> Result<Outcome, RunError> {
        let mut dataset = self.active()?.clone();
        let rows = dataset.mask.len();
        let condition = self.condition(&dataset, plan.condition.as_ref(), control)?;
        let (people, known) = (self.people(&dataset)?, self.known_to(&dataset));
        let mut edits = Vec::with_capacity(plan.columns.len());
        for column in &plan.columns {
            let source = dataset.column(&column.source).ok_or_else(|| RunError::unknown_column(&column.source))?;
            let done = recode(source, column, &plan.rules, condition.as_ref(), rows, control)?;
            let touched = dataset.mask.and(&done.touched);
            let rest = with_value(source, rows).and(&dataset.mask).and_not(&touched);
            let (touched, untouched) = people.edit(&dataset, &touched, &rest, &known);
            edits.push(Raw::new(RawEdit {
                dataset: dataset.name.to_string(),
                columns: vec![column.target.to_string()],
                conditional: true,
                touched,
                untouched,
            }));
            dataset.put(&column.target, done.column);
        }
        self.propose(dataset)?;
        Ok(Outcome::Edits(edits))
    }
}

/// What `generate` and `replace` have in common.
pub(super) struct Assignment<'a> {
    pub(super) column: &'a Name,
    pub(super) value: &'a Expression,
    pub(super) condition: Option<&'a Expression>,
    pub(super) data_type: &'a script::DataType,
}

pub(super) struct Prepared {
    node: Node,
    key: [u8; 32],
    core: Core,
    row_wise: bool,
    origin: Vec<String>,
}

/// The core of a formula that is a column but for a factor and a constant; none of any other.
fn core(dataset: &Dataset, expression: &Expression) -> Option<Core> {
    use script::program::BinaryOperator as B;
    use script::program::ExpressionKind as E;
    let number = |e: &Expression| matches!(&e.kind, E::Literal(Literal::Integer(_) | Literal::Decimal(_)));
    match &expression.kind {
        E::Column(name) => dataset.find(name).map(|c| c.core),
        E::Unary(script::program::UnaryOperator::Negate, x) => core(dataset, x),
        E::Binary(B::Add | B::Subtract | B::Multiply, x, y) if number(y) => core(dataset, x),
        E::Binary(B::Add | B::Subtract | B::Multiply, x, y) if number(x) => core(dataset, y),
        E::Binary(B::Divide, x, y) if number(y) => core(dataset, x),
        _ => None,
    }
}

/// The key of a formula (ENG-039): that of the column where it is a bare name.
fn expression_key(dataset: &Dataset, expression: &Expression) -> [u8; 32] {
    use script::program::ExpressionKind as E;
    let each = |args: &[&Expression]| -> Vec<[u8; 32]> { args.iter().map(|a| expression_key(dataset, a)).collect() };
    let (operator, parts) = match &expression.kind {
        E::Column(name) => return dataset.find(name).map_or([0; 32], |c| c.key),
        E::Literal(literal) => (format!("literal {literal:?}"), Vec::new()),
        E::Missing => ("missing".to_owned(), Vec::new()),
        E::Unary(op, x) => (format!("{op:?}"), each(&[x])),
        E::Binary(op, a, b) => (format!("{op:?}"), each(&[a, b])),
        E::Call(function, args) => (function.spec().name.to_owned(), each(&args.iter().collect::<Vec<_>>())),
    };
    column_key(&operator, &parts.iter().map(|p| p.as_slice()).collect::<Vec<_>>())
}

pub(super) fn with_value(column: &Column, rows: usize) -> Mask {
    Mask::of_valid(column.data.validity.as_ref(), column.data.len(), rows)
}
