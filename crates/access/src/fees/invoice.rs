//! Invoices (ACC-152 to ACC-154): the priced hours of a case as lines, with value added tax and with what each body gets of
//! it. One invoice for the whole case, or one for each body where the installation wants that.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{FeeEstimate, FeeLine, vat_percent};

/// The access body in a settlement; the others are sources.
pub const ACCESS_BODY: &str = "access_body";

/// An invoice. Amounts are øre.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Invoice {
    /// `A-2026-000123/F1`.
    pub number: String,
    /// Version of the fee table.
    pub table: String,
    /// What is paid for.
    pub lines: Vec<InvoiceLine>,
    /// The lines together, without tax.
    pub net_ore: i64,
    /// The tax of the lines together.
    pub vat_ore: i64,
    /// What each body gets, without tax: the source of a line, the access body of the others.
    pub settlement: BTreeMap<String, i64>,
}

/// A line of an invoice.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InvoiceLine {
    /// What, hours, rate and amount.
    #[serde(flatten)]
    pub line: FeeLine,
    /// Per cent of tax; 0 outside of it.
    pub vat_percent: i64,
    /// The tax.
    pub vat_ore: i64,
}

/// The invoices of a case with this number for these lines.
pub fn invoices(case: &str, priced: &FeeEstimate, separate: bool) -> Vec<Invoice> {
    let mut groups: BTreeMap<String, Vec<FeeLine>> = BTreeMap::new();
    for line in &priced.lines {
        let to = if separate { payee(line).to_owned() } else { String::new() };
        groups.entry(to).or_default().push(line.clone());
    }
    let numbered = groups.into_values().enumerate();
    numbered.map(|(n, lines)| invoice(format!("{case}/F{}", n + 1), &priced.table, lines)).collect()
}

fn payee(line: &FeeLine) -> &str {
    line.source.as_deref().unwrap_or(ACCESS_BODY)
}

fn invoice(number: String, table: &str, lines: Vec<FeeLine>) -> Invoice {
    let mut settlement: BTreeMap<String, i64> = BTreeMap::new();
    for line in &lines {
        *settlement.entry(payee(line).to_owned()).or_default() += line.amount_ore;
    }
    let taxed = |line: FeeLine| {
        let percent = vat_percent(line.kind);
        // Half an øre and more is rounded up.
        InvoiceLine { vat_percent: percent, vat_ore: (line.amount_ore * percent + 50) / 100, line }
    };
    let lines: Vec<InvoiceLine> = lines.into_iter().map(taxed).collect();
    let net_ore = lines.iter().map(|l| l.line.amount_ore).sum();
    let vat_ore = lines.iter().map(|l| l.vat_ore).sum();
    Invoice { number, table: table.to_owned(), lines, net_ore, vat_ore, settlement }
}

/// What is given back of an invoice after a dispute (ACC-155). Amounts are øre.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CreditNote {
    /// `A-2026-000123/K1`.
    pub number: String,
    /// The invoice.
    pub invoice: String,
    /// What is given back, without tax.
    pub net_ore: i64,
    /// The tax of it.
    pub vat_ore: i64,
    /// What each body gives back, without tax.
    pub settlement: BTreeMap<String, i64>,
}

/// Notes that give `amount_ore` back of what is left of these invoices after `earlier` notes: each invoice and each body
/// gives its share, to the øre. No more than what is left is given back.
pub fn credit_notes(case: &str, invoices: &[&Invoice], earlier: &[CreditNote], amount_ore: i64) -> Vec<CreditNote> {
    let of = |invoice: &Invoice| earlier.iter().filter(|note| note.invoice == invoice.number).collect::<Vec<_>>();
    let left: Vec<i64> = invoices
        .iter()
        .map(|invoice| invoice.net_ore - of(invoice).iter().map(|note| note.net_ore).sum::<i64>())
        .collect();
    let shares = shared(amount_ore.min(left.iter().sum()), &left);
    let mut notes = Vec::new();
    for (invoice, net_ore) in invoices.iter().zip(shares).filter(|(_, share)| *share > 0) {
        let given = of(invoice);
        let bodies: Vec<i64> = invoice
            .settlement
            .iter()
            .map(|(body, ore)| ore - given.iter().filter_map(|note| note.settlement.get(body)).sum::<i64>())
            .collect();
        let settlement = invoice.settlement.keys().cloned().zip(shared(net_ore, &bodies));
        // The tax follows the amounts, so that the last note gives back the rest of it.
        let (net_left, vat_left) = (
            invoice.net_ore - given.iter().map(|note| note.net_ore).sum::<i64>(),
            invoice.vat_ore - given.iter().map(|note| note.vat_ore).sum::<i64>(),
        );
        notes.push(CreditNote {
            number: format!("{case}/K{}", earlier.len() + notes.len() + 1),
            invoice: invoice.number.clone(),
            net_ore,
            vat_ore: shared(vat_left, &[net_ore, net_left - net_ore])[0],
            settlement: settlement.filter(|(_, ore)| *ore > 0).collect(),
        });
    }
    notes
}

