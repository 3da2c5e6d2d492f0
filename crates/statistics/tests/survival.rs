//! Survival analysis: what must not change its results (STAT-401), every problem that it can have (STAT-402), and the same bits on
//! any number of threads (STAT-001).

mod common;

use common::{Numbers, Stopped};
use statistics::Table;
use statistics::design::Term;
use statistics::fit::TestKind;
use statistics::survival::{
    Cox, CoxFit, Distribution, Interval, KaplanMeier, Outcome, Regression, Ties, Weibull, cox, kaplan_meier,
    survival_regression, weibull,
};

/// Event, time in whole numbers so that some are the same, a number, a group and a time of entry.
struct World {
    rows: Vec<[f64; 5]>,
}

impl World {
    fn of(seed: u64, n: usize) -> Self {
        let mut numbers = Numbers(seed.wrapping_mul(977).wrapping_add(11));
        let row = |_| {
            let x = numbers.next() * 4.0 - 2.0;
            let group = (numbers.next() * 3.0).floor();
            let hazard = (0.4 * x - 0.3 * group).exp();
            let time = (-numbers.next().ln() / hazard * 20.0).ceil();
            let end = (numbers.next() * 40.0).ceil();
            let entry = (numbers.next() * time.min(end)).floor().min(time.min(end) - 1.0);
            [f64::from(u8::from(time <= end)), time.min(end), x, group, entry]
        };
        Self { rows: (0..n).map(row).collect() }
    }

    fn table(&self) -> Table {
        let mut table = Table::default();
        for (j, name) in ["event", "time", "x"].into_iter().enumerate() {
            table.number(name, self.rows.iter().map(|r| r[j]).collect());
        }
        table.factor("group", &self.rows.iter().map(|r| r[3]).collect::<Vec<_>>());
        table.number("entry", self.rows.iter().map(|r| r[4]).collect());
        table
    }

    fn changed(&self, change: impl Fn(usize, [f64; 5]) -> [f64; 5]) -> Table {
        Self { rows: self.rows.iter().enumerate().map(|(i, r)| change(i, *r)).collect() }.table()
    }

    fn permuted(&self, seed: u64) -> Table {
        let mut numbers = Numbers(seed);
        let mut rows: Vec<(f64, [f64; 5])> = self.rows.iter().map(|r| (numbers.next(), *r)).collect();
        rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        Self { rows: rows.into_iter().map(|(_, r)| r).collect() }.table()
    }
}

const OUTCOME: Outcome = Outcome { event: 0, time: 1 };

fn model() -> Cox {
    Cox::new(OUTCOME, vec![Term::number(2), Term::factor(3, None)])
}

/// Models of all kinds.
fn models() -> Vec<Cox> {
    let breslow = Cox { ties: Ties::Breslow, ..model() };
    let strata = Cox { strata: Some(3), terms: vec![Term::number(2)], ..model() };
    let late = Cox { entry: Some(4), proportional: true, ..model() };
    let clustered = Cox { cluster: Some(3), entry: Some(4), terms: vec![Term::number(2)], ..model() };
    vec![model(), breslow, strata, late, clustered]
}

fn numbers(fit: &CoxFit) -> Vec<f64> {
    let fit = &fit.fit;
    let mut all: Vec<f64> = fit.estimates.iter().flat_map(|e| [e.b, e.se]).collect();
    all.extend(fit.scalars.iter().map(|(_, x)| x));
    all.extend(fit.tests.iter().map(|t| t.statistic));
    all
}

#[track_caller]
fn same(a: &[f64], b: &[f64]) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() <= 1e-8 * a.abs().max(b.abs()).max(1e-6), "{a} {b}");
    }
}

