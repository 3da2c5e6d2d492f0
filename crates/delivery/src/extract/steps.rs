//! The steps of an extraction up to the sealed package: population, choices, pseudonyms, rows, ledger, sealing.

use std::collections::{BTreeSet, HashMap};

use audit::{Counts, Entry, Object};
use kernel::Random;
use protocol::calls::{
    ChoicesPermitted, Frame, LedgerRelease, LedgerReleaseAnswer, PseudonymsSource, SourceUse, permitted, pseudonyms,
};
use protocol::documents::{
    Deviation, ExtractionOrder, InnerManifest, Manifest, MinimisationProof, Permit, Receipt, ReceiptKind, RowCounts,
};
use protocol::ids::SnapshotId;
use protocol::{Base64, CallError, Digest, Envelope, KeyRole, Party, crypt4gh};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::Tx;

use super::rows::{self, Extracted, few};
use super::service::{Extraction, Step, Work, text};
use super::set::PersonSet;
use super::sql::{self, Phase, Stored};
use super::{READ, SEAL, population};
use crate::DeliveryError;
use crate::codebook::{self, Codebook};
use crate::package::{self, BagInfo, Papers, Plain, Sealing};
use crate::persons::{self, PersonTable};
use crate::table::{KeyColumn, Table};

/// Persons and their values, fixed before the ledger is asked: a repeat after a crash asks with the same content.
#[derive(Serialize, Deserialize)]
struct Staged {
    /// Ordinal and row in the person table.
    persons: Vec<(u32, u32)>,
    /// The elements of the person table, one after the other.
    elements: Base64,
    snapshot: SnapshotId,
}

impl Extraction {
    /// Goes on from the phase reached, until the room has opened the package or a step fails. A failure gives the row as
    /// it was committed last.
    pub(super) async fn advance(&self, mut work: Work) -> Result<(), (Box<Stored>, DeliveryError)> {
        loop {
            if work.stored.stopped.is_some() {
                return Ok(());
            }
            let step = match work.stored.phase {
                Phase::Accepted => self.begin(&work).await,
                Phase::Extracting => self.stage(&work).await,
                Phase::Staged => self.seal(&work).await,
                Phase::Sealed => self.start_sending(&work).await,
                Phase::Sending => self.send(&work).await,
                Phase::Delivered => self.ask_to_open(&work).await,
                Phase::Opened => return Ok(()),
            };
            match step {
                Ok(stored) if stored.phase == work.stored.phase => return Ok(()),
                Ok(stored) => work.stored = stored,
                Err(error) => return Err((Box::new(work.stored), error)),
            }
        }
    }

    /// Asks for the permit once more and says that extraction starts.
    async fn begin(&self, work: &Work) -> Result<Stored, DeliveryError> {
        self.live(&work.order).await?;
        let stored = Stored { phase: Phase::Extracting, ..work.stored.clone() };
        let columns = work.order.tables.iter().flat_map(|t| &t.columns).map(|c| c.id.clone()).take(500);
        let entry = Entry::new(&READ, self.actor(), Object::new("delivery", stored.delivery_id))
            .detail("source", work.order.source.clone())
            .detail("columns", columns.collect::<Vec<_>>())
            .detail("plan", query_plan(&work.order)?.to_string());
        self.commit(&work.order, Step { stored, entry, state: "extracting", receipt: None, detail: None }).await
    }

