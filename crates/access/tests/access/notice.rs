//! The feed, messages and webhooks: others are told of what happened, each thing at least once and in one order.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::sync::Mutex;

use crate::support::{self, BODY, SmallCatalogue, cast, run, service, settings, submitted};
use access::{Access, Caller, Feed, HookInput, Mail, MailError, Mailer, Settings};
use async_trait::async_trait;
use identity::{Actor, Role};
use kernel::{Language, Problem};
use serde_json::{Value, json};
use testkit::TestZone;

const MINUTE: i64 = 60_000_000;

fn admin() -> Actor {
    testkit::actor("admin", Role::Administrator, BODY)
}

/// A service that tells of its site and may call the own machine.
async fn telling(zone: &TestZone) -> Access {
    Access::migrate(&zone.store).await.unwrap();
    let settings = Settings { site: "https://hap.example/".into(), mail: true, loopback_hooks: true, ..settings() };
    Access::new(zone.zone(), std::sync::Arc::new(SmallCatalogue), settings)
}

async fn whole(access: &Access, actor: &Actor, after: i64) -> Vec<access::FeedItem> {
    let (mut all, mut next) = (Vec::new(), after);
    loop {
        let feed: Feed = access.feed(actor, next, 7).await.unwrap();
        all.extend(feed.items);
        next = feed.next;
        if !feed.more {
            return all;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_feed_misses_nothing_while_others_write() {
    testkit::zones("centre", async |zone| {
        let access = service(&zone).await;
        let cast = cast();
        let mut cases = Vec::new();
        for _ in 0..4 {
            cases.push(submitted(&access, &cast).await);
        }
        let writers: Vec<_> = cases
            .iter()
            .map(|id| {
                let (access, handler, id) = (access.clone(), cast.handler.clone(), *id);
                let other = cast.other_handler.account.to_string();
                tokio::spawn(async move {
                    for n in 0..10 {
                        let payload = if n % 2 == 0 { json!({}) } else { json!({"handler": other}) };
                        run(&access, &handler, id, "assign_case", payload).await.unwrap();
                    }
                })
            })
            .collect();
        // Two readers go on while the others write; each asks from where it stands and never goes back.
        let reader = |actor: Actor| {
            let access = access.clone();
            tokio::spawn(async move {
                let (mut seen, mut next) = (Vec::new(), 0);
                while seen.iter().filter(|i: &&access::FeedItem| i.kind == "case_assigned").count() < 40 {
                    let feed = access.feed(&actor, next, 5).await.unwrap();
                    assert!(feed.items.iter().all(|item| item.seq > next), "the cursor goes forward");
                    seen.extend(feed.items);
                    next = feed.next;
                    tokio::task::yield_now().await;
                }
                seen
            })
        };
        let readers = [reader(cast.handler.clone()), reader(cast.decider.clone())];
        for writer in writers {
            writer.await.unwrap();
        }
        let mut seen = Vec::new();
        for reader in readers {
            seen.push(reader.await.unwrap());
        }
        let all = whole(&access, &cast.handler, 0).await;
        assert_eq!(seen[0], all, "what was read while others wrote is what is there");
        assert_eq!(seen[1], all);
        let places: BTreeSet<i64> = all.iter().map(|item| item.seq).collect();
        assert_eq!(places.len(), all.len());
        for id in &cases {
            let events = access.events(&cast.handler, *id, 0).await.unwrap();
            let told: Vec<&str> = all.iter().filter(|i| i.case == *id).map(|i| i.kind.as_str()).collect();
            let happened: Vec<&str> = events
                .iter()
                .map(|e| e.event.name())
                .filter(|name| !["created", "draft_saved", "cart_changed"].contains(name))
                .collect();
            assert_eq!(told, happened, "every event once, in the order of the case, nothing of the draft");
        }
        // From any place on it is the same feed.
        assert_eq!(whole(&access, &cast.decider, all[9].seq).await, all[10..]);
    })
    .await;
}

#[tokio::test]
async fn the_feed_is_for_the_body_and_for_sources_that_have_a_part() {
    testkit::zones("centre", async |zone| {
        let access = service(&zone).await;
        let cast = cast();
        let id = submitted(&access, &cast).await;
        access.create(&cast.applicant, support::cart()).await.unwrap();
        let kinds = async |actor: &Actor| -> Result<Vec<String>, Problem> {
            Ok(access.feed(actor, 0, 100).await?.items.into_iter().map(|item| item.kind).collect())
        };
        assert_eq!(kinds(&cast.handler).await.unwrap(), ["submitted", "screening_started"]);
        let mut npr = testkit::actor("npr", Role::RegistryHandler, "fhi");
        npr.grants[0].scope = Some("npr".into());
        assert_eq!(kinds(&npr).await.unwrap(), Vec::<String>::new(), "not before it has a part in the case");
        run(&access, &cast.handler, id, "confirm_complete", json!({})).await.unwrap();
        let seen = ["submitted", "screening_started", "interest_declared", "completeness_confirmed"];
        assert_eq!(kinds(&npr).await.unwrap(), seen);
        let mut other = testkit::actor("krg", Role::RegistryHandler, "krg");
        other.grants[0].scope = Some("kreft".into());
        assert_eq!(kinds(&other).await.unwrap(), Vec::<String>::new());
        assert!(access.feed(&other, 0, 100).await.unwrap().next > 0, "its cursor goes on all the same");
        for nobody in [&cast.applicant, &admin()] {
            assert!(matches!(kinds(nobody).await, Err(Problem::Forbidden { .. })));
        }
    })
    .await;
}

/// A mail server that answers as it is told.
#[derive(Default)]
struct Post {
    answer: Mutex<Option<MailError>>,
    taken: Mutex<Vec<Mail>>,
}

#[async_trait]
impl Mailer for Post {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        match self.answer.lock().unwrap().clone() {
            Some(error) => Err(error),
            None => {
                self.taken.lock().unwrap().push(mail.clone());
                Ok(())
            }
        }
    }
}

async fn ask(access: &Access, cast: &support::Cast, id: access::CaseId) {
    let question =
        json!({"kind": "clarification", "questions": [{"field": "use.why", "question": "Hvorfor så mange?"}]});
    run(access, &cast.handler, id, "request_info", question).await.unwrap();
}

#[tokio::test]
async fn acc_202_a_message_is_written_with_its_event_and_sent_later() {
    testkit::zones("centre", async |zone| {
        let access = telling(&zone).await;
        let cast = cast();
        let id = submitted(&access, &cast).await;
        assert_eq!(access.outbox(&admin(), 0, 0).await.unwrap().total, 0, "nobody is told of what they did themselves");
        // A command that is refused writes no message.
        run(&access, &cast.handler, id, "request_info", json!({"kind": "clarification", "questions": []}))
            .await
            .unwrap_err();
        ask(&access, &cast, id).await;
        let box_ = access.outbox(&admin(), 0, 0).await.unwrap();
        assert_eq!(
            (box_.total, box_.items[0].state.as_str(), box_.items[0].kind.as_str()),
            (1, "queued", "info_requested")
        );
        assert_eq!(box_.items[0].number, "A-2026-000001");

        // A server that is away: tried again after one, two, four minutes.
        let post = Post::default();
        *post.answer.lock().unwrap() = Some(MailError::Later("451 try again".into()));
        assert_eq!(access.send_mail(&post).await.unwrap(), 0);
        let waiting = access.outbox(&admin(), 0, 0).await.unwrap().items.remove(0);
        assert_eq!(
            (waiting.state.as_str(), waiting.attempts, waiting.error.as_deref()),
            ("queued", 1, Some("451 try again"))
        );
        assert_eq!(waiting.next_at.unwrap().micros() - zone.now().micros(), MINUTE);
        *post.answer.lock().unwrap() = None;
        assert_eq!(access.send_mail(&post).await.unwrap(), 0, "not before it is due");
        zone.clock.advance_micros(MINUTE);
        assert_eq!(access.send_mail(&post).await.unwrap(), 1);
        let sent = post.taken.lock().unwrap().remove(0);
        assert_eq!((sent.to.as_str(), sent.subject.as_str()), ("kari@universitetet.no", "Melding i sak A-2026-000001"));
        assert!(sent.text.contains(&format!("https://hap.example/apply/{id}")), "{}", sent.text);
        assert!(!sent.text.contains("Hvorfor"), "what was asked is read after login");
        assert_eq!(access.outbox(&admin(), 0, 0).await.unwrap().items[0].state, "sent");
        assert_eq!(access.send_mail(&post).await.unwrap(), 0, "once");

        // A handler with an address is told of the answer, in their language; a refusal is final.
        access.set_contact(&cast.handler, "handler@body.example", Language::En).await.unwrap();
        assert!(access.set_contact(&cast.handler, "handler", Language::En).await.is_err());
        run(&access, &cast.handler, id, "assign_case", json!({})).await.unwrap();
        let answer = json!({"answers": [{"field": "use.why", "answer": "Fordi dødsfall er sjeldne."}]});
        run(&access, &cast.applicant, id, "send_info", answer).await.unwrap();
        *post.answer.lock().unwrap() = Some(MailError::Never("550 no such user".into()));
        access.send_mail(&post).await.unwrap();
        let newest = access.outbox(&admin(), 0, 0).await.unwrap().items.remove(0);
        assert_eq!((newest.kind.as_str(), newest.state.as_str()), ("info_received", "failed"));
        assert!(matches!(access.outbox(&cast.handler, 0, 0).await, Err(Problem::Forbidden { .. })));
    })
    .await;
}

#[tokio::test]
async fn acc_202_what_is_not_taken_for_a_day_failed() {
    testkit::zones("centre", async |zone| {
        let access = telling(&zone).await;
        let cast = cast();
        let id = submitted(&access, &cast).await;
        ask(&access, &cast, id).await;
        let post = Post::default();
        *post.answer.lock().unwrap() = Some(MailError::Later("no route".into()));
        let mut rounds = 0;
        loop {
            access.send_mail(&post).await.unwrap();
            rounds += 1;
            let entry = access.outbox(&admin(), 0, 0).await.unwrap().items.remove(0);
            let Some(next) = entry.next_at else {
                assert_eq!((entry.state.as_str(), entry.attempts), ("failed", rounds));
                break;
            };
            zone.clock.advance_micros(next.micros() - zone.now().micros());
        }
        assert_eq!(rounds, 13, "1, 2, 4 … 256 minutes and then each six hours, for a day");
    })
    .await;
}

/// A receiver of webhooks that answers as it is told.
#[derive(Default)]
struct Receiver {
    status: Mutex<Option<u16>>,
    calls: Mutex<Vec<(String, String)>>,
}

#[async_trait]
impl Caller for Receiver {
    async fn post(&self, url: &str, signature: &str, body: String) -> Result<u16, String> {
        assert_eq!(url, "http://127.0.0.1:9/hook");
        self.calls.lock().unwrap().push((signature.to_owned(), body));
        self.status.lock().unwrap().ok_or_else(|| "connection refused".to_owned())
    }
}

fn hook(kinds: &[&str]) -> HookInput {
    HookInput {
        organisation: "fhi".into(),
        url: "http://127.0.0.1:9/hook".into(),
        kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
        sources: Vec::new(),
    }
}

#[tokio::test]
async fn acc_201_receivers_are_called_with_a_signature_and_no_content() {
    testkit::zones("centre", async |zone| {
        let access = telling(&zone).await;
        let cast = cast();
        let id = submitted(&access, &cast).await;
        let made = access.create_hook(&admin(), hook(&["info_requested", "info_received"])).await.unwrap();
        assert!(matches!(access.create_hook(&cast.handler, hook(&[])).await, Err(Problem::Forbidden { .. })));
        let away = HookInput { url: "https://intranet/x".into(), ..hook(&[]) };
        assert!(matches!(access.create_hook(&admin(), away).await, Err(Problem::Invalid { .. })));
        let receiver = Receiver { status: Mutex::new(Some(204)), ..Receiver::default() };
        assert_eq!(access.call_hooks(&receiver).await.unwrap(), 0, "what was before is not told");
        ask(&access, &cast, id).await;
        run(&access, &cast.handler, id, "assign_case", json!({})).await.unwrap();
        assert_eq!(access.call_hooks(&receiver).await.unwrap(), 1);
        let (signature, body) = receiver.calls.lock().unwrap().remove(0);
        assert_eq!(signature, access::signature(&hex::decode(made.secret).unwrap(), zone.now(), &body));
        let body: Value = serde_json::from_str(&body).unwrap();
        let keys: Vec<&String> = body.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["at", "case", "id", "kind", "seq"]);
        assert_eq!(
            (body["kind"].as_str(), body["case"].as_str()),
            (Some("info_requested"), Some(id.to_string().as_str()))
        );
        let feed = whole(&access, &cast.handler, body["seq"].as_i64().unwrap() - 1).await;
        assert_eq!(feed[0].kind, "info_requested", "the number is the place in the feed");
        assert_eq!(access.call_hooks(&receiver).await.unwrap(), 0, "once it is answered it is done");
    })
    .await;
}

#[tokio::test]
async fn acc_201_a_receiver_that_is_silent_for_a_day_is_switched_off_and_somebody_is_told() {
    testkit::zones("centre", async |zone| {
        let access = telling(&zone).await;
        let cast = cast();
        access.set_contact(&admin(), "drift@body.example", Language::Nn).await.unwrap();
        access.create_hook(&admin(), hook(&[])).await.unwrap();
        let id = submitted(&access, &cast).await;
        let receiver = Receiver::default();
        assert_eq!(access.call_hooks(&receiver).await.unwrap(), 0);
        assert_eq!(receiver.calls.lock().unwrap().len(), 1, "one call tells that nobody is there");
        let failing = access.hooks(&admin()).await.unwrap().remove(0);
        assert_eq!((failing.failing_since, failing.error.as_deref()), (Some(zone.now()), Some("connection refused")));
        // Back within the day: everything arrives, in the end.
        zone.clock.advance_micros(MINUTE);
        *receiver.status.lock().unwrap() = Some(200);
        assert_eq!(access.call_hooks(&receiver).await.unwrap(), 2);
        assert_eq!(access.hooks(&admin()).await.unwrap()[0].failing_since, None);
        // Errors for a day.
        *receiver.status.lock().unwrap() = Some(500);
        ask(&access, &cast, id).await;
        for _ in 0..30 {
            access.call_hooks(&receiver).await.unwrap();
            zone.clock.advance_micros(60 * MINUTE);
        }
        let off = access.hooks(&admin()).await.unwrap().remove(0);
        assert_eq!((off.state.as_str(), off.error.as_deref()), ("off", Some("the receiver answered 500")));
        let told = access.outbox(&admin(), 0, 0).await.unwrap();
        assert!(told.items.iter().any(|m| m.kind == "hook_off" && m.account == admin().account.to_string()));
        let calls = receiver.calls.lock().unwrap().len();
        run(&access, &cast.handler, id, "cancel_info_request", json!({})).await.unwrap();
        access.call_hooks(&receiver).await.unwrap();
        assert_eq!(receiver.calls.lock().unwrap().len(), calls, "no more calls");
        assert!(zone.actions().await.iter().filter(|a| *a == "webhook.change ok").count() >= 2);
        // Switched on again it goes on with what is new.
        access.change_hook(&admin(), off.id, "on").await.unwrap();
        *receiver.status.lock().unwrap() = Some(200);
        ask(&access, &cast, id).await;
        assert_eq!(access.call_hooks(&receiver).await.unwrap(), 1);
        access.change_hook(&admin(), off.id, "remove").await.unwrap();
        assert!(access.hooks(&admin()).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn acc_161_the_applicant_is_told_of_the_decision_the_same_day() {
    testkit::zones("centre", async |zone| {
        let access = telling(&zone).await;
        let cast = cast();
        let id = support::proposed(&access, &cast).await;
        let post = Post::default();
        access.send_mail(&post).await.unwrap();
        post.taken.lock().unwrap().clear();
        run(&access, &cast.decider, id, "issue_decision", json!({})).await.unwrap();
        access.send_mail(&post).await.unwrap();
        let items = access.outbox(&admin(), 0, 100).await.unwrap().items;
        let told = |kind: &str| items.iter().filter(|m| m.kind == kind && m.state == "sent").count();
        assert_eq!((told("decision_issued"), told("permit_issued")), (1, 1));
        assert_eq!(post.taken.lock().unwrap().len(), 2);
        assert!(post.taken.lock().unwrap().iter().all(|mail| mail.to == "kari@universitetet.no"));
    })
    .await;
}
