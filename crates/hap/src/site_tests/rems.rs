//! The REMS profiles (`access.md` 8.1) over HTTP: what the site answers to a login of each role, in each state, to each
//! command (ACC-092).

use access::model::{Command, Reminder};
use access::permissions::Workflow;
use access::{CaseId, CommandName};
use axum::Router;
use kernel::Problem;
use serde_json::{Map, Value, json};

use super::{Visitor, ask, send, site, text, visitor};

const REASON: &str = "En grunn som er lang nok til å telle.";

/// Who logs in for each role.
const LOGINS: [(&str, &str); 9] = [
    ("applicant", "researcher"),
    ("handler", "case-handler-1"),
    ("decider", "decision-maker"),
    ("member", "student"),
    ("reviewer", "reviewer"),
    ("past-reviewer", "output-reviewer-1"),
    ("past-decider", "catalogue-editor"),
    ("reporter", "auditor"),
    ("everyone-else", "citizen-2"),
];

fn profile() -> Value {
    let file: Value = serde_json::from_str(include_str!("../../../access/data/permissions.json")).unwrap();
    file["rems_profile"].clone()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// The site under a profile, and everybody who is logged in to it.
struct Stage {
    router: Router,
    people: Vec<(&'static str, Visitor)>,
    /// Command ids given so far.
    given: std::cell::Cell<u64>,
}

impl Stage {
    /// Who acts in a role; none for the clock.
    fn visitor(&self, role: &str) -> Option<&Visitor> {
        self.people.iter().find(|(name, _)| *name == role).map(|(_, visitor)| visitor)
    }

    fn account(&self, role: &str) -> &str {
        &self.visitor(role).unwrap().account
    }

    async fn post(&self, role: &str, path: &str, body: Value) -> (u16, Value) {
        let answer = send(&self.router, self.visitor(role).unwrap(), "POST", path, &body.to_string()).await;
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&text(answer).await).unwrap_or_default())
    }

    /// Asks for a command at a version of the case; once more where an event came in between that nobody here asked for: a
    /// holder's data that lie ready.
    async fn command(&self, role: &str, case: &str, name: &str, payload: Value, version: i64) -> (u16, Value) {
        self.given.set(self.given.get() + 1);
        let id = format!("00000000-0000-4000-8000-{:012}", self.given.get());
        let path = format!("/api/v1/cases/{case}/commands/{name}");
        let body = |version: i64| json!({"command_id": id, "expected_version": version, "payload": payload});
        let answer = self.post(role, &path, body(version)).await;
        if answer.1["code"] != "version_conflict" {
            return answer;
        }
        let seen = ask(&self.router, self.visitor("applicant").unwrap(), &format!("/api/v1/cases/{case}")).await;
        self.post(role, &path, body(seen["version"].as_i64().unwrap())).await
    }

    /// Runs a command that must be carried out.
    async fn run(&self, role: &str, case: &str, name: &str, payload: Value) -> Value {
        let seen = ask(&self.router, self.visitor("applicant").unwrap(), &format!("/api/v1/cases/{case}")).await;
        let (status, answer) = self.command(role, case, name, payload, seen["version"].as_i64().unwrap()).await;
        assert_eq!(status, 200, "{role} {name}: {answer}");
        answer
    }

    /// A filled-in draft of the applicant.
    async fn draft(&self) -> String {
        let wanted = "npr.somatikk.hovedtilstand";
        self.post("applicant", "/api/v1/cart", json!({"variable": wanted})).await;
        let (_, made) = self.post("applicant", "/api/v1/cases", json!({})).await;
        let case = made["id"].as_str().unwrap().to_owned();
        let path = format!("/api/v1/cases/{case}");
        let draft = ask(&self.router, self.visitor("applicant").unwrap(), &format!("{path}/draft")).await;
        let today = draft["saved_at"].as_str().unwrap()[..10].parse().unwrap();
        let mut fields = access::form::example(today);
        let periods = texts(&draft["collections"]).into_iter();
        let periods: Map<String, Value> =
            periods.map(|id| (id, json!({"from": "2018-01-01", "to": "2022-12-31"}))).collect();
        fields.insert("cart.periods".into(), Value::Object(periods));
        // The files that the example names become files of the case.
        for field in ["use.plan", "no.dpo_assessment", "no.rek", "no.dpia_file"] {
            let to = format!("{path}/files?field={field}&name=vedlegg.txt");
            let sent = send(&self.router, self.visitor("applicant").unwrap(), "POST", &to, "Et vedlegg.").await;
            let sent: Value = serde_json::from_str(&text(sent).await).unwrap();
            let value =
                if fields[field].get("file").is_some() { &mut fields[field]["file"] } else { &mut fields[field] };
            value["id"] = sent["id"].clone();
        }
        let (status, answer) = self.post("applicant", &format!("{path}/fields"), json!({"fields": fields})).await;
        assert_eq!(status, 200, "{answer}");
        let item = json!({"variable_id": wanted, "role": "population", "granularity": draft["cart"][0]["granularity"],
                          "necessity": "Nødvendig for å finne slagene i prosjektet."});
        self.run("applicant", &case, "edit_cart", json!({"items": [item]})).await;
        case
    }

    /// A case in a state of REMS, with somebody in every role that can be had there.
    async fn build(&self, state: &str) -> String {
        let case = self.draft().await;
        let id = case.as_str();
        let invited = self.run("applicant", id, "invite_member", json!({"kind": "co_applicant"})).await;
        self.run("member", id, "accept_invitation", json!({"token": invited["token"]})).await;
        if state == "draft" {
            return case;
        }
        let submitted = self.run("applicant", id, "submit", json!({})).await;
        for staff in ["handler", "decider"] {
            self.run(staff, id, "declare_interest", json!({"interest": "none"})).await;
        }
        if submitted["state"] == "submitted" {
            self.run("handler", id, "start_screening", json!({})).await;
        }
        self.run("handler", id, "confirm_complete", json!({})).await;
        let reviewers = json!({"reviewers": [self.account("reviewer"), self.account("past-reviewer")]});
        self.run("handler", id, "request_review", reviewers).await;
        let invited = self.run("handler", id, "invite_decision_maker", json!({})).await;
        self.run("past-decider", id, "accept_invitation", json!({"token": invited["token"]})).await;
        for expert in ["reviewer", "past-reviewer", "past-decider"] {
            self.run(expert, id, "declare_interest", json!({"interest": "none"})).await;
        }
        let opinion = json!({"recommendation": "grant", "text": REASON});
        self.run("past-reviewer", id, "review", opinion).await;
        let advice = json!({"recommendation": "grant", "reason": REASON});
        self.run("past-decider", id, "give_decision_advice", advice).await;
        match state {
            "submitted" => {}
            "returned" => {
                let ask = json!({"kind": "clarification", "questions": [{"field": "use.why", "question": "Hvorfor?"}]});
                self.run("handler", id, "request_info", ask).await;
            }
            "closed" => drop(self.run("applicant", id, "withdraw", json!({})).await),
            _ => self.decide(id, state).await,
        }
        case
    }

    /// From the assessment to the decision, and its end.
    async fn decide(&self, id: &str, state: &str) {
        let path = format!("/api/v1/cases/{id}");
        let seen = ask(&self.router, self.visitor("handler").unwrap(), &path).await;
        let assess = |c: &Value| json!({"criterion": c["id"], "outcome": "met", "reason": REASON});
        let assessments: Vec<Value> = seen["criteria"].as_array().unwrap().iter().map(assess).collect();
        self.run("handler", id, "assess_criterion", json!({"assessments": assessments})).await;
        let outcome = if state == "rejected" { "refused" } else { "granted" };
        if state != "rejected" {
            self.run("handler", id, "calculate_fee", json!({})).await;
            self.run("handler", id, "offer_terms", json!({})).await;
            let offer = ask(&self.router, self.visitor("applicant").unwrap(), &path).await;
            self.run("applicant", id, "accept_terms", json!({"terms_hash": offer["offer"]["hash"]})).await;
        }
        let part = json!({"source": "npr", "outcome": outcome, "reason": REASON});
        self.run("handler", id, "propose_decision", json!({"parts": [part]})).await;
        self.run("decider", id, "issue_decision", json!({})).await;
        if state == "revoked" {
            self.run("handler", id, "revoke_permit", revocation()).await;
        }
    }
}

