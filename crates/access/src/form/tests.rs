//! The form data: every text in every language, every condition executable, every type as the specification says.

use super::load::{FormsFile, kind, load};
use super::*;
use kernel::Language;
use kernel::criteria::VariableKind;

/// What is known of a coded variable of which nothing in particular is known. Its source stands before the first dot.
pub(super) fn facts(id: &str) -> VariableFacts {
    VariableFacts {
        id: id.into(),
        version: 1,
        collection: id.into(),
        source: id.split('.').next().unwrap_or_default().into(),
        source_name: LangMap::default(),
        label: LangMap::default(),
        kind: VariableKind::Code,
        orderable: true,
        sensitive: false,
        free_text: false,
        granularities: Vec::new(),
        validity: None,
        categories: None,
        decision_body: None,
    }
}

fn defined() -> FormsFile {
    serde_json::from_str(DEFINITIONS).unwrap()
}

fn complete(place: &str, text: &LangMap) {
    for language in Language::ALL {
        assert!(text.0.get(&language).is_some_and(|t| !t.trim().is_empty()), "{place} lacks {language}");
    }
}

fn complete_field(place: &str, field: &Field) {
    complete(place, &field.label);
    field.options.iter().for_each(|(id, text)| complete(&format!("{place}={id}"), text));
    field.parts.iter().for_each(|part| complete_field(&format!("{place}.{}", part.id), part));
}

#[test]
fn acc_006_every_text_of_every_form_is_there_in_all_languages() {
    for form in forms() {
        for section in &form.sections {
            complete(&section.id, &section.title);
            complete(&section.id, &section.intro);
            for field in &section.fields {
                complete_field(&field.id, field);
                complete(&format!("help of {}", field.id), &field.help);
            }
        }
        form.rules.iter().for_each(|(rule, text)| complete(rule, text));
    }
}

/// The fields of the specification, by id.
fn specified() -> std::collections::BTreeMap<String, String> {
    let forms = defined().forms;
    let fields = forms.into_iter().flat_map(|f| f.sections).flat_map(|s| s.fields);
    fields.map(|field| (field.id, field.kind)).collect()
}

#[test]
fn acc_020_all_four_forms_ask_every_field_of_the_specification() {
    let asked: std::collections::BTreeSet<String> = [PERSON_LEVEL, STATISTICS, CHANGE, APPEAL]
        .iter()
        .flat_map(|id| latest(id).fields())
        .flat_map(|field| {
            let parts = field.parts.iter().map(|part| format!("{}[].{}", field.id, part.id));
            std::iter::once(field.id.clone()).chain(parts)
        })
        .collect();
    let missing: Vec<String> = specified().into_keys().filter(|id| !asked.contains(id)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert_eq!(specified().len(), 170);
    assert_eq!(latest(STATISTICS).version, "1.0.0");
    assert!(latest(STATISTICS).field("pub.title").is_some() && latest(STATISTICS).field("pop.size").is_none());
}

#[test]
fn acc_005_a_version_is_in_force_from_its_first_day() {
    let day = |text: &str| text.parse::<Date>().unwrap();
    assert_eq!(form_on(PERSON_LEVEL, day("2025-12-31")).unwrap().version, "1.0.0");
    assert_eq!(form_on(PERSON_LEVEL, day("2026-01-01")).unwrap().version, "2.0.0");
    assert!(form_on(PERSON_LEVEL, day("2024-12-31")).is_none() && form_on("unknown", day("2026-01-01")).is_none());
    assert_eq!(form(PERSON_LEVEL, "1.0.0").unwrap().fields().count(), short_form().fields().count());
}

#[test]
fn acc_021_every_listed_choice_and_part_is_there() {
    let specified = specified();
    for field in forms().iter().flat_map(Form::fields) {
        let Some(written) = specified.get(&field.id) else { continue };
        let Some((kind, listed)) = kind(written) else { continue };
        // The short form offers two of the four ways to form a cohort.
        let short = field.id == "pop.formation" && field.options.len() == 2;
        if matches!(field.kind, FieldKind::Choice | FieldKind::Multichoice) && !listed.is_empty() && !short {
            let named: Vec<&String> = field.options.iter().map(|(id, _)| id).collect();
            assert_eq!(named, listed.iter().collect::<Vec<_>>(), "{}", field.id);
        }
        if matches!(kind, FieldKind::Group | FieldKind::Repeat) && field.kind == kind {
            let inside = written.split_once('(').map_or("", |(_, rest)| rest.trim_end_matches(')'));
            for part in inside.split(',').filter_map(|part| part.split_whitespace().next()) {
                assert!(field.parts.iter().any(|known| known.id == part), "{} lacks {part}", field.id);
            }
        }
    }
    let full = latest(PERSON_LEVEL);
    assert_eq!(full.field("pub.title").unwrap().kind, FieldKind::Text(200));
    assert_eq!(full.field("proc.conf").unwrap().options.len(), 5);
    assert_eq!(full.field("pub.title").unwrap().eu_ref.as_deref(), Some("CAF 2"));
    assert_eq!(full.field("app.contact.email").unwrap().privacy, Privacy::Personal);
    assert!(full.field("add.notes").unwrap().optional && !full.field("pub.title").unwrap().optional);
    let json = serde_json::to_value(full.field("no.rek").unwrap()).unwrap();
    assert_eq!((json["type"].as_str(), json["parts"][0]["type"].as_str()), (Some("group"), Some("choice")));
    assert_eq!(json["parts"][1]["visible"], "item.status in (approved,pending)");
}

#[test]
fn a_form_with_a_wrong_condition_is_refused() {
    let texts = r#"{"sections":{"pub":{"nn":"x","intro":{}}},
        "forms":[{"id":"person-level","version":"1","valid_from":"2026-01-01","sections":[{"id":"pub","fields":["pub.title"]}]}],
        "fields":[{"id":"pub.title","nn":"x","help":{},"visible":"must be visible"}]}"#;
    let error = load(DEFINITIONS, &[texts]).unwrap_err();
    assert!(error.to_string().contains("pub.title"), "{error}");
    let unknown = texts.replace("pub.title", "pub.nothing");
    assert!(matches!(load(DEFINITIONS, &[&unknown]), Err(FormError::Unknown(_))));
    let no_texts =
        texts.replace("[\"pub.title\"]", "[\"pub.title\",\"pub.summary\"]").replace("must be visible", "yes");
    assert!(matches!(load(DEFINITIONS, &[&no_texts]), Err(FormError::Texts(_))));
}
