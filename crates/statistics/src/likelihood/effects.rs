//! Marginal effects (STAT-213, STAT-221) and predicted probabilities at means (STAT-214), with errors by the delta method.
//!
//! Of F, a probability or its logarithm, as a function of linear indices u = x'b₁, x'b₂, …: the effect of column m is
//! Σ_e F_e·b_em, and its derivative with respect to b_sc is x_c·Σ_e F_es·b_em + F_s·[c = m]; `eyex` and `dyex` multiply
//! both by x_m. Every column counts as continuous.

use nalgebra::{DMatrix, DVector};

use super::Model;
use super::binary::Link;
use super::cells::{LEAF, moments, tree};
use super::finish::Estimated;
use super::sample::Sample;
use crate::design::Part;
use crate::fit::Margin;
use crate::problem::Problem;
use crate::rows::Rows;

/// What an effect is: of the probability or of its logarithm, of x or of its logarithm.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum EffectKind {
    /// ∂P/∂x.
    #[default]
    DyDx,
    /// (∂P/∂x)(x/P).
    EyEx,
    /// (∂P/∂x)x.
    DyEx,
    /// (∂P/∂x)/P.
    EyDx,
}

impl EffectKind {
    /// The name in the language, and in labels.
    pub fn name(self) -> &'static str {
        match self {
            Self::DyDx => "dydx",
            Self::EyEx => "eyex",
            Self::DyEx => "dyex",
            Self::EyDx => "eydx",
        }
    }
}

/// Where an effect is computed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum EffectPlace {
    /// At every row; the mean is reported.
    #[default]
    Overall,
    /// At the means of all columns.
    Mean,
    /// At their medians.
    Median,
    /// At zero.
    Zero,
}

/// Effects that are asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Effects {
    /// `mfx`.
    pub kind: EffectKind,
    /// `mfx_at`.
    pub place: EffectPlace,
}

/// Probabilities as smooth functions of linear indices.
pub(crate) trait Smooth: Sync {
    /// The probability of an outcome at the indices. The derivatives go to `g` and `h`: of the probability or of its logarithm.
    fn derivatives(&self, outcome: usize, u: &[f64], log: bool, g: &mut [f64], h: &mut [f64]) -> f64;
}

/// Marginal effects of every column but the constant, for each outcome of which `names` has an entry: its
/// name, where there are several. Columns of control terms have none.
pub(crate) fn effects(
    smooth: &impl Smooth,
    sample: &Sample,
    names: &[Option<String>],
    found: &Estimated,
    asked: Effects,
    model: &Model,
) -> Vec<Margin> {
    let k = sample.k();
    let shown = |j: &usize| sample.design.columns[*j].term.is_some_and(|term| !model.terms[term].control);
    let mut all = Vec::new();
    for (outcome, name) in names.iter().enumerate() {
        let zero = || Sum::zero(k, found.b.len());
        let at = |x: Vec<f64>| {
            let mut sum = zero();
            sum.add(smooth, outcome, &found.b, asked.kind, &x, 1.0);
            sum
        };
        let sum = match asked.place {
            EffectPlace::Overall => {
                let leaf = |range: std::ops::Range<usize>| {
                    let mut sum = zero();
                    sample.cells.each_raw(range, |i, x| {
                        let weight = sample.cells.weight[i] / sample.n;
                        sum.add(smooth, outcome, &found.b, asked.kind, x, weight);
                    });
                    sum
                };
                tree(0..sample.cells.len(), LEAF.max(k * found.b.len() / 16), &leaf, &Sum::plus)
            }
            EffectPlace::Mean => at(means(sample)),
            EffectPlace::Median => at((0..k).map(|j| median(sample, j)).collect()),
            EffectPlace::Zero => {
                at(sample.design.columns.iter().map(|c| f64::from(u8::from(c.term.is_none()))).collect())
            }
        };
        for j in sample.design.order().filter(shown) {
            let slope = sum.slopes.row(j);
            let variance = (slope * &found.covariance * slope.transpose())[(0, 0)];
            let label = &sample.design.columns[j].label;
            let label = name.as_ref().map_or_else(|| label.clone(), |name| format!("{name}:{label}"));
            all.push(Margin {
                label: format!("{}[{label}]", asked.kind.name()),
                estimate: sum.effects[j],
                se: variance.max(0.0).sqrt(),
            });
        }
    }
    all
}

/// The means of all columns as they were.
pub(crate) fn means(sample: &Sample) -> Vec<f64> {
    (0..sample.k()).map(|j| moments(&sample.cells.column(j), &sample.cells.weight, true).0).collect()
}

