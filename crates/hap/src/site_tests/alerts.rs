//! Budgets over HTTP (SDC-170..172): the page of the disclosure steward and its twin in JSON show the same alerts, meters and
//! proposals, take the same acts from the same persons, and a project sees of its own use no more than tenths.

use serde_json::{Value, json};

use super::{Visitor, ask, send, site, text, visitor};

/// Remainders of a variable with many values: each is a fragmenting split, of which eight are allowed.
fn script(splits: std::ops::Range<u32>) -> String {
    let head = "require no.ssb.fdb:1 as db\ncreate-dataset d\nimport db/BEFOLKNING_KJOENN as sex\n\
                import db/INNTEKT_WLONN 2020-01-01 as wage\n";
    let split = |k: u32| {
        format!("generate z{k} = wage - {0} * int(wage / {0})\nreplace z{k} = z{k} > 1\ntabulate z{k}\n", 7 + k)
    };
    format!("{head}{}", splits.map(split).collect::<String>())
}

#[tokio::test(flavor = "multi_thread")]
async fn sdc_172_alerts_over_json_are_those_of_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let (services, _running) = site(folder.path()).await;
    let router = web::router(services.clone());
    let researcher = visitor(&services, &router, Some("researcher")).await;
    let steward = visitor(&services, &router, Some("disclosure-steward")).await;
    let second = visitor(&services, &router, Some("registry-handler")).await;
    let auditor = visitor(&services, &router, Some("auditor")).await;
    let post = async |who: &Visitor, path: &str, body: Value| {
        let answer = send(&router, who, "POST", path, &body.to_string()).await;
        let status = answer.status().as_u16();
        (status, serde_json::from_str::<Value>(&text(answer).await).unwrap())
    };
    let run = async |splits| post(&researcher, "/api/v1/explore/run", json!({ "script": script(splits) })).await.1;

    let own = ask(&router, &researcher, "/api/v1/explore/budget").await;
    assert_eq!(own["versions"], json!([]), "nothing was asked for yet");
    let first = run(0..4).await;
    assert_eq!(first["state"], "finished", "{}", first["diagnostics"]);
    let own = ask(&router, &researcher, "/api/v1/explore/budget").await;
    assert_eq!((own["versions"].as_array().unwrap().len(), &own["versions"][0]["tenths"]), (1, &json!(5)), "{own}");
    assert!(own["resets"].is_string());
    let over = run(4..9).await;
    let stop = over["diagnostics"].as_array().unwrap().iter().find(|d| d["code"] == "E413").unwrap().clone();
    assert!(stop["message"].to_string().contains("åpner igjen tidligst"), "{stop}");
    let page = text(send(&router, &researcher, "GET", "/explore", "").await).await;
    assert!(page.contains("100 %") && page.contains("Dagens del nullstilles"), "the workspace says what is used");

    // Who may look, and what is seen.
    for (who, status) in [(&researcher, 403), (&auditor, 403), (&steward, 200), (&second, 200)] {
        assert_eq!(send(&router, who, "GET", "/api/v1/alerts", "").await.status().as_u16(), status);
    }
    let all = ask(&router, &steward, "/api/v1/alerts").await;
    let kinds: Vec<&str> = all["alerts"].as_array().unwrap().iter().map(|a| a["kind"].as_str().unwrap()).collect();
    assert_eq!((kinds.first(), kinds.contains(&"half")), (Some(&"stopped"), true), "{all}");
    assert_eq!(all["alerts"][0]["account"], json!(researcher.account));
    let meter = all["meters"][0].clone();
    assert_eq!((&meter["tenths"], &meter["fragmenting"]), (&json!(10), &json!({"used": 8, "limit": 8})), "{meter}");
    let page = text(send(&router, &steward, "GET", "/alerts", "").await).await;
    assert_eq!(page.matches("action=\"/alerts/acknowledge\"").count(), kinds.len(), "the page has the same alerts");
    assert!(page.contains("8 / 8"));
    let half = ask(&router, &steward, "/api/v1/alerts?kind=half").await;
    assert_eq!(half["alerts_total"], json!(1));
    let wrong = send(&router, &steward, "GET", "/api/v1/alerts?kind=other", "").await;
    assert_eq!(wrong.status().as_u16(), 422);

    // What is done about them, by either road.
    let seen = json!({"alert": half["alerts"][0]["id"], "reason": "En øvelse i ti grupper."});
    assert_eq!(post(&second, "/api/v1/alerts/acknowledge", seen.clone()).await.0, 403);
    assert_eq!(post(&steward, "/api/v1/alerts/acknowledge", json!({"alert": 1, "reason": " "})).await.0, 422);
    assert_eq!(post(&steward, "/api/v1/alerts/acknowledge", seen.clone()).await.0, 200);
    assert_eq!(post(&steward, "/api/v1/alerts/acknowledge", seen).await.0, 409, "once");
    assert_eq!(ask(&router, &steward, "/api/v1/alerts?kind=half").await["alerts_total"], json!(0));
    let shown = ask(&router, &steward, "/api/v1/alerts?kind=half&show=all").await;
    assert_eq!(shown["alerts"][0]["acknowledged"]["by"], json!(steward.account), "{shown}");
    let page = text(send(&router, &steward, "GET", "/alerts?kind=half&show=all", "").await).await;
    assert!(page.contains("En øvelse i ti grupper."));

    let more = json!({"project": meter["project"], "version": meter["version"], "more": 4, "reason": "Et rutenett."});
    assert_eq!(post(&second, "/api/v1/alerts/propose", more.clone()).await.0, 403);
    assert_eq!(post(&steward, "/api/v1/alerts/propose", more).await.0, 200);
    assert_eq!(post(&steward, "/api/v1/alerts/allow", json!({"proposal": 1})).await.0, 409, "two persons");
    let allowed = format!("_csrf={}&proposal=1", second.token);
    assert!(send(&router, &second, "POST", "/alerts/allow", &allowed).await.status().is_redirection());
    let all = ask(&router, &second, "/api/v1/alerts").await;
    assert_eq!(all["meters"][0]["fragmenting"], json!({"used": 8, "limit": 12}));
    assert_eq!(all["proposals"][0]["allowed_by"], json!(second.account));
    assert_eq!(run(8..9).await["state"], "finished", "what was allowed may be asked for");
}
