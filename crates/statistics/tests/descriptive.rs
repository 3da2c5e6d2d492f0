//! Descriptive commands and tests: what must not change their results (STAT-401), and every problem and notice (STAT-402).
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{Numbers, Stopped};
use statistics::Table;
use statistics::descriptive::{
    Correlate, Moments, PercentileType, ci, correlate, equal_variance, gini, kendall, kruskal, normaltest, percentile,
    percentile_of, spearman, transitions, ttest,
};

fn numbers(seed: u64, n: usize) -> Vec<f64> {
    let mut numbers = Numbers(seed.wrapping_mul(7_919).wrapping_add(3));
    (0..n).map(|_| numbers.next()).collect()
}

#[track_caller]
fn same(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-10 * a.abs().max(b.abs()).max(1e-3), "{a} {b}");
}

fn table(columns: &[Vec<f64>], group: &[f64]) -> Table {
    let mut table = Table::default();
    columns.iter().zip(["a", "b", "c"]).for_each(|(c, name)| {
        table.number(name, c.clone());
    });
    table.factor("group", group);
    table
}

fn permuted(values: &[f64], order: &[f64]) -> Vec<f64> {
    let mut pairs: Vec<(f64, f64)> = order.iter().copied().zip(values.iter().copied()).collect();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    pairs.into_iter().map(|(_, x)| x).collect()
}

/// All numbers of all commands over `a`, `b` and groups.
fn everything(table: &Table) -> Vec<f64> {
    let mut all = Vec::new();
    for pairwise in [false, true] {
        let found = correlate(table, &Correlate { variables: vec![0, 1, 2], pairwise }).unwrap();
        all.extend(
            found.pairs.iter().filter(|p| p.variables[0] != p.variables[1]).flat_map(|p| [p.r, p.p()]).flatten(),
        );
    }
    for tests in normaltest(table, &[0, 1], None).unwrap() {
        let tested = [tests.skewness_test, tests.kurtosis_test, tests.both, tests.jarque_bera, tests.shapiro_wilk];
        all.extend(tested.iter().flatten().flat_map(|t| [t.statistic, t.p]));
    }
    let found = ttest(table, 0, 3).unwrap();
    all.extend([found.welch, found.pooled].iter().flatten().map(|t| t.statistic));
    all.push(kruskal(table, 0, 3).unwrap().statistic);
    let found = equal_variance(table, 0, 3).unwrap();
    all.extend([found.bartlett.statistic, found.welch.statistic]);
    all
}

/// STAT-401: order of rows, scale and place of a variable, labels of groups, and a column where everything is missing.
#[test]
fn stat_401_descriptive_commands_do_not_depend_on_what_they_should_not() {
    for seed in 0..20 {
        let n = 90;
        let [u, v, w, order] = [1, 2, 3, 4].map(|i| numbers(seed * 10 + i, n));
        let a: Vec<f64> = u.iter().map(|u| (1.0 - u).ln() * -3.0).collect();
        let b: Vec<f64> = a.iter().zip(&v).map(|(a, v)| if *v > 0.9 { f64::NAN } else { a * v }).collect();
        let c: Vec<f64> = w.iter().map(|w| (w * 5.0).floor()).collect();
        let group: Vec<f64> = v.iter().map(|v| f64::from(u8::from(*v > 0.4))).collect();
        let plain = everything(&table(&[a.clone(), b.clone(), c.clone()], &group));
        assert_eq!(plain.len(), 12 + 20 + 5);
        let check = |other: &Table| plain.iter().zip(everything(other)).for_each(|(a, b)| same(*a, b));
        let moved = [&a, &b, &c].map(|x| permuted(x, &order));
        check(&table(&moved, &permuted(&group, &order)));
        let scaled = [(&a, 1e5, 2e6), (&b, 1e-4, 3.0), (&c, 7.0, 0.0)];
        let scaled = scaled.map(|(x, scale, place)| x.iter().map(|x| x * scale + place).collect::<Vec<f64>>());
        check(&table(&scaled, &group.iter().map(|g| g * 30.0 + 5.0).collect::<Vec<_>>()));
        let mut more = table(&[a.clone(), b, c], &group);
        more.number("nothing", vec![f64::NAN; n]);
        check(&more);
        let mean = ci(&more, &[0], 90.0).unwrap()[0];
        let far = ci(&table(&[a.iter().map(|x| x + 1e6).collect()], &[]), &[0], 90.0).unwrap()[0];
        let (low, high) = mean.limits.unwrap();
        assert!((far.limits.unwrap().0 - 1e6 - low).abs() < 1e-8 && (far.limits.unwrap().1 - 1e6 - high).abs() < 1e-8);
    }
}

