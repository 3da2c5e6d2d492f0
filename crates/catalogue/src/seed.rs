//! Builds the model: the seed of registers, then what the data zone holds laid over it.

use std::collections::BTreeMap;

use kernel::{LangMap, Language, Problem};
use protocol::calls::{DatasetMetadata, StoreMetadata};
use serde::Deserialize;

use crate::model::{
    Code, Collection, DataType, Granularity, Model, Role, Sensitivity, Source, SourceKind, Temporality, Variable,
};

const SEED: &str = include_str!("../seed/registries.json");

#[derive(Deserialize)]
struct Seed {
    codelists: BTreeMap<String, SeedCodeList>,
    sources: Vec<SeedSource>,
}

#[derive(Deserialize)]
struct SeedCodeList {
    #[serde(default)]
    codes: serde_json::Value,
}

#[derive(Deserialize)]
struct SeedSource {
    id: String,
    name_nb: String,
    name_en: String,
    abbrev: Option<String>,
    r#type: String,
    controller: String,
    decision_body: Option<String>,
    #[serde(default)]
    legal_basis: String,
    #[serde(default)]
    consent: bool,
    #[serde(default)]
    ehds_category: String,
    #[serde(default)]
    years: serde_json::Value,
    update_frequency: Option<String>,
    #[serde(default)]
    units: Vec<String>,
    #[serde(default)]
    collections: Vec<String>,
    #[serde(default)]
    variables: Vec<SeedVariable>,
}

#[derive(Deserialize)]
struct SeedVariable {
    name: String,
    label_nb: String,
    label_en: String,
    r#type: String,
    codelist: Option<String>,
    #[serde(default)]
    basis: String,
    note: Option<String>,
}

/// The model of the seed and of these stores.
///
/// # Errors
/// [`Problem::Unavailable`] when the embedded seed cannot be read.
pub(crate) fn build(stores: &[StoreMetadata]) -> Result<Model, Problem> {
    let seed: Seed = serde_json::from_str(SEED).map_err(|_| Problem::unavailable("the seed of the catalogue"))?;
    let mut model = Model::default();
    for source in &seed.sources {
        add_source(&mut model, source, &seed.codelists);
    }
    for store in stores {
        add_store(&mut model, store);
    }
    Ok(model)
}

fn two(nb: &str, en: &str) -> LangMap {
    LangMap([(Language::Nb, nb.to_owned()), (Language::En, en.to_owned())].into())
}

fn add_source(model: &mut Model, seed: &SeedSource, lists: &BTreeMap<String, SeedCodeList>) {
    let titles: Vec<String> =
        if seed.collections.len() > 1 { seed.collections.clone() } else { vec![seed.name_nb.clone()] };
    let ids: Vec<String> = match seed.collections.len() {
        0 | 1 => vec![format!("{}.main", seed.id)],
        _ => titles.iter().map(|t| format!("{}.{}", seed.id, collection_slug(t))).collect(),
    };
    for (id, title) in ids.iter().zip(&titles) {
        let english = if titles.len() == 1 { &seed.name_en } else { title };
        let collection = Collection {
            id: id.clone(),
            source: seed.id.clone(),
            title: two(title, english),
            unit_type: None,
            person_pointer: None,
            date_variable: None,
            variables: Vec::new(),
        };
        model.collections.insert(id.clone(), collection);
    }
    let first = ids.first().cloned().unwrap_or_default();
    for variable in &seed.variables {
        let variable = seed_variable(seed, &first, variable, lists);
        if let Some(collection) = model.collections.get_mut(&first) {
            collection.variables.push(variable.id.clone());
        }
        model.variables.insert(variable.id.clone(), variable);
    }
    let source = Source {
        id: seed.id.clone(),
        abbrev: seed.abbrev.clone().unwrap_or_else(|| seed.id.to_uppercase()),
        name: two(&seed.name_nb, &seed.name_en),
        kind: match seed.r#type.as_str() {
            "central_registry" => SourceKind::CentralRegistry,
            "medical_quality_registry" => SourceKind::MedicalQualityRegistry,
            "health_survey" => SourceKind::HealthSurvey,
            "statistics" => SourceKind::Statistics,
            _ => SourceKind::Other,
        },
        holder: seed.controller.split(" (").next().unwrap_or_default().to_owned(),
        decision_body: seed.decision_body.clone().unwrap_or_else(|| seed.controller.clone()),
        legal_basis: seed.legal_basis.clone(),
        consent_based: seed.consent,
        ehds_category: seed.ehds_category.clone(),
        from_year: seed.years.get("from").and_then(serde_json::Value::as_i64).and_then(|y| i16::try_from(y).ok()),
        update_frequency: seed.update_frequency.clone(),
        units: seed.units.clone(),
        collections: ids,
    };
    model.sources.insert(seed.id.clone(), source);
}

