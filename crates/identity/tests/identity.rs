//! Login, sessions, roles and representation, on both databases.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Mutex;

use identity::{Action, Actor, DemoPerson, Enrolment, Grant, Identity, Object, Role, SubjectSealer, authorise};
use kernel::identity_number::{Accept, Rules};
use kernel::{CryptoError, Date, IdentityNumber, LangMap, Problem};
use store::{StoreError, Tx, params};
use testkit::TestZone;

fn number(individual: u16) -> IdentityNumber {
    (individual..).find_map(|i| IdentityNumber::synthetic(7, 3, 80, i)).unwrap()
}

fn child_number() -> IdentityNumber {
    (1..).find_map(|i| IdentityNumber::synthetic(5, 6, 14, i)).unwrap()
}

fn people() -> Vec<DemoPerson> {
    vec![
        DemoPerson {
            persona: "citizen",
            number: number(100),
            child: Some((child_number(), Date::new(2014, 6, 5).unwrap())),
        },
        DemoPerson { persona: "citizen-2", number: number(300), child: None },
    ]
}

async fn demo(zone: &TestZone) -> Identity {
    Identity::migrate(&zone.store).await.unwrap();
    let identity = Identity::new(zone.zone(), true);
    identity.seed_demo(&people()).await.unwrap();
    identity
}

async fn log_in(identity: &Identity, persona: &str) -> (String, Actor) {
    let token = identity.login_persona(persona).await.unwrap();
    let session = identity.session(&token).await.unwrap().unwrap();
    (token, session.actor)
}

/// Keeps what it was shown, to compare in the test.
#[derive(Default)]
struct Shown(Mutex<Vec<IdentityNumber>>);
impl SubjectSealer for Shown {
    fn seal(&self, number: &IdentityNumber) -> Result<Vec<u8>, CryptoError> {
        self.0.lock().unwrap().push(number.clone());
        Ok(b"sealed".to_vec())
    }
}

/// Architecture section 6: every persona can log in, with its roles, and each login and logout is recorded.
#[tokio::test]
async fn personas_log_in_and_out() {
    testkit::zones("centre", async |zone| {
        let identity = demo(&zone).await;
        identity.seed_demo(&people()).await.unwrap();
        let personas = identity.personas();
        for persona in &personas {
            let (token, actor) = log_in(&identity, persona.slug).await;
            assert_eq!(actor.roles().collect::<Vec<_>>(), persona.roles, "{}", persona.slug);
            assert_eq!(actor.name, persona.name);
            identity.logout(&token).await.unwrap();
            assert!(identity.session(&token).await.unwrap().is_none());
        }
        let handler = log_in(&identity, "registry-handler").await.1;
        assert!(handler.has_for(Role::RegistryHandler, "npr"));
        assert!(!handler.has_for(Role::RegistryHandler, "lmr"));
        let actions = zone.actions().await;
        let count = |a: &str| actions.iter().filter(|x| *x == a).count();
        assert_eq!(count("identity.enrol ok"), personas.len() + 1, "the second seed changes nothing");
        assert_eq!(count("identity.login ok"), personas.len() + 1);
        assert_eq!(count("identity.logout ok"), personas.len());
    })
    .await;
}

/// The personas exist only in an installation that is marked `demo`; a refused login is recorded (AUD-003).
#[tokio::test]
async fn personas_exist_in_the_demo_only() {
    let zone = testkit::zone("centre").await;
    let demo = demo(&zone).await;
    assert_eq!(demo.login_persona("nobody").await, Err(Problem::not_found("persona")));
    let real = Identity::new(zone.zone(), false);
    assert!(real.personas().is_empty());
    assert_eq!(real.login_persona("researcher").await, Err(Problem::forbidden("not_a_demo")));
    assert_eq!(real.seed_demo(&[]).await, Err(Problem::forbidden("not_a_demo")));
    let actions = zone.actions().await;
    assert_eq!(actions.iter().filter(|a| *a == "identity.login refused no_such_persona").count(), 2);
}

/// IDN-008: a demo takes synthetic numbers only, another installation none of them.
#[tokio::test]
async fn numbers_belong_in_their_environment() {
    let zone = testkit::zone("centre").await;
    let demo = demo(&zone).await;
    let real = Identity::new(zone.zone(), false);
    let plain = IdentityNumber::parse("29029648784", &Rules::any(Accept::Both)).unwrap();
    let enrolment = |number: IdentityNumber| Enrolment {
        issuer: "https://login.example".into(),
        subject: "s-1".into(),
        name: LangMap::of("a", "a", "a"),
        number: Some(number),
        grants: Vec::new(),
    };
    let by = || audit::Actor::service("centre");
    let refused = demo.enrol(by(), &enrolment(plain.clone())).await;
    assert_eq!(refused, Err(Problem::forbidden("kind_not_allowed")));
    let refused = real.enrol(by(), &enrolment(number(100))).await;
    assert_eq!(refused, Err(Problem::forbidden("synthetic_in_production")));
    let account = real.enrol(by(), &enrolment(plain.clone())).await.unwrap();
    assert_eq!(real.enrol(by(), &enrolment(plain)).await.unwrap(), account, "the same person is one account");
    assert!(zone.actions().await.contains(&"identity.enrol refused synthetic_in_production".to_owned()));
}

