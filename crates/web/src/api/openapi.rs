//! The description of the JSON API (OpenAPI 3.1), made from the table of endpoints, so that no call is missing in it and
//! none is described that does not exist. What the table does not know – what a call is for, what it takes and gives –
//! stands in `openapi.json` beside this file.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use crate::site::{Endpoint, Who};

static TEXTS: LazyLock<Value> = LazyLock::new(|| {
    #[expect(clippy::unwrap_used, reason = "the file is part of the program and is read by its tests")]
    serde_json::from_str(include_str!("openapi.json")).unwrap()
});

/// The description of every endpoint under `/api/`.
pub(super) fn document(endpoints: &[Endpoint]) -> Value {
    let mut paths = Map::new();
    for endpoint in endpoints.iter().filter(|e| e.path.starts_with("/api/")) {
        let methods = paths.entry(endpoint.path).or_insert_with(|| json!({}));
        methods[endpoint.method.to_lowercase()] = operation(endpoint);
    }
    json!({
        "openapi": "3.1.0",
        "info": {"title": "hap", "version": env!("CARGO_PKG_VERSION"), "license": {"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
            "description": TEXTS["description"]},
        "paths": paths,
        "components": {
            "schemas": TEXTS["schemas"],
            "securitySchemes": {"session": {"type": "apiKey", "in": "cookie", "name": "hap_session"}},
            "responses": {"problem": {"description": "A problem as RFC 9457 says it, with what can be done about it",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}},
        },
    })
}

fn operation(endpoint: &Endpoint) -> Value {
    let known = &TEXTS["operations"][format!("{} {}", endpoint.method, endpoint.path)];
    let mut parameters: Vec<Value> = names(endpoint.path)
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
        .collect();
    for (name, schema) in known["query"].as_object().into_iter().flatten() {
        parameters.push(json!({"name": name, "in": "query", "required": false, "schema": schema}));
    }
    let kind = known["type"].as_str().unwrap_or("application/json");
    let schema =
        |name: &Value| name.as_str().map_or(json!({}), |n| json!({"$ref": format!("#/components/schemas/{n}")}));
    let content = json!({kind: {"schema": schema(&known["gives"])}});
    let mut responses = json!({"200": {"description": "Done", "content": content}});
    let mut problem = |status: &str| responses[status] = json!({"$ref": "#/components/responses/problem"});
    problem("422");
    if endpoint.path.contains('{') {
        problem("404");
    }
    if endpoint.who != Who::Anyone {
        problem("401");
        problem("403");
    }
    if endpoint.method == "POST" {
        problem("409");
    }
    let id = format!("{} {}", endpoint.method.to_lowercase(), endpoint.path.trim_start_matches("/api/v1/"));
    let id: String = id.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let mut operation = json!({"operationId": id, "parameters": parameters, "responses": responses});
    if let Some(summary) = known["summary"].as_str() {
        operation["summary"] = json!(summary);
    }
    if endpoint.method == "POST" {
        operation["requestBody"] = json!({"content": {"application/json": {"schema": schema(&known["takes"])}}});
    }
    operation["security"] = if endpoint.who == Who::Anyone { json!([]) } else { json!([{"session": []}]) };
    if let Who::Roles(roles) = endpoint.who {
        operation["x-roles"] = roles.iter().map(|role| role.slug()).collect();
    }
    operation
}

/// The parameters of an address.
fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|part| part.split_once('}').map(|(name, _)| name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_of_the_description_is_there() {
        let schemas = TEXTS["schemas"].as_object().unwrap();
        fn references(value: &Value, out: &mut Vec<String>) {
            match value {
                Value::Object(map) => {
                    out.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
                    map.values().for_each(|v| references(v, out));
                }
                Value::Array(items) => items.iter().for_each(|v| references(v, out)),
                _ => {}
            }
        }
        let mut found = Vec::new();
        references(&TEXTS, &mut found);
        for operation in TEXTS["operations"].as_object().unwrap().values() {
            assert!(operation["summary"].is_string(), "{operation}");
            found.extend(["takes", "gives"].iter().filter_map(|k| operation[*k].as_str()).map(|n| format!("/{n}")));
        }
        for reference in found {
            let name = reference.rsplit('/').next().unwrap();
            assert!(schemas.contains_key(name), "{reference}");
        }
    }

    #[test]
    fn an_operation_says_who_may_and_what_can_go_wrong() {
        let roles: &[identity::Role] = &[identity::Role::Administrator];
        let endpoint = Endpoint { method: "POST", path: "/api/v1/webhooks/{id}/{change}", who: Who::Roles(roles) };
        let document = document(&[endpoint, Endpoint { method: "GET", path: "/register", who: Who::Anyone }]);
        assert_eq!(document["paths"].as_object().unwrap().len(), 1, "pages are no part of it");
        let operation = &document["paths"]["/api/v1/webhooks/{id}/{change}"]["post"];
        assert_eq!(operation["x-roles"], json!(["administrator"]));
        assert_eq!(operation["parameters"][1]["name"], "change");
        for status in ["200", "401", "403", "404", "409", "422"] {
            assert!(operation["responses"][status].is_object(), "{status}");
        }
    }
}
