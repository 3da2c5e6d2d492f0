//! Calls that a room answers.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Call;
use crate::dsse::Envelope;
use crate::ids::DeliveryId;

/// Header of `intake/put`: a piece of an object of a package. The frame's bytes are the piece; an empty piece asks for
/// the offset. The manifest is put last; with it the package exists for the intake (DEL-071).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntakePut {
    /// The delivery.
    pub delivery_id: DeliveryId,
    /// Name of the object inside the package, e.g. `data/0001.c4gh`.
    pub object: String,
    /// Where the piece begins.
    pub offset: u64,
    /// Length of the whole object.
    pub total: u64,
}

/// Where the object stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntakePutAnswer {
    /// Bytes confirmed.
    pub offset: u64,
    /// Whether the object is complete and on disk.
    pub committed: bool,
}

impl IntakePut {
    /// The kind of the call.
    pub const KIND: &'static str = "intake/put";
}

/// `intake/open`: open a package that has arrived. Opening it again gives the same receipt (DEL-135).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntakeOpen {
    /// The delivery.
    pub delivery_id: DeliveryId,
}

/// The receipt `opened` or `rejected`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntakeOpenAnswer {
    /// The signed receipt.
    pub receipt: Envelope,
}

impl Call for IntakeOpen {
    const KIND: &'static str = "intake/open";
    type Answer = IntakeOpenAnswer;
}

/// `room/status`: what lies in the room.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoomStatus {
    /// Only this series.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
}

/// Deliveries and their files, without persons.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoomStatusAnswer {
    /// One object per delivery.
    pub deliveries: Vec<Value>,
}

impl Call for RoomStatus {
    const KIND: &'static str = "room/status";
    type Answer = RoomStatusAnswer;
}
