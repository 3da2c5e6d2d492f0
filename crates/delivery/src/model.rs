//! The states of a delivery (section 1) and how reports move it. No I/O.

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

/// Where a delivery stands. Each state carries what belongs to it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// Compiled from the permit; the source has not answered yet.
    Ordered,
    /// The source takes it.
    Accepted,
    /// The source runs the order.
    Extracting,
    /// The data preparer looks at counts and columns.
    AwaitingApproval,
    /// Encrypted, signed, in the ledger.
    Sealed,
    /// On its way.
    Sending {
        /// How much has been confirmed, 0-100.
        percent: u8,
    },
    /// Complete at the receiver.
    Delivered,
    /// Verified, re-keyed and readable in the room.
    Opened,
    /// Deleted with a receipt.
    Closed,
    /// The source does not take it.
    Refused {
        /// Reason code.
        code: String,
    },
    /// A step did not work.
    Failed {
        /// The state that was not reached, e.g. `sealed`, `opened`.
        step: String,
        /// Reason code.
        code: String,
        /// When it is tried again; none when a person must look at it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_at: Option<Timestamp>,
    },
    /// Called back because of an error.
    Recalled,
    /// The permit or the order ran out before it was done.
    Expired,
}

/// A report of a step, from the zone where it happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report<'a> {
    /// The state entered, in the words of section 1: `accepted`, `sealed`, … or `rejected`.
    pub state: &'a str,
    /// Reason code of `refused`, `failed` and `rejected`.
    pub code: Option<&'a str>,
    /// Percent of `sending`.
    pub percent: Option<u8>,
    /// The step of `failed`.
    pub step: Option<&'a str>,
    /// When a failed step is tried again.
    pub retry_at: Option<Timestamp>,
}

/// A report that cannot be.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ReportError {
    /// No such state.
    #[error("no such state")]
    Unknown,
    /// The delivery is over.
    #[error("the delivery is {0} and stays so")]
    Over(&'static str),
}

impl State {
    /// Whether no data came of it, and none will.
    pub const fn is_in_vain(&self) -> bool {
        matches!(self, State::Refused { .. } | State::Failed { retry_at: None, .. } | State::Recalled | State::Expired)
    }

