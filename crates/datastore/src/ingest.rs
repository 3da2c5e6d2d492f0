//! Ingest (DATA-086): validates everything that is handed in for a store, puts ordinals in place of ids, writes the
//! files, and releases what is new as one version. Nothing is visible before the last step, one transaction; a job that
//! fails or dies leaves the store as it was, and running it again with the same input changes nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use audit::{Action, Actor, Counts, Detail, Entry, Kind, Object};
use kernel::identity_number::{Environment, Rules};
use kernel::{IdentityNumber, Timestamp};
use protocol::calls::IdCheck;
use store::Tx;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::csvfile::{RawRows, RawValues};
use crate::error::DatastoreError;
use crate::folder;
use crate::header::{DatasetRecord, Header, META};
use crate::ids::{IdSpaces, JobIds, UnitIndex};
use crate::input::{self, PackageRules, StoreInput};
use crate::metadata::Metadata;
use crate::package::PackageKey;
use crate::prepared::{Prepared, target_type};
use crate::reading::{Loaded, Read, read};
use crate::report::{Finding, Report, Rule};
use crate::sql::{self, Content, StoreRow, VersionRow};
use crate::store_service::Datastore;
use crate::units::{PERSON_IDS, UnitTypes};
use crate::version::{Operation, Version, beyond_a_patch, next_version};

/// A version was released.
const RELEASE: Action = Action::new(
    Kind::Admin,
    "datastore.release",
    &[("version", Detail::Code), ("digest", Detail::Digest), ("datasets", Detail::Codes), ("rejected", Detail::Int)],
);
/// An ingest ended without a release.
const FAILED: Action = Action::new(Kind::Admin, "datastore.ingest", &[("job", Detail::Code)]);

/// The file in a job's work folder that it locks.
pub(crate) const WORK_LOCK: &str = "lock";

/// What is to be done.
#[derive(Clone, Debug)]
pub struct IngestOptions {
    /// Target of everything that is handed in; by default that of `product.json`.
    pub store: Option<String>,
    /// Target of what names none and for which `store` is not given.
    pub default_store: Option<String>,
    /// Private key that opens packages.
    pub key: Option<Arc<PackageKey>>,
    /// Validate, write nothing.
    pub dry_run: bool,
    /// Whether opaque ids are allowed here: only in a test environment (DATA-087).
    pub allow_opaque: bool,
    /// Greatest share of refused unit ids of a dataset (DATA-083).
    pub max_reject_share: f64,
    /// What is asked of packages.
    pub packages: PackageRules,
    /// Datasets worked on at a time.
    pub parallel: usize,
}

impl Default for IngestOptions {
    fn default() -> Self {
        Self {
            store: None,
            default_store: None,
            key: None,
            dry_run: false,
            allow_opaque: false,
            max_reject_share: 0.001,
            packages: PackageRules::default(),
            parallel: std::thread::available_parallelism().map_or(2, usize::from),
        }
    }
}

/// What became of the input.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Outcome {
    /// One per store, by name.
    pub stores: Vec<StoreOutcome>,
    /// Reports of every dataset, also of those without findings.
    pub reports: Vec<Report>,
}

/// What became of one store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoreOutcome {
    /// The store.
    pub store: String,
    /// Its newest version now; none when it has none.
    pub version: Option<String>,
    /// Whether that version was released by this job.
    pub released: bool,
    /// What was done to which dataset.
    pub changes: BTreeMap<String, Operation>,
    /// Rows written.
    pub rows: u64,
    /// Rows left out because a unit id was refused, by dataset.
    pub dropped: BTreeMap<String, u64>,
    /// Rows left out because two ids turned out to be one unit (DATA-084).
    pub merged: u64,
}

/// A step of the job, for a progress bar.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// The store.
    pub store: String,
    /// `validating`, `writing` or `completed`.
    pub step: &'static str,
    /// Datasets done in this step.
    pub done: usize,
    /// Datasets in all.
    pub all: usize,
}

/// Told of every step.
pub type Progress<'a> = &'a (dyn Fn(&Step) + Send + Sync);

