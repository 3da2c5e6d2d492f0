//! The state machine alone: whatever is asked of it, it gives events that fit, and the events give the state back.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use access::model::{
    Answer, AssessmentInput, Case, Command, CommandName, Context, CriterionOutcome, Event, InfoKind, LetterRef, Order,
    OrderItem, PartInput, Prepared, ProposalInput, Question, Recorded, Refusal, StateName, Submission, decide, evolve,
    replay,
};
use access::permissions::{CaseRole, allows};
use kernel::{Date, Timestamp};
use proptest::prelude::*;
use protocol::documents::SourceOutcome;

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

fn submission(passes: bool, warns: bool) -> Submission {
    let fault = kernel::FieldError::new("pub.title", "required", "missing");
    Submission {
        number: "A-2026-000001".into(),
        sha256: "sha256:00".into(),
        order: order(),
        blocks: if passes { vec![] } else { vec![fault] },
        warns,
        changed: Default::default(),
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
    }
}

fn command(name: CommandName, variant: u8, case: &Case) -> Command {
    let reason = "A reason that is long enough.".to_owned();
    let odd = variant % 2 == 1;
    match name {
        CommandName::SaveDraft => Command::SaveDraft { fields: Default::default() },
        CommandName::EditCart => Command::EditCart { items: vec![] },
        CommandName::SaveFlaggedFields => Command::SaveFlaggedFields { fields: Default::default() },
        CommandName::Submit => Command::Submit {},
        CommandName::SendInfo => Command::SendInfo {
            answers: vec![Answer {
                field: "use.why".into(),
                answer: if odd { "Because.".into() } else { String::new() },
            }],
        },
        CommandName::Withdraw => Command::Withdraw { reason: odd.then_some(reason) },
        CommandName::DeleteDraft => Command::DeleteDraft {},
        CommandName::AcceptTerms => {
            let hash = if let Case::AwaitingAcceptance(a) = case { a.hash.clone() } else { String::new() };
            Command::AcceptTerms { terms_hash: if variant.is_multiple_of(4) { "sha256:00".into() } else { hash } }
        }
        CommandName::DeclineTerms => Command::DeclineTerms { reason: None },
        CommandName::QueryTerms => Command::QueryTerms { question: "What does it cost?".into() },
        CommandName::AssignCase => Command::AssignCase { handler: None },
        CommandName::StartScreening => Command::StartScreening {},
        CommandName::ConfirmComplete => Command::ConfirmComplete {},
        CommandName::RequestInfo => Command::RequestInfo {
            kind: if odd { InfoKind::Completeness } else { InfoKind::Clarification },
            questions: vec![Question { field: "use.why".into(), question: "Why so much?".into() }],
            deadline: None,
        },
        CommandName::CancelInfoRequest => Command::CancelInfoRequest {},
        CommandName::AssessCriterion => {
            let ids = ["N-1", "N-2", "N-3", "N-4", "N-8"];
            let one = |id: &&str| AssessmentInput {
                criterion: (*id).into(),
                outcome: CriterionOutcome::Met,
                reason: reason.clone(),
            };
            Command::AssessCriterion { assessments: ids.iter().take(if odd { 5 } else { 2 }).map(one).collect() }
        }
        CommandName::CalculateFee => Command::CalculateFee {
            case_hours: odd.then_some(f64::from(variant)),
            source_hours: BTreeMap::new(),
            preparation_hours: None,
        },
        CommandName::OfferTerms => Command::OfferTerms {},
        CommandName::WithdrawTerms => Command::WithdrawTerms { reason },
        CommandName::ProposeDecision => Command::ProposeDecision(proposal(!variant.is_multiple_of(4))),
        CommandName::ReturnProposal => Command::ReturnProposal { reason },
        CommandName::IssueDecision => Command::IssueDecision {},
        CommandName::RevokePermit => Command::RevokePermit { reason },
        CommandName::HoldPermit => Command::HoldPermit { reason },
        CommandName::ReleaseHold => Command::ReleaseHold { reason },
    }
}

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
        let created = Recorded { seq: 1, at: now, actor: "applicant".into(), event };
        Self { case: evolve(None, &created).unwrap(), history: vec![created], now }
    }

    fn step(&mut self, command: &Command, actor: &str, variant: u8) -> Result<(), Refusal> {
        self.now = self.now.plus_seconds(i64::from(variant) * 3_600);
        let submission = submission(!variant.is_multiple_of(8), variant.is_multiple_of(3));
        let grants = match self.case.work().and_then(|work| work.proposal.as_ref()) {
            Some(proposal) => proposal.decision.grants(),
            None => matches!(self.case, Case::Decided(_)),
        };
        let prepared = Prepared {
            number: "A-2026-000001/V1".into(),
            letter: LetterRef { pdf: "sha256:01".into(), json: "sha256:02".into() },
            permit: grants.then(|| ("NO-2026-000001-01".into(), "NO-2026-000001".into(), "sha256:03".into())),
        };
        let context = Context {
            now: self.now,
            today: self.now.date_in_oslo(),
            actor,
            submission: Some(&submission),
            prepared: Some(&prepared),
        };
        for event in decide(&self.case, command, &context)? {
            let seq = self.history.len() as i64 + 1;
            let recorded = Recorded { seq, at: self.now, actor: actor.into(), event };
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
            let command = command(name, variant, &run.case);
            let before = (run.case.clone(), run.history.len());
            let state = run.case.name();
            let answer = run.step(&command, if other { "handler" } else { "decider" }, variant);
            if answer.is_err() {
                prop_assert_eq!(&before.0, &run.case);
                prop_assert_eq!(before.1, run.history.len());
            } else {
                // Whatever the machine does, somebody in the table may do.
                let anybody = CaseRole::ALL.into_iter().any(|role| allows(state, role, name));
                prop_assert!(anybody, "{:?} in {:?}", name, state);
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
            let command = command(name, variant | 1, &run.case);
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
        let command = command(name, variant, &run.case);
        run.step(&command, actor, 1).unwrap_or_else(|e| panic!("{name:?}: {e}"));
    }
    assert_eq!(run.step(&Command::IssueDecision {}, "handler", 1), Err(Refusal::Forbidden { code: "same_person" }));
    run.step(&Command::IssueDecision {}, "decider", 1).unwrap();
    assert_eq!(run.case.name(), StateName::Decided);
}

#[test]
fn acc_121_completeness_starts_the_clock_anew() {
    let mut run = Run::new();
    let submit = command(CommandName::Submit, 1, &run.case);
    run.step(&submit, "applicant", 1).unwrap();
    let ask = command(CommandName::RequestInfo, 1, &run.case);
    run.step(&ask, "handler", 24).unwrap();
    let send = command(CommandName::SendInfo, 1, &run.case);
    run.step(&send, "applicant", 97).unwrap();
    let answered = run.now;
    run.step(&Command::ConfirmComplete {}, "handler", 49).unwrap();
    let clock = access::clocks::statutory(&run.case, run.now.date_in_oslo()).unwrap();
    assert_eq!(clock.started, answered.date_in_oslo());
    assert_eq!(clock.length, 60);
    let due: Date = kernel::workdays::add_working_days(clock.started, 60);
    assert_eq!(clock.due, due);
}
