//! The state machine alone: whatever is asked of it, it gives events that fit, and the events give the state back.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use access::model::{
    Case, Command, CommandName, CommentStatus, Context, Event, LetterRef, Order, OrderItem, PartInput, Prepared,
    ProposalInput, Recorded, Refusal, StateName, Submission, decide, evolve, replay,
};
use access::permissions::{CaseRole, allows};
use kernel::{Date, Timestamp};
use proptest::prelude::*;
use protocol::documents::SourceOutcome;
use serde_json::json;

fn order() -> Order {
    let item = |source: &str| OrderItem {
        variable: format!("{source}.main.a"),
        version: 1,
        collection: format!("{source}.main"),
        source: source.into(),
        granularity: "as_is".into(),
    };
    let period = ("2018-01-01".parse().unwrap(), "2020-12-31".parse().unwrap());
    Order {
        items: vec![item("npr"), item("dar")],
        periods: BTreeMap::from([("npr.main".into(), period), ("dar.main".into(), period)]),
    }
}

/// In which role the people here act first of all.
fn role_of(actor: &str) -> CaseRole {
    match actor {
        "applicant" => CaseRole::Applicant,
        "decider" => CaseRole::DecisionMaker,
        _ => CaseRole::CaseHandler,
    }
}

fn submission(passes: bool, warns: bool) -> Submission {
    let fault = kernel::FieldError::new("pub.title", "required", "missing");
    Submission {
        number: "A-2026-000001".into(),
        sha256: "sha256:00".into(),
        order: order(),
        blocks: if passes { vec![] } else { vec![fault] },
        warns,
        changed: Default::default(),
        change: None,
        clock_end: None,
    }
}

fn proposal(grant: bool) -> ProposalInput {
    let part = |source: &str| PartInput {
        source: source.into(),
        outcome: if grant { SourceOutcome::Granted } else { SourceOutcome::Refused },
        removed: vec![],
        reason: "A reason that is long enough.".into(),
    };
    ProposalInput {
        parts: vec![part("npr"), part("dar")],
        changes: vec![],
        valid_from: None,
        valid_to: None,
        delete_by: None,
        max_persons: None,
        conditions: vec![],
        paragraph: None,
        template: None,
    }
}