/// Sessions end when idle: 30 minutes for citizens, 8 hours for others; use keeps them alive. Only a hash is stored.
#[tokio::test]
async fn sessions_end_when_idle() {
    testkit::zones("centre", async |zone| {
        let identity = demo(&zone).await;
        let minutes = |n: i64| zone.clock.advance_micros(n * 60_000_000);
        let (citizen, _) = log_in(&identity, "citizen").await;
        let (researcher, _) = log_in(&identity, "researcher").await;
        for _ in 0..3 {
            minutes(29);
            assert!(identity.session(&citizen).await.unwrap().is_some());
        }
        minutes(30);
        assert!(identity.session(&citizen).await.unwrap().is_none());
        assert!(identity.session(&researcher).await.unwrap().is_some());
        minutes(8 * 60);
        assert!(identity.session(&researcher).await.unwrap().is_none());
        assert!(identity.session("").await.unwrap().is_none());
        let (token, _) = log_in(&identity, "student").await;
        let session = identity.session(&token).await.unwrap().unwrap();
        assert_ne!(session.form_secret(), token);
        assert_eq!(identity.session(&token).await.unwrap().unwrap().form_secret(), session.form_secret());
        let stored: Result<i64, StoreError> = zone
            .store
            .read("stored", async |tx: &mut Tx| {
                let sql = "SELECT COUNT(*) FROM session WHERE token_hash = $1 OR id = $1";
                tx.query_one(sql, params![&token]).await?.get(0)
            })
            .await;
        assert_eq!(stored.unwrap(), 0);
    })
    .await;
}

/// IDN-009: the number lies sealed in the login table, bound to its row, and leaves only through a sealer.
#[tokio::test]
async fn identity_numbers_are_sealed() {
    testkit::zones("centre", async |zone| {
        let identity = demo(&zone).await;
        let shown = Shown::default();
        let (_, citizen) = log_in(&identity, "citizen").await;
        assert_eq!(identity.sealed_subject(&citizen, &shown).await.unwrap(), b"sealed");
        assert_eq!(*shown.0.lock().unwrap(), [number(100)]);
        let (_, researcher) = log_in(&identity, "researcher").await;
        let none = identity.sealed_subject(&researcher, &shown).await;
        assert_eq!(none, Err(Problem::not_found("identity number")));

        let rows: Result<Vec<(String, Vec<u8>)>, StoreError> = zone
            .store
            .read("rows", async |tx: &mut Tx| {
                let rows = tx.query("SELECT account, number FROM login WHERE number IS NOT NULL", params![]).await?;
                rows.iter().map(|r| Ok((r.get(0)?, r.get(1)?))).collect()
            })
            .await;
        let rows = rows.unwrap();
        assert_eq!(rows.len(), 3);
        for (_, sealed) in &rows {
            let text = String::from_utf8_lossy(sealed);
            assert!(![number(100), number(300), child_number()].iter().any(|n| text.contains(n.reveal())));
        }
        // A sealed number moved to another row does not open.
        let mine = citizen.account.to_string();
        let other = rows.iter().find(|(account, _)| *account != mine).unwrap().1.clone();
        let moved: Result<u64, StoreError> = zone
            .store
            .tx("move", async |tx: &mut Tx| {
                tx.execute("UPDATE login SET number = $1 WHERE account = $2", params![other.clone(), &mine]).await
            })
            .await;
        moved.unwrap();
        assert!(matches!(identity.sealed_subject(&citizen, &shown).await, Err(Problem::Unavailable { .. })));
        zone.entries().await;
    })
    .await;
}

