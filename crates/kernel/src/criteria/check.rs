//! Whether an expression fits the variables it names: known ids, values of the right type, ranges the right way round.

use super::{Atom, Comparison, Criteria, CriteriaError, Item, Test, Value};

/// What kind of values a variable has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VariableKind {
    /// Numbers, also years and `YYYYMM`.
    Number,
    /// Codes of a code list: equality and lists, in the hierarchy and order of the list.
    Code,
    /// Other texts: equality and lists.
    Text,
    /// Days or instants; an instant counts as its day.
    Date,
    /// Nothing that can be compared (tables, binary values).
    Other,
}

/// What is known of the variables, e.g. from the catalogue.
pub trait Lookup {
    /// The kind of values of a variable, or none when there is no such variable.
    fn kind(&self, variable: &str) -> Option<VariableKind>;

    /// Known ids near an unknown one, nearest first.
    fn nearest(&self, variable: &str) -> Vec<String> {
        let _ = variable;
        Vec::new()
    }
}

/// The `n` ids nearest to `wanted` by edit distance (then by name), leaving out those that share little with it.
pub fn nearest<'a>(ids: impl IntoIterator<Item = &'a str>, wanted: &str, n: usize) -> Vec<String> {
    let limit = wanted.chars().count().max(6) * 2 / 3;
    let mut found: Vec<(usize, &str)> =
        ids.into_iter().map(|id| (distance(id, wanted), id)).filter(|(d, _)| *d <= limit).collect();
    found.sort_unstable();
    found.into_iter().take(n).map(|(_, id)| id.to_owned()).collect()
}

fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.to_lowercase().chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

pub(super) fn check(criteria: &Criteria, lookup: &dyn Lookup) -> Result<(), Vec<CriteriaError>> {
    let faults: Vec<CriteriaError> =
        criteria.atoms().into_iter().filter_map(|atom| check_atom(atom, lookup).err()).collect();
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

fn check_atom(atom: &Atom, lookup: &dyn Lookup) -> Result<(), CriteriaError> {
    let at = atom.at.0;
    let Some(kind) = lookup.kind(&atom.variable) else {
        let suggestions = lookup.nearest(&atom.variable);
        let hint =
            if suggestions.is_empty() { String::new() } else { format!("; near it: {}", suggestions.join(", ")) };
        let message = format!("'{}' is no variable of the catalogue{hint}", atom.variable);
        return Err(CriteriaError { code: "unknown_variable", at, message, suggestions });
    };
    let fits = |value: &Value| {
        let (good, wanted) = match kind {
            VariableKind::Number => (matches!(value, Value::Number(_)), "numbers"),
            VariableKind::Code | VariableKind::Text => (matches!(value, Value::Text(_)), "texts in single quotes"),
            VariableKind::Date => (matches!(value, Value::Date(_)), "dates (YYYY-MM-DD)"),
            VariableKind::Other => (false, "'is missing' only"),
        };
        let message = || format!("'{}' takes {wanted}, not {value}", atom.variable);
        if good { Ok(()) } else { Err(CriteriaError::new("type_mismatch", at, message())) }
    };
    let ordered = matches!(kind, VariableKind::Number | VariableKind::Date);
    match &atom.test {
        Test::Missing => Ok(()),
        Test::Compare(sign, value) => {
            fits(value)?;
            if ordered || matches!(sign, Comparison::Equal | Comparison::NotEqual) {
                return Ok(());
            }
            let message = format!("'{}' has no greater and smaller: use '=', '!=' or 'in'", atom.variable);
            Err(CriteriaError::new("type_mismatch", at, message))
        }
        Test::Between(from, to) => {
            fits(from)?;
            fits(to)?;
            right_way_round(from, to, at)
        }
        Test::In { items, .. } => items.iter().try_for_each(|item| match item {
            Item::One(value) => fits(value),
            Item::Range(from, to) => {
                fits(from)?;
                fits(to)?;
                right_way_round(from, to, at)
            }
        }),
    }
}

/// Numbers and days only: the order of codes is that of their list, which is not known here.
fn right_way_round(from: &Value, to: &Value, at: usize) -> Result<(), CriteriaError> {
    let reversed = match (from, to) {
        (Value::Number(a), Value::Number(b)) => a > b,
        (Value::Date(a), Value::Date(b)) => a > b,
        _ => false,
    };
    if reversed {
        return Err(CriteriaError::new(
            "reversed_range",
            at,
            format!("the range {from} to {to} ends before it starts"),
        ));
    }
    Ok(())
}