/// An amount in shares as large as the weights are, which together are the amount.
fn shared(amount: i64, weights: &[i64]) -> Vec<i64> {
    let whole: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
    let (mut upto, mut given) = (0i128, 0i64);
    let share = |weight: &i64| {
        upto += i128::from(*weight);
        let until = if whole == 0 { 0 } else { i64::try_from(i128::from(amount) * upto / whole).unwrap_or(amount) };
        let own = until - given;
        given = until;
        own
    };
    weights.iter().map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fees::{Hours, estimate};

    #[test]
    fn acc_153_one_invoice_settles_between_the_bodies_or_each_sends_its_own() {
        let hours = Hours { case: 600, sources: vec![("npr".into(), 1_200), ("krg".into(), 800)], preparation: 300 };
        let priced = estimate(&hours);
        let one = invoices("A-2026-000001", &priced, false);
        assert_eq!((one.len(), one[0].number.as_str(), one[0].net_ore), (1, "A-2026-000001/F1", priced.expected_ore));
        let npr = 12 * 1_115 * 100;
        let krg = 10 * 1_155 * 100;
        let rest = priced.expected_ore - npr - krg;
        let settled = [(ACCESS_BODY.to_owned(), rest), ("krg".to_owned(), krg), ("npr".to_owned(), npr)];
        assert_eq!(one[0].settlement, settled.clone().into());
        assert_eq!(one[0].vat_ore, 0, "fees of public authorities are outside the tax (setting)");
        let separate = invoices("A-2026-000001", &priced, true);
        let amounts: Vec<(String, i64)> = separate.iter().flat_map(|invoice| invoice.settlement.clone()).collect();
        assert_eq!(amounts, settled, "the same amounts, one invoice each");
    }

    #[test]
    fn acc_155_credit_notes_give_back_each_bodys_share_and_no_more_than_was_invoiced() {
        let hours = Hours { case: 600, sources: vec![("npr".into(), 1_200), ("krg".into(), 800)], preparation: 300 };
        let priced = estimate(&hours);
        for separate in [false, true] {
            let all = invoices("A-2026-000001", &priced, separate);
            let all: Vec<&Invoice> = all.iter().collect();
            let first = credit_notes("A-2026-000001", &all, &[], 1_000_001);
            assert_eq!(first.iter().map(|note| note.net_ore).sum::<i64>(), 1_000_001);
            for note in &first {
                assert_eq!(note.settlement.values().sum::<i64>(), note.net_ore, "{}", note.number);
            }
            assert_eq!(first[0].number, "A-2026-000001/K1");
            let rest = credit_notes("A-2026-000001", &all, &first, i64::MAX);
            let given = |of: &[CreditNote]| of.iter().map(|note| note.net_ore).sum::<i64>();
            assert_eq!(given(&first) + given(&rest), priced.expected_ore, "all of it, and no more");
            let mut bodies: BTreeMap<&str, i64> = BTreeMap::new();
            for (body, ore) in first.iter().chain(&rest).flat_map(|note| &note.settlement) {
                *bodies.entry(body).or_default() += ore;
            }
            assert_eq!(bodies["npr"], 12 * 1_115 * 100, "what the source had got");
            let both: Vec<CreditNote> = first.into_iter().chain(rest).collect();
            assert!(credit_notes("A-2026-000001", &all, &both, 100).is_empty());
        }
    }

    #[test]
    fn shares_add_up() {
        assert_eq!(shared(10, &[1, 1, 1]), [3, 3, 4]);
        assert_eq!(shared(0, &[1, 2]), [0, 0]);
        assert_eq!(shared(5, &[0, 0]), [0, 0]);
    }
}
