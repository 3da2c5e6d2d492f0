//! Licences: everything that is built or bundled is under a licence of the list, and each direct dependency is explained
//! in `docs/dependencies.md`. Works offline, on what cargo and npm have locked.

use std::collections::BTreeSet;

use anyhow::Context as _;
use serde_json::Value;

use crate::workspace::{metadata, root};

/// Licences that go together with EUPL-1.2.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "EUPL-1.2",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "OpenSSL",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "Unlicense",
    "Zlib",
];

/// Every licence that is not on the list, and every direct dependency without explanation.
pub(crate) fn check() -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    let all = metadata(true)?;
    for package in all.packages.iter().filter(|p| p.source.is_some()) {
        let allowed = match (&package.license, &package.license_file) {
            (Some(expression), _) => accepts(expression),
            (None, _) => false,
        };
        if !allowed {
            let stated = package.license.as_deref().unwrap_or("none stated");
            found.push(format!("{} {}: licence {stated} is not on the list", package.name, package.version));
        }
    }
    let explained = std::fs::read_to_string(root().join("docs/dependencies.md")).context("docs/dependencies.md")?;
    let names: BTreeSet<&str> = explained.split('`').skip(1).step_by(2).collect();
    let mut direct = BTreeSet::new();
    for package in all.packages.iter().filter(|p| p.source.is_none()) {
        direct.extend(package.dependencies.iter().filter(|d| d.path.is_none()).map(|d| d.name.as_str()));
    }
    let unexplained = |name: &&&str| !names.contains(**name);
    found.extend(direct.iter().filter(unexplained).map(|n| format!("{n} is not explained in docs/dependencies.md")));
    found.extend(npm(&names)?);
    Ok(found)
}

/// The packages of the site's assets, from their lock file.
fn npm(explained: &BTreeSet<&str>) -> anyhow::Result<Vec<String>> {
    let folder = root().join("crates/web/assets");
    if !folder.join("package.json").exists() {
        return Ok(Vec::new());
    }
    let read = |name: &str| -> anyhow::Result<Value> {
        let text = std::fs::read_to_string(folder.join(name)).with_context(|| format!("crates/web/assets/{name}"))?;
        Ok(serde_json::from_str(&text)?)
    };
    let (manifest, lock) = (read("package.json")?, read("package-lock.json")?);
    let mut found = Vec::new();
    for (path, package) in lock["packages"].as_object().into_iter().flatten().filter(|(p, _)| !p.is_empty()) {
        let name = path.rsplit("node_modules/").next().unwrap_or(path);
        let stated = package["license"].as_str().unwrap_or_default();
        if !accepts(stated) {
            found.push(format!("npm {name}: licence \"{stated}\" is not on the list"));
        }
    }
    for group in ["dependencies", "devDependencies"] {
        for name in manifest[group].as_object().into_iter().flatten().map(|(name, _)| name) {
            if !explained.contains(name.as_str()) {
                found.push(format!("npm {name} is not explained in docs/dependencies.md"));
            }
        }
    }
    Ok(found)
}

/// Whether the list satisfies an SPDX expression: one side of an OR, both of an AND. The old form `MIT/Apache-2.0` is an
/// OR.
fn accepts(expression: &str) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let accepted = any(&words, &mut at);
    accepted && at == words.len()
}

fn any(words: &[&str], at: &mut usize) -> bool {
    let mut accepted = every(words, at);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        accepted |= every(words, at);
    }
    accepted
}

fn every(words: &[&str], at: &mut usize) -> bool {
    let mut accepted = one(words, at);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        accepted &= one(words, at);
    }
    accepted
}

fn one(words: &[&str], at: &mut usize) -> bool {
    if words.get(*at) == Some(&"(") {
        *at += 1;
        let accepted = any(words, at);
        *at += 1;
        return accepted;
    }
    let Some(mut licence) = words.get(*at).map(|w| (*w).to_owned()) else { return false };
    *at += 1;
    if words.get(*at) == Some(&"WITH") {
        licence = format!("{licence} WITH {}", words.get(*at + 1).unwrap_or(&""));
        *at += 2;
    }
    ALLOWED.contains(&licence.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_read_as_spdx_means_them() {
        for good in [
            "MIT",
            "MIT OR GPL-3.0-only",
            "GPL-2.0/Apache-2.0",
            "Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "MIT AND (GPL-3.0-only OR ISC)",
        ] {
            assert!(accepts(good), "{good}");
        }
        for bad in
            ["", "GPL-3.0-only", "MIT AND GPL-3.0-only", "(MIT OR ISC) AND AGPL-3.0", "Apache-2.0 WITH x", "MIT MIT"]
        {
            assert!(!accepts(bad), "{bad}");
        }
    }
}
