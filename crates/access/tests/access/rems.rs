//! The REMS profiles (`access.md` 8.1): the cells of the published permission reference. What the site answers in each of
//! them is tried over HTTP in `hap`.
#![expect(clippy::unwrap_used, reason = "tests")]

use access::permissions::Workflow;
use serde_json::Value;

fn profile() -> Value {
    let file: Value = serde_json::from_str(include_str!("../../data/permissions.json")).unwrap();
    file["rems_profile"].clone()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// ACC-090: all 2 240 cells of each profile, and how many of them are allowed.
#[test]
fn acc_090_every_profile_has_its_cells() {
    let profile = profile();
    for (workflow, name, expected) in [
        (Workflow::RemsMaster, "master", 201),
        (Workflow::RemsDefault, "default", 199),
        (Workflow::RemsDecider, "decider", 194),
    ] {
        let removed: Vec<Vec<String>> =
            profile["workflows"][name]["removed"].as_array().unwrap().iter().map(texts).collect();
        let (mut cells, mut allowed) = (0, 0);
        for state in texts(&profile["states"]) {
            for role in texts(&profile["roles"]) {
                for permission in texts(&profile["permissions"]) {
                    let cell = [&state, &role, &permission];
                    let gone = removed.iter().any(|r| r.iter().zip(cell).all(|(r, value)| r == "*" || r == value));
                    let listed = texts(&profile["matrix"][&state][&role]).contains(&permission);
                    assert_eq!(workflow.has(&state, &role, &permission), listed && !gone, "{name} {cell:?}");
                    cells += 1;
                    allowed += i32::from(listed && !gone);
                }
            }
        }
        assert_eq!((cells, allowed), (2_240, expected), "{name}");
        assert_eq!(profile["workflows"][name]["allowed"], expected);
    }
    assert!(!Workflow::Hap.has("draft", "applicant", "submit"));
}
