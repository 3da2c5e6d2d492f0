//! The data of the activity report that the body publishes every second year (EHDS article 59, ACC-184): from the public
//! register, the events of cases and the records of its supervision.

use std::collections::BTreeMap;

use kernel::{Date, Problem, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Tx, params};

use super::supervision::{Matter, between};
use super::{Access, statistics::Finished};
use crate::AccessError;
use crate::model::Event;
use crate::sql;
use crate::views::RegisterEntry;

/// What article 59 asks for and no part of the installation records.
const NOT_RECORDED: [&str; 2] = ["requests_of_persons", "stakeholders"];

/// The data of the activity report.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct ActivityReport {
    /// First year.
    pub from: i16,
    /// Last year.
    pub to: i16,
    /// Public applications submitted in the years, by type of applicant.
    pub applications: BTreeMap<String, usize>,
    /// Applications taken back.
    pub withdrawn: usize,
    /// Permits that were given.
    pub permits: usize,
    /// Applications that were refused.
    pub refusals: usize,
    /// Applications by purpose of article 53.
    pub purposes: BTreeMap<String, usize>,
    /// Applications by source of data.
    pub sources: BTreeMap<String, usize>,
    /// Mean days from the application to access, of those with access.
    pub days_to_access: Option<f64>,
    /// Results that were registered.
    pub results: usize,
    /// What came of the data as reported by those who used them: the highest number that each case has reported, of
    /// `publications`, `policy_documents`, `regulatory_procedures`, `products`.
    pub reported: BTreeMap<String, u64>,
    /// Invoices without tax, less what was credited, in øre.
    pub revenue_ore: i64,
    /// Fines that stand.
    pub fines: usize,
    /// The fines together, in øre.
    pub fines_ore: i64,
    /// Audits by whom they looked at.
    pub audits: BTreeMap<String, usize>,
    /// Audits by what they found.
    pub findings: BTreeMap<String, usize>,
    /// Labels that were issued.
    pub labels: usize,
    /// Labels by what of the data they speak of; one label may speak of several.
    pub label_elements: BTreeMap<String, usize>,
    /// Figures that the article asks for and that no part of the installation records.
    pub not_recorded: Vec<String>,
}

impl Access {
    /// The data of the activity report for the years `from` to `to`. What is not recorded here is named in
    /// `not_recorded`.
    ///
    /// # Errors
    /// Those of the database, years in the wrong order.
    pub async fn activity_report(&self, from: i16, to: i16) -> Result<ActivityReport, Problem> {
        let days = Date::new(from, 1, 1).ok().zip(Date::new(to, 12, 31).ok());
        let Some(days) = days.filter(|_| from <= to && to - from <= 9) else {
            return Err(Problem::invalid("to", "years", "give a first and a last year, at most ten years apart"));
        };
        let entries = self.whole_register("").await?;
        let finished = self.finished(Date::from_days(0)).await?;
        let read = async |tx: &mut Tx| -> Result<_, AccessError> {
            Ok((between(tx, days.0, days.1).await?, money_and_reports(tx, days).await?))
        };
        let (matters, events) = self.zone.store.read("access.activity", read).await.map_err(Problem::from)?;
        let mut report = ActivityReport { from, to, ..ActivityReport::default() };
        report.not_recorded = NOT_RECORDED.map(str::to_owned).into();
        cases(&mut report, &entries, &finished);
        supervised(&mut report, &matters);
        used(&mut report, events);
        Ok(report)
    }
}

/// Invoices, what was credited of them, and reports, of all cases.
async fn money_and_reports(tx: &mut Tx, days: (Date, Date)) -> Result<Vec<(String, Event)>, AccessError> {
    // A day more on each side: the day is that of Oslo.
    let at = |days: i32| Timestamp::from_micros(i64::from(days) * 86_400_000_000);
    let rows = tx
        .query(
            "SELECT case_id, data, at FROM access_event
             WHERE name IN ('invoice_issued', 'credit_note_issued', 'report_submitted') AND at >= $1 AND at < $2 ORDER BY case_id, seq",
            params![at(days.0.days() - 1), at(days.1.days() + 2)],
        )
        .await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let day = row.get::<Timestamp>(2)?.date_in_oslo();
        if days.0 <= day && day <= days.1 {
            found.push((row.get(0)?, sql::parse(&row.get::<String>(1)?)?));
        }
    }
    Ok(found)
}

