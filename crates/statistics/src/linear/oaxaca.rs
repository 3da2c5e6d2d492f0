//! `oaxaca`: what part of the difference of two groups' means follows from their composition (R. Oaxaca, 1973; A. Blinder, 1973;
//! STAT-150). Errors by the delta method, the means being estimates too (B. Jann, 2008).

use nalgebra::{DMatrix, DVector};

use super::columns::{Filled, by_block, gram, sum, totals, tree};
use super::influence::influence;
use super::model::{Errors, notices};
use super::patterns::{NONE, Patterns, Request};
use super::regress::{sandwich, square_sums};
use super::solve::{Response, Solution, solve};
use crate::design::{Column, Design, Part, Term, variables};
use crate::fit::Influence;
use crate::problem::{Notice, Problem};
use crate::rows::{Frame, Rows};

/// The decomposition.
#[derive(Clone, Debug)]
pub struct Oaxaca {
    /// The dependent variable.
    pub y: usize,
    /// The terms.
    pub terms: Vec<Term>,
    /// Whether there is a constant.
    pub constant: bool,
    /// The variable of the two groups.
    pub by: usize,
    /// The value of group A at the rows; the group with the larger mean where it is not given.
    pub first: Option<f64>,
    /// With the estimates of both groups together, in two parts.
    pub pool: bool,
    /// HC1 for the errors of the estimates.
    pub robust: bool,
}

/// A part of the difference, with what each column adds to it.
#[derive(Clone, PartialEq, Debug)]
pub struct Component {
    /// `endowments`, `coefficients`, `interaction`; `explained`, `unexplained`.
    pub name: &'static str,
    /// The sum over the columns.
    pub value: f64,
    /// Its standard error.
    pub se: f64,
    /// Label, value and standard error by column, the constant last.
    pub detail: Vec<(String, f64, f64)>,
}

/// A result.
#[derive(Clone, Debug)]
pub struct Decomposition {
    /// The values of the group variable: A, then B.
    pub groups: [f64; 2],
    /// Their means of y.
    pub means: [f64; 2],
    /// Their numbers of rows.
    pub n: [f64; 2],
    /// Mean of A less mean of B, and its standard error.
    pub gap: (f64, f64),
    /// Three parts, from the viewpoint of B.
    pub threefold: Vec<Component>,
    /// Two parts, where asked for.
    pub pooled: Vec<Component>,
    /// Labels of columns that were left out: a column that follows from others in one group is left out in both.
    pub omitted: Vec<String>,
    /// What is said beside it.
    pub notices: Vec<Notice>,
    /// The columns that are left.
    pub design: Design,
    /// The stronger influence of both groups' models, by column.
    pub influence: Influence,
}

/// The model of a group.
struct Group {
    n: f64,
    /// Mean of y.
    mean: f64,
    b: DVector<f64>,
    covariance: DMatrix<f64>,
    /// Means of the columns, and their covariance.
    x: DVector<f64>,
    spread: DMatrix<f64>,
    influence: Influence,
}

impl Oaxaca {
    /// Computes it. `persons` is the person of each source row, where one may have several rows.
    ///
    /// # Errors
    /// `E_NEEDS_TWO_GROUPS` when the group variable has not exactly two values, `E_COLLINEAR_ALL`, `E_NO_RESIDUAL_DF`, `E_STOPPED`.
    pub fn fit(&self, rows: &dyn Rows, persons: Option<&[u32]>) -> Result<Decomposition, Problem> {
        let mut covariates = variables(&self.terms);
        if covariates.contains(&self.y) || covariates.contains(&self.by) {
            return Err(Problem::new("E_COLLINEAR_ALL"));
        }
        covariates.push(self.by);
        let request = Request { covariates: &covariates, y: Some(self.y), cluster: None, places: persons.is_some() };
        let patterns = Patterns::of(rows, request)?;
        let place = super::model::place(&covariates);
        let whole = Design::of(rows, &patterns.frame, &place, &self.terms, self.constant)?;
        let column = &patterns.frame.columns[covariates.len() - 1];
        let mut values = column.clone();
        values.sort_by(f64::total_cmp);
        values.dedup();
        let [low, high] = values[..] else {
            return Err(Problem::with("E_NEEDS_TWO_GROUPS", rows.name(self.by)));
        };
        let parts = [low, high].map(|value| part(&patterns, |i| column[i] == value));
        let solutions = [&parts[0], &parts[1]].map(|part| least_squares(&whole, part));
        let mut gone: Vec<usize> = solutions.iter().flat_map(|s| s.omitted.iter().copied()).collect();
        gone.sort_unstable();
        gone.dedup();
        let omitted: Vec<String> = gone.iter().map(|j| whole.columns[*j].label.clone()).collect();
        let design = whole.without(&gone);
        if design.len() < 1 + usize::from(self.constant) {
            return Err(Problem::new("E_COLLINEAR_ALL"));
        }
        let [low_part, high_part] = parts;
        let mut groups =
            [Group::of(&design, low_part, self.robust, persons)?, Group::of(&design, high_part, self.robust, persons)?];
        let mut names = [low, high];
        let swap = match self.first {
            Some(first) => first == high,
            None => groups[1].mean > groups[0].mean,
        };
        if swap {
            groups.reverse();
            names.reverse();
        }
        let [a, b] = &groups;
        let pooled = if self.pool {
            self.pooled(&design, &patterns, covariates.len() - 1, names[0], (a, b))?
        } else {
            Vec::new()
        };
        let strongest = |x: f64, y: f64| x.max(y);
        let concentration = a.influence.concentration.iter().zip(&b.influence.concentration);
        let influence = Influence {
            leverage: strongest(a.influence.leverage, b.influence.leverage),
            concentration: concentration.map(|(x, y)| strongest(*x, *y)).collect(),
        };
        Ok(Decomposition {
            groups: names,
            means: [a.mean, b.mean],
            n: [a.n, b.n],
            gap: (a.mean - b.mean, (a.variance() + b.variance()).sqrt()),
            threefold: threefold(&design, a, b),
            pooled,
            notices: notices(&omitted),
            omitted,
            design,
            influence,
        })
    }

