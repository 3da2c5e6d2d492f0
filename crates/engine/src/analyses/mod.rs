//! Analytic commands over a dataset: from the plan of a command to work that the gate lets be done (`fits`). The estimators are in
//! crate `statistics`; here stand which rows they read, and what the gate must know of the persons behind their numbers.

mod describe;
mod evidence;
mod fit;
mod linear;
mod model;
mod plots;
mod predict;
mod sample;
mod tables;

pub(crate) use describe::DescribeWork;
pub(crate) use model::ModelWork;
pub(crate) use plots::{hexbin, histogram};
pub(crate) use predict::{Predicting, Slot, column as predicted_column, predict};
pub(crate) use tables::{boxes, flows, pie, transitions};
