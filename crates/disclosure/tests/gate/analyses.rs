//! Models, survival, correlations, tests and plots on supplied raw results (SDC-103, SDC-150..166, SDC-200..211).

use std::sync::Arc;

use disclosure::{
    Asked, MemoryLedger, Meter, Model, ModelRows, Policy, Reason, Released, Stopped, Value, mean_interval,
};
use engine::raw::{
    Digits, Effect, Failed, FitState, Leaves, MeasureKind, ModelHead, Over, Part, PersonSet, RawAnalysis, RawCategory,
    RawCell, RawCurve, RawCurves, RawDimension, RawEstimate, RawFit, RawFitRows, RawFitTable, RawHexagon, RawHexbin,
    RawHistogram, RawMargin, RawMatrix, RawNumber, RawNumbers, RawPair, RawPanel, RawStep, RawTable, RawTerm, RawTest,
    Reference, SurvivalHead, TermRole, TestKind, TestsHead, Titles, Variance, Whom,
};
use engine::{Control, RunError};
use roaring::RoaringBitmap;

use crate::common::{people, record, release, release_metered};

/// Work that gives what a closure makes of it.
struct Work<F>(F);

impl<T, F: Fn(Option<&RoaringBitmap>, &dyn Leaves) -> T + Send + Sync> Over<T> for Work<F> {
    fn over(&self, persons: Option<&RoaringBitmap>, leaves: &dyn Leaves, _: &dyn Control) -> Result<T, Failed> {
        Ok((self.0)(persons, leaves))
    }
}

impl<F: Send + Sync> Whom for Work<F> {
    fn without(&self, _: &[(usize, f64)], _: &dyn Control) -> Result<PersonSet, RunError> {
        Ok(people(0..4000))
    }

    fn covers(&self, _: &RoaringBitmap, _: &[(usize, f64)], _: &dyn Control) -> Result<bool, RunError> {
        Ok(true)
    }
}

fn analysis<T: 'static>(
    sample: std::ops::Range<u64>,
    work: impl Fn(Option<&RoaringBitmap>, &dyn Leaves) -> T + Send + Sync + 'static,
) -> RawAnalysis<T> {
    RawAnalysis {
        origin: vec!["INNTEKT".into(), "KJOENN".into()],
        key: [4; 32],
        core: Some([5; 32]),
        row_wise: true,
        sample: people(sample),
        outside: Vec::new(),
        parts: Vec::new(),
        work: Arc::new(Work(work)),
        computed: None,
    }
}

fn term(label: &str, role: TermRole, estimate: f64, se: f64) -> RawTerm {
    RawTerm { label: label.into(), role, estimate, se, sides: None, off_mode: None, concentration: 0.01 }
}

/// Income on age and sex; 4000 persons, everything in order.
fn fit() -> RawFit {
    let sex = RawTerm {
        sides: Some([people(0..1800), people(1800..4000)]),
        off_mode: Some(people(0..1800)),
        ..term("sex=2", TermRole::Shown, -51.234_567, 4.567_89)
    };
    RawFit {
        head: ModelHead {
            command: "regress".into(),
            response: "income".into(),
            variance: Variance::Cluster("municipality".into()),
            controls: vec!["region".into()],
            titles: Titles::from([("sex=2".into(), "Sex: woman".into())]),
            ..ModelHead::default()
        },
        state: FitState::Converged,
        reference: Reference::Student,
        level: 95.0,
        parameters: 4,
        terms: vec![
            term("age", TermRole::Shown, 1.234_567_8, 0.045_678_9),
            sex,
            term("region=3", TermRole::Control, 9.0, 1.0),
            term("_cons", TermRole::Intercept, 300.123_456, 10.0),
        ],
        base: Some(people(0..1800)),
        leverage: 0.01,
        clusters: None,
        by_clusters: false,
        groups: Vec::new(),
        beyond: Vec::new(),
        varies: Vec::new(),
        shares: vec![("r2".into(), 0.345_678)],
        likelihoods: vec![("ll".into(), -12_345.678)],
        tests: vec![RawTest { name: "F".into(), statistic: 12.3456, kind: TestKind::F(3.0) }],
        margins: vec![
            RawMargin { label: "sex=1".into(), set: people(0..1800), estimate: 410.987_65, se: 3.0 },
            RawMargin { label: "sex=9".into(), set: people(0..4), estimate: 77.0, se: 3.0 },
        ],
        tables: Vec::new(),
        counts: Vec::new(),
        omitted: Vec::new(),
        notices: Vec::new(),
    }
}

