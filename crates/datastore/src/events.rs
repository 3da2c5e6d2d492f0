//! Rows of events by selection: the rows themselves, and how many of them each unit has (ENG-010). Both are found on one of
//! two ways: through all rows in the order of units, or through the rows of the chosen codes alone. The way shows in the time
//! only. Parts of a pass are ranges of ordinals or rows, so the result does not depend on the number of threads (ENG-034).

use std::ops::Range;

use engine::source::{CodeSet, Column, Selection, Spells, Values};
use rayon::prelude::*;

use crate::by_code::ByCode;
use crate::columns::each_values;
use crate::spells::Days;

/// Ordinals of a part of a count over all rows.
const PART: usize = 1 << 16;
/// The same over rows by code, where every part looks up its stretch of every code.
const PART_BY_CODE: usize = 1 << 19;
/// Counting by code pays when it reads at most one row in so many.
const COUNT_BY_CODE: usize = 4;
/// The same for the rows themselves, which have to be put in the order of units.
const ROWS_BY_CODE: usize = 32;

/// How many rows of a selection each unit has, for ordinals below `length`; none when an ordinal lies outside or out of
/// order.
pub(crate) fn counts(
    spells: &Spells,
    by_code: Option<&ByCode>,
    selection: &Selection,
    length: usize,
) -> Option<Column> {
    let rows = spells.ordinals.len();
    if spells.ordinals.last().is_some_and(|last| *last as usize >= length) {
        return None;
    }
    let few = selection.codes().zip(by_code).and_then(|(codes, by_code)| {
        let (chosen, number) = by_code.chosen(codes);
        (number.saturating_mul(COUNT_BY_CODE) <= rows).then_some((by_code, chosen))
    });
    if let Some((by_code, codes)) = few {
        let days = Days { starts: &by_code.starts, stops: &by_code.stops };
        return parts(length, PART_BY_CODE, |range, count| {
            for code in &codes {
                let rows = by_code.rows(*code);
                let begin = rows.start;
                let here = stretch(&by_code.ordinals[rows], &range);
                let here = begin + here.start..begin + here.end;
                days.selected(here, selection, |row| count.add(by_code.ordinals[row]));
            }
        });
    }
    let days = Days::of(spells);
    let Some(codes) = selection.codes() else {
        return parts(length, PART, |range, count| {
            let rows = stretch(&spells.ordinals, &range);
            days.selected(rows, selection, |row| count.add(spells.ordinals[row]));
        });
    };
    macro_rules! counted {
        ($v:expr) => {
            parts(length, PART, |range, count| {
                let rows = stretch(&spells.ordinals, &range);
                days.selected(rows, selection, |row| {
                    if codes.contains(u32::from($v[row])) {
                        count.add(spells.ordinals[row]);
                    }
                });
            })
        };
    }
    match &spells.values {
        Values::Code8(v) => counted!(v),
        Values::Code16(v) => counted!(v),
        Values::Code32(v) => counted!(v),
        _ => None,
    }
}

/// The rows of ascending ordinals that lie in `range`.
fn stretch(ordinals: &[u32], range: &Range<usize>) -> Range<usize> {
    let before = |end: usize| ordinals.partition_point(|o| (*o as usize) < end);
    before(range.start)..before(range.end)
}

/// Counts of a range of ordinals, eight bits wide as long as they fit.
struct Count {
    first: usize,
    narrow: Vec<i8>,
    /// In place of `narrow`.
    wide: Vec<i32>,
    overflows: bool,
    outside: bool,
}

impl Count {
    #[inline]
    fn add(&mut self, ordinal: u32) {
        let at = (ordinal as usize).wrapping_sub(self.first);
        match self.narrow.get_mut(at) {
            Some(n) => {
                self.overflows |= *n == i8::MAX;
                *n = n.wrapping_add(1);
            }
            None => match self.wide.get_mut(at) {
                Some(n) => *n += 1,
                None => self.outside = true,
            },
        }
    }
}