/// The title in lower case without its bracket, runs of other characters as `_`: `Somatikk (1997-)` → `somatikk`.
fn collection_slug(title: &str) -> String {
    let title = title.split('(').next().unwrap_or_default().trim().to_lowercase();
    let mut slug = String::new();
    for c in title.chars() {
        match c {
            'a'..='z' | '0'..='9' => slug.push(c),
            'æ' => slug.push_str("ae"),
            'ø' => slug.push_str("oe"),
            'å' => slug.push_str("aa"),
            _ if !slug.ends_with('_') => slug.push('_'),
            _ => {}
        }
    }
    slug.trim_matches('_').to_owned()
}

fn seed_variable(
    source: &SeedSource,
    collection: &str,
    seed: &SeedVariable,
    lists: &BTreeMap<String, SeedCodeList>,
) -> Variable {
    let data_type = match seed.r#type.as_str() {
        "integer" => DataType::Integer,
        "decimal" => DataType::Decimal,
        "boolean" => DataType::Boolean,
        "date" => DataType::Date,
        "datetime" => DataType::Datetime,
        "code" => DataType::Code,
        "code[]" => DataType::CodeListMulti,
        _ => DataType::String,
    };
    let codes = seed.codelist.as_ref().and_then(|id| lists.get(id)).map(|l| seed_codes(&l.codes)).unwrap_or_default();
    Variable {
        id: format!("{collection}.{}", ascii(&seed.name)),
        name: seed.name.clone(),
        source: source.id.clone(),
        collection: collection.to_owned(),
        label: two(&seed.label_nb, &seed.label_en),
        description: seed.note.as_ref().map(|n| two(n, n)).unwrap_or_default(),
        data_type,
        temporality: None,
        unit_type: None,
        dataset: None,
        dataset_version: None,
        from: None,
        to: None,
        codes,
        code_list: seed.codelist.clone(),
        granularities: granularities(data_type),
        role: Role::Content,
        sensitivity: if source.id == "ssb_fdb" { Sensitivity::Normal } else { Sensitivity::High },
        to_be_verified: seed.basis != "seen",
    }
}

fn seed_codes(codes: &serde_json::Value) -> Vec<Code> {
    let Some(codes) = codes.as_object() else { return Vec::new() };
    let code = |(code, label): (&String, &serde_json::Value)| {
        let text = label.as_str().unwrap_or_default();
        let (nb, en) = text.split_once(" / ").unwrap_or((text, text));
        Code { code: code.clone(), label: two(nb, en), from: None, to: None, missing: false }
    };
    codes.iter().map(code).collect()
}

fn ascii(name: &str) -> String {
    let fold = |c: char| match c {
        'æ' => "ae".to_owned(),
        'ø' => "oe".to_owned(),
        'å' => "aa".to_owned(),
        'Æ' => "AE".to_owned(),
        'Ø' => "OE".to_owned(),
        'Å' => "AA".to_owned(),
        c if c.is_ascii_alphanumeric() || c == '_' => c.to_string(),
        _ => "_".to_owned(),
    };
    name.chars().map(fold).collect()
}

/// Levels of detail on offer for a type, the coarsest first.
fn granularities(data_type: DataType) -> Vec<Granularity> {
    match data_type {
        DataType::Date | DataType::Datetime => {
            vec![Granularity::Year, Granularity::Quarter, Granularity::Month, Granularity::Day]
        }
        _ => vec![Granularity::AsIs],
    }
}

