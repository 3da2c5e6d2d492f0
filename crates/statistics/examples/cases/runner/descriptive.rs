//! Descriptions, tests and regression discontinuity: cases as calls, results as named numbers.

use statistics::Problem;

use super::{Case, Sheet, Values};

/// The numbers of a case; none when its command is of another family.
pub fn compute(_case: &Case, _sheet: &mut Sheet) -> Option<Result<Values, Problem>> {
    None
}
