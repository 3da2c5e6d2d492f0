//! Validation of the rows of a dataset against its metadata: coverage, unit ids, values, dates, uniqueness (section 3 of
//! the specification). The first failing step ends it.

use std::collections::{HashMap, HashSet};

use engine::source::Temporality;
use kernel::Date;

use crate::csvfile::{NO_START, NO_STOP, RawRows, RawValues};
use crate::metadata::{Domain, Metadata};
use crate::report::{Finding, LISTED, Rule};

/// The codes of a list in the order of columns: each once, sentinels last, and when each is valid.
pub(crate) struct CodeIndex {
    pub codes: Vec<String>,
    pub sentinel: Vec<bool>,
    /// Periods in which the code is valid; empty for sentinels, which always are.
    periods: Vec<Vec<(i32, i32)>>,
    places: HashMap<String, u32>,
}

impl CodeIndex {
    /// The codes of a domain; none without code list.
    pub(crate) fn of(domain: &Domain) -> Option<Self> {
        let Domain::Codes { list, sentinels, .. } = domain else { return None };
        let mut index = Self { codes: Vec::new(), sentinel: Vec::new(), periods: Vec::new(), places: HashMap::new() };
        for (code, sentinel) in list.iter().map(|c| (c, false)).chain(sentinels.iter().map(|c| (c, true))) {
            let place = *index.places.entry(code.code.clone()).or_insert_with(|| {
                index.codes.push(code.code.clone());
                index.sentinel.push(sentinel);
                index.periods.push(Vec::new());
                index.codes.len() as u32 - 1
            });
            if !sentinel {
                let from = code.from.map_or(NO_START, Date::days);
                index.periods[place as usize].push((from, code.until.map_or(NO_STOP, Date::days)));
            }
        }
        Some(index)
    }

    /// Place of a code.
    pub(crate) fn find(&self, code: &str) -> Option<u32> {
        self.places.get(code).copied()
    }

    fn valid_on(&self, place: u32, day: i32) -> bool {
        let periods = &self.periods[place as usize];
        periods.is_empty() || periods.iter().any(|(from, until)| *from <= day && day <= *until)
    }
}

/// Places of the codes of all rows; `u32::MAX` for a value that is not in the list.
pub(crate) fn places(index: &CodeIndex, values: &RawValues) -> Vec<u32> {
    match values {
        RawValues::Text { index: rows, texts } => {
            let by_number: Vec<u32> = texts
                .iter()
                .map(|t| std::str::from_utf8(t).ok().and_then(|t| index.find(t)).unwrap_or(u32::MAX))
                .collect();
            rows.iter().map(|n| by_number[*n as usize]).collect()
        }
        RawValues::Long(values) => {
            let mut known: HashMap<i64, u32> = HashMap::new();
            values
                .iter()
                .map(|v| *known.entry(*v).or_insert_with(|| index.find(&v.to_string()).unwrap_or(u32::MAX)))
                .collect()
        }
        // DATE and DOUBLE with a code list were refused with the metadata (DATA-011).
        RawValues::Double(v) => vec![u32::MAX; v.len()],
        RawValues::Date(v) => vec![u32::MAX; v.len()],
    }
}

/// Checks rows. Warnings are given even when nothing is wrong.
pub(crate) fn check_rows(metadata: &Metadata, rows: &RawRows, compat: bool) -> Vec<Finding> {
    let checker = Checker { metadata, rows };
    let coverage = || checker.coverage(compat);
    let steps: [&dyn Fn() -> Vec<Finding>; 5] =
        [&coverage, &|| checker.ids(), &|| checker.values(), &|| checker.dates(), &|| checker.unique()];
    let mut warnings = Vec::new();
    for step in steps {
        let (warns, errors): (Vec<_>, Vec<_>) = step().into_iter().partition(|f| f.warning);
        warnings.extend(warns);
        if !errors.is_empty() {
            return errors;
        }
    }
    warnings
}

struct Checker<'a> {
    metadata: &'a Metadata,
    rows: &'a RawRows,
}