    /// Fixes who is delivered: the rule's persons, less those who chose not to be used (asked before anything is
    /// counted), at random places of the person table, with the values that the key role makes.
    async fn stage(&self, work: &Work) -> Result<Stored, DeliveryError> {
        let order = &work.order;
        let permit = self.live(order).await?.permit;
        let (source, asked) = (self.source.clone(), order.clone());
        let population = blocking(move || population::evaluate(&*source, &asked)).await?;
        let ordinals: Vec<u32> = population.iter().collect();
        let (mut ordinals, snapshot) = self.permitted(order, &permit, ordinals).await?;
        if ordinals.is_empty() {
            return Err(DeliveryError::Stopped("no_persons"));
        }
        if ordinals.len() as u64 > order.population.max_persons {
            return Err(DeliveryError::Stopped("cap_exceeded"));
        }
        let all = ordinals.len();
        loop {
            let places = persons::places(ordinals.len(), &*self.zone.random);
            let mut asked = vec![PseudonymsSource::PADDING; persons::padded(ordinals.len())];
            ordinals.iter().zip(&places).for_each(|(o, p)| asked[*p as usize] = *o);
            let (elements, errors) = self.pseudonyms(work, &permit, &asked).await?;
            if errors.is_empty() {
                let staged = Staged {
                    persons: ordinals.into_iter().zip(places).collect(),
                    elements: Base64(elements.into_flattened()),
                    snapshot,
                };
                let bytes = serde_json::to_vec(&staged).map_err(|_| DeliveryError::Internal("staging"))?;
                let place = staging_place(&work.stored);
                let mut stored = Stored { phase: Phase::Staged, ..work.stored.clone() };
                stored.staged = Some(self.zone.sealer.seal(&place, &bytes)?);
                let now = self.zone.now();
                let save = async |tx: &mut Tx| sql::update(tx, &stored, now).await;
                self.zone.store.tx("extraction staged", save).await?;
                return Ok(stored);
            }
            // A person without a value is not delivered. More than one in a hundred stops for a human decision.
            let unknown: BTreeSet<u32> = errors.iter().map(|i| asked[*i as usize]).collect();
            ordinals.retain(|o| !unknown.contains(o));
            if (all - ordinals.len()) * 100 > all || ordinals.is_empty() {
                return Err(DeliveryError::Stopped("too_many_row_errors"));
            }
        }
    }

    /// The persons who may be used (CIT-022, CIT-023).
    async fn permitted(
        &self,
        order: &ExtractionOrder,
        permit: &Permit,
        ordinals: Vec<u32>,
    ) -> Result<(Vec<u32>, SnapshotId), DeliveryError> {
        let mut kept = Vec::with_capacity(ordinals.len());
        let mut snapshot = None;
        let header = ChoicesPermitted {
            purpose: SourceUse::Extraction { permit: permit.permit_id.clone(), order_id: order.order_id },
            source: order.source.clone(),
        };
        // Asked also for nobody: the snapshot belongs to every delivery.
        let batches: Vec<&[u32]> =
            if ordinals.is_empty() { vec![&[]] } else { ordinals.chunks(PseudonymsSource::MAX).collect() };
        for batch in batches {
            let bytes = permitted::encode(batch).map_err(|_| DeliveryError::Internal("batch"))?;
            let body = Frame::new(header.clone(), bytes).encode().map_err(|_| DeliveryError::Internal("batch"))?;
            let answer = self.channel.call(&Party::Keys, ChoicesPermitted::KIND, body).await?;
            let (said, bits) = permitted::decode_answer(&answer, batch.len()).map_err(|_| untrusted())?;
            kept.extend(batch.iter().zip(bits).filter(|(_, may)| *may).map(|(o, _)| *o));
            snapshot = Some(said.snapshot);
        }
        Ok((kept, snapshot.ok_or(DeliveryError::Internal("batch"))?))
    }

    /// The source's step of P1 (KEY-044), in batches that are never smaller than allowed. Gives the values and the
    /// places that have none.
    async fn pseudonyms(
        &self,
        work: &Work,
        permit: &Permit,
        asked: &[u32],
    ) -> Result<(Vec<[u8; 16]>, Vec<u32>), DeliveryError> {
        let header = PseudonymsSource {
            permit: permit.permit_id.clone(),
            source: work.order.source.clone(),
            delivery: work.stored.delivery_id,
            epoch: work.order.pseudonym.epoch,
            order: work.order_envelope.clone(),
        };
        let (mut values, mut errors) = (Vec::with_capacity(asked.len()), Vec::new());
        for batch in asked.chunks(PseudonymsSource::MAX) {
            let bytes = pseudonyms::encode(batch).map_err(|_| DeliveryError::Internal("batch"))?;
            let body = Frame::new(header.clone(), bytes).encode().map_err(|_| DeliveryError::Internal("batch"))?;
            let answer = self.channel.call(&Party::Keys, PseudonymsSource::KIND, body).await?;
            let (made, failed) = pseudonyms::decode_answer(&answer).map_err(|_| untrusted())?;
            if made.len() != batch.len() {
                return Err(untrusted());
            }
            errors.extend(failed.iter().map(|e| values.len() as u32 + e.index));
            values.extend(made);
        }
        Ok((values, errors))
    }

