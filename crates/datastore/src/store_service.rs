//! The datastore of a data zone: its folder, its tables, its released versions, and what it tells about them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use audit::Zone;
use engine::source::{StoreVersion, Temporality, Values, VariableSource as _};
use kernel::Date;
use protocol::calls::{
    CodeChangeItem, CodeItem, CollectionMetadata, DatasetMetadata, IdCheck, InsightSource, InsightStatus,
    MetadataAnswer, StoreMetadata,
};
use store::Tx;

use crate::columns::{Columns, Dataset, Release, State, StoreState};
use crate::error::DatastoreError;
use crate::header::{HEADER, Header, Layout};
use crate::ingest::WORK_LOCK;
use crate::metadata::{CodeChange, Domain};
use crate::sql;
use crate::units::PERSON_IDS;

/// The stores of a data zone. Cheap to clone.
#[derive(Clone)]
pub struct Datastore {
    pub(crate) zone: Zone,
    pub(crate) root: Arc<PathBuf>,
    columns: Columns,
    loaded: Arc<AtomicI64>,
}

impl Datastore {
    /// Opens the datastore in the folder `root`; makes its tables and folder when they are not there. What a job that
    /// died left behind is removed.
    ///
    /// # Errors
    /// [`DatastoreError::Io`], [`DatastoreError::Database`], [`DatastoreError::Damaged`].
    pub async fn open(zone: Zone, root: &Path) -> Result<Self, DatastoreError> {
        zone.store.migrate("datastore", sql::MIGRATIONS).await?;
        fs::create_dir_all(root).map_err(DatastoreError::io(root))?;
        let datastore = Self {
            zone,
            root: Arc::new(root.to_owned()),
            columns: Columns::new(State::default()),
            loaded: Arc::new(AtomicI64::new(-1)),
        };
        datastore.refresh().await?;
        Ok(datastore)
    }

    /// Removes the work folders of jobs that died. Those of jobs that live, in this process or another, stay.
    ///
    /// # Errors
    /// [`DatastoreError::Io`].
    pub fn clean(&self) -> Result<(), DatastoreError> {
        let work = self.root.join("work");
        if !work.is_dir() {
            return Ok(());
        }
        for entry in fs::read_dir(&work).map_err(DatastoreError::io(&work))? {
            let folder = entry.map_err(DatastoreError::io(&work))?.path();
            let lives = fs::File::open(folder.join(WORK_LOCK)).is_ok_and(|lock| lock.try_lock().is_err());
            if !lives {
                fs::remove_dir_all(&folder).map_err(DatastoreError::io(&folder))?;
            }
        }
        Ok(())
    }

    /// Loads versions that were released since, by this process or another.
    ///
    /// # Errors
    /// [`DatastoreError::Database`], [`DatastoreError::Damaged`].
    pub async fn refresh(&self) -> Result<(), DatastoreError> {
        let releases = self.zone.store.read("datastore.releases", async |tx: &mut Tx| sql::releases(tx).await).await?;
        if releases == self.loaded.load(Ordering::SeqCst) {
            return Ok(());
        }
        let all = self.zone.store.read("datastore.everything", async |tx: &mut Tx| sql::everything(tx).await).await?;
        let loaded = all.versions.len() as i64;
        self.columns.replace(State::of(all, &self.root)?);
        self.loaded.store(loaded, Ordering::SeqCst);
        Ok(())
    }

    /// The stores as the engine reads them.
    pub fn columns(&self) -> Columns {
        self.columns.clone()
    }

    /// What the stores hold, for the catalogue; nothing new when `etag` is that of the last answer.
    ///
    /// # Errors
    /// As [`Datastore::refresh`]; [`DatastoreError::NotFound`] for an unknown store.
    pub async fn metadata(&self, question: &protocol::calls::Metadata) -> Result<MetadataAnswer, DatastoreError> {
        self.refresh().await?;
        let state = self.columns.state();
        if let Some(store) = question.store.as_ref().filter(|s| !state.stores.contains_key(*s)) {
            return Err(DatastoreError::NotFound(format!("store {store}")));
        }
        let wanted = |name: &String| question.store.as_ref().is_none_or(|s| s == name);
        let newest = || {
            state.stores.iter().filter(|(name, _)| wanted(name)).filter_map(|(n, s)| Some((n, s, s.releases.last()?)))
        };
        let mut hasher = blake3::Hasher::new();
        for (name, _, release) in newest() {
            for part in [name.as_bytes(), release.version.as_bytes(), &release.digest] {
                hasher.update(&(part.len() as u64).to_le_bytes());
                hasher.update(part);
            }
        }
        let etag = hasher.finalize().to_hex().to_string();
        let stores = if question.etag.as_ref() == Some(&etag) {
            Vec::new()
        } else {
            newest().map(|(name, store, release)| store_metadata(name, store, release)).collect()
        };
        Ok(MetadataAnswer { etag, stores })
    }

