//! A small catalogue and an application over it that passes every check.
#![expect(clippy::unwrap_used, reason = "tests")]

use access::{CartItem, VariableFacts, Variables};
use async_trait::async_trait;
use kernel::criteria::VariableKind;
use kernel::{LangMap, Period, Problem};
use serde_json::{Map, Value, json};

/// Five variables of three sources.
pub struct SmallCatalogue;

impl SmallCatalogue {
    pub fn all() -> Vec<VariableFacts> {
        let facts = |id: &str, kind, granularities: &[&str], orderable| {
            let (collection, name) = id.rsplit_once('.').unwrap();
            let source = id.split('.').next().unwrap();
            VariableFacts {
                id: id.into(),
                version: 3,
                collection: collection.into(),
                source: source.into(),
                source_name: LangMap::of(
                    &format!("Kilde {source}"),
                    &format!("Kjelde {source}"),
                    &format!("Source {source}"),
                ),
                label: LangMap::of(name, name, name),
                kind,
                orderable,
                sensitive: id.ends_with("hovedtilstand"),
                free_text: false,
                granularities: granularities.iter().map(|g| (*g).to_owned()).collect(),
                validity: Some(Period { from: "2008-01-01".parse().unwrap(), to: None }),
                categories: (kind == VariableKind::Code).then_some(20),
                decision_body: Some("Helsedataservice".into()),
            }
        };
        vec![
            facts("npr.somatikk.hovedtilstand", VariableKind::Code, &[], true),
            facts("npr.somatikk.innDato", VariableKind::Date, &["year", "month", "day"], true),
            facts("npr.somatikk.pasientId", VariableKind::Text, &[], false),
            facts("dar.main.dodsdato", VariableKind::Date, &["year", "month"], true),
            facts("dar.main.dodssted", VariableKind::Code, &[], true),
        ]
    }
}

#[async_trait]
impl Variables for SmallCatalogue {
    async fn facts(&self, ids: &[String]) -> Result<Vec<VariableFacts>, Problem> {
        Ok(Self::all().into_iter().filter(|facts| ids.contains(&facts.id)).collect())
    }

    fn nearest(&self, id: &str) -> Vec<String> {
        let all = Self::all();
        kernel::criteria::nearest(all.iter().map(|facts| facts.id.as_str()), id, 3)
    }
}

pub fn cart() -> Vec<CartItem> {
    let item = |id: &str, role: &str, granularity: &str| CartItem {
        variable_id: id.into(),
        role: role.into(),
        necessity: "Needed to find the strokes that the project is about.".into(),
        granularity: granularity.into(),
    };
    vec![
        item("npr.somatikk.hovedtilstand", "population", "as_is"),
        item("npr.somatikk.innDato", "exposure", "month"),
        item("dar.main.dodsdato", "outcome", "month"),
        item("dar.main.dodssted", "covariate", "as_is"),
    ]
}

pub const CRITERIA: &str =
    "npr.somatikk.hovedtilstand in ('I60'..'I64') and npr.somatikk.innDato between 2018-01-01 and 2024-12-31";

/// Answers to every field that is required of this application.
pub fn answers() -> Map<String, Value> {
    let mut answers = access::form::example("2026-11-21".parse().unwrap());
    let own = json!({
        "cart.periods": {"npr.somatikk": {"from": "2018-01-01", "to": "2024-12-31"},
                         "dar.main": {"from": "2018-01-01", "to": "2025-12-31"}},
        "app.contact.name": "Kari Kontakt",
        "app.contact.email": "kari@universitetet.no",
        "use.responsible": "leder@universitetet.no",
        "pop.criteria": CRITERIA,
        "pop.criteria_text": "Personer innlagt for hjerneslag fra 2018 til og med 2024.",
        "proc.period": {"from": "2026-12-01", "to": "2029-11-30"},
        "proc.persons": [{"name": "Liv Leder", "email": "leder@universitetet.no", "role": "prosjektleder"},
                         {"name": "Arne Analyse", "email": "arne@universitetet.no", "role": "analytiker"}],
        "no.project_end": "2029-11-30",
        "no.delete_date": "2030-05-31",
    });
    answers.extend(own.as_object().unwrap().clone());
    answers
}