fn add_store(model: &mut Model, store: &StoreMetadata) {
    let fallback = store.source.clone().unwrap_or_else(|| store.store.clone());
    for described in &store.collections {
        let source = described.id.split('.').next().unwrap_or(&fallback).to_owned();
        if !model.sources.contains_key(&source) {
            add_unknown_source(model, &source, &described.title);
        }
        let qualified = |name: &String| {
            if name.contains('/') { name.clone() } else { format!("{}/{name}", store.store) }
        };
        let collection = model.collections.entry(described.id.clone()).or_insert_with(|| Collection {
            id: described.id.clone(),
            source: source.clone(),
            title: described.title.clone(),
            unit_type: None,
            person_pointer: None,
            date_variable: None,
            variables: Vec::new(),
        });
        collection.unit_type = Some(described.unit_type.clone());
        collection.person_pointer = described.person_pointer.as_ref().map(qualified);
        collection.date_variable = described.date_variable.as_ref().map(qualified);
        if let Some(known) = model.sources.get_mut(&source)
            && !known.collections.contains(&described.id)
        {
            known.collections.push(described.id.clone());
        }
        for name in &described.datasets {
            if let Some(dataset) = store.datasets.iter().find(|d| d.name == *name) {
                add_dataset(model, &source, &described.id, &store.store, dataset);
            }
        }
    }
}

/// A source that no register list knows, e.g. a store loaded to try packages out.
fn add_unknown_source(model: &mut Model, id: &str, title: &LangMap) {
    let source = Source {
        id: id.to_owned(),
        abbrev: id.to_uppercase(),
        name: title.clone(),
        kind: SourceKind::Other,
        holder: id.to_owned(),
        decision_body: id.to_owned(),
        legal_basis: String::new(),
        consent_based: false,
        ehds_category: String::new(),
        from_year: None,
        update_frequency: None,
        units: Vec::new(),
        collections: Vec::new(),
    };
    model.sources.insert(id.to_owned(), source);
}

fn add_dataset(model: &mut Model, source: &str, collection: &str, store: &str, dataset: &DatasetMetadata) {
    let same = |v: &&Variable| v.collection == collection && names_agree(&v.name, &dataset.name);
    let known = model.variables.values().find(same).map(|v| v.id.clone());
    let id = known.unwrap_or_else(|| format!("{collection}.{}", dataset.name));
    let data_type = match (dataset.data_type.as_str(), dataset.points_to.is_some(), dataset.codes.is_empty()) {
        (_, true, _) => DataType::Identifier,
        (_, _, false) => DataType::Code,
        ("LONG", ..) => DataType::Integer,
        ("DOUBLE", ..) => DataType::Decimal,
        ("DATE", ..) => DataType::Date,
        _ => DataType::String,
    };
    let codes = dataset.codes.iter().map(|c| Code {
        code: c.code.clone(),
        label: c.label.clone(),
        from: c.from,
        to: c.to,
        missing: dataset.missing.contains(&c.code),
    });
    let earlier = model.variables.get(&id).cloned();
    let variable = Variable {
        name: earlier.as_ref().map_or_else(|| dataset.name.clone(), |v| v.name.clone()),
        label: merged(earlier.as_ref().map(|v| &v.label), &dataset.title),
        description: merged(earlier.as_ref().map(|v| &v.description), &dataset.description),
        source: source.to_owned(),
        collection: collection.to_owned(),
        data_type,
        temporality: Temporality::parse(&dataset.temporality),
        unit_type: Some(dataset.unit_type.clone()),
        dataset: Some(format!("{store}/{}", dataset.name)),
        dataset_version: Some(dataset.version),
        from: dataset.from,
        to: dataset.to,
        codes: codes.collect(),
        code_list: earlier.as_ref().and_then(|v| v.code_list.clone()),
        granularities: granularities(data_type),
        role: if dataset.points_to.is_some() { Role::LinkageKey } else { Role::Content },
        sensitivity: if source == "ssb_fdb" { Sensitivity::Normal } else { Sensitivity::High },
        to_be_verified: false,
        id: id.clone(),
    };
    if let Some(collection) = model.collections.get_mut(collection)
        && !collection.variables.contains(&id)
    {
        collection.variables.push(id.clone());
    }
    model.variables.insert(id, variable);
}

/// What the holder says now, with the languages that only the earlier description has.
fn merged(earlier: Option<&LangMap>, now: &LangMap) -> LangMap {
    let mut texts = earlier.cloned().unwrap_or_default();
    texts.0.extend(now.0.iter().filter(|(_, text)| !text.is_empty()).map(|(l, t)| (*l, t.clone())));
    texts
}

/// Whether a described name and a dataset's name are the same variable: `ATCKode` and `ATCKODE`; `hovedtilstand` and
/// `HOVEDTILSTAND1` (the first of several columns).
fn names_agree(described: &str, dataset: &str) -> bool {
    let described = ascii(described).to_uppercase();
    described == dataset || dataset.strip_suffix('1').is_some_and(|d| d == described)
}