    /// Which sources hold anything about a person, and from when to when; never what (CIT-010). One row per store that
    /// belongs to a source.
    pub fn insight(&self, ordinal: u32) -> Vec<InsightSource> {
        let state = self.columns.state();
        let mut answers = Vec::new();
        for (name, store) in &state.stores {
            let Some(release) = store.releases.last() else { continue };
            let Some(product) = &release.product else { continue };
            let Some(source) = &product.source else { continue };
            let mut answer = InsightSource {
                source: source.clone(),
                store: name.clone(),
                status: InsightStatus::None,
                from: None,
                to: None,
                collections: Vec::new(),
            };
            if store.check == IdCheck::Opaque {
                answer.status = InsightStatus::NotIdentifiable;
                answers.push(answer);
                continue;
            }
            let mut seen = Seen::default();
            let mut broken = false;
            for collection in &product.collections {
                let before = seen.rows;
                let pointer = collection.person_pointer.as_ref().and_then(|p| release.datasets.get(p));
                let date = collection.date_variable.as_ref().and_then(|d| release.datasets.get(d));
                let looked = match pointer {
                    Some(pointer) => self.by_pointer(pointer, date, ordinal, &mut seen),
                    None => collection
                        .datasets
                        .iter()
                        .filter_map(|d| release.datasets.get(d))
                        .filter(|d| d.variable.space() == PERSON_IDS)
                        .try_for_each(|d| self.of_person(d, date, ordinal, &mut seen)),
                };
                broken |= looked.is_err();
                if seen.rows > before {
                    answer.collections.push(collection.id.clone());
                }
            }
            if seen.rows > 0 {
                answer.status = InsightStatus::Found;
                (answer.from, answer.to) = (seen.from.map(Date::from_days), seen.to.map(Date::from_days));
            } else if broken {
                answer.status = InsightStatus::Unavailable; // a failure never looks like "none"
            }
            answers.push(answer);
        }
        answers
    }

