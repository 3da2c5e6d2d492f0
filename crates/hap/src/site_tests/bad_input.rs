//! Bad input: each mistake gets an answer that names place and remedy, in the form that the asker reads, and nothing that
//! somebody wrote is lost.

use axum::Router;
use serde_json::{Value, json};

use super::{Visitor, ask, send, site, text, visitor};

const PAGE: &str = "text/html; charset=utf-8";
const PROBLEM: &str = "application/problem+json";
const ID: &str = "00000000-0000-4000-8000-0000000000";

/// Who asks for what, and the status and words of the answer.
type Case<'a> = (&'a Visitor, &'a str, String, String, u16, &'a [&'a str]);

async fn all(router: &Router, cases: &[Case<'_>]) {
    for (who, method, path, body, status, words) in cases {
        let answer = send(router, who, method, path, body).await;
        let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
        let (got, text) = (answer.status().as_u16(), text(answer).await);
        let shown: String = text.chars().take(3000).collect();
        assert_eq!(got, *status, "{method} {path}: {shown}");
        assert_eq!(kind, if path.starts_with("/api/") { PROBLEM } else { PAGE }, "{method} {path}");
        for word in *words {
            assert!(text.contains(word), "{method} {path} does not say {word:?}: {text}");
        }
        let reference = if path.starts_with("/api/") { "\"reference\"" } else { "Referanse" };
        assert!(text.contains(reference), "{method} {path} has no reference");
    }
}

/// The fields of a form with the visitor's token.
fn form(who: &Visitor, fields: &[(&str, &str)]) -> String {
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.append_pair("_csrf", &who.token);
    body.extend_pairs(fields);
    body.finish()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_is_answered_with_place_and_remedy_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let (services, _running) = site(folder.path()).await;
    let router = web::router(services.clone());
    let nobody = visitor(&services, &router, None).await;
    let researcher = visitor(&services, &router, Some("researcher")).await;
    let citizen = visitor(&services, &router, Some("citizen")).await;
    let draft = draft(&router, &researcher).await;
    let (get, post, none) = ("GET", "POST", String::new);
    let big = "x".repeat(2 << 20);
    all(
        &router,
        &[
            // Addresses.
            (&nobody, get, "/nosuch".into(), none(), 404, &["Sjekk adressen"]),
            (&nobody, get, "/find/variable/%ff".into(), none(), 404, &["Sjekk adressen"]),
            (&nobody, get, "/find/source/nosuch".into(), none(), 404, &["Sjekk adressen"]),
            (&nobody, get, "/register?from=abc".into(), none(), 422, &["from", "rett den eller ta den bort"]),
            (&nobody, get, "/api/v1/register?from=abc".into(), none(), 422, &["from", "mend or remove it"]),
            (&nobody, "PUT", "/".into(), none(), 405, &["Bruk knappene"]),
            (&nobody, "DELETE", "/api/v1/cases".into(), none(), 405, &["\"status\":405"]),
            (&researcher, get, "/explore/run/zzz".into(), none(), 404, &["Sjekk adressen"]),
            (&researcher, get, format!("/apply/{draft}/nosuch"), none(), 404, &["Sjekk adressen"]),
            // Bodies of calls.
            (&nobody, post, "/api/v1/login".into(), none(), 422, &["missing field `persona`", "line 1"]),
            (&nobody, post, "/api/v1/login".into(), "{\"persona\":5}".into(), 422, &["expected a string", "column 12"]),
            (&nobody, post, "/api/v1/login".into(), "{\"persona\":\"x\",\"y\":1}".into(), 422, &["unknown field `y`"]),
            (&nobody, post, "/api/v1/login".into(), " ".repeat(5 << 20), 422, &["at most 4 MiB"]),
            (&nobody, post, "/api/v1/login".into(), json!({"persona": "nosuch"}).to_string(), 404, &["persona"]),
            (
                &citizen,
                post,
                "/api/v1/me/choices".into(),
                json!({"choice": "z", "scope": "npr", "value": true}).to_string(),
                422,
                &["`opt_out`"],
            ),
            (&citizen, post, "/api/v1/me/represent".into(), json!({"account": "zz"}).to_string(), 422, &["account id"]),
            (
                &researcher,
                post,
                format!("/api/v1/cases/{draft}/fields"),
                json!({"fields": {"nosuch": 1}}).to_string(),
                422,
                &["nosuch", "no such field"],
            ),
            (
                &researcher,
                post,
                format!("/api/v1/cases/{draft}/commands/nosuch"),
                json!({"command_id": format!("{ID}01"), "expected_version": 1}).to_string(),
                422,
                &["nosuch"],
            ),
            (
                &researcher,
                post,
                format!("/api/v1/cases/{draft}/commands/submit"),
                json!({"command_id": "x", "expected_version": 1}).to_string(),
                422,
                &["command_id", "36 characters"],
            ),
            // Forms.
            (
                &researcher,
                post,
                "/cart/add".into(),
                form(&researcher, &[]),
                422,
                &["variable", "velg minst én variabel"],
            ),
            (
                &researcher,
                post,
                "/cart/add".into(),
                form(&researcher, &[("variable", "nosuch")]),
                404,
                &["Sjekk adressen"],
            ),
            (&researcher, post, "/cart/add".into(), form(&researcher, &[("variable", &big)]), 422, &["1 MiB"]),
            (&researcher, post, "/cart/add".into(), "--x\r\nbroken".into(), 403, &["Skjemaet må sendes på nytt"]),
            (
                &citizen,
                post,
                "/me/choices".into(),
                form(&citizen, &[("choice", "reservation"), ("scope", "npr"), ("value", "maybe")]),
                422,
                &["value", "velg et av alternativene"],
            ),
            (
                &citizen,
                post,
                "/me/choices".into(),
                form(&citizen, &[("choice", "reservation"), ("scope", "zz"), ("value", "yes")]),
                422,
                &["scope", "velg et av registrene"],
            ),
            (&citizen, post, "/me/represent".into(), form(&citizen, &[("account", "zz")]), 422, &["account"]),
            (
                &researcher,
                post,
                format!("/apply/{draft}/pub"),
                form(&researcher, &[("pub.title", &"å".repeat(60_000))]),
                422,
                &["pub.title", "ååå"],
            ),
        ],
    )
    .await;
    what_is_missing_is_told_when_a_section_is_begun(&router, &researcher).await;
    half_filled_form_of_an_ended_session(&services, &router, &draft).await;
    sent_twice_and_stale(&router, &researcher, &draft).await;
}

async fn draft(router: &Router, who: &Visitor) -> String {
    let cart = json!({"variable": "npr.somatikk.hovedtilstand"}).to_string();
    assert_eq!(send(router, who, "POST", "/api/v1/cart", &cart).await.status(), 200);
    let made = text(send(router, who, "POST", "/api/v1/cases", "{}").await).await;
    serde_json::from_str::<Value>(&made).unwrap()["id"].as_str().unwrap().to_owned()
}

/// What is missing in a section is told when somebody has answered something there or has saved it, not before.
async fn what_is_missing_is_told_when_a_section_is_begun(router: &Router, who: &Visitor) {
    let path = format!("/apply/{}/pub", draft(router, who).await);
    let faults = async |path: &str| text(send(router, who, "GET", path, "").await).await.matches("error-text").count();
    assert_eq!(faults(&path).await, 0, "a new application");
    let saved = send(router, who, "POST", &path, &form(who, &[("pub.title", ""), ("go", "stay")])).await;
    let to = saved.headers()["location"].to_str().unwrap().to_owned();
    assert!(faults(&to).await > 0, "saved without an answer: {to}");
    assert_eq!(faults(&path).await, 0, "opened again");
    send(router, who, "POST", &path, &form(who, &[("pub.title", "Slag i Norge"), ("go", "next")])).await;
    assert!(faults(&path).await > 0, "begun and left");
}

/// The session ends while somebody writes: what was written comes back, and is saved once there is a session again.
async fn half_filled_form_of_an_ended_session(services: &web::Services, router: &Router, draft: &str) {
    let path = format!("/apply/{draft}/pub");
    let written = [("pub.title", "Halvskrevet tittel <b>")];
    let mut who = visitor(services, router, Some("researcher")).await;
    let body = form(&who, &written);
    services.identity.logout(&who.session).await.unwrap();
    let answer = send(router, &who, "POST", &path, &body).await;
    assert_eq!(answer.status(), 401);
    let page = text(answer).await;
    let kept = format!("action=\"{path}\"");
    assert!(
        page.contains("Halvskrevet tittel &#60;b&#62;") && page.contains(&kept) && page.contains("Du er logget ut"),
        "{page}"
    );
    // Logged in again in another tab, the same form is sent: it is out of date, comes back, and is then accepted.
    who = visitor(services, router, Some("researcher")).await;
    let answer = send(router, &who, "POST", &path, &body).await;
    assert_eq!(answer.status(), 403);
    let page = text(answer).await;
    assert!(page.contains("Halvskrevet tittel") && page.contains(&who.token), "{page}");
    assert_eq!(send(router, &who, "POST", &path, &form(&who, &written)).await.status(), 303);
    let saved = ask(router, &who, &format!("/api/v1/cases/{draft}/draft")).await;
    assert!(saved.to_string().contains("Halvskrevet tittel <b>"), "{saved}");
}

/// A form sent twice is carried out once; one that was opened before the case moved on says so and gives the text back.
async fn sent_twice_and_stale(router: &Router, who: &Visitor, draft: &str) {
    let version = async || ask(router, who, &format!("/api/v1/cases/{draft}/draft")).await["version"].to_string();
    let now = version().await;
    let path = format!("/cases/{draft}/delete_draft");
    let stale = form(
        who,
        &[("command_id", &format!("{ID}02")), ("version", "0"), ("reason", "Prosjektet er lagt på is inntil videre")],
    );
    let answer = send(router, who, "POST", &path, &stale).await;
    assert_eq!(answer.status(), 409);
    let page = text(answer).await;
    assert!(page.contains("Prosjektet er lagt på is") && page.contains("Last siden på nytt"), "{page}");
    assert_eq!(version().await, now, "a refused form changed the case");
    let again = json!({"command_id": format!("{ID}03"), "expected_version": now.parse::<i64>().unwrap(), "payload": {"items": []}});
    let path = format!("/api/v1/cases/{draft}/commands/edit_cart");
    let first: Value =
        serde_json::from_str(&text(send(router, who, "POST", &path, &again.to_string()).await).await).unwrap();
    let second: Value =
        serde_json::from_str(&text(send(router, who, "POST", &path, &again.to_string()).await).await).unwrap();
    assert_eq!((&first["repeated"], &second["repeated"]), (&json!(false), &json!(true)), "{first} {second}");
    assert_eq!(first["version"], second["version"], "the same command twice is one command");
}
