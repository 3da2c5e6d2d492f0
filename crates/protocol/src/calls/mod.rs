//! Every kind of call between zones: who answers it, its question and its answer. Bodies are JSON; where a kind
//! carries many numbers, its body is a [`Frame`]: a JSON header and packed bytes.
//!
//! | answered by | kinds |
//! |---|---|
//! | keys | `index/register`, `pseudonyms/source`, `choices/permitted`, `choices/set`, `choices/list`, `ledger/release`, `ledger/kept`, `ledger/void`, `ledger/me`, `ledger/roots`, `grant/gate`, `grant/room-out`, `key/receipt`, `keys/status`, `plan/current`, `insight/token`, `permit/changed` |
//! | data | `run`, `run/news`, `run/cancel`, `meters/list`, `meters/act`, `meters/own`, `metadata`, `extract`, `insight` |
//! | room | `intake/put`, `intake/open`, `room/status` |
//! | centre | `permit/current`, `delivery/event` |

mod centre;
mod data;
mod frame;
mod keys;
mod meters;
mod room;
mod runs;

pub use centre::{DeliveryEvent, PermitCurrent, PermitCurrentAnswer};
pub use data::{
    CodeChangeItem, CodeItem, CollectionMetadata, DatasetMetadata, Extract, ExtractAnswer, Insight, InsightAnswer,
    InsightSource, InsightStatus, Metadata, MetadataAnswer, StoreMetadata,
};
pub use frame::{Frame, FrameError};
pub use keys::{
    ChoiceEntry, ChoicesList, ChoicesListAnswer, ChoicesPermitted, ChoicesPermittedAnswer, ChoicesSet,
    ChoicesSetAnswer, GrantGate, GrantGateAnswer, GrantRoomOut, GrantRoomOutAnswer, IdCheck, IndexRegister,
    InsightTokenAnswer, InsightTokenRequest, KeyReceiptNotice, KeysStatus, KeysStatusAnswer, LedgerKept, LedgerMe,
    LedgerMeAnswer, LedgerRelease, LedgerReleaseAnswer, LedgerRoots, LedgerRootsAnswer, LedgerVoid, OwnRelease,
    PlanCurrent, PlanCurrentAnswer, PseudonymsSource, Registered, RowCode, RowError, SourceUse, index_register,
    permitted, pseudonyms,
};
pub use meters::{
    Acknowledged, AlertItem, Level, MeterItem, MetersAct, MetersList, MetersListAnswer, MetersOwn, MetersOwnAnswer,
    OwnLevel, ProposalItem, StewardAct,
};
pub use room::{IntakeOpen, IntakeOpenAnswer, IntakePut, IntakePutAnswer, RoomStatus, RoomStatusAnswer};
pub use runs::{
    Diagnostic, Run, RunAnswer, RunCancel, RunCancelAnswer, RunNews, RunNewsAnswer, RunProgress, RunStage, RunTaken,
};

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::channel::{CallError, Channel, Refusal, codes};
use crate::party::Party;

/// A kind of call whose question and answer are JSON.
pub trait Call: Serialize + DeserializeOwned {
    /// The kind, e.g. `permit/current`.
    const KIND: &'static str;
    /// What is answered.
    type Answer: Serialize + DeserializeOwned;
}

/// The answer of a call that has nothing to say.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Done {}

/// Asks `to` and reads the answer.
///
/// # Errors
/// Those of the channel; [`CallError::Untrusted`] for an answer that has not the form of its kind.
pub async fn ask<C: Call>(channel: &dyn Channel, to: &Party, call: &C) -> Result<C::Answer, CallError> {
    let body = serde_json::to_vec(call).map_err(|_| Refusal::new(codes::BAD_SCHEMA))?;
    let answer = channel.call(to, C::KIND, Bytes::from(body)).await?;
    serde_json::from_slice(&answer).map_err(|_| CallError::Untrusted { party: to.clone(), code: codes::BAD_SCHEMA })
}

/// Reads the question of a call, for a service.
///
/// # Errors
/// `bad_schema`.
pub fn read<C: Call>(body: &[u8]) -> Result<C, Refusal> {
    serde_json::from_slice(body).map_err(|_| Refusal::new(codes::BAD_SCHEMA))
}

/// Writes the answer of a call, for a service.
///
/// # Errors
/// `bad_schema` for an answer that is not JSON.
pub fn write<A: Serialize>(answer: &A) -> Result<Bytes, Refusal> {
    serde_json::to_vec(answer).map(Bytes::from).map_err(|_| Refusal::new(codes::BAD_SCHEMA))
}
