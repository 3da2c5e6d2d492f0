//! Analytic commands over a dataset: who is in a sample, what the gate is told of the persons behind columns, and columns that
//! predictions make. The estimators themselves are tested in crate `statistics`.

use std::collections::BTreeMap;

use script::program::Literal;
use script::{DataType, Temporality};

use super::world::{self, HEAD, codes, fact, info, run, text};
use crate::keys::RecordKeys;
use crate::memory::MemorySource;
use crate::raw::{Failed, FitState, Leaves, PersonSet, RawAnalysis, RawFit, TermRole};
use crate::{Outcome, Unattended};

/// Leaves out these persons.
struct These(Vec<u32>);

impl Leaves for These {
    fn out(&self, persons: &mut dyn Iterator<Item = (u32, u128)>) -> Vec<u32> {
        persons.map(|(person, _)| person).filter(|person| self.0.contains(person)).collect()
    }
}

fn numbers(name: &str, values: &[Option<i64>]) -> (script::VariableInfo, Vec<crate::memory::Fact>) {
    let known = values.iter().enumerate().filter_map(|(i, x)| Some((i, (*x)?)));
    let facts = known.map(|(i, x)| fact(i as u32, Literal::Integer(x), None, None)).collect();
    (info(name, "PERSON", Temporality::Fixed, DataType::Integer), facts)
}

/// Forty persons: wage = 3·age + 10·(sex = 2) + noise by turns; one without wage, one without sex.
fn people() -> MemorySource {
    let size = 40;
    let age = |i: i64| 20 + (i * 7) % 37;
    let sex = |i: i64| if i % 3 == 0 { "2" } else { "1" };
    let wage = |i: i64| 3 * age(i) + if sex(i) == "2" { 10 } else { 0 } + [1, -1, 2, -2][i as usize % 4];
    let ages = numbers("ALDER", &(0..size).map(|i| Some(age(i))).collect::<Vec<_>>());
    let wages = numbers("LONN", &(0..size).map(|i| (i != 5).then(|| wage(i))).collect::<Vec<_>>());
    let mut kinds = info("KJONN", "PERSON", Temporality::Fixed, DataType::Text);
    kinds.code_list = codes(&[("1", "mann"), ("2", "kvinne")]);
    let sexes = (0..size).filter(|i| *i != 9).map(|i| fact(i as u32, text(sex(i)), None, None)).collect();
    MemorySource::new(true)
        .space("FNR", size as u32, &[1; 32])
        .variable(ages.0, ages.1)
        .variable(wages.0, wages.1)
        .variable(kinds, sexes)
}

const IMPORTS: &str = "import db/ALDER as alder\nimport db/LONN as lonn\nimport db/KJONN as kjonn\n";

fn computed<T>(raw: &RawAnalysis<T>, leave: &[u32]) -> Result<T, Failed> {
    raw.work.over(None, &These(leave.to_vec()), &Unattended)
}

fn fit(script: &str, leave: &[u32]) -> RawFit {
    let Outcome::Model(raw) = run(people(), &format!("{HEAD}{IMPORTS}{script}\n")).last() else { panic!("a model") };
    computed(raw.peek(), leave).unwrap_or_else(|_| panic!("no fit"))
}

/// STAT-003, SDC-150: the sample has no row with a missing value, and the gate is told the persons on either side of a dummy,
/// those off the most frequent value, and the reference group.
#[test]
fn sdc_150_the_persons_behind_the_columns_of_a_model() {
    let script = format!("{HEAD}{IMPORTS}regress lonn alder i.kjonn\n");
    let Outcome::Model(raw) = run(people(), &script).last() else { panic!("a model") };
    let sample = &raw.peek().sample;
    assert_eq!((sample.persons, raw.peek().row_wise), (38, true));
    assert!(sample.members.ordinals().is_some_and(|m| !m.contains(5) && !m.contains(9)));
    let fit = computed(raw.peek(), &[]).unwrap_or_else(|_| panic!("no fit"));
    assert_eq!((fit.state, fit.parameters), (FitState::Converged, 3));
    let labels: Vec<(&str, TermRole)> = fit.terms.iter().map(|t| (t.label.as_str(), t.role)).collect();
    assert_eq!(labels, [("alder", TermRole::Shown), ("kjonn=2", TermRole::Shown), ("_cons", TermRole::Intercept)]);
    assert!((fit.terms[0].estimate - 3.0).abs() < 0.1 && (fit.terms[1].estimate - 10.0).abs() < 1.5);
    let women = (0..40).filter(|i| i % 3 == 0 && *i != 9).count() as u64;
    let sides = fit.terms[1].sides.as_ref().map(|sides| [sides[0].persons, sides[1].persons]);
    assert_eq!(sides, Some([38 - women, women]));
    // No age is that of more than half.
    assert!(fit.terms[0].sides.is_none() && fit.terms[0].off_mode.is_none());
    assert_eq!(fit.base.as_ref().map(|base| base.persons), Some(38 - women));
    assert!(fit.leverage > 0.0 && fit.leverage < 0.3);
    assert!(fit.terms[..2].iter().all(|t| t.concentration > 0.0 && t.concentration < 0.3));
}

