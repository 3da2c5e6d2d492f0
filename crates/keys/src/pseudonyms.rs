//! The batch service of P1's source step (KEY-044): bound to a live permit and a signed extraction order, counted against
//! the caps of the linkage plan by this role's own state (KEY-090, KEY-091), idempotent.

use audit::{Actor, Counts, Entry, Object, Purpose};
use bytes::Bytes;
use protocol::calls::{Frame, PseudonymsSource, RowCode, RowError, pseudonyms};
use protocol::channel::codes;
use protocol::documents::{ExtractionOrder, GrantUse};
use protocol::peer::SKEW_SECONDS;
use protocol::{Party, Refusal};
use roaring::RoaringBitmap;
use store::{Tx, params};

use crate::actions;
use crate::error::KeyError;
use crate::lifecycle::{batch_digest, use_place};
use crate::pseudonym::SourceStep;
use crate::service::KeyService;

impl KeyService {
    pub(crate) async fn pseudonyms(
        &self,
        from: &Party,
        actor: &Actor,
        frame: Frame<PseudonymsSource>,
    ) -> Result<Bytes, KeyError> {
        let header = &frame.header;
        let ordinals = pseudonyms::decode(&frame.bytes).map_err(Refusal::from)?;
        if ordinals.len() < PseudonymsSource::MIN {
            return Err(KeyError::refused(codes::CAP_EXCEEDED));
        }
        let current = self.permits.live_version(&header.permit).await?;
        let permit = &current.permit;
        if !from.speaks_for(&header.source) || permit.granted(&header.source).next().is_none() {
            return Err(KeyError::refused(codes::WRONG_PARTY));
        }
        self.check_order(header)?;
        let plan = self.plan_for(actor, &current).await?.plan;
        let keys = self.series_keys(actor, &current).await?;
        if header.epoch != keys.epoch {
            return Err(KeyError::refused(codes::MANIFEST_MISMATCH));
        }
        let cap = plan.caps.iter().find(|c| c.source == header.source);
        let cap = cap.ok_or_else(|| KeyError::refused(codes::WRONG_PARTY))?;
        let (_, k_in) = self.permit_key(&keys, GrantUse::SourceIn).await?;

        let (values, errors, persons) = self.source_step(&SourceStep::new(&k_in), header, &ordinals).await?;
        let digest = batch_digest(&frame.bytes);
        let (series, source) = (permit.series.as_str(), header.source.as_str());
        let delivery = header.delivery.to_string();
        self.zone
            .store
            .tx("pseudonyms.source", async |tx: &mut Tx| {
                let (mut used, deliveries) = self.used(tx, series, source).await?;
                used |= &persons;
                let known = deliveries.contains(&delivery);
                // The plan's number, 2 % and 10 more: corrections of the index must not stop a delivery.
                let allowed = cap.max_persons + cap.max_persons / 50 + 10;
                if used.len() > allowed || !known && deliveries.len() as u64 >= u64::from(cap.max_deliveries) {
                    return Err(KeyError::refused(codes::CAP_EXCEEDED));
                }
                tx.execute(
                    "INSERT INTO pseudonym_use (series, source, persons) VALUES ($1, $2, $3)
                     ON CONFLICT (series, source) DO UPDATE SET persons = excluded.persons",
                    params![series, source, self.seal_bitmap(&use_place(series, source), &used)?],
                )
                .await?;
                tx.execute(
                    "INSERT INTO pseudonym_delivery (series, source, delivery_id, at) VALUES ($1, $2, $3, $4)
                     ON CONFLICT (series, source, delivery_id) DO NOTHING",
                    params![series, source, &delivery, self.zone.now()],
                )
                .await?;
                let entry = Entry::new(&actions::PSEUDONYMS, actor.clone(), Object::new("delivery", &delivery))
                    .permit(&permit.permit_id, series)
                    .purpose(Purpose::Delivery)
                    .counts(Counts::default().rows(ordinals.len() as u64).persons(persons.len()))
                    .detail("delivery", delivery.as_str())
                    .detail("failed", errors.len() as u64)
                    .detail("batch", digest.as_str());
                self.zone.log.record(tx, entry).await?;
                Ok(())
            })
            .await?;
        Ok(pseudonyms::encode_answer(&values, &errors).into())
    }

    /// The order that the delivery carries out: signed, of this permit, source and epoch, and open now.
    fn check_order(&self, header: &PseudonymsSource) -> Result<(), KeyError> {
        let order: ExtractionOrder = header.order.open(&self.directory).map_err(Refusal::from)?;
        let same = order.permit_id == header.permit
            && order.source == header.source
            && order.pseudonym.epoch == header.epoch
            && order.pseudonym.protocol == "P1"
            && order.pseudonym.id_form == "O";
        if !same {
            return Err(KeyError::refused(codes::MANIFEST_MISMATCH));
        }
        let now = self.zone.now();
        let open =
            order.not_before <= now.plus_seconds(SKEW_SECONDS) && now.plus_seconds(-SKEW_SECONDS) <= order.not_after;
        if open { Ok(()) } else { Err(KeyError::refused(codes::EXPIRED)) }
    }

    /// Values row by row; a failed row is zero and listed, never anything made from its input (KEY-080).
    async fn source_step(
        &self,
        step: &SourceStep,
        header: &PseudonymsSource,
        ordinals: &[u32],
    ) -> Result<(Vec<[u8; 16]>, Vec<RowError>, RoaringBitmap), KeyError> {
        let total = self.index.persons().await?;
        let mut values = step.y_of_ordinals(ordinals);
        let mut errors = Vec::new();
        let mut persons = RoaringBitmap::new();
        let delivery = header.delivery.to_bytes();
        for (row, (ordinal, value)) in ordinals.iter().zip(values.iter_mut()).enumerate() {
            if *ordinal == PseudonymsSource::PADDING {
                *value = step.padding(&delivery, row as u32);
            } else if *ordinal >= total {
                *value = [0; 16];
                errors.push(RowError { index: row as u32, code: RowCode::UnknownPerson });
            } else {
                persons.insert(*ordinal);
            }
        }
        Ok((values, errors, persons))
    }
}
