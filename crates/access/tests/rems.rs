//! The REMS profiles (`access.md` 8.1): the cells of the published permission reference, and what the service answers in
//! each of them.
#![expect(clippy::unwrap_used, reason = "tests")]

#[expect(dead_code, reason = "shared with other tests")]
mod support;

use std::sync::Arc;

use access::model::{Command, Reminder};
use access::permissions::{View, Workflow};
use access::{Access, CaseId, CommandName, Settings};
use identity::{Actor, Role};
use kernel::Problem;
use serde_json::{Value, json};
use support::{Cast, SmallCatalogue, answers, assessments, cart, cast, command_id, proposal, run};

const REASON: &str = "En grunn som er lang nok til å telle.";

fn profile() -> Value {
    let file: Value = serde_json::from_str(include_str!("../data/permissions.json")).unwrap();
    file["rems_profile"].clone()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// ACC-090: all 2 240 cells of each profile, and how many of them are allowed.
#[test]
fn acc_090_every_profile_has_its_cells() {
    let profile = profile();
    for (workflow, name, expected) in [
        (Workflow::RemsMaster, "master", 201),
        (Workflow::RemsDefault, "default", 199),
        (Workflow::RemsDecider, "decider", 194),
    ] {
        let removed: Vec<Vec<String>> =
            profile["workflows"][name]["removed"].as_array().unwrap().iter().map(texts).collect();
        let (mut cells, mut allowed) = (0, 0);
        for state in texts(&profile["states"]) {
            for role in texts(&profile["roles"]) {
                for permission in texts(&profile["permissions"]) {
                    let cell = [&state, &role, &permission];
                    let gone = removed.iter().any(|r| r.iter().zip(cell).all(|(r, value)| r == "*" || r == value));
                    let listed = texts(&profile["matrix"][&state][&role]).contains(&permission);
                    assert_eq!(workflow.has(&state, &role, &permission), listed && !gone, "{name} {cell:?}");
                    cells += 1;
                    allowed += i32::from(listed && !gone);
                }
            }
        }
        assert_eq!((cells, allowed), (2_240, expected), "{name}");
        assert_eq!(profile["workflows"][name]["allowed"], expected);
    }
    assert!(!Workflow::Hap.has("draft", "applicant", "submit"));
}

/// The people of a case beside the cast, by the name of their role.
struct People {
    cast: Cast,
    member: Actor,
    reviewer: Actor,
    past_reviewer: Actor,
    past_decider: Actor,
    reporter: Actor,
    stranger: Actor,
}

impl People {
    fn new() -> Self {
        let somebody = |name: &str| testkit::actor(name, Role::Researcher, "uib");
        Self {
            cast: cast(),
            member: somebody("member"),
            reviewer: somebody("reviewer"),
            past_reviewer: somebody("past-reviewer"),
            past_decider: somebody("past-decider"),
            reporter: testkit::actor("reporter", Role::Auditor, "riksrevisjonen"),
            stranger: somebody("stranger"),
        }
    }

    /// Who acts in a role; none for the clock.
    fn actor(&self, role: &str) -> Option<&Actor> {
        match role {
            "applicant" => Some(&self.cast.applicant),
            "handler" => Some(&self.cast.handler),
            "decider" => Some(&self.cast.decider),
            "member" => Some(&self.member),
            "reviewer" => Some(&self.reviewer),
            "past-reviewer" => Some(&self.past_reviewer),
            "past-decider" => Some(&self.past_decider),
            "reporter" => Some(&self.reporter),
            "everyone-else" => Some(&self.stranger),
            _ => None,
        }
    }
}

/// A case in a state of REMS, with somebody in every role that can be had there.
async fn build(access: &Access, people: &People, state: &str) -> CaseId {
    let cast = &people.cast;
    let id = access.create(&cast.applicant, cart()).await.unwrap();
    access.save(&cast.applicant, id, answers()).await.unwrap();
    let invite = json!({"kind": "co_applicant"});
    let token = run(access, &cast.applicant, id, "invite_member", invite).await.unwrap().token.unwrap();
    access.accept_invitation(&people.member, &token, &command_id()).await.unwrap();
    if state == "draft" {
        return id;
    }
    run(access, &cast.applicant, id, "submit", json!({})).await.unwrap();
    run(access, &cast.handler, id, "confirm_complete", json!({})).await.unwrap();
    let reviewers = json!({"reviewers": [people.reviewer.account, people.past_reviewer.account]});
    run(access, &cast.handler, id, "request_review", reviewers).await.unwrap();
    let opinion = json!({"recommendation": "grant", "text": REASON});
    run(access, &people.past_reviewer, id, "review", opinion).await.unwrap();
    let token = run(access, &cast.handler, id, "invite_decision_maker", json!({})).await.unwrap().token.unwrap();
    access.accept_invitation(&people.past_decider, &token, &command_id()).await.unwrap();
    let advice = json!({"recommendation": "grant", "reason": REASON});
    run(access, &people.past_decider, id, "give_decision_advice", advice).await.unwrap();
    run(access, &cast.decider, id, "declare_interest", json!({"interest": "none"})).await.unwrap();
    run(access, &people.reviewer, id, "declare_interest", json!({"interest": "none"})).await.unwrap();
    match state {
        "submitted" => {}
        "returned" => {
            let ask = json!({"kind": "clarification", "questions": [{"field": "use.why", "question": "Hvorfor?"}]});
            run(access, &cast.handler, id, "request_info", ask).await.unwrap();
        }
        "closed" => drop(run(access, &cast.applicant, id, "withdraw", json!({})).await.unwrap()),
        _ => {
            run(access, &cast.handler, id, "assess_criterion", assessments()).await.unwrap();
            let mut decision = proposal();
            if state == "rejected" {
                let part = |source: &str| json!({"source": source, "outcome": "refused", "reason": REASON});
                decision = json!({"parts": [part("npr"), part("dar")]});
            } else {
                run(access, &cast.handler, id, "calculate_fee", json!({})).await.unwrap();
                run(access, &cast.handler, id, "offer_terms", json!({})).await.unwrap();
                let hash = access.case(&cast.applicant, id).await.unwrap().offer.unwrap().hash;
                run(access, &cast.applicant, id, "accept_terms", json!({"terms_hash": hash})).await.unwrap();
            }
            run(access, &cast.handler, id, "propose_decision", decision).await.unwrap();
            run(access, &cast.decider, id, "issue_decision", json!({})).await.unwrap();
            if state == "revoked" {
                run(access, &cast.handler, id, "revoke_permit", json!({"reason": REASON})).await.unwrap();
            }
        }
    }
    id
}

/// Our command for a permission of REMS, with a payload of the right form.
fn command(permission: &str, state: &str) -> Option<(CommandName, Value)> {
    use CommandName as C;
    let question = json!({"kind": "clarification", "questions": [{"field": "use.why", "question": "Hvorfor?"}]});
    Some(match permission {
        "save-draft" if state == "returned" => (C::SaveFlaggedFields, json!({"fields": {"use.why": "x"}})),
        "save-draft" => (C::SaveDraft, json!({"fields": {"use.why": "x"}})),
        "submit" if state == "returned" => (C::SendInfo, json!({"answers": []})),
        "submit" => (C::Submit, json!({})),
        "accept-licenses" => (C::AcceptTerms, json!({"terms_hash": "sha256:00"})),
        "copy-as-new" => (C::CopyAsNew, json!({})),
        "delete" => (C::DeleteDraft, json!({})),
        "accept-invitation" => (C::AcceptInvitation, json!({"token": "none"})),
        "invite-member" => (C::InviteMember, json!({"kind": "co_applicant"})),
        "uninvite-member" => (C::UninviteMember, json!({"invitation": "none"})),
        "add-member" => (C::AddMember, json!({"account": "somebody", "kind": "co_applicant"})),
        "remove-member" => (C::RemoveMember, json!({"account": "nobody"})),
        "change-applicant" => (C::ChangeApplicant, json!({"account": "nobody"})),
        "change-resources" => (C::EditCart, json!({"items": []})),
        "add-licenses" => (C::AddTerms, json!({"text": REASON})),
        "assign-external-id" => (C::AssignExternalId, json!({"system": "archive", "value": "1"})),
        "request-review" => (C::RequestReview, json!({"reviewers": ["somebody"]})),
        "review" => (C::Review, json!({"recommendation": "grant", "text": REASON})),
        "invite-reviewer" => (C::InviteReviewer, json!({})),
        "request-decision" => (C::ProposeDecision, json!({"parts": []})),
        "decide" => (C::GiveDecisionAdvice, json!({"recommendation": "grant", "reason": REASON})),
        "invite-decider" => (C::InviteDecisionMaker, json!({})),
        "vote" => (C::Vote, json!({"ballot": "for"})),
        "remark" => (C::Remark, json!({"text": "Sett.", "visibility": "staff"})),
        "redact-attachments" => (C::RedactAttachment, json!({"file": "none", "reason": REASON})),
        "change-processing-state" => (C::SetTrack, json!({"track": "complex", "reason": REASON})),
        "return" => (C::RequestInfo, question),
        "approve" => (C::IssueDecision, json!({"outcome": "granted"})),
        "reject" => (C::IssueDecision, json!({"outcome": "refused"})),
        "close" => (C::CloseCase, json!({"reason": REASON})),
        "revoke" => (C::RevokePermit, json!({"reason": REASON})),
        "send-expiration-notifications" => (C::SendReminder, json!({"reminder": "clock"})),
        _ => return None,
    })
}

/// ACC-090 to ACC-092: under the profile, each command that a cell allows is carried out or stopped by a guard with a code
/// of its own, and every other one is refused as forbidden.
#[tokio::test]
async fn acc_092_the_service_answers_as_the_profile_says() {
    let zone = testkit::zone("centre").await;
    Access::migrate(&zone.store).await.unwrap();
    let settings = Settings { workflow: Workflow::RemsMaster, ..support::settings() };
    let access = Access::new(zone.zone(), Arc::new(SmallCatalogue), settings);
    let (profile, people) = (profile(), People::new());
    let (mut tried, mut allowed, mut succeeded) = (0, 0, 0);
    for state in texts(&profile["states"]) {
        // A case serves until a command moves it on.
        let (mut case, mut started) = (None, None);
        for role in texts(&profile["roles"]) {
            let reviews = ["reviewer", "past-reviewer", "past-decider"].contains(&role.as_str());
            if state == "draft" && reviews {
                continue;
            }
            for permission in texts(&profile["permissions"]) {
                let expected = Workflow::RemsMaster.has(&state, &role, &permission);
                let (id, now) = match case {
                    Some(known) => known,
                    None => {
                        let id = build(&access, &people, &state).await;
                        let summary = access.case(&people.cast.applicant, id).await.unwrap().summary;
                        started = Some(summary.state);
                        (id, summary.version)
                    }
                };
                case = Some((id, now));
                let cell = format!("{state} {role} {permission}");
                let actor = people.actor(&role);
                if permission == "see-everything" {
                    if let Some(actor) = actor {
                        let all = access.case(actor, id).await.is_ok_and(|view| view.view == View::ViewFull);
                        assert_eq!(all, expected, "{cell}");
                    }
                    tried += 1;
                    continue;
                }
                // `create` needs no case and is allowed in no cell.
                let Some((name, payload)) = command(&permission, &state) else {
                    assert!(permission == "create" && !expected, "{cell}");
                    tried += 1;
                    continue;
                };
                let answer = match actor {
                    Some(actor) => access.command(actor, id, name.slug(), payload, &command_id(), now).await,
                    None if name.is_built() => access.by_clock(id, Command::parse(name, payload).unwrap(), None).await,
                    // Nothing can ask in the clock's name for what is not built.
                    None => Err(Problem::forbidden("forbidden")),
                };
                let forbidden = answer == Err(Problem::forbidden("forbidden"));
                assert_eq!(forbidden, !expected, "{cell}: {answer:?}");
                assert!(!matches!(&answer, Err(Problem::NotFound { .. } | Problem::Unavailable { .. })), "{cell}");
                if let Ok(done) = &answer {
                    // Where everybody is still what they were, the case serves on.
                    let same = started == Some(done.state) && !["review", "revoke"].contains(&permission.as_str());
                    case = same.then_some((id, done.version));
                    succeeded += 1;
                }
                tried += 1;
                allowed += i32::from(expected);
            }
        }
    }
    // Three roles cannot be had in a draft.
    assert_eq!(tried, 2_240 - 3 * 32);
    assert!(allowed > 150 && succeeded > 50, "{allowed} {succeeded}");
    let draft = build(&access, &people, "submitted").await;
    let late = access.by_clock(draft, Command::DeleteDraft {}, None).await.unwrap_err();
    assert!(matches!(late, Problem::Conflict { code, .. } if code == "only_draft_may_be_deleted"), "ACC-091");
    let reminder = Command::SendReminder { reminder: Reminder::Clock };
    access.by_clock(draft, reminder, None).await.unwrap();
}
