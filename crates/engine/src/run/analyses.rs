//! Analytic commands: models, predictions, and what describes variables. They are computed when the gate has said on whom.

use std::sync::PoisonError;

use script::program::{Describe, DescribeKind, Model, Predict};

use super::{OCCASION, Outcome, Run};
use crate::analyses::{self, DescribeWork, ModelWork, Predicting};
use crate::control::Control;
use crate::dataset::DatasetKind;
use crate::error::RunError;
use crate::raw::Raw;
use crate::statistics::Wanted;
use crate::table::Scan;

impl Run {
    pub(super) fn model(&self, plan: &Model, control: &dyn Control) -> Result<Outcome, RunError> {
        self.scan(plan.condition.as_ref(), false, false, control, |scan| {
            panel_where_needed(scan, plan)?;
            let work = ModelWork::of(scan, plan, self.language)?;
            Ok(Outcome::Model(Raw::new(work.raw(control)?)))
        })
    }

    /// The columns come when the gate has let the model be computed, and [`Run::accept`] is called.
    pub(super) fn predict(&mut self, plan: &Predict, control: &dyn Control) -> Result<Outcome, RunError> {
        let mut predicting = None;
        let outcome = self.scan(plan.model.condition.as_ref(), false, false, control, |scan| {
            panel_where_needed(scan, &plan.model)?;
            let Predicting { raw, slot, head } = analyses::predict(scan, plan, self.language)?;
            predicting = Some((slot, head));
            Ok(Outcome::Predictions(Raw::new(raw)))
        })?;
        self.predicting = predicting;
        Ok(outcome)
    }

    /// Puts predicted columns into the dataset that they were computed over.
    pub(super) fn put_predicted(&mut self) {
        let Some((slot, head)) = self.predicting.take() else { return };
        let columns = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Ok(mut dataset) = self.active().cloned() else { return };
        for (name, values) in columns.into_iter().flatten() {
            let column = analyses::predicted_column(&head, &name, values);
            dataset.put(&name, column);
        }
        self.insert(super::held(dataset));
    }

    pub(super) fn describe(&self, plan: &Describe, control: &dyn Control) -> Result<Outcome, RunError> {
        self.scan(plan.condition.as_ref(), false, false, control, |scan| {
            let work = || DescribeWork::of(scan, plan, self.language);
            Ok(match plan.kind {
                DescribeKind::Correlate => Outcome::Correlations(Raw::new(work()?.correlations(control)?)),
                DescribeKind::NormalTest => Outcome::Tests(Raw::new(work()?.tests(control)?)),
                DescribeKind::KaplanMeier | DescribeKind::Weibull => {
                    Outcome::Survival(Raw::new(work()?.survival(control)?))
                }
                DescribeKind::Ci => {
                    let names: Vec<&str> = plan.variables.iter().map(|v| &**v).collect();
                    Outcome::Summary(Raw::new(scan.summary(&names, Vec::new(), &Wanted::default())?))
                }
                DescribeKind::Transitions => {
                    if scan.dataset.kind != DatasetKind::Panel {
                        return Err(RunError::not_a_panel(&scan.dataset.name));
                    }
                    Outcome::Chart(Raw::new(analyses::transitions(scan, plan, OCCASION)?))
                }
                DescribeKind::Boxplot => Outcome::Chart(Raw::new(analyses::boxes(scan, plan)?)),
                DescribeKind::Sankey => Outcome::Chart(Raw::new(analyses::flows(scan, plan)?)),
                DescribeKind::Piechart => Outcome::Table(Raw::new(analyses::pie(scan, plan)?)),
                DescribeKind::Histogram => Outcome::Histogram(Raw::new(analyses::histogram(scan, plan)?)),
                DescribeKind::Hexbin => Outcome::Hexbin(Raw::new(analyses::hexbin(scan, plan)?)),
            })
        })
    }
}

fn panel_where_needed(scan: &Scan<'_>, plan: &Model) -> Result<(), RunError> {
    let word = plan.kind.word();
    if (word.contains("-panel") || word == "hausman") && scan.dataset.kind != DatasetKind::Panel {
        return Err(RunError::not_a_panel(&scan.dataset.name));
    }
    Ok(())
}
