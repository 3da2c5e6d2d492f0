//! Least squares and what builds on it. The pieces that other estimators use: [`Patterns`] (rows compressed to what differs),
//! [`Columns`] (where a design's numbers come from), [`solve()`] (weighted least squares with the rule for collinear columns) and
//! [`influence()`] (how much single persons decide).

pub mod anova;
pub mod columns;
mod grid;
mod influence;
pub mod iv;
mod lookup;
pub mod model;
mod number;
pub mod oaxaca;
pub mod panel;
mod patterns;
mod qr;
pub mod regress;
mod solve;
mod tally;
pub(crate) mod tile;

pub use columns::{Columns, Filled, Matrix};
pub use influence::{influence, influence_of_rows};
pub use model::{Errors, Sample};
pub use patterns::{Clusters, NONE, Patterns, Request};
pub use solve::{Response, Solution, cluster_sums, solve};
