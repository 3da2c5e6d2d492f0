//! Predictions: columns out of a model that is fitted as the gate lets it be fitted (LANG-208, STAT-170 to STAT-172). The numbers
//! stay here: the gate is asked whether there is a fit, and the columns are put into the dataset when it says so.

use std::sync::{Arc, Mutex, PoisonError};

use kernel::Language;
use roaring::RoaringBitmap;
use script::program::{ModelKind, Name, Predict};
use script::{DataType, program::Model};
use statistics::likelihood::{self, Wanted};
use statistics::mixed;

use super::model::ModelWork;
use super::sample::View;
use super::{fit, linear};
use crate::control::Control;
use crate::data::Data;
use crate::dataset::{Column, Core, column_key};
use crate::error::RunError;
use crate::mask::Mask;
use crate::raw::{Failed, Leaves, Over, PersonSet, RawAnalysis, RawPredicted, RawPredictions, Whom};
use crate::source::Values;
use crate::table::Scan;

/// Where the columns are put by the work and found by the run.
pub(crate) type Slot = Arc<Mutex<Option<Vec<(Name, Vec<f64>)>>>>;

/// A prediction command ready to be carried out.
struct PredictWork {
    model: ModelWork,
    columns: Vec<(&'static str, Name)>,
    /// Rows of the dataset, whether they meet the condition or not.
    rows: Arc<Mask>,
    slot: Slot,
}

/// What a prediction command gives: a result for the gate, where its columns will be, and what they are apart from values.
pub(crate) struct Predicting {
    pub(crate) raw: RawPredictions,
    pub(crate) slot: Slot,
    pub(crate) head: Column,
}

/// `…-predict`.
pub(crate) fn predict(scan: &Scan<'_>, plan: &Predict, language: Language) -> Result<Predicting, RunError> {
    let model = ModelWork::of(scan, &plan.model, language)?;
    let control = scan.control;
    let sample = model.sample.complete(&model.variables, control)?;
    let set = model.sample.people().set(&sample);
    let digest = format!("{:?}", Model { condition: None, ..plan.model.clone() });
    let (origin, key) = (model.sample.origin(), model.sample.key(&digest));
    // What a model gives depends on everybody in it.
    let predicted = column_key("predict", &[&key, &set.fingerprint.to_le_bytes()]);
    let head = Column {
        data: Arc::default(),
        data_type: DataType::Decimal,
        labels: None,
        flagged: Arc::default(),
        title: None,
        origin: Arc::new(origin.clone()),
        key: predicted,
        row_wise: false,
        import: None,
        core: Core::Derived(predicted),
        made: true,
    };
    let slot = Slot::default();
    let row_wise = model.sample.row_wise();
    let outside = model.sample.outside(control)?;
    let parts = model.parts(&model.sample.complete(&model.variables, control)?, control)?;
    let work = PredictWork {
        model,
        columns: plan.columns.clone(),
        rows: Arc::clone(&scan.dataset.mask),
        slot: Arc::clone(&slot),
    };
    let raw = RawAnalysis {
        origin,
        key,
        core: Some(work.model.sample.core()),
        row_wise,
        sample: set,
        outside,
        parts,
        work: Arc::new(work),
        computed: None,
    };
    Ok(Predicting { raw, slot, head })
}

impl Over<RawPredicted> for PredictWork {
    fn over(
        &self,
        persons: Option<&RoaringBitmap>,
        leaves: &dyn Leaves,
        control: &dyn Control,
    ) -> Result<RawPredicted, Failed> {
        let model = &self.model;
        let rows = model.sample.rows(&model.variables, persons, leaves, control)?;
        let view = View::fenced(&model.sample, &rows, control)?;
        let all = View::of(&model.sample, &self.rows, control);
        let columns = self.values(&view, &all)?;
        *self.slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(columns);
        Ok(RawPredicted)
    }
}

impl Whom for PredictWork {
    fn without(&self, categories: &[(usize, f64)], control: &dyn Control) -> Result<PersonSet, RunError> {
        self.model.without(categories, control)
    }

    fn covers(
        &self,
        persons: &RoaringBitmap,
        categories: &[(usize, f64)],
        control: &dyn Control,
    ) -> Result<bool, RunError> {
        self.model.covers(persons, categories, control)
    }
}

impl PredictWork {
    fn each(&self, values: impl Fn(&str) -> Vec<f64>) -> Vec<(Name, Vec<f64>)> {
        self.columns.iter().map(|(statistic, name)| (name.clone(), values(statistic))).collect()
    }

