//! The committed table endpoint × role → status: every route of the site and its API, asked by every persona and by nobody,
//! about things that belong to the researcher and to the first citizen of a finished tour. Each refusal (403, or 404 for what is hidden) must leave
//! an audit entry. `HAP_UPDATE=1 cargo test -p hap role_table` writes the table anew.

use std::collections::BTreeMap;

use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{ask, send, site, text, visitor};
use crate::commands::role;
use crate::tour;

/// Where the table stands.
const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/endpoints.csv");

/// What stands behind the parameters of addresses.
struct Things {
    draft: String,
    case: String,
    series: String,
    number: String,
    appeal: String,
    run: String,
    receipt: String,
    account: String,
}

impl Things {
    async fn of(services: &web::Services, router: &Router) -> Self {
        let researcher = visitor(services, router, Some("researcher")).await;
        let citizen = visitor(services, router, Some("citizen")).await;
        let string = |value: &Value| value.as_str().unwrap_or_else(|| panic!("no text in {value}")).to_owned();
        let made = text(send(router, &researcher, "POST", "/api/v1/cases", "{}").await).await;
        let cases = ask(router, &researcher, "/api/v1/cases").await;
        let decided = cases["items"].as_array().unwrap().iter().find(|c| c["number"].is_string()).unwrap().clone();
        let case = string(&decided["id"]);
        let view = ask(router, &researcher, &format!("/api/v1/cases/{case}")).await;
        let appeal = appealed(router, &researcher, &view).await;
        let student = services.identity.with_role(identity::Role::Student).await.unwrap();
        Self {
            account: student[0].0.to_string(),
            draft: string(&serde_json::from_str::<Value>(&made).unwrap()["id"]),
            series: string(&view["decision"]["permit"]["series"]),
            number: string(&decided["number"]),
            case,
            appeal,
            run: string(&ask(router, &researcher, "/api/v1/explore/runs").await[0]["id"]),
            receipt: string(&ask(router, &citizen, "/api/v1/me/choices").await["receipts"][0]["number"]),
        }
    }

    /// The address of an endpoint with its parameters filled in.
    fn address(&self, path: &str) -> String {
        let writing = (path.starts_with("/apply") && !path.ends_with("/appeal"))
            || path.ends_with("/draft")
            || path.ends_with("/check")
            || path.ends_with("/feasibility")
            || path.ends_with("/fields");
        let id = match path {
            _ if path.contains("/runs/") || path.starts_with("/explore") || path.starts_with("/e/") => &self.run,
            _ if path.starts_with("/find/source/") => "npr",
            _ if path.contains("/variable") => "npr.somatikk.hovedtilstand",
            _ if writing => &self.draft,
            _ => &self.case,
        };
        let number = match path {
            _ if path.contains("/receipts/") => &self.receipt,
            _ if path.contains("/appeals/") => &self.appeal,
            _ => &self.number,
        };
        let name = match path {
            _ if path.contains("/appeals/") => "withdraw",
            _ if path.contains("/commands/") => "assign_case",
            _ => "dark",
        };
        [
            ("{id}", id),
            ("{series}", &self.series),
            ("{number}", number),
            ("{account}", &self.account),
            ("{result}", "1"),
            ("{file}", "1.json"),
            ("{section}", "pub"),
            ("{code}", "nb"),
            ("{year}", "2027"),
            ("{change}", "off"),
            ("{name}", name),
            ("{command}", if path.starts_with("/permits/") { "submit_report" } else { "assign_case" }),
        ]
        .iter()
        .fold(path.to_owned(), |path, (name, value)| path.replace(name, value))
    }

    /// A body of the right form; where the right form would change what the next one finds, one that is refused late.
    fn body(&self, path: &str, token: &str) -> String {
        let id = "00000000-0000-4000-8000-000000000000";
        let api = match path {
            "/api/v1/login" => json!({ "persona": "student" }),
            "/api/v1/cart" | "/api/v1/cart/remove" => json!({ "variable": "npr.somatikk.hovedtilstand" }),
            "/api/v1/explore/check" | "/api/v1/explore/format" | "/api/v1/explore/run" | "/api/v1/explore/runs" => {
                json!({ "script": "require no.ssb.fdb:1 as d\n" })
            }
            _ if path.ends_with("/share") => json!({ "with": "me" }),
            "/api/v1/explore/complete" | "/api/v1/explore/hover" => json!({ "script": "", "line": 1, "column": 1 }),
            "/api/v1/me/choices" => json!({"choice": "reservation", "scope": "nowhere", "value": true}),
            "/api/v1/me/represent" => json!({ "account": null }),
            "/api/v1/guidance" => json!({"source": "nowhere", "field": "pub.title"}),
            _ if path.ends_with("/redact") => json!({"reason": "nei"}),
            _ if path.ends_with("/fields") => json!({ "fields": {} }),
            // A version that the appeal does not have: it stands as it is for the next one who asks.
            _ if path.contains("/appeals/") => json!({"command_id": id, "expected_version": 99}),
            _ if path.contains("/commands/") => json!({"command_id": id, "expected_version": 1}),
            _ => json!({}),
        };
        if path.starts_with("/api/") {
            return api.to_string();
        }
        format!(
            "_csrf={token}&persona=student&variable=npr.somatikk.hovedtilstand&script=require%20no.ssb.fdb%3A1%20as%20d&\
             command_id={id}&version=1&pub.title=T&choice=none"
        )
    }
}