/// CIT section 5, CIT-060, CIT-062: a parent acts for the child until the sixteenth birthday, nobody else does.
#[tokio::test]
async fn a_parent_acts_for_a_child_until_sixteen() {
    testkit::zones("centre", async |zone| {
        let identity = demo(&zone).await;
        let (token, parent) = log_in(&identity, "citizen").await;
        let children = identity.represented(&parent).await.unwrap();
        assert_eq!(children.len(), 1);
        let child = children[0].0;
        identity.represent(&parent, Some(child)).await.unwrap();
        let acting = identity.session(&token).await.unwrap().unwrap().actor;
        assert_eq!((acting.on_behalf_of, acting.subject()), (Some(child), child));
        let shown = Shown::default();
        identity.sealed_subject(&acting, &shown).await.unwrap();
        assert_eq!(*shown.0.lock().unwrap(), [child_number()]);
        identity.represent(&acting, None).await.unwrap();
        assert_eq!(identity.session(&token).await.unwrap().unwrap().actor.on_behalf_of, None);

        let (_, other) = log_in(&identity, "citizen-2").await;
        assert!(identity.represented(&other).await.unwrap().is_empty());
        assert_eq!(identity.represent(&other, Some(child)).await, Err(Problem::forbidden("no_basis")));
        let forged = Actor { on_behalf_of: Some(child), ..other };
        assert_eq!(identity.sealed_subject(&forged, &shown).await, Err(Problem::not_found("person")));

        let entries = zone.entries().await;
        let chosen = entries.iter().find(|e| e["action"] == "identity.represent").unwrap();
        assert_eq!(chosen["on_behalf_of"], child.to_string());
        assert_eq!(chosen["detail"]["basis"], "parent");

        // The clock stands in November 2026; the child is sixteen on 5 June 2030.
        identity.represent(&parent, Some(child)).await.unwrap();
        let birthday = "2030-06-04T22:00:00Z".parse::<kernel::Timestamp>().unwrap();
        let now = zone.zone().clock.now();
        zone.clock.advance_micros(birthday.micros() - now.micros() - 1);
        let (token, parent) = log_in(&identity, "citizen").await;
        identity.represent(&parent, Some(child)).await.unwrap();
        assert!(identity.session(&token).await.unwrap().is_some());
        zone.clock.advance_micros(1);
        assert!(identity.session(&token).await.unwrap().is_none(), "the session ends with the right");
        let (_, parent) = log_in(&identity, "citizen").await;
        assert!(identity.represented(&parent).await.unwrap().is_empty());
    })
    .await;
}

const WHY: &str = "Begynte i stillingen i november.";

/// Every change of a role has a reason and is kept; nobody gives a role to themselves, and one administrator is left.
#[tokio::test]
async fn roles_change_with_a_reason_and_a_history() {
    testkit::zones("centre", async |zone| {
        let identity = demo(&zone).await;
        let (_, administrator) = log_in(&identity, "administrator").await;
        let (_, auditor) = log_in(&identity, "auditor").await;
        let (_, student) = log_in(&identity, "student").await;
        let grant = Grant { role: Role::Reviewer, organisation: "university".into(), scope: None };
        let short = identity.grant(&administrator, student.account, &grant, "Fordi.").await;
        assert!(matches!(short, Err(Problem::Invalid { .. })), "{short:?}");
        let own = identity.grant(&administrator, administrator.account, &grant, WHY).await;
        assert_eq!(own, Err(Problem::forbidden("same_person")));
        identity.grant(&administrator, student.account, &grant, WHY).await.unwrap();
        zone.clock.advance_micros(1);
        identity.revoke(&administrator, student.account, &grant, "Sluttet i stillingen igjen.").await.unwrap();
        let (holder, changes) = identity.roles_of(&auditor, student.account).await.unwrap();
        assert_eq!(holder.grants, student.grants);
        let told: Vec<(bool, &str)> = changes.iter().map(|c| (c.given, c.reason.as_str())).collect();
        assert_eq!(told, [(false, "Sluttet i stillingen igjen."), (true, WHY)], "the newest first");
        assert!(changes.iter().all(|c| c.by == administrator.account && c.grant == grant));

        let of = |role| identity::AccountFilter { role, size: 25, ..Default::default() };
        let (found, total) = identity.accounts(&auditor, &of(Some(Role::Student))).await.unwrap();
        assert_eq!((found.len(), total, found[0].account), (1, 1, student.account));
        let named = identity::AccountFilter { name: "beslutter", ..of(None) };
        assert_eq!(identity.accounts(&administrator, &named).await.unwrap().1, 2);
        assert_eq!(identity.accounts(&student, &of(None)).await, Err(Problem::forbidden("forbidden")));
        let refused = identity.roles_of(&student, student.account).await.map(|_| ());
        assert_eq!(refused, Err(Problem::forbidden("forbidden")));

        let last = identity.revoke(&administrator, administrator.account, &administrator.grants[0], WHY).await;
        assert!(matches!(last, Err(Problem::Conflict { ref code, .. }) if code == "last_administrator"), "{last:?}");
        let (_, still) = log_in(&identity, "administrator").await;
        assert_eq!(still.grants, administrator.grants, "nothing was taken");
    })
    .await;
}

