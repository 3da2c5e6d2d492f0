//! `regress-mml` (STAT-155..159): a linear mixed model with random intercepts for one level of groups or two, the second nested in
//! the first, or with a random slope (STAT-369), by restricted maximum likelihood.
//!
//! The model is y = x'b + u + e with u shared within a group. What a fit needs of the rows are sums per group (`structure`), from which
//! the restricted likelihood is maximised over the variance ratios (`profile`). Estimates are compared with the normal distribution.

mod profile;
mod structure;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use nalgebra::{DMatrix, DVector, Matrix2, Matrix2xX};

use crate::design::{Design, Term, variables};
use crate::fit::{Estimate, Fit};
use crate::likelihood::{Wanted, known_categories, tree};
use crate::linear::{Filled, Patterns, Request, Response, influence, solve};
use crate::problem::{Notice, Problem};
use crate::rows::{CHUNK, Frame, Rows};
use profile::{Point, Profile};
use structure::{Group, Structure, factor, kernel};

/// A mixed model.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MixedModel {
    /// The dependent variable.
    pub y: usize,
    /// The terms of the fixed part.
    pub terms: Vec<Term>,
    /// Whether there is a constant.
    pub constant: bool,
    /// The variable of the groups.
    pub group: usize,
    /// That of the groups within them.
    pub inner: Option<usize>,
    /// A variable whose slope differs between groups; only without `inner`.
    pub slope: Option<usize>,
    /// The person of each row of the source, where a person may have several: for the evidence of influence.
    pub persons: Option<Arc<[u32]>>,
}

/// A fitted mixed model.
#[derive(Clone, PartialEq, Debug)]
pub struct Mixed {
    /// The fixed part, and the numbers about the fit: `ll` is the restricted log-likelihood.
    pub fit: Fit,
    /// `var[school]`, `var[class]`, `var[residual]`; with a random slope `sd[…]` of the intercept, the slope and the residual, and
    /// `corr[…]`.
    pub variances: Vec<(String, f64)>,
    /// `icc[school]`, `icc[class]`: the correlation of two rows of a group.
    pub correlations: Vec<(String, f64)>,
    /// Number of groups of each level.
    pub groups: Vec<(String, u64)>,
    model: MixedModel,
    design: Design,
    known: Vec<Option<Vec<bool>>>,
    b: Vec<f64>,
    /// The predicted effects of groups of the top level, intercept and slope, by the bits of the group.
    tops: HashMap<u64, [f64; 2]>,
    /// Those of groups within them.
    inners: HashMap<(u64, u64), f64>,
}

