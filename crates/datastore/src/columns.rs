//! The stores as the engine sees them ([`VariableSource`], ENG-050): metadata from memory, columns from mapped files,
//! shared by all users.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch};
use arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow::datatypes::{Int32Type, UInt32Type};
use engine::source::{
    CodeEntry, CodeList, CodePeriod, Codes, Column, DataType, PersonPointer, Recoding, RecordKeys, Selection,
    SourceError, Spells, StoreVersion, Temporality, Values, Variable, VariableInfo, VariableSource,
};
use kernel::{Date, Timestamp};
use protocol::calls::IdCheck;

use crate::by_code::{BY_CODE, ByCode, DIRECTORY};
use crate::check::CodeIndex;
use crate::error::DatastoreError;
use crate::events;
use crate::folder::{place, values};
use crate::header::{DICTIONARY, DatasetRecord, Layout, Part, Stored};
use crate::ids::IdSpaces;
use crate::mapped::{Map, batch, map};
use crate::metadata::{Code, CodeChange, Domain, Metadata, ValueType};
use crate::product::Product;
use crate::spells::{Days, by_ordinal, overlapping};
use crate::sql::Everything;
use crate::units::{PERSON_IDS, UnitTypes};
use crate::version::Version;

/// A dataset of a version.
pub(crate) struct Dataset {
    pub record: Arc<DatasetRecord>,
    pub variable: Arc<Variable>,
    pub folder: PathBuf,
}

/// A released version.
pub(crate) struct Release {
    pub version: String,
    pub digest: [u8; 32],
    pub released_at: Timestamp,
    pub product: Option<Product>,
    pub datasets: BTreeMap<String, Arc<Dataset>>,
}

impl Release {
    /// The older versions of a published store that this first release of a synthetic one stands in for.
    fn older(&self) -> impl Iterator<Item = String> {
        let newest = self.product.as_ref().and_then(Product::stands_in).unwrap_or(1);
        (1..newest).map(|major| Version([major, 0, 0, 0]).to_string())
    }

    fn stands_for(&self, version: &str) -> bool {
        self.older().any(|v| v == version)
    }
}

/// A store with its releases, oldest first.
pub(crate) struct StoreState {
    pub synthetic: bool,
    pub check: IdCheck,
    pub releases: Vec<Arc<Release>>,
}

/// Everything that is released, at one moment.
#[derive(Default)]
pub(crate) struct State {
    pub stores: BTreeMap<String, StoreState>,
    pub spaces: BTreeMap<String, u32>,
}

impl State {
    /// From the rows of the database. Datasets that were known before are shared.
    pub(crate) fn of(all: Everything, root: &Path) -> Result<Self, DatastoreError> {
        let mut state = State { spaces: all.spaces, ..State::default() };
        let mut shared: HashMap<(String, String, String), (Arc<DatasetRecord>, Shared)> = HashMap::new();
        for store in &all.stores {
            let entry = StoreState { synthetic: store.synthetic, check: store.check, releases: Vec::new() };
            state.stores.insert(store.name.clone(), entry);
        }
        for row in all.versions {
            let Some(store) = state.stores.get_mut(&row.store) else { continue };
            let types = UnitTypes::with(row.product.as_ref().map(|p| p.unit_types.as_slice()).unwrap_or_default());
            let spaces = IdSpaces { store: row.store.clone(), check: store.check };
            let mut datasets = BTreeMap::new();
            for (name, content) in &row.content {
                let key = (row.store.clone(), name.clone(), content.digest.clone());
                let missing = || DatastoreError::Damaged(format!("{}/{name}", row.store));
                if !shared.contains_key(&key) {
                    let record = all.datasets.get(&key).cloned().map(Arc::new).ok_or_else(missing)?;
                    let made = Shared::of(&record.metadata);
                    shared.insert(key.clone(), (record, made));
                }
                let (record, parts) = &shared[&key];
                let digest = digest_of(&record.digest).ok_or_else(missing)?;
                let variable =
                    variable(&row.store, &row.version, record, parts, &types, &spaces, digest).ok_or_else(missing)?;
                let folder = place(root, &digest);
                let dataset = Dataset { record: record.clone(), variable: Arc::new(variable), folder };
                datasets.insert(name.clone(), Arc::new(dataset));
            }
            store.releases.push(Arc::new(Release {
                version: row.version,
                digest: digest_of(&row.digest).unwrap_or_default(),
                released_at: row.released_at,
                product: row.product,
                datasets,
            }));
        }
        Ok(state)
    }

