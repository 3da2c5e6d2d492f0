//! Citizens' choices (KEY-108, CIT section 3): who chose what from when to when, the receipt, and who is left out of an
//! extraction by the one rule of CIT-023:
//!
//! - a reservation counts when it is in force at the start of the extraction, for its source or for all;
//! - an opt-out of all secondary use counts when it was in force at the series' first issue (EHDS Article 71(3)), read
//!   from the history, so that a rerun gives the same persons; an exemption sets it aside;
//! - for a new version of a store both count as they are now.

use audit::{Actor, Counts, Entry, Object, Purpose};
use bytes::Bytes;
use kernel::Timestamp;
use protocol::calls::{
    ChoiceEntry, ChoicesList, ChoicesListAnswer, ChoicesPermitted, ChoicesPermittedAnswer, ChoicesSet,
    ChoicesSetAnswer, Frame, SourceUse, permitted,
};
use protocol::channel::codes;
use protocol::documents::{ChoiceKind, ChoiceReceipt, OptOut};
use protocol::ids::{ChoiceId, SnapshotId};
use protocol::{Envelope, Party, Refusal};
use roaring::RoaringBitmap;
use store::{Tx, params};

use crate::actions;
use crate::error::KeyError;
use crate::index::ordinal as to_ordinal;
use crate::receipts::{envelope_of, text_of};
use crate::service::KeyService;
use crate::subject::{open_subject, subject_tag};

/// The scope of a choice that counts everywhere.
const ALL: &str = "all";
/// For how long the set of one order stays as it was when its extraction started (`delivery.md` section 2: a snapshot
/// is not older than 24 hours at the start).
const ORDER_SECONDS: i64 = 86_400;

/// Which choices count, and when.
struct Rule<'a> {
    /// Names the use, so that the same order gets the same set.
    used_for: String,
    series: Option<&'a str>,
    source: &'a str,
    /// The instant at which opt-outs are looked at; none when they are set aside.
    optout_at: Option<Timestamp>,
}

impl KeyService {
    pub(crate) async fn choices_set(&self, actor: &Actor, question: &ChoicesSet) -> Result<ChoicesSetAnswer, KeyError> {
        let fits = match question.choice {
            ChoiceKind::OptOut => question.scope == ALL,
            ChoiceKind::Reservation => {
                question.scope == ALL || format!("source:{}", question.scope).parse::<Party>().is_ok()
            }
        };
        if !fits || question.channel.is_empty() || question.by.is_empty() {
            return Err(KeyError::refused(codes::INVALID));
        }
        let number = open_subject(&question.subject, &self.seal, self.environment)?;
        let ordinal = self.index.find_or_add(actor, &number).await?;
        let tag = subject_tag(&self.keystore, &*self.zone.clock, ordinal)?;
        let receipt = self
            .zone
            .store
            .tx("choices.set", async |tx: &mut Tx| self.set_choice(tx, actor, question, ordinal, &tag).await)
            .await?;
        Ok(ChoicesSetAnswer { receipt })
    }