    fn of_person(
        &self,
        dataset: &Dataset,
        date: Option<&Arc<Dataset>>,
        ordinal: u32,
        seen: &mut Seen,
    ) -> Result<(), DatastoreError> {
        let i = ordinal as usize;
        for part in &dataset.record.header.parts {
            if part.layout == Layout::Spells {
                let spells = self.columns.all_spells(dataset, part)?;
                let first = spells.ordinals.partition_point(|o| *o < ordinal);
                for row in first..spells.ordinals.partition_point(|o| *o <= ordinal) {
                    seen.period(spells.starts[row], spells.stops[row]);
                }
            } else if self.columns.dense(dataset, part)?.is_valid(i) {
                match (part.from, part.to) {
                    (Some(from), Some(to)) => seen.period(from.days(), to.days()),
                    _ => {
                        seen.rows += 1;
                        self.date_of(date, i, seen)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn by_pointer(
        &self,
        pointer: &Dataset,
        date: Option<&Arc<Dataset>>,
        ordinal: u32,
        seen: &mut Seen,
    ) -> Result<(), DatastoreError> {
        for part in &pointer.record.header.parts {
            let column = self.columns.dense(pointer, part)?;
            let Values::Unit(persons) = &column.values else { continue };
            for (i, person) in persons.iter().enumerate() {
                if *person == ordinal && column.is_valid(i) {
                    seen.rows += 1;
                    self.date_of(date, i, seen)?;
                }
            }
        }
        Ok(())
    }

    fn date_of(&self, date: Option<&Arc<Dataset>>, unit: usize, seen: &mut Seen) -> Result<(), DatastoreError> {
        let Some(date) = date else { return Ok(()) };
        for part in &date.record.header.parts {
            let column = self.columns.dense(date, part)?;
            if let (Values::Date(days), true) = (&column.values, column.is_valid(unit)) {
                seen.date(days[unit]);
            }
        }
        Ok(())
    }

    /// Reads every file of a version and compares it with what was written (DATA-094). Gives the names of files that are
    /// missing or damaged.
    ///
    /// # Errors
    /// [`DatastoreError::NotFound`].
    pub fn verify(&self, at: &StoreVersion) -> Result<Vec<String>, DatastoreError> {
        let state = self.columns.state();
        let release = state.release(at).map_err(|e| DatastoreError::NotFound(e.to_string()))?;
        let mut damaged = Vec::new();
        for (name, dataset) in &release.datasets {
            for (file, entry) in &dataset.record.header.files {
                if crate::mapped::map(&dataset.folder.join(file), file, entry).is_err() {
                    damaged.push(format!("{name}/{file}"));
                }
            }
            let header = fs::read(dataset.folder.join(HEADER)).ok();
            let header: Option<Header> = header.and_then(|h| serde_json::from_slice(&h).ok());
            if header.as_ref() != Some(&dataset.record.header) {
                damaged.push(format!("{name}/{HEADER}"));
            }
        }
        Ok(damaged)
    }

    /// The newest released version of a store and its digest; none for an unknown store.
    pub fn newest(&self, store: &str) -> Option<(StoreVersion, [u8; 32])> {
        let at = self.columns.latest(store)?;
        let digest = self.columns.version_digest(&at).ok()?;
        Some((at, digest))
    }
}

/// What was found about a person.
#[derive(Default)]
struct Seen {
    rows: u64,
    from: Option<i32>,
    to: Option<i32>,
}

impl Seen {
    fn date(&mut self, day: i32) {
        self.from = Some(self.from.map_or(day, |f| f.min(day)));
        self.to = Some(self.to.map_or(day, |t| t.max(day)));
    }

    fn period(&mut self, from: i32, to: i32) {
        self.rows += 1;
        self.date(from);
        if to != i32::MAX {
            self.date(to);
        }
    }
}

fn store_metadata(name: &str, store: &StoreState, release: &Release) -> StoreMetadata {
    let product = release.product.as_ref();
    let full = |dataset: &String| format!("{name}/{dataset}");
    let collections =
        product.map(|p| p.collections.as_slice()).unwrap_or_default().iter().map(|c| CollectionMetadata {
            id: c.id.clone(),
            title: c.title.clone(),
            unit_type: c.unit_type.clone(),
            person_pointer: c.person_pointer.as_ref().map(full),
            date_variable: c.date_variable.as_ref().map(full),
            datasets: c.datasets.clone(),
        });
    StoreMetadata {
        store: name.to_owned(),
        version: release.version.clone(),
        released_at: release.released_at,
        source: product.and_then(|p| p.source.clone()),
        synthetic: store.synthetic,
        collections: collections.collect(),
        datasets: release.datasets.values().map(|d| dataset_metadata(d)).collect(),
    }
}

fn dataset_metadata(dataset: &Dataset) -> DatasetMetadata {
    let (record, metadata) = (&dataset.record, &dataset.record.metadata);
    let item = |c: &crate::metadata::Code| CodeItem {
        code: c.code.clone(),
        label: c.title.clone(),
        from: c.from,
        to: c.until,
    };
    let (mut codes, mut missing, mut changes, mut unit, mut points_to) =
        (Vec::new(), Vec::new(), Vec::new(), None, None);
    match &metadata.domain {
        Domain::Codes { list, sentinels, changes: table } => {
            let change = |c: &CodeChange| CodeChangeItem {
                date: c.date,
                from: c.from.clone(),
                to: c.to.clone(),
                share: c.share,
            };
            changes = table.iter().map(change).collect();
            codes = list.iter().chain(sentinels).map(item).collect();
            missing = sentinels.iter().map(|s| s.code.clone()).collect();
        }
        Domain::Described { unit: measured, .. } => unit.clone_from(measured),
        Domain::Units { unit_type } => points_to = Some(unit_type.clone()),
    }
    let temporality = match metadata.temporality {
        Temporality::Fixed => "FIXED",
        Temporality::Status => "STATUS",
        Temporality::Accumulated => "ACCUMULATED",
        Temporality::Event => "EVENT",
    };
    DatasetMetadata {
        name: record.name.clone(),
        version: record.data_version,
        temporality: temporality.to_owned(),
        unit_type: metadata.unit_type.clone(),
        id_type: dataset.variable.info.unit_type.id_type.clone(),
        data_type: metadata.value_type.name().to_owned(),
        points_to,
        title: metadata.title.clone(),
        description: metadata.description.clone(),
        subjects: metadata.subjects.clone(),
        from: record.header.from,
        to: record.header.to,
        status_dates: dataset.variable.info.status_dates.clone(),
        codes,
        missing,
        changes,
        unit_of_measure: unit,
    }
}