    /// Makes the tables, seals the release in the ledger, and only then the package (KEY-100).
    async fn seal(&self, work: &Work) -> Result<Stored, DeliveryError> {
        let order = &work.order;
        let permit = self.live(order).await?.permit;
        let staged = self.staged(&work.stored)?;
        let (elements, _) = staged.elements.0.as_chunks::<16>();
        let table = PersonTable { delivery: work.stored.delivery_id, elements: elements.to_vec() };
        let root = table.root();
        let (source, asked) = (self.source.clone(), order.clone());
        let (pairs, random) = (staged.persons.clone(), self.zone.random.clone());
        let content = blocking(move || Content::make(&*source, &asked, &pairs, &*random)).await?;
        let ledger = self.ledger(work, &permit, &staged, &table, &root).await?;

        let dir = self.options.outbox.join(work.stored.delivery_id.to_string());
        let part = self.options.outbox.join(format!("{}.tmp", work.stored.delivery_id));
        let bag_source = order.source.clone();
        let (series, date) = (order.series.clone(), package::day(self.zone.now()));
        let (delivery, random) = (work.stored.delivery_id, self.zone.random.clone());
        let plan = query_plan(order)?;
        let inner = InnerManifest {
            delivery_id: delivery,
            files: Vec::new(),
            minimisation: MinimisationProof {
                query_plan: plan.clone(),
                permit_id: permit.permit_id.clone(),
                steps: content.steps,
            },
            deviations: content.deviations,
            codebook_sha256: plan.clone(),
            persons: staged.persons.len() as u64,
            optout_snapshot: Some(staged.snapshot),
            query_plan: plan,
        };
        let papers = Papers {
            codebook: Codebook {
                source: order.source.clone(),
                series: order.series.clone(),
                permit_id: permit.permit_id.clone(),
                variables: content.codebook,
            },
            order: work.order_envelope.clone(),
            readme: codebook::readme(order, permit.valid_to, permit.delete_by),
        };
        let mut plains = content.plains;
        plains.push(Plain {
            table: "persons".into(),
            role: "persons",
            rows: table.elements.len() as u64,
            columns: Vec::new(),
            bytes: table.to_bytes(),
        });
        let (recipient, pad, target) = (order.room.intake_key.0, order.pad, part.clone());
        let built = blocking(move || {
            let _ = std::fs::remove_dir_all(&target);
            let bag = BagInfo { delivery, series: &series, source: &bag_source, date };
            package::build(&target, &bag, plains, inner, &papers, &Sealing { recipient, pad, random: &*random })
        })
        .await?;
        let manifest = self.manifest(work, &permit, &table, root, built, &ledger).await?;
        self.live(order).await?;
        let bytes: u64 = manifest.0.files.iter().map(|f| f.bytes).sum();
        let envelope = manifest.1.clone();
        let journal: Vec<_> =
            manifest.0.files.iter().map(|f| (f.name.clone(), f.bytes, f.blake3.to_string())).collect();
        blocking(move || {
            package::write_manifest(&part, &envelope)?;
            let _ = std::fs::remove_dir_all(&dir);
            std::fs::rename(&part, &dir).map_err(DeliveryError::file("package"))?;
            let outbox = dir.parent().unwrap_or(&dir);
            crate::transfer::sync_folder(outbox).map_err(DeliveryError::file("outbox"))
        })
        .await?;

        let mut stored = Stored { phase: Phase::Sealed, ..work.stored.clone() };
        stored.manifest = Some(text(&manifest.1));
        stored.staged = None;
        let digest = Digest::sha256(&manifest.1.payload.0);
        let detail = json!({"bytes": bytes, "objects": journal.len(), "manifest": digest});
        let receipt = self.receipt(order, &mut stored, ReceiptKind::Sealed, Some(detail.clone()))?;
        let entry = Entry::new(&SEAL, self.actor(), Object::new("delivery", stored.delivery_id))
            .counts(Counts::default().persons(staged.persons.len() as u64).bytes(bytes))
            .detail("manifest", digest.to_string())
            .detail("release", ledger.release_id.to_string());
        let delivery = stored.delivery_id;
        let add = async |tx: &mut Tx| -> Result<(), store::StoreError> {
            sql::journal_clear(tx, delivery).await?;
            for (name, bytes, blake3) in &journal {
                sql::journal_add(tx, delivery, name, *bytes, blake3).await?;
            }
            Ok(())
        };
        self.zone.store.tx("extraction journal", add).await?;
        let step = Step { stored, entry, state: "sealed", receipt: Some(receipt), detail: Some(detail) };
        self.commit(order, step).await
    }

