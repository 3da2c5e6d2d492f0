//! Invoices and disputes about the fee.

use super::super::{Case, Credited, Dispute, Event, Issued, Recorded, Settled};

pub(super) fn next(mut case: Case, event: &Event, recorded: &Recorded) -> Option<Case> {
    let billing = &mut case.dossier_mut()?.billing;
    match event {
        Event::MaximumProposed { max_ore, .. } => billing.proposed_ore = Some(*max_ore),
        Event::MaximumAccepted { max_ore } => {
            (billing.maximum_ore, billing.proposed_ore) = (Some(*max_ore), None);
        }
        Event::InvoiceIssued { invoice, due } => billing.invoices.push(Issued {
            invoice: invoice.clone(),
            issued_at: recorded.at,
            by: recorded.actor.clone(),
            due: *due,
            paid_on: None,
        }),
        Event::InvoiceSettled { number, paid_on } => {
            billing.invoices.iter_mut().find(|issued| issued.invoice.number == *number)?.paid_on = Some(*paid_on);
        }
        Event::FeeDisputed { number, reason, wanted_ore } => billing.disputes.push(Dispute {
            number: *number,
            reason: reason.clone(),
            wanted_ore: *wanted_ore,
            lodged_at: recorded.at,
            settled: None,
        }),
        Event::FeeDisputeDecided { number, fee_ore, reason } => {
            let dispute = billing.disputes.iter_mut().find(|dispute| dispute.number == *number)?;
            dispute.settled = Some(Settled { fee_ore: *fee_ore, reason: reason.clone(), at: recorded.at });
        }
        Event::CreditNoteIssued { note } => {
            billing.credits.push(Credited { note: note.clone(), issued_at: recorded.at });
        }
        _ => return None,
    }
    Some(case)
}
