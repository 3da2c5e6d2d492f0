//! DATA-113: the public tool, at the version of `tests/peers/requirements.txt`, opens the packages that we write, also with
//! a member that it does not know. It is installed by `make python-peers`; without it the test fails and says so.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use datastore::package::{PublicKey, write};
use testkit::Seeded;

fn material(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn python() -> PathBuf {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.venv/bin/python");
    assert!(
        python.exists(),
        "the public tools are not installed: run `make python-peers` in the root of the repository"
    );
    python
}

/// The public tool's own unpacking; it checks members and checksum.
const UNPACK: &str = "\
import sys
from pathlib import Path
from microdata_tools import unpackage_dataset
package, keys, out = map(Path, sys.argv[1:])
unpackage_dataset(package, keys, out)
";

fn unpack_by_the_public_tool(package: &Path, out: &Path) {
    let args = [package, &material("golden"), out];
    let ran = Command::new(python()).args(["-c", UNPACK]).args(args).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

#[test]
fn data_113_the_public_tool_opens_what_we_write() {
    let folder = tempfile::tempdir().unwrap();
    let key = PublicKey::read(&material("golden/microdata_public_key.pem")).unwrap();
    for name in ["BEFOLKNING_KJOENN", "BEFOLKNING_INNTEKT", "BEFOLKNING_BOSTED", "BEFOLKNING_SIVILSTAND"] {
        let dataset = material("examples").join(name);
        write(&dataset, &key, folder.path(), &Seeded::new(7)).unwrap();
        let package = folder.path().join(format!("{name}.tar"));
        for extra in [false, true] {
            if extra {
                with_manifest(&package, name);
            }
            let out = folder.path().join(format!("out-{name}-{extra}"));
            fs::create_dir(&out).unwrap();
            unpack_by_the_public_tool(&package, &out);
            for file in [format!("{name}.csv"), format!("{name}.json")] {
                let opened = fs::read(out.join(name).join(&file)).unwrap();
                assert_eq!(opened, fs::read(dataset.join(&file)).unwrap(), "{file}, with another member: {extra}");
            }
        }
    }
}

/// Puts a member of ours (DATA-057) into a package.
fn with_manifest(package: &Path, name: &str) {
    let mut archive = tar::Archive::new(fs::File::open(package).unwrap());
    let mut built = tar::Builder::new(Vec::new());
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let header = entry.header().clone();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
        built.append(&header, bytes.as_slice()).unwrap();
    }
    let manifest = b"e30..c2lnbmF0dXJl";
    let mut header = tar::Header::new_ustar();
    header.set_size(manifest.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    built.append_data(&mut header, format!("{name}.manifest.jws"), manifest.as_slice()).unwrap();
    fs::write(package, built.into_inner().unwrap()).unwrap();
}