/// Counts of all ordinals below `length`, part by part; at the width that holds the largest.
fn parts(length: usize, part: usize, add: impl Fn(Range<usize>, &mut Count) + Sync) -> Option<Column> {
    let counted: Vec<Count> = (0..length.div_ceil(part))
        .into_par_iter()
        .map(|k| {
            let range = k * part..((k + 1) * part).min(length);
            let (narrow, wide) = (vec![0; range.len()], Vec::new());
            let mut count = Count { first: range.start, narrow, wide, overflows: false, outside: false };
            add(range.clone(), &mut count);
            if count.overflows {
                count.narrow = Vec::new();
                count.wide = vec![0; range.len()];
                add(range, &mut count);
            }
            count
        })
        .collect();
    if counted.iter().any(|count| count.outside) {
        return None;
    }
    let most = counted.iter().flat_map(|count| &count.wide).max().copied().unwrap_or(0);
    macro_rules! joined {
        ($type:ty) => {{
            let mut out: Vec<$type> = Vec::with_capacity(length);
            for count in &counted {
                out.extend(count.narrow.iter().map(|n| <$type>::from(*n)));
                out.extend(count.wide.iter().map(|n| *n as $type));
            }
            out.into()
        }};
    }
    let values = if most <= i8::MAX.into() {
        Values::Int8(joined!(i8))
    } else if most <= i16::MAX.into() {
        Values::Int16(joined!(i16))
    } else {
        Values::Int32(joined!(i32))
    };
    Some(Column { values, validity: None })
}

/// The rows of a selection, by ordinal and first day.
pub(crate) fn rows(spells: &Spells, by_code: Option<&ByCode>, selection: &Selection) -> Spells {
    let all = spells.ordinals.len();
    if let Some((codes, by_code)) = selection.codes().zip(by_code) {
        let (chosen, number) = by_code.chosen(codes);
        if number.saturating_mul(ROWS_BY_CODE) <= all {
            return rows_of_codes(spells, by_code, &chosen, selection);
        }
    }
    let days = Days::of(spells);
    let contains = |codes: &CodeSet, row| spells.values.place(row).is_some_and(|place| codes.contains(place));
    crate::spells::taken(spells, |rows, met| {
        days.selected(rows, selection, |row| {
            if selection.codes().is_none_or(|codes| contains(codes, row)) {
                met.push(row as u32);
            }
        });
    })
}

fn rows_of_codes(spells: &Spells, by_code: &ByCode, codes: &[usize], selection: &Selection) -> Spells {
    let days = Days { starts: &by_code.starts, stops: &by_code.stops };
    let found: Vec<Vec<(u32, u32)>> = codes
        .par_iter()
        .map(|code| {
            let mut found = Vec::new();
            days.selected(by_code.rows(*code), selection, |row| found.push((row as u32, *code as u32)));
            found
        })
        .collect();
    let mut found = found.concat();
    found.par_sort_unstable_by_key(|(row, code)| {
        (by_code.ordinals[*row as usize], by_code.starts[*row as usize], *code, *row)
    });
    let row = |(row, _): &(u32, u32)| *row as usize;
    Spells {
        ordinals: found.iter().map(|f| by_code.ordinals[row(f)]).collect(),
        starts: found.iter().map(|f| by_code.starts[row(f)]).collect(),
        stops: found.iter().map(|f| by_code.stops[row(f)]).collect(),
        // At the width that the values have in the file by unit.
        values: match &spells.values {
            Values::Code8(_) => Values::Code8(found.iter().map(|(_, code)| *code as u8).collect()),
            Values::Code16(_) => Values::Code16(found.iter().map(|(_, code)| *code as u16).collect()),
            _ => Values::Code32(found.iter().map(|(_, code)| *code).collect()),
        },
    }
}