    /// A version of a store.
    pub(crate) fn release(&self, at: &StoreVersion) -> Result<&Arc<Release>, SourceError> {
        let unknown = || SourceError::UnknownVersion { store: at.store.clone(), version: at.version.clone() };
        let store = self.stores.get(&at.store).ok_or_else(unknown)?;
        let found = store.releases.iter().find(|r| r.version == at.version);
        found.or_else(|| store.releases.first().filter(|r| r.stands_for(&at.version))).ok_or_else(unknown)
    }

    /// A dataset of a version.
    pub(crate) fn dataset(&self, at: &StoreVersion, name: &str) -> Result<&Arc<Dataset>, SourceError> {
        self.release(at)?.datasets.get(name).ok_or_else(|| SourceError::UnknownVariable {
            store: at.store.clone(),
            version: at.version.clone(),
            name: name.to_owned(),
        })
    }
}

fn digest_of(text: &str) -> Option<[u8; 32]> {
    hex::decode(text).ok()?.try_into().ok()
}

/// What versions of a dataset share.
struct Shared {
    code_list: Option<CodeList>,
    codes: Option<Arc<Codes>>,
}

impl Shared {
    fn of(metadata: &Metadata) -> Self {
        let codes = CodeIndex::of(&metadata.domain).map(|i| Arc::new(Codes { codes: i.codes, sentinel: i.sentinel }));
        Self { code_list: code_list(&metadata.domain), codes }
    }
}

/// The periods of a code list (DATA-070): cut at every first day, and after every last day; sentinels in each.
pub(crate) fn code_list(domain: &Domain) -> Option<CodeList> {
    let Domain::Codes { list, sentinels, changes } = domain else { return None };
    let mut cuts: Vec<Date> = list.iter().filter_map(|c| c.from).collect();
    cuts.extend(list.iter().filter_map(|c| c.until).map(|d| d.plus_days(1)));
    cuts.sort_unstable();
    cuts.dedup();
    let entry = |c: &Code, missing| CodeEntry { code: c.code.clone(), label: c.title.clone(), missing };
    let mut periods = Vec::new();
    for (i, from) in cuts.iter().enumerate() {
        let until = cuts.get(i + 1).map(|d| d.plus_days(-1));
        let valid = |c: &&Code| c.from.is_none_or(|f| f <= *from) && c.until.is_none_or(|u| *from <= u);
        let mut codes: Vec<CodeEntry> = list.iter().filter(valid).map(|c| entry(c, false)).collect();
        if codes.is_empty() {
            continue;
        }
        codes.extend(sentinels.iter().map(|c| entry(c, true)));
        periods.push(CodePeriod { from: Some(*from), until, codes });
    }
    let recoding = |c: &CodeChange| Recoding { date: c.date, from: c.from.clone(), to: c.to.clone(), share: c.share };
    Some(CodeList { periods, changes: changes.iter().map(recoding).collect() })
}

