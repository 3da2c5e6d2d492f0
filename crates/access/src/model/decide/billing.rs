//! Invoices and disputes about the fee (ACC-152 to ACC-155).

use std::collections::BTreeMap;

use kernel::{Date, FieldError};

use super::{Context, Refusal, dossier, needs_text, wrong_state};
use crate::clocks::{Calendars, Length, Unit};
use crate::fees::{self, FeeEstimate, FeeKind, Hours};
use crate::model::decision::MIN_REASON;
use crate::model::{Billing, Case, Command, Decided, Dossier, Event, InvoiceInput, PAYMENT_DAYS};

/// The largest fee that is set, in øre: ten million kroner.
const MOST: i64 = 1_000_000_000;

pub(super) fn decide(case: &Case, command: &Command, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    let of = dossier(case, command)?;
    let billing = &of.billing;
    match (case, command) {
        (Case::Decided(at), Command::ProposeMaximum { max_ore, reason }) => {
            needs_text("reason", reason, MIN_REASON)?;
            not_invoiced(billing)?;
            let most = maximum(at)?;
            if *max_ore <= most || *max_ore > MOST {
                let message = format!("more than the {} kroner that are accepted", most / 100);
                return Err(Refusal::invalid("max_ore", "range", message));
            }
            Ok(vec![Event::MaximumProposed { max_ore: *max_ore, reason: reason.clone() }])
        }
        (Case::Decided(_), Command::AcceptMaximum { max_ore }) => {
            if billing.proposed_ore != Some(*max_ore) {
                return Err(Refusal::conflict("terms_changed", "read the maximum as it is now and accept that"));
            }
            Ok(vec![Event::MaximumAccepted { max_ore: *max_ore }])
        }
        (Case::Decided(_) | Case::Withdrawn(_), Command::IssueInvoice(input)) => issue(case, of, input, context),
        (Case::Decided(_) | Case::Withdrawn(_), Command::SettleInvoice { number, paid_on }) => {
            settle(billing, number.as_deref(), paid_on.unwrap_or(context.today), context.today)
        }
        (Case::Decided(at), Command::DisputeFee { reason, wanted_ore }) => {
            needs_text("reason", reason, MIN_REASON)?;
            let until = dispute_until(at);
            if context.today > until {
                return Err(Refusal::conflict("too_late", format!("the fee could be disputed until {until}")));
            }
            if billing.open_dispute().is_some() {
                return Err(Refusal::conflict("dispute_open", "the fee is disputed already"));
            }
            if wanted_ore.is_some_and(|wanted| !(0..=MOST).contains(&wanted)) {
                return Err(Refusal::invalid("wanted_ore", "range", "no less than 0"));
            }
            let number = billing.disputes.len() as u32 + 1;
            Ok(vec![Event::FeeDisputed { number, reason: reason.clone(), wanted_ore: *wanted_ore }])
        }
        (Case::Decided(at), Command::DecideDispute { fee_ore, reason }) => {
            needs_text("reason", reason, MIN_REASON)?;
            let Some(open) = billing.open_dispute() else {
                return Err(Refusal::conflict("no_dispute", "nothing is disputed"));
            };
            if billing.invoices.iter().any(|issued| issued.by == context.actor) {
                return Err(Refusal::Forbidden { code: "same_person" });
            }
            let most = maximum(at)?;
            if !(0..=most).contains(fee_ore) {
                let message = format!("between 0 and the accepted {} kroner", most / 100);
                return Err(Refusal::invalid("fee_ore", "range", message));
            }
            let (number, reason) = (open.number, reason.clone());
            let mut events = vec![Event::FeeDisputeDecided { number, fee_ore: *fee_ore, reason }];
            events.extend(credits(of, *fee_ore).map(|note| Event::CreditNoteIssued { note }));
            Ok(events)
        }
        _ => Err(wrong_state(case, command)),
    }
}

/// What is given back of the invoices when the fee is set to this.
fn credits(dossier: &Dossier, fee_ore: i64) -> impl Iterator<Item = fees::CreditNote> + use<> {
    let billing = &dossier.billing;
    let invoices: Vec<&fees::Invoice> = billing.invoices.iter().map(|issued| &issued.invoice).collect();
    let earlier: Vec<fees::CreditNote> = billing.credits.iter().map(|credited| credited.note.clone()).collect();
    let given: i64 = earlier.iter().map(|note| note.net_ore).sum();
    let too_much = billing.invoiced_ore() - given - fee_ore;
    fees::credit_notes(&dossier.number, &invoices, &earlier, too_much.max(0)).into_iter()
}

/// The most that the applicant has accepted to pay, in øre (ACC-152).
///
/// # Errors
/// `fee_missing`, `terms_not_accepted`.
pub(crate) fn maximum(at: &Decided) -> Result<i64, Refusal> {
    if let Some(later) = at.dossier.billing.maximum_ore {
        return Ok(later);
    }
    let fee = at.work.fee.as_ref().ok_or_else(|| Refusal::conflict("fee_missing", "no price was estimated"))?;
    if at.work.accepted.is_none() {
        return Err(Refusal::conflict("terms_not_accepted", "no price was accepted"));
    }
    Ok(fee.max_ore)
}