    /// The two parts with the estimates of both groups together, the group being in that model.
    fn pooled(
        &self,
        design: &Design,
        patterns: &Patterns,
        place: usize,
        first: f64,
        (a, b): (&Group, &Group),
    ) -> Result<Vec<Component>, Problem> {
        let mut with = design.clone();
        with.columns.push(Column { label: "group".to_owned(), term: None, parts: vec![(place, Part::Is(first))] });
        let solution = least_squares(&with, patterns);
        let size = design.len();
        if !solution.omitted.is_empty() {
            return Err(Problem::new("E_COLLINEAR_ALL"));
        }
        let covariance = errors(&with, patterns, &solution, self.robust)?.view((0, 0), (size, size)).into_owned();
        let both: DVector<f64> = solution.b.rows(0, size).into_owned();
        let d = &a.x - &b.x;
        let spread = &a.spread + &b.spread;
        let explained = component("explained", design, &|of| bilinear(&d, &both, &spread, &covariance, of));
        // x_A'(b_A − b) + x_B'(b − b_B): the estimates of the three models are taken as independent.
        let over = (&a.b - &both, &both - &b.b);
        let unexplained = component("unexplained", design, &|of| {
            let (value_a, own_a) = bilinear(&a.x, &over.0, &a.spread, &a.covariance, of);
            let (value_b, own_b) = bilinear(&b.x, &over.1, &b.spread, &b.covariance, of);
            let pooled = quadratic(&d, &covariance, of) + trace(&spread, &covariance, of);
            (value_a + value_b, own_a + own_b + pooled)
        });
        Ok(vec![explained, unexplained])
    }
}

/// (x_A − x_B)'b_B, x_B'(b_A − b_B) and (x_A − x_B)'(b_A − b_B).
fn threefold(design: &Design, a: &Group, b: &Group) -> Vec<Component> {
    let d = &a.x - &b.x;
    let change = &a.b - &b.b;
    let spread = &a.spread + &b.spread;
    let covariance = &a.covariance + &b.covariance;
    vec![
        component("endowments", design, &|of| bilinear(&d, &b.b, &spread, &b.covariance, of)),
        component("coefficients", design, &|of| bilinear(&b.x, &change, &b.spread, &covariance, of)),
        component("interaction", design, &|of| bilinear(&d, &change, &spread, &covariance, of)),
    ]
}

/// A part and its columns. `of` gives value and variance for some columns.
fn component(name: &'static str, design: &Design, of: &dyn Fn(&[usize]) -> (f64, f64)) -> Component {
    let all: Vec<usize> = design.order().collect();
    let (value, variance) = of(&all);
    let detail = all.iter().map(|j| {
        let (value, variance) = of(&[*j]);
        (design.columns[*j].label.clone(), value, variance.sqrt())
    });
    Component { name, value, se: variance.sqrt(), detail: detail.collect() }
}