/// The median of a column: the mean of the two middle values where there are two.
fn median(sample: &Sample, j: usize) -> f64 {
    let values = sample.cells.column(j);
    let mut all: Vec<(f64, f64)> = values.into_iter().zip(sample.cells.weight.iter().copied()).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let value = |rank: f64| {
        let mut before = 0.0;
        let reaches = |(_, w): &&(f64, f64)| {
            before += w;
            before > rank
        };
        all.iter().find(reaches).map_or(f64::NAN, |(x, _)| *x)
    };
    let middle = 0.5 * (sample.n - 1.0);
    0.5 * (value(middle.floor()) + value(middle.ceil()))
}

/// Effects and their derivatives, added up over points.
struct Sum {
    effects: DVector<f64>,
    slopes: DMatrix<f64>,
}

impl Sum {
    fn zero(k: usize, p: usize) -> Self {
        Self { effects: DVector::zeros(k), slopes: DMatrix::zeros(k, p) }
    }

    fn plus(self, other: Self) -> Self {
        Self { effects: self.effects + other.effects, slopes: self.slopes + other.slopes }
    }

    fn add(&mut self, smooth: &impl Smooth, outcome: usize, b: &[f64], kind: EffectKind, x: &[f64], weight: f64) {
        let k = x.len();
        let equations = b.len() / k;
        let dot = |e: usize| x.iter().zip(&b[e * k..(e + 1) * k]).map(|(x, b)| x * b).sum::<f64>();
        let u: Vec<f64> = (0..equations).map(dot).collect();
        let (mut g, mut h) = (vec![0.0; equations], vec![0.0; equations * equations]);
        let log = matches!(kind, EffectKind::EyEx | EffectKind::EyDx);
        smooth.derivatives(outcome, &u, log, &mut g, &mut h);
        for m in 0..k {
            let by = match kind {
                EffectKind::EyEx | EffectKind::DyEx => x[m],
                EffectKind::DyDx | EffectKind::EyDx => 1.0,
            } * weight;
            self.effects[m] += by * (0..equations).map(|e| g[e] * b[e * k + m]).sum::<f64>();
            for s in 0..equations {
                let bend: f64 = (0..equations).map(|e| h[e * equations + s] * b[e * k + m]).sum();
                x.iter().enumerate().for_each(|(c, x)| self.slopes[(m, s * k + c)] += by * bend * x);
                self.slopes[(m, s * k + m)] += by * g[s];
            }
        }
    }
}

/// The probability at the means of all columns, or with a variable of zeros and ones at each of the two.
///
/// # Errors
/// `E_MARGINS_NEEDS_DUMMY`.
pub(crate) fn margins(
    link: &Link,
    sample: &Sample,
    found: &Estimated,
    by: Option<usize>,
    rows: &dyn Rows,
    model: &Model,
) -> Result<Vec<Margin>, Problem> {
    let at = means(sample);
    let one = |label: String, x: &[f64]| {
        let x = DVector::from_column_slice(x);
        let index = x.dot(&DVector::from_column_slice(&found.b));
        let [p, density, _] = link.probability(index);
        let variance = (x.transpose() * &found.covariance * &x)[(0, 0)];
        Margin { label, estimate: p, se: density * variance.max(0.0).sqrt() }
    };
    let Some(variable) = by else {
        return Ok(vec![one("margin[_cons]".to_owned(), &at)]);
    };
    let name = rows.name(variable);
    let column = dummy(sample, variable, model).ok_or_else(|| Problem::with("E_MARGINS_NEEDS_DUMMY", name))?;
    let with = |value: f64| {
        let mut x = at.clone();
        x[column] = value;
        one(format!("margin[{name}={value}]"), &x)
    };
    Ok(vec![with(0.0), with(1.0)])
}

/// The only column of a variable that is zero or one.
fn dummy(sample: &Sample, variable: usize, model: &Model) -> Option<usize> {
    let of = |j: &usize| {
        let term = sample.design.columns[*j].term.map(|term| &model.terms[term].pieces);
        term.is_some_and(|pieces| pieces.len() == 1 && pieces[0].variable == variable)
    };
    let own: Vec<usize> = (0..sample.k()).filter(of).collect();
    let [column] = own[..] else { return None };
    let binary = match sample.design.columns[column].parts[..] {
        [(_, Part::Is(_))] => true,
        _ => sample.cells.column(column).iter().all(|x| *x == 0.0 || *x == 1.0),
    };
    binary.then_some(column)
}