/// STAT-401: order of rows, unit of time, scale of a covariate, another pivot of it and other labels change nothing else.
#[test]
fn stat_401_cox_does_not_depend_on_what_it_should_not() {
    for seed in 0..20 {
        let world = World::of(seed, 150);
        let table = world.table();
        for model in models() {
            let plain = cox(&table, &model, None).unwrap();
            let all = numbers(&plain);
            same(&all, &numbers(&cox(&world.permuted(seed + 100), &model, None).unwrap()));
            let weeks = world.changed(|_, [e, t, x, g, entry]| [e, t / 7.0, x, g, entry / 7.0]);
            same(&all, &numbers(&cox(&weeks, &model, None).unwrap()));
            let moved = world.changed(|_, [e, t, x, g, entry]| [e, t, x + 1000.0, g + 5.0, entry]);
            same(&all, &numbers(&cox(&moved, &model, None).unwrap()));
            for k in [-6, 3] {
                let scale = 10f64.powi(k);
                let scaled = world.changed(|_, [e, t, x, g, entry]| [e, t, x * scale, g, entry]);
                let mut scaled = numbers(&cox(&scaled, &model, None).unwrap());
                scaled[0] *= scale;
                scaled[1] *= scale;
                same(&all, &scaled);
            }
            let mut more = world.table();
            more.number("nothing", vec![f64::NAN; 150]);
            same(&all, &numbers(&cox(&more, &model, None).unwrap()));
        }
    }
}

/// STAT-401 for curves, the log-rank test and distributions.
#[test]
fn stat_401_curves_and_distributions_do_not_depend_on_order_or_unit() {
    let km = KaplanMeier { outcome: OUTCOME, by: Some(3), level: 95.0, interval: Interval::LogLog, times: None };
    let regression = Regression { outcome: OUTCOME, terms: vec![Term::number(2)], distribution: Distribution::Weibull };
    for seed in 0..20 {
        let world = World::of(seed, 120);
        let (table, other) = (world.table(), world.permuted(seed + 7));
        let (a, b) = (kaplan_meier(&table, &km).unwrap(), kaplan_meier(&other, &km).unwrap());
        assert_eq!(format!("{a:?}"), format!("{b:?}"));
        let weeks = world.changed(|_, [e, t, x, g, entry]| [e, t * 8.0, x, g, entry]);
        let scaled = kaplan_meier(&weeks, &km).unwrap();
        assert_eq!(scaled.log_rank, a.log_rank);
        for (a, b) in a.curves.iter().zip(&scaled.curves) {
            assert_eq!(a.median.map(|m| m * 8.0), b.median);
            assert!(a.steps.iter().zip(&b.steps).all(|(a, b)| a.survival == b.survival && a.time * 8.0 == b.time));
        }
        let asked = Weibull { outcome: OUTCOME, by: Some(3) };
        let (a, b, c) = (weibull(&table, &asked), weibull(&other, &asked), weibull(&weeks, &asked));
        for ((a, b), c) in a.unwrap().iter().zip(&b.unwrap()).zip(&c.unwrap()) {
            let (a, b, c) = (a.fit.clone().unwrap(), b.fit.clone().unwrap(), c.fit.clone().unwrap());
            same(&[a.shape, a.scale, a.se_shape, a.se_scale, a.ll], &[b.shape, b.scale, b.se_shape, b.se_scale, b.ll]);
            same(&[a.shape, a.scale * 8.0, a.se_shape], &[c.shape, c.scale, c.se_shape]);
            same(&[a.survival(a.median())], &[0.5]);
            assert_eq!(a.curve(10.0).len(), 100);
        }
        let (a, b) = (survival_regression(&table, &regression, None), survival_regression(&other, &regression, None));
        let (a, b) = (a.unwrap(), b.unwrap());
        a.estimates.iter().zip(&b.estimates).for_each(|(a, b)| same(&[a.b, a.se], &[b.b, b.se]));
        // A covariate about another number in another unit: the constant moves with it, and nothing else.
        let far = world.changed(|_, [e, t, x, g, entry]| [e, t, 1e4 * x + 3e6, g, entry]);
        let far = survival_regression(&far, &regression, None).unwrap();
        let [x, constant, sigma] = [0, 1, 2].map(|i| &far.estimates[i]);
        same(&[a.estimates[0].b, a.estimates[0].se], &[x.b * 1e4, x.se * 1e4]);
        assert!((a.estimates[1].b - (constant.b + 3e6 * x.b)).abs() < 1e-7);
        same(&[a.estimates[2].b, a.estimates[2].se], &[sigma.b, sigma.se]);
    }
}

