//! `hap egress check` from outside: exit codes, report for people and for machines.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::common::HAP;

fn check(folder: &Path, words: &[&str]) -> Output {
    Command::new(HAP).args(["egress", "check"]).arg(folder).args(words).output().unwrap()
}

/// SDC-300: pass, review or fail per file and table, with reasons that people and machines read.
#[test]
fn files_are_checked_from_the_command_line() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let code = |folder: &str, words: &[&str]| check(&dir.path().join(folder), words).status.code();
    write("good/t.csv", "sex,n\nmen,120\nwomen,135\n");
    write("good/fit.R", "fit <- lm(y ~ x)\n");
    write("later/t.csv", "sex,n\nmen,125\nwomen,135\n");
    write("bad/deep/t.csv", "sex,n\nmen,4\nwomen,135\n");
    std::fs::create_dir(dir.path().join("empty")).unwrap();
    assert_eq!(code("good", &[]), Some(0));
    assert_eq!(code("later", &[]), Some(0));
    let earlier = dir.path().join("good").display().to_string();
    assert_eq!(code("later", &["--earlier", &earlier]), Some(1));
    assert_eq!(code("bad", &[]), Some(3));
    assert_eq!((code("empty", &[]), code("missing", &[])), (Some(4), Some(4)));
    assert_eq!(code("good", &["--unknown"]), Some(2));
    let text = |words: &[&str]| String::from_utf8(check(&dir.path().join("bad"), words).stdout).unwrap();
    let shown = text(&["--lang", "en"]);
    assert!(
        shown.contains("deep/t.csv") && shown.contains("SMALL_COUNT [row 1, column 2]: Counts of 1 to 9 are shown.")
    );
    assert!(
        shown.contains("Merge groups, or hide counts under 10.") && shown.contains("fail: 0 pass, 0 review, 1 fail")
    );
    assert!(text(&["--language", "nn"]).contains("Tal frå 1 til 9 er viste."));
    let report: Value = serde_json::from_str(&text(&["--json"])).unwrap();
    let reason = &report["files"][0]["tables"][0]["reasons"][0];
    assert_eq!((report["verdict"].as_str(), reason["code"].as_str()), (Some("fail"), Some("SMALL_COUNT")));
    assert_eq!((reason["rule"].as_str(), reason["remedy"].as_str()), (Some("SDC-303"), Some("hide_small")));
}