fn model(ledger: &mut MemoryLedger, change: fn(&mut RawFit)) -> Result<Released<Model>, Stopped> {
    let raw = analysis(0..4000, move |_, _| {
        let mut fit = fit();
        change(&mut fit);
        fit
    });
    release(&Policy::standard(), ledger, &[], raw)
}

fn number(value: Value) -> f64 {
    value.number().unwrap()
}

/// SDC-161, SDC-009: digits, and everything that follows from a coefficient follows from what is shown of it.
#[test]
fn sdc_161_what_is_shown_of_a_model() {
    let model = model(&mut MemoryLedger::new(), |_| ()).unwrap().into_value();
    let labels: Vec<&str> = model.terms.iter().map(|t| t.label.as_str()).collect();
    assert_eq!(labels, ["age", "sex=2", "_cons"], "a control is in the model, not in the result");
    assert_eq!(number(model.n) % 10.0, 0.0);
    let age = &model.terms[0];
    assert_eq!((number(age.b), number(age.se), number(age.t)), (1.2346, 0.0457, 27.0));
    assert_eq!((number(age.low), number(age.high)), (1.145, 1.3242));
    assert!(number(age.p) < 1e-100);
    assert_eq!(number(model.terms[1].b), -51.235);
    assert_eq!(model.measures, [("r2".into(), Value::Value(0.346)), ("ll".into(), Value::Value(-12_350.0))]);
    assert_eq!(number(model.tests[0].statistic), 12.3);
    let p = number(model.tests[0].p);
    assert!((4e-8..7e-8).contains(&p), "{p}");
    assert_eq!(number(model.margins[0].b), 410.99);
    assert_eq!(model.margins[1].b, Value::Hidden(Reason::Small), "SDC-163: a margin of few persons");
    // SDC-161: fewer digits for a smaller sample.
    let raw = analysis(0..2000, |_, _| fit());
    let small = release(&Policy::standard(), &mut MemoryLedger::new(), &[], raw).unwrap().into_value();
    assert_eq!(number(small.terms[0].b), 1.235);
    // SDC-162: nobody may be read out of the constant.
    let few = self::model(&mut MemoryLedger::new(), |fit| fit.base = Some(people(0..5))).unwrap().into_value();
    let constant = &few.terms[2];
    assert_eq!([constant.b, constant.se, constant.p, constant.low], [Value::Hidden(Reason::Small); 4]);
}

/// STAT-210: ratios follow from the coefficients as they are shown; a further parameter has none. What a model is called goes
/// through as it is.
#[test]
fn stat_210_ratios() {
    let change = |fit: &mut RawFit| {
        fit.head.effect = Effect::OddsRatio;
        fit.reference = Reference::Normal;
        fit.terms[0] = term("age", TermRole::Shown, 0.5, 0.1);
        fit.terms.push(term("alpha", TermRole::Parameter, 0.7, 0.05));
    };
    let model = model(&mut MemoryLedger::new(), change).unwrap().into_value();
    let age = &model.terms[0];
    assert_eq!((number(age.b), number(age.se), number(age.t)), (1.6487, 0.165, 5.0));
    // exp(0.5 ± 1.96·0.1), limits of the coefficient rounded to five digits before.
    assert_eq!((number(age.low), number(age.high)), (1.3553, 2.0057));
    assert_eq!(number(model.terms[3].b), 0.7);
    assert_eq!((model.head.command.as_str(), model.head.response.as_str()), ("regress", "income"));
    assert_eq!(model.head.variance, disclosure::Variance::Cluster("municipality".into()));
    assert_eq!(model.head.titles["sex=2"], "Sex: woman");
    assert_eq!((model.omitted, model.reference), (Vec::new(), disclosure::Reference::Normal));
}

