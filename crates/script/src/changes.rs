//! What became of codes between two dates: the change tables of a code list, reform by reform (LANG-320, DATA-066).

use std::collections::{BTreeMap, BTreeSet};

use kernel::Date;

use crate::catalogue::{CodeList, Recoding};
use crate::program::CodeChange;

/// Codes after with the share of the code before.
type Heirs = BTreeMap<String, f64>;

impl CodeList {
    /// What became of the codes that changed between the two dates, reforms composed; codes that are not named stayed.
    /// A later `from` goes the other way: the codes before a reform are then the heirs of those after it, with the
    /// recorded shares put in proportion.
    pub fn changes_between(&self, from: Date, to: Date) -> Vec<CodeChange> {
        let (first, last) = (from.min(to), from.max(to));
        let dates: BTreeSet<Date> =
            self.changes.iter().map(|c| c.date).filter(|date| first < *date && *date <= last).collect();
        let mut reforms: Vec<BTreeMap<&str, Heirs>> = dates.iter().map(|date| self.reform(*date, from > to)).collect();
        if from > to {
            reforms.reverse();
        }
        let sources: BTreeSet<&str> = reforms.iter().flat_map(|reform| reform.keys().copied()).collect();
        let mut changes = Vec::new();
        for source in sources {
            let mut heirs = Heirs::from([(source.to_owned(), 1.0)]);
            for reform in &reforms {
                let mut next = Heirs::new();
                for (code, share) in heirs {
                    match reform.get(code.as_str()) {
                        Some(parts) => {
                            for (heir, part) in parts {
                                *next.entry(heir.clone()).or_default() += share * part;
                            }
                        }
                        None => *next.entry(code).or_default() += share,
                    }
                }
                heirs = next;
            }
            let stayed = heirs.len() == 1 && heirs.contains_key(source);
            if !stayed {
                // Equal shares keep the order of the codes, so that the choice among them is always the same.
                let mut to: Vec<(String, f64)> = heirs.into_iter().collect();
                to.sort_by(|a, b| b.1.total_cmp(&a.1));
                changes.push(CodeChange { from: source.to_owned(), to });
            }
        }
        changes
    }

    /// The heirs of each code that changed on the date, shares summing to 1: equal ones where none are recorded.
    fn reform(&self, date: Date, backwards: bool) -> BTreeMap<&str, Heirs> {
        let rows: Vec<&Recoding> = self.changes.iter().filter(|c| c.date == date).collect();
        let mut reform: BTreeMap<&str, Heirs> = BTreeMap::new();
        for row in &rows {
            let recorded = rows.iter().filter(|r| r.from == row.from).all(|r| r.share.is_some());
            let share = row.share.filter(|s| recorded && s.is_finite() && *s >= 0.0).unwrap_or(1.0);
            let (from, to) = if backwards { (&row.to, &row.from) } else { (&row.from, &row.to) };
            *reform.entry(from.as_str()).or_default().entry(to.clone()).or_default() += share;
        }
        for heirs in reform.values_mut() {
            let total: f64 = heirs.values().sum();
            let n = heirs.len() as f64;
            heirs.values_mut().for_each(|share| *share = if total > 0.0 { *share / total } else { 1.0 / n });
        }
        reform
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(rows: &[(&str, &str, &str, Option<f64>)]) -> CodeList {
        let row = |(date, from, to, share): &(&str, &str, &str, Option<f64>)| Recoding {
            date: date.parse().unwrap(),
            from: (*from).into(),
            to: (*to).into(),
            share: *share,
        };
        CodeList { periods: Vec::new(), changes: rows.iter().map(row).collect() }
    }

    fn shown(list: &CodeList, from: &str, to: &str) -> Vec<String> {
        let day = |text: &str| text.parse::<Date>().unwrap();
        let changes = list.changes_between(day(from), day(to));
        let part = |(code, share): &(String, f64)| format!("{code}:{share:.2}");
        changes.iter().map(|c| format!("{} {}", c.from, c.to.iter().map(part).collect::<Vec<_>>().join(" "))).collect()
    }

    #[test]
    fn lang_320_reforms_are_composed() {
        let list = list(&[
            ("2018-01-01", "1601", "5001", None),
            ("2018-01-01", "1612", "5011", None),
            ("2020-01-01", "5012", "5059", Some(0.3)),
            ("2020-01-01", "5012", "5055", Some(0.7)),
            ("2020-01-01", "5011", "5059", None),
            ("2020-01-01", "0220", "3025", None),
            ("2020-01-01", "0627", "3025", None),
            ("2024-01-01", "3025", "3203", None),
            ("2024-01-01", "3025", "3305", None),
        ]);
        assert_eq!(shown(&list, "2017-01-01", "2018-01-01"), ["1601 5001:1.00", "1612 5011:1.00"]);
        assert_eq!(
            shown(&list, "2017-01-01", "2020-06-01"),
            [
                "0220 3025:1.00",
                "0627 3025:1.00",
                "1601 5001:1.00",
                "1612 5059:1.00",
                "5011 5059:1.00",
                "5012 5055:0.70 5059:0.30"
            ]
        );
        // A split without shares has equal ones; the lower code comes first.
        assert_eq!(shown(&list, "2019-06-01", "2024-01-01")[0], "0220 3203:0.50 3305:0.50");
        assert_eq!(shown(&list, "2020-01-01", "2023-12-31"), Vec::<String>::new());
        // Backwards: the codes before are the heirs.
        assert_eq!(shown(&list, "2020-01-01", "2019-12-31")[0], "3025 0220:0.50 0627:0.50");
        assert_eq!(shown(&list, "2018-01-01", "2017-12-31"), ["5001 1601:1.00", "5011 1612:1.00"]);
    }
}
