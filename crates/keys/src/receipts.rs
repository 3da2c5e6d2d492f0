//! Receipts of the key life cycle (KEY-070): signed, chained per series, each also an entry of the audit log.

use audit::{Actor, Entry, Object, Purpose};
use protocol::documents::{Assurance, GrantUse, KeyEvent, KeyReceipt};
use protocol::ids::StoredKeyId;
use protocol::{Digest, Envelope, Party};
use store::{Tx, params};

use crate::actions;
use crate::error::KeyError;
use crate::keystore::Keystore as _;
use crate::service::KeyService;

/// What a receipt is about; the chain and the signature are added when it is written.
pub(crate) struct Happening<'a> {
    pub series: &'a str,
    pub permit_id: &'a str,
    pub epoch: u32,
    pub key_id: StoredKeyId,
    pub event: KeyEvent,
    pub usage: Option<GrantUse>,
    pub actor: &'a Actor,
    pub second: Option<&'a Actor>,
    pub holder: Option<Party>,
    pub commitment: Option<Digest>,
    pub residual: Vec<String>,
    pub unwrap_failed: Option<bool>,
}

impl<'a> Happening<'a> {
    pub fn new(series: &'a str, permit_id: &'a str, key_id: StoredKeyId, event: KeyEvent, actor: &'a Actor) -> Self {
        Self {
            series,
            permit_id,
            epoch: 1,
            key_id,
            event,
            usage: None,
            actor,
            second: None,
            holder: None,
            commitment: None,
            residual: Vec::new(),
            unwrap_failed: None,
        }
    }
}

/// The text form of a serde enum that is written as one word.
pub(crate) fn word<T: serde::Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => text,
        _ => String::new(),
    }
}

impl KeyService {
    /// Writes a receipt at the end of its series' chain, in the transaction of what it is the receipt of.
    pub(crate) async fn append_receipt(&self, tx: &mut Tx, what: Happening<'_>) -> Result<Envelope, KeyError> {
        let last = tx
            .query_opt(
                "SELECT n, digest FROM key_receipt WHERE series = $1 ORDER BY n DESC LIMIT 1",
                params![what.series],
            )
            .await?;
        let (n, previous) = match last {
            Some(row) => {
                let digest: Digest =
                    row.get::<String>(1)?.parse().map_err(|_| KeyError::Damaged("the chain of key receipts"))?;
                (row.get::<i64>(0)? + 1, Some(digest))
            }
            None => (1, None),
        };
        let receipt = KeyReceipt {
            message_id: self.zone.id(),
            kind: "key-receipt".into(),
            series: what.series.to_owned(),
            permit_id: what.permit_id.to_owned(),
            epoch: what.epoch,
            key_id: what.key_id,
            event: what.event,
            usage: what.usage,
            actor: what.actor.id.clone(),
            holder: what.holder.clone(),
            at: self.zone.now(),
            keystore_generation: self.keystore.generation(),
            commitment: what.commitment,
            assurance: Assurance::SingleOperator,
            residual: what.residual,
            unwrap_failed: what.unwrap_failed,
            previous_receipt: previous,
        };
        let envelope = Envelope::of(&receipt, &*self.signer)?;
        let digest = Digest::sha256(&envelope.payload.0);
        let text = text_of(&envelope);
        tx.execute(
            "INSERT INTO key_receipt (series, n, digest, envelope) VALUES ($1, $2, $3, $4)",
            params![what.series, n, digest.as_str(), text],
        )
        .await?;
        let mut entry = Entry::new(&actions::LIFECYCLE, what.actor.clone(), Object::new("key", what.key_id))
            .permit(what.permit_id, what.series)
            .purpose(Purpose::Delivery)
            .detail("event", word(&what.event))
            .detail("receipt", digest.as_str());
        if let Some(usage) = &what.usage {
            entry = entry.detail("use", word(usage));
        }
        if let Some(holder) = &what.holder {
            entry = entry.detail("holder", holder.to_string());
        }
        if let Some(second) = what.second {
            entry = entry.detail("second", second.id.as_str());
        }
        self.zone.log.record(tx, entry).await?;
        Ok(envelope)
    }

    /// The chain of a series, oldest first.
    pub(crate) async fn receipts(&self, tx: &mut Tx, series: &str) -> Result<Vec<Envelope>, KeyError> {
        let rows = tx.query("SELECT envelope FROM key_receipt WHERE series = $1 ORDER BY n", params![series]).await?;
        rows.iter().map(|row| envelope_of(&row.get::<String>(0)?)).collect()
    }
}

/// An envelope as it is stored.
pub(crate) fn text_of(envelope: &Envelope) -> String {
    String::from_utf8(envelope.to_bytes()).unwrap_or_default()
}

/// An envelope that was stored.
pub(crate) fn envelope_of(text: &str) -> Result<Envelope, KeyError> {
    Envelope::parse(text.as_bytes()).map_err(|_| KeyError::Damaged("a stored document"))
}
