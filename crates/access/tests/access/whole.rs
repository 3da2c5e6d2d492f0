//! ACC-200: the whole chapter as one case, from three sources to close-out, with clock and register looked at on the way.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use crate::support::{self, BODY, Cast, SmallCatalogue, answers, cart, cast, command_id, run, settings};
use access::appeal::Stage;
use access::clocks::EndEvent;
use access::model::StateName;
use access::views::RegisterEntry;
use access::{Access, CartItem, CaseId, SeriesAction, VariableFacts, Variables};
use async_trait::async_trait;
use identity::{Actor, Role};
use kernel::{Date, LangMap, Problem};
use protocol::documents::{Permit, PermitStatus};
use serde_json::{Map, Value, json};
use testkit::TestZone;

const NUMBER: &str = "A-2026-000001";
const SERIES: &str = "NO-2026-000001";
const APPEAL: &str = "K-2027-000001";
const REASON: &str = "En begrunnelse som er lang nok til å stå i vedtaket.";
const WHY: &str = "Prosjektet har fått en medarbeider til og trenger mer tid til å bli ferdig med analysene.";

/// The small catalogue with a third source.
struct ThreeSources;

#[async_trait]
impl Variables for ThreeSources {
    async fn facts(&self, ids: &[String]) -> Result<Vec<VariableFacts>, Problem> {
        let mut found = SmallCatalogue.facts(ids).await?;
        let like = SmallCatalogue::all().into_iter().find(|facts| facts.id == "dar.main.dodssted").unwrap();
        let id = "lmr.main.atc".to_owned();
        if ids.contains(&id) {
            let name = LangMap::of("Kilde lmr", "Kjelde lmr", "Source lmr");
            let place = ("lmr.main".to_owned(), "lmr".to_owned());
            found.push(VariableFacts { id, collection: place.0, source: place.1, source_name: name, ..like });
        }
        Ok(found)
    }

    fn nearest(&self, id: &str) -> Vec<String> {
        SmallCatalogue.nearest(id)
    }
}

struct Walk<'a> {
    access: Access,
    zone: &'a TestZone,
    cast: Cast,
    id: CaseId,
}

