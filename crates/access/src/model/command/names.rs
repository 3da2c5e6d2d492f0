//! The names of the commands: every command of the permission table, and those that only REMS profiles know (ACC-091).

use serde::{Deserialize, Serialize};

macro_rules! names {
    ($($(#[$doc:meta])* $variant:ident => $slug:literal),* $(,)?) => {
        /// The name of a command (`permissions.json`, `commands`).
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum CommandName { $($(#[$doc])* $variant),* }

        impl CommandName {
            /// Every command, in the order of the table.
            pub const ALL: &'static [CommandName] = &[$(CommandName::$variant),*];

            /// The name in tables and interfaces.
            pub const fn slug(self) -> &'static str {
                match self { $(CommandName::$variant => $slug),* }
            }

            /// The command with this name.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($slug => Some(CommandName::$variant),)* _ => None }
            }
        }
    };
}
names! {
    /// Keep what was written in the draft.
    SaveDraft => "save_draft",
    /// Change the variables of the draft.
    EditCart => "edit_cart",
    /// Keep what was written in the fields asked about.
    SaveFlaggedFields => "save_flagged_fields",
    /// Hand in the application.
    Submit => "submit",
    /// Answer the questions.
    SendInfo => "send_info",
    /// Take the application back.
    Withdraw => "withdraw",
    /// Throw the draft away.
    DeleteDraft => "delete_draft",
    /// Begin a new draft with the content of this case.
    CopyAsNew => "copy_as_new",
    /// Invite somebody to take part in the application.
    InviteMember => "invite_member",
    /// Take an invitation back.
    UninviteMember => "uninvite_member",
    /// End somebody's part in the application.
    RemoveMember => "remove_member",
    /// Take part, with the link of an invitation.
    AcceptInvitation => "accept_invitation",
    /// Hand the application to another member.
    ChangeApplicant => "change_applicant",
    /// Confirm as the controller's representative.
    ConfirmController => "confirm_controller",
    /// Accept the conditions as a person of the permit.
    ConfirmOwnAccess => "confirm_own_access",
    /// Accept price and terms.
    AcceptTerms => "accept_terms",
    /// Decline price and terms: the application is withdrawn.
    DeclineTerms => "decline_terms",
    /// Ask about price and terms.
    QueryTerms => "query_terms",
    /// Write to the other side.
    SendMessage => "send_message",
    /// Give the case to a case handler.
    AssignCase => "assign_case",
    /// Begin the completeness check.
    StartScreening => "start_screening",
    /// The application is complete.
    ConfirmComplete => "confirm_complete",
    /// Ask the applicant about fields.
    RequestInfo => "request_info",
    /// Take the questions back.
    CancelInfoRequest => "cancel_info_request",
    /// Propose to end a case that the applicant does not complete.
    ProposeNotCompleted => "propose_not_completed",
    /// Treat the case in another way.
    SetTrack => "set_track",
    /// Ask the sources.
    DispatchSourceTasks => "dispatch_source_tasks",
    /// Take a source's task on.
    AcceptSourceTask => "accept_source_task",
    /// Answer for a source.
    AnswerSourceTask => "answer_source_task",
    /// Send a source's task or answer back.
    ReturnSourceTask => "return_source_task",
    /// Estimate what a source's part costs.
    EstimateSourceCost => "estimate_source_cost",
    /// Ask for an expert opinion.
    RequestReview => "request_review",
    /// Invite an expert from outside.
    InviteReviewer => "invite_reviewer",
    /// Give an expert opinion.
    Review => "review",
    /// Vote in the committee.
    Vote => "vote",
    /// Say whether there is a conflict of interest.
    DeclareInterest => "declare_interest",
    /// Assess criteria.
    AssessCriterion => "assess_criterion",
    /// Set the conditions of the permit.
    SetConditions => "set_conditions",
    /// Estimate the price.
    CalculateFee => "calculate_fee",
    /// Offer price and terms.
    OfferTerms => "offer_terms",
    /// Take the offer back.
    WithdrawTerms => "withdraw_terms",
    /// Offer statistics instead of data on persons.
    OfferStatistics => "offer_statistics",
    /// Propose a decision.
    ProposeDecision => "propose_decision",
    /// Send a proposal back.
    ReturnProposal => "return_proposal",
    /// Make the decision.
    IssueDecision => "issue_decision",
    /// End a case that the applicant did not complete.
    IssueNotCompleted => "issue_not_completed",
    /// Correct an error of the decision.
    CorrectDecision => "correct_decision",
    /// Reverse the decision.
    ReverseDecision => "reverse_decision",
    /// Give the body more time.
    ExtendDeadline => "extend_deadline",
    /// Note something in the case.
    Remark => "remark",
    /// Remove an attachment that must not be there.
    RedactAttachment => "redact_attachment",
    /// Name the case as another system does.
    AssignExternalId => "assign_external_id",
    /// Add terms to the general ones.
    AddTerms => "add_terms",
    /// Decide what the public register leaves out.
    DecideConfidentiality => "decide_confidentiality",
    /// Appeal the decision.
    LodgeAppeal => "lodge_appeal",
    /// Take the permit back.
    RevokePermit => "revoke_permit",
    /// Put the permit on hold.
    HoldPermit => "hold_permit",
    /// End the hold.
    ReleaseHold => "release_hold",
    /// Tell the parties of a reaction that is considered.
    NotifySanction => "notify_sanction",
    /// Say something to a reaction that is considered.
    CommentSanction => "comment_sanction",
    /// Decide on a reaction after the hearing.
    DecideSanction => "decide_sanction",
    /// Give more time to publish the results.
    ExtendResults => "extend_results",
    /// Stop the time in which a holder delivers.
    PauseDelivery => "pause_delivery",
    /// Let the time of a holder run again.
    ResumeDelivery => "resume_delivery",
    /// Give a holder more time to deliver.
    ExtendDelivery => "extend_delivery",
    /// Note that the data of a holder lie ready.
    NoteDelivery => "note_delivery",
    /// Store the formula of the data set.
    ReleaseDatasetFormula => "release_dataset_formula",
    /// Report a delivery.
    ReportDelivery => "report_delivery",
    /// Report on the project.
    SubmitReport => "submit_report",
    /// Close the case.
    CloseCase => "close_case",
    /// Open a closed case again.
    ReopenCase => "reopen_case",
    /// Remind somebody.
    SendReminder => "send_reminder",
    /// Let a time limit take effect.
    Expire => "expire",
    /// Take up a draft that lapsed.
    Restore => "restore",
    /// Give the applicant more time to answer.
    ExtendAnswer => "extend_answer",
    /// Propose another maximum price.
    ProposeMaximum => "propose_maximum",
    /// Accept another maximum price.
    AcceptMaximum => "accept_maximum",
    /// Send the invoice.
    IssueInvoice => "issue_invoice",
    /// Note that an invoice was paid.
    SettleInvoice => "settle_invoice",
    /// Dispute the fee.
    DisputeFee => "dispute_fee",
    /// Decide a dispute about the fee.
    DecideDispute => "decide_dispute",
    /// Set what the case's workflow allows.
    Configure => "configure",
    /// Take somebody into the application without invitation; REMS profiles only.
    AddMember => "add_member",
    /// Invite somebody to advise on the decision; REMS profiles only.
    InviteDecisionMaker => "invite_decision_maker",
    /// Advise on the decision; REMS profiles only.
    GiveDecisionAdvice => "give_decision_advice",
}

impl CommandName {
    /// The commands that are named in the table and refused as unknown until they are built.
    pub const PENDING: &'static [CommandName] = &[CommandName::ReleaseDatasetFormula];

    /// Whether it can be run.
    pub fn is_built(self) -> bool {
        !Self::PENDING.contains(&self)
    }

    /// Whether only REMS profiles know it (ACC-091).
    pub const fn is_rems_only(self) -> bool {
        matches!(self, CommandName::AddMember | CommandName::InviteDecisionMaker | CommandName::GiveDecisionAdvice)
    }
}
