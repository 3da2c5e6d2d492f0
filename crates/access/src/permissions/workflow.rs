//! Which table holds: ours, or one of the REMS profiles (`access.md` section 8.1).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Deserialize;

use super::{CaseRole, allows};
use crate::model::{Case, Cell, CommandName, Outcome, Standing};

/// The workflow of an installation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Workflow {
    /// Our own table.
    #[default]
    Hap,
    /// REMS with everything on.
    RemsMaster,
    /// REMS where the handler decides.
    RemsDefault,
    /// REMS where the decider decides.
    RemsDecider,
}

impl Workflow {
    /// Whether the workflow lets somebody in this role run the command now. `outcome` is what a decision would say: REMS
    /// has a permission to approve and one to reject. What was removed for the case is denied (ACC-082).
    pub fn allows(self, case: &Case, role: CaseRole, command: CommandName, outcome: Option<Outcome>) -> bool {
        let cell = Cell { state: case.name(), role, command };
        if case.folder().configuration.removed.contains(&cell) {
            return false;
        }
        if self == Workflow::Hap {
            return allows(case.name(), role, command);
        }
        let permissions = rems_permissions(command, outcome);
        if permissions.is_empty() {
            // Steps of our own way that REMS does not know are those of our own table.
            return allows(case.name(), role, command);
        }
        let (Some(state), Some(role)) = (rems_state(case), rems_role(role)) else { return false };
        permissions.iter().any(|permission| self.has(state, role, permission))
    }

    /// Whether the profile has the cell.
    pub fn has(self, state: &str, role: &str, permission: &str) -> bool {
        let removed: &[(&str, &str, &str)] = match self {
            Workflow::Hap => return false,
            Workflow::RemsMaster => &[],
            Workflow::RemsDefault => &[("submitted", "decider", "approve"), ("submitted", "decider", "reject")],
            Workflow::RemsDecider => &[
                ("submitted", "handler", "approve"),
                ("submitted", "handler", "reject"),
                ("*", "*", "decide"),
                ("*", "*", "invite-decider"),
            ],
        };
        let is = |pattern: &str, value: &str| pattern == "*" || pattern == value;
        let gone = removed.iter().any(|(s, r, p)| is(s, state) && is(r, role) && is(p, permission));
        let cell = REMS.matrix.get(state).and_then(|roles| roles.get(role));
        !gone && cell.is_some_and(|permissions| permissions.contains(permission))
    }
}

#[derive(Deserialize)]
struct File {
    rems_profile: Profile,
}

#[derive(Deserialize)]
struct Profile {
    matrix: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
}

static REMS: LazyLock<Profile> = LazyLock::new(|| {
    #[expect(clippy::unwrap_used, reason = "the table is part of the program and is read by its tests")]
    let file: File = serde_json::from_str(include_str!("../../data/permissions.json")).unwrap();
    file.rems_profile
});

/// What REMS calls the state; none for what it does not know.
fn rems_state(case: &Case) -> Option<&'static str> {
    Some(match case {
        Case::Draft(_) => "draft",
        Case::Submitted(_) | Case::PreScreening(_) | Case::Processing(_) | Case::AwaitingAcceptance(_) => "submitted",
        Case::AwaitingInfo(_) => "returned",
        Case::Decided(decided) => match &decided.permit {
            Some(permit) if permit.standing == Standing::Revoked => "revoked",
            Some(_) => "approved",
            None => "rejected",
        },
        Case::Closed(_) | Case::Withdrawn(_) => "closed",
        Case::Lapsed(_) => return None,
    })
}

const fn rems_role(role: CaseRole) -> Option<&'static str> {
    Some(match role {
        CaseRole::Applicant => "applicant",
        CaseRole::CoApplicant => "member",
        CaseRole::CaseHandler => "handler",
        CaseRole::Reviewer => "reviewer",
        CaseRole::PastReviewer => "past-reviewer",
        CaseRole::DecisionMaker => "decider",
        CaseRole::PastDecisionMaker => "past-decider",
        CaseRole::Auditor => "reporter",
        CaseRole::SystemClock => "expirer",
        CaseRole::Outsider => "everyone-else",
        CaseRole::RegistryHandler | CaseRole::AppealHandler | CaseRole::DataPreparer | CaseRole::Administrator => {
            return None;
        }
    })
}

/// The REMS permissions of which one suffices for our command.
fn rems_permissions(command: CommandName, outcome: Option<Outcome>) -> &'static [&'static str] {
    use CommandName as C;
    match command {
        C::SaveDraft | C::SaveFlaggedFields => &["save-draft"],
        C::Submit | C::SendInfo => &["submit"],
        C::AcceptTerms => &["accept-licenses"],
        C::CopyAsNew => &["copy-as-new"],
        C::DeleteDraft => &["delete"],
        C::AcceptInvitation => &["accept-invitation"],
        C::InviteMember => &["invite-member"],
        C::UninviteMember => &["uninvite-member"],
        C::AddMember => &["add-member"],
        C::RemoveMember => &["remove-member"],
        C::ChangeApplicant => &["change-applicant"],
        C::EditCart => &["change-resources"],
        C::AddTerms => &["add-licenses"],
        C::AssignExternalId => &["assign-external-id"],
        C::RequestReview => &["request-review"],
        C::Review => &["review"],
        C::InviteReviewer => &["invite-reviewer"],
        C::ProposeDecision => &["request-decision"],
        C::GiveDecisionAdvice => &["decide"],
        C::InviteDecisionMaker => &["invite-decider"],
        C::Vote => &["vote"],
        C::Remark => &["remark"],
        C::RedactAttachment => &["redact-attachments"],
        C::SetTrack => &["change-processing-state"],
        C::RequestInfo => &["return"],
        C::CloseCase => &["close"],
        C::RevokePermit => &["revoke"],
        C::SendReminder => &["send-expiration-notifications"],
        C::IssueDecision => match outcome {
            Some(Outcome::Granted | Outcome::GrantedInPart) => &["approve"],
            Some(_) => &["reject"],
            None => &["approve", "reject"],
        },
        _ => &[],
    }
}

/// Whether somebody in this role sees the whole case in the state that the case is in: REMS' `see-everything`.
pub fn sees_everything(workflow: Workflow, case: &Case, role: CaseRole) -> Option<bool> {
    if workflow == Workflow::Hap {
        return None;
    }
    let (Some(state), Some(role)) = (rems_state(case), rems_role(role)) else { return Some(false) };
    Some(workflow.has(state, role, "see-everything"))
}
