//! Event datasets (LANG-121, LANG-079): a row per spell. A whole import is not read but counted ([`Unread`]): `keep`, `drop`
//! and `collapse (count)` go on with counts, every other command has the rows read.

use std::sync::Arc;

use arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use script::program::{Expression, Groups as Plan, ImportEvent, Name, RowUnit, Statistic};
use script::{DataType, Temporality};

use super::import::{days, imported};
use super::{Outcome, Run, spell_columns};
use crate::cache::{Imported, SpellPart};
use crate::control::{Control, stopped};
use crate::data::{Data, Dictionary};
use crate::dataset::{Column, Dataset, DatasetKind, Rows, column_key, unit_key_of};
use crate::error::RunError;
use crate::expression::entries;
use crate::mask::Mask;
use crate::people::People;
use crate::raw::{PersonSet, Raw, RawPopulation};
use crate::source::{CodeSet, Selection, Spells, StoreVersion, Values, Variable, space_of};
use crate::take::take;
use crate::unread::{Content, Held, Unread, import_key, rows_key};

/// Spells as columns with a row per spell.
struct SpellColumns {
    value: Arc<Data>,
    ordinals: ScalarBuffer<u32>,
    starts: ScalarBuffer<i32>,
    stops: ScalarBuffer<i32>,
}

