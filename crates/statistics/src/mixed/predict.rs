//! The effects of groups, and what a mixed model says of each row (section 4).

use std::collections::HashMap;

use super::profile::Point;
use super::sample::Sample;
use super::structure::{Group, factor, kernel};
use super::{Mixed, MixedModel};
use crate::design::{Design, variables};
use crate::likelihood::{Wanted, linear, take_from_outcome};
use crate::problem::Problem;
use crate::rows::{Frame, Rows};

/// Effects of groups of the top level, intercept and slope, by the bits of the group; and those of groups within them.
pub(super) type Effects = (HashMap<u64, [f64; 2]>, HashMap<(u64, u64), f64>);

/// The predicted effects of groups: their covariance with y times V⁻¹(y − x'b).
pub(super) fn effects(model: &MixedModel, sample: &Sample, point: &Point) -> Effects {
    let (k, y_scale) = (sample.k, sample.y_scale);
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
        let frame = Frame::of(rows, &read);
        let mut values = linear(&self.design, &frame, &self.b);
        let mut others = frame.columns[terms.len()..].iter();
        let bits = |column: Option<&Vec<f64>>, i: usize| column.map_or(0, |c| (c[i] + 0.0).to_bits());
        let (top, inner) = (others.next(), self.model.inner.and_then(|_| others.next()));
        let slope = others.next();
        for (i, value) in values.iter_mut().enumerate() {
            let top = bits(top, i);
            let [of_top, of_slope] = self.tops.get(&top).copied().unwrap_or([0.0; 2]);
            let of_inner = self.inners.get(&(top, bits(inner, i))).copied().unwrap_or(0.0);
            *value += of_top + of_inner + slope.map_or(0.0, |x| of_slope * x[i]);
        }
        let mut out = self.known.by_source(&frame, &values, rows.len());
        if wanted == Wanted::Residuals {
            take_from_outcome(rows, self.model.y, &mut out)?;
        }
        Ok(out)
    }
}
