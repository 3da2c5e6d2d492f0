//! What comes after the decision, on the page of those who handle the case: the decision in force as the form of a new one
//! begins with it, and reports.

use std::collections::{BTreeMap, BTreeSet};

use access::model::{Report, ReportKind};
use access::views::CaseView;
use protocol::documents::Condition;
use serde_json::{Map, Value};

use crate::frame::Frame;
use crate::pages::apply::plain;

/// The decision in force, as the form of a correction or a reversal is filled in before somebody writes in it.
#[derive(Default)]
pub(super) struct Before {
    /// Outcome and reason by source.
    parts: BTreeMap<String, (String, String)>,
    /// Variables that were left out.
    removed: BTreeSet<String>,
    /// Conditions as they travel in the form, with their words: each is kept unless it is taken out.
    pub conditions: Vec<(String, String)>,
    /// Name and value of the days: first, last, deletion.
    pub days: Vec<(&'static str, String)>,
    /// Most persons.
    pub persons: String,
}

impl Before {
    pub(super) fn of(f: &Frame, case: &CaseView) -> Self {
        let Some(decision) = case.decision.as_ref().map(|known| &known.decision) else { return Self::default() };
        let part = |part: &access::model::DecisionPart| {
            let outcome = serde_json::to_value(part.outcome).unwrap_or_default();
            (part.source.clone(), (plain(&outcome), part.reason.clone()))
        };
        let day = |day: Option<kernel::Date>| day.map(|day| day.to_string()).unwrap_or_default();
        let condition = |c: &Condition| {
            let whole = serde_json::to_string(c).unwrap_or_default();
            (whole, condition_words(f, c))
        };
        Self {
            parts: decision.parts.iter().map(part).collect(),
            removed: decision.parts.iter().flat_map(|p| &p.removed).map(|r| r.id.clone()).collect(),
            conditions: decision.conditions.iter().map(condition).collect(),
            days: vec![
                ("valid_from", day(decision.valid_from)),
                ("valid_to", day(decision.valid_to)),
                ("delete_by", day(decision.delete_by)),
            ],
            persons: decision.max_persons.map(|n| n.to_string()).unwrap_or_default(),
        }
    }

    /// Whether a source's part had this outcome.
    pub(super) fn was(&self, source: &str, outcome: &str) -> bool {
        self.parts.get(source).is_some_and(|(known, _)| known == outcome)
    }

    /// The reason of a source's part.
    pub(super) fn reason(&self, source: &str) -> &str {
        self.parts.get(source).map_or("", |(_, reason)| reason)
    }

    /// Whether a variable was left out.
    pub(super) fn left_out(&self, variable: &str) -> bool {
        self.removed.contains(variable)
    }
}

/// A condition of a permit in words.
pub(in crate::pages) fn condition_words(f: &Frame, c: &Condition) -> String {
    let words = f.l(&access::letter::words(&format!("condition.{}", c.kind)));
    let value = serde_json::to_value(c).unwrap_or_default();
    let rest: Map<String, Value> = value.as_object().cloned().unwrap_or_default();
    let rest = rest.iter().filter(|(name, _)| *name != "type").map(|(_, value)| plain(value));
    format!("{words} {}", rest.filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", "))
}

/// A report as the case shows it: number, kind, day, text, whether it came late or was accepted.
pub(super) struct ReportRow {
    pub number: u32,
    pub kind: String,
    pub at: kernel::Timestamp,
    pub summary: String,
    pub links: Vec<String>,
    pub late: bool,
    pub accepted: bool,
}

/// The reports of a case, the newest first.
pub(super) fn reports(f: &Frame, case: &CaseView) -> Vec<ReportRow> {
    let row = |r: &Report| ReportRow {
        number: r.number,
        kind: kind(f, r.report.kind),
        at: r.at,
        summary: r.report.summary.clone(),
        links: r.report.links.clone(),
        late: r.late,
        accepted: r.accepted_at.is_some(),
    };
    case.after.iter().flat_map(|after| &after.reports).rev().map(row).collect()
}

/// The close-out reports that can be accepted, as choices.
pub(super) fn close_outs(f: &Frame, case: &CaseView) -> Vec<(String, String)> {
    let reports = case.after.iter().flat_map(|after| &after.reports);
    let open = reports.filter(|r| r.report.kind == ReportKind::CloseOut && r.accepted_at.is_none());
    open.map(|r| (r.number.to_string(), format!("{}: {}", r.number, f.time(&r.at)))).collect()
}

fn kind(f: &Frame, kind: ReportKind) -> String {
    let slug = serde_json::to_value(kind).unwrap_or_default();
    f.t(f.key("report", plain(&slug)))
}