/// Fits a mixed model. A variance of 0 is told by `W_VARIANCE_ZERO`.
///
/// # Errors
/// `E_NEEDS_TWO_GROUPS`, `E_NO_RESIDUAL_DF`, `E_COLLINEAR_ALL`, `E_NO_CONVERGENCE`, `E_STOPPED`.
pub fn regress_mml(rows: &dyn Rows, model: &MixedModel) -> Result<Mixed, Problem> {
    let terms = variables(&model.terms);
    if terms.contains(&model.y) {
        return Err(Problem::new("E_COLLINEAR_ALL"));
    }
    let mut covariates = vec![model.y];
    covariates.extend(&terms);
    let place = |covariates: &mut Vec<usize>, variable: usize| {
        covariates.iter().position(|v| *v == variable).unwrap_or_else(|| {
            covariates.push(variable);
            covariates.len() - 1
        })
    };
    let group = place(&mut covariates, model.group);
    let inner = model.inner.map(|v| place(&mut covariates, v));
    let slope = model.slope.map(|v| place(&mut covariates, v));
    let request = Request { covariates: &covariates, y: Some(model.y), cluster: None, places: model.persons.is_some() };
    let patterns = Patterns::of(rows, request)?;
    if patterns.is_empty() {
        return Err(Problem::new("E_NO_RESIDUAL_DF"));
    }
    let places = |v: usize| 1 + terms.iter().position(|t| *t == v).unwrap_or_default();
    let whole = Design::of(rows, &patterns.frame, &places, &model.terms, model.constant)?;
    let means = patterns.means();
    let response = Response { values: &means, pivot: patterns.pivot };
    let first = solve(&Filled { design: &whole, frame: &patterns.frame }, response, Some(&patterns.weight));
    let design = whole.without(&first.omitted);
    if design.columns.iter().all(|c| c.term.is_none()) && !model.terms.is_empty() {
        return Err(Problem::new("E_COLLINEAR_ALL"));
    }
    let sample = Sample::of(&patterns, &design, group, inner, slope);
    sample.check(rows, model)?;
    let squares = sample.squares();
    let structure = Structure::of(sample.groups(), model.inner.is_some(), model.slope.is_some());
    let profile = Profile { structure: &structure, whole: &squares, n: sample.n };
    let point = profile.maximum(&|| rows.stopped())?;
    let mut mixed = report(rows, model, &sample, &point, &design);
    let x = Filled { design: &design, frame: &patterns.frame };
    let evidence = solve(&x, response, Some(&patterns.weight));
    mixed.fit.influence = influence(&x, &evidence, None, &patterns, model.persons.as_deref());
    for omitted in &first.omitted {
        let label = &whole.columns[*omitted].label;
        mixed.fit.omitted.push(label.clone());
        mixed.fit.notices.push(Notice::with("W_COLLINEAR", label));
    }
    mixed.known = known_categories(rows, &model.terms, &patterns.frame);
    Ok(mixed)
}

/// The rows of a mixed model: columns shifted and scaled, y about its mean, and the groups.
struct Sample {
    k: usize,
    /// [X y], row by row.
    z: Vec<f64>,
    weight: Vec<f64>,
    /// The variable of the random slope, divided by `slope_scale`.
    slope: Vec<f64>,
    slope_scale: f64,
    /// By row the numbers of its group of the top level and of its innermost group.
    of: Vec<(u32, u32)>,
    /// The values of the groups: top, and top with inner.
    tops: Vec<u64>,
    inners: Vec<(u64, u64)>,
    n: f64,
    shift: Vec<f64>,
    scale: Vec<f64>,
    constant: bool,
}

impl Sample {
    fn of(patterns: &Patterns, design: &Design, group: usize, inner: Option<usize>, slope: Option<usize>) -> Self {
        let frame = &patterns.frame;
        let (k, m) = (design.len(), frame.len());
        let x = crate::likelihood::row_major(design, frame);
        let mut z = Vec::with_capacity((k + 1) * m);
        for (x, y) in x.chunks(k).zip(&frame.columns[0]) {
            z.extend_from_slice(x);
            z.push(*y);
        }
        let bits = |place: usize, i: usize| (frame.columns[place][i] + 0.0).to_bits();
        let key = |i: usize| (bits(group, i), inner.map_or(0, |place| bits(place, i)));
        let mut inners: Vec<(u64, u64)> = (0..m).map(key).collect();
        inners.sort_unstable();
        inners.dedup();
        let mut tops: Vec<u64> = inners.iter().map(|(top, _)| *top).collect();
        tops.dedup();
        let number = |i: usize| {
            let key = key(i);
            let top = tops.partition_point(|t| *t < key.0);
            (top as u32, inners.partition_point(|t| *t < key) as u32)
        };
        let of = (0..m).map(number).collect();
        let mut slope = slope.map(|place| frame.columns[place].clone()).unwrap_or_default();
        let slope_scale = slope.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
        let slope_scale = if slope_scale > 0.0 { slope_scale } else { 1.0 };
        slope.iter_mut().for_each(|x| *x /= slope_scale);
        let weight = patterns.weight.clone();
        let (shift, scale) = (vec![0.0; k + 1], vec![1.0; k + 1]);
        let n = patterns.n;
        let constant = design.constant;
        let mut sample = Self { k, z, weight, slope, slope_scale, of, tops, inners, n, shift, scale, constant };
        sample.standardise();
        sample
    }