/// Ingests packages, dataset folders and store folders: one release per store, in the order of their names.
///
/// # Errors
/// [`DatastoreError::Invalid`] with every fault of the store's input, [`DatastoreError::Usage`],
/// [`DatastoreError::Rejected`], [`DatastoreError::Unavailable`] when the key role does not answer. Stores before the one
/// that failed are released.
pub async fn ingest(
    datastore: &Datastore,
    index: &dyn UnitIndex,
    actor: &Actor,
    paths: &[PathBuf],
    options: &IngestOptions,
    progress: Progress<'_>,
) -> Result<Outcome, DatastoreError> {
    datastore.refresh().await?;
    let mut outcome = Outcome::default();
    let mut inputs = input::find(paths, options.store.as_deref().or(options.default_store.as_deref()))?;
    if options.store.is_none() {
        // A product names its own store; the default is for what names none.
        for store in &mut inputs {
            if let Some(product) = &store.product {
                store.store.clone_from(&product.store);
            }
        }
    }
    for store in inputs {
        let mut job = Job::new(datastore, index, actor, store, options, progress)?;
        match job.run().await {
            Ok((done, reports)) => {
                outcome.stores.push(done);
                outcome.reports.extend(reports);
            }
            Err(error) => {
                job.failed(&error).await;
                return Err(error);
            }
        }
    }
    Ok(outcome)
}

struct JobId;
impl kernel::Kind for JobId {
    const NAME: &'static str = "ingest job";
}

struct Job<'a> {
    datastore: &'a Datastore,
    index: &'a dyn UnitIndex,
    actor: &'a Actor,
    input: StoreInput,
    options: &'a IngestOptions,
    progress: Progress<'a>,
    id: String,
    spaces: IdSpaces,
    types: Arc<UnitTypes>,
    synthetic: bool,
    /// Newest version.
    last: Option<Arc<crate::columns::Release>>,
    seq: i64,
    work: PathBuf,
}

impl<'a> Job<'a> {
    fn new(
        datastore: &'a Datastore,
        index: &'a dyn UnitIndex,
        actor: &'a Actor,
        input: StoreInput,
        options: &'a IngestOptions,
        progress: Progress<'a>,
    ) -> Result<Self, DatastoreError> {
        let state = datastore.columns().state();
        let existing = state.stores.get(&input.store);
        let product = input.product.as_ref();
        let asked = product.and_then(|p| p.id_check).unwrap_or(IdCheck::National);
        let check = existing.map_or(asked, |s| s.check);
        if check == IdCheck::Opaque && !options.allow_opaque {
            let text = format!("{}: opaque ids are allowed in a test environment only", input.store);
            return Err(DatastoreError::Usage(text));
        }
        let last = existing.and_then(|s| s.releases.last().cloned());
        let seq = existing.map_or(0, |s| s.releases.len() as i64);
        let added = product
            .map(|p| p.unit_types.clone())
            .or_else(|| last.as_ref().and_then(|l| l.product.as_ref()).map(|p| p.unit_types.clone()));
        let id = datastore.zone.id::<JobId>().to_string();
        let work = datastore.root.join("work").join(&id);
        Ok(Self {
            datastore,
            index,
            actor,
            synthetic: existing.map_or_else(|| product.is_some_and(|p| p.synthetic), |s| s.synthetic),
            spaces: IdSpaces { store: input.store.clone(), check },
            types: Arc::new(UnitTypes::with(&added.unwrap_or_default())),
            input,
            options,
            progress,
            id,
            last,
            seq,
            work,
        })
    }

    async fn run(&mut self) -> Result<(StoreOutcome, Vec<Report>), DatastoreError> {
        let (loaded, mut reports) = self.validate().await?;
        self.look_at_ids(&loaded);
        let mut outcome = StoreOutcome {
            store: self.input.store.clone(),
            version: self.last.as_ref().map(|l| l.version.clone()),
            released: false,
            changes: BTreeMap::new(),
            rows: 0,
            dropped: BTreeMap::new(),
            merged: 0,
        };
        reports.extend(loaded.iter().map(|l| l.report.clone()));
        let operations = self.operations(&loaded)?;
        let product_changed = self.product_changed();
        if self.options.dry_run || (operations.is_empty() && !product_changed) {
            outcome.changes = operations;
            return Ok((outcome, reports));
        }
        let lock = self.hold_work_folder()?;
        self.say(None, "pseudonymising").await?;
        let records = self.write(loaded, &operations, &mut outcome).await?;
        let mut pending: Vec<Operation> = operations.values().copied().collect();
        if pending.is_empty() {
            pending.push(Operation::PatchMetadata); // only collections changed
        }
        outcome.changes = operations;
        let version = self.release(&records, &pending, &outcome).await?;
        outcome.version = Some(version);
        outcome.released = true;
        let _ = fs::remove_dir_all(&self.work); // empty by now; what stays is removed at the next start
        drop(lock);
        (self.progress)(&Step { store: self.input.store.clone(), step: "completed", done: 1, all: 1 });
        Ok((outcome, reports))
    }

