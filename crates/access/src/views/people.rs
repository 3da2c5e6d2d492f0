//! What the pages show of the people of a case and of what they say to each other.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Date, Timestamp};
use protocol::documents::Condition;
use serde::Serialize;

use crate::model::{
    Ballot, Case, CaseId, Confidentiality, Configuration, Confirmation, Declaration, Extension, ExtraTerm, Ground,
    InvitedTo, Member, Recommendation, Redaction, SourceTask, StatisticsOffer, Track, Visibility,
};
use crate::permissions::{CaseRole, View};

/// Who takes part in a case and what they have said, as far as the looker may see it.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct Involved {
    /// Those who apply together with the applicant, by account.
    pub members: BTreeMap<String, Member>,
    /// Open invitations by id.
    pub invitations: BTreeMap<String, InvitationView>,
    /// Confirmations of controllers by organisation number.
    pub controllers: BTreeMap<String, Confirmation>,
    /// How the case is treated.
    pub track: Track,
    /// More time that the body has given itself.
    pub extensions: Vec<Extension>,
    /// Terms beside the general ones.
    pub extra_terms: Vec<ExtraTerm>,
    /// Statistics on offer instead of data on persons.
    pub statistics: Option<StatisticsOffer>,
    /// The tasks of the sources; for registry handlers their own.
    pub tasks: BTreeMap<String, SourceTask>,
    /// Opinions and votes.
    pub opinions: Vec<OpinionView>,
    /// Conditions that were set; staff only.
    pub conditions: Vec<Condition>,
    /// What staff said about conflicts of interest, by account; staff only.
    pub interests: BTreeMap<String, Declaration>,
    /// Names of the case in other systems; staff only.
    pub external_ids: BTreeMap<String, String>,
    /// What the public register leaves out; staff only.
    pub confidentiality: BTreeMap<String, Confidentiality>,
    /// Attachments that were removed, by file.
    pub redactions: BTreeMap<String, Redaction>,
    /// What an administrator set; staff only.
    pub configuration: Configuration,
}

/// An open invitation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct InvitationView {
    /// To what.
    pub to: InvitedTo,
    /// Last day.
    pub until: Date,
}

/// What an expert was asked and has said.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct OpinionView {
    /// Account; none for the applicant when the expert is anonymous.
    pub reviewer: Option<String>,
    /// What was asked.
    pub question: Option<String>,
    /// Last day for the opinion.
    pub due: Option<Date>,
    /// What is recommended, with the opinion and its time.
    pub opinion: Option<(Recommendation, String, Timestamp)>,
    /// The vote.
    pub vote: Option<(Ballot, Option<String>)>,
}

/// A message with its receipts (ACC-103), or a remark (ACC-102).
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct NoteView {
    /// 1, 2, 3 … in the case.
    pub number: i64,
    /// Account of the author.
    pub author: String,
    /// In which role.
    pub role: String,
    /// Who may read it.
    pub visibility: Visibility,
    /// What was written.
    pub text: String,
    /// When.
    pub at: Timestamp,
    /// By whom it was first read when.
    pub read: Vec<(String, Timestamp)>,
}

/// A role handed to a colleague (ACC-104).
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct DelegationView {
    /// Id.
    pub id: String,
    /// Account of the one who handed over.
    pub from: String,
    /// Account of the colleague.
    pub to: String,
    /// The role.
    pub role: String,
    /// The case; none for all own cases.
    pub case: Option<CaseId>,
    /// First and last day.
    pub valid: (Date, Date),
}

/// Somebody on the exclusion list (ACC-084).
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ExclusionView {
    /// `person` or `organisation`.
    pub kind: String,
    /// Account, or number of the organisation.
    pub party: String,
    /// Last day.
    pub until: Date,
    /// Why.
    pub reason: String,
    /// Account of the one who decided it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// How the party was heard; none where that was not asked for yet.
    pub ground: Option<Ground>,
    /// When it was ended early.
    pub ended: Option<EndedView>,
}

impl ExclusionView {
    /// Whether it holds on a day.
    pub fn holds(&self, today: Date) -> bool {
        self.ended.is_none() && self.until >= today
    }
}

/// Who ended something early, and why.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct EndedView {
    /// When.
    pub at: Timestamp,
    /// Account.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// What somebody with this view sees of the people of a case. `own` are the sources that a registry handler speaks for.
pub(crate) fn involved(case: &Case, view: View, roles: &[CaseRole], account: &str, own: &BTreeSet<String>) -> Involved {
    let folder = case.folder();
    let mut seen = Involved::default();
    let (staff, parties) = (view == View::ViewFull, view != View::ViewSourcePart);
    let dossier = case.dossier();
    if parties {
        seen.members.clone_from(&folder.members);
        seen.controllers.clone_from(&folder.controllers);
        let invited =
            |(id, i): (&String, &crate::model::Invitation)| (id.clone(), InvitationView { to: i.to, until: i.until });
        let for_all = |i: &crate::model::Invitation| matches!(i.to, InvitedTo::CoApplicant | InvitedTo::Representative);
        seen.invitations = folder.invitations.iter().filter(|(_, i)| staff || for_all(i)).map(invited).collect();
        seen.redactions.clone_from(&folder.redactions);
        seen.statistics = case.work().and_then(|work| work.statistics.clone());
        if let Some(dossier) = dossier {
            seen.track = dossier.track;
            seen.extensions.clone_from(&dossier.extensions);
            seen.extra_terms.clone_from(&dossier.extra_terms);
        }
    }
    let tasks = case.work().map(|work| work.tasks.clone()).unwrap_or_default();
    seen.tasks = tasks.into_iter().filter(|(source, _)| staff || own.contains(source)).collect();
    let expert = roles.iter().any(|role| matches!(role, CaseRole::Reviewer | CaseRole::PastReviewer));
    if staff || expert {
        seen.opinions = opinions(case, account);
    }
    if staff {
        seen.interests.clone_from(&folder.interests);
        seen.configuration = folder.configuration.clone();
        seen.conditions = case.work().map(|work| work.conditions.clone()).unwrap_or_default();
        if let Some(dossier) = dossier {
            seen.external_ids.clone_from(&dossier.external_ids);
            seen.confidentiality.clone_from(&dossier.confidentiality);
        }
    }
    seen
}

/// ACC-101: in blind mode, somebody who was asked sees the opinions of others after giving the own one.
fn opinions(case: &Case, account: &str) -> Vec<OpinionView> {
    let Some(opinions) = case.dossier().map(|dossier| &dossier.opinions) else { return Vec::new() };
    let waits = opinions.reviewers.get(account).is_some_and(|own| own.opinion.is_none());
    let hidden = |other: &str| opinions.blind && waits && other != account;
    let view = |(other, reviewer): (&String, &crate::model::Reviewer)| OpinionView {
        reviewer: Some(other.clone()),
        question: reviewer.question.clone(),
        due: reviewer.due,
        opinion: reviewer.opinion.as_ref().filter(|_| !hidden(other)).map(|o| (o.recommendation, o.text.clone(), o.at)),
        vote: opinions.votes.get(other).filter(|_| !hidden(other)).map(|vote| (vote.ballot, vote.reason.clone())),
    };
    opinions.reviewers.iter().map(view).collect()
}