/// STAT-001: the same bits on one thread and on three.
#[test]
fn stat_001_cox_has_the_same_bits_on_any_number_of_threads() {
    let table = World::of(3, 30_000).table();
    for model in models() {
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| numbers(&cox(&table, &model, None).unwrap()))
        };
        let bits = |all: Vec<f64>| all.into_iter().map(f64::to_bits).collect::<Vec<_>>();
        assert_eq!(bits(on(1)), bits(on(3)));
    }
}

/// STAT-366: a row cut in two at a time says the same as the whole, with entry times; and what a stratum says of its own is added.
#[test]
fn stat_366_rows_may_be_cut() {
    let world = World::of(5, 200);
    let whole = Cox { entry: Some(4), proportional: true, ..model() };
    let uncut = cox(&world.table(), &whole, None).unwrap();
    let mut cut = World { rows: Vec::new() };
    for [event, time, x, group, entry] in world.rows {
        let middle = (entry + time) / 2.0 + 0.25;
        if middle < time {
            cut.rows.push([0.0, middle, x, group, entry]);
            cut.rows.push([event, time, x, group, middle]);
        } else {
            cut.rows.push([event, time, x, group, entry]);
        }
    }
    let found = cox(&cut.table(), &whole, None).unwrap();
    assert!(found.fit.n > uncut.fit.n);
    same(&numbers(&uncut), &numbers(&found));
}

/// STAT-260: Harrell's C and the likelihood at 0 against what they are by definition.
#[test]
fn stat_260_concordance_by_definition() {
    for seed in 0..20 {
        let world = World::of(seed, 60);
        let found = cox(&world.table(), &Cox::new(OUTCOME, vec![Term::factor(3, None)]), None).unwrap().fit;
        let b = |g: f64| found.estimate(&format!("group={g}")).map_or(0.0, |e| e.b);
        let (mut pairs, mut good) = (0.0, 0.0);
        for [e, t, _, g, _] in &world.rows {
            for [other_e, other_t, _, other_g, _] in &world.rows {
                if *e == 1.0 && (other_t > t || (other_t == t && *other_e == 0.0)) {
                    pairs += 1.0;
                    good += if g == other_g { 0.5 } else { f64::from(u8::from(b(*g) > b(*other_g))) };
                }
            }
        }
        same(&[good / pairs], &[found.scalar("concordance").unwrap()]);
        assert_eq!(found.tests[0].kind, TestKind::ChiSquare(2.0));
    }
}

/// STAT-260, STAT-366: the same with strata and entry, whether few rows or many have the same time.
#[test]
fn stat_260_concordance_within_strata_of_rows_that_come_in() {
    for (seed, width) in (0..10).flat_map(|seed| [(seed, 0.25), (seed, 15.0)]) {
        let mut world = World::of(seed, 400);
        for row in &mut world.rows {
            row[1] = (row[1] / width).ceil();
            row[4] = (row[4] / width).floor().min(row[1] - 1.0);
        }
        let mut asked = Cox::new(OUTCOME, vec![Term::number(2)]);
        (asked.strata, asked.entry) = (Some(3), Some(4));
        let found = cox(&world.table(), &asked, None).unwrap().fit;
        let b = found.estimates[0].b;
        let (mut pairs, mut good) = (0.0, 0.0);
        for [e, t, x, g, _] in world.rows.iter().filter(|row| row[0] == 1.0) {
            assert_eq!(*e, 1.0);
            for [other_e, other_t, other_x, other_g, entry] in &world.rows {
                if g == other_g && entry < t && (other_t > t || (other_t == t && *other_e == 0.0)) {
                    pairs += 1.0;
                    good += if x == other_x { 0.5 } else { f64::from(u8::from(b * x > b * other_x)) };
                }
            }
        }
        same(&[good / pairs], &[found.scalar("concordance").unwrap()]);
    }
}