/// Appeals against the decision of a case; gives the number.
async fn appealed(router: &Router, who: &super::Visitor, case: &Value) -> String {
    let form = json!({"parts": [case["decision"]["decision"]["parts"][0]["source"]],
        "wanted": "Alle variablene det er søkt om.", "suspend": false, "signed": true});
    let body = json!({"command_id": "00000000-0000-4000-8000-0000000000a1", "expected_version": case["version"],
        "payload": form});
    let path = format!("/api/v1/cases/{}/commands/lodge_appeal", case["id"].as_str().unwrap());
    let answer = send(router, who, "POST", &path, &body.to_string()).await;
    assert_eq!(answer.status(), StatusCode::OK, "{}", text(answer).await);
    let appeals = ask(router, who, "/api/v1/appeals").await;
    appeals[0]["number"].as_str().unwrap().to_owned()
}

/// How many refused entries the log has for each account.
async fn refused(services: &web::Services) -> BTreeMap<String, usize> {
    while services.log.status().await.unwrap().backlog > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let (mut counts, mut before) = (BTreeMap::new(), None);
    loop {
        let query = audit::Query { outcome: Some("refused".into()), before, limit: 1000, ..audit::Query::default() };
        let found = services.log.find(&query).await.unwrap();
        let Some(last) = found.last() else { return counts };
        before = Some(last.index);
        for entry in &found {
            let actor = entry.body.as_ref().and_then(|b| b["actor"]["id"].as_str()).unwrap_or_default();
            *counts.entry(actor.to_owned()).or_insert(0) += 1;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_answers_every_role_as_the_committed_table_says() {
    let folder = tempfile::tempdir().unwrap();
    let (services, running) = site(folder.path()).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(role::site(listener, services.clone(), running.subscribe()));
    tour::walk(&tour::Site::new(&url, None), &mut tour::Guide::default()).await.unwrap();

    let router = web::router(services.clone());
    let things = Things::of(&services, &router).await;
    let personas: Vec<&str> = services.identity.personas().iter().map(|p| p.slug).collect();
    let endpoints = web::endpoints(&services);
    let mut table = format!("method,path,nobody,{}\n", personas.join(","));
    let mut columns: Vec<Vec<StatusCode>> = Vec::new();
    let (earlier, mut accounts) = (refused(&services).await, Vec::new());
    for persona in std::iter::once(None).chain(personas.iter().copied().map(Some)) {
        let mut who = visitor(&services, &router, persona).await;
        let mut column = Vec::new();
        for endpoint in &endpoints {
            let path = things.address(endpoint.path);
            let body = if endpoint.method == "POST" { things.body(endpoint.path, &who.token) } else { String::new() };
            let status = send(&router, &who, endpoint.method, &path, &body).await.status();
            column.push(status);
            if endpoint.path.ends_with("/logout") {
                who = visitor(&services, &router, persona).await;
            }
        }
        accounts.push(who.account);
        columns.push(column);
    }
    // What nobody finds is not there; what one finds and another does not was refused to the other.
    let there = |row: usize| columns.iter().skip(1).any(|c| c[row] != StatusCode::NOT_FOUND);
    let is_refusal = |row: usize, status: StatusCode| {
        status == StatusCode::FORBIDDEN || (status == StatusCode::NOT_FOUND && there(row))
    };
    let later = refused(&services).await;
    for (account, column) in accounts.iter().zip(&columns).filter(|(account, _)| !account.is_empty()) {
        let refusals = column.iter().enumerate().filter(|(row, status)| is_refusal(*row, **status)).count();
        let entries = later.get(account).unwrap_or(&0) - earlier.get(account).unwrap_or(&0);
        let list = || {
            let refused =
                endpoints.iter().zip(column).enumerate().filter(|(row, (_, status))| is_refusal(*row, **status));
            refused.map(|(_, (e, status))| format!("{} {} {status}", e.method, e.path)).collect::<Vec<_>>().join("\n")
        };
        assert!(entries >= refusals, "{entries} audit entries for {refusals} refusals of {account}:\n{}", list());
    }
    for (row, endpoint) in endpoints.iter().enumerate() {
        let statuses: Vec<&str> = columns.iter().map(|c| c[row].as_str()).collect();
        table.push_str(&format!("{},{},{}\n", endpoint.method, endpoint.path, statuses.join(",")));
    }
    if std::env::var_os("HAP_UPDATE").is_some() {
        std::fs::write(TABLE, &table).unwrap();
    }
    let committed = std::fs::read_to_string(TABLE).unwrap_or_default();
    let differs: Vec<_> = table.lines().filter(|l| !committed.lines().any(|c| c == *l)).collect();
    assert!(table == committed, "differs from {TABLE} (HAP_UPDATE=1 writes it anew):\n{}", differs.join("\n"));
}