    fn staged(&self, stored: &Stored) -> Result<Staged, DeliveryError> {
        let sealed = stored.staged.as_deref().ok_or(DeliveryError::Internal("staging"))?;
        let bytes = self.zone.sealer.open(&staging_place(stored), sealed)?;
        serde_json::from_slice(&bytes).map_err(|_| DeliveryError::Internal("staging"))
    }

    /// No ledger seal, no delivery.
    async fn ledger(
        &self,
        work: &Work,
        permit: &Permit,
        staged: &Staged,
        table: &PersonTable,
        root: &Digest,
    ) -> Result<LedgerReleaseAnswer, DeliveryError> {
        let order = &work.order;
        let from = order.tables.iter().map(|t| t.period.0).min();
        let to = order.tables.iter().map(|t| t.period.1).max();
        let period = from.zip(to).ok_or(DeliveryError::Stopped("bad_order"))?;
        let groups: BTreeSet<String> = permit.granted(&order.source).map(|p| p.collection.clone()).collect();
        let header = LedgerRelease {
            delivery_id: work.stored.delivery_id,
            permit: permit.permit_id.clone(),
            source: order.source.clone(),
            tables: order.tables.iter().map(|t| t.table.clone()).collect(),
            variable_groups: groups.into_iter().collect(),
            period,
            person_root: root.clone(),
            person_count_padded: table.elements.len() as u64,
            persons: staged.persons.len() as u64,
            corrects: None,
        };
        let mut list = vec![PseudonymsSource::PADDING; table.elements.len()];
        staged.persons.iter().for_each(|(ordinal, pidx)| list[*pidx as usize] = *ordinal);
        let list: Vec<u8> = list.into_iter().flat_map(u32::to_le_bytes).collect();
        let key = self.directory.sealing_key(&Party::Keys, KeyRole::Channel);
        let key = key.ok_or(DeliveryError::Unavailable("the key role's sealing key".into()))?;
        let sealed = crypt4gh::seal(&list, &[key], &*self.zone.random);
        let sealed = sealed.map_err(|_| DeliveryError::Internal("sealing"))?;
        let body = Frame::new(header, sealed).encode().map_err(|_| DeliveryError::Internal("batch"))?;
        let answer = self.channel.call(&Party::Keys, LedgerRelease::KIND, body).await?;
        let answer: LedgerReleaseAnswer = serde_json::from_slice(&answer).map_err(|_| untrusted())?;
        let receipt: Receipt = answer.receipt.open(&self.directory)?;
        let good = receipt.kind == ReceiptKind::Ledger
            && receipt.delivery_id == work.stored.delivery_id
            && receipt.release_id == Some(answer.release_id)
            && receipt.person_root.as_ref() == Some(root);
        if good { Ok(answer) } else { Err(DeliveryError::Stopped("manifest_mismatch")) }
    }