/// SDC-032, SDC-150: the sets behind columns are those of their members, whether they are sums of cells or counted for themselves.
#[test]
fn sdc_150_sets_behind_columns_are_those_of_their_members() {
    let keys = RecordKeys::derive(&[1; 32], 40);
    let told = |set: &PersonSet| {
        let members = set.members.ordinals().unwrap();
        let mut sketch = [0; 64];
        let mut fingerprint = 0u128;
        for member in members.iter() {
            fingerprint = fingerprint.wrapping_add(keys.record()[member as usize]);
            let bits = keys.bits()[member as usize];
            sketch.iter_mut().enumerate().for_each(|(i, s)| *s += if bits >> i & 1 == 1 { 1 } else { -1 });
        }
        assert_eq!((set.persons, set.fingerprint, set.sketch), (members.len(), fingerprint, sketch));
        members
    };
    let made = "generate ung = alder < 40\ngenerate tall = alder\nreplace tall = 2 if alder >= 40\nreplace tall = 0 if alder < 30\n\
                replace tall = 1 if tall > 2\n";
    // The product of `tall`, which is 2 for the old, with `ung` holds zeros and ones, though `tall` has other values.
    let fit = fit(&format!("{made}regress lonn i.kjonn##i.ung c.tall#c.ung alder"), &[2]);
    let women = |i: &u32| i.is_multiple_of(3);
    let young = |i: &u32| 20 + (i * 7) % 37 < 40;
    let sample = || (0..40u32).filter(|i| ![2, 5, 9].contains(i));
    for (label, of) in [
        ("kjonn=2", &women as &dyn Fn(&u32) -> bool),
        ("ung=1", &young),
        ("kjonn=2#ung=1", &|i: &u32| women(i) && young(i)),
        ("tall#ung", &|i: &u32| (30..40).contains(&(20 + (i * 7) % 37))),
    ] {
        let term = fit.terms.iter().find(|t| t.label == label).unwrap_or_else(|| panic!("no {label}"));
        let sides = term.sides.as_ref().unwrap_or_else(|| panic!("{label} has no sides"));
        assert_eq!(told(&sides[1]).iter().collect::<Vec<_>>(), sample().filter(of).collect::<Vec<_>>(), "{label}");
        assert_eq!(
            told(&sides[0]).iter().collect::<Vec<_>>(),
            sample().filter(|i| !of(i)).collect::<Vec<_>>(),
            "{label}"
        );
    }
    let base = told(fit.base.as_ref().unwrap());
    assert_eq!(base.iter().collect::<Vec<_>>(), sample().filter(|i| !women(i) && !young(i)).collect::<Vec<_>>());
}

/// SDC-160: persons who are left out are not in the fit; a column on which one person alone stands is told as such.
#[test]
fn sdc_160_who_is_left_out_and_who_stands_alone() {
    let all = fit("regress lonn alder", &[]);
    let without = fit("regress lonn alder", &[0, 1, 2]);
    assert_ne!(all.terms[0].estimate.to_bits(), without.terms[0].estimate.to_bits());
    let alone = fit("generate en = alder == 57 - 1\ngenerate to = alder == 20\nregress lonn alder to", &[]);
    let side = alone.terms.iter().find(|t| t.label == "to").and_then(|t| t.sides.as_ref()).map(|s| s[1].persons);
    let twenty = (0..40).filter(|i| (i * 7) % 37 == 0).count() as u64;
    assert_eq!(side, Some(twenty));
    // Mostly one value: those who have another are told; where they are few they count as the others do, and no term is left.
    let off = |below: u32| {
        let rare =
            fit(&format!("generate mest = 1\nreplace mest = alder if alder < {below}\nregress lonn alder mest"), &[]);
        rare.terms.iter().find(|t| t.label == "mest").and_then(|t| t.off_mode.as_ref()).map(|set| set.persons)
    };
    let younger = |below: u32| (0..40).filter(|i| *i != 5 && 20 + (i * 7) % 37 < below).count() as u64;
    assert_eq!(off(33), Some(younger(33)));
    assert_eq!(off(25), None);
}

