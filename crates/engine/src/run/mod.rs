//! A run: datasets, the active one, and the execution of one statement after the other. A statement that shapes a dataset
//! or changes values takes effect only when the caller, who has asked the gate, accepts it (LANG-241).

mod analyses;
mod assign;
mod datasets;
mod events;
mod groups;
mod import;
mod large;
mod merge;
mod reshape;
mod sample;
mod scan;
mod snapshot;
mod warning;

use std::collections::BTreeMap;
use std::sync::Arc;

use kernel::Language;
use script::UnitType;
use script::program::{Action, Name, Step};

use crate::analyses::Slot;
use crate::cache::ImportCache;
use crate::control::Control;
use crate::dataset::{Column, Dataset, DatasetKind, Rows, column_key, distinct_bytes};
use crate::error::RunError;
use crate::harmonise::harmonise;
use crate::mask::Mask;
use crate::params::Parameters;
use crate::people::{Known, People};
use crate::raw::{
    PersonSet, Raw, RawChart, RawCorrelations, RawEdit, RawGroups, RawHexbin, RawHistogram, RawModel, RawPopulation,
    RawPredictions, RawSummary, RawSurvival, RawTable, RawTests, RawVerdict,
};
use crate::source::{VariableSource, space_of};
use crate::unread::Held;

use self::assign::Assignment;
pub(crate) use self::datasets::OCCASION;
pub(crate) use self::datasets::spell_columns;
use self::groups::Grouping;
pub use self::snapshot::{DatasetState, Snapshot};
pub use self::warning::Warning;

/// What a statement gave.
#[expect(clippy::large_enum_variant, reason = "one per statement; a box would only hide the raw type")]
pub enum Outcome {
    /// Nothing for the gate; the statement has taken effect.
    Done,
    /// A dataset got another population. Takes effect with [`Run::accept`].
    Population(Raw<RawPopulation>),
    /// Values were made or changed under a condition, one raw result per column. Takes effect with [`Run::accept`].
    Edits(Vec<Raw<RawEdit>>),
    /// A table.
    Table(Raw<RawTable>),
    /// A summary.
    Summary(Raw<RawSummary>),
    /// A bar chart.
    Chart(Raw<RawChart>),
    /// A model.
    Model(Raw<RawModel>),
    /// Correlations.
    Correlations(Raw<RawCorrelations>),
    /// A table of tests.
    Tests(Raw<RawTests>),
    /// Survival curves.
    Survival(Raw<RawSurvival>),
    /// A histogram.
    Histogram(Raw<RawHistogram>),
    /// A plot by hexagons.
    Hexbin(Raw<RawHexbin>),
    /// Columns out of a model; they are made when the gate lets it be computed, and take effect with [`Run::accept`].
    Predictions(Raw<RawPredictions>),
    /// Groups of persons get values that the gate gives, one result per new column. The statement goes on with
    /// [`Run::fill`].
    Groups(Vec<Raw<RawGroups>>),
    /// A text block.
    Text(String),
    /// The statement fails when the gate finds a cause in the data, with the first that it finds (LANG-245); else it gave
    /// `then`. The statement was carried out as if there were none, so that what the gate found once holds for everyone.
    Judged {
        /// What the gate has to decide.
        verdicts: Vec<Judged>,
        /// What the statement gave.
        then: Box<Outcome>,
    },
}

/// A cause in the data for which a statement fails, when the gate says that it is there.
pub struct Judged {
    /// What the gate decides.
    pub verdict: Raw<RawVerdict>,
    /// What the statement fails with.
    pub error: RunError,
}

/// The state of a script while it runs.
pub struct Run {
    source: Arc<dyn VariableSource>,
    cache: Arc<ImportCache>,
    parameters: Parameters,
    language: Language,
    datasets: BTreeMap<Name, Held>,
    active: Option<Name>,
    pending: Option<Held>,
    /// Columns that a model is to make, and what they are apart from values.
    predicting: Option<(Slot, Column)>,
    /// What gives values to groups, and waits for those of the gate.
    grouping: Option<Grouping>,
    /// Imports go past the cache (LANG-226).
    no_cache: bool,
    warnings: Vec<Warning>,
}

impl Run {
    /// A run over the variables of `source`, with labels in `language`.
    pub fn new(
        source: Arc<dyn VariableSource>,
        cache: Arc<ImportCache>,
        parameters: Parameters,
        language: Language,
    ) -> Self {
        let datasets = BTreeMap::new();
        Self {
            source,
            cache,
            parameters,
            language,
            datasets,
            active: None,
            pending: None,
            predicting: None,
            grouping: None,
            no_cache: false,
            warnings: Vec::new(),
        }
    }

