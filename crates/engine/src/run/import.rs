//! Imports (language.md section 6): a column at a time, spells of an interval as rows, a panel of several times. Columns
//! come through the cache that all runs share; rows of their own belong to the run.

use std::sync::Arc;

use arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use kernel::Date;
use script::program::{Import, ImportEvent, ImportPanel, Labels};
use script::{DataType, Temporality, VariableInfo};

use super::datasets::{OCCASION, spell_columns};
use super::{Outcome, Run, Warning};
use crate::cache::{ImportKey, Imported, SpellPart};
use crate::control::{Control, stopped};
use crate::data::Data;
use crate::dataset::{Column, Dataset, DatasetKind, Rows, column_key, flagged};
use crate::error::RunError;
use crate::harmonise::{harmonise, translate};
use crate::mask::Mask;
use crate::source::{Spells, StoreVersion, Values, Variable, space_of};
use crate::take::{Part, concat, take};
use crate::vector::Kind;

/// Spells as columns with a row per spell.
struct SpellColumns {
    value: Arc<Data>,
    ordinals: ScalarBuffer<u32>,
    starts: ScalarBuffer<i32>,
    stops: ScalarBuffer<i32>,
}

/// Units from which a panel is called large (LANG-078).
const LARGE_PANEL: usize = 1_000_000;

impl Run {
    /// A register variable at a time, through the cache unless the script said `nocache` (LANG-226).
    fn column_at(&self, info: &VariableInfo, at: Option<Date>) -> Result<(Arc<Variable>, Arc<Data>), RunError> {
        let version = StoreVersion { store: info.store.clone(), version: info.version.clone() };
        let variable = self.source.describe(&version, &info.name)?;
        let load = || -> Result<Data, RunError> {
            let column = self.source.column(&version, &info.name, at)?;
            Ok(Data::imported(column, variable.codes.as_deref(), info.data_type == DataType::Integer))
        };
        let data = if self.no_cache {
            Arc::new(load()?)
        } else {
            let what = Imported::At(at);
            let key =
                ImportKey { store: version.store.clone(), name: info.name.clone(), digest: variable.digest, what };
            self.cache.column(key, load)?
        };
        Ok((variable, data))
    }

    /// The spells of an interval as columns with a row per spell, through the cache like every import (ENG-022).
    fn spells_of(&self, plan: &ImportEvent) -> Result<(Arc<Variable>, SpellColumns), RunError> {
        let info = &plan.variable;
        let version = StoreVersion { store: info.store.clone(), version: info.version.clone() };
        let variable = self.source.describe(&version, &info.name)?;
        // Read once, for whichever parts are not in the cache.
        let mut read: Option<Spells> = None;
        let mut part = |part: SpellPart| -> Result<Arc<Data>, RunError> {
            let mut load = || -> Result<Data, RunError> {
                if read.is_none() {
                    read = Some(self.source.spells(&version, &info.name, plan.from, plan.to)?);
                }
                let Some(spells) = &read else { return Err(RunError::unknown_column(&info.name)) };
                let plain = |values| Data { values, validity: None, dictionary: None };
                Ok(match part {
                    SpellPart::Value => {
                        let column = crate::source::Column { values: spells.values.clone(), validity: None };
                        Data::imported(column, variable.codes.as_deref(), info.data_type == DataType::Integer)
                    }
                    SpellPart::Ordinal => plain(Values::Unit(spells.ordinals.clone())),
                    SpellPart::Start => plain(Values::Date(spells.starts.clone())),
                    SpellPart::Stop => plain(Values::Date(spells.stops.clone())),
                })
            };
            if self.no_cache {
                return load().map(Arc::new);
            }
            let what = Imported::Spells(part, plan.from, plan.to);
            let key =
                ImportKey { store: version.store.clone(), name: info.name.clone(), digest: variable.digest, what };
            self.cache.column(key, load)
        };
        let (value, ordinal) = (part(SpellPart::Value)?, part(SpellPart::Ordinal)?);
        let (start, stop) = (part(SpellPart::Start)?, part(SpellPart::Stop)?);
        match (&ordinal.values, &start.values, &stop.values) {
            (Values::Unit(ordinals), Values::Date(starts), Values::Date(stops)) => {
                let (ordinals, starts, stops) = (ordinals.clone(), starts.clone(), stops.clone());
                Ok((variable, SpellColumns { value, ordinals, starts, stops }))
            }
            _ => Err(RunError::unknown_column(&info.name)),
        }
    }

    pub(super) fn import(&mut self, plan: &Import) -> Result<Outcome, RunError> {
        let info = &plan.variable;
        let (variable, data) = self.column_at(info, plan.at)?;
        let day = plan.at.map_or_else(Vec::new, |d| d.days().to_le_bytes().to_vec());
        let mut column = imported(info, &variable, data, plan.labels.clone());
        column.key = column_key("import", &[info.store.as_bytes(), info.name.as_bytes(), &variable.digest, &day]);
        column.import = Some((Arc::clone(info), plan.at));
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
        let with_value = Mask::of_valid(column.data.validity.as_ref(), column.data.len(), rows);
        if dataset.unit_type.is_none() {
            dataset.unit_type = Some(Arc::clone(&info.unit_type));
            dataset.set_mask(with_value);
            let people = self.people(&dataset)?;
            let key = column_key("population", &[&column.key, &people.mark(), &(rows as u64).to_le_bytes()]);
            dataset.set = Some(self.cache.set(key, || Ok::<_, RunError>(people.set(&dataset.mask)))?);
        } else if plan.outer_join {
            self.restrict(&mut dataset)?;
            let mask = dataset.mask.or(&with_value);
            dataset.set_mask(mask);
        } else {
            dataset.put(&plan.column, column);
            self.insert(dataset);
            return Ok(Outcome::Done);
        }
        dataset.put(&plan.column, column);
        self.population(dataset)
    }