/// Roles are given and taken by an administrator, with an entry; others are refused, with an entry.
#[tokio::test]
async fn roles_are_given_by_an_administrator() {
    testkit::zones("centre", async |zone| {
        let identity = demo(&zone).await;
        let (_, administrator) = log_in(&identity, "administrator").await;
        let (token, student) = log_in(&identity, "student").await;
        let grant = Grant { role: Role::Researcher, organisation: "university".into(), scope: None };
        let refused = identity.grant(&student, student.account, &grant, WHY).await;
        assert_eq!(refused, Err(Problem::forbidden("forbidden")));
        identity.grant(&administrator, student.account, &grant, WHY).await.unwrap();
        assert!(identity.session(&token).await.unwrap().unwrap().actor.has(Role::Researcher));
        let researchers = identity.with_role(Role::Researcher).await.unwrap();
        assert_eq!(researchers.len(), 2);
        identity.revoke(&administrator, student.account, &grant, WHY).await.unwrap();
        assert!(!identity.session(&token).await.unwrap().unwrap().actor.has(Role::Researcher));
        let again = identity.revoke(&administrator, student.account, &grant, WHY).await;
        assert_eq!(again, Err(Problem::not_found("role of the account")));
        let nowhere = Grant { organisation: "nowhere".into(), ..grant };
        assert!(matches!(
            identity.grant(&administrator, student.account, &nowhere, WHY).await,
            Err(Problem::NotFound { .. })
        ));
        assert_eq!(identity.name(student.account).await.unwrap(), student.name);
        let actions = zone.actions().await;
        for wanted in ["identity.deny refused forbidden", "identity.grant ok", "identity.revoke ok"] {
            assert_eq!(actions.iter().filter(|a| *a == wanted).count(), 1, "{wanted}");
        }
    })
    .await;
}

/// ACC-009: an account that assesses cases is given no role that prepares data or runs a room, and the other way round;
/// the attempt leaves an entry. Other roles go together.
#[tokio::test]
async fn acc_009_roles_that_must_stay_apart_are_not_given_to_one_account() {
    testkit::zones("centre", async |zone| {
        let identity = demo(&zone).await;
        let (_, administrator) = log_in(&identity, "administrator").await;
        let grant = |role: Role| Grant { role, organisation: "helsedataservice".into(), scope: None };
        let apart = Err(Problem::forbidden("role_separation"));
        for (persona, role) in [
            ("case-handler-1", Role::DataPreparer),
            ("decision-maker", Role::RoomIntake),
            ("data-preparer", Role::CaseHandler),
            ("room-intake", Role::DecisionMaker),
        ] {
            let (_, account) = log_in(&identity, persona).await;
            assert_eq!(
                identity.grant(&administrator, account.account, &grant(role), WHY).await,
                apart,
                "{persona} {role}"
            );
            let (_, after) = log_in(&identity, persona).await;
            assert_eq!(after.grants, account.grants, "{persona} holds what it held");
        }
        let (_, handler) = log_in(&identity, "case-handler-1").await;
        identity.grant(&administrator, handler.account, &grant(Role::DecisionMaker), WHY).await.unwrap();
        // A role that was taken away stands no longer in the way.
        let (_, preparer) = log_in(&identity, "data-preparer").await;
        identity.revoke(&administrator, preparer.account, &preparer.grants[0], WHY).await.unwrap();
        identity.grant(&administrator, preparer.account, &grant(Role::CaseHandler), WHY).await.unwrap();
        let both = Enrolment {
            issuer: "https://login.example".into(),
            subject: "both".into(),
            name: LangMap::of("B", "B", "B"),
            number: None,
            grants: vec![grant(Role::CaseHandler), grant(Role::DataPreparer)],
        };
        assert_eq!(identity.enrol(audit::Actor::service("test"), &both).await.map(|_| ()), apart);
        let refused = zone.actions().await.iter().filter(|a| *a == "identity.grant refused role_separation").count();
        assert_eq!(refused, 4);
    })
    .await;
}

/// AUD-003: a denied attempt leaves an entry that names who, what and on which object; an allowed one leaves none here.
#[tokio::test]
async fn denied_attempts_are_recorded() {
    let zone = testkit::zone("centre").await;
    let researcher = testkit::actor("r", Role::Researcher, "university");
    let queue = Object::any("case queue");
    let denied = authorise(&zone, &researcher, Action("case.queue"), &queue).await;
    assert_eq!(denied, Err(Problem::forbidden("forbidden")));
    authorise(&zone, &researcher, Action("explore.run"), &Object::any("script")).await.unwrap();
    let identity = demo(&zone).await;
    identity.denied(&researcher, "POST", "/cases/{id}/decide").await.unwrap();
    let entries = zone.entries().await;
    let denials: Vec<_> = entries.iter().filter(|e| e["action"] == "identity.deny").collect();
    assert_eq!(denials.len(), 2);
    assert_eq!(denials[0]["actor"]["id"], researcher.account.to_string());
    assert_eq!(denials[0]["actor"]["role"], "researcher");
    assert_eq!(denials[0]["detail"]["action"], "case.queue");
    assert_eq!(denials[1]["detail"]["path"], "/cases/{id}/decide");
}