    /// Carries out one statement. What was pending and not accepted is forgotten.
    ///
    /// # Errors
    /// [`RunError`]; then the datasets are as they were.
    pub fn execute(&mut self, step: &Step, control: &dyn Control) -> Result<Outcome, RunError> {
        self.refuse();
        self.warnings.clear();
        match &step.action {
            // Stores are resolved in the plan; labels come with the columns they are assigned to.
            Action::Require { .. } | Action::DefineLabels { .. } => Ok(Outcome::Done),
            Action::CreateDataset { dataset } => {
                self.insert(held(Dataset::empty(dataset)));
                self.active = Some(Arc::clone(dataset));
                Ok(Outcome::Done)
            }
            Action::Use { dataset } => {
                self.held(dataset)?;
                self.active = Some(Arc::clone(dataset));
                Ok(Outcome::Done)
            }
            Action::DeleteDataset { dataset } => {
                self.datasets.remove(dataset).ok_or_else(|| RunError::unknown_dataset(dataset))?;
                self.active.take_if(|a| a == dataset);
                Ok(Outcome::Done)
            }
            Action::Import(plan) => self.import(plan),
            Action::ImportEvent(plan) => self.import_event(plan, control),
            Action::ImportPanel(plan) => self.import_panel(plan, control),
            Action::Harmonise(plan) => self.change(|d| {
                let column = d.column_mut(&plan.column).ok_or_else(|| RunError::unknown_column(&plan.column))?;
                *column = harmonise(column, &plan.column, &plan.codes, plan.labels.clone())?;
                Ok(())
            }),
            Action::Generate { column, value, condition } => {
                let plan = Assignment { column, value, condition: condition.as_ref(), data_type: &value.data_type };
                self.assign(&plan, None, control)
            }
            Action::Replace { column, value, condition, data_type, labels } => {
                let plan = Assignment { column, value, condition: condition.as_ref(), data_type };
                self.assign(&plan, Some(labels.clone()), control)
            }
            Action::Rename { from, to } => self.rename(from, to),
            Action::CloneColumns { pairs } => self.change(|d| {
                for (from, to) in pairs {
                    let copy = d.find(from).ok_or_else(|| RunError::unknown_column(from))?;
                    d.put(to, copy);
                }
                Ok(())
            }),
            Action::DropColumns(names) => self.drop_columns(names),
            Action::KeepColumns(names) => self.keep_columns(names),
            Action::AssignLabels { column, labels, .. } => self.change(|d| {
                let slot = d.column_mut(column).ok_or_else(|| RunError::unknown_column(column))?;
                slot.labels = Some(Arc::clone(labels));
                slot.import = None;
                Ok(())
            }),
            Action::DropLabels { columns, .. } => self.drop_labels(columns),
            Action::CloneDataset { from, to } => self.clone_dataset(from, to),
            Action::CloneUnits { from, to } => self.clone_units(from, to),
            Action::RenameDataset { from, to } => self.rename_dataset(from, to),
            Action::Clear => {
                self.datasets.clear();
                self.active = None;
                Ok(Outcome::Done)
            }
            Action::NoCache => {
                self.no_cache = true;
                Ok(Outcome::Done)
            }
            // What becomes of the statements after an error is the caller's.
            Action::Continue => Ok(Outcome::Done),
            Action::KeepIf(condition) => self.filter(condition, false, control),
            Action::DropIf(condition) => self.filter(condition, true, control),
            Action::Recode(plan) => self.recode(plan, control),
            Action::Destring(plan) => self.destring(plan, control),
            Action::Sample(plan) => self.sample(plan, control),
            Action::Aggregate(plan) => self.aggregate(plan, control),
            Action::Collapse(plan) => self.collapse(plan, control),
            Action::Merge(plan) => self.merge(plan, control),
            Action::ReshapeToPanel(plan) => self.reshape_to_panel(plan, control),
            Action::ReshapeFromPanel(plan) => self.reshape_from_panel(plan, control),
            Action::Tabulate(plan) => {
                self.scan(plan.condition.as_ref(), plan.missing, plan.nolabels, control, |scan| {
                    crate::figures::tabulate(scan, plan).map(|t| Outcome::Table(Raw::new(t)))
                })
            }
            Action::Summarize(plan) => self.scan(plan.condition.as_ref(), false, false, control, |scan| {
                crate::figures::summarize(scan, plan).map(|s| Outcome::Summary(Raw::new(s)))
            }),
            Action::SummarizePanel(plan) => self.scan(plan.condition.as_ref(), false, false, control, |scan| {
                if scan.dataset.kind != DatasetKind::Panel {
                    return Err(RunError::not_a_panel(&scan.dataset.name));
                }
                crate::figures::summarize_panel(scan, plan, OCCASION).map(|s| Outcome::Summary(Raw::new(s)))
            }),
            Action::Barchart(plan) => self.scan(plan.condition.as_ref(), false, false, control, |scan| {
                crate::figures::barchart(scan, plan).map(|c| Outcome::Chart(Raw::new(c)))
            }),
            Action::Model(plan) => self.model(plan, control),
            Action::Predict(plan) => self.predict(plan, control),
            Action::Describe(plan) => self.describe(plan, control),
            Action::Text(text) => Ok(Outcome::Text(text.clone())),
            _ => Err(RunError::not_yet(step.text.split(' ').next().unwrap_or_default())),
        }
    }