    /// `import-event` (LANG-121): a row per spell that meets the interval, with its own START and STOP (LANG-079). Into
    /// the units of another dataset only their spells come.
    pub(super) fn import_event(&mut self, plan: &ImportEvent, control: &dyn Control) -> Result<Outcome, RunError> {
        let info = &plan.variable;
        let mut dataset = self.active()?.clone();
        if dataset.kind != DatasetKind::Empty {
            return Err(RunError::mixed_kinds(&plan.column));
        }
        let (variable, SpellColumns { value: mut data, mut ordinals, mut starts, mut stops }) = self.spells_of(plan)?;
        stopped(control)?;
        let mut within = [0; 32];
        let restricted = dataset.unit_type.is_some();
        if restricted {
            within = self.population_key(&dataset)?;
            let mask = &dataset.mask;
            let here = |row: &u32| {
                let unit = ordinals[*row as usize] as usize;
                unit < mask.len() && mask.get(unit)
            };
            let rows: Vec<u32> = (0..ordinals.len() as u32).filter(here).collect();
            data = Arc::new(take(&data, &rows, control)?);
            ordinals = rows.iter().map(|r| ordinals[*r as usize]).collect();
            starts = rows.iter().map(|r| starts[*r as usize]).collect();
            stops = rows.iter().map(|r| stops[*r as usize]).collect();
        }
        let (from, to) = (plan.from.days().to_le_bytes(), plan.to.days().to_le_bytes());
        let parts = [info.store.as_bytes(), info.name.as_bytes(), &variable.digest, &from, &to, &within];
        let key = column_key("import-event", &parts);
        let mut column = imported(info, &variable, data, plan.labels.clone());
        column.key = key;
        column.row_wise = false;
        column.made = restricted;
        column.import = Some((Arc::clone(info), Some(plan.to)));
        let origin = vec![info.name.clone()];
        let [start, stop] = spell_columns(&plan.column);
        let mut begun = days(starts.clone(), known(&starts, i32::MIN), column_key("start", &[&key]), origin.clone());
        let mut ended = days(stops.clone(), known(&stops, i32::MAX), column_key("stop", &[&key]), origin);
        // What all runs share counts against the cache, not against this run.
        (begun.made, ended.made) = (restricted, restricted);
        dataset.kind = DatasetKind::Event;
        dataset.unit_type = Some(Arc::clone(&info.unit_type));
        dataset.rows_key = key;
        dataset.set_mask(Mask::of_valid(None, ordinals.len(), ordinals.len()));
        dataset.rows = Rows::Own(ordinals);
        dataset.put(&plan.column, column);
        dataset.put(&start, begun);
        dataset.put(&stop, ended);
        if !restricted {
            let people = self.people(&dataset)?;
            let key = column_key("population", &[&key, &people.mark()]);
            dataset.set = Some(self.cache.set(key, || Ok::<_, RunError>(people.set(&dataset.mask)))?);
        }
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
            let mut column = imported(info, &variables[v], Arc::new(data), labels.clone());
            let (store, name) = (info.store.as_bytes(), info.name.as_bytes());
            let codes = format!("{:?}", plan.harmonise.as_ref().and_then(|all| all.get(v)));
            let parts = [store, name, &variables[v].digest, codes.as_bytes(), &dataset.rows_key];
            column.key = column_key("panel column", &parts);
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
            let valid = arrow::buffer::BooleanBuffer::collect_bool(rows, |i| mask.get(i) && column.data.is_valid(i));
            let data = Data {
                values: slice(&column.data.values, rows),
                validity: Some(arrow::buffer::NullBuffer::new(valid)),
                dictionary: column.data.dictionary.clone(),
            };
            column.data = Arc::new(data);
            column.key = column_key("within", &[&column.key, &population]);
            column.row_wise = false;
        }
        Ok(())
    }
}

/// A column of a register variable; row-wise and of the cache until it is said otherwise.
fn imported(info: &Arc<VariableInfo>, variable: &Variable, data: Arc<Data>, labels: Option<Arc<Labels>>) -> Column {
    let sentinel = variable.codes.as_ref().map_or(&[][..], |c| &c.sentinel);
    Column {
        data_type: info.data_type.clone(),
        flagged: Arc::new(flagged(labels.as_deref(), &data, sentinel)),
        labels,
        title: Some(info.title.clone()),
        origin: Arc::new(vec![info.name.clone()]),
        key: [0; 32],
        row_wise: true,
        import: None,
        made: false,
        data,
    }
}

/// A column of days that belongs to the rows: START, STOP, `date@panel`.
fn days(days: ScalarBuffer<i32>, validity: Option<NullBuffer>, key: [u8; 32], origin: Vec<String>) -> Column {
    Column {
        data: Arc::new(Data { values: Values::Date(days), validity, dictionary: None }),
        data_type: DataType::Date,
        labels: None,
        flagged: Arc::default(),
        title: None,
        origin: Arc::new(origin),
        key,
        row_wise: false,
        import: None,
        made: true,
    }
}

/// Missing where a day is `nothing`.
fn known(days: &[i32], nothing: i32) -> Option<NullBuffer> {
    days.contains(&nothing).then(|| NullBuffer::new(BooleanBuffer::collect_bool(days.len(), |i| days[i] != nothing)))
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
