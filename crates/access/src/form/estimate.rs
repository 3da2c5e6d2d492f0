//! The price while an application is written (ACC-150): low, expected and highest, from the draft alone.
//!
//! Room and storage are not in it: their prices are the rooms', and no table of them is here.

use std::collections::BTreeMap;

use kernel::LangMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{DraftContent, STATISTICS, VariableFacts, range};
use crate::fees::{self, FeeEstimate, Hours};

/// A price that is not yet anybody's answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LiveEstimate {
    /// When everything goes as quickly as it can: a fifth below the expected, rounded down to 100 kroner.
    pub low_ore: i64,
    /// The expected price with its lines, and the highest.
    pub expected: FeeEstimate,
    /// How often data are extracted.
    pub extractions: i64,
    /// Why it is free, when it is.
    pub free: Option<LangMap>,
}

/// The estimate of a draft; none while its cart is empty.
pub fn estimate(form: &str, draft: &DraftContent, facts: &BTreeMap<String, VariableFacts>) -> Option<LiveEstimate> {
    let mut sources: BTreeMap<&str, i64> = BTreeMap::new();
    for variable in draft.cart.iter().filter_map(|item| facts.get(&item.variable_id)) {
        *sources.entry(&variable.source).or_default() += 1;
    }
    if sources.is_empty() {
        return None;
    }
    let text = |id: &str| draft.fields.get(id).and_then(Value::as_str).unwrap_or_default();
    let yes = |id: &str| draft.fields.get(id).and_then(Value::as_bool) == Some(true);
    let tables = form == STATISTICS;
    // Section 12: students up to master level pay nothing for anonymous tables.
    if yes("no.student") && (tables || text("use.format") == "anonymised") {
        let free = LangMap::of(
            "Gratis for studenter til og med master når dataene er anonyme.",
            "Gratis for studentar til og med master når dataa er anonyme.",
            "Free for students up to master level when the data are anonymised.",
        );
        let expected = FeeEstimate::of_lines(Vec::new(), Some("student"));
        return Some(LiveEstimate { low_ore: 0, expected, extractions: 1, free: Some(free) });
    }
    let extractions = extractions(draft);
    let cohort_from_outside = matches!(text("pop.formation"), "existing" | "both") || yes("ext.combine");
    const HOURS_PER_EXTRACTION: i64 = 200;
    const HOURS_FOR_A_COHORT: i64 = 300;
    // A request for tables takes half of the case handling and no extraction of its own.
    const TABLES: (i64, i64) = (300, 400);
    let of_source = |variables: i64| {
        if tables {
            return TABLES.1 + 5 * variables;
        }
        let more = HOURS_PER_EXTRACTION * (extractions - 1) + if cohort_from_outside { HOURS_FOR_A_COHORT } else { 0 };
        fees::usual_source_hours(variables) + more
    };
    let n = sources.len() as i64;
    let expected = fees::estimate(&Hours {
        case: if tables { TABLES.0 } else { fees::USUAL_CASE_HOURS },
        sources: sources.into_iter().map(|(source, variables)| (source.to_owned(), of_source(variables))).collect(),
        preparation: if tables { 0 } else { fees::usual_preparation_hours(n) },
    });
    const HUNDRED_KRONER: i64 = 10_000;
    let low_ore = expected.expected_ore * 4 / 5 / HUNDRED_KRONER * HUNDRED_KRONER;
    Some(LiveEstimate { low_ore, expected, extractions, free: None })
}

/// Extractions while access lasts: one, and one more for each whole interval of the recurrence.
fn extractions(draft: &DraftContent) -> i64 {
    let recurrence = draft.fields.get("pop.recur").and_then(Value::as_str).unwrap_or("once");
    let days = match recurrence {
        "yearly" => 365,
        "half_yearly" => 182,
        "quarterly" | "other" => 91,
        _ => return 1,
    };
    let lasts = draft.fields.get("proc.period").and_then(range).map_or(0, |(from, to)| to.days() - from.days());
    i64::from(1 + lasts / days)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::CartItem;
    use serde_json::json;

    fn facts() -> BTreeMap<String, VariableFacts> {
        ["npr.a.x", "dar.a.y"].map(|id| (id.to_owned(), super::super::tests::facts(id))).into()
    }

    fn draft(fields: Value, cart: &[&str]) -> DraftContent {
        let item = |id: &&str| CartItem {
            variable_id: (*id).into(),
            role: String::new(),
            necessity: String::new(),
            granularity: String::new(),
        };
        DraftContent { fields: fields.as_object().unwrap().clone(), cart: cart.iter().map(item).collect() }
    }

    #[test]
    fn acc_150_the_estimate_follows_the_draft() {
        let of = |fields: Value, cart: &[&str]| estimate("person-level", &draft(fields, cart), &facts());
        assert_eq!(of(json!({}), &[]), None);
        // Base 1 500, case 6 hours, source 6.05 hours begun: 7.
        let one = of(json!({}), &["npr.a.x"]).unwrap();
        assert_eq!(one.expected.expected_ore, (1_500 + 6 * 1_155 + 7 * 1_115) * 100);
        assert_eq!((one.low_ore, one.expected.max_ore), (1_290_000, 1_950_000));
        // Two sources are linked; each extraction is two hours, a cohort from outside three.
        let two = of(json!({}), &["npr.a.x", "dar.a.y"]).unwrap().expected.expected_ore;
        assert!(two > one.expected.expected_ore);
        let period = json!({"from": "2027-01-01", "to": "2029-12-31"});
        let yearly = of(json!({"pop.recur": "yearly", "proc.period": period}), &["npr.a.x"]).unwrap();
        assert_eq!(yearly.extractions, 4);
        assert_eq!(yearly.expected.expected_ore - one.expected.expected_ore, 6 * 111_500);
        let outside = of(json!({"pop.formation": "existing"}), &["npr.a.x"]).unwrap();
        assert_eq!(outside.expected.expected_ore - one.expected.expected_ore, 3 * 111_500);
        // Tables: 1 500 + 3 hours + 4.05 hours begun; free for students when the data are anonymous.
        let tables = estimate("statistics", &draft(json!({}), &["npr.a.x"]), &facts()).unwrap();
        assert_eq!(tables.expected.expected_ore, (1_500 + 3 * 1_155 + 5 * 1_115) * 100);
        let student = json!({"no.student": true, "use.format": "anonymised"});
        let free = of(student, &["npr.a.x"]).unwrap();
        assert_eq!((free.expected.max_ore, free.free.unwrap().0.len()), (0, 3));
        assert!(of(json!({"no.student": true}), &["npr.a.x"]).unwrap().expected.expected_ore > 0);
    }
}