    /// The gate lets the last statement take effect.
    pub fn accept(&mut self) {
        if let Some(dataset) = self.pending.take() {
            self.insert(dataset);
        }
        self.put_predicted();
    }

    /// The gate refuses the last statement; its dataset stays as it was.
    pub fn refuse(&mut self) {
        self.pending = None;
        self.predicting = None;
        self.grouping = None;
    }

    /// What the last statement wants said.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// A dataset as it stands, for comparison with the reference interpreter.
    #[cfg(test)]
    pub(crate) fn dataset(&self, name: &str) -> Option<&Dataset> {
        self.named(name).ok()
    }

    /// The unit type of a dataset; none while it is empty or unknown, and where it was collapsed by values.
    pub fn unit_type(&self, dataset: &str) -> Option<&UnitType> {
        self.datasets.get(dataset)?.unit_type()
    }

    fn held(&self, name: &str) -> Result<&Held, RunError> {
        self.datasets.get(name).ok_or_else(|| RunError::unknown_dataset(name))
    }

    /// A dataset with its rows, which are read now if nobody has asked for them before.
    fn named(&self, name: &str) -> Result<&Dataset, RunError> {
        match self.held(name)? {
            Held::Rows(dataset) => Ok(dataset),
            Held::Unread(events) => events.rows(|| self.read(events)),
        }
    }

    fn active_name(&self) -> Result<&Name, RunError> {
        self.active.as_ref().ok_or_else(RunError::no_dataset)
    }

    fn active(&self) -> Result<&Dataset, RunError> {
        self.named(self.active_name()?)
    }

    fn insert(&mut self, dataset: Held) {
        self.datasets.insert(Arc::clone(dataset.name()), dataset);
    }

    fn change(&mut self, f: impl FnOnce(&mut Dataset) -> Result<(), RunError>) -> Result<Outcome, RunError> {
        let mut dataset = self.active()?.clone();
        f(&mut dataset)?;
        self.settle(dataset)
    }

    /// Refused when the run would hold more than it may with `dataset` beside or in place of the one of its name (E601).
    fn afford(&self, dataset: &Dataset) -> Result<(), RunError> {
        let others = self.datasets.values().filter(|d| *d.name() != dataset.name).flat_map(Held::buffers);
        let bytes = distinct_bytes(others.chain(dataset.buffers()));
        if bytes > self.parameters.memory { Err(RunError::out_of_memory()) } else { Ok(()) }
    }

    /// Keeps `dataset` until it is accepted; refused at once when the run would hold too much.
    fn propose(&mut self, dataset: Dataset) -> Result<(), RunError> {
        self.afford(&dataset)?;
        self.pending = Some(held(dataset));
        Ok(())
    }

    /// A change that the gate has no say in: it takes effect at once, when there is room for it.
    fn settle(&mut self, dataset: Dataset) -> Result<Outcome, RunError> {
        self.afford(&dataset)?;
        self.insert(held(dataset));
        Ok(Outcome::Done)
    }

    fn people(&self, dataset: &Dataset) -> Result<People, RunError> {
        People::of(&*self.source, dataset)
    }