    /// Reads and checks every input; all faults of all inputs come together.
    async fn validate(&self) -> Result<(Vec<Loaded>, Vec<Report>), DatastoreError> {
        let all = self.input.inputs.len();
        let limit = Arc::new(Semaphore::new(self.options.parallel.max(1)));
        let mut tasks = JoinSet::new();
        for input in self.input.inputs.clone() {
            let known = self.last.as_ref().and_then(|l| l.datasets.get(&input.name())).map(|d| d.record.clone());
            let (types, key, rules) = (self.types.clone(), self.options.key.clone(), self.options.packages);
            let limit = limit.clone();
            tasks.spawn(async move {
                let permit = limit.acquire_owned().await;
                let read =
                    tokio::task::spawn_blocking(move || read(&input, &types, key.as_deref(), &rules, known.as_deref()));
                let read = read.await;
                drop(permit);
                read
            });
        }
        let (mut loaded, mut same, mut faulty) = (Vec::new(), Vec::new(), Vec::new());
        let mut done = 0;
        while let Some(joined) = tasks.join_next().await {
            let joined = joined.and_then(|read| read);
            match joined.map_err(|e| DatastoreError::Conflict(format!("reading stopped: {e}")))?? {
                Read::Loaded(l) => loaded.push(*l),
                Read::Same(name) => same.push(Report::new(name)),
                Read::Faulty(report) => faulty.push(report),
            }
            done += 1;
            (self.progress)(&Step { store: self.input.store.clone(), step: "validating", done, all });
        }
        if !faulty.is_empty() {
            faulty.sort_by(|a, b| a.dataset.cmp(&b.dataset));
            return Err(DatastoreError::Invalid(faulty));
        }
        loaded.sort_by(|a, b| a.name.cmp(&b.name));
        Ok((loaded, same))
    }

    /// Datasets that come without a product into a new store: when the ids of persons are no national numbers, they are
    /// opaque, where that is allowed (DATA-086, DATA-087).
    fn look_at_ids(&mut self, loaded: &[Loaded]) {
        let told = self.seq > 0 || self.input.product.as_ref().is_some_and(|p| p.id_check.is_some());
        if told || !self.options.allow_opaque {
            return;
        }
        let of_persons = |unit: &str| self.types.get(unit).is_some_and(|u| u.id_type.as_deref() == Some(PERSON_IDS));
        let rules = Rules::of(Environment::Test);
        let national = |id: &[u8]| std::str::from_utf8(id).is_ok_and(|t| IdentityNumber::parse(t, &rules).is_ok());
        let persons = loaded.iter().filter(|l| of_persons(&l.metadata.unit_type)).filter_map(|l| l.rows.as_ref());
        if persons.flat_map(|rows| rows.ids.iter()).any(|id| !national(id)) {
            self.spaces.check = IdCheck::Opaque;
        }
    }

    fn operations(&self, loaded: &[Loaded]) -> Result<BTreeMap<String, Operation>, DatastoreError> {
        let mut operations = BTreeMap::new();
        for new in loaded {
            let old = self.last.as_ref().and_then(|l| l.datasets.get(&new.name));
            let operation = match (old, &new.rows) {
                (None, Some(_)) => Operation::Add,
                (None, None) => {
                    let what = format!("{0}.csv is missing, and {1} has no {0} to patch", new.name, self.input.store);
                    let findings = vec![Finding::new(Rule::File, what.clone(), what)];
                    return Err(DatastoreError::Invalid(vec![Report { dataset: new.name.clone(), findings }]));
                }
                (Some(old), rows) => {
                    let beyond = beyond_a_patch(&old.record.metadata, &new.metadata);
                    match (rows, beyond) {
                        (None, Some(field)) => {
                            let text = format!("{}: a metadata patch may not change {field}", new.name);
                            return Err(DatastoreError::Usage(text));
                        }
                        (None, None) => Operation::PatchMetadata,
                        (Some(_), None) if old.record.input_data == new.input_data => Operation::PatchMetadata,
                        _ => Operation::Change,
                    }
                }
            };
            operations.insert(new.name.clone(), operation);
        }
        Ok(operations)
    }

