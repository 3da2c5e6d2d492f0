//! The machine of appeals alone (`access.md` section 14).
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use access::appeal::{
    Appeal, AppealOutcome, AppealRole, Command, Event, Ground, Guard, Stage, decide, evolve, limit, permitted, replay,
};
use access::model::{Decision, Outcome, Refusal};
use kernel::Timestamp;
use proptest::prelude::*;

const REASON: &str = "En begrunnelse som er lang nok.";

fn lodged(at: &str) -> Appeal {
    Appeal {
        number: "K-2026-000001".into(),
        case: "A-2026-000001".into(),
        decision: "A-2026-000001/V1".into(),
        appellant: "applicant".into(),
        parts: BTreeSet::from(["dar".to_owned()]),
        suspend_asked: false,
        suspended: false,
        lodged_at: at.parse::<Timestamp>().unwrap(),
        limit: limit("2026-12-01".parse().unwrap()),
        sha256: "sha256:00".into(),
        first: BTreeSet::from(["handler".to_owned(), "decider".to_owned()]),
        stage: Stage::Lodged,
    }
}

fn decision() -> Decision {
    Decision {
        outcome: Outcome::Granted,
        parts: vec![],
        changes: vec![],
        conditions: vec![],
        valid_from: None,
        valid_to: None,
        delete_by: None,
        max_persons: None,
        paragraph: None,
        template: None,
    }
}

fn run(appeal: &Appeal, actor: &str, command: &Command, decision: Option<&Decision>) -> Result<Appeal, Refusal> {
    let guard = Guard { actor, decision, number: Some("A-2026-000001/V2") };
    decide(appeal, command, &guard).map(|event| evolve(appeal.clone(), &event).unwrap())
}

fn code(result: Result<Appeal, Refusal>) -> String {
    match result.unwrap_err() {
        Refusal::Forbidden { code } | Refusal::Conflict { code, .. } => code.into(),
        Refusal::Invalid { fields } => format!("invalid {}", fields[0].rule),
    }
}

/// The limit is three weeks from the notice, moved on to a working day.
#[test]
fn acc_110_the_limit_is_three_weeks_from_the_notice() {
    assert_eq!(limit("2026-12-01".parse().unwrap()).to_string(), "2026-12-22");
    assert_eq!(limit("2026-12-04".parse().unwrap()).to_string(), "2026-12-28", "Christmas Day is a day off");
    assert!(!lodged("2026-12-22T22:59:59.000000Z").is_late(), "it is still the 22nd in Oslo");
    assert!(lodged("2026-12-22T23:00:00.000000Z").is_late());
}

/// ACC-170: neither those who decided first nor the one who prepared decide.
#[test]
fn acc_170_somebody_else_decides() {
    let reason = || REASON.to_owned();
    let appeal =
        run(&lodged("2026-12-10T09:00:00.000000Z"), "handler", &Command::Admit { reason: String::new() }, None);
    let appeal = appeal.unwrap();
    let prepare = Command::Prepare { reason: reason(), proposal: None };
    let prepared = run(&appeal, "handler", &prepare, Some(&decision())).unwrap();
    for actor in ["handler", "decider"] {
        assert_eq!(code(run(&prepared, actor, &Command::Reverse {}, None)), "same_person");
        assert_eq!(code(run(&prepared, actor, &Command::Forward {}, None)), "same_person");
    }
    let prepared_by_other = run(&appeal, "decider-2", &prepare, None).unwrap();
    assert_eq!(code(run(&prepared_by_other, "decider-2", &Command::Forward {}, None)), "same_person");
    assert_eq!(code(run(&prepared_by_other, "decider-3", &Command::Reverse {}, None)), "nothing_to_reverse");
    let reversed = run(&prepared, "decider-2", &Command::Reverse {}, None).unwrap();
    assert_eq!(reversed.stage, Stage::Reversed { decision: "A-2026-000001/V2".into() });
    let forwarded = run(&prepared_by_other, "decider-3", &Command::Forward {}, None).unwrap();
    let outcome = |outcome| Command::Decide { outcome, reason: reason(), proposal: None };
    assert_eq!(code(run(&forwarded, "decider", &outcome(AppealOutcome::Upheld), None)), "same_person");
    assert_eq!(code(run(&forwarded, "body", &outcome(AppealOutcome::Changed), None)), "invalid outcome");
    let upheld = run(&forwarded, "body", &outcome(AppealOutcome::Upheld), None).unwrap();
    assert_eq!(upheld.stage, Stage::Decided { outcome: AppealOutcome::Upheld, decision: None });
    assert!(permitted(AppealRole::AppealHandler, "decide") && !permitted(AppealRole::DecisionMaker, "decide"));
    assert!(!permitted(AppealRole::Auditor, "withdraw") && !permitted(AppealRole::Appellant, "admit"));
}

/// A late appeal is let in with a reason or dismissed; one in time is not dismissed as late.
#[test]
fn late_appeals_need_a_reason_to_be_let_in() {
    let late = lodged("2026-12-29T09:00:00.000000Z");
    assert_eq!(code(run(&late, "handler", &Command::Admit { reason: String::new() }, None)), "invalid required");
    assert!(run(&late, "handler", &Command::Admit { reason: REASON.into() }, None).is_ok());
    let dismiss = Command::Dismiss { ground: Ground::Late, reason: REASON.into() };
    assert_eq!(run(&late, "decider", &dismiss, None).unwrap().stage, Stage::Dismissed { ground: Ground::Late });
    assert_eq!(code(run(&lodged("2026-12-02T09:00:00.000000Z"), "decider", &dismiss, None)), "in_time");
}

fn any_command() -> impl Strategy<Value = (Command, u8, bool)> {
    let commands = prop_oneof![
        any::<bool>().prop_map(|long| Command::Admit { reason: if long { REASON.into() } else { String::new() } }),
        Just(Command::Dismiss { ground: Ground::NotAParty, reason: REASON.into() }),
        Just(Command::Prepare { reason: REASON.into(), proposal: None }),
        Just(Command::Return { reason: REASON.into() }),
        any::<bool>().prop_map(|granted| Command::Suspend { granted, reason: REASON.into() }),
        Just(Command::Reverse {}),
        Just(Command::Forward {}),
        Just(Command::Decide { outcome: AppealOutcome::Upheld, reason: REASON.into(), proposal: None }),
        Just(Command::Decide { outcome: AppealOutcome::Changed, reason: REASON.into(), proposal: None }),
        Just(Command::Withdraw {}),
    ];
    (commands, 0..4u8, any::<bool>())
}

proptest! {
    /// Random commands never leave the machine, and the events give the same appeal again.
    #[test]
    fn random_commands_never_leave_the_machine(commands in proptest::collection::vec(any_command(), 1..30)) {
        let first = lodged("2026-12-10T09:00:00.000000Z");
        let mut history = vec![Event::Lodged(Box::new(first.clone()))];
        let mut appeal = first;
        for (command, who, with_decision) in commands {
            let actor = ["handler", "decider", "other", "another"][usize::from(who)];
            let decision = decision();
            let guard = Guard { actor, decision: with_decision.then_some(&decision), number: Some("A-2026-000001/V2") };
            if let Ok(event) = decide(&appeal, &command, &guard) {
                prop_assert!(!appeal.stage.is_over(), "nothing happens after the end");
                appeal = evolve(appeal, &event).unwrap();
                history.push(event);
            }
        }
        prop_assert_eq!(replay(&history), Some(appeal));
    }
}
