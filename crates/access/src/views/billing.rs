//! What a case costs in the end, as parties and staff see it.

use kernel::Date;
use serde::Serialize;

use crate::model::{Billing, Case, CommandName, dispute_until, maximum};

/// Invoices and disputes with what follows from them. Amounts are øre without tax.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct BillingView {
    /// Invoices and disputes.
    #[serde(flatten)]
    pub billing: Billing,
    /// The most that the applicant has accepted to pay.
    pub most_ore: Option<i64>,
    /// What is to be paid in all.
    pub owed_ore: i64,
    /// The last day to dispute the fee.
    pub dispute_until: Option<Date>,
}

/// The code of the guard that would refuse a command about the fee now.
pub(super) fn blocked(name: CommandName, case: &Case, today: Date) -> Option<&'static str> {
    let billing = &case.dossier()?.billing;
    let invoiced = !billing.invoices.is_empty();
    match name {
        CommandName::IssueInvoice | CommandName::ProposeMaximum if invoiced => Some("already_invoiced"),
        CommandName::IssueInvoice if billing.open_dispute().is_some() => Some("dispute_open"),
        CommandName::IssueInvoice | CommandName::ProposeMaximum | CommandName::DisputeFee
            if case.decided().is_some_and(|at| maximum(at).is_err()) =>
        {
            Some("fee_missing")
        }
        CommandName::SettleInvoice if billing.invoices.iter().all(|issued| issued.paid_on.is_some()) => {
            Some("no_invoice")
        }
        CommandName::AcceptMaximum if billing.proposed_ore.is_none() => Some("no_proposal"),
        CommandName::DisputeFee if billing.open_dispute().is_some() => Some("dispute_open"),
        CommandName::DisputeFee if case.decided().is_some_and(|at| today > dispute_until(at)) => Some("too_late"),
        CommandName::DecideDispute if billing.open_dispute().is_none() => Some("no_dispute"),
        _ => None,
    }
}

/// The invoices of a case; none before it is decided or withdrawn.
pub(crate) fn billing(case: &Case) -> Option<BillingView> {
    let mut billing = case.dossier()?.billing.clone();
    // Who sent an invoice is the body's own affair.
    for issued in &mut billing.invoices {
        issued.by.clear();
    }
    let owed_ore = billing.owed_ore();
    match case {
        Case::Decided(_) | Case::Closed(_) => {
            let at = case.decided()?;
            let most_ore = maximum(at).ok();
            Some(BillingView { billing, most_ore, owed_ore, dispute_until: most_ore.map(|_| dispute_until(at)) })
        }
        Case::Withdrawn(at) => {
            let most_ore = at.fee.as_ref().map(|fee| fee.max_ore);
            Some(BillingView { billing, most_ore, owed_ore, dispute_until: None })
        }
        _ => None,
    }
}
