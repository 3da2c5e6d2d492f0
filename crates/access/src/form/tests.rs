//! The form data: every text in every language, every condition executable, every type as the specification says.

use super::load::{FormsFile, kind, load};
use super::*;
use kernel::Language;

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

#[test]
fn acc_020_every_listed_choice_has_a_name() {
    let forms_file = defined();
    for field in short_form().fields() {
        let def = forms_file.forms[0].sections.iter().flat_map(|s| &s.fields).find(|f| f.id == field.id).unwrap();
        let (kind, listed) = kind(&def.kind).unwrap();
        // The short form offers two of the four ways to form a cohort.
        if matches!(kind, FieldKind::Choice | FieldKind::Multichoice) && field.id != "pop.formation" {
            let named: Vec<&String> = field.options.iter().map(|(id, _)| id).collect();
            assert_eq!(named, listed.iter().collect::<Vec<_>>(), "{}", field.id);
        }
    }
    assert_eq!(short_form().field("pub.title").unwrap().kind, FieldKind::Text(200));
    assert_eq!(short_form().field("proc.conf").unwrap().options.len(), 5);
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
