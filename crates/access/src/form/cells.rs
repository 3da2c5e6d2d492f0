//! How large the tables of a request are (`tab.cells` of `access.md` section 5): the categories of rows and columns multiplied.
//! From the code lists of the catalogue alone; no data are looked at.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{DraftContent, VariableFacts};

/// The size of the tables of a request.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Cells {
    /// Cells of all tables whose size is known.
    pub cells: u64,
    /// Variables without a code list, whose tables have no known size.
    pub unknown: BTreeSet<String>,
}

/// The size of the tables that a draft asks for.
pub fn cells(draft: &DraftContent, variables: &BTreeMap<String, VariableFacts>) -> Cells {
    let mut all = Cells::default();
    for table in draft.fields.get("tab.tables").and_then(Value::as_array).into_iter().flatten() {
        let named = ["rows", "columns"].into_iter().filter_map(|part| table.get(part)?.as_array());
        let named: BTreeSet<&str> = named.flatten().filter_map(Value::as_str).collect();
        if named.is_empty() {
            continue;
        }
        let categories = |id: &&str| variables.get(*id).and_then(|facts| facts.categories);
        let unknown: Vec<&str> = named.iter().copied().filter(|id| categories(id).is_none()).collect();
        if unknown.is_empty() {
            let cells = named.iter().filter_map(categories).fold(1, u64::saturating_mul);
            all.cells = all.cells.saturating_add(cells);
        }
        all.unknown.extend(unknown.into_iter().map(str::to_owned));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn facts(id: &str, categories: Option<u64>) -> (String, VariableFacts) {
        (id.to_owned(), VariableFacts { categories, ..super::super::tests::facts(id) })
    }

    #[test]
    fn categories_are_multiplied_within_a_table_and_added_between_tables() {
        let variables = BTreeMap::from([facts("sex", Some(2)), facts("county", Some(15)), facts("age", None)]);
        let of = |tables: Value| {
            let fields = json!({"tab.tables": tables}).as_object().cloned().unwrap_or_default();
            cells(&DraftContent { fields, cart: Vec::new() }, &variables)
        };
        let crossed = json!({"rows": ["sex"], "columns": ["county"]});
        assert_eq!(of(json!([crossed, {"rows": ["sex"]}])).cells, 32);
        assert_eq!(of(json!([{"rows": []}])), Cells::default());
        let unknown = of(json!([crossed, {"rows": ["age", "sex"]}]));
        assert_eq!((unknown.cells, unknown.unknown), (30, BTreeSet::from(["age".to_owned()])));
    }
}
