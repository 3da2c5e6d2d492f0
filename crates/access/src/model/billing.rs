//! What a case costs in the end (ACC-152 to ACC-155): the accepted maximum, invoices, and disputes about the fee.

use kernel::{Date, Timestamp};
use serde::{Deserialize, Serialize};

use crate::fees::{CreditNote, Invoice};

/// Days to pay an invoice.
pub const PAYMENT_DAYS: i32 = 30;

/// What was invoiced and disputed.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Billing {
    /// A new maximum that waits for the applicant, in øre.
    pub proposed_ore: Option<i64>,
    /// The maximum that the applicant accepted after the decision, in øre.
    pub maximum_ore: Option<i64>,
    /// The invoices.
    pub invoices: Vec<Issued>,
    /// Disputes, the oldest first.
    pub disputes: Vec<Dispute>,
    /// What was given back of invoices, the oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub credits: Vec<Credited>,
}

/// A credit note that was sent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Credited {
    /// The note.
    pub note: CreditNote,
    /// When.
    pub issued_at: Timestamp,
}

/// An invoice that was sent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Issued {
    /// The invoice.
    pub invoice: Invoice,
    /// When.
    pub issued_at: Timestamp,
    /// Account; empty where it is shown to others.
    pub by: String,
    /// Last day to pay.
    pub due: Date,
    /// The day on which it was paid.
    pub paid_on: Option<Date>,
}

/// A dispute about the fee.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Dispute {
    /// 1, 2 … in the case.
    pub number: u32,
    /// Why.
    pub reason: String,
    /// The fee that the applicant finds right, in øre.
    pub wanted_ore: Option<i64>,
    /// When.
    pub lodged_at: Timestamp,
    /// How it ended.
    pub settled: Option<Settled>,
}

/// How a dispute ended: the access body sets the fee.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Settled {
    /// The fee, in øre without tax.
    pub fee_ore: i64,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

impl Billing {
    /// Whether nothing has been done.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The dispute that is not decided.
    pub fn open_dispute(&self) -> Option<&Dispute> {
        self.disputes.iter().find(|dispute| dispute.settled.is_none())
    }

    /// The fee that was set in the last dispute.
    pub fn fee_set(&self) -> Option<i64> {
        self.disputes.iter().filter_map(|dispute| dispute.settled.as_ref()).next_back().map(|settled| settled.fee_ore)
    }

    /// The invoices together, without tax.
    pub fn invoiced_ore(&self) -> i64 {
        self.invoices.iter().map(|issued| issued.invoice.net_ore).sum()
    }

    /// What is to be paid in all, without tax: what was invoiced, or less where a dispute set the fee.
    pub fn owed_ore(&self) -> i64 {
        let invoiced = self.invoiced_ore();
        self.fee_set().map_or(invoiced, |set| set.min(invoiced))
    }

    /// Whether everything was invoiced and paid, and nothing is disputed (ACC-172).
    pub fn is_settled(&self) -> bool {
        let paid = |issued: &Issued| issued.paid_on.is_some();
        !self.invoices.is_empty() && self.invoices.iter().all(paid) && self.open_dispute().is_none()
    }
}
