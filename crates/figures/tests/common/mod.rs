//! Released documents for the tests: as other zones make and seal them, opened as any other.
#![allow(dead_code, clippy::unwrap_used, clippy::allow_attributes, reason = "shared by several test programs")]

pub mod analyses;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use disclosure::{Document, SealedDocument};
use kernel::{CryptoError, KeyId, Verifier};
use serde_json::{Value, json};

struct Anyone;
impl Verifier for Anyone {
    fn verify(&self, _: &KeyId, _: &[u8], _: &[u8; 64]) -> Result<(), CryptoError> {
        Ok(())
    }
}

/// A released document with these results, opened as any other.
pub fn document(results: Vec<Value>) -> Document {
    let policy = json!({"name": "default", "version": 1, "sha256": "sha256:00"});
    let entries: Vec<Value> = results
        .into_iter()
        .enumerate()
        .map(|(i, mut result)| {
            let view = result.as_object_mut().unwrap().remove("view").unwrap();
            let notes = result.as_object_mut().unwrap().remove("notes");
            let content = match result.get("info") {
                Some(_) => result,
                None => json!({"policy": policy, "value": result}),
            };
            let mut entry = json!({"id": i + 1, "line": i + 1, "pass": 1, "command": "command", "view": view,
                "warnings": [], "content": content});
            if let Some(notes) = notes {
                entry["notes"] = notes;
            }
            entry
        })
        .collect();
    let document = json!({
        "head": {"run": "r", "script": "sha256:00", "stores": [{"store": "no.test", "version": "1.0.0.0", "digest": "blake3:00"}], "at": "2026-11-21T09:15:00.000000Z"},
        "results": entries,
    });
    let envelope = json!({
        "payloadType": SealedDocument::PAYLOAD_TYPE,
        "payload": STANDARD.encode(kernel::canonical_json(&document).unwrap()),
        "signatures": [{"keyid": "ed25519:0", "sig": STANDARD.encode([0; 64])}],
    });
    SealedDocument::from_bytes(envelope.to_string().as_bytes()).unwrap().open(&Anyone).unwrap()
}

pub fn category(code: &str, label: &str) -> Value {
    json!({"code": code, "label": label})
}

pub fn counts(cells: &[Option<f64>]) -> Vec<Value> {
    let cell = |c: &Option<f64>| match c {
        Some(x) => json!({"count": {"value": x}}),
        None => json!({"count": {"hidden": "SMALL"}}),
    };
    cells.iter().map(cell).collect()
}

/// Sex by age group, one cell hidden.
pub fn two_way(view: Value) -> Value {
    json!({
        "kind": "table",
        "dimensions": [
            {"name": "age", "label": "Aldersgruppe", "categories": [category("1", "0–17 år"), category("2", "18–66 år"), category("3", "67 år og eldre")]},
            {"name": "sex", "label": "Kjønn", "categories": [category("1", "Mann"), category("2", "Kvinne")]},
        ],
        "cells": counts(&[Some(10411.0), Some(9872.0), Some(20285.0), Some(31204.5), Some(30128.0), Some(61330.0),
            None, Some(9120.0), Some(9127.0), Some(41622.0), Some(49121.0), Some(90740.0)]),
        "typical_error": 1.3,
        "view": view,
    })
}

pub fn one_way(labels: &[&str], values: &[Option<f64>], view: Value) -> Value {
    let categories: Vec<Value> = labels.iter().enumerate().map(|(i, l)| category(&i.to_string(), l)).collect();
    json!({
        "kind": "table",
        "dimensions": [{"name": "status", "label": "Sivilstand", "categories": categories}],
        "cells": counts(values),
        "typical_error": 1.3,
        "view": view,
    })
}

pub fn summary() -> Value {
    let measure = json!({"name": "income", "label": "Inntekt", "kind": "integer", "winsorised": true});
    let birth = json!({"name": "born", "kind": "date", "winsorised": false});
    json!({
        "kind": "summary",
        "statistics": ["mean", "sd", "p50", "p99"],
        "rows": [
            {"measure": measure, "n": {"value": 1234.0},
             "values": [{"value": 512300.0}, {"value": 211000.0}, {"value": 487000.0}, {"hidden": "TAIL"}]},
            {"measure": birth, "n": {"value": 1234.0},
             "values": [{"value": 1096.0}, {"value": 8123.5}, {"value": 1096.0}, "undefined"]},
        ],
        "skipped": ["municipality"],
        "typical_error": 1.3,
        "view": {"view": "table", "contents": []},
    })
}

/// Shows counts.
pub fn counts_view() -> Value {
    json!({"view": "table", "contents": ["count"]})
}

/// Draws bars.
pub fn bars(content: Value, horizontal: bool, stacked: bool) -> Value {
    json!({"view": "bars", "content": content, "horizontal": horizontal, "stacked": stacked})
}
