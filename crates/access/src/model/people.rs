//! The people of a case, by account id alone (ACC-190): members and invitations, staff with their interests, experts.

use std::collections::BTreeMap;

use kernel::{Date, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Ballot, Configuration, Declaration, MemberKind, Recommendation};

/// What belongs to a case in every state.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Folder {
    /// Those who apply together, beside the applicant, by account.
    pub members: BTreeMap<String, Member>,
    /// Invitations that were not used yet, by id.
    pub invitations: BTreeMap<String, Invitation>,
    /// Confirmations of the organisation that is the controller, by its number.
    pub controllers: BTreeMap<String, Confirmation>,
    /// What staff said about conflicts of interest, by account (ACC-083).
    pub interests: BTreeMap<String, Declaration>,
    /// Attachments that were removed, by file.
    pub redactions: BTreeMap<String, Redaction>,
    /// How many messages there are.
    pub messages: u32,
    /// How many remarks there are.
    pub remarks: u32,
    /// What an administrator set.
    pub configuration: Configuration,
}

/// Somebody who applies together with the applicant.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Member {
    /// As what.
    pub kind: MemberKind,
    /// Since when.
    pub since: Timestamp,
}

/// An invitation: who holds the token of its link may use it once.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Invitation {
    /// To what.
    pub to: InvitedTo,
    /// SHA-256 of the token; the token itself is kept nowhere.
    pub token: String,
    /// Account of the one who invited.
    pub by: String,
    /// Last day.
    pub until: Date,
}

/// What somebody is invited to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvitedTo {
    /// Apply together.
    CoApplicant,
    /// Speak for the controller.
    Representative,
    /// Give an expert opinion.
    Review,
    /// Give an expert opinion without being named to the applicant.
    AnonymousReview,
    /// Advise on the decision; REMS profiles only.
    Advice,
}

/// A controller's confirmation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Confirmation {
    /// Account of its representative.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// An attachment that was removed: its digest and the reason stay (ACC-193).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Redaction {
    /// SHA-256 of the file.
    pub sha256: String,
    /// Why.
    pub reason: String,
    /// Account.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// Expert opinions and votes: they never change the state of the case (ACC-101).
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Opinions {
    /// Whether an opinion stays hidden from the others until they have given their own.
    pub blind: bool,
    /// Those who were asked, by account.
    pub reviewers: BTreeMap<String, Reviewer>,
    /// Votes by account.
    pub votes: BTreeMap<String, Vote>,
    /// Those who advise on the decision, by account; REMS profiles only.
    pub advisers: BTreeMap<String, Option<Advice>>,
}

/// Somebody who was asked for an opinion.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Reviewer {
    /// When.
    pub asked_at: Timestamp,
    /// What was asked.
    pub question: Option<String>,
    /// Whether the applicant is not told who it is.
    pub anonymous: bool,
    /// Last day for the opinion; none when somebody came by an invitation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<kernel::Date>,
    /// The opinion; the open question is answered then.
    pub opinion: Option<Opinion>,
}

/// An expert opinion.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Opinion {
    /// What is recommended.
    pub recommendation: Recommendation,
    /// The opinion.
    pub text: String,
    /// When.
    pub at: Timestamp,
}

/// A vote.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Vote {
    /// The vote.
    pub ballot: Ballot,
    /// Why.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// Advice on the decision.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Advice {
    /// What is advised.
    pub recommendation: Recommendation,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}