/// x'b over some columns, and its variance when x and b are independent: x'V_b x + b'V_x b + tr(V_x V_b).
fn bilinear(
    x: &DVector<f64>,
    b: &DVector<f64>,
    of_x: &DMatrix<f64>,
    of_b: &DMatrix<f64>,
    columns: &[usize],
) -> (f64, f64) {
    let value = columns.iter().map(|j| x[*j] * b[*j]).sum();
    (value, quadratic(x, of_b, columns) + quadratic(b, of_x, columns) + trace(of_x, of_b, columns))
}

fn quadratic(x: &DVector<f64>, v: &DMatrix<f64>, columns: &[usize]) -> f64 {
    columns.iter().flat_map(|i| columns.iter().map(move |j| x[*i] * v[(*i, *j)] * x[*j])).sum()
}

fn trace(a: &DMatrix<f64>, b: &DMatrix<f64>, columns: &[usize]) -> f64 {
    columns.iter().flat_map(|i| columns.iter().map(move |j| a[(*i, *j)] * b[(*j, *i)])).sum()
}

fn least_squares(design: &Design, patterns: &Patterns) -> Solution {
    let means = patterns.means();
    let x = Filled { design, frame: &patterns.frame };
    solve(&x, Response { values: &means, pivot: patterns.pivot }, Some(&patterns.weight))
}

/// The covariance of the estimates: default or HC1.
fn errors(design: &Design, patterns: &Patterns, solution: &Solution, robust: bool) -> Result<DMatrix<f64>, Problem> {
    let (n, df) = (patterns.n, patterns.n - solution.size() as f64);
    if df <= 0.0 {
        return Err(Problem::new("E_NO_RESIDUAL_DF"));
    }
    let x = Filled { design, frame: &patterns.frame };
    let means = patterns.means();
    let residuals = solution.residuals(&x, Response { values: &means, pivot: patterns.pivot });
    if robust {
        return Ok(sandwich(solution, &x, patterns, &residuals, Errors::Robust, n / df, n / df));
    }
    Ok(solution.inverse() * (sum(square_sums(patterns, &residuals)) / df))
}

/// The patterns for which something holds.
fn part(patterns: &Patterns, holds: impl Fn(usize) -> bool) -> Patterns {
    let own: Vec<usize> = (0..patterns.len()).filter(|i| holds(*i)).collect();
    let pick = |all: &[f64]| own.iter().map(|i| all[*i]).collect::<Vec<f64>>();
    let mut number = vec![NONE; patterns.len()];
    own.iter().enumerate().for_each(|(new, old)| number[*old] = new as u32);
    let renumbered = |p: &u32| if *p == NONE { NONE } else { number[*p as usize] };
    let weight = pick(&patterns.weight);
    Patterns {
        frame: Frame {
            columns: patterns.frame.columns.iter().map(|column| pick(column)).collect(),
            origin: own.iter().map(|i| patterns.frame.origin[*i]).collect(),
        },
        n: sum(weight.iter().copied()),
        weight,
        sum: pick(&patterns.sum),
        squares: pick(&patterns.squares),
        pivot: patterns.pivot,
        range: patterns.range,
        whole: patterns.whole,
        clusters: None,
        by_row: patterns.by_row,
        places: patterns.places.as_ref().map(|places| places.iter().map(renumbered).collect()),
    }
}

impl Group {
    fn of(design: &Design, patterns: Patterns, robust: bool, persons: Option<&[u32]>) -> Result<Self, Problem> {
        let solution = least_squares(design, &patterns);
        let covariance = errors(design, &patterns, &solution, robust)?;
        let filled = Filled { design, frame: &patterns.frame };
        let n = patterns.n;
        let x = DVector::from_vec(totals(&filled, &patterns.weight)) / n;
        // Covariance of the columns, about their means.
        let about = x.clone();
        let parts = by_block(&filled, |range, block| {
            for (column, mean) in block.chunks_mut(range.len()).zip(about.iter()) {
                column.iter_mut().for_each(|x| *x -= mean);
            }
            gram(block, range.len(), Some(&patterns.weight[range]))
        });
        let size = design.len();
        let squares = tree(parts, super::columns::add).unwrap_or_else(|| vec![0.0; size * size]);
        let spread = DMatrix::from_vec(size, size, squares) / ((n - 1.0) * n);
        let mean = patterns.pivot + sum(patterns.sum.iter().copied()) / n;
        let influence = influence(&filled, &solution, None, &patterns, persons);
        Ok(Self { n, mean, b: solution.b, covariance, x, spread, influence })
    }

    /// The variance of x'b at the means.
    fn variance(&self) -> f64 {
        let all: Vec<usize> = (0..self.b.len()).collect();
        bilinear(&self.x, &self.b, &self.spread, &self.covariance, &all).1
    }
}

#[cfg(test)]
#[path = "oaxaca_tests.rs"]
mod tests;