    /// The name used in messages, tables and texts.
    pub const fn name(&self) -> &'static str {
        match self {
            State::Ordered => "ordered",
            State::Accepted => "accepted",
            State::Extracting => "extracting",
            State::AwaitingApproval => "awaiting_approval",
            State::Sealed => "sealed",
            State::Sending { .. } => "sending",
            State::Delivered => "delivered",
            State::Opened => "opened",
            State::Closed => "closed",
            State::Refused { .. } => "refused",
            State::Failed { .. } => "failed",
            State::Recalled => "recalled",
            State::Expired => "expired",
        }
    }

    /// The place on the way; none beside it.
    const fn rank(&self) -> Option<u8> {
        Some(match self {
            State::Ordered => 0,
            State::Accepted => 1,
            State::Extracting => 2,
            State::AwaitingApproval => 3,
            State::Sealed => 4,
            State::Sending { .. } => 5,
            State::Delivered => 6,
            State::Opened => 7,
            State::Closed => 8,
            State::Refused { .. } | State::Failed { .. } | State::Recalled | State::Expired => return None,
        })
    }

    /// Whether nothing more happens by itself.
    pub const fn is_over(&self) -> bool {
        matches!(self, State::Closed | State::Refused { .. } | State::Recalled | State::Expired)
    }

    /// Who is to act next, for the page: `source`, `room`, `nobody`.
    pub const fn held_by(&self) -> &'static str {
        match self {
            State::Ordered | State::Accepted | State::Extracting | State::AwaitingApproval => "source",
            State::Sealed | State::Sending { .. } | State::Failed { .. } => "source",
            State::Delivered => "room",
            _ => "nobody",
        }
    }

    /// What comes next when all goes well.
    pub const fn next(&self) -> Option<&'static str> {
        Some(match self {
            State::Ordered => "accepted",
            State::Accepted => "extracting",
            State::Extracting | State::AwaitingApproval => "sealed",
            State::Sealed => "sending",
            State::Sending { .. } => "delivered",
            State::Delivered => "opened",
            State::Opened => "closed",
            _ => return None,
        })
    }

    /// What a report says about this delivery: the new state, or none when it tells of something passed already
    /// (reports may come twice, or late).
    ///
    /// # Errors
    /// [`ReportError`].
    pub fn decide(&self, report: &Report<'_>) -> Result<Option<State>, ReportError> {
        let code = || report.code.unwrap_or("unknown").to_owned();
        let new = match report.state {
            "accepted" => State::Accepted,
            "extracting" => State::Extracting,
            "awaiting_approval" => State::AwaitingApproval,
            "sealed" => State::Sealed,
            "sending" => State::Sending { percent: report.percent.unwrap_or(0).min(100) },
            "delivered" => State::Delivered,
            "opened" => State::Opened,
            "closed" => State::Closed,
            "refused" => State::Refused { code: code() },
            "failed" => State::Failed {
                step: report.step.unwrap_or("unknown").to_owned(),
                code: code(),
                retry_at: report.retry_at,
            },
            "rejected" => State::Failed { step: "opened".into(), code: code(), retry_at: None },
            "recalled" => State::Recalled,
            "expired" => State::Expired,
            _ => return Err(ReportError::Unknown),
        };
        if self == &new {
            return Ok(None);
        }
        if self.is_over() {
            return Err(ReportError::Over(self.name()));
        }
        let passed = match (self, self.rank(), new.rank()) {
            (State::Sending { percent: a }, _, _) if matches!(new, State::Sending { percent: b } if b <= *a) => true,
            (State::Sending { .. }, _, _) if matches!(new, State::Sending { .. }) => false,
            (_, Some(old), Some(new)) => new <= old,
            // What was opened has not failed: a late report of an attempt that was repeated since.
            (State::Opened, _, None) => matches!(new, State::Failed { .. } | State::Refused { .. }),
            _ => false,
        };
        Ok((!passed).then_some(new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(state: &str) -> Report<'_> {
        Report { state, code: Some("x"), percent: Some(50), step: Some("sealed"), retry_at: None }
    }

    #[test]
    fn del_001_reports_walk_the_table() {
        let mut state = State::Ordered;
        for name in ["accepted", "extracting", "sealed", "sending", "delivered", "opened", "closed"] {
            assert_eq!(state.next(), Some(name), "after {}", state.name());
            state = state.decide(&report(name)).unwrap().unwrap();
            assert_eq!(state.name(), name);
        }
        assert_eq!(state.decide(&report("sealed")), Err(ReportError::Over("closed")));
        assert_eq!(state.decide(&report("closed")), Ok(None));
    }

    #[test]
    fn late_and_repeated_reports_change_nothing() {
        assert_eq!(State::Sealed.decide(&report("accepted")), Ok(None));
        assert_eq!(State::Sealed.decide(&report("sealed")), Ok(None));
        assert_eq!(State::Opened.decide(&report("failed")), Ok(None));
        assert_eq!(State::Sending { percent: 60 }.decide(&report("sending")), Ok(None));
        let sending = State::Sending { percent: 10 }.decide(&report("sending"));
        assert_eq!(sending, Ok(Some(State::Sending { percent: 50 })));
        assert_eq!(State::Ordered.decide(&report("nonsense")), Err(ReportError::Unknown));
    }

    #[test]
    fn a_failed_step_is_left_by_progress() {
        let failed = State::Delivered.decide(&report("rejected")).unwrap().unwrap();
        assert_eq!(failed, State::Failed { step: "opened".into(), code: "x".into(), retry_at: None });
        assert_eq!(failed.decide(&report("opened")), Ok(Some(State::Opened)));
    }

    #[test]
    fn the_stored_form_round_trips() {
        for state in [State::Ordered, State::Sending { percent: 3 }, State::Refused { code: "x".into() }] {
            let text = serde_json::to_string(&state).unwrap();
            assert_eq!(serde_json::from_str::<State>(&text).unwrap(), state);
        }
    }
}