/// SDC-161, SDC-162: further tables of a model are rounded as its own numbers, and hidden where they rest on few.
#[test]
fn sdc_162_further_tables_of_a_model() {
    let change = |fit: &mut RawFit| {
        let effect = RawEstimate { label: "age".into(), estimate: 0.123_456_78, se: Some(0.012_345) };
        let variance = RawEstimate { label: "var[g]".into(), estimate: 2.345_678, se: None };
        let number = |side| RawNumber {
            table: String::new(),
            name: ["age".into(), "vif".into()],
            value: Some(1.234_56),
            digits: Digits::Three,
            rests_on: vec![people(0..side)],
        };
        let test = RawTest { name: "het_bp".into(), statistic: 5.991_46, kind: TestKind::ChiSquare(2.0) };
        let named = |name: &str, rows| RawFitTable { name: name.into(), rows };
        fit.tables = vec![
            named("marginal_effects", RawFitRows::Estimates(vec![effect, variance])),
            named("vif", RawFitRows::Numbers(vec![number(4000), number(4)])),
            named("het", RawFitRows::Tests(vec![test])),
        ];
        fit.counts = vec![("events".into(), people(0..300)), ("n_left".into(), people(0..30))];
    };
    // SDC-165: nothing of a fit that has fewer than ten on a side.
    let few = |fit: &mut RawFit| fit.counts = vec![("n_left".into(), people(0..3))];
    let refused = |stopped: Stopped| matches!(stopped, Stopped::Withheld(w) if w.code == Reason::ModelTerm);
    assert!(model(&mut MemoryLedger::new(), few).is_err_and(refused));
    let model = model(&mut MemoryLedger::new(), change).unwrap().into_value();
    let [effects, vif, het] = &model.tables[..] else { panic!("three tables") };
    let ModelRows::Estimates(rows) = &effects.rows else { panic!("estimates") };
    assert_eq!((number(rows[0].b), number(rows[0].se), number(rows[0].t)), (0.12346, 0.0123, 10.0));
    assert_eq!((number(rows[1].b), rows[1].se, rows[1].p, rows[1].low), {
        let none = Value::Undefined;
        (2.3457, none, none, none)
    });
    let ModelRows::Numbers(rows) = &vif.rows else { panic!("numbers") };
    assert_eq!([rows[0].value, rows[1].value], [Value::Value(1.23), Value::Hidden(Reason::Small)]);
    let ModelRows::Tests(rows) = &het.rows else { panic!("tests") };
    assert_eq!((number(rows[0].statistic), number(rows[0].p), rows[0].df.as_slice()), (5.99, 0.05, &[2.0][..]));
    assert!((number(model.counts[0].1) - 300.0).abs() <= 5.0);
    assert!((number(model.counts[1].1) - 30.0).abs() <= 5.0);
}

