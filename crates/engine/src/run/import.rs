//! Imports (language.md section 6): a column at a time, a panel of several times. Columns come through the cache that all
//! runs share; rows of their own belong to the run. Spells of an interval are in `events`.

use std::sync::Arc;

use arrow::buffer::{NullBuffer, ScalarBuffer};
use kernel::Date;
use script::program::{Import, ImportPanel, Labels};
use script::{DataType, Temporality, VariableInfo};

use super::datasets::OCCASION;
use super::{Outcome, Run, Warning};
use crate::cache::{ImportKey, Imported};
use crate::control::{Control, stopped};
use crate::data::Data;
use crate::dataset::{Column, Core, Dataset, DatasetKind, Rows, column_key, flagged};
use crate::error::RunError;
use crate::harmonise::{harmonise, translate};
use crate::mask::Mask;
use crate::source::{StoreVersion, Values, Variable, space_of};
use crate::take::{Part, concat};
use crate::vector::Kind;

/// Units from which a panel is called large (LANG-078).
const LARGE_PANEL: usize = 1_000_000;

impl Run {
    /// A register variable at a time.
    fn column_at(&self, info: &VariableInfo, at: Option<Date>) -> Result<(Arc<Variable>, Arc<Data>), RunError> {
        let version = StoreVersion { store: info.store.clone(), version: info.version.clone() };
        let variable = self.source.describe(&version, &info.name)?;
        let load = || -> Result<Data, RunError> {
            let column = self.source.column(&version, &info.name, at)?;
            Ok(Data::imported(column, variable.codes.as_deref(), info.data_type == DataType::Integer))
        };
        let data = self.shared(&variable, Imported::At(at), load)?;
        Ok((variable, data))
    }

    /// A part of a variable through the cache of all runs (ENG-022), unless the script said `nocache` (LANG-226).
    pub(super) fn shared(
        &self,
        variable: &Variable,
        what: Imported,
        load: impl FnOnce() -> Result<Data, RunError>,
    ) -> Result<Arc<Data>, RunError> {
        if self.no_cache {
            return load().map(Arc::new);
        }
        let (store, name) = (variable.info.store.clone(), variable.info.name.clone());
        self.cache.column(ImportKey { store, name, digest: variable.digest, what }, load)
    }

    pub(super) fn import(&mut self, plan: &Import) -> Result<Outcome, RunError> {
        let info = &plan.variable;
        let (variable, data) = self.column_at(info, plan.at)?;
        let day = plan.at.map_or_else(Vec::new, |d| d.days().to_le_bytes().to_vec());
        let key = column_key("import", &[info.store.as_bytes(), info.name.as_bytes(), &variable.digest, &day]);
        let mut column = imported(info, &variable, data, plan.labels.clone(), key);
        column.import = Some((Arc::clone(info), plan.at));
        // The population has a value at the time, whatever becomes of its code (LANG-072).
        let (valued, valued_key) = (Arc::clone(&column.data), column.key);
        if let Some(codes) = &plan.harmonise {
            column = harmonise(&column, &plan.column, codes, plan.labels.clone())?;
        }
        let mut dataset = self.active()?.clone();
        // A space grows when data are read in; a dataset keeps the size it had when it was begun.
        let rows = match dataset.unit_type {
            Some(_) => dataset.mask.len(),
            None => self.source.space_size(space_of(&info.unit_type)) as usize,
        };
        if dataset.groups.is_some() {
            return Err(RunError::other_units(&plan.column));
        }
        if !matches!(dataset.rows, Rows::Units) {
            return Err(RunError::mixed_kinds(&plan.column));
        }
        dataset.kind = DatasetKind::CrossSection;
        let with_value = Mask::of_valid(valued.validity.as_ref(), valued.len(), rows);
        if dataset.unit_type.is_none() {
            dataset.unit_type = Some(Arc::clone(&info.unit_type));
            dataset.set_mask(with_value);
            let people = self.people(&dataset)?;
            let key = column_key("population", &[&valued_key, &people.mark(), &(rows as u64).to_le_bytes()]);
            dataset.set = Some(self.cache.set(key, || Ok::<_, RunError>(people.set(&dataset.mask)))?);
        } else if plan.outer_join {
            self.restrict(&mut dataset)?;
            let mask = dataset.mask.or(&with_value);
            dataset.set_mask(mask);
        } else {
            dataset.put(&plan.column, column);
            self.insert(super::held(dataset));
            return Ok(Outcome::Done);
        }
        dataset.put(&plan.column, column);
        self.population(dataset)
    }