/// STAT-402: problems of Cox regression.
#[test]
fn stat_402_problems_of_cox() {
    let world = World::of(1, 80);
    let table = world.table();
    let code = |table: &Table, model: &Cox| cox(table, model, None).unwrap_err();
    let of = |change: &dyn Fn(usize, [f64; 5]) -> [f64; 5]| code(&world.changed(change), &model());
    let none = of(&|_, [_, t, x, g, n]| [0.0, t, x, g, n]);
    assert_eq!((none.code, none.about.as_deref()), ("E_NO_EVENTS", Some("event")));
    assert_eq!(of(&|_, [e, t, x, g, n]| [e + 1.0, t, x, g, n]).code, "E_NOT_BINARY");
    let negative = of(&|i, [e, t, x, g, n]| [e, if i == 7 { -1.0 } else { t }, x, g, n]);
    assert_eq!((negative.code, negative.about.as_deref()), ("E_NEGATIVE_TIME", Some("time")));
    assert_eq!(of(&|_, [e, t, _, g, n]| [e, t, f64::NAN, g, n]).code, "E_NO_ROWS");
    let constant =
        code(&world.changed(|_, [e, t, _, g, n]| [e, t, 3.0, g, n]), &Cox::new(OUTCOME, vec![Term::number(2)]));
    assert_eq!(constant.code, "E_COLLINEAR_ALL");
    // All events have a larger x than all others at risk.
    let ordered = world.changed(|i, [_, _, _, g, n]| [1.0, 1.0 + i as f64, -(i as f64), g, n]);
    let monotone = code(&ordered, &Cox::new(OUTCOME, vec![Term::number(2)]));
    assert_eq!((monotone.code, monotone.about.as_deref()), ("E_SEPARATION", Some("x")));
    // A category without an event.
    let without = of(&|_, [e, t, x, g, n]| [if g == 2.0 { 0.0 } else { e }, t, x, g, n]);
    assert_eq!((without.code, without.about.as_deref()), ("E_SEPARATION", Some("group=2")));
    let late = Cox { entry: Some(1), ..model() };
    assert_eq!(code(&table, &late).code, "E_ENTRY_AFTER_TIME");
    assert_eq!(code(&table, &Cox { cluster: Some(3), ..model() }).code, "E_CLUSTER_IN_MODEL");
    let one = world.changed(|_, [e, t, x, _, n]| [e, t, x, 4.0, n]);
    let clustered = Cox { cluster: Some(3), terms: vec![Term::number(2)], ..model() };
    let few = code(&one, &clustered);
    assert_eq!((few.code, few.about.as_deref()), ("E_TOO_FEW_CLUSTERS", Some("group")));
    assert_eq!(cox(&Stopped(table), &model(), None).unwrap_err().code, "E_STOPPED");
    let zero = world.changed(|i, [e, t, x, g, n]| [e, if i < 5 { 0.0 } else { t }, x, g, n]);
    assert!(cox(&zero, &model(), None).is_ok());
}

/// STAT-008, STAT-402: a column that follows from others is left out and told; persons with several rows count with all of them.
#[test]
fn stat_402_collinear_columns_and_influence_of_cox() {
    let world = World::of(2, 90);
    let mut table = world.table();
    let double = table.number("double", world.rows.iter().map(|r| 2.0 * r[2] + 1.0).collect());
    let asked = Cox::new(OUTCOME, vec![Term::number(2), Term::number(double)]);
    let found = cox(&table, &asked, None).unwrap().fit;
    assert_eq!(found.omitted, ["double"]);
    assert_eq!(found.notices[0].code, "W_COLLINEAR");
    assert_eq!(found.estimates.len(), 1);
    let persons: Vec<u32> = (0..90).map(|i| i / 2).collect();
    let joined = cox(&table, &asked, Some(&persons)).unwrap().fit;
    assert!(joined.influence.leverage > found.influence.leverage && found.influence.leverage > 0.0);
    assert_eq!(joined.estimates, found.estimates);
    // Few events decide, however many are at risk.
    let mut left = 4;
    let mut few = world.table();
    few.variables[0].values.iter_mut().for_each(|e| {
        *e = if left > 0 { *e } else { 0.0 };
        left -= i32::from(*e == 1.0);
    });
    let one = Cox::new(OUTCOME, vec![Term::number(2)]);
    let (few, many) = (cox(&few, &one, None).unwrap().fit, cox(&world.table(), &one, None).unwrap().fit);
    assert_eq!((few.scalar("events"), few.n), (Some(4.0), many.n));
    assert!(few.influence.concentration[1] > 0.2 && many.influence.concentration[1] < 0.2);
    let asked = Regression { outcome: OUTCOME, terms: vec![Term::number(2)], distribution: Distribution::Weibull };
    let found = survival_regression(&world.table(), &asked, None).unwrap();
    assert!(found.influence.leverage > 0.0 && found.influence.concentration[1] < 0.5);
}

