//! Analysis of variance: sums of squares by what models lose and gain, relations that hold whatever the data, and problems.

use super::*;
use crate::design::Piece;
use crate::linear::regress::tests::uniform;
use crate::rows::Table as Data;

fn product(variables: [usize; 2]) -> Term {
    let piece = |variable| Piece { variable, form: Form::Factor { base: None } };
    Term { pieces: variables.map(piece).to_vec(), control: false }
}

/// STAT-065: partial sums of squares are what the model loses without the term; sequential ones what it gains by it.
#[test]
fn stat_065_unbalanced_sums_of_squares() {
    let mut next = uniform(3);
    let n = 90;
    let a: Vec<f64> = (0..n).map(|_| (3.0 * next() * next()).floor()).collect();
    let b: Vec<f64> = (0..n).map(|i| f64::from(u8::from(next() + a[i] / 5.0 > 0.6))).collect();
    let y = (0..n).map(|i| a[i] * (1.0 + b[i]) + next()).collect();
    let mut data = Data::default();
    let (y, a, b) = (data.number("y", y), data.factor("a", &a), data.factor("b", &b));
    let fit = |terms: Vec<Term>| Anova { y, terms, constant: true, posthoc: None }.fit(&data, None).unwrap();
    let (a, b) = (Term::factor(a, None), Term::factor(b, None));
    let whole = fit(vec![a.clone(), b.clone()]);
    let (only_a, only_b) = (fit(vec![a.clone()]), fit(vec![b.clone()]));
    let close = |x: f64, y: f64| assert!((x / y - 1.0).abs() < 1e-10, "{x} {y}");
    close(whole.partial[0].ss, only_b.residual.ss - whole.residual.ss);
    close(whole.partial[1].ss, only_a.residual.ss - whole.residual.ss);
    close(whole.sequential[0].ss, only_a.model.ss);
    close(whole.sequential[1].ss, whole.partial[1].ss);
    close(whole.model.ss + whole.residual.ss, whole.total.ss);
    assert_eq!((whole.partial[0].df, whole.model.df, whole.residual.df), (2.0, 3.0, 86.0));
    let crossed = fit(vec![a.clone(), b.clone(), product([a.pieces[0].variable, b.pieces[0].variable])]);
    assert_eq!(crossed.partial[2].name, "a#b");
    close(crossed.partial[2].ss, whole.residual.ss - crossed.residual.ss);
}

/// STAT-010, LANG-168: without a constant the first factor has a mean for each of its groups, the residual stays what it was, and sums of
/// squares are about 0.
#[test]
fn stat_010_analysis_of_variance_without_a_constant() {
    let mut next = uniform(5);
    let n = 80;
    let a: Vec<f64> = (0..n).map(|i| f64::from(i % 3)).collect();
    let b: Vec<f64> = (0..n).map(|_| f64::from(u8::from(next() > 0.6))).collect();
    let values: Vec<f64> = (0..n as usize).map(|i| 4.0 + a[i] - b[i] + next()).collect();
    let mut data = Data::default();
    let (y, a_number, b) = (data.number("y", values.clone()), data.factor("a", &a), data.factor("b", &b));
    let terms = vec![Term::factor(a_number, None), Term::factor(b, None)];
    let fit = |constant: bool| Anova { y, terms: terms.clone(), constant, posthoc: None }.fit(&data, None).unwrap();
    let (with, without) = (fit(true), fit(false));
    let close = |x: f64, y: f64| assert!((x / y - 1.0).abs() < 1e-10, "{x} {y}");
    close(without.total.ss, values.iter().map(|y| y * y).sum());
    close(without.residual.ss, with.residual.ss);
    close(without.model.ss + without.residual.ss, without.total.ss);
    close(without.partial[1].ss, with.partial[1].ss);
    let of_group = |group: f64| a.iter().zip(&values).filter(move |(a, _)| **a == group).map(|(_, y)| y);
    let squares = [0.0, 1.0, 2.0].map(|g| of_group(g).sum::<f64>().powi(2) / of_group(g).count() as f64);
    close(without.sequential[0].ss, squares.iter().sum());
    let df =
        [&without.partial[0], &without.partial[1], &without.model, &without.residual, &without.total].map(|s| s.df);
    assert_eq!(df, [3.0, 1.0, 4.0, 76.0, 80.0]);
}

/// STAT-066, STAT-068, STAT-402: terms that follow from others, factors of one or too many groups, no residual.
#[test]
fn stat_402_problems_of_anova() {
    let mut data = Data::default();
    let values: Vec<f64> = (0..60).map(f64::from).collect();
    let y = data.number("y", values.iter().map(|i| (i * 7.0) % 11.0).collect());
    let a = data.factor("a", &values.iter().map(|i| i % 3.0).collect::<Vec<_>>());
    let same = data.factor("same", &values.iter().map(|i| 9.0 - i % 3.0).collect::<Vec<_>>());
    let one = data.factor("one", &vec![4.0; 60]);
    let many = data.factor("many", &values.iter().map(|i| i % 41.0).collect::<Vec<_>>());
    let all = data.factor("all", &values);
    let fit = |factors: &[usize], posthoc| {
        let terms = factors.iter().map(|v| Term::factor(*v, None)).collect();
        Anova { y, terms, constant: true, posthoc }.fit(&data, None)
    };
    let code = |factors: &[usize]| fit(factors, Some(95.0)).err().map(|p| p.code);
    assert_eq!(code(&[one]), Some("E_NEEDS_TWO_GROUPS"));
    assert_eq!(code(&[many]), Some("E_TOO_MANY_GROUPS"));
    assert_eq!(code(&[all]), Some("E_NO_RESIDUAL_DF"));
    let twice = fit(&[a, same], Some(95.0)).unwrap();
    assert_eq!((twice.partial[1].df, twice.omitted.as_slice()), (0.0, ["same".to_owned()].as_slice()));
    assert!(twice.test(&twice.partial[1]).is_none() && twice.test(&twice.partial[0]).is_some());
    assert_eq!(twice.notices, [Notice::with("W_COLLINEAR", "same")]);
    assert_eq!(twice.posthoc.len(), 6);
    assert_eq!(twice.posthoc[0].label, "1-0");
}

/// STAT-401: rows in another order, y shifted and rescaled.
#[test]
fn stat_401_metamorphic_anova() {
    for seed in 1..=20 {
        let mut next = uniform(seed);
        let a: Vec<f64> = (0..210).map(|_| (4.0 * next()).floor()).collect();
        let y: Vec<f64> = a.iter().map(|a| a * a + 3.0 * next()).collect();
        let fit = |order: &dyn Fn(usize) -> usize, shift: f64, scale: f64| {
            let mut data = Data::default();
            let variable = data.number("y", (0..210).map(|i| y[order(i)] * scale + shift).collect());
            let factor = data.factor("a", &(0..210).map(|i| a[order(i)]).collect::<Vec<_>>());
            Anova { y: variable, terms: vec![Term::factor(factor, None)], constant: true, posthoc: Some(95.0) }
                .fit(&data, None)
                .unwrap()
        };
        let base = fit(&|i| i, 0.0, 1.0);
        let statistic = |t: &Table| t.test(&t.partial[0]).unwrap().statistic;
        for other in [fit(&|i| i * 11 % 210, 0.0, 1.0), fit(&|i| i, 5000.0, 1.0), fit(&|i| i, 0.0, 1e6)] {
            assert!((statistic(&other) / statistic(&base) - 1.0).abs() < 1e-10);
            assert!((other.posthoc[2].p - base.posthoc[2].p).abs() < 1e-9);
        }
    }
}