    /// Shifts columns to their means where the constant takes that up, and divides them by their deviation.
    fn standardise(&mut self) {
        let width = self.k + 1;
        for j in usize::from(self.constant)..width {
            let values = || self.z.iter().skip(j).step_by(width).zip(&self.weight);
            let pivot = self.z[j];
            let mean = pivot + values().map(|(x, w)| w * (x - pivot)).sum::<f64>() / self.n;
            let shift = if self.constant { mean } else { 0.0 };
            let squares = values().map(|(x, w)| w * (x - shift) * (x - shift)).sum::<f64>() / self.n;
            let scale = if squares > 0.0 { squares.sqrt() } else { 1.0 };
            self.z.iter_mut().skip(j).step_by(width).for_each(|x| *x = (*x - shift) / scale);
            (self.shift[j], self.scale[j]) = (shift, scale);
        }
    }

    fn check(&self, rows: &dyn Rows, model: &MixedModel) -> Result<(), Problem> {
        if self.tops.len() < 2 {
            return Err(Problem::with("E_NEEDS_TWO_GROUPS", rows.name(model.group)));
        }
        // A level whose groups are those of the level above, or the rows themselves, has no variance of its own.
        if let Some(inner) = model.inner
            && self.inners.len() == self.tops.len()
        {
            return Err(Problem::with("E_NEEDS_TWO_GROUPS", rows.name(inner)));
        }
        if self.n <= (self.k as f64).max(self.inners.len() as f64) {
            return Err(Problem::new("E_NO_RESIDUAL_DF"));
        }
        Ok(())
    }

    /// [X y]'[X y].
    fn squares(&self) -> DMatrix<f64> {
        let width = self.k + 1;
        let leaf = |range: Range<usize>| {
            range.fold(DMatrix::zeros(width, width), |mut sum, i| {
                let z = DVector::from_column_slice(&self.z[i * width..(i + 1) * width]);
                sum.ger(self.weight[i], &z, &z, 1.0);
                sum
            })
        };
        tree(0..self.of.len(), &leaf, &|a, b| a + b)
    }

    /// Sums per innermost group.
    fn groups(&self) -> Vec<Group> {
        let width = self.k + 1;
        let top = |inner: &(u64, u64)| self.tops.partition_point(|t| *t < inner.0);
        let empty = |inner| Group { top: top(inner), inner: Matrix2::zeros(), outer: Matrix2xX::zeros(width) };
        let mut groups: Vec<Group> = self.inners.iter().map(empty).collect();
        for (i, (_, number)) in self.of.iter().enumerate() {
            let (group, w) = (&mut groups[*number as usize], self.weight[i]);
            let slope = self.slope.get(i).copied().unwrap_or(0.0);
            group.inner += Matrix2::new(w, w * slope, w * slope, w * slope * slope);
            for (j, z) in self.z[i * width..(i + 1) * width].iter().enumerate() {
                group.outer[(0, j)] += w * z;
                group.outer[(1, j)] += w * slope * z;
            }
        }
        groups
    }

    /// Turns coefficients of shifted and scaled columns into those of the columns as they were, y scaled back.
    fn back(&self) -> DMatrix<f64> {
        let y = self.scale[self.k];
        let mut back = DMatrix::from_fn(self.k, self.k, |i, j| if i == j { y / self.scale[j] } else { 0.0 });
        if self.constant {
            (1..self.k).for_each(|j| back[(0, j)] = -y * self.shift[j] / self.scale[j]);
        }
        back
    }
}

