//! Linking, reshaping, sampling and new values of the reference interpreter (language.md 6.2, 6.3, 8.3).

use std::collections::{BTreeMap, BTreeSet};

use hmac::{Hmac, Mac as _};
use script::Literal;
use script::program::{
    Destring, Labels, Merge, Name, Pairing, Recode, RecodeRule, RecodeSource, ReshapeFromPanel, ReshapeToPanel,
    RowUnit, Sample, SampleSize,
};

use super::frame::{Column, Frame, Row};
use super::value::V;

fn flags(labels: Option<&Labels>) -> impl Iterator<Item = Literal> + '_ {
    labels.into_iter().flat_map(|l| &l.entries).filter(|l| l.missing).map(|l| l.code.clone())
}

impl Frame {
    /// The first rule that a value matches (LANG-140, LANG-141).
    pub(super) fn rule<'p>(&self, plan: &'p Recode, name: &str, row: &Row) -> Option<&'p RecodeRule> {
        let (known, value) = (&self.columns[name], self.cell(row, name));
        let matches = |source: &RecodeSource| match source {
            RecodeSource::Value(literal) => value.is(literal),
            RecodeSource::Range(low, high) => {
                value.number().is_some_and(|x| low.is_none_or(|l| l <= x) && high.is_none_or(|h| x <= h))
            }
            RecodeSource::Missing => !known.counts(&value),
            RecodeSource::NonMissing => known.counts(&value),
            RecodeSource::Everything => true,
        };
        plan.rules.iter().find(|r| r.sources.iter().any(matches))
    }

    /// LANG-140 to LANG-143.
    pub(super) fn recode(&mut self, plan: &Recode) {
        let rows = self.holds(plan.condition.as_ref());
        let before = self.clone();
        for c in &plan.columns {
            let recoded = |(row, is): (&Row, &bool)| match before.rule(plan, &c.source, row) {
                Some(rule) if *is => rule.target.as_ref().map_or(V::Missing, V::from),
                _ => before.cell(row, &c.source),
            };
            let values = before.rows.iter().zip(&rows).map(recoded).collect();
            let mut flagged = before.columns[&c.source].flagged.clone();
            flagged.extend(flags(c.labels.as_deref()));
            flagged.extend(plan.rules.iter().filter(|r| r.flag_missing).filter_map(|r| r.target.clone()));
            let column = Column { data_type: Some(c.data_type.clone()), labels: c.labels.clone(), flagged };
            self.put(&c.target, column, values);
        }
    }

    /// LANG-145, LANG-146. False when a text is no number and that is an error.
    pub(super) fn destring(&mut self, plan: &Destring) -> bool {
        for c in &plan.columns {
            let mut numbers = Vec::new();
            for row in &self.rows {
                let V::Text(text) = self.cell(row, &c.source) else {
                    numbers.push(V::Missing);
                    continue;
                };
                match number(&text, plan) {
                    Some(value) => numbers.push(value),
                    None if plan.force => numbers.push(V::Missing),
                    None => return false,
                }
            }
            // A flagged code stays flagged as a number (LANG-036).
            let mut flagged: Vec<Literal> = flags(c.labels.as_deref()).collect();
            for flag in &self.columns[&c.source].flagged {
                flagged.extend(match number(&flag.to_string(), plan) {
                    Some(V::Int(n)) => Some(Literal::Integer(n)),
                    Some(V::Dec(x)) => Some(Literal::Decimal(x)),
                    _ => None,
                });
            }
            let column = Column { data_type: Some(c.data_type.clone()), labels: c.labels.clone(), flagged };
            self.put(&c.target, column, numbers);
        }
        true
    }

    /// LANG-136: the units whose keyed hash is smallest.
    pub(super) fn sample(&mut self, plan: &Sample, record_key: &dyn Fn(u32) -> u128) {
        let units: BTreeSet<u32> =
            self.rows.iter().filter_map(|r| if let V::Key(u) = r.key { Some(u) } else { None }).collect();
        let n = match plan.size {
            SampleSize::Units(n) => n as usize,
            SampleSize::Share(share) => (share * units.len() as f64).round() as usize,
        };
        let mut ranked: Vec<(Vec<u8>, u32)> = units.into_iter().map(|u| (place(record_key(u), plan.seed), u)).collect();
        ranked.sort();
        let kept: BTreeSet<u32> = ranked.into_iter().take(n).map(|(_, u)| u).collect();
        self.rows.retain(|r| matches!(r.key, V::Key(u) if kept.contains(&u)));
    }

    /// LANG-090, LANG-091.
    pub(super) fn reshape_to_panel(&mut self, plan: &ReshapeToPanel) {
        let wide = std::mem::take(self);
        self.unit = wide.unit.clone();
        let claimed: BTreeSet<&Name> = plan.columns.iter().flat_map(|c| &c.sources).flatten().collect();
        self.columns =
            wide.columns.iter().filter(|(n, _)| !claimed.contains(n)).map(|(n, c)| (n.clone(), c.clone())).collect();
        for column in &plan.columns {
            let sources = column.sources.iter().flatten().filter_map(|s| wide.columns.get(s));
            let mut flagged: Vec<_> = sources.flat_map(|c| c.flagged.clone()).collect();
            flagged.extend(flags(column.labels.as_deref()));
            let column_type = Some(column.data_type.clone());
            let described = Column { data_type: column_type, labels: column.labels.clone(), flagged };
            self.columns.insert(column.column.clone(), described);
        }
        let date = Column { data_type: Some(plan.occasion_type.clone()), ..Column::default() };
        self.columns.insert("date@panel".into(), date);
        for row in &wide.rows {
            for (i, occasion) in plan.occasions.iter().enumerate() {
                let mut long = row.clone();
                long.cells.retain(|name, _| !claimed.contains(name));
                for column in &plan.columns {
                    let value = column.sources[i].as_ref().map_or(V::Missing, |s| wide.cell(row, s));
                    long.cells.insert(column.column.clone(), value);
                }
                long.cells.insert("date@panel".into(), occasion.into());
                self.rows.push(long);
            }
        }
    }

    /// LANG-092.
    pub(super) fn reshape_from_panel(&mut self, plan: &ReshapeFromPanel) {
        let long = std::mem::take(self);
        self.unit = long.unit.clone();
        let mut rows: BTreeMap<Vec<String>, Row> = BTreeMap::new();
        let names = || plan.columns.iter().flat_map(|(_, wide)| wide);
        let kept = |name: &Name| matches!(&long.unit, Some(RowUnit::Keys(keys)) if keys.contains(name));
        for row in &long.rows {
            let key = long.row_key(row).iter().map(V::identity).collect();
            let wide = rows.entry(key).or_insert_with(|| {
                let own = row.cells.iter().filter(|(name, _)| kept(name)).map(|(n, v)| (n.clone(), v.clone()));
                let cells = names().map(|n| (n.clone(), V::Missing)).chain(own).collect();
                Row { cells, ..row.clone() }
            });
            let at = long.cell(row, "date@panel");
            let Some(occasion) = plan.occasions.iter().position(|o| at.is(o)) else { continue };
            for (column, names) in &plan.columns {
                wide.cells.insert(names[occasion].clone(), long.cell(row, column));
            }
        }
        // The columns that a dataset was collapsed by stay.
        for name in long.columns.keys().filter(|name| kept(name)) {
            self.columns.insert(name.clone(), long.columns[name].clone());
        }
        for (column, names) in &plan.columns {
            names.iter().for_each(|n| {
                self.columns.insert(n.clone(), long.columns[column].clone());
            });
        }
        self.rows = rows.into_values().collect();
    }

    /// Copies columns of `source` to the rows of `self` (LANG-133). False when the source is not unique (LANG-085).
    pub(super) fn merge(&mut self, source: &Frame, plan: &Merge) -> bool {
        let of_source = |row: &Row| match &plan.pairing {
            Pairing::Units | Pairing::SourceKey { .. } => source.row_key(row),
            Pairing::TargetKey { source: name } => vec![source.cell(row, name)],
            Pairing::Columns(names) => names.iter().map(|(name, _)| source.cell(row, name)).collect(),
        };
        let of_target = |row: &Row| match &plan.pairing {
            Pairing::Units | Pairing::TargetKey { .. } => self.row_key(row),
            Pairing::SourceKey { target } => vec![self.cell(row, target)],
            Pairing::Columns(names) => names.iter().map(|(_, name)| self.cell(row, name)).collect(),
        };
        let text = |key: Vec<V>| -> Option<Vec<String>> {
            (!key.iter().any(V::is_missing)).then(|| key.iter().map(V::identity).collect())
        };
        let mut rows: BTreeMap<Vec<String>, &Row> = BTreeMap::new();
        for row in &source.rows {
            if let Some(key) = text(of_source(row))
                && rows.insert(key, row).is_some()
            {
                return false;
            }
        }
        let found: Vec<Option<&Row>> =
            self.rows.iter().map(|row| text(of_target(row)).and_then(|k| rows.get(&k).copied())).collect();
        for name in &plan.columns {
            let values = found.iter().map(|row| row.map_or(V::Missing, |r| source.cell(r, name))).collect();
            let column = source.columns[name].clone();
            self.put(name, column, values);
        }
        true
    }
}

/// The number that a text is; none when it is none.
fn number(text: &str, plan: &Destring) -> Option<V> {
    let mut text: String = text.trim().chars().filter(|c| !plan.ignore.contains(*c)).collect();
    if plan.decimal_comma {
        text = text.replace(',', ".");
    }
    let text = text.trim();
    if text.is_empty() {
        return Some(V::Missing);
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(w, f)| (w, Some(f)));
    let are_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if !are_digits(whole) || fraction.is_some_and(|f| !are_digits(f)) {
        return None;
    }
    let value: f64 = text.parse().ok()?;
    Some(
        text.trim_start_matches('+')
            .parse()
            .map_or_else(|_| if value.fract() == 0.0 { V::whole(value) } else { V::real(value) }, V::Int),
    )
}

/// HMAC-SHA-256(record key, `sample` ‖ seed).
fn place(key: u128, seed: u64) -> Vec<u8> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key.to_le_bytes()).unwrap();
    mac.update(b"sample");
    mac.update(&seed.to_le_bytes());
    mac.finalize().into_bytes().to_vec()
}
