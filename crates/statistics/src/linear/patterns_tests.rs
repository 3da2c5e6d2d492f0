//! Patterns against a naive grouping, on any number of threads, and when the reading is stopped.

use super::*;
use crate::rows::Table as Data;

/// The same numbers on every machine: xorshift.
fn numbers(seed: u64) -> impl FnMut(u64) -> f64 {
    let mut state = seed;
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below) as f64
    }
}

fn naive(data: &Data, keys: &[usize], y: usize, pivot: f64) -> Vec<(Vec<f64>, f64, f64, f64)> {
    let mut found: Vec<(Vec<f64>, f64, f64, f64)> = Vec::new();
    for i in 0..data.len() {
        let key: Vec<f64> = keys.iter().map(|k| data.variables[*k].values[i]).collect();
        let y = data.variables[y].values[i];
        if y.is_nan() || key.iter().any(|x| x.is_nan()) {
            continue;
        }
        let d = y - pivot;
        match found.iter_mut().find(|(k, ..)| *k == key) {
            Some((_, w, s, q)) => {
                *w += 1.0;
                *s += d;
                *q += d * d;
            }
            None => found.push((key, 1.0, d, d * d)),
        }
    }
    found.sort_by(|a, b| a.0.iter().zip(&b.0).fold(std::cmp::Ordering::Equal, |o, (a, b)| o.then(a.total_cmp(b))));
    found
}

fn check(data: &Data, keys: &[usize], y: usize) -> Patterns {
    let request = Request { covariates: keys, y: Some(y), cluster: None, places: true };
    let patterns = Patterns::of(data, request).unwrap();
    let wanted = naive(data, keys, y, patterns.pivot);
    assert!(!patterns.by_row);
    assert_eq!(patterns.len(), wanted.len());
    for (i, (key, w, s, q)) in wanted.iter().enumerate() {
        assert!(key.iter().zip(&patterns.frame.columns).all(|(k, column)| *k == column[i]));
        assert_eq!(patterns.weight[i], *w);
        assert!((patterns.sum[i] - s).abs() <= 1e-12 * q.sqrt());
        assert!((patterns.squares[i] - q).abs() <= 1e-12 * q);
    }
    for (row, place) in patterns.places.iter().flatten().enumerate() {
        let of = |k: &usize| data.variables[*k].values[row];
        if *place == NONE {
            assert!(of(&y).is_nan() || keys.iter().any(|k| of(k).is_nan()));
        } else {
            assert!(keys.iter().zip(&patterns.frame.columns).all(|(k, column)| column[*place as usize] == of(k)));
        }
    }
    patterns
}

/// STAT-020: small whole numbers go through the table, others by their bits; missing values leave a row out.
#[test]
fn stat_020_patterns_of_rows() {
    let mut next = numbers(7);
    let n = 50_000;
    let mut data = Data::default();
    let age = data.number("age", (0..n).map(|_| 20.0 + next(50)).collect());
    let sex = data.factor("sex", &(0..n).map(|i| if i % 97 == 5 { f64::NAN } else { next(2) }).collect::<Vec<_>>());
    let dose = data.number("dose", (0..n).map(|_| next(12) * 0.1 - 0.3).collect());
    let y = data.number("y", (0..n).map(|i| if i % 89 == 1 { f64::NAN } else { next(1000) + 1e6 }).collect());
    assert!(check(&data, &[age, sex], y).whole);
    check(&data, &[age, dose, sex], y);
    check(&data, &[], y);
    // A value outside of what the first look sees, and one far outside.
    let mut beyond = data.variables[age].values.clone();
    beyond[20_000] = 150.0;
    let beyond = data.number("beyond", beyond);
    check(&data, &[beyond, sex], y);
    let mut wide = data.variables[age].values.clone();
    wide[20_000] = 1e9;
    wide[20_001] = 33.5;
    let wide = data.number("wide", wide);
    check(&data, &[sex, wide], y);
}

/// STAT-020: where a variable follows from others the combinations that occur are numbered, whichever comes first, and rare values
/// beyond the first look find their place.
#[test]
fn stat_020_variables_that_follow_from_each_other() {
    let mut next = numbers(13);
    let n = 60_000;
    let mut data = Data::default();
    let mut ages: Vec<f64> = (0..n).map(|i| if i % 101 == 7 { f64::NAN } else { 18.0 + next(70) }).collect();
    ages[20_000] = 109.0;
    let squared = data.number("age2", ages.iter().map(|x| x * x).collect());
    let cubed = data.number("age3", ages.iter().map(|x| (x - 60.0).powi(3)).collect());
    let age = data.number("age", ages);
    let sex = data.factor("sex", &(0..n).map(|_| next(2)).collect::<Vec<_>>());
    let level = data.number("level", (0..n).map(|i| if i % 57 == 0 { f64::NAN } else { next(5) - 2.0 }).collect());
    let y = data.number("y", (0..n).map(|_| next(1 << 30) / 8.0).collect());
    check(&data, &[sex, age, level, squared], y);
    check(&data, &[squared, sex, age], y);
    check(&data, &[age, sex, cubed, squared], y);
    let rows = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let request = Request { covariates: &[age, squared, sex], y: Some(y), cluster: Some(level), places: false };
        let patterns = pool.install(|| Patterns::of(&data, request)).unwrap();
        (patterns.frame.columns, patterns.sum, patterns.clusters.unwrap().of)
    };
    assert_eq!(rows(1), rows(3));
    // Too many combinations for a table.
    let wide = data.number("wide", (0..n).map(|_| next(200_000)).collect());
    let request = Request { covariates: &[wide, sex, level], y: Some(y), cluster: None, places: false };
    assert!(Patterns::of(&data, request).unwrap().by_row);
}

