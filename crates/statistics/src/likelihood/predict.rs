//! What a fitted model says of each row (section 4): probabilities, expected counts, linear indices, residuals.

use super::Model;
use super::binary::Link;
use super::multinomial::Multinomial;
use super::ordered::shares;
use super::sample::Sample;
use crate::design::{Design, variables};
use crate::fit::Fit;
use crate::linear::model::{Known, place};
use crate::problem::Problem;
use crate::rows::{CHUNK, Frame, Rows};

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
    known: Known,
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
        let mut read = variables(&self.model.terms);
        let exposure = if let Kind::Count(exposure) = self.kind { exposure } else { None };
        read.extend(exposure.filter(|e| !read.contains(e)));
        let frame = Frame::of(rows, &read);
        let k = self.design.len();
        let equations = if let Kind::Multinomial(_, names) = &self.kind { names.len() - 1 } else { 1 };
        let mut indices: Vec<Vec<f64>> =
            (0..equations).map(|e| linear(&self.design, &frame, &self.b[e * k..(e + 1) * k])).collect();
        if let Some(exposure) = exposure {
            let exposure = &frame.columns[place(&read)(exposure)];
            indices[0].iter_mut().zip(exposure).for_each(|(u, x)| *u += x.ln());
        }
        let names = self.names(wanted);
        let mut found = vec![Vec::with_capacity(frame.len()); names.len()];
        let mut u = vec![0.0; equations];
        for i in 0..frame.len() {
            u.iter_mut().zip(&indices).for_each(|(u, all)| *u = all[i]);
            self.answer(wanted, &u, &mut found);
        }
        let mut all = Vec::new();
        for (outcome, values) in names.into_iter().zip(found) {
            let mut values = self.known.by_source(&frame, &values, rows.len());
            if wanted == Wanted::Residuals {
                take_from_outcome(rows, self.model.y, &mut values)?;
            }
            all.push(Predicted { outcome, values });
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

    /// Adds what is said of a row with these linear indices; for residuals what the outcome is expected to be.
    fn answer(&self, wanted: Wanted, u: &[f64], found: &mut [Vec<f64>]) {
        let linear = wanted == Wanted::Predicted;
        match &self.kind {
            Kind::Binary(link) => found[0].push(if linear { u[0] } else { link.probability(u[0])[0] }),
            Kind::Count(_) => found[0].push(u[0].exp()),
            Kind::Ordered(_) if linear => found[0].push(u[0]),
            Kind::Ordered(_) => {
                let shares = shares(u[0], &self.b[self.design.len()..]);
                found.iter_mut().zip(shares).for_each(|(found, p)| found.push(p));
            }
            Kind::Multinomial(multinomial, _) => {
                let total = Multinomial::total(u);
                let each = |u: f64| if linear { u } else { (u - total).exp() };
                if let Some(found) = found.get_mut(multinomial.base) {
                    found.push(each(0.0));
                }
                for (outcome, u) in multinomial.others().zip(u) {
                    if let Some(found) = found.get_mut(outcome) {
                        found.push(each(*u));
                    }
                }
            }
        }
    }
}

/// x'b of the rows of a frame.
pub(crate) fn linear(design: &Design, frame: &Frame, b: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; frame.len()];
    let mut columns = Vec::new();
    for (chunk, out) in out.chunks_mut(CHUNK).enumerate() {
        let range = chunk * CHUNK..chunk * CHUNK + out.len();
        columns.resize(b.len() * out.len(), 0.0);
        design.fill(frame, range, &mut columns[..b.len() * out.len()]);
        for (column, b) in columns.chunks(out.len()).zip(b) {
            out.iter_mut().zip(column).for_each(|(out, x)| *out += b * x);
        }
    }
    out
}

/// Puts y less the value in place of the values of the rows of the source.
///
/// # Errors
/// `E_STOPPED`.
pub(crate) fn take_from_outcome(rows: &dyn Rows, y: usize, values: &mut [f64]) -> Result<(), Problem> {
    let mut read = vec![0.0; CHUNK];
    for (chunk, values) in values.chunks_mut(CHUNK).enumerate() {
        if rows.stopped() {
            return Err(Problem::new("E_STOPPED"));
        }
        let read = &mut read[..values.len()];
        rows.read(y, chunk * CHUNK..chunk * CHUNK + values.len(), read);
        values.iter_mut().zip(read.iter()).for_each(|(value, y)| *value = *y - *value);
    }
    Ok(())
}