    /// `import-panel` (LANG-122, LANG-080): a row for every unit and occasion where a variable has a value, one occasion
    /// after the other. A fixed variable has its value on every occasion.
    pub(super) fn import_panel(&mut self, plan: &ImportPanel, control: &dyn Control) -> Result<Outcome, RunError> {
        let mut dataset = self.active()?.clone();
        let Some((first, _)) = plan.variables.first() else { return Ok(Outcome::Done) };
        if dataset.kind != DatasetKind::Empty {
            return Err(RunError::not_empty(&dataset.name));
        }
        let within = match dataset.unit_type {
            Some(_) => self.population_key(&dataset)?,
            None => [0; 32],
        };
        let size = match dataset.unit_type {
            Some(_) => dataset.mask.len(),
            None => self.source.space_size(space_of(&first.unit_type)) as usize,
        };
        let restricted = dataset.unit_type.is_some();
        // Columns by variable and occasion, and the units of each occasion.
        let mut columns: Vec<Vec<Arc<Data>>> = vec![Vec::new(); plan.variables.len()];
        let mut variables = Vec::new();
        let mut units: Vec<Vec<u32>> = Vec::new();
        for (t, at) in plan.times.iter().enumerate() {
            let mut here = Mask::empty(size);
            for (v, (info, _)) in plan.variables.iter().enumerate() {
                stopped(control)?;
                let time = (info.temporality != Temporality::Fixed).then_some(*at);
                let (variable, data) = self.column_at(info, time)?;
                here = here.or(&Mask::of_valid(data.validity.as_ref(), data.len(), size));
                let codes = plan.harmonise.as_ref().and_then(|all| all.get(v)?.get(t));
                let data = match codes {
                    Some(codes) => Arc::new(translate(&data, &info.name, codes)?),
                    None => data,
                };
                columns[v].push(data);
                if t == 0 {
                    variables.push(variable);
                }
            }
            if restricted {
                here = here.and(&dataset.mask);
            }
            units.push(here.iter(0..size).map(|u| u as u32).collect());
            control.progress((t + 1) as f32 / (2 * plan.times.len()) as f32);
        }
        let rows: Vec<u32> = units.concat();
        let times: Vec<u8> = plan.times.iter().flat_map(|t| t.days().to_le_bytes()).collect();
        let names: Vec<u8> =
            plan.variables.iter().flat_map(|(i, _)| format!("{} {} ", i.store, i.name).into_bytes()).collect();
        let digests: Vec<u8> = variables.iter().flat_map(|v| v.digest).collect();
        dataset.rows_key = column_key("import-panel", &[&names, &digests, &times, &within]);
        for (v, (info, labels)) in plan.variables.iter().enumerate() {
            let parts: Vec<Part<'_>> =
                columns[v].iter().zip(&units).map(|(d, rows)| Part { data: Some(d), rows }).collect();
            let data = concat(&parts, Kind::of_type(&info.data_type), control)?;
            let (store, name) = (info.store.as_bytes(), info.name.as_bytes());
            let codes = format!("{:?}", plan.harmonise.as_ref().and_then(|all| all.get(v)));
            let parts = [store, name, &variables[v].digest, codes.as_bytes(), &dataset.rows_key];
            let key = column_key("panel column", &parts);
            let mut column = imported(info, &variables[v], Arc::new(data), labels.clone(), key);
            column.row_wise = false;
            column.made = true;
            // Translated codes are those of the labels, no longer those of the variable's list at the time.
            column.import = plan.harmonise.is_none().then(|| (Arc::clone(info), plan.times.last().copied()));
            dataset.put(&info.name.as_str().into(), column);
            self.afford(&dataset)?;
        }
        let dates: Vec<i32> =
            plan.times.iter().zip(&units).flat_map(|(t, u)| std::iter::repeat_n(t.days(), u.len())).collect();
        let key = column_key("date@panel", &[&dataset.rows_key]);
        dataset.put(&OCCASION.into(), days(dates.into(), None, key, Vec::new()));
        dataset.kind = DatasetKind::Panel;
        dataset.unit_type = Some(Arc::clone(&first.unit_type));
        dataset.set_mask(Mask::of_valid(None, rows.len(), rows.len()));
        dataset.rows = Rows::Own(rows.into());
        if !restricted && size > LARGE_PANEL {
            self.warnings.push(Warning::large_panel());
        }
        self.population(dataset)
    }

    /// Older columns have no value for units that an outer join adds (LANG-073); from then on they depend on the
    /// population.
    pub(super) fn restrict(&self, dataset: &mut Dataset) -> Result<(), RunError> {
        let population = self.population_key(dataset)?;
        let mask = Arc::clone(&dataset.mask);
        for (_, column) in &mut dataset.columns {
            let rows = column.data.len().min(mask.len());
            let data = Data::new(
                slice(&column.data.values, rows),
                Some(mask.validity(column.data.validity.as_ref(), rows)),
                column.data.dictionary.clone(),
            );
            column.data = Arc::new(data);
            column.key = column_key("within", &[&column.key, &population]);
            column.row_wise = false;
        }
        Ok(())
    }
}

/// A column of a register variable; row-wise and of the cache until it is said otherwise.
pub(super) fn imported(
    info: &Arc<VariableInfo>,
    variable: &Variable,
    data: Arc<Data>,
    labels: Option<Arc<Labels>>,
    key: [u8; 32],
) -> Column {
    let sentinel = variable.codes.as_ref().map_or(&[][..], |c| &c.sentinel);
    Column {
        data_type: info.data_type.clone(),
        flagged: Arc::new(flagged(labels.as_deref(), &data, sentinel)),
        labels,
        title: Some(info.title.clone()),
        origin: Arc::new(vec![info.name.clone()]),
        key,
        row_wise: true,
        import: None,
        core: Core::Registered(key),
        made: false,
        data,
    }
}

/// A column of days that belongs to the rows: START, STOP, `date@panel`.
pub(super) fn days(
    days: ScalarBuffer<i32>,
    validity: Option<NullBuffer>,
    key: [u8; 32],
    origin: Vec<String>,
) -> Column {
    Column {
        data: Arc::new(Data::new(Values::Date(days), validity, None)),
        data_type: DataType::Date,
        labels: None,
        flagged: Arc::default(),
        title: None,
        origin: Arc::new(origin),
        key,
        row_wise: false,
        import: None,
        core: Core::Registered(key),
        made: true,
    }
}

pub(super) fn slice(values: &crate::source::Values, rows: usize) -> crate::source::Values {
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