    /// The rows of datasets whose persons are known, among the rows of `space`, each row a unit of it.
    fn known(&self, space: &str) -> Vec<Known<'_>> {
        self.datasets
            .values()
            .filter_map(|held| match held {
                Held::Rows(dataset) => {
                    let units = matches!(dataset.rows, Rows::Units) && dataset.groups.is_none();
                    let here = dataset.unit_type.as_ref().is_some_and(|u| units && space_of(u) == space);
                    let set = dataset.set.as_deref().filter(|_| here)?;
                    Some(Known { rows: &dataset.mask, set })
                }
                Held::Unread(events) => {
                    let here = space_of(&events.plan.variable.unit_type) == space;
                    here.then(|| Known { rows: &events.content.units, set: &events.content.set })
                }
            })
            .collect()
    }

    /// The same, where the rows of `dataset` are units of a space.
    fn known_to(&self, dataset: &Dataset) -> Vec<Known<'_>> {
        let space = dataset.unit_type.as_ref().filter(|_| dataset.groups.is_none()).map(|u| space_of(u));
        space.map(|space| self.known(space)).unwrap_or_default()
    }

    /// Proposes a dataset with another population than the one of its name has (LANG-241).
    fn population(&mut self, mut dataset: Dataset) -> Result<Outcome, RunError> {
        let before = self.datasets.get(&dataset.name).and_then(Held::set).cloned();
        let set = self.persons_behind(&dataset)?;
        let rows = dataset.mask.count();
        let raw = RawPopulation {
            dataset: dataset.name.to_string(),
            kind: match dataset.kind {
                DatasetKind::Event => crate::raw::DatasetKind::Event,
                DatasetKind::Panel => crate::raw::DatasetKind::Panel,
                DatasetKind::Empty | DatasetKind::CrossSection => crate::raw::DatasetKind::CrossSection,
            },
            unit_type: match (&dataset.unit_type, &dataset.groups) {
                (Some(unit_type), _) => unit_type.name.clone(),
                (None, Some(groups)) => groups.unit_type(),
                (None, None) => String::new(),
            },
            units: match &dataset.rows {
                Rows::Units => rows,
                Rows::Own(_) => self.units(&dataset).count(),
            },
            rows,
            set: PersonSet { sketch: set.sketch, members: set.members.clone(), ..*set },
            before,
        };
        dataset.set = Some(set);
        self.propose(dataset)?;
        Ok(Outcome::Population(Raw::new(raw)))
    }

    /// The persons behind the rows of a dataset; behind the members of its groups where it was collapsed by values.
    fn persons_behind(&self, dataset: &Dataset) -> Result<Arc<PersonSet>, RunError> {
        if let Some(set) = &dataset.set {
            return Ok(Arc::clone(set));
        }
        let set = match &dataset.groups {
            None => self.people(dataset)?.set_near(&dataset.mask, &self.known_to(dataset)),
            Some(groups) => {
                let here = self.units(dataset);
                let people = People::of_space(&*self.source, &groups.space)?;
                people.set_of_units(here.iter(0..here.len()).flat_map(|g| groups.of(g)).copied())
            }
        };
        Ok(Arc::new(set))
    }

    /// A cause in the data, in these rows of a dataset, filed under its population.
    fn judged(
        &self,
        dataset: &Dataset,
        cause: &'static str,
        key: ([u8; 32], Vec<String>),
        found: Mask,
        error: RunError,
    ) -> Result<Judged, RunError> {
        let copy = |set: &PersonSet| PersonSet { sketch: set.sketch, members: set.members.clone(), ..*set };
        let set = copy(&*self.persons_behind(dataset)?);
        let rows = found.count();
        let who = copy(&*self.persons_behind(&Dataset { mask: Arc::new(found), set: None, ..dataset.clone() })?);
        let verdict = Raw::new(RawVerdict { cause, origin: key.1, column_key: key.0, set, who, rows });
        Ok(Judged { verdict, error })
    }

    /// Number of units that rows of a dataset may lead to.
    fn unit_space(&self, dataset: &Dataset) -> usize {
        match (&dataset.rows, &dataset.groups, &dataset.unit_type) {
            (Rows::Units, ..) => dataset.mask.len(),
            (_, Some(groups), _) => groups.len(),
            (_, None, Some(unit_type)) => self.source.space_size(space_of(unit_type)) as usize,
            (_, None, None) => 0,
        }
    }

    /// The distinct units of a dataset, as a mask over its units.
    fn units(&self, dataset: &Dataset) -> Mask {
        match &dataset.rows {
            Rows::Units => (*dataset.mask).clone(),
            Rows::Own(units) => {
                let mut seen = Mask::empty(self.unit_space(dataset));
                dataset.mask.iter(0..dataset.mask.len()).for_each(|row| seen.set(units[row] as usize));
                seen
            }
        }
    }

    /// What a column that depends on the rows of a dataset has in its key (ENG-039): the persons, and which rows they
    /// are where a person may have several.
    fn population_key(&self, dataset: &Dataset) -> Result<[u8; 32], RunError> {
        let set = self.persons_behind(dataset)?;
        let persons = dataset.unit_type.as_ref().is_some_and(|u| space_of(u) == self.source.person_space());
        let rows = match &dataset.rows {
            Rows::Units if persons => [0; 32],
            // All rows that there are: which they are is in their key.
            Rows::Own(_) if dataset.mask.is_whole() => [0; 32],
            _ => dataset.mask.digest(),
        };
        Ok(column_key("population", &[&set.fingerprint.to_le_bytes(), &dataset.rows_key, &rows]))
    }
}

fn held(dataset: Dataset) -> Held {
    Held::Rows(Arc::new(dataset))
}