/// LANG-185, STAT-009: `a##b` is three terms, and terms of `control()` are not shown.
#[test]
fn lang_185_products_and_controls() {
    let fit = fit("generate ung = alder < 40\nregress lonn i.kjonn##c.alder, control(ung)", &[]);
    let roles: BTreeMap<&str, TermRole> = fit.terms.iter().map(|t| (t.label.as_str(), t.role)).collect();
    let wanted = [
        ("kjonn=2", TermRole::Shown),
        ("alder", TermRole::Shown),
        ("kjonn=2#alder", TermRole::Shown),
        ("ung", TermRole::Control),
        ("_cons", TermRole::Intercept),
    ];
    assert_eq!(roles, wanted.into_iter().collect());
}

/// STAT-012, SDC-181: a value that an estimator does not take is left out, and who has one is told beside; what separates is a
/// fit that may not be shown.
#[test]
fn stat_012_problems_and_separation() {
    let told = |command: &str| {
        let script = format!("{HEAD}{IMPORTS}{command}\n");
        let Outcome::Model(raw) = run(people(), &script).last() else { panic!("a model") };
        let outside = |o: &crate::raw::Outside| (o.problem.code, o.problem.about.clone(), o.set.persons);
        let raw = raw.peek();
        (raw.outside.iter().map(outside).collect::<Vec<_>>(), raw.sample.persons, computed(raw, &[]).is_ok())
    };
    let (outside, sample, _) = told("logit lonn alder");
    assert_eq!((outside[0].0, outside[0].1.as_deref(), sample), ("E_NOT_BINARY", Some("lonn"), 0));
    let binary = told("generate y = int(lonn / 7) - 2 * int(lonn / 14)\nlogit y alder");
    let other = told("generate y = int(lonn / 7) - 2 * int(lonn / 14)\nreplace y = 2 if alder == 20\nlogit y alder");
    let twenty = binary.1 - other.1;
    assert!(twenty > 0 && binary.2 && other.2, "the others are fitted");
    assert_eq!((binary.0[0].2, other.0[0].2), (0, twenty));
    let separated = fit("generate over = alder > 40\nlogit over alder", &[]);
    assert_eq!(separated.state, FitState::Separated);
}

/// STAT-012: an outcome with many categories has as many columns as all its equations together.
#[test]
fn stat_012_an_outcome_with_too_many_categories() {
    let script = format!("{HEAD}{IMPORTS}mlogit lonn i.alder##i.kjonn\n");
    let Outcome::Model(raw) = run(people(), &script).last() else { panic!("a model") };
    let code = match computed(raw.peek(), &[]) {
        Err(Failed::Problem(problem)) => problem.code.to_owned(),
        Err(Failed::Run(error)) => error.to_string(),
        Ok(fit) => format!("{:?} {}", fit.state, fit.terms.len()),
    };
    assert_eq!(code, "E_TOO_MANY_TERMS");
}

/// LANG-208, STAT-170: predictions are columns after the gate has accepted them, also where the response is missing.
#[test]
fn lang_208_predictions_become_columns() {
    let script = format!("{HEAD}{IMPORTS}regress-predict lonn alder, predicted(p) residuals(r)\n");
    let source = people();
    let program = world::plan(&source, &script);
    let cache = std::sync::Arc::new(crate::ImportCache::new(1 << 30));
    let parameters = crate::Parameters::default();
    let mut run = crate::Run::new(std::sync::Arc::new(source), cache, parameters, kernel::Language::Nb);
    for step in &program.steps {
        let outcome = run.execute(step, &Unattended).unwrap();
        if let Outcome::Predictions(raw) = &outcome {
            assert!(run.dataset("d").unwrap().column("p").is_none());
            assert!(computed(raw.peek(), &[]).is_ok());
        }
        run.accept();
    }
    let dataset = run.dataset("d").unwrap();
    let [p, r] = ["p", "r"].map(|name| dataset.column(name).unwrap().data.read(0..40));
    assert!(p.valid.iter().all(|valid| *valid));
    assert_eq!((0..40).filter(|i| !r.valid[*i]).collect::<Vec<_>>(), [5]);
    let wages = dataset.column("lonn").unwrap().data.read(0..40);
    let close = |i: usize| {
        let value = |v: &crate::vector::Vector| v.get(i).as_f64().unwrap();
        (value(&p) + value(&r) - value(&wages)).abs() < 1e-9
    };
    assert!((0..40).filter(|i| *i != 5).all(close));
}