/// STAT-008, STAT-260: where there are many rows, a part of them is tried first; which part that is changes neither estimates nor what
/// is left out, also where a column follows from others over that part alone.
#[test]
fn stat_260_a_part_of_many_rows_decides_nothing() {
    let world = World::of(8, 66_000);
    let with = |row: &dyn Fn(usize) -> [f64; 2]| {
        let mut table = world.table();
        let values: Vec<[f64; 2]> = (0..world.rows.len()).map(row).collect();
        let twice = table.number("twice", values.iter().map(|v| v[0]).collect());
        let other = table.number("other", values.iter().map(|v| v[1]).collect());
        (table, [2, twice, other].map(Term::number).to_vec())
    };
    let x = |i: usize| world.rows[i][2];
    let (table, terms) = with(&|i| [2.0 * x(i) + 1.0, if i % 16 == 0 { 3.0 } else { (i * i % 7) as f64 }]);
    let found = cox(&table, &Cox::new(OUTCOME, terms), None).unwrap().fit;
    assert_eq!((&found.omitted[..], found.estimates.len()), (&["twice".to_owned()][..], 2));
    let numbers = |table: &Table| numbers(&cox(table, &model(), None).unwrap());
    same(&numbers(&world.table()), &numbers(&world.permuted(5)));
}

/// STAT-260: covariates that nearly follow from each other are no separation; one that does not vary among those at risk is.
#[test]
fn stat_260_what_separation_is_not() {
    let world = World::of(6, 300);
    let mut table = world.table();
    let mut numbers = Numbers(9);
    let near = table.number("near", world.rows.iter().map(|r| r[2] + 1e-4 * numbers.next()).collect());
    let nearer = table.number("nearer", world.rows.iter().map(|r| r[2] + 1e-8 * numbers.next()).collect());
    let with = |other| cox(&table, &Cox::new(OUTCOME, vec![Term::number(2), Term::number(other)]), None);
    let found = with(near).unwrap();
    assert!(found.fit.estimates.iter().all(|e| e.se.is_finite()) && found.fit.omitted.is_empty());
    assert_eq!(with(nearer).unwrap_err().code, "E_NO_CONVERGENCE");
    // Last seen before the first event.
    let first = world.rows.iter().filter(|r| r[0] == 1.0).map(|r| r[1]).fold(f64::INFINITY, f64::min);
    let early = |i: usize| i < 20;
    let table =
        world.changed(|i, [e, t, x, g, n]| if early(i) { [0.0, first / 2.0, x, 9.0, n] } else { [e, t, x, g, n] });
    let problem = cox(&table, &model(), None).unwrap_err();
    assert_eq!((problem.code, problem.about.as_deref()), ("E_SEPARATION", Some("group=9")));
}

