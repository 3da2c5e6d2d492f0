//! The steps from the sealed package to the room: permit once more, objects by the adapter with a journal, manifest
//! last, then the request to open (section 8).

use std::collections::HashSet;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;

use audit::{Entry, Object};
use bytes::Bytes;
use protocol::calls::{IntakeOpen, ask};
use protocol::documents::{Receipt, ReceiptKind};
use protocol::{CallError, Digest, Envelope};
use serde_json::json;
use store::Tx;

use super::service::{Extraction, Step, With as _, Work, event};
use super::sql::{self, Phase, Stored};
use super::steps::blocking;
use super::{DELIVER, OPENED, SEND};
use crate::DeliveryError;
use crate::transfer::{MANIFEST, RoomAdapter, TransferError};

impl From<TransferError> for DeliveryError {
    fn from(error: TransferError) -> Self {
        match error {
            TransferError::Full(needed) => DeliveryError::DiskFull { needed },
            TransferError::Unavailable(what) => DeliveryError::Unavailable(what),
            stopped => DeliveryError::Stopped(stopped.code()),
        }
    }
}

impl Extraction {
    fn manifest_digest(stored: &Stored) -> Result<Digest, DeliveryError> {
        let text = stored.manifest.as_deref().ok_or(DeliveryError::Internal("manifest"))?;
        Ok(Digest::sha256(&Envelope::parse(text.as_bytes())?.payload.0))
    }

    fn package(&self, stored: &Stored) -> PathBuf {
        self.options.outbox.join(stored.delivery_id.to_string())
    }

    pub(super) async fn start_sending(&self, work: &Work) -> Result<Stored, DeliveryError> {
        self.live(&work.order).await?;
        let stored = Stored { phase: Phase::Sending, ..work.stored.clone() };
        let entry = Entry::new(&SEND, self.actor(), Object::new("delivery", stored.delivery_id))
            .detail("manifest", Self::manifest_digest(&stored)?.to_string());
        let detail = Some(json!({"percent": 0}));
        self.commit(&work.order, Step { stored, entry, state: "sending", receipt: None, detail }).await
    }

    pub(super) async fn send(&self, work: &Work) -> Result<Stored, DeliveryError> {
        let order = &work.order;
        let adapter = self.adapters.adapter(&order.room.id, &order.room.adapter);
        let adapter = adapter.ok_or(DeliveryError::Stopped("unknown_room"))?;
        let delivery = work.stored.delivery_id;
        let journal = self.zone.store.read("journal", async |tx: &mut Tx| sql::journal(tx, delivery).await).await;
        let mut journal = journal.map_err(DeliveryError::Store)?;
        let total: u64 = journal.iter().map(|o| o.bytes).sum::<u64>().max(1);
        let mut told: HashSet<u64> = HashSet::from([0, 100]);
        for i in 0..journal.len() {
            if journal[i].committed {
                continue;
            }
            let result = self.put_object(work, &*adapter, &mut journal[i]).await;
            let error = result.as_ref().err().map(DeliveryError::code);
            let object = journal[i].clone();
            let save = async |tx: &mut Tx| sql::journal_set(tx, delivery, &object, error).await;
            self.zone.store.tx("journal", save).await?;
            result?;
            let sent: u64 = journal.iter().filter(|o| o.committed).map(|o| o.bytes).sum();
            // A report per tenth at most.
            let percent = sent * 100 / total / 10 * 10;
            if told.insert(percent) {
                let report =
                    event(order, delivery, "sending", self.zone.now()).with(None, Some(json!({"percent": percent})));
                self.zone.store.tx("progress", async |tx: &mut Tx| self.queue(tx, &report).await).await?;
            }
        }
        // With the manifest the package exists for the intake (DEL-071).
        self.live(order).await?;
        let path = self.package(&work.stored).join(MANIFEST);
        let length = std::fs::metadata(&path).map_err(DeliveryError::file(MANIFEST))?.len();
        let mut last = sql::Object { name: MANIFEST.to_owned(), bytes: length, confirmed: 0, committed: false };
        self.put_object(work, &*adapter, &mut last).await?;

        let mut stored = Stored { phase: Phase::Delivered, ..work.stored.clone() };
        let detail = json!({
            "objects": journal.iter().map(|o| json!({"name": o.name, "bytes": o.bytes})).collect::<Vec<_>>()
        });
        let receipt = self.receipt(order, &mut stored, ReceiptKind::Delivered, Some(detail))?;
        let entry = Entry::new(&DELIVER, self.actor(), Object::new("delivery", stored.delivery_id))
            .detail("manifest", Self::manifest_digest(&stored)?.to_string());
        let step = Step { stored, entry, state: "delivered", receipt: Some(receipt), detail: None };
        self.commit(order, step).await
    }