impl Run {
    /// `import-event`: a row per spell that meets the interval, with its own START and STOP. Into the units of another
    /// dataset only their spells come.
    pub(super) fn import_event(&mut self, plan: &ImportEvent, control: &dyn Control) -> Result<Outcome, RunError> {
        let dataset = self.active()?;
        if dataset.kind != DatasetKind::Empty {
            return Err(RunError::mixed_kinds(&plan.column));
        }
        let info = &plan.variable;
        let version = StoreVersion { store: info.store.clone(), version: info.version.clone() };
        let variable = self.source.describe(&version, &info.name)?;
        let selection = Selection::meeting(plan.from, plan.to);
        if dataset.unit_type.is_none() && info.temporality == Temporality::Event {
            let name = Arc::clone(&dataset.name);
            let codes = variable
                .codes
                .as_ref()
                .map(|codes| Arc::new(Dictionary::of(&codes.codes, info.data_type == DataType::Integer)));
            let content = self.content(plan, &variable, &selection)?;
            let events = Unread::new(name, Arc::new(plan.clone()), variable, codes, selection, content);
            return Ok(self.propose_unread(events));
        }
        let mut dataset = dataset.clone();
        let SpellColumns { mut value, mut ordinals, mut starts, mut stops } =
            self.spell_columns_of(plan, &variable, &selection)?;
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
            value = Arc::new(take(&value, &rows, control)?);
            ordinals = rows.iter().map(|r| ordinals[*r as usize]).collect();
            starts = rows.iter().map(|r| starts[*r as usize]).collect();
            stops = rows.iter().map(|r| stops[*r as usize]).collect();
        }
        dataset.rows_key = import_key(plan, &variable, &within);
        let columns = SpellColumns { value, ordinals, starts, stops };
        put_spells(&mut dataset, plan, &variable, within, columns, restricted);
        if !restricted {
            let people = self.people(&dataset)?;
            let key = column_key("population", &[&dataset.rows_key, &people.mark()]);
            dataset.set = Some(self.cache.set(key, || Ok::<_, RunError>(people.set(&dataset.mask)))?);
        }
        self.population(dataset)
    }

    /// The spells of a selection as columns with a row per spell, through the cache like every import (ENG-022).
    fn spell_columns_of(
        &self,
        plan: &ImportEvent,
        variable: &Variable,
        selection: &Selection,
    ) -> Result<SpellColumns, RunError> {
        let info = &plan.variable;
        let version = StoreVersion { store: info.store.clone(), version: info.version.clone() };
        // Read once, for whichever parts are not in the cache.
        let mut read: Option<Spells> = None;
        let mut part = |part: SpellPart| -> Result<Arc<Data>, RunError> {
            let load = || -> Result<Data, RunError> {
                if read.is_none() {
                    read = Some(match info.temporality {
                        Temporality::Event => self.source.events(&version, &info.name, selection)?,
                        _ => self.source.spells(&version, &info.name, plan.from, plan.to)?,
                    });
                }
                let Some(spells) = &read else { return Err(RunError::unknown_column(&info.name)) };
                let plain = |values| Data::new(values, None, None);
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
            self.shared(variable, Imported::Spells(part, selection.digest()), load)
        };
        let (value, ordinal) = (part(SpellPart::Value)?, part(SpellPart::Ordinal)?);
        let (start, stop) = (part(SpellPart::Start)?, part(SpellPart::Stop)?);
        match (&ordinal.values, &start.values, &stop.values) {
            (Values::Unit(ordinals), Values::Date(starts), Values::Date(stops)) => {
                let (ordinals, starts, stops) = (ordinals.clone(), starts.clone(), stops.clone());
                Ok(SpellColumns { value, ordinals, starts, stops })
            }
            _ => Err(RunError::unknown_column(&info.name)),
        }
    }

    /// How many rows of a selection every unit has.
    fn counts(&self, plan: &ImportEvent, variable: &Variable, selection: &Selection) -> Result<Arc<Data>, RunError> {
        let info = &plan.variable;
        let version = StoreVersion { store: info.store.clone(), version: info.version.clone() };
        self.shared(variable, Imported::Counts(selection.digest()), || {
            let column = self.source.event_counts(&version, &info.name, selection)?;
            let counts = Data::imported(column, None, true);
            // Known before the cache is charged for it.
            counts.counted(self.source.space_size(space_of(&info.unit_type)) as usize);
            Ok(counts)
        })
    }

    /// What is known of a selection without its rows.
    fn content(&self, plan: &ImportEvent, variable: &Variable, selection: &Selection) -> Result<Content, RunError> {
        let counts = self.counts(plan, variable, selection)?;
        let space = space_of(&plan.variable.unit_type);
        let (units, rows) = counts.counted(self.source.space_size(space) as usize);
        let people = People::of_space(&*self.source, space)?;
        let rows_key = rows_key(&import_key(plan, variable, &[0; 32]), selection);
        let key = column_key("population", &[&rows_key, &people.mark(), &(units.len() as u64).to_le_bytes()]);
        let set = self.cache.set(key, || Ok::<_, RunError>(people.set_near(&units, &self.known(space))))?;
        Ok(Content { counts, units, rows, set })
    }

    /// `keep` and `drop` of an event dataset whose rows are not read; none when the condition needs them.
    pub(super) fn filter_unread(&mut self, condition: &Expression, drop: bool) -> Result<Option<Outcome>, RunError> {
        let Held::Unread(events) = self.held(self.active_name()?)? else { return Ok(None) };
        let Some(selection) = events.narrowed(condition, drop) else { return Ok(None) };
        let content = self.content(&events.plan, &events.variable, &selection)?;
        let (name, plan, variable) = (events.name.clone(), events.plan.clone(), events.variable.clone());
        let events = Unread::new(name, plan, variable, events.codes.clone(), selection, content);
        Ok(Some(self.propose_unread(events)))
    }

    /// Proposes an event dataset with its population (LANG-241).
    fn propose_unread(&mut self, events: Unread) -> Outcome {
        let Content { units, rows, set, .. } = &events.content;
        let raw = RawPopulation {
            dataset: events.name.to_string(),
            kind: crate::raw::DatasetKind::Event,
            unit_type: events.variable.info.unit_type.name.clone(),
            units: units.count(),
            rows: *rows,
            set: PersonSet { sketch: set.sketch, members: set.members.clone(), ..**set },
            before: self.datasets.get(&events.name).and_then(Held::set).cloned(),
        };
        self.pending = Some(Held::Unread(Arc::new(events)));
        Outcome::Population(Raw::new(raw))
    }

    /// The rows of an event dataset, now that they are asked for.
    pub(super) fn read(&self, events: &Unread) -> Result<Dataset, RunError> {
        let Unread { plan, variable, selection, .. } = events;
        let columns = self.spell_columns_of(plan, variable, selection)?;
        let mut dataset = Dataset { rows_key: events.rows_key(), ..Dataset::empty(&events.name) };
        put_spells(&mut dataset, plan, variable, [0; 32], columns, false);
        dataset.set = Some(Arc::clone(&events.content.set));
        self.afford(&dataset)?;
        Ok(dataset)
    }

    /// `collapse (count)` by unit of an event dataset whose rows are not read; none when anything else is asked for.
    pub(super) fn collapse_unread(&self, plan: &Plan) -> Result<Option<Dataset>, RunError> {
        let Held::Unread(events) = self.held(self.active_name()?)? else { return Ok(None) };
        let info = &events.plan.variable;
        let [start, stop] = spell_columns(&events.plan.column);
        let value = &events.plan.column;
        let own = |name: &Name| name == value || *name == start || *name == stop;
        let (RowUnit::Type(unit_type), [key]) = (&plan.unit, plan.by.as_slice()) else { return Ok(None) };
        let by_unit = **unit_type == *info.unit_type && **key == *unit_type.identifier && !own(key);
        // Every row has a value and a first day.
        let counted = |c: &script::program::GroupColumn| {
            c.statistic == Statistic::Count && (c.source == *value || c.source == start)
        };
        if !by_unit || !plan.columns.iter().all(counted) {
            return Ok(None);
        }
        let mut rows = Dataset { rows_key: events.rows_key(), ..Dataset::empty(&events.name) };
        let nothing = SpellColumns {
            value: Arc::new(Data::new(Data::default().values, None, events.codes.clone())),
            ordinals: Vec::new().into(),
            starts: Vec::new().into(),
            stops: Vec::new().into(),
        };
        put_spells(&mut rows, &events.plan, &events.variable, [0; 32], nothing, false);
        let population = self.unread_population_key(events);
        let key = unit_key_of(unit_type, &events.rows_key());
        let mut to = Dataset { kind: DatasetKind::CrossSection, ..Dataset::empty(&events.name) };
        to.rows_key = column_key("collapse", &[&population, &key]);
        to.unit_type = Some(Arc::clone(unit_type));
        to.mask = Arc::clone(&events.content.units);
        to.set = Some(Arc::clone(&events.content.set));
        for new in &plan.columns {
            let source = rows.column(&new.source).ok_or_else(|| RunError::unknown_column(&new.source))?;
            let counts = match unflagged(source, events.codes.as_deref()) {
                Some(codes) => {
                    let selection = events.selection.clone().with_codes(&codes);
                    self.counts(&events.plan, &events.variable, &selection)?
                }
                None => Arc::clone(&events.content.counts),
            };
            let column = super::groups::made("collapse", new, source, &population, &[key], &[]);
            // The counts of all runs are the cache's.
            to.put(&new.column, Column { data: counts, made: false, ..column });
        }
        Ok(Some(to))
    }

    /// As `population_key` has it for the rows themselves.
    fn unread_population_key(&self, events: &Unread) -> [u8; 32] {
        let fingerprint = events.content.set.fingerprint.to_le_bytes();
        column_key("population", &[&fingerprint, &events.rows_key(), &[0; 32]])
    }
}

