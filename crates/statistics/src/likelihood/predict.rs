//! What a fitted model says of each row (section 4): probabilities, expected counts, linear indices, residuals.

use super::Model;
use super::binary::Link;
use super::multinomial::Multinomial;
use super::ordered::shares;
use super::sample::Sample;
use crate::design::{Design, Form, Term, variables};
use crate::fit::Fit;
use crate::problem::Problem;
use crate::rows::{Frame, Rows};

/// What a model is of, for predictions.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Kind {
    /// Of a probability.
    Binary(Link),
    /// Of several, with the codes of the outcomes.
    Multinomial(Multinomial, Vec<String>),
    /// Of ordered outcomes with these codes.
    Ordered(Vec<String>),
    /// Of a count, with the variable of its exposure.
    Count(Option<usize>),
}

/// A fitted model with what predictions need.
#[derive(Clone, PartialEq, Debug)]
pub struct Fitted {
    /// The estimates and the numbers about the fit.
    pub fit: Fit,
    kind: Kind,
    model: Model,
    design: Design,
    b: Vec<f64>,
    /// The categories that occurred, of each variable of the terms that is a factor.
    known: Vec<Option<Vec<bool>>>,
}

/// What is wanted of each row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wanted {
    /// The probability of 1, or that of each outcome.
    Probabilities,
    /// The linear index; of a count its expected value.
    Predicted,
    /// y less the probability or the expected count.
    Residuals,
}

/// A variable of predictions.
#[derive(Clone, PartialEq, Debug)]
pub struct Predicted {
    /// The code of the outcome that it is about, where there are several.
    pub outcome: Option<String>,
    /// One value per row of the source; NaN where a regressor is missing, or the outcome of a residual.
    pub values: Vec<f64>,
}

impl Fitted {
    pub(crate) fn new(fit: Fit, kind: Kind, sample: &Sample, model: &Model, b: Vec<f64>) -> Self {
        Self { fit, kind, model: model.clone(), design: (*sample.design).clone(), b, known: sample.known.clone() }
    }

    /// The columns of the model in the order of [`crate::fit::Influence`].
    pub fn design(&self) -> &Design {
        &self.design
    }

    /// Predictions for all rows in which no regressor is missing, even where the outcome is. A row with a category that did not
    /// occur in the sample has none. Multinomial models have no residuals.
    ///
    /// # Errors
    /// `E_STOPPED`.
    pub fn predict(&self, rows: &dyn Rows, wanted: Wanted) -> Result<Vec<Predicted>, Problem> {
        let terms = variables(&self.model.terms);
        let mut read = terms.clone();
        let exposure = if let Kind::Count(exposure) = self.kind { exposure } else { None };
        read.extend(exposure);
        let mut frame = Frame::of(rows, &read);
        // The place of the outcome, which the design counts from.
        frame.columns.insert(0, Vec::new());
        let outcomes = self.names(wanted);
        let mut all: Vec<Predicted> =
            outcomes.into_iter().map(|outcome| Predicted { outcome, values: vec![f64::NAN; rows.len()] }).collect();
        let k = self.design.len();
        let mut columns = Vec::new();
        let mut y = vec![0.0; crate::rows::CHUNK];
        let mut at = 0;
        let mut answers = Vec::new();
        while at < frame.len() {
            if rows.stopped() {
                return Err(Problem::new("E_STOPPED"));
            }
            // Rows of one chunk of the source, so that its outcomes are read together.
            let start = frame.origin[at] as usize / crate::rows::CHUNK * crate::rows::CHUNK;
            let end = (start + crate::rows::CHUNK).min(rows.len());
            let until = at + frame.origin[at..].partition_point(|o| (*o as usize) < end);
            let size = until - at;
            columns.resize(k * size, 0.0);
            self.design.fill(&frame, at..until, &mut columns[..k * size]);
            if wanted == Wanted::Residuals {
                rows.read(self.model.y, start..end, &mut y[..end - start]);
            }
            for i in 0..size {
                let row = at + i;
                if self.unknown(&frame, row) {
                    continue;
                }
                let index = |e: usize| (0..k).map(|j| columns[j * size + i] * self.b[e * k + j]).sum::<f64>();
                let offset = exposure.map_or(0.0, |_| frame.columns[1 + terms.len()][row].ln());
                let origin = frame.origin[row] as usize;
                answers.clear();
                self.answer(wanted, &index, offset, y[origin - start], &mut answers);
                all.iter_mut().zip(&answers).for_each(|(out, value)| out.values[origin] = *value);
            }
            at = until;
        }
        Ok(all)
    }

    fn names(&self, wanted: Wanted) -> Vec<Option<String>> {
        match (&self.kind, wanted) {
            (Kind::Multinomial(..), Wanted::Residuals) | (Kind::Ordered(_), Wanted::Residuals) => Vec::new(),
            (Kind::Multinomial(_, names), _) | (Kind::Ordered(names), Wanted::Probabilities) => {
                names.iter().cloned().map(Some).collect()
            }
            _ => vec![None],
        }
    }

    /// Whether a factor has a category that did not occur in the sample.
    fn unknown(&self, frame: &Frame, row: usize) -> bool {
        let factors = self.known.iter().enumerate();
        factors.filter_map(|(place, known)| Some((place, known.as_ref()?))).any(|(place, known)| {
            let category = frame.columns[1 + place][row] as usize;
            !known.get(category).copied().unwrap_or(false)
        })
    }

    fn answer(&self, wanted: Wanted, index: &dyn Fn(usize) -> f64, offset: f64, y: f64, out: &mut Vec<f64>) {
        match &self.kind {
            Kind::Binary(link) => {
                let p = link.probability(index(0))[0];
                out.push(match wanted {
                    Wanted::Probabilities => p,
                    Wanted::Predicted => index(0),
                    Wanted::Residuals => y - p,
                });
            }
            Kind::Count(_) => {
                let mean = (index(0) + offset).exp();
                out.push(if wanted == Wanted::Residuals { y - mean } else { mean });
            }
            Kind::Ordered(_) => match wanted {
                Wanted::Probabilities => out.extend(shares(index(0), &self.b[self.design.len()..])),
                _ => out.push(index(0)),
            },
            Kind::Multinomial(multinomial, names) => {
                let u: Vec<f64> = (0..names.len() - 1).map(index).collect();
                let total = Multinomial::total(&u);
                out.resize(names.len(), 0.0);
                let of_base = if wanted == Wanted::Probabilities { (-total).exp() } else { 0.0 };
                out[multinomial.base] = of_base;
                for (outcome, u) in multinomial.others().zip(&u) {
                    out[outcome] = if wanted == Wanted::Probabilities { (u - total).exp() } else { *u };
                }
            }
        }
    }
}

/// The categories that occur, of each variable of the terms that enters as a factor. The variables stand from the second column of
/// the frame on.
pub(crate) fn known(rows: &dyn Rows, terms: &[Term], frame: &Frame) -> Vec<Option<Vec<bool>>> {
    let factor = |v: usize| {
        let pieces = terms.iter().flat_map(|t| &t.pieces);
        pieces.filter(|p| p.variable == v).any(|p| matches!(p.form, Form::Factor { .. }))
    };
    let of = |(place, v): (usize, usize)| {
        factor(v).then(|| {
            let mut seen = vec![false; rows.categories(v).map_or(0, |c| c.len())];
            for x in &frame.columns[1 + place] {
                if let Some(seen) = seen.get_mut(*x as usize) {
                    *seen = true;
                }
            }
            seen
        })
    };
    variables(terms).into_iter().enumerate().map(of).collect()
}