/// What the public register and the handling of cases say.
fn cases(report: &mut ActivityReport, entries: &[RegisterEntry], finished: &[Finished]) {
    let years = report.from..=report.to;
    let inside = |day: Date| years.contains(&day.year());
    let submitted = |e: &&RegisterEntry| {
        let day = e.application.get("submitted_on").and_then(Value::as_str).and_then(|day| day.parse::<Date>().ok());
        inside(day.unwrap_or(e.published_on))
    };
    for entry in entries.iter().filter(submitted) {
        report.withdrawn += usize::from(entry.status == "withdrawn");
        report.results += entry.results.len();
        let field = |name: &str| entry.application.get("fields").and_then(|fields| fields.get(name));
        let body = field("app.public_body").and_then(Value::as_bool) == Some(true);
        let kind = if body { "public_body" } else { field("app.kind").and_then(Value::as_str).unwrap_or("not_shown") };
        count(&mut report.applications, kind);
        for purpose in field("pub.purposes").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            count(&mut report.purposes, purpose);
        }
        let sources = entry.application.get("sources").and_then(Value::as_array).into_iter().flatten();
        for source in sources.filter_map(|source| source["id"].as_str()) {
            count(&mut report.sources, source);
        }
    }
    for entry in entries.iter().filter(|e| e.decided_on.is_some_and(inside)) {
        let decision = entry.decision.as_ref();
        report.permits += usize::from(decision.is_some_and(|d| d["permit"].is_object()));
        report.refusals += usize::from(decision.is_some_and(|d| d["outcome"] == "refused"));
    }
    let took = |case: &Finished| {
        let (submitted, available) = (case.handling.submitted?, case.handling.available?);
        inside(available).then_some(available.days() - submitted.days())
    };
    let days: Vec<i32> = finished.iter().filter_map(took).collect();
    if !days.is_empty() {
        report.days_to_access = Some(days.iter().map(|d| f64::from(*d)).sum::<f64>() / days.len() as f64);
    }
}

fn supervised(report: &mut ActivityReport, matters: &[Matter]) {
    for matter in matters {
        match matter {
            Matter::Fine { amount_ore, .. } => {
                report.fines += 1;
                report.fines_ore = report.fines_ore.saturating_add(*amount_ore);
            }
            Matter::Audit { of, finding } => {
                count(&mut report.audits, of.slug());
                count(&mut report.findings, finding.slug());
            }
            Matter::Label { elements, .. } => {
                report.labels += 1;
                elements.iter().for_each(|element| count(&mut report.label_elements, element.slug()));
            }
        }
    }
}

/// Reports tell how much there is by now, so that of a case the highest number counts, once.
fn used(report: &mut ActivityReport, events: Vec<(String, Event)>) {
    let mut highest: BTreeMap<(String, String), u64> = BTreeMap::new();
    for (case, event) in events {
        match event {
            Event::InvoiceIssued { invoice, .. } => report.revenue_ore += invoice.net_ore,
            Event::CreditNoteIssued { note } => report.revenue_ore -= note.net_ore,
            Event::ReportSubmitted { report, .. } => {
                for (kind, n) in report.counts {
                    let of = highest.entry((case.clone(), kind)).or_default();
                    *of = (*of).max(u64::from(n));
                }
            }
            _ => {}
        }
    }
    for ((_, kind), n) in highest {
        *report.reported.entry(kind).or_default() += n;
    }
}

fn count(of: &mut BTreeMap<String, usize>, value: &str) {
    *of.entry(value.to_owned()).or_insert(0) += 1;
}
