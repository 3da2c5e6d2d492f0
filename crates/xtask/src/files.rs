//! The files of the workspace that are under version control or about to be.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::workspace::root;

/// One text file: path from the root, and content.
pub(crate) struct Source {
    pub path: String,
    pub text: String,
}

impl Source {
    /// The crate that the file belongs to.
    pub(crate) fn crate_name(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split('/').next()
    }

    /// Whether the file is part of a crate's product, not of its tests.
    pub(crate) fn is_product(&self) -> bool {
        let in_crate = self.path.strip_prefix("crates/").and_then(|p| p.split_once('/')).map(|(_, p)| p);
        in_crate.is_some_and(|p| p.starts_with("src/") && !p.contains("/tests/") && !p.ends_with("tests.rs"))
    }

    /// The lines before the tests of the file, with their numbers from 1.
    pub(crate) fn product_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let before_tests = |(_, line): &(usize, &str)| line.trim() != "#[cfg(test)]" || line.starts_with(' ');
        self.text.lines().enumerate().map(|(i, line)| (i + 1, line)).take_while(before_tests)
    }
}

/// All files whose name ends with one of `endings`, as git sees them (ignored ones are left out).
pub(crate) fn with_ending(endings: &[&str]) -> anyhow::Result<Vec<Source>> {
    let out = std::process::Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        .current_dir(root())
        .output()
        .context("starting git")?;
    if !out.status.success() {
        bail!("git ls-files failed: {}", String::from_utf8_lossy(&out.stderr));
    }
    let names = String::from_utf8(out.stdout)?;
    let mut found = Vec::new();
    for name in names.split('\0').filter(|n| endings.iter().any(|e| n.ends_with(e))) {
        let path: PathBuf = root().join(Path::new(name));
        // A file that was removed and not yet committed is still listed.
        if let Ok(text) = std::fs::read_to_string(&path) {
            found.push(Source { path: name.to_owned(), text });
        }
    }
    Ok(found)
}
