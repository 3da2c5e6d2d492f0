//! User texts: Fluent files per language and area, embedded in the program. A key that is missing in one language is a
//! fault that `check_texts` finds; at run time the key itself is shown rather than nothing.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use kernel::Language;
use unic_langid::LanguageIdentifier;

macro_rules! files {
    ($language:literal: $($area:literal),* $(,)?) => {
        &[$(($area, include_str!(concat!("../texts/", $language, "/", $area, ".ftl")))),*]
    };
}
type Files = &'static [(&'static str, &'static str)];

const NB: Files =
    files!("nb": "common", "find", "explore", "apply", "cases", "citizen", "oversight", "permits", "public");
const NN: Files =
    files!("nn": "common", "find", "explore", "apply", "cases", "citizen", "oversight", "permits", "public");
const EN: Files =
    files!("en": "common", "find", "explore", "apply", "cases", "citizen", "oversight", "permits", "public");

fn files(language: Language) -> Files {
    match language {
        Language::Nb => NB,
        Language::Nn => NN,
        Language::En => EN,
    }
}

static BUNDLES: LazyLock<Vec<FluentBundle<FluentResource>>> =
    LazyLock::new(|| Language::ALL.into_iter().map(|l| bundle(l).0).collect());

/// A fault in the text files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextFault {
    /// Language in which the fault is.
    pub language: Language,
    /// Key, or file of a syntax error.
    pub place: String,
    /// What is wrong.
    pub fault: String,
}

fn bundle(language: Language) -> (FluentBundle<FluentResource>, Vec<TextFault>) {
    let id: LanguageIdentifier = language.code().parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![id]);
    bundle.set_use_isolating(false);
    let mut faults = Vec::new();
    for (area, text) in files(language) {
        let fault = |place: &str, fault: String| TextFault { language, place: place.to_owned(), fault };
        let resource = match FluentResource::try_new((*text).to_owned()) {
            Ok(resource) => resource,
            Err((resource, errors)) => {
                faults.extend(errors.iter().map(|e| fault(area, e.to_string())));
                resource
            }
        };
        if let Err(errors) = bundle.add_resource(resource) {
            faults.extend(errors.iter().map(|e| fault(area, e.to_string())));
        }
    }
    (bundle, faults)
}

/// The text of `key` in `language`.
pub(crate) fn text(language: Language, key: &str) -> String {
    format(language, key, None)
}

/// The text of `key` where there is one: for keys that are made of what came in.
pub(crate) fn known(language: Language, key: &str) -> Option<String> {
    let index = Language::ALL.iter().position(|l| *l == language)?;
    let pattern = BUNDLES.get(index)?.get_message(key)?.value()?;
    Some(BUNDLES.get(index)?.format_pattern(pattern, None, &mut Vec::new()).into_owned())
}

/// The text of `key` with values for its placeholders.
pub(crate) fn text_with(language: Language, key: &str, values: &[(&str, &str)]) -> String {
    let mut args = FluentArgs::new();
    for (name, value) in values {
        // Whole numbers choose plural forms; anything else is a text.
        match value.parse::<i64>() {
            Ok(n) => args.set(*name, FluentValue::from(n)),
            Err(_) => args.set(*name, FluentValue::from((*value).to_owned())),
        }
    }
    format(language, key, Some(&args))
}

fn format(language: Language, key: &str, args: Option<&FluentArgs<'_>>) -> String {
    let index = Language::ALL.iter().position(|l| *l == language).unwrap_or(0);
    let Some(bundle) = BUNDLES.get(index) else { return key.to_owned() };
    let Some(pattern) = bundle.get_message(key).and_then(|m| m.value()) else {
        tracing::warn!(key, %language, "missing text");
        return key.to_owned();
    };
    bundle.format_pattern(pattern, args, &mut Vec::new()).into_owned()
}

fn keys(language: Language) -> BTreeSet<&'static str> {
    files(language)
        .iter()
        .flat_map(|(_, text)| text.lines())
        .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()))
        .filter_map(|line| line.split_once('=').map(|(key, _)| key.trim()))
        .collect()
}

/// Every fault of the text files: syntax, keys that one language lacks, and keys for which `used` says no.
pub fn check_texts(used: &dyn Fn(&str) -> bool) -> Vec<TextFault> {
    let mut faults: Vec<TextFault> = Language::ALL.into_iter().flat_map(|l| bundle(l).1).collect();
    let all: BTreeSet<&str> = Language::ALL.into_iter().flat_map(keys).collect();
    for language in Language::ALL {
        let have = keys(language);
        faults.extend(all.difference(&have).map(|key| TextFault {
            language,
            place: (*key).to_owned(),
            fault: "missing in this language".to_owned(),
        }));
    }
    faults.extend(all.iter().filter(|key| !used(key)).map(|key| TextFault {
        language: Language::Nb,
        place: (*key).to_owned(),
        fault: "used nowhere".to_owned(),
    }));
    faults
}
