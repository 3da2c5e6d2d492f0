//! Builders of raw results for the tests of the gate. They make sets of persons as the engine does, from record keys.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use disclosure::{
    Ctx, Fingerprint, Gate, GateKeys, Ledger, Meter, Policy, RecordKey, Releasable, Released, Sketch, Statistic,
    Stopped, Unmetered,
};
use engine::Raw;
use engine::raw::{
    Keyed, MeasureKind, Moments, PersonSet, RawCategory, RawCell, RawDimension, RawMagnitude, RawMeasure,
    RawPercentile, RawTable,
};
use kernel::Timestamp;

/// The keys of the tests' installation.
pub fn keys() -> GateKeys {
    GateKeys::new([0x11; 32], [0x22; 32])
}

/// Releases a raw result under the tests' keys.
pub fn release<T: Releasable>(
    policy: &Policy,
    ledger: &mut dyn Ledger,
    statistics: &[Statistic],
    raw: T,
) -> Result<Released<T::Out>, Stopped> {
    release_metered(policy, ledger, &Unmetered, statistics, raw)
}

/// The same, with a meter.
pub fn release_metered<T: Releasable>(
    policy: &Policy,
    ledger: &mut dyn Ledger,
    meter: &dyn Meter,
    statistics: &[Statistic],
    raw: T,
) -> Result<Released<T::Out>, Stopped> {
    let keys = keys();
    let ctx = Ctx {
        account: "account",
        project: "project",
        at: Timestamp::from_micros(1_795_252_500_000_000),
        script: "sha256:00",
        statement: 1,
        metered_as: 0,
        statistics,
        keys: &keys,
        meter,
    };
    Gate::release(policy, ledger, &ctx, Raw::new(raw))
}

/// The record key of a person; made once, because most tests ask for the same ones over and over.
pub fn record(number: u64) -> RecordKey {
    static KNOWN: LazyLock<Mutex<HashMap<u64, RecordKey>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().unwrap();
    *known.entry(number).or_insert_with(|| keys().record(&disclosure::person_id(number)))
}

/// The set of the persons with these numbers.
pub fn people(numbers: impl IntoIterator<Item = u64>) -> PersonSet {
    let (mut print, mut sketch, mut persons) = (Fingerprint::default(), Sketch::default(), 0);
    let mut members = roaring::RoaringBitmap::new();
    for p in numbers {
        let record = record(p);
        print = print.with(record);
        sketch.add(record);
        persons += 1;
        members.insert(p as u32);
    }
    let members = engine::Members::of(members);
    PersonSet { keyed: Keyed::Persons, persons, fingerprint: print.0, sketch: sketch.0, members }
}

/// A dimension whose categories `a`, `b`, … stand in a code list.
pub fn dimension(name: &str, categories: usize) -> RawDimension {
    let category = |i: usize| {
        let code = char::from(b'a' + i as u8).to_string();
        RawCategory { label: Some(format!("label {code}")), code, missing: false }
    };
    RawDimension { name: name.to_owned(), label: None, categories: (0..categories).map(category).collect() }
}

/// A table of counts whose inner cells hold this many persons each, row by row; margins are the unions.
pub fn table(dimensions: Vec<RawDimension>, inner: &[u64]) -> RawTable {
    let mut table = RawTable { dimensions, measures: Vec::new(), cells: Vec::new(), dropped_missing: 0 };
    let sizes: Vec<usize> = table.dimensions.iter().map(|d| d.categories.len()).collect();
    let total: usize = sizes.iter().map(|s| s + 1).product();
    for at in 0..total {
        let position = table.position(at);
        // Persons of inner cell i are numbered from 1_000_000·i.
        let members = inner.iter().enumerate().filter(|(i, _)| {
            let mut rest = *i;
            let own: Vec<usize> = sizes
                .iter()
                .rev()
                .map(|s| {
                    let p = rest % s;
                    rest /= s;
                    p
                })
                .collect();
            own.iter().rev().zip(&position).zip(&sizes).all(|((own, p), size)| p == size || p == own)
        });
        let numbers = members.flat_map(|(i, n)| (0..*n).map(move |k| i as u64 * 1_000_000 + k));
        let set = people(numbers);
        table.cells.push(RawCell { rows: set.persons, set, magnitudes: Vec::new() });
    }
    table
}

/// A measure that is a whole-number or decimal column of a dataset.
pub fn measure(kind: MeasureKind, light_tails: bool) -> RawMeasure {
    RawMeasure {
        name: "income".to_owned(),
        label: None,
        kind,
        origin: vec!["INNTEKT".to_owned()],
        column_key: [7; 32],
        row_wise: true,
        limits: Some((0.0, 1e9)),
        wide: Some((0.0, 1e9)),
        light_tails,
        derived: None,
    }
}

/// The value in the middle, and how many are others, where these are few.
fn nearly(sorted: &[f64]) -> Option<(f64, u64)> {
    let value = *sorted.get(sorted.len() / 2)?;
    let others = sorted.iter().filter(|x| **x != value).count() as u64;
    (others < engine::raw::FEW_OTHERS).then_some((value, others))
}

/// Statistics of these values, one person each, numbered from `first`; nothing is clamped.
pub fn magnitude(first: u64, values: &[f64], percentiles: &[f64], window: usize) -> RawMagnitude {
    let n = values.len();
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let sum: f64 = values.iter().sum();
    let mean = sum / n as f64;
    let moments = || {
        let mut farthest: Vec<f64> = values.iter().map(|x| (x - mean).abs()).collect();
        farthest.sort_by(|a, b| b.total_cmp(a));
        farthest.truncate(3);
        let square: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
        Moments {
            sum,
            mean: Some(mean),
            sd: (n > 1).then(|| (square / (n - 1) as f64).sqrt()),
            gini: Some(0.31),
            farthest,
        }
    };
    let mut largest: Vec<f64> = values.iter().map(|x| x.abs()).collect();
    largest.sort_by(|a, b| b.total_cmp(a));
    let percentile = |&p: &f64| {
        let h = (n - 1) as f64 * p / 100.0;
        let width = window.min(n);
        let start = (h.round() as usize).saturating_sub(width / 2).min(n - width);
        let around = start.saturating_sub(engine::raw::MARGIN)..(start + width + engine::raw::MARGIN).min(n);
        RawPercentile {
            p,
            exact: sorted[h.round() as usize],
            window: start - around.start..start - around.start + width,
            around: sorted[around].to_vec(),
        }
    };
    RawMagnitude {
        rows_key: None,
        nearly: nearly(&sorted),
        set: people(first..first + n as u64),
        rows: n as u64,
        constant: values.windows(2).all(|w| w[0] == w[1]),
        largest: [largest.first().copied().unwrap_or(0.0), largest.get(1).copied().unwrap_or(0.0)],
        sum_abs: values.iter().map(|x| x.abs()).sum(),
        plain: moments(),
        clamped: moments(),
        wide: moments(),
        percentiles: percentiles.iter().map(percentile).collect(),
        again: None,
    }
}
