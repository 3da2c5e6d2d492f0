//! Invoices and disputes about the fee, as both pages of a case show them (ACC-152 to ACC-155).

use access::fees::ACCESS_BODY;
use access::model::{CriterionOutcome, Dispute, Issued};
use access::views::CaseView;

use super::Names;
use crate::frame::Frame;

/// What a case costs in the end. Amounts are kroner as shown.
pub(in crate::pages) struct Invoices {
    /// The most that was accepted.
    pub most: Option<String>,
    /// A new maximum that waits for the applicant.
    pub proposed: Option<String>,
    pub invoices: Vec<Invoice>,
    /// Number, invoice, day and amount with tax of each credit note.
    pub credits: Vec<(String, String, String, String)>,
    /// What is to be paid, when it is not what was invoiced.
    pub owed: Option<String>,
    pub disputes: Vec<DisputeRow>,
    /// Last day to dispute the fee, while it lies ahead of an end.
    pub until: Option<String>,
}

/// An invoice.
pub(in crate::pages) struct Invoice {
    pub number: String,
    pub paid: bool,
    /// Paid, or until when.
    pub state: String,
    /// What, hours, amount.
    pub lines: Vec<(String, String, String)>,
    pub tax: String,
    pub total: String,
    /// Body and amount.
    pub settlement: Vec<(String, String)>,
}

/// A dispute.
pub(in crate::pages) struct DisputeRow {
    pub number: u32,
    pub reason: String,
    pub wanted: Option<String>,
    /// The fee that was set, and why.
    pub settled: Option<(String, String)>,
}

/// The section of a case; none where nothing is to be paid yet.
pub(in crate::pages) fn of(case: &CaseView, f: &Frame, names: &Names) -> Option<Invoices> {
    let view = case.billing.as_ref()?;
    if view.most_ore.is_none() && view.billing.is_empty() {
        return None;
    }
    let kroner = |ore: i64| amount(f, ore);
    let invoiced = view.billing.invoiced_ore();
    let dispute = |d: &Dispute| DisputeRow {
        number: d.number,
        reason: d.reason.clone(),
        wanted: d.wanted_ore.map(kroner),
        settled: d.settled.as_ref().map(|s| (kroner(s.fee_ore), s.reason.clone())),
    };
    let credit = |c: &access::model::Credited| {
        let note = &c.note;
        let day = f.date(&c.issued_at.date_in_oslo());
        (note.number.clone(), note.invoice.clone(), day, amount(f, note.net_ore + note.vat_ore))
    };
    Some(Invoices {
        most: view.most_ore.map(kroner),
        proposed: view.billing.proposed_ore.map(kroner),
        invoices: view.billing.invoices.iter().map(|issued| invoice(issued, f, names)).collect(),
        credits: view.billing.credits.iter().map(credit).collect(),
        owed: (view.owed_ore != invoiced).then(|| kroner(view.owed_ore)),
        disputes: view.billing.disputes.iter().map(dispute).collect(),
        until: view.dispute_until.as_ref().map(|day| f.date(day)),
    })
}

fn invoice(issued: &Issued, f: &Frame, names: &Names) -> Invoice {
    let invoice = &issued.invoice;
    let line = |l: &access::fees::InvoiceLine| {
        let kind = super::plain(&serde_json::to_value(l.line.kind).unwrap_or_default());
        let what = f.t(f.key("fee", kind));
        let what = match &l.line.source {
            Some(source) => format!("{what}: {}", names.source(source)),
            None => what,
        };
        (what, l.line.hours.map(|hours| hours.to_string()).unwrap_or_default(), amount(f, l.line.amount_ore))
    };
    let body = |(body, ore): (&String, &i64)| {
        let name = if body == ACCESS_BODY { f.t("fee-access-body") } else { names.source(body) };
        (name, amount(f, *ore))
    };
    Invoice {
        number: invoice.number.clone(),
        paid: issued.paid_on.is_some(),
        state: match issued.paid_on {
            Some(day) => f.tv("fee-paid", "date", f.date(&day)),
            None => f.tv("due", "date", f.date(&issued.due)),
        },
        lines: invoice.lines.iter().map(line).collect(),
        tax: amount(f, invoice.vat_ore),
        total: amount(f, invoice.net_ore + invoice.vat_ore),
        settlement: invoice.settlement.iter().map(body).collect(),
    }
}

/// Kroner, with øre where there are some.
fn amount(f: &Frame, ore: i64) -> String {
    match ore % 100 {
        0 => f.number(ore / 100),
        rest => format!("{},{rest:02}", f.number(ore / 100)),
    }
}

/// The text of an outcome.
pub(super) fn criterion_key(f: &Frame, outcome: &CriterionOutcome) -> String {
    f.key("criterion", super::plain(&serde_json::to_value(outcome).unwrap_or_default()))
}
