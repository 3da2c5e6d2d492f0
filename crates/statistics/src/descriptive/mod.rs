//! Descriptive numbers and classical tests (statistics.md sections 2 and 8.1): moments, percentiles, correlation, limits of means,
//! tests of normality and of differences between groups.

mod correlate;
mod groups;
mod moments;
mod normality;

pub use correlate::{Correlate, Correlations, Pair, correlate, kendall, spearman};
pub use groups::{EqualVariance, Mean, TTests, ci, equal_variance, kruskal, transitions, ttest};
pub use moments::{Moments, PercentileType, gini, gini_of, interpolated, percentile, percentile_of, sum, sums};
pub use normality::{MOST, Normality, Tested, normaltest};
