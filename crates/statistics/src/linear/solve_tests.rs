//! Which columns stay, and that all ways of solving give the same numbers.

use super::*;
use crate::linear::columns::BLOCK;
use crate::linear::regress::tests::uniform;

fn close(a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() <= tolerance * b.abs().max(1e-300), "{a} {b}");
}

fn problem(columns: Vec<Vec<f64>>, y: &[f64]) -> Solution {
    solve(&Matrix { columns, constant: true }, Response { values: y, pivot: 0.0 }, None)
}

/// STAT-008: a column that nearly follows from others stays while its pivot tells more than rounding, the later of columns that follow from
/// each other goes, and so do constant columns, however large.
#[test]
fn stat_008_which_columns_stay() {
    let mut next = uniform(1);
    let n = 300;
    let ones = vec![1.0; n];
    let a: Vec<f64> = (0..n).map(|_| (100.0 * next()).floor()).collect();
    let b: Vec<f64> = (0..n).map(|_| (100.0 * next()).floor()).collect();
    let both: Vec<f64> = a.iter().zip(&b).map(|(a, b)| 2.0 * a - b).collect();
    let near: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a + b * 1e-11).collect();
    let far: Vec<f64> = b.iter().map(|b| 1e9 + b).collect();
    let y: Vec<f64> = (0..n).map(|i| a[i] + 3.0 * b[i] + next()).collect();
    let kept = |columns: Vec<Vec<f64>>| problem(columns, &y).kept;
    assert_eq!(kept(vec![ones.clone(), a.clone(), b.clone(), both.clone()]), [0, 1, 2]);
    assert_eq!(kept(vec![ones.clone(), both.clone(), b.clone(), a.clone()]), [0, 1, 2]);
    assert_eq!(kept(vec![ones.clone(), a.clone(), near.clone()]), [0, 1, 2]);
    assert_eq!(kept(vec![ones.clone(), vec![0.1; n], a.clone(), vec![1e12; n]]), [0, 2]);
    assert_eq!(kept(vec![ones.clone(), a.clone(), b.clone(), far.clone()]), [0, 1, 2]);
    // The estimate of a column of large numbers has the digits of one of small numbers.
    let (small, large) = (problem(vec![ones.clone(), b], &y), problem(vec![ones, far], &y));
    close(large.b[1], small.b[1], 1e-11);
    close(large.inverse()[(1, 1)], small.inverse()[(1, 1)], 1e-11);
}

/// STAT-021: by X'X or by reflections, with weights or with repeated rows.
#[test]
fn stat_021_ways_to_the_same_numbers() {
    let mut next = uniform(2);
    let n = 3 * MANY / 2;
    let column = |next: &mut dyn FnMut() -> f64| (0..n).map(|_| (50.0 * next()).floor()).collect::<Vec<f64>>();
    let columns = vec![vec![1.0; n], column(&mut next), column(&mut next), column(&mut next)];
    let y: Vec<f64> = (0..n).map(|i| 5.0 + columns[1][i] - 0.1 * columns[3][i] + 20.0 * next()).collect();
    let weights: Vec<f64> = (0..n).map(|_| (1.0 + 3.0 * next()).floor()).collect();
    let x = Matrix { columns, constant: true };
    let response = Response { values: &y, pivot: 0.0 };
    let setting = Setting::of(&x, response, Some(&weights));
    let fast = setting.solution(setting.many().unwrap());
    let slow = setting.solution(setting.reduced::<f64>(NOISE, &[]));
    let precise = setting.solution(setting.reduced::<Double>(DOUBLE, &[]));
    let times: Vec<usize> = (0..n).flat_map(|i| std::iter::repeat_n(i, weights[i] as usize)).collect();
    let repeated = Matrix {
        columns: x.columns.iter().map(|column| times.iter().map(|i| column[*i]).collect()).collect(),
        constant: true,
    };
    let y: Vec<f64> = times.iter().map(|i| y[*i]).collect();
    let repeated = solve(&repeated, Response { values: &y, pivot: 0.0 }, None);
    for other in [&fast, &slow, &repeated] {
        close(other.rss, precise.rss, 1e-12);
        close(other.explained, precise.explained, 1e-12);
        for i in 0..4 {
            close(other.b[i], precise.b[i], 1e-11);
            close(other.inverse()[(i, i)], precise.inverse()[(i, i)], 1e-12);
        }
    }
}

/// SDC-150: the largest leverage and the largest shares are those of all rows, though most rows are not looked at; also where columns
/// nearly follow from each other, and where rows weigh something.
#[test]
fn sdc_150_the_largest_are_those_of_all_rows() {
    for (seed, near) in [(3, 1.0), (4, 1e-2), (5, 1e-5)] {
        let mut next = uniform(seed);
        let n = 5 * BLOCK / 2;
        let mut columns = vec![vec![1.0; n]];
        for _ in 0..3 {
            columns.push((0..n).map(|_| (1.0 / (0.01 + next())).floor()).collect());
        }
        columns.push((0..n).map(|i| columns[1][i] - columns[2][i] + near * next()).collect());
        let unit: Vec<f64> = (0..n).map(|_| (8.0 * next() - 4.0).exp()).collect();
        let x = Matrix { columns, constant: true };
        let zeros = vec![0.0; n];
        for unit in [None, Some(&unit[..])] {
            let solution = solve(&x, Response { values: &zeros, pivot: 0.0 }, unit);
            assert_eq!(solution.size(), 5);
            let mut wanted = [0.0_f64; 6];
            solution
                .shares(&x, |range, leverage, shares| {
                    let rows = range.len();
                    range
                        .map(|i| unit.map_or(1.0, |unit| unit[i]))
                        .enumerate()
                        .map(move |(i, w)| {
                            let of_row = std::iter::once(leverage[i]).chain((0..5).map(|j| shares[j * rows + i]));
                            of_row.map(|x| w * x).collect::<Vec<f64>>()
                        })
                        .collect::<Vec<_>>()
                })
                .iter()
                .flatten()
                .for_each(|row| wanted.iter_mut().zip(row).for_each(|(w, x)| *w = w.max(*x)));
            let (leverage, shares) = solution.largest(&x, unit);
            close(leverage, wanted[0], 1e-9);
            shares.iter().zip(&wanted[1..]).for_each(|(got, wanted)| close(*got, *wanted, 1e-9));
        }
    }
}