/// SDC-150..159: what makes a fit one that cannot be shown.
#[test]
fn sdc_150_fits_that_are_refused() {
    type Case = (&'static str, Reason, fn(&mut RawFit));
    let cases: [Case; 13] = [
        ("n/10", Reason::ModelSize, |fit| fit.parameters = 500),
        ("dof", Reason::ModelSize, |fit| fit.parameters = 3995),
        ("a dummy of one person", Reason::ModelTerm, |fit| fit.terms[1].sides = Some([people(0..1), people(1..4000)])),
        ("one person without", Reason::ModelTerm, |fit| fit.terms[1].sides = Some([people(1..4000), people(0..1)])),
        ("a control of few", Reason::ModelTerm, |fit| fit.terms[2].sides = Some([people(0..3), people(3..4000)])),
        ("a column that hardly varies", Reason::ModelTerm, |fit| fit.terms[0].off_mode = Some(people(0..4))),
        ("leverage", Reason::ModelTerm, |fit| fit.leverage = 0.21),
        ("concentration", Reason::ModelTerm, |fit| fit.terms[0].concentration = 0.11),
        ("no concentration known", Reason::ModelTerm, |fit| fit.terms[0].concentration = f64::NAN),
        ("a term that follows from others", Reason::ModelTerm, |fit| fit.omitted.push("twice".into())),
        ("exact", Reason::ModelFit, |fit| fit.shares[0].1 = 0.99995),
        ("separation", Reason::ModelFit, |fit| fit.state = FitState::Separated),
        ("clusters", Reason::Groups, |fit| fit.clusters = Some(9)),
    ];
    for (what, reason, change) in cases {
        match model(&mut MemoryLedger::new(), change) {
            Err(Stopped::Withheld(withheld)) => assert_eq!(withheld.code, reason, "{what}"),
            other => panic!("{what}: {}", other.is_ok()),
        }
    }
    let tiny = analysis(0..60, |_, _| fit());
    assert!(release(&Policy::standard(), &mut MemoryLedger::new(), &[], tiny).is_err(), "fewer than a hundred");
    assert!(model(&mut MemoryLedger::new(), |fit| fit.groups = vec![10, 12]).is_ok());
    // A verdict stays with the sample, like a number.
    let mut ledger = MemoryLedger::new();
    assert!(model(&mut ledger, |fit| fit.leverage = 0.5).is_err());
    assert!(model(&mut ledger, |_| ()).is_err());
}

/// SDC-050, SDC-160, SDC-164: the model of a sample that lacks one person is the model of the whole sample, byte for byte, and
/// nobody is fitted who is left out.
#[test]
fn sdc_164_a_sample_without_one_person_has_the_same_model() {
    let work = |own: std::ops::Range<u64>| {
        move |persons: Option<&RoaringBitmap>, leaves: &dyn Leaves| {
            let own: RoaringBitmap = own.clone().map(|p| p as u32).collect();
            let persons = persons.cloned().unwrap_or(own);
            let share = leaves.share(persons.len() as usize, 4000).unwrap();
            let left = persons.iter().filter(|p| !leaves.in_share(record((*p).into()).key, share));
            let left: Vec<f64> = left.map(f64::from).collect();
            assert!((2800..3500).contains(&left.len()), "{}", left.len());
            let mut fit = fit();
            fit.terms[0].estimate = left.iter().sum::<f64>() / 7.0;
            fit
        }
    };
    let (mut ledger, policy) = (MemoryLedger::new(), Policy::standard());
    let mut ask = |sample: std::ops::Range<u64>| {
        let raw = analysis(sample.clone(), work(sample));
        serde_json::to_string(&release(&policy, &mut ledger, &[], raw).unwrap()).unwrap()
    };
    let whole = ask(0..4000);
    assert_eq!(ask(1..4000), whole);
    assert_eq!(ask(0..4000), whole);
    assert_ne!(ask(500..4000), whole);
}

/// Counts the numbers that it was told of.
#[derive(Default)]
struct Numbers(std::cell::Cell<usize>);

impl Meter for Numbers {
    fn charge(&self, asked: &Asked<'_>) -> Result<(), Stopped> {
        self.0.set(self.0.get() + asked.numbers.len());
        Ok(())
    }
}

/// SDC-170: a model costs what it shows, each number once, and a withheld one a single number, whatever it would have shown.
#[test]
fn sdc_170_a_model_costs_the_numbers_that_it_shows() {
    let cost = |change: fn(&mut RawFit)| {
        let raw = analysis(0..4000, move |_, _| {
            let mut fit = fit();
            change(&mut fit);
            fit
        });
        let told = Numbers::default();
        let released = release_metered(&Policy::standard(), &mut MemoryLedger::new(), &told, &[], raw);
        (released.is_ok(), told.0.get())
    };
    // The sample, three terms, a margin (the other is hidden), the test, two measures.
    assert_eq!(cost(|_| {}), (true, 8));
    assert_eq!(cost(|fit| fit.margins.clear()), (true, 7));
    assert_eq!(cost(|fit| fit.leverage = 0.9), (false, 1));
}

fn curve(persons: std::ops::Range<u64>, events: u64) -> RawCurve {
    let n = persons.end - persons.start;
    let steps = (0..events).map(|i| RawStep { time: 1.0 + i as f64 * 2.5, at_risk: n - i, events: 1 }).collect();
    RawCurve {
        group: None,
        set: people(persons.clone()),
        events: people(persons.start..persons.start + events),
        steps,
        parameters: vec![("shape".into(), 1.234_567)],
    }
}

/// SDC-200, SDC-201: steps hold enough events, numbers are midpoints, the curve follows from them.
#[test]
fn sdc_200_survival_curves() {
    let test = || Some(RawTest { name: "log-rank".into(), statistic: 3.841_459, kind: TestKind::ChiSquare(1.0) });
    let curves = move |least: u64| {
        analysis(0..2000, move |_, _| RawCurves {
            head: SurvivalHead { command: "kaplan-meier".into(), time: "days".into(), ..SurvivalHead::default() },
            level: 95.0,
            curves: vec![curve(0..1000, 300), curve(1000..2000, least)],
            log_rank: test(),
        })
    };
    let ask = |least| release(&Policy::standard(), &mut MemoryLedger::new(), &[], curves(least));
    let released = ask(200).unwrap().into_value();
    let first = &released.curves[0];
    assert_eq!(first.points.len(), 60, "five events each");
    for point in &first.points {
        assert_eq!([number(point.at_risk) % 6.0, number(point.events)], [3.0, 3.0]);
    }
    assert!(first.points.windows(2).all(|w| number(w[0].survival) >= number(w[1].survival)));
    assert_eq!(number(first.points[0].survival), ((1.0 - 3.0 / 999.0) * 1000.0f64).round() / 1000.0);
    // STAT-251: Greenwood's sum and the log-log interval, from the numbers beside them.
    let last = &first.points[59];
    let (mut survival, mut greenwood) = (1.0f64, 0.0f64);
    for point in &first.points {
        let (n, d) = (number(point.at_risk), number(point.events));
        (survival, greenwood) = (survival * (1.0 - d / n), greenwood + d / (n * (n - d)));
    }
    let width = 1.959_964 * greenwood.sqrt() / survival.ln().abs();
    let limits = [width, -width].map(|w| (survival.powf(w.exp()) * 1000.0).round() / 1000.0);
    assert_eq!([number(last.low), number(last.high)], limits);
    assert!(limits[0] < survival && survival < limits[1]);
    assert_eq!(first.median_limits, [Value::Undefined; 2]);
    assert_eq!((released.head.command.as_str(), released.head.time.as_str()), ("kaplan-meier", "days"));
    assert_eq!(first.parameters, [("shape".into(), Value::Value(1.235))]);
    assert_eq!(first.median, Value::Undefined);
    let test = released.log_rank.unwrap();
    assert_eq!((number(test.statistic), number(test.p)), (3.84, 0.05));
    let Err(Stopped::Withheld(few)) = ask(1) else { panic!("a group with one event") };
    assert_eq!(few.code, Reason::Survival);
}

/// SDC-210: bars and hexagons of few persons are not there; colours follow from released counts.
#[test]
fn sdc_210_plots_show_no_few() {
    let policy = Policy::standard();
    let sizes = [3u64, 40, 400, 0, 90];
    let set = |i: usize| people(i as u64 * 10_000..i as u64 * 10_000 + sizes[i]);
    let group = |code: &str| RawCategory { code: code.into(), label: None, missing: false };
    let cell = |persons: u64| RawCell { rows: persons, set: people(0..persons), magnitudes: Vec::new() };
    let raw = RawHistogram {
        name: "inntekt".into(),
        title: None,
        kind: MeasureKind::Integer,
        limits: (0..=5).map(|i| f64::from(i) * 10.0).collect(),
        discrete: false,
        panels: ["a", "rare"].map(|code| RawPanel { group: Some(group(code)), bins: (0..5).map(set).collect() }).into(),
        whole: RawTable {
            dimensions: vec![RawDimension {
                name: "g".into(),
                label: None,
                categories: vec![group("a"), group("rare")],
            }],
            measures: Vec::new(),
            cells: [533, 2, 535].map(cell).into(),
            dropped_missing: 0,
        },
    };
    let histogram = release(&policy, &mut MemoryLedger::new(), &[], raw).unwrap().into_value();
    assert_eq!(histogram.panels.len(), 1, "a group of few has no panel");
    let panel = &histogram.panels[0];
    let shown = |b: &&disclosure::Bar| b.count.number().is_some();
    assert_eq!(panel.bars.iter().filter(shown).map(|b| b.from).collect::<Vec<_>>(), [10.0, 20.0, 40.0]);
    // None and few are told in the same words.
    assert_eq!([panel.bars[0].count, panel.bars[3].count], [Value::Hidden(Reason::Small); 2]);
    let raw = RawHexbin {
        names: ["x".into(), "y".into()],
        titles: Titles::new(),
        limits: [[0.0, 1.0]; 2],
        grid: [5, 3],
        hexagons: (0..5).map(|i| RawHexagon { at: [i as u16, 0], set: set(i) }).collect(),
        classes: 30,
    };
    let hexbin = release(&policy, &mut MemoryLedger::new(), &[], raw).unwrap().into_value();
    assert_eq!(hexbin.hexagons.iter().map(|h| (h.at[0], h.class)).collect::<Vec<_>>(), [(1, 0), (2, 9), (4, 1)]);
    for hexagon in &hexbin.hexagons {
        let truth = sizes[usize::from(hexagon.at[0])] as f64;
        assert!((number(hexagon.count) - truth).abs() <= 5.0);
    }
}

/// SDC-165: correlations rest on enough persons, on no single one, and are never exact; their p follows from them.
#[test]
fn sdc_165_correlations() {
    let pair = |name: &str, persons: u64, r: Option<f64>, concentration: f64| RawPair {
        names: ["x".into(), name.into()],
        set: people(0..persons),
        r,
        covariance: Some(12.3456),
        concentration,
    };
    let raw = analysis(0..1000, move |_, _| RawMatrix {
        titles: Titles::new(),
        pairs: vec![
            pair("fine", 1000, Some(0.123_456), 0.01),
            pair("few", 8, Some(0.5), 0.01),
            pair("one", 1000, Some(0.5), 0.3),
            pair("exact", 1000, Some(1.0), 0.01),
            pair("constant", 1000, None, 0.0),
        ],
    });
    let released = release(&Policy::standard(), &mut MemoryLedger::new(), &[], raw).unwrap().into_value();
    let r: Vec<Value> = released.pairs.iter().map(|p| p.r).collect();
    let hidden = Value::Hidden;
    assert_eq!(
        r,
        [
            Value::Value(0.123),
            hidden(Reason::Small),
            hidden(Reason::Dominance),
            hidden(Reason::Value),
            Value::Undefined
        ]
    );
    let first = &released.pairs[0];
    assert_eq!(first.covariance, Some(Value::Value(12.3)));
    assert!((number(first.p) - 0.0001).abs() < 0.000_02, "{:?}", first.p);
    assert!(released.pairs[1..].iter().all(|p| p.p.number().is_none() && p.covariance.unwrap().number().is_none()));
}

/// SDC-165: analysis of variance with four digits, tests with three; a side of a cutoff with few persons shows nothing.
#[test]
fn sdc_165_tables_of_tests() {
    let number = |row: &str, value: Option<f64>, digits: Digits, side: u64| RawNumber {
        table: "anova".into(),
        name: [row.into(), "x".into()],
        value,
        digits,
        rests_on: vec![people(0..side)],
    };
    let raw = analysis(0..1000, move |_, _| RawNumbers {
        head: TestsHead { command: "anova".into(), ..TestsHead::default() },
        numbers: vec![
            number("ss", Some(123_456.7), Digits::Four, 500),
            number("h", Some(0.123_456), Digits::Three, 500),
            number("left", Some(7.0), Digits::Three, 4),
            number("none", None, Digits::Three, 500),
        ],
    });
    let released = release(&Policy::standard(), &mut MemoryLedger::new(), &[], raw).unwrap().into_value();
    let values: Vec<Value> = released.numbers.iter().map(|n| n.value).collect();
    let expected = [Value::Value(123_500.0), Value::Value(0.123), Value::Hidden(Reason::Small), Value::Undefined];
    assert_eq!(values, expected);
}

/// SDC-103: an interval follows from the released mean, deviation and size, and is hidden with any of them.
#[test]
fn sdc_103_intervals_of_means() {
    let value = Value::Value;
    let [se, low, high] = mean_interval(value(511.0), value(60.0), value(11.0), 95.0).map(number);
    assert_eq!((se, low, high), (18.1, 471.0, 551.0));
    let hidden = mean_interval(value(511.0), Value::Hidden(Reason::Dominance), value(11.0), 95.0);
    assert_eq!(hidden, [Value::Hidden(Reason::Dominance); 3]);
}

/// Work that ends with a problem because it was stopped.
struct Cut;

impl Over<RawFit> for Cut {
    fn over(&self, _: Option<&RoaringBitmap>, _: &dyn Leaves, _: &dyn Control) -> Result<RawFit, Failed> {
        Err(Failed::Problem(engine::Problem::new("E_STOPPED")))
    }
}

impl Whom for Cut {
    fn without(&self, _: &[(usize, f64)], _: &dyn Control) -> Result<PersonSet, RunError> {
        Err(RunError::Stopped(engine::Stop::Cancelled))
    }

    fn covers(&self, _: &RoaringBitmap, _: &[(usize, f64)], _: &dyn Control) -> Result<bool, RunError> {
        Ok(true)
    }
}

/// Ends every run.
struct Ended;

impl Control for Ended {
    fn stop(&self) -> Option<engine::Stop> {
        Some(engine::Stop::Cancelled)
    }
    fn progress(&self, _: f32) {}
}

/// ENG-035: a fit that was cancelled ends the run and is no problem of the sample that the ledger would remember.
#[test]
fn eng_035_a_cancelled_fit_files_nothing() {
    let (policy, keys, ledger) = (Policy::standard(), crate::common::keys(), MemoryLedger::new());
    let ctx = disclosure::Ctx {
        account: "account",
        project: "project",
        at: kernel::Timestamp::from_micros(1_795_252_500_000_000),
        script: "sha256:script",
        statement: 3,
        metered_as: 0,
        statistics: &[],
        keys: &keys,
        meter: &disclosure::Unmetered,
    };
    let raw = RawAnalysis { work: Arc::new(Cut), ..analysis(0..4000, |_, _| fit()) };
    let prepared = disclosure::Gate::prepare(&policy, &ledger, &ctx, engine::Raw::new(raw)).unwrap();
    let ended = prepared.compute(&Ended);
    assert!(matches!(ended, Err(engine::RunError::Stopped(engine::Stop::Cancelled))));
    assert!(ledger.is_empty());
}

/// SDC-181: a value that the estimator does not take is told of where many persons have it, by their released count; a few, one
/// or nobody give the same answer, and the persons are counted in any case.
#[test]
fn sdc_181_values_that_few_have_are_left_out() {
    let policy = Policy::standard();
    let told = |persons: u64| {
        let problem = engine::Problem::with("E_NOT_BINARY", "y");
        let outside = vec![engine::raw::Outside { problem, set: people(5000..5000 + persons) }];
        let raw = RawAnalysis { outside, ..analysis(0..4000, |_, _| fit()) };
        release(&policy, &mut MemoryLedger::new(), &[], raw).map(|released| released.value().terms.len())
    };
    let nobody = told(0);
    assert!(nobody.is_ok());
    for few in 1..=4 {
        assert_eq!(told(few), nobody, "{few}");
    }
    for many in [16, 40, 400] {
        let problem = told(many).unwrap_err();
        assert!(matches!(&problem, Stopped::Problem(p) if p.code == "E_NOT_BINARY"), "{problem}");
    }
}

/// SDC-181: a category that few have is left out as one that nobody has; one that many have stays. What the outcome has beside
/// its most frequent value, and what there is beyond nine groups, is refused alike whether nobody or a few have it.
#[test]
fn sdc_181_categories_that_few_have_are_left_out() {
    let policy = Policy::standard();
    let asked = |persons: u64| {
        let part = Part { variable: 2, value: 3.0, set: people(4000..4000 + persons) };
        let fitted = |_: Option<&RoaringBitmap>, leaves: &dyn Leaves| RawFit {
            omitted: leaves.categories().iter().map(|(variable, value)| format!("{variable}={value}")).collect(),
            ..fit()
        };
        let raw = RawAnalysis { parts: vec![part], ..analysis(0..4000 + persons, fitted) };
        release(&policy, &mut MemoryLedger::new(), &[], raw)
            .map(|released| released.value().terms.len())
            .map_err(|stopped| matches!(stopped, Stopped::Withheld(w) if w.code == Reason::ModelTerm))
    };
    // A term that is omitted is refused: so the fit without the category tells itself here.
    for few in 1..=4 {
        assert_eq!(asked(few), Err(true), "{few} persons are left out");
    }
    for many in [16, 40, 300] {
        assert!(asked(many).is_ok(), "{many}");
    }
    let told = |varies: &[u64], beyond: &[u64]| {
        let (varies, beyond) = (varies.to_vec(), beyond.to_vec());
        let sets = |sizes: &[u64]| sizes.iter().map(|persons| people(0..*persons)).collect();
        let fitted = move |_: Option<&RoaringBitmap>, _: &dyn Leaves| RawFit {
            varies: sets(&varies),
            beyond: sets(&beyond),
            ..fit()
        };
        match release(&policy, &mut MemoryLedger::new(), &[], analysis(0..4000, fitted)) {
            Err(Stopped::Withheld(withheld)) => Some(withheld.code),
            _ => None,
        }
    };
    for (persons, varies, beyond) in [
        (0, Some(Reason::ModelTerm), Some(Reason::Groups)),
        (1, Some(Reason::ModelTerm), Some(Reason::Groups)),
        (4, Some(Reason::ModelTerm), Some(Reason::Groups)),
        (40, None, None),
    ] {
        assert_eq!(told(&[persons], &[]), varies, "{persons}");
        assert_eq!(told(&[], &[persons]), beyond, "{persons}");
    }
}

/// Work that an estimator has no answer for.
struct NoAnswer(&'static str);

impl Over<RawFit> for NoAnswer {
    fn over(&self, _: Option<&RoaringBitmap>, _: &dyn Leaves, _: &dyn Control) -> Result<RawFit, Failed> {
        Err(Failed::Problem(engine::Problem::with(self.0, "y")))
    }
}

impl Whom for NoAnswer {
    fn without(&self, _: &[(usize, f64)], _: &dyn Control) -> Result<PersonSet, RunError> {
        Ok(people(0..4000))
    }

    fn covers(&self, _: &RoaringBitmap, _: &[(usize, f64)], _: &dyn Control) -> Result<bool, RunError> {
        Ok(true)
    }
}

/// SDC-181: what an estimator cannot do because nobody is there is refused in the words in which it is refused when a few are.
#[test]
fn sdc_181_problems_of_nobody_are_those_of_few() {
    let policy = Policy::standard();
    for (problem, reason) in [
        ("E_NO_ROWS", Reason::ModelSize),
        ("E_NO_RESIDUAL_DF", Reason::ModelSize),
        ("E_COLLINEAR_ALL", Reason::ModelTerm),
        ("E_NO_VARIATION", Reason::ModelTerm),
        ("E_NO_EVENTS", Reason::ModelTerm),
        ("E_NEEDS_TWO_GROUPS", Reason::ModelTerm),
        ("E_MLOGIT_NEEDS_3", Reason::ModelTerm),
        ("E_DID_NEEDS_FOUR_CELLS", Reason::ModelTerm),
        ("E_NOT_A_PANEL", Reason::ModelTerm),
        ("E_RDD_TOO_FEW", Reason::ModelTerm),
        ("E_RDD_NO_JUMP", Reason::ModelTerm),
        ("E_UNDERIDENTIFIED", Reason::ModelTerm),
        ("E_TOO_FEW_CLUSTERS", Reason::Groups),
    ] {
        let raw = RawAnalysis { work: Arc::new(NoAnswer(problem)), ..analysis(0..4000, |_, _| fit()) };
        match release(&policy, &mut MemoryLedger::new(), &[], raw) {
            Err(Stopped::Withheld(withheld)) => assert_eq!(withheld.code, reason, "{problem}"),
            other => panic!("{problem}: {:?}", other.map(|_| ())),
        }
    }
    // A fit that does not end is judged after what rests on few persons.
    for state in [FitState::Separated, FitState::NotConverged] {
        for (persons, reason) in [(0, Reason::ModelTerm), (3, Reason::ModelTerm), (900, Reason::ModelFit)] {
            let fitted = move |_: Option<&RoaringBitmap>, _: &dyn Leaves| RawFit {
                state,
                varies: vec![people(0..persons)],
                ..fit()
            };
            match release(&policy, &mut MemoryLedger::new(), &[], analysis(0..4000, fitted)) {
                Err(Stopped::Withheld(withheld)) => assert_eq!(withheld.code, reason, "{state:?} {persons}"),
                other => panic!("{state:?}: {:?}", other.map(|_| ())),
            }
        }
    }
}
