//! `regress-panel-diff`: difference in differences (STAT-140).

use std::ops::Range;
use std::sync::Arc;

use nalgebra::DMatrix;

use crate::design::{Form, Piece, Term};
use crate::fit::Fit;
use crate::linear::model::Errors;
use crate::linear::patterns::Clusters;
use crate::linear::regress::{Regress, Regression};
use crate::problem::{Notice, Problem};
use crate::rows::{Category, Frame, Rows};

/// The model.
#[derive(Clone, Debug)]
pub struct Differences {
    /// The dependent variable.
    pub y: usize,
    /// 1 for the group that is treated at some time, else 0.
    pub group: usize,
    /// 1 for the time of the treatment, or for those treated at the time, else 0.
    pub treated: usize,
    /// Further terms.
    pub terms: Vec<Term>,
    /// The variable that numbers the units.
    pub unit: usize,
    /// The variable of the time, as a number.
    pub time: usize,
    /// Errors by unit.
    pub robust: bool,
    /// A variable by which errors are clustered instead.
    pub cluster: Option<usize>,
}

/// The label of the average effect on the treated.
pub const EFFECT: &str = "atet";

impl Differences {
    /// Fits it. The first estimate is [`EFFECT`]; the rest is as in `regress`.
    ///
    /// # Errors
    /// `E_DID_NEEDS_FOUR_CELLS`, and those of `regress`.
    pub fn fit(&self, rows: &dyn Rows, persons: Option<&[u32]>) -> Result<Regression, Problem> {
        let covariates = crate::design::variables(&self.terms);
        let all: Vec<usize> =
            [self.y, self.group, self.treated, self.unit, self.time].into_iter().chain(covariates).collect();
        let frame = Frame::of(rows, &all);
        let mut cells = [[false; 2]; 2];
        for (group, treated) in frame.columns[1].iter().zip(&frame.columns[2]) {
            match (binary(*group), binary(*treated)) {
                (Some(group), Some(treated)) => cells[group][treated] = true,
                _ => return Err(Problem::new("E_DID_NEEDS_FOUR_CELLS")),
            }
        }
        let two_way = match cells {
            [[true, true], [true, true]] => false,
            // No control is ever treated: the variable is the product already.
            [[true, false], [true, true]] => true,
            _ => return Err(Problem::new("E_DID_NEEDS_FOUR_CELLS")),
        };
        let mut notices = Vec::new();
        if two_way {
            notices.push(Notice::new("W_DID_TWOWAY"));
        }
        if varies(&frame) {
            notices.push(Notice::with("W_GROUP_VARIES", rows.name(self.group)));
        }
        let number = |variable| Piece { variable, form: Form::Continuous };
        let mut terms = vec![Term::number(self.group), Term::number(self.treated)];
        if two_way {
            terms.push(Term {
                pieces: vec![Piece { variable: self.time, form: Form::Factor { base: None } }],
                control: true,
            });
        } else {
            terms.push(Term { pieces: vec![number(self.group), number(self.treated)], control: false });
        }
        terms.extend(self.terms.iter().cloned());
        let errors = match self.cluster {
            Some(cluster) => Errors::Cluster(cluster),
            None if self.robust => Errors::Cluster(self.unit),
            None => Errors::Default,
        };
        let model = Regress { errors, ..Regress::of(self.y, terms) };
        let effect = if two_way {
            rows.name(self.treated).to_owned()
        } else {
            format!("{}#{}", rows.name(self.group), rows.name(self.treated))
        };
        let mut regression = model.fit(&Times::of(rows, self.time, &frame.columns[4]), persons)?;
        first(&mut regression.fit, &effect)?;
        regression.fit.notices.extend(notices);
        Ok(regression)
    }
}

fn binary(x: f64) -> Option<usize> {
    match x {
        0.0 => Some(0),
        1.0 => Some(1),
        _ => None,
    }
}

/// Whether a unit changes its group.
fn varies(frame: &Frame) -> bool {
    let units = Clusters::of(&frame.columns[3]);
    let mut group = vec![f64::NAN; units.count];
    units.of.iter().zip(&frame.columns[1]).any(|(unit, x)| {
        let own = &mut group[*unit as usize];
        let differs = !own.is_nan() && *own != *x;
        *own = *x;
        differs
    })
}

/// Puts an estimate first, as the effect.
fn first(fit: &mut Fit, label: &str) -> Result<(), Problem> {
    let at = fit.estimates.iter().position(|e| e.label == label).ok_or(Problem::new("E_COLLINEAR_ALL"))?;
    let order: Vec<usize> = std::iter::once(at).chain((0..fit.estimates.len()).filter(|i| *i != at)).collect();
    fit.estimates = order.iter().map(|i| fit.estimates[*i].clone()).collect();
    fit.estimates[0].label = EFFECT.to_owned();
    fit.covariance = DMatrix::from_fn(order.len(), order.len(), |i, j| fit.covariance[(order[i], order[j])]);
    Ok(())
}

/// The rows with the time as a factor.
struct Times<'a> {
    rows: &'a dyn Rows,
    time: usize,
    values: Vec<f64>,
}

impl<'a> Times<'a> {
    fn of(rows: &'a dyn Rows, time: usize, column: &[f64]) -> Self {
        let mut values = column.to_vec();
        values.sort_by(f64::total_cmp);
        values.dedup();
        Self { rows, time, values }
    }
}

impl Rows for Times<'_> {
    fn len(&self) -> usize {
        self.rows.len()
    }
    fn name(&self, variable: usize) -> &str {
        self.rows.name(variable)
    }
    fn read(&self, variable: usize, range: Range<usize>, out: &mut [f64]) {
        self.rows.read(variable, range, out);
        if variable == self.time {
            let place = |x: f64| self.values.binary_search_by(|v| v.total_cmp(&x)).map_or(f64::NAN, |i| i as f64);
            out.iter_mut().for_each(|x| *x = place(*x));
        }
    }
    fn categories(&self, variable: usize) -> Option<Arc<[Category]>> {
        if variable != self.time {
            return self.rows.categories(variable);
        }
        Some(self.values.iter().map(|x| Category { code: format!("{x}"), number: Some(*x) }).collect())
    }
    fn stopped(&self) -> bool {
        self.rows.stopped()
    }
    fn step(&self, number: usize) -> bool {
        self.rows.step(number)
    }
}