fn variable(
    store: &str,
    version: &str,
    record: &DatasetRecord,
    shared: &Shared,
    types: &UnitTypes,
    spaces: &IdSpaces,
    digest: [u8; 32],
) -> Option<Variable> {
    let metadata = &record.metadata;
    let unit_type = Arc::new(spaces.unit_type(types.get(&metadata.unit_type)?));
    let data_type = match &metadata.domain {
        Domain::Units { unit_type } => DataType::Key(Arc::new(spaces.unit_type(types.get(unit_type)?))),
        _ => match metadata.value_type {
            ValueType::String => DataType::Text,
            ValueType::Long => DataType::Integer,
            ValueType::Double => DataType::Decimal,
            ValueType::Date => DataType::Date,
        },
    };
    let info = VariableInfo {
        store: store.to_owned(),
        version: version.to_owned(),
        name: record.name.clone(),
        title: metadata.title.clone(),
        description: metadata.description.clone(),
        unit_type,
        temporality: metadata.temporality,
        data_type,
        covered_from: record.header.from,
        covered_until: record.header.to,
        status_dates: record.header.dates.clone(),
        code_list: shared.code_list.clone(),
    };
    Some(Variable { info: Arc::new(info), codes: shared.codes.clone(), digest })
}

/// Does the same with the values of every kind.
macro_rules! each_values {
    ($values:expr, $v:ident => $make:expr) => {
        match $values {
            Values::Code8($v) => Values::Code8($make),
            Values::Code16($v) => Values::Code16($make),
            Values::Code32($v) => Values::Code32($make),
            Values::Int8($v) => Values::Int8($make),
            Values::Int16($v) => Values::Int16($make),
            Values::Int32($v) => Values::Int32($make),
            Values::Int64($v) => Values::Int64($make),
            Values::Float($v) => Values::Float($make),
            Values::Date($v) => Values::Date($make),
            Values::Unit($v) => Values::Unit($make),
            Values::Text { index: $v, dictionary } => Values::Text { index: $make, dictionary: dictionary.clone() },
        }
    };
}
pub(crate) use each_values;

/// A mapped file of values.
pub(crate) struct Mapped {
    map: Map,
    batch: RecordBatch,
    dictionary: Arc<Vec<String>>,
    stored: Stored,
}

impl Mapped {
    pub(crate) fn column(&self, name: &str) -> Option<&ArrayRef> {
        self.batch.column_by_name(name)
    }

    pub(crate) fn values(&self) -> Option<Values> {
        values(self.column("value")?, self.stored, &self.dictionary)
    }

    pub(crate) fn validity(&self) -> Option<NullBuffer> {
        self.column("value").and_then(|a| a.nulls().cloned())
    }

    pub(crate) fn ordinals(&self) -> Option<ScalarBuffer<u32>> {
        Some(self.column("ordinal")?.as_primitive_opt::<UInt32Type>()?.values().clone())
    }

    pub(crate) fn dates(&self, name: &str) -> Option<ScalarBuffer<i32>> {
        Some(self.column(name)?.as_primitive_opt::<Int32Type>()?.values().clone())
    }
}

type Keys = HashMap<String, [u8; 32]>;

/// The stores as columns. Cheap to clone; all clones see a release as soon as it is loaded.
#[derive(Clone)]
pub struct Columns {
    inner: Arc<Inner>,
}

