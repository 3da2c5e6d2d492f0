//! The linkage plan (koblingsplan, section 3): made and signed here from the live permit, one per version of the series.

use std::collections::BTreeMap;

use audit::{Actor, Entry, Object, Purpose};
use kernel::Date;
use protocol::channel::codes;
use protocol::documents::{
    Assurance, KeyRetention, LinkagePlan, OptOut, Permit, PlanCap, PlanOptOut, Relink, Unmapped,
};
use protocol::permits::CurrentPermit;
use protocol::{Envelope, KeyRole, Party};
use store::{Tx, params};

use crate::actions;
use crate::error::KeyError;
use crate::receipts::{envelope_of, text_of};
use crate::service::KeyService;

/// A plan and the envelope that it was signed in.
#[derive(Clone)]
pub(crate) struct SignedPlan {
    pub plan: LinkagePlan,
    pub envelope: Envelope,
}

/// The last day on which the keys of a permit may exist; and whether they go earlier, when the last planned delivery is
/// opened.
pub(crate) fn destruction(permit: &Permit) -> (Date, bool) {
    let retention = permit.linkage.as_ref().map(|l| (l.key_retention, l.keep_until));
    let (day, early) = match retention {
        Some((KeyRetention::DeleteAfterDelivery, _)) | None => (permit.valid_to, true),
        Some((KeyRetention::KeepUntilEnd, _)) => (permit.valid_to, false),
        Some((KeyRetention::KeepForFollowup, until)) => (until.unwrap_or(permit.valid_to), false),
    };
    (day.min(permit.delete_by), early)
}

/// What each source may deliver.
pub(crate) fn caps(permit: &Permit) -> Vec<PlanCap> {
    let max_deliveries = permit.recurrence.deliveries(permit.valid_from, permit.valid_to);
    permit
        .granted_sources()
        .into_iter()
        .map(|source| PlanCap { source: source.to_owned(), max_persons: permit.population.max_persons, max_deliveries })
        .collect()
}

impl KeyService {
    /// The newest plan of a live permit, made now when the permit is newer than the plan.
    pub(crate) async fn plan_for(&self, actor: &Actor, current: &CurrentPermit) -> Result<SignedPlan, KeyError> {
        let permit = &current.permit;
        let newest = self.zone.store.read("plan.newest", async |tx: &mut Tx| newest(tx, &permit.series).await).await?;
        match newest {
            Some(signed) if signed.plan.permit_id == permit.permit_id => Ok(signed),
            _ => self.make_plan(actor, permit).await,
        }
    }

    async fn make_plan(&self, actor: &Actor, permit: &Permit) -> Result<SignedPlan, KeyError> {
        let room: Party = permit.room.id.parse().map_err(|_| KeyError::refused(codes::WRONG_PARTY))?;
        let not_enrolled = || KeyError::refused("room_not_enrolled");
        let room_key = self.directory.sealing_key(&room, KeyRole::Intake).ok_or_else(not_enrolled)?;
        let room_key_id = self
            .directory
            .entries()
            .into_iter()
            .find(|e| e.party == room && e.role == KeyRole::Intake && e.sealing.is_some_and(|k| k.0 == room_key))
            .map(|e| e.keyid)
            .ok_or_else(not_enrolled)?;
        let optout = match (permit.population.optout, &permit.population.optout_reference) {
            (OptOut::Exclude, _) => PlanOptOut::Exclude,
            (OptOut::Exempt, Some(reference)) => PlanOptOut::Exempt { reference: reference.clone() },
            // An exemption without its legal reference is none (KEY-108).
            (OptOut::Exempt, None) => return Err(KeyError::refused("exemption_without_reference")),
        };
        self.zone
            .store
            .tx("plan.make", async |tx: &mut Tx| {
                let before = newest(tx, &permit.series).await?;
                if let Some(signed) = before.as_ref().filter(|s| s.plan.permit_id == permit.permit_id) {
                    return Ok(signed.clone());
                }
                let plan = LinkagePlan {
                    message_id: self.zone.id(),
                    series: permit.series.clone(),
                    permit_id: permit.permit_id.clone(),
                    plan_no: before.as_ref().map_or(1, |s| s.plan.plan_no + 1),
                    protocol: "P1".into(),
                    id_form: "O".into(),
                    // The day of the number history stays that of the first plan: a newer one would change nothing for
                    // form O, and must change nothing for others (KEY-013).
                    snapshot_date: before.as_ref().map_or_else(|| self.zone.clock.today(), |s| s.plan.snapshot_date),
                    relink: Relink::Stable,
                    unmapped: Unmapped::Withhold,
                    cohort_mode: "own_rule".into(),
                    caps: raised(before.as_ref().map(|s| &s.plan), caps(permit)),
                    room: room.clone(),
                    room_key: protocol::Key32(room_key),
                    room_key_id: room_key_id.clone(),
                    optout: optout.clone(),
                    destroy_at: destruction(permit).0,
                    assurance: Assurance::SingleOperator,
                    at: self.zone.now(),
                };
                let envelope = Envelope::of(&plan, &*self.signer)?;
                tx.execute(
                    "INSERT INTO linkage_plan (series, plan_no, permit_id, envelope) VALUES ($1, $2, $3, $4)",
                    params![&plan.series, plan.plan_no, &plan.permit_id, text_of(&envelope)],
                )
                .await?;
                let (day, early) = destruction(permit);
                tx.execute(
                    "UPDATE series_key SET permit_id = $1, destroy_on = $2, destroy_early = $3 WHERE series = $4",
                    params![&plan.permit_id, day, early, &plan.series],
                )
                .await?;
                let entry = Entry::new(&actions::PLAN, actor.clone(), Object::new("linkage_plan", plan.message_id))
                    .permit(&plan.permit_id, &plan.series)
                    .purpose(Purpose::Delivery)
                    .detail("plan_no", plan.plan_no);
                self.zone.log.record(tx, entry).await?;
                Ok(SignedPlan { plan, envelope })
            })
            .await
    }
}

/// A new plan may add sources and raise caps, never lower them: what was delivered under the old ones was lawful.
fn raised(before: Option<&LinkagePlan>, now: Vec<PlanCap>) -> Vec<PlanCap> {
    let old: BTreeMap<&str, &PlanCap> =
        before.into_iter().flat_map(|p| &p.caps).map(|c| (c.source.as_str(), c)).collect();
    now.into_iter()
        .map(|mut cap| {
            if let Some(old) = old.get(cap.source.as_str()) {
                cap.max_persons = cap.max_persons.max(old.max_persons);
                cap.max_deliveries = cap.max_deliveries.max(old.max_deliveries);
            }
            cap
        })
        .collect()
}

pub(crate) async fn newest(tx: &mut Tx, series: &str) -> Result<Option<SignedPlan>, KeyError> {
    let sql = "SELECT envelope FROM linkage_plan WHERE series = $1 ORDER BY plan_no DESC LIMIT 1";
    let Some(row) = tx.query_opt(sql, params![series]).await? else { return Ok(None) };
    let envelope = envelope_of(&row.get::<String>(0)?)?;
    let plan = envelope.read_unverified().map_err(|_| KeyError::Damaged("a linkage plan"))?;
    Ok(Some(SignedPlan { plan, envelope }))
}