fn fields(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn code(problem: &Problem) -> String {
    match problem {
        Problem::Forbidden { code } | Problem::Conflict { code, .. } => code.clone(),
        other => other.to_string(),
    }
}

impl Walk<'_> {
    fn today(&self) -> Date {
        self.zone.zone().now().date_in_oslo()
    }

    fn until(&self, day: &str) {
        let day: Date = day.parse().unwrap();
        let days = i64::from(day.days() - self.today().days());
        assert!(days >= 0, "{day} is past");
        self.zone.clock.advance_micros(days * 86_400 * 1_000_000);
    }

    async fn does(&self, actor: &Actor, name: &str, payload: Value) {
        run(&self.access, actor, self.id, name, payload).await.unwrap_or_else(|e| panic!("{name}: {e} {}", code(&e)));
    }

    async fn permit(&self) -> Permit {
        self.access.permit_current(SERIES).await.unwrap().permit.read_unverified().unwrap()
    }

    async fn entry(&self) -> RegisterEntry {
        self.access.register_entry(NUMBER).await.unwrap()
    }

    /// State, whether the clock up to the decision stands still, and whether it has ended.
    async fn clock(&self) -> (StateName, bool, bool) {
        let case = self.access.case(&self.cast.handler, self.id).await.unwrap();
        let clocks = self.access.clocks(&self.cast.handler, self.id).await.unwrap();
        let clock = clocks.iter().find(|clock| clock.ends == EndEvent::Decision);
        (case.summary.state, clock.is_some_and(|c| c.paused), clock.is_some_and(|c| c.ended))
    }

    async fn submitted(&mut self) {
        let (access, applicant) = (&self.access, &self.cast.applicant);
        let mut items = cart();
        items.push(CartItem { variable_id: "lmr.main.atc".into(), ..items[3].clone() });
        self.id = access.create(applicant, items).await.unwrap();
        let mut written = support::attached(access, applicant, self.id).await;
        written["cart.periods"]["lmr.main"] = json!({"from": "2018-01-01", "to": "2024-12-31"});
        access.save(applicant, self.id, written).await.unwrap();
        let done = run(access, applicant, self.id, "submit", json!({})).await.unwrap();
        assert_eq!(done.number.as_deref(), Some(NUMBER));
        assert!(access.register_entry(NUMBER).await.is_err(), "public after one working day");
        self.until("2026-11-24");
        let entry = self.entry().await;
        assert_eq!((entry.status, entry.decision), ("received", None));
    }

    async fn clarified(&self) {
        let Cast { applicant, handler, .. } = &self.cast;
        self.does(handler, "assign_case", json!({})).await;
        if self.clock().await.0 == StateName::Submitted {
            self.does(handler, "start_screening", json!({})).await;
        }
        let ask =
            json!({"kind": "clarification", "questions": [{"field": "use.why", "question": "Hvorfor så mange år?"}]});
        self.does(handler, "request_info", ask).await;
        assert_eq!(self.clock().await.0, StateName::AwaitingInfo);
        self.until("2026-12-01");
        let why = format!("{} Sju år gir nok dødsfall.", answers()["use.why"].as_str().unwrap());
        self.access.save(applicant, self.id, fields(json!({"use.why": why}))).await.unwrap();
        let answer = json!({"answers": [{"field": "use.why", "answer": "Fordi dødsfall er sjeldne."}]});
        self.does(applicant, "send_info", answer).await;
        self.does(handler, "confirm_complete", json!({})).await;
        let (state, paused, ended) = self.clock().await;
        assert_eq!((state, paused, ended), (StateName::Processing, false, false), "the clock runs");
    }

    async fn answered(&self) {
        let handler = &self.cast.handler;
        self.does(handler, "dispatch_source_tasks", json!({})).await;
        let case = self.access.case(handler, self.id).await.unwrap();
        assert_eq!(case.involved.tasks.len(), 3, "one task for each source");
        for source in ["npr", "dar", "lmr"] {
            let mut registry = testkit::actor(&format!("registry-{source}"), Role::RegistryHandler, source);
            registry.grants[0].scope = Some(source.into());
            let own = case.items.iter().filter(|item| item.order.source == source);
            let yes = own.map(|item| (item.order.variable.clone(), json!({"answer": "deliverable"})));
            let variables: Map<String, Value> = yes.collect();
            let payload = json!({"source": source, "answer": {"variables": variables},
                "cost": {"hours": 8.0, "delivery_days": 20}});
            self.does(&registry, "answer_source_task", payload).await;
        }
    }

    async fn decided(&self) {
        let Cast { applicant, handler, decider, .. } = &self.cast;
        self.does(handler, "assess_criterion", support::assessments()).await;
        self.does(handler, "calculate_fee", json!({"case_hours": 6.0})).await;
        self.does(handler, "offer_terms", json!({})).await;
        let hash = self.access.case(applicant, self.id).await.unwrap().offer.unwrap().hash;
        self.does(applicant, "accept_terms", json!({"terms_hash": hash})).await;
        let mut proposal = support::proposal();
        proposal["parts"]
            .as_array_mut()
            .unwrap()
            .push(json!({"source": "lmr", "outcome": "granted", "reason": REASON}));
        self.does(handler, "propose_decision", proposal).await;
        self.does(decider, "issue_decision", json!({})).await;
        assert_eq!(self.clock().await.0, StateName::Decided);
        assert!(self.clock().await.2, "the clock up to the decision has ended");
        let permit = self.permit().await;
        assert_eq!((permit.permit_id, permit.status), (format!("{SERIES}-01"), PermitStatus::Granted));
        self.until("2027-01-15");
        let entry = self.entry().await;
        assert_eq!((entry.status, entry.decision.unwrap()["outcome"].as_str()), ("decided", Some("granted_in_part")));
    }

    /// A person of the same organisation: at once, in -02.
    async fn changed(&self) {
        let (access, applicant) = (&self.access, &self.cast.applicant);
        let id = access.open_change(applicant, SERIES).await.unwrap();
        let mut persons = answers()["proc.persons"].as_array().unwrap().clone();
        let organisation = answers()["app.orgnr"].clone();
        persons.push(json!({"name": "Nora Ny", "email": "nora@universitetet.no", "role": "analytiker",
            "affiliation": organisation}));
        let saved = json!({"proc.persons": persons, "chg.why": WHY, "chg.confirm": true});
        access.save(applicant, id, fields(saved)).await.unwrap();
        let draft = access.draft(applicant, id).await.unwrap();
        assert_eq!((draft.form.as_str(), draft.complete), ("change", true), "{:?}", draft.faults);
        let ops = draft.ops.unwrap();
        assert_eq!((ops.len(), ops[0].op.slug(), ops[0].notification), (1, "add_person", true));
        let done = run(access, applicant, id, "submit", json!({})).await.unwrap();
        assert_eq!(done.events, ["change_took_effect"]);
        let permit = self.permit().await;
        assert_eq!((permit.permit_id, permit.status), (format!("{SERIES}-02"), PermitStatus::Amended));
        assert_eq!(self.entry().await.status, "decided");
    }

    async fn extension(&self, to: &str) -> Result<CaseId, Problem> {
        let (access, applicant) = (&self.access, &self.cast.applicant);
        let id = access.open_change(applicant, SERIES).await.unwrap();
        let saved = json!({"proc.period": {"from": "2026-12-01", "to": to}, "no.delete_date": "2032-05-31",
            "chg.why": WHY, "chg.confirm": true});
        access.save(applicant, id, fields(saved)).await.unwrap();
        let file = access.add_file(applicant, id, "chg.docs", "plan.txt", b"Prosjektet er forsinket.").await.unwrap();
        let files = json!({"chg.docs": [{"id": file.id, "name": file.name, "size": file.size}]});
        access.save(applicant, id, fields(files)).await.unwrap();
        run(access, applicant, id, "submit", json!({})).await.map(|_| id)
    }

    async fn extended(&self) {
        let Cast { applicant, handler, decider, .. } = &self.cast;
        let id = self.extension("2031-11-30").await.unwrap();
        let of = Walk { access: self.access.clone(), zone: self.zone, cast: cast(), id };
        let one = |id: &str| json!({"criterion": id, "outcome": "met", "reason": REASON});
        of.does(handler, "assign_case", json!({})).await;
        if of.clock().await.0 == StateName::Submitted {
            of.does(handler, "start_screening", json!({})).await;
        }
        of.does(handler, "confirm_complete", json!({})).await;
        of.does(handler, "assess_criterion", json!({"assessments": [one("N-1"), one("N-3"), one("N-4")]})).await;
        of.does(handler, "calculate_fee", json!({"case_hours": 2.0})).await;
        of.does(handler, "offer_terms", json!({})).await;
        let hash = self.access.case(applicant, id).await.unwrap().offer.unwrap().hash;
        of.does(applicant, "accept_terms", json!({"terms_hash": hash})).await;
        let proposal = json!({"changes": [{"path": "valid_to", "granted": true, "reason": REASON}]});
        of.does(handler, "propose_decision", proposal).await;
        of.does(decider, "issue_decision", json!({})).await;
        let permit = self.permit().await;
        assert_eq!((permit.permit_id, permit.status), (format!("{SERIES}-03"), PermitStatus::Renewed));
        assert_eq!(permit.valid_to.to_string(), "2031-11-30");
        assert_eq!(code(&self.extension("2032-11-30").await.unwrap_err()), "already_extended");
        let series = self.access.series(applicant, SERIES).await.unwrap();
        assert_eq!(series.versions.len(), 3);
        assert_eq!(series.versions[0].ops[0].op.slug(), "extend_duration");
        assert_eq!(series.versions[1].ops[0].op.slug(), "add_person");
        assert!(series.may.contains(&SeriesAction::Change) && !series.may.contains(&SeriesAction::Extend));
    }

    /// The refused part, upheld by the body and by the appeal body.
    async fn appealed(&self) {
        let (access, applicant) = (&self.access, &self.cast.applicant);
        let draft = access.open_appeal(applicant, self.id).await.unwrap();
        let view = access.draft(applicant, draft).await.unwrap();
        let parts = view.sections[0].fields.iter().find(|view| view.field.id == "kla.parts").unwrap();
        let offered: Vec<&str> = parts.field.options.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(offered, ["npr", "dar", "lmr", "conditions"]);
        let saved = json!({"kla.parts": ["dar"], "kla.wanted": "At dødssted blir innvilget.", "kla.sign": true,
            "kla.late_why": "Vedtaket ble lest først da alle var tilbake fra ferie."});
        access.save(applicant, draft, fields(saved)).await.unwrap();
        let done = run(access, applicant, draft, "submit", json!({})).await.unwrap();
        assert_eq!(done.number.as_deref(), Some(APPEAL));
        let deal = async |actor: &Actor, name: &str, payload: Value| {
            let version = access.appeal(actor, APPEAL).await.unwrap().version;
            access.appeal_command(actor, APPEAL, name, payload, &command_id(), version).await
        };
        let Cast { handler, decider, .. } = &self.cast;
        let other = testkit::actor("decider-2", Role::DecisionMaker, BODY);
        let body = testkit::actor("helseklage", Role::AppealHandler, "helseklage");
        deal(handler, "admit", json!({"reason": REASON})).await.unwrap();
        deal(handler, "prepare", json!({"reason": REASON})).await.unwrap();
        assert_eq!(code(&deal(decider, "forward", json!({})).await.unwrap_err()), "same_person", "ACC-170");
        deal(&other, "forward", json!({})).await.unwrap();
        let decided = deal(&body, "decide", json!({"outcome": "upheld", "reason": REASON})).await.unwrap();
        assert!(matches!(decided.appeal.stage, Stage::Decided { .. }));
        assert_eq!(self.permit().await.permit_id, format!("{SERIES}-03"), "upheld: nothing changes");
        assert_eq!(self.entry().await.status, "decided");
    }

    async fn ended(&self) {
        let Cast { applicant, handler, .. } = &self.cast;
        self.until("2031-12-01");
        assert_eq!(self.access.expire_permits().await.unwrap(), 1);
        assert_eq!(self.permit().await.status, PermitStatus::Expired);
        assert!(self.access.series(applicant, SERIES).await.unwrap().extension_until.is_none());
        let summary = "Prosjektet er ferdig. Resultatene er publisert, og dataene er slettet i analyserommet.";
        let receipt = format!("sha256:{}", "ab".repeat(32));
        let report = json!({"kind": "close_out", "summary": summary, "deletion_receipt": receipt});
        self.does(applicant, "submit_report", report).await;
        self.does(handler, "issue_invoice", json!({})).await;
        self.does(handler, "settle_invoice", json!({})).await;
        self.does(handler, "close_case", json!({"reason": REASON, "accept_report": 1})).await;
        assert_eq!(self.clock().await.0, StateName::Closed);
        assert_eq!(self.entry().await.number, NUMBER, "the public entry stays");
        self.access.verify(handler, self.id).await.unwrap();
        self.access.verify_appeal(APPEAL).await.unwrap();
    }
}

#[tokio::test]
async fn acc_200_one_case_from_three_sources_to_close_out() {
    testkit::zones("centre", async |zone| {
        Access::migrate(&zone.store).await.unwrap();
        let access = Access::new(zone.zone(), Arc::new(ThreeSources), settings());
        let mut walk = Walk { access, zone: &zone, cast: cast(), id: zone.zone().id() };
        walk.submitted().await;
        walk.clarified().await;
        walk.answered().await;
        walk.decided().await;
        walk.changed().await;
        walk.extended().await;
        walk.appealed().await;
        walk.ended().await;
    })
    .await;
}