/// A permit is taken back at once: REMS knows no hearing.
fn revocation() -> Value {
    json!({"reason": REASON, "hearing": {"kind": "left_out", "why": REASON}})
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
        "revoke" => (C::RevokePermit, revocation()),
        "send-expiration-notifications" => (C::SendReminder, json!({"reminder": "clock"})),
        _ => return None,
    })
}

/// Which role somebody holds in a state: an opinion is asked for after the submission, so that in a draft experts are
/// still everyone else. Of their 96 cells there, three differ: who holds an invitation may accept it.
fn held<'a>(state: &str, role: &'a str) -> &'a str {
    let asked_later = ["reviewer", "past-reviewer", "past-decider"].contains(&role);
    if state == "draft" && asked_later { "everyone-else" } else { role }
}

/// Whether an answer says that somebody may not, as opposed to a guard that stops what they may.
fn is_forbidden((status, answer): &(u16, Value)) -> bool {
    *status == 403 && answer["code"] == "forbidden"
}

/// ACC-090 to ACC-092: under the profile, each command that a cell allows is carried out or stopped by a guard with a code
/// of its own, and every other one is refused as forbidden. What the other two profiles take away is refused in the same
/// cases. The clock has no login: its cells are asked where timers ask, and without login nobody is answered.
#[tokio::test(flavor = "multi_thread")]
async fn acc_092_the_site_answers_as_the_profiles_say() {
    let folder = tempfile::tempdir().unwrap();
    let (services, _running) = site(folder.path()).await;
    let under = |workflow| {
        let access = std::sync::Arc::new(services.access.with_workflow(workflow));
        web::router(web::Services { access, ..services.clone() })
    };
    let access = services.access.with_workflow(Workflow::RemsMaster);
    let router = under(Workflow::RemsMaster);
    let others = [Workflow::RemsDefault, Workflow::RemsDecider].map(|workflow| (workflow, under(workflow)));
    let mut people = Vec::new();
    for (role, persona) in LOGINS {
        people.push((role, visitor(&services, &router, Some(persona)).await));
    }
    let nobody = visitor(&services, &router, None).await;
    let mut stage = Stage { router: router.clone(), people, given: Default::default() };
    let profile = profile();
    let (mut tried, mut allowed, mut succeeded, mut taken) = (0, 0, 0, 0);
    for state in texts(&profile["states"]) {
        // A case serves until a command moves it on.
        let (mut known, mut started) = (None::<(String, i64)>, Value::Null);
        for role in texts(&profile["roles"]) {
            for permission in texts(&profile["permissions"]) {
                let expected = Workflow::RemsMaster.has(&state, held(&state, &role), &permission);
                let cell = format!("{state} {role} {permission}");
                tried += 1;
                allowed += i32::from(expected);
                let (id, version) = match known.take() {
                    Some(known) => known,
                    None => {
                        let id = stage.build(&state).await;
                        let path = format!("/api/v1/cases/{id}");
                        let seen = ask(&router, stage.visitor("applicant").unwrap(), &path).await;
                        started = seen["state"].clone();
                        (id, seen["version"].as_i64().unwrap())
                    }
                };
                known = Some((id.clone(), version));
                if permission == "see-everything" {
                    if let Some(who) = stage.visitor(&role) {
                        let seen = ask(&router, who, &format!("/api/v1/cases/{id}")).await;
                        assert_eq!(seen["view"] == "view_full", expected, "{cell}: {}", seen["view"]);
                    }
                    continue;
                }
                // `create` needs no case and is allowed in no cell.
                let Some((name, payload)) = command(&permission, &state) else {
                    assert!(permission == "create" && !expected, "{cell}");
                    continue;
                };
                let answer = if stage.visitor(&role).is_some() {
                    for (workflow, other) in &others {
                        if expected && !workflow.has(&state, held(&state, &role), &permission) {
                            stage.router = other.clone();
                            let answer = stage.command(&role, &id, name.slug(), payload.clone(), version).await;
                            assert!(is_forbidden(&answer), "{cell} under {workflow:?}: {answer:?}");
                            taken += 1;
                        }
                    }
                    stage.router = router.clone();
                    stage.command(&role, &id, name.slug(), payload, version).await
                } else {
                    by_clock(&access, &id, name, payload).await
                };
                assert_eq!(is_forbidden(&answer), !expected, "{cell}: {answer:?}");
                assert!(matches!(answer.0, 200 | 403 | 409 | 422), "{cell}: {answer:?}");
                if answer.0 == 200 {
                    // Where everybody is still what they were, the case serves on.
                    let same = started == answer.1["state"] && !["review", "revoke"].contains(&permission.as_str());
                    known = same.then(|| (id, answer.1["version"].as_i64().unwrap()));
                    succeeded += 1;
                }
            }
        }
        if let Some((id, _)) = known {
            let path = format!("/api/v1/cases/{id}/commands/send_reminder");
            assert_eq!(send(&router, &nobody, "POST", &path, "{}").await.status(), 401, "{state}: nobody");
        }
    }
    // In drafts three roles are everyone else's, who may accept an invitation.
    assert_eq!((tried, allowed), (2_240, 201 + 3));
    assert!(succeeded > 50 && taken >= 4, "{succeeded} {taken}");
    let case = stage.build("submitted").await;
    let late = by_clock(&access, &case, CommandName::DeleteDraft, json!({})).await;
    assert_eq!((late.0, &late.1["code"]), (409, &json!("only_draft_may_be_deleted")), "ACC-091");
    let reminder = Command::SendReminder { reminder: Reminder::Clock };
    access.by_clock(case.parse().unwrap(), reminder, None).await.unwrap();
}

/// What a timer is answered, as the site would tell it.
async fn by_clock(access: &access::Access, case: &str, name: CommandName, payload: Value) -> (u16, Value) {
    let id: CaseId = case.parse().unwrap();
    let answer = match name.is_built() {
        true => access.by_clock(id, Command::parse(name, payload).unwrap(), None).await,
        // Nothing can ask in the clock's name for what is not built.
        false => Err(Problem::forbidden("forbidden")),
    };
    match answer {
        Ok(done) => (200, serde_json::to_value(done).unwrap()),
        Err(Problem::Forbidden { code }) => (403, json!({"code": code})),
        Err(Problem::Conflict { code, .. }) => (409, json!({"code": code})),
        Err(other) => (other.status(), json!({})),
    }
}