    fn product_changed(&self) -> bool {
        match (&self.input.product, &self.last) {
            (Some(new), Some(last)) => last.product.as_ref() != Some(new),
            _ => false,
        }
    }

    /// The job's own work folder, locked while the job lives: what a dead job left can be told from what a living one
    /// needs.
    fn hold_work_folder(&self) -> Result<fs::File, DatastoreError> {
        fs::create_dir_all(&self.work).map_err(DatastoreError::io(&self.work))?;
        let lock = fs::File::create(self.work.join(WORK_LOCK)).map_err(DatastoreError::io(&self.work))?;
        lock.lock().map_err(DatastoreError::io(&self.work))?;
        Ok(lock)
    }

    /// Puts ordinals in place of ids and writes files, several datasets at a time.
    async fn write(
        &self,
        loaded: Vec<Loaded>,
        operations: &BTreeMap<String, Operation>,
        outcome: &mut StoreOutcome,
    ) -> Result<Vec<DatasetRecord>, DatastoreError> {
        let ids = JobIds::new(self.index, &self.id, self.spaces.clone());
        let all = loaded.len();
        let mut writing: JoinSet<Result<Written, DatastoreError>> = JoinSet::new();
        let limit = Arc::new(Semaphore::new(self.options.parallel.max(1)));
        let mut records = Vec::new();
        for new in loaded {
            let old = self.last.as_ref().and_then(|l| l.datasets.get(&new.name)).cloned();
            let operation = operations.get(&new.name).copied();
            let permit = limit.clone().acquire_owned().await;
            let (root, work) = (self.datastore.root.clone(), self.work.join(&new.name));
            if let (Some(Operation::PatchMetadata), Some(old)) = (operation, &old) {
                let (folder, record) = (old.folder.clone(), old.record.clone());
                writing.spawn_blocking(move || {
                    let _permit = permit;
                    patch(&root, &work, &folder, &record, new)
                });
                continue;
            }
            let Some(rows) = new.rows else { continue };
            let (units, targets) = self.ordinals(&ids, &new.name, &new.metadata, &rows).await?;
            let version = old.map_or(1, |o| o.record.data_version + 1);
            let (name, metadata) = (new.name, new.metadata);
            let (input_metadata, input_data) = (new.input_metadata, new.input_data);
            writing.spawn_blocking(move || {
                let _permit = permit;
                let prepared = Prepared::build(&metadata, rows, &units, targets.as_deref());
                let header = folder::write(&root, &work, &metadata, &prepared)?;
                Ok(Written {
                    dropped: prepared.dropped,
                    merged: prepared.merged,
                    record: record(name, version, input_metadata, input_data, metadata, header),
                })
            });
            while let Some(done) = writing.try_join_next() {
                self.written(done, &mut records, outcome, all)?;
            }
        }
        while let Some(done) = writing.join_next().await {
            self.written(done, &mut records, outcome, all)?;
        }
        Ok(records)
    }

    fn written(
        &self,
        done: Result<Result<Written, DatastoreError>, tokio::task::JoinError>,
        records: &mut Vec<DatasetRecord>,
        outcome: &mut StoreOutcome,
        all: usize,
    ) -> Result<(), DatastoreError> {
        let written = done.map_err(|e| DatastoreError::Conflict(format!("writing stopped: {e}")))??;
        outcome.rows += written.record.header.rows;
        outcome.merged += written.merged;
        if written.dropped > 0 {
            outcome.dropped.insert(written.record.name.clone(), written.dropped);
        }
        records.push(written.record);
        (self.progress)(&Step { store: self.input.store.clone(), step: "writing", done: records.len(), all });
        Ok(())
    }

    /// Ordinals of the distinct unit ids, and of the distinct values when these are unit ids.
    async fn ordinals(
        &self,
        ids: &JobIds<'_>,
        name: &str,
        metadata: &Metadata,
        rows: &RawRows,
    ) -> Result<(Vec<u32>, Option<Vec<u32>>), DatastoreError> {
        let units = self.ordinals_of(ids, name, &metadata.unit_type, &rows.ids, |refused| {
            (0..rows.len()).find(|r| refused(rows.units[*r])).map_or(0, |r| rows.line(r))
        });
        let units = units.await?;
        let targets = match (target_type(metadata), &rows.values) {
            (Some(target), RawValues::Text { index, texts }) => {
                let line = |refused: &dyn Fn(u32) -> bool| {
                    (0..rows.len()).find(|r| refused(index[*r])).map_or(0, |r| rows.line(r))
                };
                Some(self.ordinals_of(ids, name, target, texts, line).await?)
            }
            _ => None,
        };
        Ok((units, targets))
    }

