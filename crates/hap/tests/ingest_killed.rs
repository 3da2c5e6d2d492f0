//! An ingest that is killed (DATA-063, DATA-086): whatever the moment, running it again ends in the state of an undisturbed
//! run, and broken input changes nothing.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const HAP: &str = env!("CARGO_BIN_EXE_hap");
const STORES: [&str; 2] = ["no.fhi.npr", "no.ssb.fdb"];

struct Installation {
    root: PathBuf,
    files: PathBuf,
}

impl Installation {
    fn command(&self) -> Command {
        let mut command = Command::new(HAP);
        command.arg("ingest").args(STORES.map(|s| self.files.join(s))).arg("--data").arg(self.root.join("hap"));
        command
    }

    fn ingest(&self) -> Output {
        self.command().output().unwrap()
    }

    /// Store, version and digest of each line that an ingest printed.
    fn told(output: &Output) -> Vec<[String; 3]> {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        let text = String::from_utf8_lossy(&output.stdout);
        let words = |line: &str| -> Option<[String; 3]> {
            let mut words = line.split_whitespace();
            let (store, version) = (words.next()?, words.next()?.trim_end_matches(':'));
            let digest = line.split("digest ").nth(1)?;
            Some([store.to_owned(), version.to_owned(), digest.trim().to_owned()])
        };
        text.lines().filter_map(words).collect()
    }

    /// A data zone that has never seen anything; ordinals that the key role gave stay as they are.
    fn forget(&self) {
        let data = self.root.join("hap/data");
        for name in ["datastore", "audit"] {
            let _ = fs::remove_dir_all(data.join(name));
        }
        for file in fs::read_dir(&data).unwrap().map(|e| e.unwrap().path()) {
            if file.file_name().unwrap().to_string_lossy().starts_with("hap.db") {
                fs::remove_file(file).unwrap();
            }
        }
    }

    fn work_folders(&self) -> usize {
        fs::read_dir(self.root.join("hap/data/datastore/work")).map_or(0, Iterator::count)
    }
}

fn installation(root: &Path) -> Installation {
    let run = |words: &[&str]| assert!(Command::new(HAP).args(words).stdout(Stdio::null()).status().unwrap().success());
    let (hap, files) = (root.join("hap"), root.join("files"));
    // A port on which no key role answers, so that each ingest opens the key zone itself and is killed with it.
    run(&["init", "--demo", "--first-port", "1", "--data", hap.to_str().unwrap()]);
    run(&["synth", "--persons", "300", "--out", files.to_str().unwrap()]);
    Installation { root: root.to_owned(), files }
}

/// Moments without a pattern, the same in every run of the test.
fn moments(count: usize) -> impl Iterator<Item = f64> {
    let next =
        |state: &u64| Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
    std::iter::successors(Some(42u64), next).skip(1).take(count).map(|s| (s >> 11) as f64 / (1u64 << 53) as f64)
}

#[test]
fn data_063_an_ingest_killed_at_any_moment_ends_like_an_undisturbed_one() {
    let folder = tempfile::tempdir().unwrap();
    let installation = installation(folder.path());
    let started = Instant::now();
    let mut finished = 0;
    let mut whole = Duration::from_millis(1500);
    let mut kills = 0;
    for moment in moments(200) {
        if kills == 20 {
            break;
        }
        let mut child = installation.command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let begun = Instant::now();
        let end = begun + whole.mul_f64(moment);
        let done = loop {
            match child.try_wait().unwrap() {
                Some(status) => break Some(status),
                None if Instant::now() >= end => break None,
                None => std::thread::sleep(Duration::from_millis(2)),
            }
        };
        match done {
            Some(status) => {
                assert!(status.success(), "an ingest after a kill works");
                (whole, finished) = (begun.elapsed(), finished + 1);
                installation.forget();
            }
            None => {
                child.kill().unwrap();
                child.wait().unwrap();
                kills += 1;
            }
        }
    }
    assert_eq!(kills, 20, "{finished} finished before their moment in {:?}", started.elapsed());
    let disturbed = Installation::told(&installation.ingest());
    assert_eq!(disturbed.iter().map(|s| s[0].as_str()).collect::<Vec<_>>(), STORES);
    assert_eq!(installation.work_folders(), 0, "what killed jobs left is gone");
    // The same ordinals, a data zone that was never disturbed: the same versions, to the last byte.
    installation.forget();
    let undisturbed = Installation::told(&installation.ingest());
    assert_eq!(disturbed, undisturbed);
    assert_eq!(Installation::told(&installation.ingest()), undisturbed, "again: nothing new");
    let hap = installation.root.join("hap");
    let verified = Command::new(HAP).args(["audit", "verify", "--data"]).arg(&hap).output().unwrap();
    // The other zones have not begun their logs yet.
    let said = String::from_utf8_lossy(&verified.stdout);
    assert!(["keys: intact", "data: intact"].iter().all(|zone| said.contains(zone)), "{said}");

    broken_input_changes_nothing(&installation, &undisturbed);
}

/// DATA-056, DATA-086: one broken dataset among good ones, and a package that was cut in the middle.
fn broken_input_changes_nothing(installation: &Installation, before: &[[String; 3]]) {
    let hap = installation.root.join("hap");
    let broken = installation.root.join("broken");
    let copy = |name: &str, change: &dyn Fn(String) -> String| {
        let from = installation.files.join("no.ssb.fdb").join(name);
        let to = broken.join(name);
        fs::create_dir_all(&to).unwrap();
        fs::copy(from.join(format!("{name}.json")), to.join(format!("{name}.json"))).unwrap();
        let text = fs::read_to_string(from.join(format!("{name}.csv"))).unwrap();
        fs::write(to.join(format!("{name}.csv")), change(text)).unwrap();
    };
    // Half a row at the end; the other dataset has new values and would be a change.
    copy("BEFOLKNING_INVKAT", &|text| text[..text.len() - 3].to_owned());
    copy("BEFOLKNING_KJOENN", &|text| text.replace(";1;", ";2;"));
    let ingest = |path: &Path| {
        let mut command = Command::new(HAP);
        command.arg("ingest").arg(path).args(["--store", "no.ssb.fdb", "--data"]).arg(&hap).output().unwrap()
    };
    let refused = ingest(&broken);
    assert_eq!(refused.status.code(), Some(1), "{}", String::from_utf8_lossy(&refused.stdout));
    assert!(String::from_utf8_lossy(&refused.stdout).contains("BEFOLKNING_INVKAT"));
    let cut = installation.root.join("BEFOLKNING_KJOENN.tar");
    fs::write(&cut, [0x42; 700]).unwrap();
    assert_eq!(ingest(&cut).status.code(), Some(1));
    assert_eq!(Installation::told(&installation.ingest()), before);
}
