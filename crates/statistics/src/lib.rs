//! Estimators: what every analytic command computes from rows of numbers (`statistics.md`). Each stands in a file of its own with
//! formula and source. They read through [`Rows`], know no dataset and no person beyond a number per row, and do no I/O.
//!
//! What comes out are raw numbers: only `engine` may use this crate, and it puts them behind the disclosure gate.

mod counts;
pub mod descriptive;
pub mod design;
pub mod fit;
pub mod graphics;
pub mod likelihood;
pub mod linear;
pub mod mixed;
mod order;
mod problem;
pub mod rdd;
pub mod rows;
pub mod survival;
mod texts;

pub use problem::{Notice, Problem};
pub use rows::{Category, Frame, Rows, Table};