/// STAT-050, STAT-060, STAT-402: a variable with one value has no correlation and no tests, and is told.
#[test]
fn stat_402_constants_and_few_rows() {
    let t = table(&[vec![5.0; 4], vec![1.0, 2.0, 4.0, 3.0], vec![f64::NAN; 4]], &[1.0, 1.0, 2.0, 2.0]);
    let found = correlate(&t, &Correlate { variables: vec![0, 1], pairwise: false }).unwrap();
    assert_eq!((found.pairs[1].r, found.pairs[1].p(), found.pairs[1].covariance), (None, None, Some(0.0)));
    assert_eq!((found.notices[0].code, found.notices[0].about.as_deref()), ("W_CONSTANT", Some("a")));
    let tests = &normaltest(&t, &[0, 1, 2], None).unwrap();
    assert_eq!((tests[0].notice.as_ref().map(|n| n.code), tests[0].jarque_bera), (Some("W_CONSTANT"), None));
    assert!(tests[1].notice.is_none() && tests[1].skewness_test.is_none() && tests[1].shapiro_wilk.is_some());
    assert!((tests[2].n, tests[2].skewness) == (0, None));
    let none = correlate(&t, &Correlate { variables: vec![0, 2], pairwise: true }).map(|c| c.pairs[1].n);
    assert_eq!(none, Ok(0));
    let nothing = correlate(&t, &Correlate { variables: vec![2, 0], pairwise: false }).unwrap_err();
    assert_eq!(nothing.code, "E_NO_ROWS");
    let two = table(&[vec![1.0, 2.0], vec![2.0, 1.0]], &[]);
    let pair = correlate(&two, &Correlate { variables: vec![0, 1], pairwise: false }).unwrap().pairs[1];
    assert_eq!((pair.r, pair.p()), (Some(-1.0), None));
    let one = ci(&table(&[vec![3.0]], &[]), &[0], 95.0).unwrap()[0];
    assert_eq!((one.n, one.mean, one.se, one.limits), (1, 3.0, None, None));
}

/// STAT-360 to STAT-362, STAT-402: groups that cannot be compared.
#[test]
fn stat_402_groups_that_cannot_be_compared() {
    let y = vec![1.0, 2.0, 4.0, 3.0, 5.0];
    let of = |groups: &[f64]| table(std::slice::from_ref(&y), groups);
    let (one, three) = (of(&[1.0; 5]), of(&[1.0, 2.0, 3.0, 1.0, 2.0]));
    for problem in [
        ttest(&one, 0, 1).unwrap_err(),
        ttest(&three, 0, 1).unwrap_err(),
        kruskal(&one, 0, 1).unwrap_err(),
        equal_variance(&one, 0, 1).unwrap_err(),
    ] {
        assert_eq!((problem.code, problem.about.as_deref()), ("E_NEEDS_TWO_GROUPS", Some("group")));
    }
    assert_eq!(equal_variance(&three, 0, 1).unwrap_err().code, "E_NO_RESIDUAL_DF");
    let level = table(&[vec![2.0; 4]], &[1.0, 1.0, 2.0, 2.0]);
    assert_eq!(kruskal(&level, 0, 1).unwrap_err().code, "E_NO_VARIATION");
    assert_eq!(equal_variance(&level, 0, 1).unwrap_err().code, "E_NO_VARIATION");
    let tests = ttest(&level, 0, 1).unwrap();
    assert!(tests.welch.is_none() && tests.pooled.is_none() && tests.paired.is_none());
    assert!(ttest(&of(&[1.0, 1.0, 1.0, 2.0, 2.0]), 0, 1).unwrap().paired.is_none());
}