    async fn ordinals_of(
        &self,
        ids: &JobIds<'_>,
        name: &str,
        unit_type: &str,
        texts: &crate::texts::Texts,
        line: impl Fn(&dyn Fn(u32) -> bool) -> u64,
    ) -> Result<Vec<u32>, DatastoreError> {
        let unit =
            self.types.get(unit_type).ok_or_else(|| DatastoreError::NotFound(format!("unit type {unit_type}")))?;
        let Some(id_type) = &unit.id_type else {
            let list: Vec<String> = texts.iter().map(|t| String::from_utf8_lossy(t).into_owned()).collect();
            let space = unit.name.clone();
            let own = async |tx: &mut Tx| sql::own_units(tx, &space, &list).await;
            return Ok(self.datastore.zone.store.tx("datastore.units", own).await?);
        };
        let answer = ids.ordinals(id_type, texts).await?;
        let all = texts.len() as u64;
        let allowed = (all as f64 * self.options.max_reject_share) as u64;
        if answer.refused > allowed {
            let refused = |n: u32| answer.ordinals[n as usize] == crate::prepared::REFUSED;
            return Err(DatastoreError::Rejected {
                dataset: name.to_owned(),
                rejected: answer.refused,
                ids: all,
                allowed,
                line: line(&refused),
            });
        }
        Ok(answer.ordinals)
    }

    /// One transaction: the version, its datasets, the sizes of the spaces, the audit entry.
    async fn release(
        &self,
        records: &[DatasetRecord],
        pending: &[Operation],
        outcome: &StoreOutcome,
    ) -> Result<String, DatastoreError> {
        let mut content: BTreeMap<String, Content> = BTreeMap::new();
        if let Some(last) = &self.last {
            for (name, dataset) in &last.datasets {
                content.insert(name.clone(), Content { digest: dataset.record.digest.clone(), operation: None });
            }
        }
        for record in records {
            let operation = outcome.changes.get(&record.name).copied();
            content.insert(record.name.clone(), Content { digest: record.digest.clone(), operation });
        }
        let last: Option<Version> = self.last.as_ref().and_then(|l| l.version.parse().ok());
        let first = self.input.product.as_ref().and_then(crate::product::Product::stands_in).unwrap_or(1);
        let version = next_version(last, pending, first)
            .ok_or_else(|| DatastoreError::Conflict("nothing is pending".into()))?
            .to_string();
        let digest = version_digest(&self.input.store, &content);
        let zone = &self.datastore.zone;
        let now: Timestamp = zone.clock.now();
        let product = self.input.product.clone().or_else(|| self.last.as_ref().and_then(|l| l.product.clone()));
        let row = VersionRow {
            store: self.input.store.clone(),
            seq: self.seq + 1,
            version: version.clone(),
            digest: digest.clone(),
            released_at: now,
            product,
            content,
        };
        let store = StoreRow { name: self.input.store.clone(), check: self.spaces.check, synthetic: self.synthetic };
        let sizes = self.space_sizes(records);
        let names: Vec<String> = outcome.changes.keys().take(500).cloned().collect();
        let entry = Entry::new(&RELEASE, self.actor.clone(), Object::new("store", &self.input.store))
            .detail("version", version.as_str())
            .detail("digest", digest.as_str())
            .detail("datasets", names)
            .detail("rejected", outcome.dropped.values().sum::<u64>() as i64)
            .counts(Counts::default().rows(outcome.rows));
        let work = async |tx: &mut Tx| -> Result<(), DatastoreError> {
            let newest = sql::newest(tx, &row.store).await?.unwrap_or(0);
            if newest + 1 != row.seq {
                let text = format!("{}: another version was released meanwhile; run the command again", row.store);
                return Err(DatastoreError::Conflict(text));
            }
            sql::insert_store(tx, &store, now).await?;
            for record in records {
                sql::insert_dataset(tx, &row.store, record).await?;
            }
            sql::insert_version(tx, &row).await?;
            for (space, size) in &sizes {
                sql::grow_space(tx, space, *size).await?;
            }
            sql::job(tx, &self.id, &row.store, "completed", None, now).await?;
            zone.log.record(tx, entry.clone()).await?;
            Ok(())
        };
        zone.store.tx("datastore.release", work).await?;
        self.datastore.refresh().await?;
        Ok(version)
    }