impl Checker<'_> {
    /// One finding for all rows that `bad` names: first line, count, and a line of the public tool for each.
    fn rows_that(
        &self,
        rule: Rule,
        bad: impl Iterator<Item = usize>,
        ours: impl Fn(usize) -> String,
        theirs: impl Fn(usize) -> String,
    ) -> Vec<Finding> {
        let (mut first, mut count, mut compat) = (None, 0u64, Vec::new());
        for row in bad {
            first.get_or_insert(row);
            count += 1;
            if compat.len() < LISTED {
                compat.push(theirs(row));
            }
        }
        first.map(|row| Finding::rows(rule, self.rows.line(row), count, ours(row), compat)).into_iter().collect()
    }

    fn coverage(&self, compat: bool) -> Vec<Finding> {
        let no_start = self.rows.starts.iter().all(|s| *s == NO_START);
        let no_stop = self.rows.stops.iter().all(|s| *s == NO_STOP);
        let empty = |column: u8, name: &str, title: &str| {
            let theirs = format!("Could not read data in {name} column ({title}). Is this column empty?");
            vec![Finding::new(Rule::NoDates, format!("column {column} is empty in the whole file"), theirs)]
        };
        let wants_stop = match self.metadata.temporality {
            Temporality::Fixed => return Vec::new(),
            Temporality::Event => compat,
            Temporality::Status | Temporality::Accumulated => true,
        };
        if no_start {
            empty(3, "third", "Start date")
        } else if no_stop && wants_stop {
            empty(4, "fourth", "Stop date")
        } else {
            Vec::new()
        }
    }

    fn ids(&self) -> Vec<Finding> {
        let Some(empty) = self.rows.ids.find(b"") else { return Vec::new() };
        let bad = self.rows.units.iter().enumerate().filter(move |(_, u)| **u == empty).map(|(row, _)| row);
        self.rows_that(
            Rule::Id,
            bad,
            |row| format!("line {}: unit id empty", self.rows.line(row)),
            |_| "Invalid identifier in #1 column for row with identifier: ".to_owned(),
        )
    }

    fn values(&self) -> Vec<Finding> {
        let rows = self.rows;
        let empty = self.rows_that(
            Rule::Value,
            rows.empty_values.iter().map(|r| *r as usize),
            |row| format!("line {}: value empty", rows.line(row)),
            |row| format!("Invalid value in #2 column for row with identifier: {}", rows.id(row)),
        );
        if !empty.is_empty() {
            return empty;
        }
        let Some(index) = CodeIndex::of(&self.metadata.domain) else { return Vec::new() };
        let places = places(&index, &rows.values);
        let unknown = self.rows_that(
            Rule::Code,
            places.iter().enumerate().filter(|(_, p)| **p == u32::MAX).map(|(row, _)| row),
            |row| format!("line {}: {} not in code list", rows.line(row), rows.value(row)),
            |row| format!("Error for identifier {}: {} is not in code list", rows.id(row), rows.value(row)),
        );
        if !unknown.is_empty() || self.metadata.temporality == Temporality::Fixed {
            return unknown;
        }
        let early = places.iter().enumerate().filter(|(row, p)| !index.valid_on(**p, rows.starts[*row]));
        self.rows_that(
            Rule::CodePeriod,
            early.filter(|(row, _)| rows.starts[*row] != NO_START).map(|(row, _)| row),
            |row| {
                let start = Date::from_days(rows.starts[row]);
                format!("line {}: {} not valid on {start}", rows.line(row), rows.value(row))
            },
            |_| String::new(),
        )
    }

    fn dates(&self) -> Vec<Finding> {
        let rows = self.rows;
        let (starts, stops) = (&rows.starts, &rows.stops);
        let all = 0..rows.len();
        let order = |bad: &dyn Fn(usize) -> bool, demand: &str, theirs: &str| {
            self.rows_that(
                Rule::DateOrder,
                all.clone().filter(|r| bad(*r)),
                |row| format!("line {}: {demand}", rows.line(row)),
                |row| format!("{theirs} for row with identifier: {}", rows.id(row)),
            )
        };
        const INVALID: &str = "Invalid #3 and/or #4 columns";
        let mut findings = match self.metadata.temporality {
            Temporality::Fixed => self.rows_that(
                Rule::FixedStart,
                all.clone().filter(|r| starts[*r] != NO_START),
                |row| format!("line {}: FIXED has no dates", rows.line(row)),
                |row| format!("Expected empty #3 column for row with identifier: {}", rows.id(row)),
            ),
            Temporality::Status if self.metadata.carries() => {
                let days: HashSet<i32> = self.metadata.status_dates.iter().map(|d| d.days()).collect();
                order(
                    &|r| stops[r] < starts[r] || !days.contains(&starts[r]) || !days.contains(&stops[r]),
                    "a carried STATUS value stands from one measuring date to another, as listed in temporalStatusDates",
                    "#3 column not equal to #4 column",
                )
            }
            Temporality::Status => order(
                &|r| starts[r] == NO_START || starts[r] != stops[r],
                "STATUS has one date: start and stop are equal",
                "#3 column not equal to #4 column",
            ),
            Temporality::Accumulated => order(
                &|r| starts[r] == NO_START || stops[r] == NO_STOP || starts[r] >= stops[r],
                "ACCUMULATED has a period: both dates, start before stop",
                INVALID,
            ),
            Temporality::Event => order(
                &|r| starts[r] == NO_START || stops[r] < starts[r],
                "EVENT has a start that is not after the stop",
                INVALID,
            ),
        };
        if findings.is_empty() && self.metadata.temporality != Temporality::Fixed {
            const FIRST: i32 = -32_768;
            const LAST: i32 = 32_767;
            let outside = |d: i32| d != NO_STOP && !(FIRST..=LAST).contains(&d);
            findings = self.rows_that(
                Rule::DateRange,
                all.filter(|r| outside(starts[*r]) || outside(stops[*r])),
                |row| {
                    format!(
                        "line {}: a date before 1880-04-14 or after 2059-09-18 does not fit the public store",
                        rows.line(row)
                    )
                },
                |_| String::new(),
            );
        }
        findings
    }

    fn unique(&self) -> Vec<Finding> {
        match self.metadata.temporality {
            Temporality::Fixed => self.twice(|_| 0, "same unit", "Duplicate identifiers in #1 column"),
            Temporality::Status if self.metadata.carries() => self.overlaps(),
            Temporality::Status => self.twice(
                |row| self.rows.starts[row],
                "same unit and date",
                "Same unit_id (#1 Column) has duplicate dates (#3 and #4 column)",
            ),
            Temporality::Accumulated | Temporality::Event => self.overlaps(),
        }
    }

    fn twice(&self, date: impl Fn(usize) -> i32, what: &str, theirs: &str) -> Vec<Finding> {
        // Measuring dates one after the other, the units of each in their order: nothing comes twice.
        let key = |row: usize| (date(row), self.rows.units[row]);
        if (1..self.rows.len()).all(|row| key(row - 1) < key(row)) {
            return Vec::new();
        }
        let order = sorted(self.rows, &date);
        let same = |a: usize, b: usize| self.rows.units[a] == self.rows.units[b] && date(a) == date(b);
        let pairs: Vec<(usize, usize)> =
            order.windows(2).map(|w| (w[0] as usize, w[1] as usize)).filter(|(a, b)| same(*a, *b)).collect();
        let Some((a, b)) = pairs.iter().min_by_key(|(_, b)| *b).copied() else { return Vec::new() };
        let (l1, l2) = (self.rows.line(a.min(b)), self.rows.line(a.max(b)));
        let message = format!("lines {l1}, {l2}: {what}");
        vec![Finding::rows(Rule::Twice, l2, pairs.len() as u64, message, vec![theirs.to_owned()])]
    }

    fn overlaps(&self) -> Vec<Finding> {
        let rows = self.rows;
        let order = sorted(rows, |row| rows.starts[row]);
        let meets = |a: usize, b: usize| rows.units[a] == rows.units[b] && rows.stops[a] >= rows.starts[b];
        let pairs: Vec<(usize, usize)> =
            order.windows(2).map(|w| (w[0] as usize, w[1] as usize)).filter(|(a, b)| meets(*a, *b)).collect();
        let Some((a, b)) = pairs.iter().min_by_key(|(a, b)| a.max(b)).copied() else { return Vec::new() };
        let span = |row: usize| {
            let stop =
                if rows.stops[row] == NO_STOP { String::new() } else { Date::from_days(rows.stops[row]).to_string() };
            format!("({} - {stop})", Date::from_days(rows.starts[row]))
        };
        let ours_span = |row: usize| span(row).replace(" - ", " – ");
        let message = format!("lines {}, {}: {} overlaps {}", rows.line(a), rows.line(b), ours_span(a), ours_span(b));
        let theirs = |(a, b): &(usize, usize)| {
            format!(
                "Invalid overlapping timespans for identifier \"{}\": timespan: {} overlaps with timespan: {}",
                rows.id(*a),
                span(*a),
                span(*b)
            )
        };
        let compat = pairs.iter().take(LISTED).map(theirs).collect();
        vec![Finding::rows(Rule::Overlap, rows.line(b), pairs.len() as u64, message, compat)]
    }
}

/// Rows in the order of unit, date and place in the file.
fn sorted(rows: &RawRows, date: impl Fn(usize) -> i32) -> Vec<u32> {
    let key = |row: usize| (rows.units[row], date(row));
    if (1..rows.len()).all(|row| key(row - 1) <= key(row)) {
        return (0..rows.len() as u32).collect();
    }
    // Units are numbers without gaps: their rows are counted, not compared.
    let mut ends = vec![0u32; rows.ids.len()];
    rows.units.iter().for_each(|unit| ends[*unit as usize] += 1);
    let mut all = 0;
    for end in &mut ends {
        all += std::mem::replace(end, all);
    }
    let mut order = vec![0; rows.len()];
    for (row, unit) in (0..).zip(&rows.units) {
        let end = &mut ends[*unit as usize];
        order[*end as usize] = row;
        *end += 1;
    }
    let mut start = 0;
    for end in ends {
        let of_unit = &mut order[start..end as usize];
        start = end as usize;
        let date = |row: &u32| date(*row as usize);
        if !of_unit.is_sorted_by_key(date) {
            of_unit.sort_by_key(date);
        }
    }
    order
}
