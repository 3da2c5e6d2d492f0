//! Commands that look and leave the data as they are.

use std::sync::Arc;

use script::program::Expression;

use super::{Outcome, Run};
use crate::axis::AxisOptions;
use crate::control::Control;
use crate::error::RunError;

impl Run {
    pub(super) fn scan(
        &self,
        condition: Option<&Expression>,
        missing: bool,
        nolabels: bool,
        control: &dyn Control,
        work: impl FnOnce(&crate::table::Scan<'_>) -> Result<Outcome, RunError>,
    ) -> Result<Outcome, RunError> {
        let dataset = self.active()?;
        let condition = self.condition(dataset, condition, control)?;
        let here = || Arc::clone(&dataset.mask);
        let mask = condition.map_or_else(here, |c| Arc::new(dataset.mask.and(&c.rows)));
        let people = self.people(dataset)?;
        work(&crate::table::Scan {
            dataset,
            mask: &mask,
            people: &people,
            cache: &self.cache,
            parameters: &self.parameters,
            control,
            options: AxisOptions { missing, nolabels, language: self.language },
        })
    }
}
