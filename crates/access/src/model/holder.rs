//! How the holder of a source delivers after the decision (`access.md` section 9.3, "holder delivers"): when its time stands
//! still and why, when it got more, when it delivered. The clock that follows from it is
//! [`holder`](crate::clocks::holder).

use kernel::{Date, Timestamp};
use serde::{Deserialize, Serialize};

/// Why a holder cannot go on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseReason {
    /// The applicant owes something.
    Applicant,
    /// Data that the project brings along have not come.
    ExternalData,
    /// The analysis room is not ready.
    Room,
    /// The permit is on hold.
    PermitHeld,
    /// Something else, said in the text.
    Other,
}

impl PauseReason {
    /// The name in interfaces and texts.
    pub const fn slug(self) -> &'static str {
        match self {
            PauseReason::Applicant => "applicant",
            PauseReason::ExternalData => "external_data",
            PauseReason::Room => "room",
            PauseReason::PermitHeld => "permit_held",
            PauseReason::Other => "other",
        }
    }
}

/// The delivery of one holder.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct HolderDelivery {
    /// When its time stood still, the oldest first; the last one may be open.
    pub pauses: Vec<DeliveryPause>,
    /// When it got more time, the oldest first.
    pub longer: Vec<DeliveryExtension>,
    /// The day on which it delivered.
    pub delivered: Option<Date>,
}

impl HolderDelivery {
    /// Why its time stands still now.
    pub fn paused(&self) -> Option<&DeliveryPause> {
        self.pauses.last().filter(|pause| pause.to.is_none())
    }
}

/// A time in which a holder could not go on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DeliveryPause {
    /// First day.
    pub from: Date,
    /// The day on which it went on.
    pub to: Option<Date>,
    /// Why.
    pub code: PauseReason,
    /// In words.
    pub reason: String,
    /// Account.
    pub by: String,
}

/// More time for a holder.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DeliveryExtension {
    /// The last day from now on.
    pub until: Date,
    /// Why.
    pub reason: String,
    /// Account.
    pub by: String,
    /// When.
    pub at: Timestamp,
}