/// Puts spells into a dataset without rows: the value, START and STOP. `made` where they belong to this run.
fn put_spells(
    dataset: &mut Dataset,
    plan: &ImportEvent,
    variable: &Variable,
    within: [u8; 32],
    columns: SpellColumns,
    made: bool,
) {
    let info = &plan.variable;
    let SpellColumns { value, ordinals, starts, stops } = columns;
    let key = import_key(plan, variable, &within);
    let mut column = imported(info, variable, value, plan.labels.clone(), key);
    column.row_wise = false;
    column.made = made;
    column.import = Some((Arc::clone(info), Some(plan.to)));
    let origin = vec![info.name.clone()];
    let [start, stop] = spell_columns(&plan.column);
    let mut begun = days(starts.clone(), known(&starts, i32::MIN), column_key("start", &[&key]), origin.clone());
    let mut ended = days(stops.clone(), known(&stops, i32::MAX), column_key("stop", &[&key]), origin);
    // What all runs share counts against the cache, not against this run.
    (begun.made, ended.made) = (made, made);
    dataset.kind = DatasetKind::Event;
    dataset.unit_type = Some(Arc::clone(&info.unit_type));
    dataset.set_mask(Mask::of_valid(None, ordinals.len(), ordinals.len()));
    dataset.rows = Rows::Own(ordinals);
    dataset.put(&plan.column, column);
    dataset.put(&start, begun);
    dataset.put(&stop, ended);
}

/// Missing where a day is `nothing`.
fn known(days: &[i32], nothing: i32) -> Option<NullBuffer> {
    days.contains(&nothing).then(|| NullBuffer::new(BooleanBuffer::collect_bool(days.len(), |i| days[i] != nothing)))
}

/// The codes of a column that are not flagged missing (LANG-036); none when no code is.
fn unflagged(column: &Column, codes: Option<&Dictionary>) -> Option<CodeSet> {
    let codes = codes.filter(|_| !column.flagged.is_empty() && column.data.dictionary.is_some())?;
    let good: Vec<bool> = entries(codes).iter().map(|value| !column.is_flagged(value)).collect();
    // A place that no code has holds no value to count.
    Some(CodeSet::new(good, false))
}
