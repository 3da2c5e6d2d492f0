//! Who imports whom, held against the table.

use std::collections::{BTreeMap, BTreeSet};

use crate::table::{ANONYMOUS, FOR_TESTS, IDENTIFIABLE, TABLE};
use crate::workspace::{Metadata, cargo, metadata};

/// Everything that breaks the table.
pub(crate) fn check() -> anyhow::Result<Vec<String>> {
    let workspace = metadata(false)?;
    let mut found = table_faults();
    found.extend(import_faults(&workspace));
    found.extend(raw_access_faults(&workspace)?);
    Ok(found)
}

/// The table itself: every crate stands below the ones that it uses.
fn table_faults() -> Vec<String> {
    let place = |name: &str| TABLE.iter().position(|r| r.name == name);
    let mut found = Vec::new();
    for (i, row) in TABLE.iter().enumerate() {
        for used in row.may_use {
            // The test kit stands below what it uses in any case; it is no part of the product.
            if place(used).is_none_or(|p| p >= i) {
                found.push(format!("the table lets {} use {used}, which does not stand above it", row.name));
            }
        }
    }
    found
}

fn import_faults(workspace: &Metadata) -> Vec<String> {
    let mut found = Vec::new();
    let mut uses: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in &workspace.packages {
        let Some(row) = TABLE.iter().find(|r| r.name == package.name) else {
            found.push(format!("{} does not stand in the table", package.name));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|d| d.path.is_some()) {
            let name = dependency.name.as_str();
            let allowed = row.may_use.contains(&name);
            let in_tests = dependency.kind.as_deref() == Some("dev");
            if in_tests {
                // Tests may bring in anything from the rows above; what a crate is forbidden for good, its tests are too.
                let above = TABLE.iter().take_while(|r| r.name != package.name).any(|r| r.name == name);
                let for_good = ANONYMOUS.contains(&row.name) && IDENTIFIABLE.contains(&name);
                if for_good || !(above || FOR_TESTS.contains(&name) || name == package.name) {
                    found.push(format!("the tests of {} use {name}, which the table does not allow", package.name));
                }
                continue;
            }
            if !allowed {
                found.push(format!("{} uses {name}, which the table does not allow", package.name));
            }
            uses.entry(&package.name).or_default().insert(name);
        }
    }
    for start in ANONYMOUS {
        let mut reached = BTreeSet::new();
        let mut open = vec![*start];
        while let Some(name) = open.pop() {
            for next in uses.get(name).into_iter().flatten() {
                if reached.insert(*next) {
                    open.push(next);
                }
            }
        }
        for forbidden in IDENTIFIABLE.iter().filter(|f| reached.contains(*f)) {
            found.push(format!("{start} reaches {forbidden}: anonymous analysis has no road to identifiable people"));
        }
    }
    found
}

/// Raw values are readable only behind the feature `raw-access` of `engine`, which the product never has.
fn raw_access_faults(workspace: &Metadata) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for package in &workspace.packages {
        let switched = |d: &&crate::workspace::Dependency| d.features.iter().any(|f| f.contains("raw-access"));
        for dependency in package.dependencies.iter().filter(switched) {
            if dependency.kind.as_deref() != Some("dev") {
                found.push(format!("{} switches on raw-access outside its tests", package.name));
            }
        }
    }
    let tree = cargo(&["tree", "--locked", "-p", "hap", "-e", "normal,build,features", "--prefix", "none"])?;
    let tree = String::from_utf8_lossy(&tree);
    if tree.lines().any(|line| line.contains("raw-access")) {
        found.push("the feature tree of hap shows raw-access".to_owned());
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::{Dependency, Package};

    fn package(name: &str, uses: &[(&str, Option<&str>)]) -> Package {
        let dependency = |(name, kind): &(&str, Option<&str>)| Dependency {
            name: (*name).to_owned(),
            kind: kind.map(str::to_owned),
            path: Some("crates".into()),
            features: Vec::new(),
        };
        Package {
            name: name.into(),
            version: "0.1.0".into(),
            license: None,
            license_file: None,
            source: None,
            dependencies: uses.iter().map(dependency).collect(),
        }
    }

    #[test]
    fn the_table_stands_on_its_feet() {
        assert_eq!(table_faults(), Vec::<String>::new());
    }

    #[test]
    fn a_forbidden_import_is_found() {
        let workspace = Metadata {
            packages: vec![
                package("kernel", &[]),
                package("web", &[("keys", None)]),
                package("catalogue", &[("kernel", None), ("testkit", Some("dev"))]),
                package("explore", &[("catalogue", None)]),
                package("unheard", &[]),
            ],
        };
        assert_eq!(
            import_faults(&workspace),
            ["web uses keys, which the table does not allow", "unheard does not stand in the table"]
        );
    }

    #[test]
    fn a_road_to_people_through_others_is_found() {
        let workspace = Metadata {
            packages: vec![
                package("explore", &[("catalogue", None)]),
                package("catalogue", &[("identity", None)]),
                package("identity", &[("keys", None)]),
            ],
        };
        let found = import_faults(&workspace);
        assert!(found.iter().any(|f| f.starts_with("explore reaches keys")), "{found:?}");
        assert!(found.iter().any(|f| f.starts_with("catalogue reaches keys")), "{found:?}");
    }
}
