//! Reactions to a breach and the hearing before them (EHDS article 63, ACC-164): the parties are told what is considered
//! and why, may say what they think until a day, and only then is it decided.

use kernel::{Date, Timestamp};
use serde::{Deserialize, Serialize};

/// What the body considers to do about a breach.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sanction {
    /// Take the permit back.
    RevokePermit,
    /// Exclude somebody from data for a time.
    Exclude,
    /// Impose a fine.
    Fine,
}

impl Sanction {
    /// Every one.
    pub const ALL: [Sanction; 3] = [Sanction::RevokePermit, Sanction::Exclude, Sanction::Fine];

    /// The name in interfaces and texts.
    pub const fn slug(self) -> &'static str {
        match self {
            Sanction::RevokePermit => "revoke_permit",
            Sanction::Exclude => "exclude",
            Sanction::Fine => "fine",
        }
    }
}

/// A reaction that the parties were told of before it is decided.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SanctionNotice {
    /// 1, 2 … in the case.
    pub number: u32,
    /// What is considered.
    pub sanction: Sanction,
    /// Why.
    pub reason: String,
    /// Account.
    pub by: String,
    /// When the parties were told.
    pub at: Timestamp,
    /// Last day for comments; it can be decided from the day after.
    pub deadline: Date,
    /// What the parties have said, the oldest first.
    pub comments: Vec<SanctionComment>,
    /// How it ended.
    pub ended: Option<SanctionEnd>,
}

impl SanctionNotice {
    /// Whether it is still to be decided.
    pub const fn is_open(&self) -> bool {
        self.ended.is_none()
    }
}

/// What a party says to it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SanctionComment {
    /// Account.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// The words.
    pub text: String,
}

/// What was decided.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SanctionEnd {
    /// Whether it came to the reaction.
    pub imposed: bool,
    /// Why.
    pub reason: String,
    /// Account.
    pub by: String,
    /// When.
    pub at: Timestamp,
}