#[test]
fn stat_020_many_patterns_are_rows() {
    let mut next = numbers(3);
    let mut data = Data::default();
    let income = data.number("income", (0..9000).map(|_| next(1 << 40)).collect());
    let y = data.number("y", (0..9000).map(|i| if i == 0 { f64::NAN } else { next(9) }).collect());
    let group = data.number("group", (0..9000).map(|i| f64::from(i / 1000) * 7.0).collect());
    let request = Request { covariates: &[income], y: Some(y), cluster: Some(group), places: true };
    let patterns = Patterns::of(&data, request).unwrap();
    assert!(patterns.by_row && patterns.n == 8999.0 && patterns.range == (0.0, 8.0));
    assert_eq!(patterns.frame.origin[0], 1);
    assert_eq!(patterns.places.unwrap()[..2], [NONE, 0]);
    let clusters = patterns.clusters.unwrap();
    assert_eq!((clusters.count, clusters.of[998], clusters.of[999]), (9, 0, 1));
    let request = Request { covariates: &[], y: Some(y), cluster: Some(group), places: false };
    let patterns = Patterns::of(&data, request).unwrap();
    assert_eq!(patterns.clusters.unwrap().of, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
}

/// STAT-001: the bits do not depend on the number of threads.
#[test]
fn stat_001_patterns_have_the_same_bits_on_any_number_of_threads() {
    let mut next = numbers(11);
    let mut data = Data::default();
    let x = data.number("x", (0..200_000).map(|_| next(20)).collect());
    let y = data.number("y", (0..200_000).map(|_| next(1 << 50).ln_1p()).collect());
    let sums = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let request = Request { covariates: &[x], y: Some(y), cluster: None, places: false };
        let patterns = pool.install(|| Patterns::of(&data, request)).unwrap();
        (patterns.sum, patterns.squares)
    };
    assert_eq!(sums(1), sums(3));
}

/// STAT-001: sums of small whole numbers are exact; where later ones are not small or not whole they are summed with compensation.
#[test]
fn stat_001_sums_are_exact_or_compensated() {
    let mut next = numbers(5);
    let n = 40_000;
    let mut data = Data::default();
    let x = data.number("x", (0..n).map(|_| next(3)).collect());
    let y: Vec<f64> = (0..n).map(|_| next(1000)).collect();
    for odd in [0.1, 1e15, 1e100] {
        let mut y = y.clone();
        // Beyond the first chunk, and before the last.
        y[16_500] = odd;
        let y = data.number("y", y);
        let patterns = check(&data, &[x], y);
        assert_eq!(patterns.whole, odd != 0.1);
        assert!(patterns.range.1 >= odd.max(999.0));
    }
}

/// Rows of which the reading is to be stopped.
struct Stopped(Data);

impl Rows for Stopped {
    fn len(&self) -> usize {
        self.0.len()
    }
    fn name(&self, variable: usize) -> &str {
        self.0.name(variable)
    }
    fn read(&self, variable: usize, range: Range<usize>, out: &mut [f64]) {
        self.0.read(variable, range, out);
    }
    fn categories(&self, variable: usize) -> Option<std::sync::Arc<[crate::Category]>> {
        self.0.categories(variable)
    }
    fn stopped(&self) -> bool {
        true
    }
}

/// STAT-402: whichever way rows are read, it can be stopped.
#[test]
fn stat_402_reading_can_be_stopped() {
    let mut data = Data::default();
    let small = data.number("small", (0..2000).map(|i| f64::from(i % 3)).collect());
    let tenths = data.number("tenths", (0..2000).map(|i| f64::from(i % 3) / 10.0).collect());
    let all = data.number("all", (0..2000).map(|i| f64::from(i) / 3.0).collect());
    let rows = Stopped(data);
    for variable in [small, tenths, all] {
        let request = Request { covariates: &[variable], y: None, cluster: None, places: false };
        assert_eq!(Patterns::of(&rows, request).err(), Some(Problem::new("E_STOPPED")));
    }
}