    fn space_sizes(&self, records: &[DatasetRecord]) -> BTreeMap<String, u32> {
        let mut sizes: BTreeMap<String, u32> = BTreeMap::new();
        let mut grow = |unit_type: &str, length: u32| {
            let Some(unit) = self.types.get(unit_type).map(|u| self.spaces.unit_type(u)) else { return };
            let space = unit.id_type.unwrap_or(unit.name);
            let size = sizes.entry(space).or_default();
            *size = length.max(*size);
        };
        for record in records {
            grow(&record.metadata.unit_type, record.header.length);
            if let (Some(target), Some(length)) = (target_type(&record.metadata), record.header.targets) {
                grow(target, length);
            }
        }
        sizes
    }

    async fn say(&self, message: Option<String>, state: &'static str) -> Result<(), DatastoreError> {
        let zone = &self.datastore.zone;
        let now = zone.clock.now();
        let (id, store) = (self.id.clone(), self.input.store.clone());
        let write = async |tx: &mut Tx| sql::job(tx, &id, &store, state, message.clone(), now).await;
        Ok(zone.store.tx("datastore.job", write).await?)
    }

    /// Leaves nothing of a failed job but its record. A failure of this is logged: the first error is the one to tell.
    async fn failed(&self, error: &DatastoreError) {
        let _ = fs::remove_dir_all(&self.work);
        let said = self.say(Some(kind_of(error).to_owned()), "failed").await;
        let entry = Entry::new(&FAILED, self.actor.clone(), Object::new("store", &self.input.store))
            .failed(kind_of(error))
            .detail("job", self.id.as_str());
        if let Err(error) = self.datastore.zone.log.record_alone(entry).await {
            tracing::error!(%error, job = self.id, "a failed ingest could not be recorded");
        }
        if let Err(error) = said {
            tracing::error!(%error, job = self.id, "the state of a failed ingest could not be written");
        }
    }
}

const fn kind_of(error: &DatastoreError) -> &'static str {
    match error {
        DatastoreError::Invalid(_) => "invalid",
        DatastoreError::Usage(_) => "usage",
        DatastoreError::NotFound(_) => "not_found",
        DatastoreError::Rejected { .. } => "rejected",
        DatastoreError::Conflict(_) => "conflict",
        DatastoreError::Damaged(_) => "damaged",
        _ => "unavailable",
    }
}

/// A dataset whose files are written.
struct Written {
    record: DatasetRecord,
    dropped: u64,
    merged: u64,
}

fn record(
    name: String,
    data_version: i64,
    input_metadata: String,
    input_data: String,
    metadata: Metadata,
    header: Header,
) -> DatasetRecord {
    DatasetRecord {
        name,
        digest: hex::encode(header.digest()),
        data_version,
        input_metadata,
        input_data,
        metadata,
        header,
    }
}

/// Digest of a version: over the digests of its datasets (DATA-094).
fn version_digest(store: &str, content: &BTreeMap<String, Content>) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"hap version 1");
    for part in std::iter::once((store, "")).chain(content.iter().map(|(n, c)| (n.as_str(), c.digest.as_str()))) {
        for text in [part.0, part.1] {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
    }
    hasher.finalize().to_hex().to_string()
}

/// New texts over the same data: the files are shared, only the metadata is new.
fn patch(root: &Path, work: &Path, folder: &Path, old: &DatasetRecord, new: Loaded) -> Result<Written, DatastoreError> {
    fs::create_dir_all(work).map_err(DatastoreError::io(work))?;
    let mut header = old.header.clone();
    for file in header.files.keys().filter(|f| *f != META) {
        fs::hard_link(folder.join(file), work.join(file)).map_err(DatastoreError::io(file))?;
    }
    header = folder::rewrite_metadata(root, work, header, &new.metadata)?;
    let input_data = if new.rows.is_some() { new.input_data } else { old.input_data.clone() };
    let record = record(new.name, old.data_version, new.input_metadata, input_data, new.metadata, header);
    Ok(Written { record, dropped: 0, merged: 0 })
}