/// A command with a payload that fits the case, or, by variant, one that a guard refuses. None while it is not built.
fn command(name: CommandName, variant: u8, case: &Case) -> Option<Command> {
    if !name.is_built() {
        return None;
    }
    let odd = variant % 2 == 1;
    let long = "A reason that is long enough.";
    let reason = if variant.is_multiple_of(16) { "short" } else { long };
    let source = if variant.is_multiple_of(3) { "dar" } else { "npr" };
    let invitation = case.folder().invitations.keys().next().cloned().unwrap_or_default();
    let member = case.folder().members.keys().next().cloned().unwrap_or_else(|| "nobody".into());
    let variable = format!("{source}.main.a");
    let hash = if let Case::AwaitingAcceptance(a) = case { a.hash.clone() } else { String::new() };
    let criteria: &[&str] = if odd { &["N-1", "N-2", "N-3", "N-4", "N-8"] } else { &["N-1", "N-3"] };
    let assess = |id: &&str| match variant % 5 {
        0 => {
            json!({"criterion": id, "outcome": "met_with_condition", "reason": reason, "condition": {"type": "report", "every": "P12M"}})
        }
        3 => json!({"criterion": id, "outcome": "not_met", "reason": reason, "source": source}),
        _ => json!({"criterion": id, "outcome": "met", "reason": reason, "evidence": ["use.why"]}),
    };
    let cost = json!({"hours": f64::from(variant), "delivery_days": 20});
    let ops = case.dossier().is_some_and(|d| d.comments.iter().any(|c| c.status == CommentStatus::Answered));
    let payload = match name.slug() {
        "save_draft" | "save_flagged_fields" => json!({"fields": {}}),
        "edit_cart" => json!({"items": []}),
        "send_info" => json!({"answers": [{"field": "use.why", "answer": if odd { "Because." } else { "" }}]}),
        "withdraw" if odd => json!({"reason": reason}),
        "accept_terms" => json!({"terms_hash": if variant.is_multiple_of(4) { "sha256:00" } else { &hash }}),
        "query_terms" => json!({"question": "What does it cost?"}),
        "request_info" => json!({"kind": if odd { "completeness" } else { "clarification" },
            "questions": [{"field": if ops && variant > 128 { "pub.title" } else { "use.why" }, "question": "Why so much?"}],
            "accepts": if ops && variant > 128 { vec!["use.why"] } else { vec![] }}),
        "assess_criterion" => json!({"assessments": criteria.iter().map(assess).collect::<Vec<_>>()}),
        "calculate_fee" if odd => json!({"case_hours": f64::from(variant)}),
        "offer_terms" => json!({"without_statement": if odd { json!({source: reason}) } else { json!({}) }}),
        "propose_decision" => serde_json::to_value(proposal(!variant.is_multiple_of(4))).unwrap(),
        "invite_member" => json!({"kind": if odd { "co_applicant" } else { "representative" }}),
        "uninvite_member" => json!({"invitation": invitation}),
        "remove_member" | "change_applicant" => json!({"account": member}),
        "accept_invitation" => json!({"token": if variant.is_multiple_of(4) { "wrong" } else { TOKEN }}),
        "confirm_controller" => json!({"organisation": if odd { "310001007" } else { "310001008" }}),
        "send_message" => json!({"text": "Hello."}),
        "remark" => json!({"text": "Seen.", "visibility": if odd { json!("staff") } else { json!({"source": source}) },
            "consents": if variant.is_multiple_of(5) { Some("completeness_request") } else { None }}),
        "set_track" => json!({"track": if odd { "complex" } else { "normal" }, "reason": reason}),
        "dispatch_source_tasks" if odd => json!({"sources": [source]}),
        "accept_source_task" => json!({"source": source}),
        "answer_source_task" => {
            let said = if odd {
                json!({"answer": "deliverable"})
            } else {
                json!({"answer": "not_deliverable", "reason": "quality"})
            };
            json!({"source": source, "cost": cost, "answer": {"variables": {variable: said}}})
        }
        "return_source_task" => json!({"source": source, "reason": reason}),
        "estimate_source_cost" => json!({"source": source, "cost": cost}),
        "request_review" => json!({"reviewers": ["reviewer", "decider"], "blind": odd}),
        "invite_reviewer" => json!({"anonymous": odd}),
        "review" => json!({"recommendation": "grant", "text": reason}),
        "vote" => json!({"ballot": if odd { "for" } else { "abstain" }}),
        "declare_interest" if variant == 0 => json!({"interest": "conflict", "reason": reason}),
        "declare_interest" => json!({"interest": "none"}),
        "set_conditions" => json!({"conditions": [{"type": if odd { "room_only" } else { "report" }, "every": "P6M"}]}),
        "offer_statistics" => json!({"sources": [source], "reason": reason}),
        "propose_maximum" => json!({"max_ore": 100_000_000 * (1 + i64::from(odd)), "reason": reason}),
        "accept_maximum" => json!({"max_ore": 200_000_000}),
        "issue_invoice" => json!({"case_hours": f64::from(variant) / 8.0}),
        "dispute_fee" => json!({"reason": reason, "wanted_ore": variant}),
        "decide_dispute" => json!({"fee_ore": i64::from(variant) * 1_000, "reason": reason}),
        "extend_answer" => json!({"reason": reason}),
        "extend_deadline" => json!({"code": if odd { "source" } else { "volume" }, "reason": reason, "days": variant}),
        "redact_attachment" => json!({"file": "file-1", "reason": reason}),
        "assign_external_id" => json!({"system": "archive", "value": "2026/1"}),
        "add_terms" => json!({"text": reason}),
        "decide_confidentiality" => json!({"field": "pub.title", "confidential": odd, "reason": reason}),
        "send_reminder" => json!({"reminder": match variant % 5 {
            4 => json!("terms"), 0 => json!("info"), 1 => json!({"source": source}), 2 => json!({"review": "reviewer"}), _ => json!("clock") }}),
        "configure" => json!({"configuration": {"single_handler_allowed": odd}}),
        "add_member" => json!({"account": "somebody", "kind": "co_applicant"}),
        "give_decision_advice" => json!({"recommendation": "refuse", "reason": reason}),
        "confirm_own_access" => json!({"accept": odd}),
        "correct_decision" | "reverse_decision" => {
            json!({"reason": reason, "proposal": proposal(!variant.is_multiple_of(4))})
        }
        "lodge_appeal" => json!({"parts": [if odd { "dar" } else { "lmr" }], "wanted": long, "suspend": odd,
            "late_why": long, "signed": true}),
        "submit_report" => json!({"kind": if odd { "close_out" } else { "progress" }, "summary": long.repeat(2),
            "deletion_receipt": format!("sha256:{}", "0".repeat(64))}),
        "close_case" => json!({"reason": reason, "accept_report": odd.then_some(1)}),
        "reopen_case" => json!({"reason": reason}),
        "revoke_permit" => {
            json!({"reason": reason, "hearing": odd.then(|| json!({"kind": "left_out", "why": reason}))})
        }
        "notify_sanction" => json!({"reason": reason, "sanction": if odd { "revoke_permit" } else { "fine" }}),
        "comment_sanction" => json!({"text": reason}),
        "decide_sanction" => json!({"imposed": odd, "reason": reason}),
        "extend_results" => json!({"until": if odd { "2040-01-01" } else { "2020-01-01" }, "reason": reason}),
        "pause_delivery" => json!({"source": source, "code": "room", "reason": reason}),
        "extend_delivery" => {
            json!({"source": source, "until": if odd { "2028-01-03" } else { "2020-01-01" }, "reason": reason})
        }
        "resume_delivery" | "report_delivery" => json!({"source": source}),
        "note_delivery" => json!({"source": source, "on": "2027-02-01"}),
        "propose_not_completed" | "withdraw_terms" | "return_proposal" | "hold_permit" | "release_hold" => {
            json!({"reason": reason})
        }
        _ => json!({}),
    };
    Some(Command::parse(name, payload).unwrap_or_else(|fault| panic!("{}: {fault:?}", name.slug())))
}

