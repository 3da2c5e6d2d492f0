//! Permits as tests write them, and a way to a room that breaks.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use delivery::{LocalAdapter, RoomAdapter, TransferError};
use protocol::calls::{self};
use protocol::documents::{
    Condition, Controller, KeyRetention, Linkage, OptOut, Permit, PermitOutput, PermitPopulation, PermitRoom,
    PermitSource, PermitStatus, PermitVariable, Purpose, Recurrence, SourceOutcome,
};
use protocol::ids::DeliveryId;

use super::common::*;

/// A variable of a permit.
pub fn variable(id: &str, granularity: &str) -> PermitVariable {
    PermitVariable { id: id.into(), version: 1, granularity: granularity.into() }
}

/// One collection of a permit.
pub fn part(collection: &str, period: (&str, &str), variables: &[(&str, &str)]) -> PermitSource {
    PermitSource {
        source: collection.split('.').next().unwrap().into(),
        collection: collection.into(),
        outcome: SourceOutcome::Granted,
        period: (day(period.0), day(period.1)),
        variables: variables.iter().map(|(v, g)| variable(&format!("{collection}.{v}"), g)).collect(),
        removed: Vec::new(),
    }
}

pub const RULE: &str = "npr.somatikk.hovedtilstand in ('I60'..'I64') and \
                        npr.somatikk.innDato between 2018-01-01 and 2020-12-31";

pub fn permit(expr: &str, sources: Vec<PermitSource>) -> Permit {
    Permit {
        permit_id: format!("{SERIES}-01"),
        series: SERIES.into(),
        status: PermitStatus::Granted,
        supersedes: None,
        case: "A-2026-000123".into(),
        decision: "A-2026-000123/V1".into(),
        first_issued_at: "2026-05-04T11:02:09.000000Z".parse().unwrap(),
        issued_at: "2026-05-04T11:02:09.000000Z".parse().unwrap(),
        valid_from: day("2026-05-04"),
        valid_to: day("2031-06-09"),
        extension_used: false,
        delete_by: day("2031-12-09"),
        profile: "NO/1".into(),
        purpose: Purpose { ehds: vec!["e".into()], text: "Stroke outcome".into() },
        controller: Controller { orgnr: "974767880".into() },
        pi: "person:7f3a".into(),
        format: "pseudonymised".into(),
        population: PermitPopulation {
            expr: expr.into(),
            max_persons: 1_000,
            optout: OptOut::Exclude,
            optout_reference: None,
        },
        sources,
        linkage: Some(Linkage {
            method: "project_key".into(),
            body: "key-service".into(),
            key_retention: KeyRetention::KeepUntilEnd,
            keep_until: None,
        }),
        external_data: Vec::new(),
        recurrence: Recurrence { kind: "once".into(), until: None },
        persons: Vec::new(),
        room: PermitRoom { id: room().to_string(), tools: Vec::new(), cpu: 1, mem_gb: 1 },
        output: PermitOutput { rules: "default-2026".into(), min_cell: 10, review: "two_blind".into() },
        conditions: Vec::<Condition>::new(),
        fee_max_ore: 0,
        hash_prev: None,
    }
}

/// The permit that most tests use: episodes in three years, and facts from another source about the same persons.
pub fn usual_permit() -> Permit {
    permit(
        RULE,
        vec![
            part("npr.somatikk", ("2018-01-01", "2020-12-31"), &[("hovedtilstand", "as_is"), ("innDato", "month")]),
            part(
                "ssb_fdb.main",
                ("2018-01-01", "2019-06-30"),
                &[
                    ("kjonn", "as_is"),
                    ("fodselsdato", "10_year_band"),
                    ("inntekt", "as_is"),
                    ("sivilstand", "as_is"),
                    ("formue", "as_is"),
                ],
            ),
        ],
    )
}

/// A way to the room that breaks: the receiver does not answer from the `at`-th piece on, until it is mended.
pub struct Breaking {
    pub(crate) inner: LocalAdapter,
    pub left: Mutex<Option<u32>>,
    pub pieces: AtomicU64,
}

#[async_trait]
impl RoomAdapter for Breaking {
    fn piece(&self) -> usize {
        // Small pieces, so that there are many places to break.
        8 << 10
    }
    async fn put(
        &self,
        delivery: DeliveryId,
        object: &str,
        offset: u64,
        piece: Bytes,
        total: u64,
    ) -> Result<calls::IntakePutAnswer, TransferError> {
        if let Some(left) = self.left.lock().unwrap().as_mut() {
            if *left == 0 {
                return Err(TransferError::Unavailable("broken".into()));
            }
            *left -= 1;
        }
        self.pieces.fetch_add(1, Ordering::SeqCst);
        self.inner.put(delivery, object, offset, piece, total).await
    }
}
