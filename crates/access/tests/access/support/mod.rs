//! What the tests of the service share: actors, commands with ids, cases brought to a point.
#![expect(clippy::unwrap_used, reason = "tests")]

pub mod application;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use access::{Access, CaseId, Room, Settings};
use identity::{Actor, Role};
use kernel::{LangMap, Problem};
use serde_json::{Map, Value, json};
use testkit::TestZone;

pub use application::{SmallCatalogue, answers, cart};

pub const BODY: &str = "helsedataservice";

pub fn settings() -> Settings {
    let room = Room { id: "room:tsd".into(), name: LangMap::of("TSD", "TSD", "TSD") };
    Settings { synthetic: true, ..Settings::new(BODY, vec![room]) }
}

pub async fn service(zone: &TestZone) -> Access {
    Access::migrate(&zone.store).await.unwrap();
    Access::new(zone.zone(), Arc::new(SmallCatalogue), settings())
}

pub struct Cast {
    pub applicant: Actor,
    pub handler: Actor,
    pub other_handler: Actor,
    pub decider: Actor,
}

pub fn cast() -> Cast {
    Cast {
        applicant: testkit::actor("researcher", Role::Researcher, "uio"),
        handler: testkit::actor("handler-1", Role::CaseHandler, BODY),
        other_handler: testkit::actor("handler-2", Role::CaseHandler, BODY),
        decider: testkit::actor("decider", Role::DecisionMaker, BODY),
    }
}

/// A new command id, a UUID.
pub fn command_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("00000000-0000-4000-8000-{:012x}", NEXT.fetch_add(1, Ordering::SeqCst))
}

/// Runs a command at the version the actor sees, under a new command id.
pub async fn run(
    access: &Access,
    actor: &Actor,
    id: CaseId,
    name: &str,
    payload: Value,
) -> Result<access::views::Done, Problem> {
    let mut version = 1;
    if let Ok(case) = access.case(actor, id).await {
        version = case.summary.version;
        // ACC-083: the first thing that staff do in a case.
        if case.summary.next.is_some_and(|next| next.slug() == "declare_interest") && name != "declare_interest" {
            version = declare(access, actor, id, version).await?;
        }
    }
    access.command(actor, id, name, payload, &command_id(), version).await
}

async fn declare(access: &Access, actor: &Actor, id: CaseId, version: i64) -> Result<i64, Problem> {
    let none = json!({"interest": "none"});
    Ok(access.command(actor, id, "declare_interest", none, &command_id(), version).await?.version)
}

/// The answers, with the files that they name attached to the case.
pub async fn attached(access: &Access, actor: &Actor, id: CaseId) -> Map<String, Value> {
    let mut answers = answers();
    for (field, part) in
        [("use.plan", None), ("no.dpo_assessment", None), ("no.rek", Some("file")), ("no.dpia_file", None)]
    {
        let file = access.add_file(actor, id, field, "vedlegg.txt", b"Et vedlegg.").await.unwrap();
        let value = match part {
            Some(part) => &mut answers[field][part],
            None => &mut answers[field],
        };
        value["id"] = json!(file.id);
    }
    answers
}

/// A case that was submitted.
pub async fn submitted(access: &Access, cast: &Cast) -> CaseId {
    let id = access.create(&cast.applicant, cart()).await.unwrap();
    access.save(&cast.applicant, id, attached(access, &cast.applicant, id).await).await.unwrap();
    run(access, &cast.applicant, id, "submit", json!({})).await.unwrap();
    screened(access, cast, id).await;
    id
}

/// A second application of the same leader, or one that wants more detail than others were granted, is not screened by
/// itself (CHK-22, CHK-35): the handler does it.
pub async fn screened(access: &Access, cast: &Cast, id: CaseId) {
    if access.case(&cast.applicant, id).await.unwrap().summary.state == access::model::StateName::Submitted {
        run(access, &cast.handler, id, "start_screening", json!({})).await.unwrap();
    }
}

pub fn assessments() -> Value {
    let one = |id: &str| json!({"criterion": id, "outcome": "met", "reason": "Vurdert og funnet oppfylt for dette prosjektet."});
    json!({"assessments": [one("N-1"), one("N-2"), one("N-3"), one("N-4"), one("N-8")]})
}

pub fn proposal() -> Value {
    json!({
        "parts": [
            {"source": "npr", "outcome": "granted", "reason": "Alle variabler er nødvendige for formålet."},
            {"source": "dar", "outcome": "granted_in_part", "reason": "Dødssted er ikke nødvendig for formålet.",
             "removed": [{"id": "dar.main.dodssted", "reason": "not_necessary", "text": ""}]},
        ],
        "conditions": [{"type": "min_granularity", "variable": "npr.somatikk.innDato", "value": "year"},
                       {"type": "report", "every": "P12M"}],
    })
}

/// A ground for an exclusion or a fine without a notice.
pub fn unheard() -> access::Ground {
    let why = "Opplysningene var offentlige og saken hastet.".into();
    access::Ground { hearing: access::model::Hearing::LeftOut { why }, case: None }
}

/// A submitted case brought to the point where the decision is to be issued.
pub async fn proposed(access: &Access, cast: &Cast) -> CaseId {
    let id = submitted(access, cast).await;
    for (actor, name, payload) in [
        (&cast.handler, "assign_case", json!({})),
        (&cast.handler, "confirm_complete", json!({})),
        (&cast.handler, "assess_criterion", assessments()),
        (&cast.handler, "calculate_fee", json!({})),
        (&cast.handler, "offer_terms", json!({})),
    ] {
        run(access, actor, id, name, payload).await.unwrap_or_else(|e| panic!("{name}: {e}"));
    }
    let hash = access.case(&cast.applicant, id).await.unwrap().offer.unwrap().hash;
    run(access, &cast.applicant, id, "accept_terms", json!({"terms_hash": hash})).await.unwrap();
    run(access, &cast.handler, id, "propose_decision", proposal()).await.unwrap();
    id
}
