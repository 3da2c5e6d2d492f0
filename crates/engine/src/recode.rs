//! `recode` (language.md 8.3.2): new values by rules, once per code for coded columns, else row by row.

use std::sync::Arc;

use script::program::{Literal, RecodeColumn, RecodeRule, RecodeSource};

use crate::control::{Control, by_chunk};
use crate::data::Data;
use crate::dataset::{Column, Core, column_key};
use crate::error::RunError;
use crate::lookup::{self, Span, pack};
use crate::mask::Mask;
use crate::vector::{Kind, Value, Vector};

/// The recoded column, and the rows (of the unit space) that a rule and the condition met.
pub(crate) struct Recoded {
    pub(crate) column: Column,
    pub(crate) touched: Mask,
}

/// The condition of a command over the whole unit space, with its part of the column key.
pub(crate) struct Condition {
    pub(crate) rows: Mask,
    pub(crate) key: [u8; 32],
    pub(crate) row_wise: bool,
    pub(crate) origin: Vec<String>,
}

/// What the first matching rule says about a value; none when no rule matches (LANG-140).
fn target<'r>(rules: &'r [RecodeRule], value: &Value, flagged: &[Literal]) -> Option<&'r Option<Literal>> {
    let is_missing = matches!(value, Value::Missing) || flagged.iter().any(|f| value.is(f));
    let matches = |source: &RecodeSource| match source {
        RecodeSource::Value(literal) => value.is(literal),
        RecodeSource::Range(low, high) => {
            value.as_f64().is_some_and(|x| low.is_none_or(|l| l <= x) && high.is_none_or(|h| x <= h))
        }
        RecodeSource::Missing => is_missing,
        RecodeSource::NonMissing => !is_missing,
        RecodeSource::Everything => true,
    };
    rules.iter().find(|rule| rule.sources.iter().any(matches)).map(|rule| &rule.target)
}

/// The new value, and whether a rule matched.
fn recoded(rules: &[RecodeRule], value: &Value, flagged: &[Literal]) -> (Value, bool) {
    match target(rules, value, flagged) {
        Some(Some(literal)) => (literal.into(), true),
        Some(None) => (Value::Missing, true),
        None => (value.clone(), false),
    }
}

/// Recodes one column over the whole unit space of `rows` rows.
pub(crate) fn recode(
    source: &Column,
    plan: &RecodeColumn,
    rules: &[RecodeRule],
    condition: Option<&Condition>,
    rows: usize,
    control: &dyn Control,
) -> Result<Recoded, RunError> {
    let kind = Kind::of_type(&plan.data_type);
    let flagged = &source.flagged;
    let (data, touched) = match source.data.span() {
        Some(span) if condition.is_none() && span.pays(&source.data) => {
            by_value(source, span, rules, kind, rows, control)?
        }
        _ => {
            let parts = by_chunk(control, rows, |range| {
                let old = source.data.read(range.clone());
                let (values, mut matched): (Vec<Value>, Vec<bool>) =
                    (0..old.len()).map(|i| recoded(rules, &old.get(i), flagged)).unzip();
                if let Some(condition) = condition {
                    matched.iter_mut().zip(range).for_each(|(m, i)| *m &= condition.rows.get(i));
                }
                let bytes: Vec<u8> = matched.iter().map(|m| u8::from(*m)).collect();
                (Vector::collect(&values, &kind).choose(&matched, old), pack(&bytes).collect())
            })?;
            let (vectors, touched): (Vec<Vector>, Vec<Vec<u64>>) = parts.into_iter().unzip();
            (Data::of_chunks(vectors, kind), touched)
        }
    };
    let key = key(source, rules, condition);
    let column = Column {
        data: Arc::new(data),
        data_type: plan.data_type.clone(),
        labels: plan.labels.clone(),
        flagged: Arc::new(new_flags(source, plan, rules)),
        title: source.title.clone(),
        origin: Arc::new(merge_origins(&source.origin, condition.map_or(&[], |c| &c.origin))),
        key,
        row_wise: source.row_wise && condition.is_none_or(|c| c.row_wise),
        import: None,
        core: Core::Derived(key),
        made: true,
    };
    Ok(Recoded { column, touched: Mask::of_words(touched, rows) })
}

/// Every possible value once, then a look-up: the new column, and the words of the rows that a rule matched.
fn by_value(
    source: &Column,
    span: Span,
    rules: &[RecodeRule],
    kind: Kind,
    rows: usize,
    control: &dyn Control,
) -> Result<(Data, Vec<Vec<u64>>), RunError> {
    let old = span.values(&source.data).read(0..span.len() + 1);
    let (values, matched): (Vec<Value>, Vec<bool>) =
        (0..old.len()).map(|i| recoded(rules, &old.get(i), &source.flagged)).unzip();
    let data = span.column(&source.data, &Vector::collect(&values, &kind), kind, rows, control)?;
    let matched = lookup::Condition::new(matched.into_iter());
    let touched = by_chunk(control, rows, |range| span.words(&source.data, &matched, range))?;
    Ok((data, touched))
}

fn new_flags(source: &Column, plan: &RecodeColumn, rules: &[RecodeRule]) -> Vec<Literal> {
    let labels = plan.labels.iter().flat_map(|l| &l.entries).filter(|l| l.missing).map(|l| &l.code);
    let by_rule = rules.iter().filter(|r| r.flag_missing).filter_map(|r| r.target.as_ref());
    let mut flags: Vec<Literal> = Vec::new();
    for flag in source.flagged.iter().chain(labels).chain(by_rule) {
        if !flags.contains(flag) {
            flags.push(flag.clone());
        }
    }
    flags
}

pub(crate) fn merge_origins(a: &[String], b: &[String]) -> Vec<String> {
    let mut all: Vec<String> = a.iter().chain(b).cloned().collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn key(source: &Column, rules: &[RecodeRule], condition: Option<&Condition>) -> [u8; 32] {
    // Rules are plain data without maps, so their debug text is one text for one meaning.
    let rules = format!("{rules:?}");
    let flagged = format!("{:?}", source.flagged);
    let condition: &[u8] = condition.map_or(&[], |c| &c.key);
    column_key("recode", &[&source.key, flagged.as_bytes(), rules.as_bytes(), condition])
}