    async fn set_choice(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        question: &ChoicesSet,
        ordinal: u32,
        tag: &str,
    ) -> Result<Envelope, KeyError> {
        let (kind, scope) = (question.choice.as_str(), question.scope.as_str());
        let again = tx
            .query_opt(
                "SELECT receipt, ordinal, kind, scope, value FROM choice_event WHERE choice_id = $1",
                params![question.choice_id],
            )
            .await?;
        if let Some(row) = again {
            let same = row.get::<i64>(1)? == i64::from(ordinal)
                && row.get::<String>(2)? == kind
                && row.get::<String>(3)? == scope
                && row.get::<bool>(4)? == question.value;
            return if same { envelope_of(&row.get::<String>(0)?) } else { Err(KeyError::refused(codes::REPLAY)) };
        }
        let active = tx
            .query_opt(
                "SELECT from_at, e.receipt FROM choice c JOIN choice_event e ON e.choice_id = c.choice_id
                 WHERE c.ordinal = $1 AND c.kind = $2 AND c.scope = $3 AND c.to_at IS NULL",
                params![ordinal, kind, scope],
            )
            .await?;
        let now = self.zone.now();
        match (&active, question.value) {
            // Chosen already: the receipt of the choice in force.
            (Some(row), true) => return envelope_of(&row.get::<String>(1)?),
            (None, false) => return Err(KeyError::refused("already_in_state")),
            _ => {}
        }
        let receipt = ChoiceReceipt {
            message_id: self.zone.id(),
            choice_id: question.choice_id,
            choice: question.choice,
            scope: question.scope.clone(),
            value: question.value,
            in_force_from: now,
            channel: question.channel.clone(),
            template_version: question.template_version.clone(),
        };
        let envelope = Envelope::of(&receipt, &*self.signer)?;
        tx.execute(
            "INSERT INTO choice_event (choice_id, ordinal, kind, scope, value, at, channel, by_account,
               template_version, receipt) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            params![
                question.choice_id,
                ordinal,
                kind,
                scope,
                question.value,
                now,
                &question.channel,
                &question.by,
                &question.template_version,
                text_of(&envelope)
            ],
        )
        .await?;
        match active {
            Some(row) => {
                tx.execute(
                    "UPDATE choice SET to_at = $1, withdrawal_id = $2
                     WHERE ordinal = $3 AND kind = $4 AND scope = $5 AND from_at = $6",
                    params![now, question.choice_id, ordinal, kind, scope, row.get::<i64>(0)?],
                )
                .await?;
            }
            None => {
                tx.execute(
                    "INSERT INTO choice (ordinal, kind, scope, from_at, choice_id) VALUES ($1, $2, $3, $4, $5)",
                    params![ordinal, kind, scope, now, question.choice_id],
                )
                .await?;
            }
        }
        let entry = Entry::new(&actions::CHOICE, actor.clone(), Object::new("choice", question.choice_id))
            .purpose(Purpose::Insight)
            .detail("choice", kind)
            .detail("scope", scope)
            .detail("value", question.value)
            .detail("subject_tag", tag);
        self.zone.log.record(tx, entry).await?;
        Ok(envelope)
    }

    pub(crate) async fn choices_list(
        &self,
        actor: &Actor,
        question: &ChoicesList,
    ) -> Result<ChoicesListAnswer, KeyError> {
        let number = open_subject(&question.subject, &self.seal, self.environment)?;
        let Some(ordinal) = self.index.find(&number).await? else { return Ok(ChoicesListAnswer::default()) };
        let tag = subject_tag(&self.keystore, &*self.zone.clock, ordinal)?;
        self.zone
            .store
            .tx("choices.list", async |tx: &mut Tx| {
                let rows = tx
                    .query(
                        "SELECT c.choice_id, c.kind, c.scope, c.from_at, c.to_at, e.receipt, w.receipt
                         FROM choice c JOIN choice_event e ON e.choice_id = c.choice_id
                         LEFT JOIN choice_event w ON w.choice_id = c.withdrawal_id
                         WHERE c.ordinal = $1 ORDER BY c.from_at, c.kind, c.scope",
                        params![ordinal],
                    )
                    .await?;
                let mut choices = Vec::with_capacity(rows.len());
                for row in rows {
                    let kind: String = row.get(1)?;
                    choices.push(ChoiceEntry {
                        choice_id: row.get::<ChoiceId>(0)?,
                        choice: kind.parse().map_err(|()| KeyError::Damaged("a choice"))?,
                        scope: row.get(2)?,
                        from: row.get(3)?,
                        to: row.get(4)?,
                        receipt: envelope_of(&row.get::<String>(5)?)?,
                        withdrawal_receipt: row.get::<Option<String>>(6)?.map(|t| envelope_of(&t)).transpose()?,
                    });
                }
                let entry = Entry::new(&actions::CHOICES_READ, actor.clone(), Object::new("system_purpose", "choices"))
                    .purpose(Purpose::Insight)
                    .detail("subject_tag", tag.as_str());
                self.zone.log.record(tx, entry).await?;
                Ok(ChoicesListAnswer { choices })
            })
            .await
    }

    pub(crate) async fn choices_permitted(
        &self,
        from: &Party,
        actor: &Actor,
        frame: Frame<ChoicesPermitted>,
    ) -> Result<Bytes, KeyError> {
        let header = &frame.header;
        let ordinals = permitted::decode(&frame.bytes).map_err(Refusal::from)?;
        if !from.speaks_for(&header.source) {
            return Err(KeyError::refused(codes::WRONG_PARTY));
        }
        let current = match &header.purpose {
            SourceUse::Extraction { permit, .. } => {
                let current = self.permits.live_version(permit).await?;
                if current.permit.granted(&header.source).next().is_none() {
                    return Err(KeyError::refused(codes::WRONG_PARTY));
                }
                Some(current)
            }
            SourceUse::StoreVersion { .. } => None,
        };
        let permit = current.as_ref().map(|c| &c.permit);
        let rule = Rule {
            used_for: match &header.purpose {
                SourceUse::Extraction { order_id, .. } => format!("order:{order_id}"),
                SourceUse::StoreVersion { store } => format!("store:{store}"),
            },
            series: permit.map(|p| p.series.as_str()),
            source: &header.source,
            optout_at: match permit {
                Some(p) if p.population.optout == OptOut::Exempt => None,
                Some(p) => Some(p.first_issued_at),
                // Choices made at this very instant count too.
                None => Some(Timestamp::from_micros(self.zone.now().micros() + 1)),
            },
        };
        let (answer, allowed) = self
            .zone
            .store
            .tx("choices.permitted", async |tx: &mut Tx| {
                let (snapshot, at, left_out) = self.left_out(tx, &rule).await?;
                let allowed: Vec<bool> = ordinals.iter().map(|o| !left_out.contains(*o)).collect();
                let answer = ChoicesPermittedAnswer {
                    snapshot,
                    at,
                    asked: ordinals.len() as u64,
                    permitted: allowed.iter().filter(|a| **a).count() as u64,
                };
                let mut entry = Entry::new(&actions::PERMITTED, actor.clone(), Object::new("choices", snapshot))
                    .purpose(Purpose::Delivery)
                    .counts(Counts::default().rows(answer.asked))
                    .detail("source", header.source.as_str())
                    .detail("snapshot", snapshot.to_string());
                if let Some(p) = permit {
                    entry = entry.permit(&p.permit_id, &p.series);
                }
                self.zone.log.record(tx, entry).await?;
                Ok::<_, KeyError>((answer, allowed))
            })
            .await?;
        Ok(permitted::encode_answer(answer, &allowed).map_err(Refusal::from)?)
    }

    /// The persons that a rule leaves out, kept as a snapshot: the same order gets the same set for a day.
    async fn left_out(&self, tx: &mut Tx, rule: &Rule<'_>) -> Result<(SnapshotId, Timestamp, RoaringBitmap), KeyError> {
        let now = self.zone.now();
        if rule.series.is_some() {
            let known = tx
                .query_opt(
                    "SELECT snapshot_id, at, left_out FROM choice_snapshot
                     WHERE used_for = $1 AND source = $2 AND at > $3 ORDER BY at DESC LIMIT 1",
                    params![&rule.used_for, rule.source, now.plus_seconds(-ORDER_SECONDS)],
                )
                .await?;
            if let Some(row) = known {
                let snapshot: SnapshotId = row.get(0)?;
                return Ok((snapshot, row.get(1)?, self.open_bitmap(&place(snapshot), &row.get::<Vec<u8>>(2)?)?));
            }
        }
        let mut left_out = RoaringBitmap::new();
        let reserved = tx
            .query(
                "SELECT ordinal FROM choice WHERE kind = 'reservation' AND scope IN ('all', $1)
                   AND from_at <= $2 AND (to_at IS NULL OR to_at > $2)",
                params![rule.source, now],
            )
            .await?;
        for row in reserved {
            left_out.insert(to_ordinal(row.get(0)?)?);
        }
        if let Some(at) = rule.optout_at {
            let opted_out = tx
                .query(
                    "SELECT ordinal FROM choice WHERE kind = 'opt_out' AND from_at < $1
                       AND (to_at IS NULL OR to_at >= $1)",
                    params![at],
                )
                .await?;
            for row in opted_out {
                left_out.insert(to_ordinal(row.get(0)?)?);
            }
        }
        let snapshot: SnapshotId = self.zone.id();
        tx.execute(
            "INSERT INTO choice_snapshot (snapshot_id, used_for, series, source, at, left_out)
             VALUES ($1, $2, $3, $4, $5, $6)",
            params![
                snapshot,
                &rule.used_for,
                rule.series.map(str::to_owned),
                rule.source,
                now,
                self.seal_bitmap(&place(snapshot), &left_out)?
            ],
        )
        .await?;
        Ok((snapshot, now, left_out))
    }

    /// Whether a set of persons keeps to the choices: it must be free of everyone that a snapshot of this series and
    /// source left out. A release whose extraction never asked has no such snapshot.
    pub(crate) async fn keeps_to_choices(
        &self,
        tx: &mut Tx,
        series: &str,
        source: &str,
        persons: &RoaringBitmap,
    ) -> Result<bool, KeyError> {
        let rows = tx
            .query(
                "SELECT snapshot_id, left_out FROM choice_snapshot WHERE series = $1 AND source = $2
                 ORDER BY at DESC LIMIT 20",
                params![series, source],
            )
            .await?;
        for row in rows {
            let snapshot: SnapshotId = row.get(0)?;
            if self.open_bitmap(&place(snapshot), &row.get::<Vec<u8>>(1)?)?.is_disjoint(persons) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn place(snapshot: SnapshotId) -> String {
    format!("choice_snapshot/{snapshot}/left_out")
}
