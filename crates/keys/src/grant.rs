//! Keys for others (section 5, SDC-030): `k_out` for a room's intake, the gate's keys for the data zone. A grant is
//! signed, and travels in a container that only its recipient opens.

use audit::{Actor, Entry, Object, Purpose};
use kernel::Timestamp;
use protocol::calls::{GrantGate, GrantGateAnswer, GrantRoomOut, GrantRoomOutAnswer};
use protocol::channel::codes;
use protocol::documents::{Assurance, GrantUse, KeyEvent, KeyGrant};
use protocol::{Base64, Envelope, KeyRole, Party, Secret32, crypt4gh};
use store::{Tx, params};

use crate::actions;
use crate::error::KeyError;
use crate::keystore::{KeyClass, KeySpec, Keystore as _};
use crate::receipts::{Happening, word};
use crate::rotation::NOISE;
use crate::service::KeyService;

/// For how long the gate may use its keys before it asks again.
const GATE_DAYS: i64 = 366;

impl KeyService {
    pub(crate) async fn grant_room_out(
        &self,
        from: &Party,
        actor: &Actor,
        question: &GrantRoomOut,
    ) -> Result<GrantRoomOutAnswer, KeyError> {
        let current = self.permits.live_version(&question.permit).await?;
        let permit = &current.permit;
        if permit.room.id != from.to_string() {
            return Err(KeyError::refused(codes::WRONG_PARTY));
        }
        let plan = self.plan_for(actor, &current).await?.plan;
        let keys = self.series_keys(actor, &current).await?;
        if question.epoch != keys.epoch {
            return Err(KeyError::refused(codes::MANIFEST_MISMATCH));
        }
        let (key_id, key) = self.permit_key(&keys, GrantUse::RoomOut).await?;
        let grant = KeyGrant {
            message_id: self.zone.id(),
            kind: "key-grant".into(),
            series: Some(permit.series.clone()),
            permit_id: Some(permit.permit_id.clone()),
            plan_no: Some(plan.plan_no),
            epoch: keys.epoch,
            protocol: Some(plan.protocol),
            usage: GrantUse::RoomOut,
            name: None,
            recipient: from.clone(),
            id_form: Some(plan.id_form),
            snapshot_date: Some(plan.snapshot_date),
            key_id,
            key: Secret32::new(*key),
            max_values: None,
            not_before: self.zone.now(),
            not_after: end_of(plan.destroy_at),
            assurance: Assurance::SingleOperator,
        };
        let container = self.seal_grant(&grant, from, KeyRole::Intake)?;
        let (series, permit_id) = (permit.series.as_str(), permit.permit_id.as_str());
        self.zone
            .store
            .tx("grant.room_out", async |tx: &mut Tx| {
                self.require_release(tx, series, question).await?;
                let first = tx
                    .execute(
                        "INSERT INTO key_holder (series, epoch, use_for, holder, distributed_at)
                         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (series, epoch, use_for, holder) DO NOTHING",
                        params![series, keys.epoch, word(&GrantUse::RoomOut), from.to_string(), self.zone.now()],
                    )
                    .await?;
                if first == 1 {
                    let mut what = Happening::new(series, permit_id, key_id, KeyEvent::Distributed, actor);
                    what.usage = Some(GrantUse::RoomOut);
                    what.holder = Some(from.clone());
                    self.append_receipt(tx, what).await?;
                }
                let entry = Entry::new(&actions::GRANT, actor.clone(), Object::new("key", key_id))
                    .also(Object::new("delivery", question.delivery_id))
                    .permit(permit_id, series)
                    .purpose(Purpose::Delivery)
                    .detail("use", word(&GrantUse::RoomOut))
                    .detail("holder", from.to_string());
                self.zone.log.record(tx, entry).await?;
                Ok::<_, KeyError>(())
            })
            .await?;
        Ok(GrantRoomOutAnswer { grant: container })
    }

    /// No ledger seal, no key: a delivery that the ledger does not know cannot be opened (KEY-100).
    async fn require_release(&self, tx: &mut Tx, series: &str, question: &GrantRoomOut) -> Result<(), KeyError> {
        let row = tx
            .query_opt(
                "SELECT 1 FROM ledger_release WHERE delivery_id = $1 AND series = $2 AND state <> 'void'",
                params![question.delivery_id, series],
            )
            .await?;
        row.map(|_| ()).ok_or_else(|| KeyError::refused("no_ledger_receipt"))
    }

    pub(crate) async fn grant_gate(
        &self,
        from: &Party,
        actor: &Actor,
        question: &GrantGate,
    ) -> Result<GrantGateAnswer, KeyError> {
        let good = |t: &String| {
            (1..=64).contains(&t.len())
                && t.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'@' | b'.' | b'-'))
        };
        if question.id_types.len() > 64 || !question.id_types.iter().all(good) {
            return Err(KeyError::refused(codes::BAD_SCHEMA));
        }
        let epoch = self.gate_epoch();
        let names = std::iter::once(NOISE.to_owned())
            .chain(question.id_types.iter().map(|t| format!("k_dataset:{t}")))
            .collect::<Vec<_>>();
        let mut grants = Vec::with_capacity(names.len());
        let mut key_ids = Vec::with_capacity(names.len());
        for name in names {
            let spec = KeySpec { epoch, ..KeySpec::new(KeyClass::Gate, name.as_str()) };
            let key_id = self.keystore.generate(&spec)?;
            let key = self.keystore.secret_of(key_id)?;
            let now = self.zone.now();
            let grant = KeyGrant {
                message_id: self.zone.id(),
                kind: "key-grant".into(),
                series: None,
                permit_id: None,
                plan_no: None,
                epoch,
                protocol: None,
                usage: GrantUse::Gate,
                name: Some(name),
                recipient: from.clone(),
                id_form: Some("O".into()),
                snapshot_date: None,
                key_id,
                key: Secret32::new(*key),
                max_values: None,
                not_before: now,
                not_after: now.plus_seconds(GATE_DAYS * 86_400),
                assurance: Assurance::SingleOperator,
            };
            grants.push(self.seal_grant(&grant, from, KeyRole::Channel)?);
            key_ids.push(key_id);
        }
        let mut entry = Entry::new(&actions::GRANT, actor.clone(), Object::new("system_purpose", "disclosure"))
            .detail("use", word(&GrantUse::Gate))
            .detail("holder", from.to_string());
        for key_id in key_ids {
            entry = entry.also(Object::new("key", key_id));
        }
        self.zone.log.record_alone(entry).await?;
        Ok(GrantGateAnswer { grants })
    }

    fn seal_grant(&self, grant: &KeyGrant, to: &Party, role: KeyRole) -> Result<Base64, KeyError> {
        let envelope = Envelope::of(grant, &*self.signer)?;
        self.seal_for(to, role, &envelope.to_bytes())
    }

    /// A container that only `to` opens.
    pub(crate) fn seal_for(&self, to: &Party, role: KeyRole, plain: &[u8]) -> Result<Base64, KeyError> {
        let key = self.directory.sealing_key(to, role).ok_or_else(|| KeyError::refused(codes::UNKNOWN_KEY))?;
        let sealed = crypt4gh::seal(plain, &[key], &*self.zone.random);
        sealed.map(Base64).map_err(|_| KeyError::Damaged("a recipient's key"))
    }
}

/// The end of a day.
fn end_of(day: kernel::Date) -> Timestamp {
    Timestamp::from_micros((i64::from(day.days()) + 1) * 86_400_000_000)
}