/// LANG-215: the steps of a survival curve with the persons of each group.
#[test]
fn lang_215_curves_by_group() {
    let script = format!("{HEAD}{IMPORTS}generate slutt = alder > 30\nkaplan-meier slutt alder, by(kjonn)\n");
    let Outcome::Survival(raw) = run(people(), &script).last() else { panic!("curves") };
    let curves = computed(raw.peek(), &[]).unwrap_or_else(|_| panic!("no curves"));
    let groups: Vec<(&str, u64)> =
        curves.curves.iter().map(|c| (c.group.as_ref().unwrap().code.as_str(), c.set.persons)).collect();
    let women = (0..40).filter(|i| i % 3 == 0 && *i != 9).count() as u64;
    assert_eq!(groups, [("1", 39 - women), ("2", women)]);
    for curve in &curves.curves {
        assert_eq!(curve.steps.iter().map(|s| s.events).sum::<u64>(), curve.events.persons);
        assert!(curve.steps[0].at_risk <= curve.set.persons);
    }
    assert!(curves.log_rank.is_some());
}

/// STAT-046: a transition goes to the next occasion of the panel, not over one that a unit lacks.
#[test]
fn stat_046_transitions_between_neighbouring_occasions() {
    let mut place = info("STED", "PERSON", Temporality::Event, DataType::Text);
    place.code_list = codes(&[("A", "a"), ("B", "b")]);
    let spell = |unit, code, from, to| fact(unit, text(code), Some(from), Some(to));
    let facts = vec![
        spell(0, "A", "2019-01-01", "2019-12-31"),
        spell(0, "B", "2020-01-01", "2021-12-31"),
        spell(1, "A", "2019-01-01", "2019-12-31"),
        spell(1, "A", "2021-01-01", "2021-12-31"),
        spell(2, "B", "2019-01-01", "2021-12-31"),
    ];
    let source = MemorySource::new(true).space("FNR", 3, &[1; 32]).variable(place, facts);
    let script = "require no.test:1 as db\ncreate-dataset d\nimport-panel db/STED 2019-06-01 2020-06-01 2021-06-01\n\
                  transitions-panel STED\n";
    let Outcome::Chart(raw) = run(source, script).last() else { panic!("tables") };
    let table = &raw.peek().tables[0];
    let codes = |d: usize| table.dimensions[d].categories.iter().map(|c| c.code.as_str()).collect::<Vec<_>>();
    assert_eq!((codes(0), codes(1)), (vec!["A", "B"], vec!["B"]));
    let rows: Vec<u64> = table.cells.iter().map(|cell| cell.rows).collect();
    // A → B once; B → B three times, of two persons.
    assert_eq!(rows, [1, 1, 3, 3, 4, 4]);
    assert_eq!(table.cells[2].set.persons, 2);
}

/// STAT-300: bins between limits that are the same for everyone; what lies outside stands in the outermost.
#[test]
fn stat_300_bins_and_hexagons() {
    let script = format!("{HEAD}{IMPORTS}histogram alder, bin(4)\n");
    let Outcome::Histogram(raw) = run(people(), &script).last() else { panic!("a histogram") };
    let histogram = raw.peek();
    assert_eq!((histogram.limits.len(), histogram.panels.len(), histogram.panels[0].bins.len()), (5, 1, 4));
    let persons: Vec<u64> = histogram.panels[0].bins.iter().map(|bin| bin.persons).collect();
    assert_eq!(persons.iter().sum::<u64>(), 40);
    // Ten of forty lie outside at either end.
    assert!(persons[0] >= 10 && persons[3] >= 10 && persons.iter().all(|n| *n > 3), "{persons:?}");
    let Outcome::Hexbin(raw) = run(people(), &format!("{HEAD}{IMPORTS}hexbin lonn alder, gridsize(5)\n")).last() else {
        panic!("hexagons")
    };
    assert_eq!(raw.peek().names, ["alder", "lonn"]);
    assert_eq!(raw.peek().hexagons.iter().map(|h| h.set.persons).sum::<u64>(), 39);
}