/// The token of every invitation here.
const TOKEN: &str = "the token of the link";

/// A case under random commands, with its history.
struct Run {
    case: Case,
    history: Vec<Recorded>,
    now: Timestamp,
}

impl Run {
    fn new() -> Self {
        let now: Timestamp = "2026-11-20T09:00:00Z".parse().unwrap();
        let event = Event::Created { form: "person-level".into(), profile: "NO/1".into() };
        let created = Recorded { seq: 1, at: now, actor: "applicant".into(), on_behalf_of: None, event };
        Self { case: evolve(None, &created).unwrap(), history: vec![created], now }
    }

    /// The first role in which somebody may run the command now.
    fn role(&self, actor: &str, name: CommandName) -> CaseRole {
        let roles = [role_of(actor), CaseRole::SystemClock, CaseRole::RegistryHandler, CaseRole::Reviewer];
        let may = |role: &CaseRole| allows(self.case.name(), *role, name);
        roles.into_iter().chain(CaseRole::ALL).find(may).unwrap_or(CaseRole::CaseHandler)
    }

    /// ACC-083: staff declare their interests before anything else, mostly.
    fn declare_first(&mut self, name: CommandName, actor: &str, variant: u8) {
        let undeclared = !matches!(self.case, Case::Draft(_)) && !self.case.folder().interests.contains_key(actor);
        if undeclared && self.role(actor, name).is_staff() && !variant.is_multiple_of(32) {
            let none = Command::parse(CommandName::DeclareInterest, json!({"interest": "none"})).unwrap();
            self.run(&none, actor, CaseRole::CaseHandler, 1).unwrap();
        }
    }

    fn step(&mut self, command: &Command, actor: &str, variant: u8) -> Result<(), Refusal> {
        self.declare_first(command.name(), actor, variant);
        self.run(command, actor, self.role(actor, command.name()), variant)
    }

