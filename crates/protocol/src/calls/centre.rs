//! Calls that the centre answers.

use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Call, Done};
use crate::dsse::Envelope;
use crate::ids::{DeliveryId, OrderId};

/// `permit/current`: the version of a permit series that is in force now (ACC-163). Asked through
/// [`Permits`](crate::permits::Permits).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PermitCurrent {
    /// The series.
    pub series: String,
}

/// The version in force, or the last one when none is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PermitCurrentAnswer {
    /// The signed permit.
    pub permit: Envelope,
    /// Whether it is on hold.
    pub hold: bool,
    /// Title of the project, for the record that citizens see.
    pub title: String,
}

impl Call for PermitCurrent {
    const KIND: &'static str = "permit/current";
    type Answer = PermitCurrentAnswer;
}

/// `delivery/event`: a step of a delivery, told by the zone where it happened.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliveryEvent {
    /// The order.
    pub order_id: OrderId,
    /// The delivery, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_id: Option<DeliveryId>,
    /// Permit series.
    pub series: String,
    /// The source.
    pub source: String,
    /// The state entered, in the words of section 1 of the specification of delivery, e.g. `sealed`.
    pub state: String,
    /// Reason code of `refused` and `failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// When.
    pub at: Timestamp,
    /// The signed receipt of the step, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Envelope>,
    /// Facts without persons: bytes, percent, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Value>,
}

impl Call for DeliveryEvent {
    const KIND: &'static str = "delivery/event";
    type Answer = Done;
}