fn report(rows: &dyn Rows, model: &MixedModel, sample: &Sample, point: &Point, design: &Design) -> Mixed {
    let y_scale = sample.scale[sample.k];
    let variance = point.variance * y_scale * y_scale;
    let back = sample.back();
    let mut b = &back * &point.b;
    if sample.constant {
        b[0] += sample.shift[sample.k];
    }
    let covariance = &back * &point.inverse * back.transpose() * point.variance;
    let shown: Vec<usize> =
        design.order().filter(|j| design.columns[*j].term.is_none_or(|term| !model.terms[term].control)).collect();
    let estimate = |j: &usize| Estimate {
        label: design.columns[*j].label.clone(),
        column: Some(*j),
        b: b[*j],
        se: covariance[(*j, *j)].max(0.0).sqrt(),
    };
    // The scales change the density of y and |X'V⁻¹X|.
    let free = sample.n - sample.k as f64;
    let logs: f64 = sample.scale[..sample.k].iter().map(|s| s.ln()).sum();
    let value = point.value - free * y_scale.ln() - logs;
    let ratio = |at: usize| point.theta[at] * point.theta[at];
    let name = rows.name(model.group);
    let mut variances = Vec::new();
    let mut correlations = Vec::new();
    let mut groups = vec![(name.to_owned(), sample.tops.len() as u64)];
    let mut notices = Vec::new();
    if let Some(slope) = model.slope {
        let spread = factor(&point.theta);
        let spread = spread * spread.transpose() * variance;
        let (of_cons, of_slope) = (spread[(0, 0)].sqrt(), spread[(1, 1)].sqrt());
        let correlation = spread[(0, 1)] / (of_cons * of_slope);
        variances.push((format!("sd[{name}:_cons]"), of_cons));
        variances.push((format!("sd[{name}:{}]", rows.name(slope)), of_slope / sample.slope_scale));
        variances.push((format!("corr[{name}]"), correlation));
        variances.push(("sd[residual]".to_owned(), variance.sqrt()));
        if of_cons.min(of_slope) < 1e-6 * variance.sqrt() {
            notices.push(Notice::with("W_VARIANCE_ZERO", name));
        }
    } else {
        let levels: Vec<&str> = std::iter::once(name).chain(model.inner.map(|v| rows.name(v))).collect();
        let total = variance * (1.0 + (0..levels.len()).map(ratio).sum::<f64>());
        let mut shared = 0.0;
        for (at, level) in levels.iter().enumerate() {
            let of_level = variance * ratio(at);
            shared += of_level;
            variances.push((format!("var[{level}]"), of_level));
            correlations.push((format!("icc[{level}]"), shared / total));
            if of_level == 0.0 {
                notices.push(Notice::with("W_VARIANCE_ZERO", *level));
            }
        }
        variances.push(("var[residual]".to_owned(), variance));
        if let Some(inner) = levels.get(1) {
            groups.push(((*inner).to_owned(), sample.inners.len() as u64));
        }
    }
    let (tops, inners) = effects(model, sample, point);
    Mixed {
        fit: Fit {
            estimates: shown.iter().map(estimate).collect(),
            covariance: DMatrix::from_fn(shown.len(), shown.len(), |i, j| covariance[(shown[i], shown[j])]),
            residual_df: None,
            n: sample.n,
            scalars: vec![("n", sample.n), ("ll", value), ("minus_2ll", -2.0 * value), ("sigma", variance.sqrt())],
            tests: Vec::new(),
            margins: Vec::new(),
            omitted: Vec::new(),
            notices,
            influence: Default::default(),
            clusters: None,
        },
        variances,
        correlations,
        groups,
        model: model.clone(),
        design: design.clone(),
        known: Vec::new(),
        b: b.as_slice().to_vec(),
        tops,
        inners,
    }
}

type Effects = (HashMap<u64, [f64; 2]>, HashMap<(u64, u64), f64>);