    fn run(&mut self, command: &Command, actor: &str, role: CaseRole, variant: u8) -> Result<(), Refusal> {
        self.now = self.now.plus_seconds(i64::from(variant) * 3_600);
        let submission = submission(!variant.is_multiple_of(8), variant.is_multiple_of(3));
        let ends =
            self.case.dossier().is_some_and(|d| d.not_completed.is_some()) && *command == Command::IssueNotCompleted {};
        let grants = !ends
            && match self.case.work().and_then(|work| work.proposal.as_ref()) {
                Some(proposal) => proposal.decision.grants(),
                None => matches!(self.case, Case::Decided(_)),
            };
        let prepared = Prepared {
            number: "A-2026-000001/V1".into(),
            letter: LetterRef { pdf: "sha256:01".into(), json: "sha256:02".into() },
            permit: grants.then(|| ("NO-2026-000001-01".into(), "NO-2026-000001".into(), "sha256:03".into())),
        };
        let invitation = (format!("i{}", self.history.len()), kernel::sha256_hex(TOKEN.as_bytes()));
        let person = ("person:00".to_owned(), "sha256:05".to_owned());
        let context = Context {
            submission: Some(&submission),
            prepared: Some(&prepared),
            invitation: Some(&invitation),
            copy: Some("01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap()),
            attachment: Some("sha256:04"),
            appeal: Some("K-2026-000001"),
            person: Some(&person),
            on_behalf_of: (variant == 7).then_some("colleague"),
            ..Context::new(self.now, actor, role)
        };
        for event in decide(&self.case, command, &context)? {
            let seq = self.history.len() as i64 + 1;
            let recorded = Recorded {
                seq,
                at: self.now,
                actor: actor.into(),
                on_behalf_of: (variant == 7).then(|| "colleague".into()),
                event,
            };
            self.case = evolve(Some(self.case.clone()), &recorded).unwrap();
            self.history.push(recorded);
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// ACC-003, ACC-100: no sequence of commands leaves the machine, a refusal changes nothing, and the history gives the
    /// state back, also through JSON.
    #[test]
    fn acc_003_random_commands_never_leave_the_machine(
        steps in prop::collection::vec((0..CommandName::ALL.len(), any::<u8>(), any::<bool>()), 1..80)
    ) {
        let mut run = Run::new();
        for (index, variant, other) in steps {
            let name = CommandName::ALL[index];
            let Some(command) = command(name, variant, &run.case) else { continue };
            let actor = if other { "handler" } else { "decider" };
            run.declare_first(name, actor, variant);
            let before = (run.case.clone(), run.history.len());
            let state = run.case.name();
            let answer = run.step(&command, actor, variant);
            if answer.is_err() {
                prop_assert_eq!(&before.0, &run.case);
                prop_assert_eq!(before.1, run.history.len());
            } else {
                // Whatever the machine does, somebody in the table may do.
                let anybody = CaseRole::ALL.into_iter().any(|role| allows(state, role, name));
                prop_assert!(anybody || name.is_rems_only(), "{:?} in {:?}", name, state);
            }
        }
        let json = serde_json::to_string(&run.history).unwrap();
        let history: Vec<Recorded> = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(&replay(&history).unwrap(), &run.case);
        let stored: Case = serde_json::from_str(&serde_json::to_string(&run.case).unwrap()).unwrap();
        prop_assert_eq!(&stored, &run.case);
    }

    /// Only Chain's commands move a case, so walks that favour the next step reach the end and stay in the machine.
    #[test]
    fn walks_that_go_forward_reach_a_decision(variants in prop::collection::vec(any::<u8>(), 40)) {
        let mut run = Run::new();
        let forward = |case: &Case| match case.name() {
            StateName::Draft => CommandName::Submit,
            StateName::Submitted => CommandName::StartScreening,
            StateName::PreScreening => CommandName::ConfirmComplete,
            StateName::AwaitingAcceptance => CommandName::AcceptTerms,
            StateName::Processing => {
                let work = case.work().unwrap();
                if work.assessments.len() < 5 { CommandName::AssessCriterion }
                else if work.fee.is_none() { CommandName::CalculateFee }
                else if work.accepted.is_none() { CommandName::OfferTerms }
                else if work.proposal.is_none() { CommandName::ProposeDecision }
                else { CommandName::IssueDecision }
            }
            _ => CommandName::HoldPermit,
        };
        for variant in variants {
            let name = forward(&run.case);
            let command = command(name, variant | 1, &run.case).unwrap();
            let actor = if name == CommandName::IssueDecision { "decider" } else { "handler" };
            let _ = run.step(&command, actor, variant | 1);
        }
        prop_assert_eq!(run.case.name(), StateName::Decided);
    }
}

#[test]
fn acc_010_the_proposer_may_not_issue() {
    let mut run = Run::new();
    for (name, actor) in [
        (CommandName::Submit, "applicant"),
        (CommandName::ConfirmComplete, "handler"),
        (CommandName::AssessCriterion, "handler"),
        (CommandName::ProposeDecision, "handler"),
    ] {
        let variant = if name == CommandName::ProposeDecision { 4 } else { 1 };
        let command = command(name, variant, &run.case).unwrap();
        run.step(&command, actor, 1).unwrap_or_else(|e| panic!("{name:?}: {e}"));
    }
    assert_eq!(
        run.step(&Command::IssueDecision { outcome: None }, "handler", 1),
        Err(Refusal::Forbidden { code: "same_person" })
    );
    run.step(&Command::IssueDecision { outcome: None }, "decider", 1).unwrap();
    assert_eq!(run.case.name(), StateName::Decided);
}

#[test]
fn acc_121_completeness_starts_the_clock_anew() {
    let mut run = Run::new();
    let submit = command(CommandName::Submit, 1, &run.case).unwrap();
    run.step(&submit, "applicant", 1).unwrap();
    let ask = command(CommandName::RequestInfo, 1, &run.case).unwrap();
    run.step(&ask, "handler", 24).unwrap();
    let send = command(CommandName::SendInfo, 1, &run.case).unwrap();
    run.step(&send, "applicant", 97).unwrap();
    let answered = run.now;
    run.step(&Command::ConfirmComplete {}, "handler", 49).unwrap();
    let clock = access::clocks::statutory(&run.case, run.now.date_in_oslo()).unwrap();
    assert_eq!(clock.started, answered.date_in_oslo());
    assert_eq!(clock.length, 60);
    let due: Date = kernel::workdays::add_working_days(clock.started, 60);
    assert_eq!(clock.due, due);
}
