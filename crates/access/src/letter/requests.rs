//! Templates of questions to the applicant as data with versions (ACC-005, ACC-160): a question that begins from one keeps
//! its id and version in the event.

use std::sync::LazyLock;

use kernel::{Date, LangMap};
use serde::{Deserialize, Serialize};

/// A template of a question on a field.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestTemplate {
    /// Id, e.g. `missing`.
    pub id: String,
    /// Version of its text.
    pub version: String,
    /// First day on which it is used.
    pub valid_from: Date,
    /// What people call it.
    pub name: LangMap,
    /// The text.
    pub text: LangMap,
}

static TEMPLATES: LazyLock<Vec<RequestTemplate>> = LazyLock::new(|| {
    #[expect(clippy::unwrap_used, reason = "the templates are part of the program and are read by its tests")]
    serde_json::from_str(include_str!("../../data/request-templates.json")).unwrap()
});

/// The templates in force on a day, in their order: of each the newest version.
pub fn request_templates(day: Date) -> Vec<&'static RequestTemplate> {
    in_force(&TEMPLATES, day)
}

/// The template with an id, as it is in force on a day.
pub fn request_template(id: &str, day: Date) -> Option<&'static RequestTemplate> {
    request_templates(day).into_iter().find(|template| template.id == id)
}

fn in_force(all: &[RequestTemplate], day: Date) -> Vec<&RequestTemplate> {
    let mut found: Vec<&RequestTemplate> = Vec::new();
    for template in all.iter().filter(|template| template.valid_from <= day) {
        match found.iter_mut().find(|known| known.id == template.id) {
            Some(known) if known.valid_from <= template.valid_from => *known = template,
            Some(_) => {}
            None => found.push(template),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acc_005_a_new_version_of_a_template_holds_from_its_day_on() {
        let day = |text: &str| text.parse::<Date>().unwrap();
        let of = |id: &str, version: &str, from: &str| RequestTemplate {
            id: id.into(),
            version: version.into(),
            valid_from: day(from),
            name: LangMap::of("a", "a", "a"),
            text: LangMap::of("b", "b", "b"),
        };
        let all = [of("x", "1.0.0", "2026-01-01"), of("y", "1.0.0", "2026-06-01"), of("x", "1.1.0", "2027-01-01")];
        let on = |text: &str| -> Vec<(&str, &str)> {
            in_force(&all, day(text)).into_iter().map(|t| (t.id.as_str(), t.version.as_str())).collect()
        };
        assert!(on("2025-12-31").is_empty());
        assert_eq!(on("2026-03-01"), [("x", "1.0.0")]);
        assert_eq!(on("2027-01-01"), [("x", "1.1.0"), ("y", "1.0.0")]);
    }

    #[test]
    fn acc_006_every_template_of_a_question_is_there_in_all_languages() {
        let today = "2026-11-26".parse().unwrap();
        assert!(request_templates(today).len() >= 6);
        for template in TEMPLATES.iter() {
            assert_eq!((template.name.0.len(), template.text.0.len()), (3, 3), "{}", template.id);
            assert!(!template.version.is_empty());
        }
    }
}
