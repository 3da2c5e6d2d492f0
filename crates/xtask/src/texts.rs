//! Fluent texts of the site: every language has the same keys, every key is used somewhere, every key that is named
//! exists.

use std::collections::{BTreeMap, BTreeSet};

use crate::files::{Source, with_ending};

const LANGUAGES: [&str; 3] = ["nb", "nn", "en"];

/// Every missing or unused key.
pub(crate) fn check() -> anyhow::Result<Vec<String>> {
    let texts = with_ending(&[".ftl"])?;
    let users = with_ending(&[".rs", ".html"])?;
    let users: Vec<&Source> = users.iter().filter(|s| s.crate_name() == Some("web")).collect();
    let mut keys: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for source in &texts {
        let language = LANGUAGES.into_iter().find(|l| source.path.contains(&format!("/{l}/")));
        if let Some(language) = language {
            keys.entry(language).or_default().extend(defined(&source.text));
        }
    }
    let none = BTreeSet::new();
    let first = keys.get("nb").unwrap_or(&none);
    let mut found = Vec::new();
    for language in &LANGUAGES[1..] {
        let other = keys.get(language).unwrap_or(&none);
        found.extend(first.difference(other).map(|k| format!("text {k} is missing in {language}")));
        found.extend(other.difference(first).map(|k| format!("text {k} is missing in nb")));
    }
    let mut named = BTreeSet::new();
    for user in &users {
        named.extend(named_keys(&user.text));
    }
    found.extend(named.difference(first).map(|k| format!("text {k} is used and does not exist")));
    let used = |key: &&&str| {
        let quoted = format!("\"{key}\"");
        // Keys that are put together (`role-` and a role's name) are used by their beginning.
        let beginnings: Vec<String> = key
            .match_indices('-')
            .flat_map(|(at, _)| [format!("\"{}-{{", &key[..at]), format!("key(\"{}\"", &key[..at])])
            .collect();
        users.iter().any(|u| u.text.contains(&quoted) || beginnings.iter().any(|b| u.text.contains(b.as_str())))
    };
    found.extend(first.iter().filter(|k| !used(k)).map(|k| format!("text {k} is not used")));
    Ok(found)
}

/// The keys that a Fluent file defines.
fn defined(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let (key, _) = line.split_once(" =")?;
        let first = key.chars().next()?;
        (first.is_ascii_lowercase() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')).then_some(key)
    })
}

/// The keys that templates and pages name: `t("key")`, `tv("key", …)`, `tvv("key", …)`.
fn named_keys(text: &str) -> impl Iterator<Item = &str> {
    [".t(\"", ".tv(\"", ".tvv(\""].into_iter().flat_map(move |call| {
        text.match_indices(call).filter_map(move |(at, _)| {
            let rest = &text[at + call.len()..];
            let key = &rest[..rest.find('"')?];
            key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-').then_some(key)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_where_they_are_defined_and_used() {
        let text = "# comment\nlogin = Logg inn\nlogin-as = { $who }\n    .title = x\n  continued = no\n";
        assert_eq!(defined(text).collect::<Vec<_>>(), ["login", "login-as"]);
        let page = r#"{{ f.t("login") }} {{ f.tv("login-as", "who", x) }} f.t(&format!("role-{}", r))"#;
        assert_eq!(named_keys(page).collect::<Vec<_>>(), ["login", "login-as"]);
    }
}