struct Inner {
    state: RwLock<Arc<State>>,
    files: Mutex<HashMap<PathBuf, Arc<Mapped>>>,
    keys: RwLock<Keys>,
    record_keys: Mutex<HashMap<String, Arc<RecordKeys>>>,
    pointers: Mutex<HashMap<String, (String, PersonPointer)>>,
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Columns {
    pub(crate) fn new(state: State) -> Self {
        Self {
            inner: Arc::new(Inner {
                state: RwLock::new(Arc::new(state)),
                files: Mutex::default(),
                keys: RwLock::default(),
                record_keys: Mutex::default(),
                pointers: Mutex::default(),
            }),
        }
    }

    pub(crate) fn state(&self) -> Arc<State> {
        self.inner.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn replace(&self, state: State) {
        *self.inner.state.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(state);
    }

    /// The unit spaces there are, by name: what the gate's keys are asked for.
    pub fn spaces(&self) -> Vec<String> {
        self.state().spaces.keys().cloned().collect()
    }

    /// The unit spaces whose key is not here yet.
    pub fn spaces_without_key(&self) -> Vec<String> {
        let keys = self.inner.keys.read().unwrap_or_else(PoisonError::into_inner);
        self.state().spaces.keys().filter(|space| !keys.contains_key(*space)).cloned().collect()
    }

    /// Takes the key `K_dataset` of a unit space (SDC-030). It stays in memory.
    pub fn set_dataset_key(&self, space: &str, key: [u8; 32]) {
        self.inner.keys.write().unwrap_or_else(PoisonError::into_inner).insert(space.to_owned(), key);
        locked(&self.inner.record_keys).remove(space);
    }

    /// The newest version of a store.
    pub fn latest(&self, store: &str) -> Option<StoreVersion> {
        let state = self.state();
        let release = state.stores.get(store)?.releases.last()?;
        Some(StoreVersion { store: store.to_owned(), version: release.version.clone() })
    }

    /// The newest version of every store.
    pub fn newest(&self) -> Vec<StoreVersion> {
        let state = self.state();
        state.stores.keys().filter_map(|s| self.latest(s)).collect()
    }

    /// A file of a dataset, mapped once for the life of the process.
    pub(crate) fn mapped(&self, dataset: &Dataset, file: &str) -> Result<Arc<Mapped>, DatastoreError> {
        let path = dataset.folder.join(file);
        if let Some(found) = locked(&self.inner.files).get(&path) {
            return Ok(found.clone());
        }
        let load = |file: &str| {
            let name = format!("{}/{file}", dataset.record.name);
            let entry = dataset.record.header.files.get(file).ok_or_else(|| DatastoreError::Damaged(name.clone()))?;
            let map = map(&dataset.folder.join(file), &name, entry)?;
            Ok::<_, DatastoreError>((batch(map.bytes(), &name)?, map))
        };
        let stored = dataset.record.header.stored;
        let dictionary = match stored {
            Stored::Text => {
                let (words, _) = load(DICTIONARY)?;
                let words = words.column(0).as_string_opt::<i32>();
                let words =
                    words.ok_or_else(|| DatastoreError::Damaged(format!("{}/{DICTIONARY}", dataset.record.name)))?;
                words.iter().map(|w| w.unwrap_or_default().to_owned()).collect()
            }
            _ => Vec::new(),
        };
        let (batch, map) = load(file)?;
        let mapped = Arc::new(Mapped { map, batch, dictionary: Arc::new(dictionary), stored });
        locked(&self.inner.files).insert(path, mapped.clone());
        Ok(mapped)
    }

    /// One part as a dense column.
    pub(crate) fn dense(&self, dataset: &Dataset, part: &Part) -> Result<Column, DatastoreError> {
        let damaged = || self.damaged(dataset, &part.file);
        let mapped = self.mapped(dataset, &part.file)?;
        let values = mapped.values().ok_or_else(damaged)?;
        match part.layout {
            Layout::Dense => Ok(Column { values, validity: mapped.validity() }),
            Layout::Sparse => {
                let ordinals = mapped.ordinals().ok_or_else(damaged)?;
                by_ordinal(&values, &ordinals, None, part.length as usize, &|| ()).ok_or_else(damaged)
            }
            Layout::Spells => Err(damaged()),
        }
    }

    /// Spells as they are in the file.
    pub(crate) fn all_spells(&self, dataset: &Dataset, part: &Part) -> Result<Spells, DatastoreError> {
        let mapped = self.mapped(dataset, &part.file)?;
        let read = || {
            Some(Spells {
                ordinals: mapped.ordinals()?,
                starts: mapped.dates("start")?,
                stops: mapped.dates("stop")?,
                values: mapped.values()?,
            })
        };
        read().ok_or_else(|| self.damaged(dataset, &part.file))
    }

    /// The rows by code, where the dataset has them: datasets that were written before there was a copy do without.
    fn by_code(&self, dataset: &Dataset) -> Result<Option<ByCode>, DatastoreError> {
        if !dataset.record.header.files.contains_key(BY_CODE) {
            return Ok(None);
        }
        let (copy, directory) = (self.mapped(dataset, BY_CODE)?, self.mapped(dataset, DIRECTORY)?);
        let by_code = ByCode::of(&copy, &directory, dataset.record.header.rows);
        by_code.map(Some).ok_or_else(|| self.damaged(dataset, BY_CODE))
    }

    /// The rows of an EVENT dataset, and the copy by code when a selection may be read from it.
    fn event_rows(
        &self,
        dataset: &Dataset,
        selection: &Selection,
    ) -> Result<Option<(Spells, Option<ByCode>)>, DatastoreError> {
        let event = dataset.record.metadata.temporality == Temporality::Event;
        let [part] = dataset.record.header.parts.as_slice() else { return Ok(None) };
        if !event || part.layout != Layout::Spells {
            return Ok(None);
        }
        let by_code = if selection.codes().is_some() { self.by_code(dataset)? } else { None };
        Ok(Some((self.all_spells(dataset, part)?, by_code)))
    }

    fn events_of(&self, dataset: &Dataset, selection: &Selection) -> Result<Spells, DatastoreError> {
        match self.event_rows(dataset, selection)? {
            Some((spells, _)) if selection.is_empty() => Ok(events::nothing(&spells)),
            Some((spells, by_code)) => Ok(events::rows(&spells, by_code.as_ref(), selection)),
            None => {
                let (from, to) = (selection.stops().first, selection.starts().last);
                let mut spells = self.spells_of(dataset, Date::from_days(from), Date::from_days(to))?;
                spells.retain(selection);
                Ok(spells)
            }
        }
    }

    fn event_counts_of(&self, dataset: &Dataset, selection: &Selection) -> Result<Column, DatastoreError> {
        match self.event_rows(dataset, selection)? {
            Some((spells, by_code)) => {
                let length = dataset.record.header.length as usize;
                let counts = events::counts(&spells, by_code.as_ref(), selection, length);
                counts.ok_or_else(|| self.damaged(dataset, &dataset.record.header.parts[0].file))
            }
            None => Ok(self.events_of(dataset, selection)?.counts()),
        }
    }

    /// A file of a dataset, named, is not what it must be.
    fn damaged(&self, dataset: &Dataset, file: &str) -> DatastoreError {
        DatastoreError::Damaged(format!("{}/{file}", dataset.record.name))
    }

    fn column_of(&self, dataset: &Dataset, time: Option<Date>) -> Result<Column, ColumnError> {
        let parts = &dataset.record.header.parts;
        let temporality = dataset.record.metadata.temporality;
        let covering: Vec<&Part> = match (temporality, time) {
            (Temporality::Fixed, _) => parts.iter().collect(),
            (_, None) => return Err(ColumnError::Time),
            (Temporality::Status, Some(day)) if parts.iter().all(|p| p.layout != Layout::Spells) => {
                parts.iter().filter(|p| p.from == Some(day)).collect()
            }
            (_, Some(day)) => parts
                .iter()
                .filter(|p| {
                    p.layout == Layout::Spells || p.from.is_some_and(|f| f <= day) && p.to.is_some_and(|t| day <= t)
                })
                .collect(),
        };
        match (covering.as_slice(), time) {
            ([], _) => Err(ColumnError::Time),
            ([part], Some(day)) if part.layout == Layout::Spells => {
                let spells = self.all_spells(dataset, part)?;
                let days = Days::of(&spells);
                let file = self.mapped(dataset, &part.file)?;
                let release = || file.map.release();
                let days = Some((days, day.days()));
                by_ordinal(&spells.values, &spells.ordinals, days, part.length as usize, &release)
                    .ok_or_else(|| self.damaged(dataset, &part.file).into())
            }
            ([part], _) => Ok(self.dense(dataset, part)?),
            // Units may have periods of different length that cover the day.
            (several, _) => {
                let columns = several.iter().map(|p| self.dense(dataset, p)).collect::<Result<Vec<_>, _>>()?;
                Ok(merge(&columns, dataset.record.header.stored))
            }
        }
    }

    fn spells_of(&self, dataset: &Dataset, from: Date, to: Date) -> Result<Spells, DatastoreError> {
        let fixed = dataset.record.metadata.temporality == Temporality::Fixed;
        let mut columns: Vec<Column> = Vec::new();
        // Unit, start, stop, column.
        let mut rows: Vec<(u32, i32, i32, u32)> = Vec::new();
        for part in &dataset.record.header.parts {
            if part.layout == Layout::Spells {
                let spells = self.all_spells(dataset, part)?;
                if dataset.record.metadata.carries() {
                    let mut keep = Vec::new();
                    let all = 0..spells.ordinals.len();
                    Days::of(&spells).meeting(all, from.days(), to.days(), |row| keep.push(row));
                    return Ok(measurements(&spells, &keep, &dataset.record.header.dates, from, to));
                }
                return Ok(overlapping(&spells, from.days(), to.days()));
            }
            let (start, stop) = (part.from.map_or(i32::MIN, Date::days), part.to.map_or(i32::MAX, Date::days));
            if fixed || start <= to.days() && stop >= from.days() {
                let column = self.dense(dataset, part)?;
                let which = columns.len() as u32;
                let valid = (0..column.len()).filter(|i| column.is_valid(*i));
                rows.extend(valid.map(|i| (i as u32, start, stop, which)));
                columns.push(column);
            }
        }
        if columns.len() > 1 {
            rows.sort_unstable();
        }
        let places: Vec<(u32, u32)> = rows.iter().map(|r| (r.3, r.0)).collect();
        Ok(Spells {
            ordinals: rows.iter().map(|r| r.0).collect(),
            starts: rows.iter().map(|r| r.1).collect(),
            stops: rows.iter().map(|r| r.2).collect(),
            values: gather(&columns, &places, dataset.record.header.stored),
        })
    }

    /// The datasets that lead from the units of a space to persons: of the newest versions, by the collections.
    fn pointers(&self, state: &State, space: &str) -> Vec<Arc<Dataset>> {
        let mut found = Vec::new();
        for store in state.stores.values() {
            let Some(release) = store.releases.last() else { continue };
            let collections = release.product.as_ref().map(|p| p.collections.as_slice()).unwrap_or_default();
            let named =
                collections.iter().filter_map(|c| c.person_pointer.as_ref()).filter_map(|n| release.datasets.get(n));
            found.extend(named.filter(|d| d.variable.space() == space).cloned());
        }
        found
    }
}

/// The measurements behind carried values: a row per unit and measuring day within the interval.
fn measurements(spells: &Spells, keep: &[usize], dates: &[Date], from: Date, to: Date) -> Spells {
    let within = |r: usize| {
        let (first, last) = (spells.starts[r].max(from.days()), spells.stops[r].min(to.days()));
        let begin = dates.partition_point(|d| d.days() < first);
        let end = dates.partition_point(|d| d.days() <= last);
        dates[begin..end.max(begin)].iter().map(move |d| (r, d.days()))
    };
    let rows: Vec<(usize, i32)> = keep.iter().copied().flat_map(within).collect();
    Spells {
        ordinals: rows.iter().map(|r| spells.ordinals[r.0]).collect(),
        starts: rows.iter().map(|r| r.1).collect(),
        stops: rows.iter().map(|r| r.1).collect(),
        values: take(&spells.values, rows.iter().map(|r| r.0)),
    }
}

enum ColumnError {
    Time,
    Datastore(DatastoreError),
}

impl From<DatastoreError> for ColumnError {
    fn from(error: DatastoreError) -> Self {
        ColumnError::Datastore(error)
    }
}

fn unavailable(error: &DatastoreError) -> SourceError {
    let what = match error {
        DatastoreError::Damaged(what) => what.clone(),
        _ => "a file of the datastore".to_owned(),
    };
    tracing::error!(%error, "a column cannot be read");
    SourceError::Unavailable { what }
}

/// Rows of values.
fn take(values: &Values, rows: impl Iterator<Item = usize> + Clone) -> Values {
    each_values!(values, v => rows.map(|r| v[r]).collect())
}

/// The first valid value per ordinal of several columns.
fn merge(columns: &[Column], stored: Stored) -> Column {
    let length = columns.iter().map(Column::len).max().unwrap_or(0);
    let which: Vec<Option<usize>> = (0..length).map(|i| columns.iter().position(|c| c.is_valid(i))).collect();
    let places: Vec<(u32, u32)> =
        which.iter().enumerate().map(|(i, c)| (c.map_or(u32::MAX, |c| c as u32), i as u32)).collect();
    let bits = BooleanBuffer::from_iter(which.iter().map(Option::is_some));
    let all = which.iter().all(Option::is_some);
    Column { values: gather(columns, &places, stored), validity: (!all).then(|| NullBuffer::new(bits)) }
}

/// Values at places (column, row) of columns of one dataset, so of one type, width and dictionary. A column of
/// `u32::MAX` is no place.
fn gather(columns: &[Column], places: &[(u32, u32)], stored: Stored) -> Values {
    macro_rules! from {
        ($variant:ident, $default:expr) => {
            places
                .iter()
                .map(|(column, row)| match columns.get(*column as usize).map(|c| &c.values) {
                    Some(Values::$variant(v)) => v[*row as usize],
                    _ => $default,
                })
                .collect()
        };
    }
    match (columns.first().map(|c| &c.values), stored) {
        (Some(Values::Code8(_)), _) => Values::Code8(from!(Code8, 0)),
        (Some(Values::Code16(_)), _) => Values::Code16(from!(Code16, 0)),
        (Some(Values::Code32(_)), _) | (None, Stored::Code) => Values::Code32(from!(Code32, 0)),
        (Some(Values::Int8(_)), _) => Values::Int8(from!(Int8, 0)),
        (Some(Values::Int16(_)), _) => Values::Int16(from!(Int16, 0)),
        (Some(Values::Int32(_)), _) => Values::Int32(from!(Int32, 0)),
        (Some(Values::Int64(_)), _) | (None, Stored::Int) => Values::Int64(from!(Int64, 0)),
        (Some(Values::Float(_)), _) | (None, Stored::Float) => Values::Float(from!(Float, 0.0)),
        (Some(Values::Date(_)), _) | (None, Stored::Date) => Values::Date(from!(Date, 0)),
        (Some(Values::Unit(_)), _) | (None, Stored::Unit) => Values::Unit(from!(Unit, 0)),
        (Some(Values::Text { dictionary, .. }), _) => {
            let at = |(column, row): &(u32, u32)| match columns.get(*column as usize).map(|c| &c.values) {
                Some(Values::Text { index, .. }) => index[*row as usize],
                _ => 0,
            };
            Values::Text { index: places.iter().map(at).collect(), dictionary: dictionary.clone() }
        }
        (None, Stored::Text) => Values::Text { index: Vec::new().into(), dictionary: Arc::default() },
    }
}

impl VariableSource for Columns {
    fn stores(&self) -> Vec<String> {
        self.state().stores.keys().cloned().collect()
    }

    fn versions(&self, store: &str) -> Vec<String> {
        let state = self.state();
        let Some(store) = state.stores.get(store) else { return Vec::new() };
        let older = store.releases.first().into_iter().flat_map(|r| r.older());
        older.chain(store.releases.iter().map(|r| r.version.clone())).collect()
    }

    fn version_digest(&self, at: &StoreVersion) -> Result<[u8; 32], SourceError> {
        Ok(self.state().release(at)?.digest)
    }

    fn is_synthetic(&self, store: &str) -> bool {
        self.state().stores.get(store).is_some_and(|s| s.synthetic)
    }

    fn describe(&self, at: &StoreVersion, name: &str) -> Result<Arc<Variable>, SourceError> {
        Ok(self.state().dataset(at, name)?.variable.clone())
    }

    fn list(&self, at: &StoreVersion) -> Result<Vec<String>, SourceError> {
        Ok(self.state().release(at)?.datasets.keys().cloned().collect())
    }

    fn space_size(&self, space: &str) -> u32 {
        self.state().spaces.get(space).copied().unwrap_or(0)
    }

    fn column(&self, at: &StoreVersion, name: &str, time: Option<Date>) -> Result<Column, SourceError> {
        let state = self.state();
        let dataset = state.dataset(at, name)?;
        self.column_of(dataset, time).map_err(|e| match e {
            ColumnError::Time => SourceError::Time { name: name.to_owned() },
            ColumnError::Datastore(e) => unavailable(&e),
        })
    }

    fn spells(&self, at: &StoreVersion, name: &str, from: Date, to: Date) -> Result<Spells, SourceError> {
        let state = self.state();
        let dataset = state.dataset(at, name)?;
        self.spells_of(dataset, from, to).map_err(|e| unavailable(&e))
    }

    fn events(&self, at: &StoreVersion, name: &str, selection: &Selection) -> Result<Spells, SourceError> {
        let state = self.state();
        let dataset = state.dataset(at, name)?;
        self.events_of(dataset, selection).map_err(|e| unavailable(&e))
    }

    fn event_counts(&self, at: &StoreVersion, name: &str, selection: &Selection) -> Result<Column, SourceError> {
        let state = self.state();
        let dataset = state.dataset(at, name)?;
        self.event_counts_of(dataset, selection).map_err(|e| unavailable(&e))
    }

    fn person_space(&self) -> &str {
        PERSON_IDS
    }

    fn person_pointer(&self, space: &str) -> Result<Option<PersonPointer>, SourceError> {
        let state = self.state();
        let datasets = self.pointers(&state, space);
        if datasets.is_empty() {
            return Ok(None);
        }
        let mark: String = datasets.iter().map(|d| d.record.digest.as_str()).chain([space]).collect();
        let size = state.spaces.get(space).copied().unwrap_or(0) as usize;
        if let Some((known, pointer)) = locked(&self.inner.pointers).get(space)
            && *known == mark
            && pointer.persons.len() == size
        {
            return Ok(Some(pointer.clone()));
        }
        let mut persons = vec![PersonPointer::NOBODY; size];
        for dataset in &datasets {
            let column = match self.column_of(dataset, None) {
                Ok(column) => column,
                Err(ColumnError::Time) => continue, // a pointer that changes with time leads nowhere for sure
                Err(ColumnError::Datastore(e)) => return Err(unavailable(&e)),
            };
            let Values::Unit(targets) = &column.values else { continue };
            for i in (0..column.len().min(size)).filter(|i| column.is_valid(*i)) {
                persons[i] = targets[i];
            }
        }
        let pointer = PersonPointer { persons: persons.into() };
        locked(&self.inner.pointers).insert(space.to_owned(), (mark, pointer.clone()));
        Ok(Some(pointer))
    }

    fn record_keys(&self, space: &str) -> Result<Arc<RecordKeys>, SourceError> {
        let size = self.space_size(space);
        if let Some(found) = locked(&self.inner.record_keys).get(space).filter(|k| k.len() == size as usize) {
            return Ok(found.clone());
        }
        let key =
            *self.inner.keys.read().unwrap_or_else(PoisonError::into_inner).get(space).ok_or(SourceError::NoKeys)?;
        let keys = Arc::new(RecordKeys::derive(&key, size));
        locked(&self.inner.record_keys).insert(space.to_owned(), keys.clone());
        Ok(keys)
    }
}
