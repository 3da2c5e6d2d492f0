//! The texts of letters as data with versions (ACC-005): each version has a first day and holds the texts that it changes; the
//! others stay. Templates are texts that a decision names instead of repeating them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use kernel::{Date, LangMap, Language};
use serde::Deserialize;

type Texts = BTreeMap<String, LangMap>;

#[derive(Deserialize)]
struct Version {
    version: String,
    valid_from: Date,
    texts: Texts,
}

/// A template for a part of a letter.
#[derive(Deserialize)]
pub struct Template {
    /// Id, e.g. `refusal-purpose`.
    pub id: String,
    /// The outcome that it is for: `granted` or `refused`.
    pub outcome: String,
    /// Version of its text.
    pub version: String,
    /// First day on which it is used.
    pub valid_from: Date,
    /// What people call it.
    pub name: LangMap,
    /// The text.
    pub text: LangMap,
}

/// Every version with all its texts, the oldest first.
static VERSIONS: LazyLock<Vec<(Date, String, Texts)>> = LazyLock::new(|| {
    #[expect(clippy::unwrap_used, reason = "the texts are part of the program and are read by its tests")]
    let (base, versions): (Texts, Vec<Version>) = (
        serde_json::from_str(include_str!("../../data/letter.json")).unwrap(),
        serde_json::from_str(include_str!("../../data/letter-versions.json")).unwrap(),
    );
    merged(base, versions)
});

static TEMPLATES: LazyLock<Vec<Template>> = LazyLock::new(|| {
    #[expect(clippy::unwrap_used, reason = "the templates are part of the program and are read by its tests")]
    serde_json::from_str(include_str!("../../data/letter-templates.json")).unwrap()
});

fn merged(base: Texts, versions: Vec<Version>) -> Vec<(Date, String, Texts)> {
    let mut texts = base;
    let whole = |version: Version| {
        texts.extend(version.texts);
        (version.valid_from, version.version, texts.clone())
    };
    versions.into_iter().map(whole).collect()
}

/// The version that is in force on a day, and its texts.
fn on(day: Date) -> Option<&'static (Date, String, Texts)> {
    VERSIONS.iter().rev().find(|(from, _, _)| *from <= day).or_else(|| VERSIONS.first())
}

/// The version of the texts that is in force on a day.
pub(super) fn version(day: Date) -> &'static str {
    on(day).map_or("", |(_, version, _)| version)
}

/// A text as it reads on a day; empty when there is none.
pub(super) fn text(key: &str, day: Date, language: Language) -> &'static str {
    on(day).and_then(|(_, _, texts)| texts.get(key)).map_or("", |map| map.text(language))
}

/// Words of the letter that others use too, as they read now, e.g. `op.add_variable`; empty for an unknown key.
pub fn words(key: &str) -> LangMap {
    VERSIONS.last().and_then(|(_, _, texts)| texts.get(key)).cloned().unwrap_or_default()
}

/// The templates in force on a day: of each the newest version.
pub fn templates(day: Date) -> Vec<&'static Template> {
    let mut found: Vec<&Template> = Vec::new();
    for template in TEMPLATES.iter().filter(|template| template.valid_from <= day) {
        match found.iter_mut().find(|known| known.id == template.id) {
            Some(known) if known.valid_from <= template.valid_from => *known = template,
            Some(_) => {}
            None => found.push(template),
        }
    }
    found
}

/// Whether there is a template with this id at all.
pub(crate) fn is_template(id: &str) -> bool {
    TEMPLATES.iter().any(|template| template.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn acc_005_a_new_version_of_a_text_holds_from_its_day_on() {
        let map = |text: &str| LangMap::of(text, text, text);
        let base = [("a".to_owned(), map("first")), ("b".to_owned(), map("stays"))].into();
        let version =
            |version: &str, from: &str, texts: Texts| Version { version: version.into(), valid_from: day(from), texts };
        let later = [("a".to_owned(), map("second"))].into();
        let all =
            merged(base, vec![version("1.0.0", "2026-01-01", Texts::new()), version("1.1.0", "2027-01-01", later)]);
        assert_eq!(all[0].2["a"].text(Language::En), "first");
        assert_eq!((all[1].2["a"].text(Language::En), all[1].2["b"].text(Language::En)), ("second", "stays"));
    }

    #[test]
    fn acc_006_every_text_of_the_letter_is_there_in_all_languages() {
        for (_, version, texts) in VERSIONS.iter() {
            for (key, map) in texts {
                for language in Language::ALL {
                    let there = map.0.get(&language).is_some_and(|text| !text.trim().is_empty());
                    assert!(there, "{version}: {key} lacks {language}");
                }
            }
            for kind in crate::model::TYPED_CONDITIONS {
                assert!(texts.contains_key(&format!("condition.{kind}")), "{kind}");
            }
            for op in crate::change::OpKind::ALL {
                assert!(texts.contains_key(&format!("op.{}", op.slug())), "{op:?}");
            }
            for reason in crate::model::REMOVAL_REASONS {
                assert!(texts.contains_key(&format!("removal.{reason}")), "{reason}");
            }
            assert_eq!(texts["months"].text(Language::En).split(',').count(), 12);
        }
        assert!(VERSIONS.windows(2).all(|pair| pair[0].0 < pair[1].0), "in the order of their days");
        for template in TEMPLATES.iter() {
            assert_eq!((template.name.0.len(), template.text.0.len()), (3, 3), "{}", template.id);
            assert!(matches!(template.outcome.as_str(), "granted" | "refused") && !template.version.is_empty());
        }
        assert_eq!(templates(day("2020-01-01")).len(), 0);
        assert!(templates(day("2026-11-21")).len() >= 4);
    }
}