    async fn manifest(
        &self,
        work: &Work,
        permit: &Permit,
        table: &PersonTable,
        person_root: Digest,
        built: package::Built,
        ledger: &LedgerReleaseAnswer,
    ) -> Result<(Manifest, Envelope), DeliveryError> {
        let order = &work.order;
        let read = async |tx: &mut Tx| sql::previous_manifest(tx, &order.series, &order.source, order.sequence).await;
        let previous = self.zone.store.read("previous manifest", read).await.map_err(DeliveryError::Store)?;
        let previous = previous.map(|t| Envelope::parse(t.as_bytes())).transpose()?;
        let manifest = Manifest {
            manifest_version: 1,
            delivery_id: work.stored.delivery_id,
            order_id: order.order_id,
            series: order.series.clone(),
            permit_id: permit.permit_id.clone(),
            plan_no: order.plan_no,
            source: order.source.clone(),
            sequence: order.sequence,
            room: order.room.id.clone(),
            created_at: self.zone.now(),
            protocol: order.pseudonym.protocol.clone(),
            id_form: order.pseudonym.id_form.clone(),
            epoch: order.pseudonym.epoch,
            snapshot_date: work.plan.snapshot_date,
            assurance: work.plan.assurance,
            person_root,
            person_count_padded: table.elements.len() as u64,
            files: built.files,
            inner_sha256: built.inner_sha256,
            ledger_release_id: ledger.release_id,
            ledger_receipt: ledger.receipt.clone(),
            previous_manifest: previous.map(|e| Digest::sha256(&e.payload.0)),
            software: concat!("hap ", env!("CARGO_PKG_VERSION")).to_owned(),
        };
        let envelope = Envelope::of(&manifest, &*self.zone.signer)?;
        Ok((manifest, envelope))
    }
}

/// The tables of a package, keyed by row of the person table.
struct Content {
    plains: Vec<Plain>,
    codebook: Vec<codebook::Entry>,
    steps: Vec<RowCounts>,
    deviations: Vec<Deviation>,
}

impl Content {
    fn make(
        source: &dyn engine::source::VariableSource,
        order: &ExtractionOrder,
        persons: &[(u32, u32)],
        random: &dyn Random,
    ) -> Result<Self, DeliveryError> {
        let population: PersonSet = persons.iter().map(|(ordinal, _)| *ordinal).collect();
        let places: HashMap<u32, u32> = persons.iter().copied().collect();
        let all = few(persons.len());
        let mut content = Self {
            plains: Vec::new(),
            codebook: Vec::new(),
            steps: vec![RowCounts {
                table: "population".into(),
                after: "population_and_choices".into(),
                rows: all.clone(),
                persons: all,
            }],
            deviations: Vec::new(),
        };
        for table in &order.tables {
            let Extracted { mut table, codebook, steps, deviations } =
                rows::extract(source, order, table, &population)?;
            for key in &mut table.keys {
                *key = *places.get(key).ok_or(DeliveryError::Internal("population"))?;
            }
            content.add(table, "table", random)?;
            content.codebook.extend(codebook);
            content.steps.extend(steps);
            content.deviations.extend(deviations);
        }
        // Everybody who is delivered, also those without rows elsewhere (DEL-032).
        let keys = persons.iter().map(|(_, pidx)| *pidx).collect();
        content.add(Table { name: "population".into(), keys, columns: Vec::new() }, "population", random)?;
        Ok(content)
    }

    fn add(&mut self, table: Table, role: &'static str, random: &dyn Random) -> Result<(), DeliveryError> {
        let mut order: Vec<u32> = (0..table.keys.len() as u32).collect();
        persons::shuffle(&mut order, random);
        let table = table.arranged(&order);
        self.plains.push(Plain {
            table: table.name.clone(),
            role,
            rows: table.keys.len() as u64,
            columns: table.names(KeyColumn::Pidx),
            bytes: table.to_parquet(KeyColumn::Pidx)?,
        });
        Ok(())
    }
}

fn staging_place(stored: &Stored) -> String {
    format!("extraction/{}/staged", stored.order_id)
}

/// Digest of what is asked of the data: rule, tables, columns, periods (DEL-012).
pub(crate) fn query_plan(order: &ExtractionOrder) -> Result<Digest, DeliveryError> {
    let plan = (&order.population, &order.tables, &order.optout);
    kernel::canonical_json(&plan).map(|b| Digest::sha256(&b)).map_err(|_| DeliveryError::Internal("canonical form"))
}

fn untrusted() -> DeliveryError {
    CallError::Untrusted { party: Party::Keys, code: "bad_schema" }.into()
}

/// Runs heavy work where it does not hold up others.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DeliveryError> + Send + 'static,
) -> Result<T, DeliveryError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| DeliveryError::Internal("task"))?
}