/// The predicted effects of groups: their covariance with y times V⁻¹(y − x'b).
fn effects(model: &MixedModel, sample: &Sample, point: &Point) -> Effects {
    let (k, y_scale) = (sample.k, sample.scale[sample.k]);
    let rest = |group: &Group, row: usize| {
        let fitted: f64 = (0..k).map(|j| group.outer[(row, j)] * point.b[j]).sum();
        group.outer[(row, k)] - fitted
    };
    let groups = sample.groups();
    let (mut tops, mut inners) = (HashMap::new(), HashMap::new());
    if model.slope.is_some() {
        let l = factor(&point.theta);
        for (group, top) in groups.iter().zip(&sample.tops) {
            let effect = kernel(&l, &group.inner).0 * nalgebra::Vector2::new(rest(group, 0), rest(group, 1)) * y_scale;
            tops.insert(*top, [effect[0], effect[1] / sample.slope_scale]);
        }
        return (tops, inners);
    }
    let top_ratio = point.theta[0] * point.theta[0];
    let inner_ratio = if model.inner.is_some() { point.theta[1] * point.theta[1] } else { 0.0 };
    let mut start = 0;
    for of_top in groups.chunk_by(|a, b| a.top == b.top) {
        let a = |group: &Group| 1.0 / (1.0 + inner_ratio * group.size());
        let all: f64 = of_top.iter().map(|g| g.size() * a(g)).sum();
        let total: f64 = of_top.iter().map(|g| rest(g, 0) * a(g)).sum();
        let effect = top_ratio * total / (1.0 + top_ratio * all);
        tops.insert(sample.tops[of_top[0].top], [effect * y_scale, 0.0]);
        for (i, group) in of_top.iter().enumerate() {
            let within = inner_ratio * a(group) * (rest(group, 0) - group.size() * effect);
            if model.inner.is_some() {
                inners.insert(sample.inners[start + i], within * y_scale);
            }
        }
        start += of_top.len();
    }
    (tops, inners)
}

impl Mixed {
    /// The columns of the fixed part in the order of [`crate::fit::Influence`].
    pub fn design(&self) -> &Design {
        &self.design
    }

    /// x'b with the predicted effects of the groups, or what y differs from that, for each row of the source in which no regressor
    /// and no group is missing; NaN elsewhere. A group that was not in the sample counts with its mean, 0.
    ///
    /// # Errors
    /// `E_STOPPED`.
    pub fn predict(&self, rows: &dyn Rows, wanted: Wanted) -> Result<Vec<f64>, Problem> {
        let terms = variables(&self.model.terms);
        let mut read = terms.clone();
        read.push(self.model.group);
        read.extend(self.model.inner);
        read.extend(self.model.slope);
        let mut frame = Frame::of(rows, &read);
        frame.columns.insert(0, Vec::new());
        let x = crate::likelihood::row_major(&self.design, &frame);
        let mut out = vec![f64::NAN; rows.len()];
        let groups = 1 + terms.len();
        for (i, x) in x.chunks(self.design.len()).enumerate() {
            let unknown = |(place, known): (usize, &Option<Vec<bool>>)| {
                let category = |known: &Vec<bool>| known.get(frame.columns[1 + place][i] as usize).copied();
                known.as_ref().is_some_and(|known| !category(known).unwrap_or(false))
            };
            if self.known.iter().enumerate().any(unknown) {
                continue;
            }
            let bits = |place: usize| (frame.columns[place][i] + 0.0).to_bits();
            let top = bits(groups);
            let [intercept, slope] = self.tops.get(&top).copied().unwrap_or([0.0; 2]);
            let mut value: f64 = x.iter().zip(&self.b).map(|(x, b)| x * b).sum::<f64>() + intercept;
            if self.model.inner.is_some() {
                value += self.inners.get(&(top, bits(groups + 1))).copied().unwrap_or(0.0);
            }
            if self.model.slope.is_some() {
                value += slope * frame.columns[groups + 1 + usize::from(self.model.inner.is_some())][i];
            }
            out[frame.origin[i] as usize] = value;
        }
        if wanted == Wanted::Residuals {
            let mut y = vec![0.0; CHUNK];
            for start in (0..rows.len()).step_by(CHUNK) {
                if rows.stopped() {
                    return Err(Problem::new("E_STOPPED"));
                }
                let range = start..(start + CHUNK).min(rows.len());
                let y = &mut y[..range.len()];
                rows.read(self.model.y, range.clone(), y);
                out[range].iter_mut().zip(y.iter()).for_each(|(out, y)| *out = *y - *out);
            }
        }
        Ok(out)
    }
}