/// The last day to dispute the fee: one month after the permit (ACC-155).
pub(crate) fn dispute_until(at: &Decided) -> Date {
    let issued = at.issued_at.date_in_oslo();
    Calendars::norway().due(issued, Length { n: 1, unit: Unit::Months }, issued)
}

fn not_invoiced(billing: &Billing) -> Result<(), Refusal> {
    if billing.invoices.is_empty() {
        return Ok(());
    }
    Err(Refusal::conflict("already_invoiced", "the invoice was sent; a fee that is wrong is disputed"))
}

fn issue(case: &Case, dossier: &Dossier, input: &InvoiceInput, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    let billing = &dossier.billing;
    not_invoiced(billing)?;
    if billing.open_dispute().is_some() {
        return Err(Refusal::conflict("dispute_open", "decide the dispute first"));
    }
    // Who withdraws pays the cost so far alone (62(5)), and no more than the price that was told.
    let (fee, most, so_far) = match case {
        Case::Decided(at) => (at.work.fee.as_ref(), maximum(at)?, false),
        Case::Withdrawn(at) => (at.fee.as_ref(), at.fee.as_ref().map_or(0, |fee| fee.max_ore), true),
        _ => (None, 0, false),
    };
    let fee = fee.ok_or_else(|| Refusal::conflict("fee_missing", "no price was told, so nothing is invoiced"))?;
    let priced = priced(dossier, fee, input, so_far)?;
    let most = billing.fee_set().unwrap_or(most);
    if priced.expected_ore > most {
        let remedy = format!(
            "{} kroner are more than the {} that are accepted; propose a new maximum to the applicant",
            priced.expected_ore / 100,
            most / 100
        );
        return Err(Refusal::conflict("above_maximum", remedy));
    }
    if priced.lines.is_empty() {
        return Err(Refusal::conflict("nothing_to_invoice", "no hours were worked"));
    }
    let due = context.today.plus_days(PAYMENT_DAYS);
    let issued = |invoice| Event::InvoiceIssued { invoice, due };
    Ok(fees::invoices(&dossier.number, &priced, context.separate_invoices).into_iter().map(issued).collect())
}

/// The hours that were worked as lines: those that were given, else those of the estimate; of a withdrawn application only
/// those that were given, without the base fee.
fn priced(dossier: &Dossier, fee: &FeeEstimate, input: &InvoiceInput, so_far: bool) -> Result<FeeEstimate, Refusal> {
    let sources = dossier.order.sources();
    let mut faults = Vec::new();
    let estimated = |kind: FeeKind, source: Option<&str>| {
        let line = fee.lines.iter().find(|line| line.kind == kind && line.source.as_deref() == source);
        line.and_then(|line| line.hours).filter(|_| !so_far).unwrap_or(0) * 100
    };
    let mut hundredths = |place: &str, given: Option<f64>, usual: i64| match given {
        None => usual,
        Some(hours) if (0.0..=10_000.0).contains(&hours) => (hours * 100.0).round() as i64,
        Some(_) => {
            faults.push(FieldError::new(place, "range", "between 0 and 10 000 hours"));
            0
        }
    };
    let worked: BTreeMap<&str, i64> = sources
        .iter()
        .map(|source| {
            let usual = estimated(FeeKind::Source, Some(source));
            (*source, hundredths("source_hours", input.source_hours.get(*source).copied(), usual))
        })
        .collect();
    let hours = Hours {
        case: hundredths("case_hours", input.case_hours, estimated(FeeKind::Case, None)),
        sources: sources.iter().map(|source| ((*source).to_owned(), worked[source])).collect(),
        preparation: hundredths("preparation_hours", input.preparation_hours, estimated(FeeKind::Preparation, None)),
    };
    for source in input.source_hours.keys().filter(|source| !sources.contains(&source.as_str())) {
        faults.push(FieldError::new("source_hours", "unknown_source", format!("{source} was not applied for")));
    }
    if !faults.is_empty() {
        return Err(Refusal::Invalid { fields: faults });
    }
    let mut lines = fees::estimate(&hours).lines;
    // A source that did nothing costs nothing, whatever its least hours are.
    lines.retain(|line| match (line.kind, line.source.as_deref()) {
        (FeeKind::Base, _) => !so_far,
        (FeeKind::Source, Some(source)) => worked.get(source).is_some_and(|hours| *hours > 0),
        _ => line.amount_ore > 0,
    });
    Ok(FeeEstimate::of_lines(lines, fee.class.as_deref()))
}

fn settle(billing: &Billing, number: Option<&str>, paid_on: Date, today: Date) -> Result<Vec<Event>, Refusal> {
    let mut open = billing.invoices.iter().filter(|issued| issued.paid_on.is_none());
    let found = match number {
        Some(number) => open.find(|issued| issued.invoice.number == number),
        None => open.next(),
    };
    let issued = found.ok_or_else(|| Refusal::conflict("no_invoice", "no such invoice waits to be paid"))?;
    if paid_on > today || paid_on < issued.issued_at.date_in_oslo() {
        return Err(Refusal::invalid("paid_on", "range", "between the day of the invoice and today"));
    }
    Ok(vec![Event::InvoiceSettled { number: issued.invoice.number.clone(), paid_on }])
}