    /// Fits on the rows of `view`; values for the rows of `all`.
    fn values(&self, view: &View<'_>, all: &View<'_>) -> Result<Vec<(Name, Vec<f64>)>, Failed> {
        let persons = view.persons_by_row();
        let model = &self.model;
        // Of the same width as a displayed fit may have.
        model.survey(view)?;
        match model.plan.kind {
            ModelKind::Regress => {
                let fitted = fit::regress(model).fit(view, persons.as_deref())?;
                Ok(self.each(|statistic| match statistic {
                    "residuals" => fitted.residuals(all),
                    "cooksd" => fitted.cooksd(all),
                    _ => fitted.predicted(all),
                }))
            }
            ModelKind::RegressMml => {
                let fitted = mixed::regress_mml(view, &fit::mixed_model(model, persons))?;
                let each = self.columns.iter().map(|(statistic, name)| {
                    let wanted = if *statistic == "residuals" { Wanted::Residuals } else { Wanted::Predicted };
                    Ok((name.clone(), fitted.predict(all, wanted)?))
                });
                each.collect()
            }
            ModelKind::Ivregress => {
                let fitted = linear::instruments(model).fit(view, persons.as_deref())?;
                Ok(self.each(|statistic| match statistic {
                    "residuals" => fitted.residuals(all),
                    _ => fitted.predicted(all),
                }))
            }
            ModelKind::RegressPanel => match linear::panel(model) {
                Some(asked) => {
                    let fitted = asked.fit(view, persons.as_deref())?;
                    Ok(self.each(|statistic| match statistic {
                        "residuals" => fitted.residuals(all),
                        "effects" => fitted.effects(all),
                        _ => fitted.predicted(all),
                    }))
                }
                None => {
                    let fitted = fit::regress(model).fit(view, persons.as_deref())?;
                    Ok(self.each(|statistic| match statistic {
                        "residuals" => fitted.residuals(all),
                        _ => fitted.predicted(all),
                    }))
                }
            },
            kind => {
                let (asked, binary, counts) =
                    (fit::likelihood_model(model, persons), Default::default(), fit::counts(model));
                let fitted = match kind {
                    ModelKind::Logit => likelihood::logit(view, &asked, &binary),
                    ModelKind::Probit => likelihood::probit(view, &asked, &binary),
                    ModelKind::Mlogit => likelihood::mlogit(view, &asked, &Default::default()),
                    ModelKind::Poisson => likelihood::poisson(view, &asked, &counts),
                    ModelKind::NegativeBinomial => likelihood::negative_binomial(view, &asked, &counts),
                    _ => return Err(Failed::Run(RunError::not_yet(kind.word()))),
                }?;
                let mut columns = Vec::new();
                for (statistic, name) in &self.columns {
                    let wanted = match *statistic {
                        "probabilities" => Wanted::Probabilities,
                        "residuals" => Wanted::Residuals,
                        _ => Wanted::Predicted,
                    };
                    for predicted in fitted.predict(all, wanted)? {
                        columns.push((of_outcome(name, predicted.outcome.as_deref()), predicted.values));
                    }
                }
                Ok(columns)
            }
        }
    }
}

/// The column of an outcome: `name_code`, with `_` for what no name may hold (LANG-209).
fn of_outcome(name: &Name, outcome: Option<&str>) -> Name {
    let safe = |c: char| if c.is_alphanumeric() { c } else { '_' };
    match outcome {
        None => name.clone(),
        Some(outcome) => format!("{name}_{}", outcome.chars().map(safe).collect::<String>()).into(),
    }
}

/// A predicted column; missing where there is no value.
pub(crate) fn column(head: &Column, name: &Name, values: Vec<f64>) -> Column {
    let valid: Vec<bool> = values.iter().map(|x| x.is_finite()).collect();
    let values: Vec<f64> = values.into_iter().map(|x| if x.is_finite() { x } else { 0.0 }).collect();
    let data = Data::new(Values::Float(values.into()), Some(valid.into()), None);
    let key = column_key("predicted", &[&head.key, name.as_bytes()]);
    Column { data: Arc::new(data), key, ..head.clone() }
}