/// STAT-060: of more than 5 000 rows W is that of those with the smallest keys, and is marked; without keys there is none.
#[test]
fn stat_060_w_of_a_subsample() {
    let values = numbers(5, 6_000);
    let t = table(std::slice::from_ref(&values), &[]);
    assert!(normaltest(&t, &[0], None).unwrap()[0].shapiro_wilk.is_none());
    let keys = |row: u32| u64::from(row.wrapping_mul(2_654_435_761) >> 7);
    let found = &normaltest(&t, &[0], Some(&keys)).unwrap()[0];
    assert!(found.subsample && found.n == 6_000);
    let mut rows: Vec<u32> = (0..6_000).collect();
    rows.sort_by_key(|row| (keys(*row), *row));
    let chosen: Vec<f64> = rows[..5_000].iter().map(|row| values[*row as usize]).collect();
    let alone = &normaltest(&table(&[chosen], &[]), &[0], None).unwrap()[0];
    assert_eq!(found.shapiro_wilk, alone.shapiro_wilk);
    assert!(!alone.subsample);
}

/// STAT-030, STAT-033: moments, percentiles and the Gini coefficient by hand.
#[test]
fn stat_030_moments_and_percentiles() {
    let sorted = [15.0, 20.0, 35.0, 40.0, 50.0];
    assert_eq!(percentile(&sorted, 0.4), Some(29.0));
    assert_eq!(percentile_of(&sorted, 0.4, PercentileType::Two), Some(27.5));
    same(percentile_of(&sorted, 0.4, PercentileType::Six).unwrap(), 26.0);
    assert_eq!(percentile(&[], 0.5), None);
    assert_eq!(gini(&[1.0, 2.0, 3.0, 4.0]), Some(0.25));
    assert_eq!((gini(&[7.0; 3]), gini(&[-1.0, 0.0])), (Some(0.0), None));
    assert_eq!((Moments::of(&[4.0]).sd(), Moments::of(&[4.0, 4.0]).sd()), (None, Some(0.0)));
    assert!(Moments::of(&[]).mean.is_nan());
}

/// STAT-050: rank correlations of the same and of opposite orders, and of all ties.
#[test]
fn stat_050_rank_correlations() {
    let (x, up, down) = ([1.0, 2.0, 3.0, 4.0], [10.0, 20.0, 25.0, 90.0], [4.0, 3.0, 2.0, -1.0]);
    assert_eq!((spearman(&x, &up), kendall(&x, &up)), (Some(1.0), Some(1.0)));
    assert_eq!((spearman(&x, &down), kendall(&x, &down)), (Some(-1.0), Some(-1.0)));
    assert_eq!((spearman(&x, &[1.0; 4]), kendall(&x, &[1.0; 4])), (None, None));
}

/// STAT-046: pairs of neighbouring times of one unit; a missing time, a missing category and another unit make none.
#[test]
fn stat_046_transitions() {
    let units = [1, 1, 1, 2, 2, 3, 3];
    let times = [2000.0, 2001.0, 2002.0, 2000.0, 2002.0, 2001.0, 2000.0];
    let categories = [0.0, 1.0, 1.0, 0.0, 1.0, f64::NAN, 1.0];
    assert_eq!(transitions(&units, &times, &categories, 2), [[0, 1], [0, 1]]);
}

/// STAT-402: commands stop when they are asked to.
#[test]
fn stat_402_stopped() {
    let rows = Stopped(table(&[vec![1.0, 2.0, 3.0]], &[]));
    assert_eq!(normaltest(&rows, &[0], None).unwrap_err().code, "E_STOPPED");
    assert_eq!(ci(&rows, &[0], 95.0).unwrap_err().code, "E_STOPPED");
    for pairwise in [false, true] {
        assert_eq!(correlate(&rows, &Correlate { variables: vec![0], pairwise }).unwrap_err().code, "E_STOPPED");
    }
}
