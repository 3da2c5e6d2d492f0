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
}
