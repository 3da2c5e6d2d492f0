//! A run: datasets, the active one, and the execution of one statement after the other. A statement that shapes a dataset
//! or changes values takes effect only when the caller, who has asked the gate, accepts it (LANG-241).

use std::collections::BTreeMap;
use std::sync::Arc;

use kernel::Language;
use script::UnitType;
use script::program::{Action, Expression, Import, Name, Recode, Step};

use crate::axis::AxisOptions;
use crate::cache::{ImportCache, ImportKey};
use crate::control::{Control, by_chunk};
use crate::data::Data;
use crate::dataset::{Column, Dataset, column_key, flagged};
use crate::error::RunError;
use crate::expression::{Node, columns, compile};
use crate::mask::Mask;
use crate::params::Parameters;
use crate::people::People;
use crate::raw::{Raw, RawEdit, RawPopulation, RawSummary, RawTable};
use crate::recode::{Condition, merge_origins, recode};
use crate::source::{StoreVersion, VariableSource, space_of};
use crate::vector::Kind;

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
    /// A bar chart: one table per variable with categories, then one with a magnitude per other variable.
    Chart(Vec<Raw<RawTable>>),
    /// A text block.
    Text(String),
}

/// The state of a script while it runs.
pub struct Run {
    source: Arc<dyn VariableSource>,
    cache: Arc<ImportCache>,
    parameters: Parameters,
    language: Language,
    datasets: BTreeMap<Name, Dataset>,
    active: Option<Name>,
    pending: Option<Dataset>,
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
        Self { source, cache, parameters, language, datasets, active: None, pending: None }
    }

    /// Carries out one statement. What was pending and not accepted is forgotten.
    ///
    /// # Errors
    /// [`RunError`]; then the datasets are as they were.
    pub fn execute(&mut self, step: &Step, control: &dyn Control) -> Result<Outcome, RunError> {
        self.pending = None;
        match &step.action {
            // Stores are resolved in the plan; labels come with the columns they are assigned to.
            Action::Require { .. } | Action::DefineLabels { .. } => Ok(Outcome::Done),
            Action::CreateDataset { dataset } => {
                self.datasets.insert(Arc::clone(dataset), Dataset::empty(dataset));
                self.active = Some(Arc::clone(dataset));
                Ok(Outcome::Done)
            }
            Action::Use { dataset } => {
                self.named(dataset)?;
                self.active = Some(Arc::clone(dataset));
                Ok(Outcome::Done)
            }
            Action::DeleteDataset { dataset } => {
                self.datasets.remove(dataset).ok_or_else(|| RunError::unknown_dataset(dataset))?;
                self.active.take_if(|a| a == dataset);
                Ok(Outcome::Done)
            }
            Action::Import(import) => self.import(import),
            Action::Generate { column, value, condition } => {
                let plan = Assignment { column, value, condition: condition.as_ref(), data_type: &value.data_type };
                self.assign(&plan, None, control)
            }
            Action::Replace { column, value, condition, data_type, labels } => {
                let plan = Assignment { column, value, condition: condition.as_ref(), data_type };
                self.assign(&plan, Some(labels.clone()), control)
            }
            Action::Rename { from, to } => self.change(|d| {
                let slot = d.columns.iter_mut().find(|(n, _)| n == from);
                slot.ok_or_else(|| RunError::unknown_column(from))?.0 = Arc::clone(to);
                Ok(())
            }),
            Action::CloneColumns { pairs } => self.change(|d| {
                for (from, to) in pairs {
                    let copy = d.column(from).ok_or_else(|| RunError::unknown_column(from))?.clone();
                    d.put(to, copy);
                }
                Ok(())
            }),
            Action::DropColumns(names) => self.change(|d| {
                d.columns.retain(|(n, _)| !names.contains(n));
                Ok(())
            }),
            Action::KeepColumns(names) => self.change(|d| {
                d.columns.retain(|(n, _)| names.contains(n));
                Ok(())
            }),
            Action::AssignLabels { column, labels } => self.change(|d| {
                let slot = d.columns.iter_mut().find(|(n, _)| n == column);
                let slot = &mut slot.ok_or_else(|| RunError::unknown_column(column))?.1;
                slot.labels = Some(Arc::clone(labels));
                slot.import = None;
                Ok(())
            }),
            Action::KeepIf(condition) => self.filter(condition, false, control),
            Action::DropIf(condition) => self.filter(condition, true, control),
            Action::Recode(plan) => self.recode(plan, control),
            Action::Tabulate(plan) => {
                self.scan(plan.condition.as_ref(), plan.missing, plan.nolabels, control, |scan| {
                    crate::figures::tabulate(scan, plan).map(|t| Outcome::Table(Raw::new(t)))
                })
            }
            Action::Summarize(plan) => self.scan(plan.condition.as_ref(), false, false, control, |scan| {
                crate::figures::summarize(scan, plan).map(|s| Outcome::Summary(Raw::new(s)))
            }),
            Action::Barchart(plan) => self.scan(plan.condition.as_ref(), false, false, control, |scan| {
                let tables = crate::figures::barchart(scan, plan)?;
                Ok(Outcome::Chart(tables.into_iter().map(Raw::new).collect()))
            }),
            Action::Text(text) => Ok(Outcome::Text(text.clone())),
            _ => Err(RunError::not_yet(step.text.split(' ').next().unwrap_or_default())),
        }
    }

    /// The gate lets the last statement take effect.
    pub fn accept(&mut self) {
        if let Some(dataset) = self.pending.take() {
            self.datasets.insert(Arc::clone(&dataset.name), dataset);
        }
    }

    /// The gate refuses the last statement; its dataset stays as it was.
    pub fn refuse(&mut self) {
        self.pending = None;
    }

    /// A dataset as it stands, for comparison with the reference interpreter.
    #[cfg(test)]
    pub(crate) fn dataset(&self, name: &str) -> Option<&Dataset> {
        self.datasets.get(name)
    }

    fn named(&self, name: &str) -> Result<&Dataset, RunError> {
        self.datasets.get(name).ok_or_else(|| RunError::unknown_dataset(name))
    }

    fn active(&self) -> Result<&Dataset, RunError> {
        self.named(self.active.as_ref().ok_or_else(RunError::no_dataset)?)
    }

    fn change(&mut self, f: impl FnOnce(&mut Dataset) -> Result<(), RunError>) -> Result<Outcome, RunError> {
        let mut dataset = self.active()?.clone();
        f(&mut dataset)?;
        self.datasets.insert(Arc::clone(&dataset.name), dataset);
        Ok(Outcome::Done)
    }

    /// Keeps `dataset` until it is accepted; refused at once when the run would hold too much.
    fn propose(&mut self, dataset: Dataset) -> Result<(), RunError> {
        let others = self.datasets.values().filter(|d| d.name != dataset.name);
        let bytes: usize = others
            .chain([&dataset])
            .map(|d| {
                let made = d.columns.iter().filter(|(_, c)| c.made).map(|(_, c)| c.data.bytes()).sum::<usize>();
                made + d.mask.bytes()
            })
            .sum();
        if bytes > self.parameters.memory {
            return Err(RunError::out_of_memory());
        }
        self.pending = Some(dataset);
        Ok(())
    }

    fn people(&self, dataset: &Dataset) -> Result<People, RunError> {
        let unit_type = dataset.unit_type.as_ref().ok_or_else(|| RunError::unknown_dataset(&dataset.name))?;
        People::of(&*self.source, space_of(unit_type))
    }

    fn population(&mut self, dataset: Dataset) -> Result<Outcome, RunError> {
        let set = self.people(&dataset)?.set(&dataset.mask);
        let units = dataset.mask.count();
        let raw = RawPopulation {
            dataset: dataset.name.to_string(),
            unit_type: dataset.unit_type.as_ref().map_or_else(String::new, |u| u.name.clone()),
            units,
            rows: units,
            set,
        };
        self.propose(dataset)?;
        Ok(Outcome::Population(Raw::new(raw)))
    }

    fn import(&mut self, plan: &Import) -> Result<Outcome, RunError> {
        let info = &plan.variable;
        let at = StoreVersion { store: info.store.clone(), version: info.version.clone() };
        let variable = self.source.describe(&at, &info.name)?;
        let cache_key =
            ImportKey { store: at.store.clone(), name: info.name.clone(), digest: variable.digest, at: plan.at };
        let data = self.cache.column(cache_key, || -> Result<Data, RunError> {
            let column = self.source.column(&at, &info.name, plan.at)?;
            Ok(Data::imported(column, variable.codes.as_deref(), info.data_type == script::DataType::Integer))
        })?;
        let sentinel = variable.codes.as_ref().map_or(&[][..], |c| &c.sentinel);
        let day = plan.at.map_or_else(Vec::new, |d| d.days().to_le_bytes().to_vec());
        let column = Column {
            data_type: info.data_type.clone(),
            flagged: Arc::new(flagged(plan.labels.as_deref(), &data, sentinel)),
            labels: plan.labels.clone(),
            title: Some(info.title.clone()),
            origin: Arc::new(vec![info.name.clone()]),
            key: column_key("import", &[info.store.as_bytes(), info.name.as_bytes(), &variable.digest, &day]),
            row_wise: true,
            import: Some((Arc::clone(info), plan.at)),
            made: false,
            data,
        };
        let mut dataset = self.active()?.clone();
        // A space grows when data are read in; a dataset keeps the size it had when it was begun.
        let rows = match dataset.unit_type {
            Some(_) => dataset.mask.len(),
            None => self.source.space_size(space_of(&info.unit_type)) as usize,
        };
        let with_value = Mask::of_valid(column.data.validity.as_ref(), column.data.len(), rows);
        if dataset.unit_type.is_none() {
            dataset.unit_type = Some(Arc::clone(&info.unit_type));
            dataset.mask = Arc::new(with_value);
        } else if plan.outer_join {
            self.restrict(&mut dataset)?;
            dataset.mask = Arc::new(dataset.mask.or(&with_value));
        } else {
            dataset.put(&plan.column, column);
            self.datasets.insert(Arc::clone(&dataset.name), dataset);
            return Ok(Outcome::Done);
        }
        dataset.put(&plan.column, column);
        self.population(dataset)
    }

    /// Older columns have no value for units that an outer join adds (LANG-073); from then on they depend on the
    /// population.
    fn restrict(&self, dataset: &mut Dataset) -> Result<(), RunError> {
        let set = self.people(dataset)?.set(&dataset.mask);
        let mask = Arc::clone(&dataset.mask);
        for (_, column) in &mut dataset.columns {
            let rows = column.data.len().min(mask.len());
            let valid = arrow::buffer::BooleanBuffer::collect_bool(rows, |i| mask.get(i) && column.data.is_valid(i));
            let data = Data {
                values: slice(&column.data.values, rows),
                validity: Some(arrow::buffer::NullBuffer::new(valid)),
                dictionary: column.data.dictionary.clone(),
            };
            column.data = Arc::new(data);
            column.key = column_key("within", &[&column.key, &set.fingerprint.to_le_bytes()]);
            column.row_wise = false;
        }
        Ok(())
    }

    /// An expression ready to run over the columns of a dataset, and what it is made of.
    fn prepare(&self, dataset: &Dataset, expression: &Expression) -> Result<Prepared, RunError> {
        let find = |name: &str| dataset.column(name).map(|c| Arc::clone(&c.data));
        let node = compile(expression, &find).map_err(|name| RunError::unknown_column(&name))?;
        let mut names = Vec::new();
        columns(expression, &mut names);
        let used: Vec<&Column> = names.iter().filter_map(|n| dataset.column(n)).collect();
        let origin = used.iter().fold(Vec::new(), |all, c| merge_origins(&all, &c.origin));
        Ok(Prepared {
            node,
            key: expression_key(dataset, expression),
            row_wise: used.iter().all(|c| c.row_wise),
            origin,
        })
    }

    fn condition(
        &self,
        dataset: &Dataset,
        expression: Option<&Expression>,
        control: &dyn Control,
    ) -> Result<Option<Condition>, RunError> {
        let Some(expression) = expression else { return Ok(None) };
        let Prepared { node, key, row_wise, origin } = self.prepare(dataset, expression)?;
        let parts = by_chunk(control, dataset.mask.len(), |range| node.evaluate(range).truths())?;
        Ok(Some(Condition { rows: Mask::of_chunks(parts, dataset.mask.len()), key, row_wise, origin }))
    }

    fn filter(&mut self, condition: &Expression, drop: bool, control: &dyn Control) -> Result<Outcome, RunError> {
        let mut dataset = self.active()?.clone();
        if let Some(condition) = self.condition(&dataset, Some(condition), control)? {
            let mask = if drop { dataset.mask.and_not(&condition.rows) } else { dataset.mask.and(&condition.rows) };
            dataset.mask = Arc::new(mask);
        }
        self.population(dataset)
    }

    /// `generate` (no labels given) and `replace` (labels afterwards given).
    fn assign(
        &mut self,
        plan: &Assignment<'_>,
        replace: Option<Option<Arc<script::program::Labels>>>,
        control: &dyn Control,
    ) -> Result<Outcome, RunError> {
        let mut dataset = self.active()?.clone();
        let value = self.prepare(&dataset, plan.value)?;
        let condition = self.condition(&dataset, plan.condition, control)?;
        let old = match replace {
            Some(_) => {
                let old = dataset.column(plan.column).ok_or_else(|| RunError::unknown_column(plan.column))?;
                // Where every value is replaced nothing of the old column is left but its labels.
                condition.is_some().then(|| old.clone())
            }
            None => None,
        };
        let kind = Kind::of_type(plan.data_type);
        let parts = by_chunk(control, dataset.mask.len(), |range| {
            let mut new = value.node.evaluate(range.clone());
            let Some(condition) = &condition else { return new };
            let touched: Vec<bool> = range.clone().map(|i| condition.rows.get(i)).collect();
            match &old {
                Some(old) => new.choose(&touched, old.data.read(range)),
                None => {
                    new.valid.iter_mut().zip(touched).for_each(|(v, t)| *v &= t);
                    new
                }
            }
        })?;
        let mut origin = value.origin;
        let mut row_wise = value.row_wise;
        let mut key_parts: Vec<[u8; 32]> = vec![value.key];
        if let Some(condition) = &condition {
            origin = merge_origins(&origin, &condition.origin);
            row_wise &= condition.row_wise;
            key_parts.push(condition.key);
        }
        if let Some(old) = &old {
            origin = merge_origins(&origin, &old.origin);
            row_wise &= old.row_wise;
            key_parts.push(old.key);
        }
        let key = match key_parts.as_slice() {
            [only] => *only,
            parts => column_key("if", &parts.iter().map(|p| p.as_slice()).collect::<Vec<_>>()),
        };
        let before = dataset.column(plan.column);
        let column = Column {
            data: Arc::new(Data::of_chunks(parts, kind)),
            data_type: plan.data_type.clone(),
            flagged: before.map_or_else(Default::default, |c| Arc::clone(&c.flagged)),
            title: before.and_then(|c| c.title.clone()),
            labels: replace.flatten(),
            origin: Arc::new(origin),
            key,
            row_wise,
            import: None,
            made: true,
        };
        let outcome = match condition {
            None => None,
            Some(condition) => {
                let touched = dataset.mask.and(&condition.rows);
                // For `generate` every other unit stays without a value; for `replace` those with one are left.
                let rest = match &old {
                    Some(old) => with_value(old, dataset.mask.len()).and(&dataset.mask),
                    None => (*dataset.mask).clone(),
                };
                let people = self.people(&dataset)?;
                Some(vec![Raw::new(RawEdit {
                    dataset: dataset.name.to_string(),
                    columns: vec![plan.column.to_string()],
                    conditional: true,
                    untouched: people.set(&rest.and_not(&touched)),
                    touched: people.set(&touched),
                })])
            }
        };
        dataset.put(plan.column, column);
        self.propose(dataset)?;
        Ok(match outcome {
            Some(edits) => Outcome::Edits(edits),
            None => {
                self.accept();
                Outcome::Done
            }
        })
    }

    fn recode(&mut self, plan: &Recode, control: &dyn Control) -> Result<Outcome, RunError> {
        let mut dataset = self.active()?.clone();
        let rows = dataset.mask.len();
        let condition = self.condition(&dataset, plan.condition.as_ref(), control)?;
        let people = self.people(&dataset)?;
        let mut edits = Vec::with_capacity(plan.columns.len());
        for column in &plan.columns {
            let source = dataset.column(&column.source).ok_or_else(|| RunError::unknown_column(&column.source))?;
            let done = recode(source, column, &plan.rules, condition.as_ref(), rows, control)?;
            let touched = dataset.mask.and(&done.touched);
            let rest = with_value(source, rows).and(&dataset.mask).and_not(&touched);
            edits.push(Raw::new(RawEdit {
                dataset: dataset.name.to_string(),
                columns: vec![column.target.to_string()],
                conditional: true,
                touched: people.set(&touched),
                untouched: people.set(&rest),
            }));
            dataset.put(&column.target, done.column);
        }
        self.propose(dataset)?;
        Ok(Outcome::Edits(edits))
    }

    fn scan(
        &self,
        condition: Option<&Expression>,
        missing: bool,
        nolabels: bool,
        control: &dyn Control,
        work: impl FnOnce(&crate::table::Scan<'_>) -> Result<Outcome, RunError>,
    ) -> Result<Outcome, RunError> {
        let dataset = self.active()?;
        let condition = self.condition(dataset, condition, control)?;
        let mask = condition.map_or_else(|| (*dataset.mask).clone(), |c| dataset.mask.and(&c.rows));
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

/// What `generate` and `replace` have in common.
struct Assignment<'a> {
    column: &'a Name,
    value: &'a Expression,
    condition: Option<&'a Expression>,
    data_type: &'a script::DataType,
}

struct Prepared {
    node: Node,
    key: [u8; 32],
    row_wise: bool,
    origin: Vec<String>,
}

/// The key of a formula (ENG-039): that of the column where it is a bare name.
fn expression_key(dataset: &Dataset, expression: &Expression) -> [u8; 32] {
    use script::program::ExpressionKind as E;
    let each = |args: &[&Expression]| -> Vec<[u8; 32]> { args.iter().map(|a| expression_key(dataset, a)).collect() };
    let (operator, parts) = match &expression.kind {
        E::Column(name) => return dataset.column(name).map_or([0; 32], |c| c.key),
        E::Literal(literal) => (format!("literal {literal:?}"), Vec::new()),
        E::Missing => ("missing".to_owned(), Vec::new()),
        E::Unary(op, x) => (format!("{op:?}"), each(&[x])),
        E::Binary(op, a, b) => (format!("{op:?}"), each(&[a, b])),
        E::Call(function, args) => (function.spec().name.to_owned(), each(&args.iter().collect::<Vec<_>>())),
    };
    column_key(&operator, &parts.iter().map(|p| p.as_slice()).collect::<Vec<_>>())
}

fn with_value(column: &Column, rows: usize) -> Mask {
    Mask::of_valid(column.data.validity.as_ref(), column.data.len(), rows)
}

fn slice(values: &crate::source::Values, rows: usize) -> crate::source::Values {
    use crate::source::Values as V;
    match values {
        V::Code8(v) => V::Code8(v.slice(0, rows)),
        V::Code16(v) => V::Code16(v.slice(0, rows)),
        V::Code32(v) => V::Code32(v.slice(0, rows)),
        V::Int8(v) => V::Int8(v.slice(0, rows)),
        V::Int16(v) => V::Int16(v.slice(0, rows)),
        V::Int32(v) => V::Int32(v.slice(0, rows)),
        V::Int64(v) => V::Int64(v.slice(0, rows)),
        V::Float(v) => V::Float(v.slice(0, rows)),
        V::Date(v) => V::Date(v.slice(0, rows)),
        V::Text { index, dictionary } => V::Text { index: index.slice(0, rows), dictionary: Arc::clone(dictionary) },
        V::Unit(v) => V::Unit(v.slice(0, rows)),
    }
}

impl Run {
    /// The unit type of a dataset; none while it is empty or unknown.
    pub fn unit_type(&self, dataset: &str) -> Option<&UnitType> {
        self.datasets.get(dataset)?.unit_type.as_deref()
    }
}