/// STAT-402: problems of curves and distributions.
#[test]
fn stat_402_problems_of_curves_and_distributions() {
    let world = World::of(4, 60);
    let km = KaplanMeier { outcome: OUTCOME, by: Some(3), level: 95.0, interval: Interval::Log, times: None };
    let asked = Weibull { outcome: OUTCOME, by: Some(3) };
    let of = |change: &dyn Fn(usize, [f64; 5]) -> [f64; 5]| {
        let table = world.changed(change);
        (
            kaplan_meier(&table, &km).map(|_| ()).map_err(|p| p.code),
            weibull(&table, &asked).map(|_| ()).map_err(|p| p.code),
        )
    };
    let both = |code| (Err(code), Err(code));
    assert_eq!(of(&|_, [e, t, x, g, n]| [e * 2.0, t, x, g, n]), both("E_NOT_BINARY"));
    assert_eq!(of(&|_, [e, t, x, g, n]| [e, -t, x, g, n]), both("E_NEGATIVE_TIME"));
    assert_eq!(of(&|_, [e, _, x, g, n]| [e, f64::NAN, x, g, n]), both("E_NO_ROWS"));
    assert_eq!(of(&|_, [e, _, x, g, n]| [e, 0.0, x, g, n]), (Ok(()), Err("E_ZERO_TIME")));
    let stopped = Stopped(world.table());
    assert_eq!(kaplan_meier(&stopped, &km).unwrap_err().code, "E_STOPPED");
    assert_eq!(weibull(&stopped, &asked).unwrap_err().code, "E_STOPPED");
    // A group without events has no distribution, the others have; a curve without events is level.
    let table = world.changed(|_, [e, t, x, g, n]| [if g == 1.0 { 0.0 } else { e }, t, x, g, n]);
    let groups = weibull(&table, &asked).unwrap();
    let codes: Vec<Option<&str>> = groups.iter().map(|g| g.fit.as_ref().err().map(|p| p.code)).collect();
    assert_eq!(codes, [None, Some("E_NO_EVENTS"), None]);
    let curves = kaplan_meier(&table, &km).unwrap();
    assert!(curves.curves[1].steps.is_empty() && curves.curves[1].median.is_none());
    // All events at one time: the shape grows without end.
    let table = world.changed(|_, [_, _, x, g, n]| [1.0, 5.0, x, g, n]);
    assert!(
        weibull(&table, &asked).unwrap().iter().all(|g| g.fit.as_ref().is_err_and(|p| p.code == "E_NO_CONVERGENCE"))
    );
    let none = world.changed(|_, [_, t, x, g, n]| [0.0, t, x, g, n]);
    assert!(kaplan_meier(&none, &km).unwrap().log_rank.is_none());
    let regression = Regression { outcome: OUTCOME, terms: vec![Term::number(2)], distribution: Distribution::Weibull };
    assert_eq!(survival_regression(&none, &regression, None).unwrap_err().code, "E_NO_EVENTS");
}

/// STAT-251: the median lies between two times where survival is exactly one half; events come before those last seen then.
#[test]
fn stat_251_a_curve_by_hand() {
    let mut table = Table::default();
    table.number("event", vec![1.0, 0.0, 1.0, 1.0]);
    table.number("time", vec![1.0, 1.0, 2.0, 4.0]);
    let km = KaplanMeier {
        outcome: OUTCOME,
        by: None,
        level: 95.0,
        interval: Interval::LogLog,
        times: Some(vec![0.5, 2.0, 9.0]),
    };
    let found = kaplan_meier(&table, &km).unwrap();
    let curve = &found.curves[0];
    let steps: Vec<_> = curve.steps.iter().map(|s| (s.time, s.at_risk, s.events, s.survival)).collect();
    assert_eq!(steps, [(1.0, 4, 1, 0.75), (2.0, 2, 1, 0.375), (4.0, 1, 1, 0.0)]);
    assert_eq!(curve.median, Some(2.0));
    assert!(curve.steps[2].se.is_nan() && curve.steps[2].lower.is_nan());
    let at: Vec<_> = curve.at.iter().map(|a| a.step.map(|s| s.survival)).collect();
    assert_eq!(at, [Some(1.0), Some(0.375), None]);
    table.variables[0].values = vec![1.0, 1.0, 1.0, 0.0];
    table.variables[1].values = vec![1.0, 2.0, 5.0, 6.0];
    assert_eq!(kaplan_meier(&table, &km).unwrap().curves[0].median, Some(3.5));
    assert!(found.log_rank.is_none());
}
