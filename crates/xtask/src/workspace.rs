//! What cargo knows about the workspace.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, bail};
use serde::Deserialize;

/// The root folder of the workspace.
pub(crate) fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).map_or(here.clone(), std::path::Path::to_owned)
}

/// The answer of `cargo metadata`.
#[derive(Deserialize)]
pub(crate) struct Metadata {
    pub packages: Vec<Package>,
}

#[derive(Deserialize)]
pub(crate) struct Package {
    pub name: String,
    pub version: String,
    pub license: Option<String>,
    pub license_file: Option<String>,
    /// None for packages of the workspace.
    pub source: Option<String>,
    pub dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
pub(crate) struct Dependency {
    pub name: String,
    /// `dev`, `build` or none.
    pub kind: Option<String>,
    /// Set for packages of the workspace.
    pub path: Option<String>,
    #[serde(default)]
    pub features: Vec<String>,
}

/// Asks cargo; `all` for the packages from registries too.
pub(crate) fn metadata(all: bool) -> anyhow::Result<Metadata> {
    let mut arguments = vec!["metadata", "--format-version", "1", "--locked"];
    if !all {
        arguments.push("--no-deps");
    }
    Ok(serde_json::from_slice(&cargo(&arguments)?)?)
}

/// Runs cargo and gives its output.
pub(crate) fn cargo(arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let out = Command::new(program).args(arguments).current_dir(root()).output().context("starting cargo")?;
    if !out.status.success() {
        bail!("cargo {} failed: {}", arguments.join(" "), String::from_utf8_lossy(&out.stderr));
    }
    Ok(out.stdout)
}
