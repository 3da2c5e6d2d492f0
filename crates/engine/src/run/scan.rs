//! Commands that look and leave the data as they are.

use std::sync::{Arc, Mutex, PoisonError};

use script::program::Expression;

use super::{Judged, Outcome, Run};
use crate::axis::AxisOptions;
use crate::control::Control;
use crate::dataset::column_key;
use crate::error::RunError;
use crate::raw::{Raw, RawVerdict};
use crate::table::Unlisted;

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
        let unlisted = Mutex::default();
        let then = work(&crate::table::Scan {
            dataset,
            mask: &mask,
            people: &people,
            cache: &self.cache,
            parameters: &self.parameters,
            control,
            options: AxisOptions { missing, nolabels, language: self.language },
            unlisted: &unlisted,
        })?;
        let unlisted: Vec<Unlisted> = unlisted.into_inner().unwrap_or_else(PoisonError::into_inner);
        if unlisted.is_empty() {
            return Ok(then);
        }
        // Whoever has such a value is left out of what the command gave; the gate says whether they are so many that it
        // cannot be carried out (SDC-181, LANG-163).
        let judged = |Unlisted { name, key: (key, origin), set, who, rows }| {
            let column_key = column_key("unlisted", &[&key]);
            let verdict = Raw::new(RawVerdict { cause: "E304", origin, column_key, set, who, rows });
            Judged { verdict, error: RunError::continuous(&name) }
        };
        Ok(Outcome::Judged { verdicts: unlisted.into_iter().map(judged).collect(), then: Box::new(then) })
    }
}