/// No row, of the type that `spells` has.
pub(crate) fn nothing(spells: &Spells) -> Spells {
    Spells {
        ordinals: Vec::new().into(),
        starts: Vec::new().into(),
        stops: Vec::new().into(),
        values: each_values!(&spells.values, v => v.slice(0, 0)),
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use engine::source::{Days as Stretch, SourceError, StoreVersion, Temporality, VariableSource as _};
    use kernel::{Date, LangMap};

    use super::*;
    use crate::assembled::{Assembly, RowValues, Rows};
    use crate::by_code::BY_CODE;
    use crate::columns::Columns;
    use crate::metadata::{Code, Domain, Metadata, ValueType};

    /// Unit, start, stop, place of the code.
    type Row = (u32, i32, i32, u32);
    const CODES: usize = 40;

    fn text(t: &str) -> LangMap {
        LangMap::of(t, t, t)
    }

    fn metadata() -> Metadata {
        let from = Some(Date::from_days(-30_000));
        let code = |i: usize| Code {
            code: format!("{}{:02}", ['A', 'B'][i / 20], i % 20),
            title: text("c"),
            from,
            until: None,
        };
        Metadata {
            temporality: Temporality::Event,
            sensitivity: "PERSON_GENERAL".to_owned(),
            population: text("p"),
            spatial: None,
            subjects: Vec::new(),
            revision: text("r"),
            unit_type: "PERSON".to_owned(),
            title: text("t"),
            description: text("d"),
            value_type: ValueType::String,
            domain: Domain::Codes { list: (0..CODES).map(code).collect(), sentinels: Vec::new(), changes: Vec::new() },
            status_dates: Vec::new(),
        }
    }

    fn numbers() -> impl FnMut(u32) -> u32 {
        let mut state = 7u64;
        move |below| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) % u64::from(below)) as u32
        }
    }

    /// Many rows per unit: one unit has none, one has more than fit eight bits and one more than fit sixteen, several a day.
    fn events() -> Vec<Row> {
        let mut next = numbers();
        let mut rows: Vec<Row> = Vec::new();
        for unit in (0..3000).filter(|unit| *unit != 1) {
            let number = match unit {
                7 => 300,
                8 => 40_000,
                _ => 1 + next(6),
            };
            for _ in 0..number {
                let start = if unit == 8 { 50 } else { next(100) as i32 - 20 };
                let stop = if next(9) == 0 { i32::MAX } else { start + next(4) as i32 };
                // Code 5 is rare, 6 has no row.
                let code = [next(CODES as u32), 5][usize::from(next(500) == 0)];
                rows.push((unit, start, stop, if code == 6 || unit == 8 { 0 } else { code }));
            }
        }
        rows.sort_by_key(|r| (r.0, r.1));
        rows
    }

    fn at() -> StoreVersion {
        StoreVersion { store: "no.test".into(), version: "1.0.0.0".into() }
    }

    fn store(root: &Path, rows: &[Row]) -> Columns {
        let mut assembly = Assembly::new(root, "no.test", 3001);
        let rows = Rows {
            ordinals: rows.iter().map(|r| r.0).collect(),
            starts: rows.iter().map(|r| r.1).collect(),
            stops: rows.iter().map(|r| r.2).collect(),
            values: RowValues::Code(rows.iter().map(|r| r.3).collect()),
        };
        assembly.write("EVENTS", metadata(), rows).unwrap();
        assembly.finish().unwrap();
        Assembly::open(root).unwrap()
    }

    fn codes(chosen: &[usize]) -> CodeSet {
        CodeSet::new((0..CODES).map(|code| chosen.contains(&code)).collect(), false)
    }

    fn selections() -> Vec<Selection> {
        let meeting = |from, to| Selection::meeting(Date::from_days(from), Date::from_days(to));
        let days = |first, last| Stretch { first, last };
        let prefix: Vec<usize> = (0..20).collect();
        let mut all = vec![
            meeting(0, 30),
            meeting(0, 30).starting(days(0, i32::MAX)),
            meeting(0, 30).starting(days(5, 5)),
            meeting(0, 30).stopping(days(10, 12)),
            meeting(-100, 100).stopping(days(i32::MAX, i32::MAX)),
            meeting(0, 30).starting(days(31, i32::MAX)),
            meeting(60, -60),
        ];
        for chosen in [&[5][..], &[5, 6, 39], &[6], &[], &prefix, &[1, 2, 3]] {
            all.push(meeting(-100, 100).with_codes(&codes(chosen)));
            all.push(meeting(0, 30).starting(days(0, i32::MAX)).with_codes(&codes(chosen)));
        }
        // A list that is longer than the directory, and places that no code has.
        all.push(meeting(-100, 100).with_codes(&CodeSet::new((0..60).map(|code| code >= 38).collect(), true)));
        all
    }

    fn rows_of(spells: &Spells) -> Vec<Row> {
        let row = |i| (spells.ordinals[i], spells.starts[i], spells.stops[i], spells.values.place(i).unwrap());
        (0..spells.ordinals.len()).map(row).collect()
    }

    fn counts_of(column: &Column) -> Vec<i64> {
        match &column.values {
            Values::Int8(v) => v.iter().map(|n| i64::from(*n)).collect(),
            Values::Int16(v) => v.iter().map(|n| i64::from(*n)).collect(),
            Values::Int32(v) => v.iter().map(|n| i64::from(*n)).collect(),
            _ => panic!("no whole numbers"),
        }
    }

    /// The rows and counts of every selection are those that looking at every row gives.
    fn agrees(columns: &Columns, rows: &[Row]) {
        for selection in selections() {
            let chosen: Vec<Row> = rows.iter().copied().filter(|r| selection.contains(r.1, r.2, Some(r.3))).collect();
            let mut found = rows_of(&columns.events(&at(), "EVENTS", &selection).unwrap());
            assert!(found.is_sorted_by_key(|r| (r.0, r.1)), "by unit and first day: {selection:?}");
            let mut expected = chosen.clone();
            found.sort_unstable();
            expected.sort_unstable();
            assert_eq!(found, expected, "{selection:?}");
            let mut counts = vec![0i64; 3000];
            chosen.iter().for_each(|r| counts[r.0 as usize] += 1);
            let counted = columns.event_counts(&at(), "EVENTS", &selection).unwrap();
            assert_eq!(counts_of(&counted), counts, "{selection:?}");
        }
    }

    fn file(root: &Path, name: &str) -> PathBuf {
        let first = std::fs::read_dir(root.join("datasets")).unwrap().next().unwrap().unwrap().path();
        std::fs::read_dir(first).unwrap().next().unwrap().unwrap().path().join(name)
    }

    /// ENG-010, ENG-012, ENG-041: rows by code and by unit give the same, for prefixes, codes without rows, codes beyond the
    /// list, several events a day and the edges of the interval; so does a folder that has no copy by code.
    #[test]
    fn eng_010_rows_by_code_and_by_unit_are_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let rows = events();
        agrees(&store(folder.path(), &rows), &rows);
        assert!(file(folder.path(), BY_CODE).is_file());
        let path = folder.path().join("store.json");
        let mut kept: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let files = kept["datasets"][0]["header"]["files"].as_object_mut().unwrap();
        files.retain(|name, _| !name.starts_with("by-code"));
        std::fs::write(&path, serde_json::to_vec(&kept).unwrap()).unwrap();
        std::fs::remove_file(file(folder.path(), BY_CODE)).unwrap();
        agrees(&Assembly::open(folder.path()).unwrap(), &rows);
    }

    /// ENG-034: one thread and two count the same.
    #[test]
    fn eng_034_counts_do_not_depend_on_threads() {
        let folder = tempfile::tempdir().unwrap();
        let columns = store(folder.path(), &events());
        for selection in selections() {
            let on = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| counts_of(&columns.event_counts(&at(), "EVENTS", &selection).unwrap()))
            };
            assert_eq!(on(1), on(2));
        }
    }

    /// ENG-010, ENG-042: a copy by code that is damaged or gone is refused by its name; what does not need it is read.
    #[test]
    fn eng_042_a_damaged_copy_by_code_is_refused_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let rows = events();
        store(folder.path(), &rows);
        let path = file(folder.path(), BY_CODE);
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        let some = selections().pop().unwrap();
        let refused = || {
            let columns = Assembly::open(folder.path()).unwrap();
            assert!(columns.event_counts(&at(), "EVENTS", &selections()[0]).is_ok());
            columns.event_counts(&at(), "EVENTS", &some).err()
        };
        let expected = Some(SourceError::Unavailable { what: format!("EVENTS/{BY_CODE}") });
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(refused(), expected);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(refused(), expected);
    }

    /// ENG-010: hardly more rows than units, or few codes, need no copy.
    #[test]
    fn eng_010_only_many_rows_per_unit_are_copied() {
        let prepared = |rows: &[Row], codes: usize| crate::prepared::Prepared {
            ordinals: rows.iter().map(|r| r.0).collect(),
            starts: rows.iter().map(|r| r.1).collect(),
            stops: rows.iter().map(|r| r.2).collect(),
            values: crate::prepared::Typed::Code(rows.iter().map(|r| r.3).collect(), codes),
            dropped: 0,
            merged: 0,
        };
        let rows = events();
        let one_each: Vec<Row> = rows.chunk_by(|a, b| a.0 == b.0).map(|unit| unit[0]).collect();
        let copied = |rows: &[Row], codes| crate::by_code::columns(&prepared(rows, codes)).is_some();
        assert!(copied(&rows, CODES));
        assert!(!copied(&one_each, CODES));
        let few: Vec<Row> = rows.iter().map(|r| (r.0, r.1, r.2, r.3 % 4)).collect();
        assert!(!copied(&few, 4));
        assert!(!copied(&[], 0));
    }

    /// ENG-042: an ordinal outside the dataset is not counted past its end.
    #[test]
    fn eng_042_ordinals_outside_are_refused() {
        let spells = Spells {
            ordinals: vec![3u32, 5].into(),
            starts: vec![0, 0].into(),
            stops: vec![0, 0].into(),
            values: Values::Code8(vec![0u8, 0].into()),
        };
        let all = Selection::meeting(Date::from_days(0), Date::from_days(0));
        assert!(counts(&spells, None, &all, 4).is_none());
        assert_eq!(counts_of(&counts(&spells, None, &all, 6).unwrap()), [0, 0, 0, 1, 0, 1]);
    }
}