    /// Sends one object from where the receiver stands.
    async fn put_object(
        &self,
        work: &Work,
        adapter: &dyn RoomAdapter,
        object: &mut sql::Object,
    ) -> Result<(), DeliveryError> {
        let delivery = work.stored.delivery_id;
        let path = Arc::new(self.package(&work.stored).join(&object.name));
        let mut at = adapter.put(delivery, &object.name, 0, Bytes::new(), object.bytes).await?;
        while !at.committed {
            let (file, offset, length) = (path.clone(), at.offset, adapter.piece());
            let piece = blocking(move || {
                let broken = || DeliveryError::file("package");
                let mut input = File::open(&*file).map_err(broken())?;
                input.seek(SeekFrom::Start(offset)).map_err(broken())?;
                let mut bytes = Vec::new();
                input.take(length as u64).read_to_end(&mut bytes).map_err(broken())?;
                Ok(bytes)
            })
            .await?;
            if piece.is_empty() {
                return Err(DeliveryError::Stopped("conflict"));
            }
            at = adapter.put(delivery, &object.name, offset, piece.into(), object.bytes).await?;
            object.confirmed = at.offset;
        }
        object.confirmed = object.bytes;
        object.committed = true;
        Ok(())
    }

    /// Asks the room to open it. A room that cannot be asked opens it by itself and tells the centre.
    pub(super) async fn ask_to_open(&self, work: &Work) -> Result<Stored, DeliveryError> {
        let call = IntakeOpen { delivery_id: work.stored.delivery_id };
        let answer = match ask(&*self.channel, &work.order.room.id, &call).await {
            Ok(answer) => answer,
            Err(CallError::Refused(refusal)) if refusal.code != "unavailable" => {
                return Err(DeliveryError::Refused(refusal));
            }
            Err(_) => return Err(DeliveryError::Unavailable(format!("the {} zone", work.order.room.id))),
        };
        let receipt: Receipt = answer.receipt.open(&self.directory)?;
        if receipt.delivery_id != work.stored.delivery_id || receipt.by != work.order.room.id {
            return Err(DeliveryError::Stopped("wrong_party"));
        }
        let mut stored = work.stored.clone();
        let digest = Digest::sha256(&answer.receipt.payload.0);
        let entry = Entry::new(&OPENED, self.actor(), Object::new("delivery", stored.delivery_id))
            .permit(&work.order.permit_id, &work.order.series)
            .purpose(audit::Purpose::Delivery)
            .detail("receipt", digest.to_string());
        let entry = match receipt.kind {
            ReceiptKind::Opened => {
                stored.phase = Phase::Opened;
                entry
            }
            ReceiptKind::Rejected => {
                let code = receipt.code.unwrap_or_else(|| "rejected".to_owned());
                stored.stopped = Some(code.clone());
                entry.refused(code)
            }
            _ => return Err(DeliveryError::Stopped("bad_schema")),
        };
        // The room tells the centre itself; here it is only kept.
        let now = self.zone.now();
        let keep = async |tx: &mut Tx| -> Result<(), DeliveryError> {
            sql::update(tx, &stored, now).await?;
            Ok(self.zone.log.record(tx, entry.clone()).await?)
        };
        self.zone.store.tx("extraction opened", keep).await?;
        Ok(stored)
    }
}
