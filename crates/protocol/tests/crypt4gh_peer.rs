//! DEL-056: our Crypt4GH and the reference implementation from PyPI read what the other one wrote. Needs the tools of
//! `tests/peers/requirements.txt` in `.venv`; without them the tests fail and say how to install them.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use kernel::Random;
use protocol::crypt4gh::{keyfile, open, public_key, readdress, seal};
use sha2::{Digest as _, Sha256};

/// Reproducible bytes that are never the same twice.
struct Counted(AtomicU64);
impl Random for Counted {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let n = self.0.fetch_add(1, Ordering::SeqCst);
            chunk.copy_from_slice(&Sha256::digest(n.to_le_bytes())[..chunk.len()]);
        }
    }
}

fn random() -> Counted {
    Counted(AtomicU64::new(0))
}

/// The reference implementation's tools.
struct Peer {
    bin: PathBuf,
    dir: tempfile::TempDir,
}

impl Peer {
    fn new() -> Self {
        let bin = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.venv/bin");
        assert!(
            bin.join("crypt4gh").exists(),
            "the reference implementation of Crypt4GH is not installed: run `make python-peers` in the root of the \
             repository (python3 -m venv .venv && .venv/bin/pip install -r tests/peers/requirements.txt)"
        );
        Self { bin, dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Key files of `secret` in clear: (private, public).
    fn keys(&self, name: &str, secret: &[u8; 32]) -> (PathBuf, PathBuf) {
        let text = keyfile::write_secret(secret, None, None, &random()).unwrap();
        (
            self.write(&format!("{name}.sec"), text.as_bytes()),
            self.write(&format!("{name}.pub"), keyfile::write_public(&public_key(secret)).as_bytes()),
        )
    }

    fn run(&self, tool: &str, args: &[&str], input: &[u8]) -> Vec<u8> {
        let mut child = Command::new(self.bin.join(tool))
            .args(args)
            .env_remove("C4GH_PASSPHRASE")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        let feed = std::thread::spawn(move || {
            // The tool may stop reading before the end (edit lists), so a closed pipe is no fault here.
            let _ = stdin.write_all(&input);
        });
        let output = child.wait_with_output().unwrap();
        feed.join().unwrap();
        assert!(output.status.success(), "{tool} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    fn crypt4gh(&self, args: &[&str], input: &[u8]) -> Vec<u8> {
        self.run("crypt4gh", args, input)
    }

    fn python(&self, script: &str, args: &[&str]) -> Vec<u8> {
        self.run("python", &[&["-c", script], args].concat(), b"")
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn content(size: usize) -> Vec<u8> {
    (0..size).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

const SIZES: [usize; 6] = [0, 1, 65_535, 65_536, 65_537, 10 << 20];

#[test]
fn del_056_the_reference_reads_what_we_write() {
    let peer = Peer::new();
    let secret = [0x11; 32];
    let (sec, _) = peer.keys("reader", &secret);
    for size in SIZES {
        let plain = content(size);
        let file = seal(&plain, &[public_key(&secret)], &random()).unwrap();
        let got = peer.crypt4gh(&["decrypt", "--sk", text(&sec)], &file);
        assert!(got == plain, "{size} bytes");
    }
}

#[test]
fn del_056_we_read_what_the_reference_writes() {
    let peer = Peer::new();
    let secret = [0x22; 32];
    let (_, public) = peer.keys("reader", &secret);
    let (writer, _) = peer.keys("writer", &[0x23; 32]);
    for size in SIZES {
        let plain = content(size);
        let file = peer.crypt4gh(&["encrypt", "--sk", text(&writer), "--recipient_pk", text(&public)], &plain);
        assert!(open(&file, &secret).unwrap() == plain, "{size} bytes");
    }
}

#[test]
fn del_056_two_recipients_both_ways() {
    let peer = Peer::new();
    let (a, b) = ([0x31; 32], [0x32; 32]);
    let ((a_sec, a_pub), (b_sec, b_pub)) = (peer.keys("a", &a), peer.keys("b", &b));
    let plain = content(70_000);
    let ours = seal(&plain, &[public_key(&a), public_key(&b)], &random()).unwrap();
    for sec in [&a_sec, &b_sec] {
        assert!(peer.crypt4gh(&["decrypt", "--sk", text(sec)], &ours) == plain);
    }
    let theirs = peer.crypt4gh(&["encrypt", "--recipient_pk", text(&a_pub), "--recipient_pk", text(&b_pub)], &plain);
    for secret in [&a, &b] {
        assert!(open(&theirs, secret).unwrap() == plain);
    }
}

#[test]
fn del_056_headers_are_rewritten_both_ways() {
    let peer = Peer::new();
    let (old, new) = ([0x41; 32], [0x42; 32]);
    let ((old_sec, old_pub), (new_sec, new_pub)) = (peer.keys("old", &old), peer.keys("new", &new));
    let plain = content(100_000);

    let ours = seal(&plain, &[public_key(&old)], &random()).unwrap();
    let moved =
        peer.crypt4gh(&["reencrypt", "--sk", text(&old_sec), "--recipient_pk", text(&new_pub), "--trim"], &ours);
    assert_eq!(moved[124..], ours[124..], "the body is unchanged");
    assert!(open(&moved, &new).unwrap() == plain);

    let theirs = peer.crypt4gh(&["encrypt", "--recipient_pk", text(&old_pub)], &plain);
    let mut moved = Vec::new();
    readdress(&mut theirs.as_slice(), &mut moved, &old, &[public_key(&new)], &random()).unwrap();
    assert!(peer.crypt4gh(&["decrypt", "--sk", text(&new_sec)], &moved) == plain);
}

#[test]
fn del_056_an_edit_list_of_the_reference_is_honoured() {
    let peer = Peer::new();
    let secret = [0x51; 32];
    let (sec, _) = peer.keys("reader", &secret);
    let plain = content(300_000);
    let file = seal(&plain, &[public_key(&secret)], &random()).unwrap();
    // How the tool counts the end of a range is its own matter: its own reading of the file is what counts.
    for (range, start, least) in [("70000-140000", 70_000, 69_000), ("100-200000", 100, 199_000)] {
        let cut = peer.crypt4gh(&["rearrange", "--sk", text(&sec), "--range", range], &file);
        let got = open(&cut, &secret).unwrap();
        assert!(got == peer.crypt4gh(&["decrypt", "--sk", text(&sec)], &cut), "{range}");
        assert!(got.len() >= least && plain[start..].starts_with(&got), "{range}: {} bytes", got.len());
    }
}

/// Writes a private key file with the reference's own functions, under the key derivation named.
const WRITE_KEY: &str = r#"
import base64, os, sys
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from crypt4gh.keys.c4gh import encode_string, MAGIC_WORD
from crypt4gh.keys.kdf import derive_key, get_kdf
name, passphrase, key = sys.argv[1].encode(), sys.argv[2].encode(), bytes.fromhex(sys.argv[3])
size, rounds = get_kdf(name)
salt, nonce = os.urandom(size), os.urandom(12)
sealed = ChaCha20Poly1305(derive_key(name, passphrase, salt, rounds)).encrypt(nonce, key, None)
payload = (MAGIC_WORD + encode_string(name) + encode_string(rounds.to_bytes(4, 'big') + salt)
           + encode_string(b'chacha20_poly1305') + encode_string(nonce + sealed) + encode_string(b'a comment'))
sys.stdout.write('-----BEGIN CRYPT4GH PRIVATE KEY-----\n' + base64.b64encode(payload).decode()
                 + '\n-----END CRYPT4GH PRIVATE KEY-----\n')
"#;

/// Reads a private key file with the reference implementation.
const READ_KEY: &str = r"
import sys
from crypt4gh.keys import get_private_key
sys.stdout.write(get_private_key(sys.argv[1], lambda: sys.argv[2]).hex())
";

#[test]
fn del_056_key_files_with_each_key_derivation_are_read() {
    let peer = Peer::new();
    let secret = [0x61; 32];
    for kdf in ["scrypt", "bcrypt", "pbkdf2_hmac_sha256"] {
        let file = peer.python(WRITE_KEY, &[kdf, "bølge", &hex::encode(secret)]);
        let file = String::from_utf8(file).unwrap();
        let read = keyfile::read_secret(&file, Some("bølge".as_bytes())).unwrap();
        assert_eq!(*read, secret, "{kdf}");
        assert_eq!(
            keyfile::read_secret(&file, Some(b"other")).unwrap_err(),
            keyfile::KeyFileError::WrongPassphrase,
            "{kdf}"
        );
    }
}

#[test]
fn del_056_key_files_of_ours_are_read_by_the_reference() {
    let peer = Peer::new();
    let secret = [0x62; 32];
    let locked = keyfile::write_secret(&secret, Some(b"sesame"), Some("intake"), &random()).unwrap();
    let clear = keyfile::write_secret(&secret, None, None, &random()).unwrap();
    for file in [locked, clear] {
        let path = peer.write("key.sec", file.as_bytes());
        let read = peer.python(READ_KEY, &[text(&path), "sesame"]);
        assert_eq!(String::from_utf8(read).unwrap(), hex::encode(secret));
    }
}

#[test]
fn del_056_a_key_pair_of_the_reference_is_read() {
    let peer = Peer::new();
    let (sec, public) = (peer.path("k.sec"), peer.path("k.pub"));
    peer.run("crypt4gh-keygen", &["--sk", text(&sec), "--pk", text(&public), "--nocrypt"], b"");
    let secret = keyfile::read_secret(&std::fs::read_to_string(sec).unwrap(), None).unwrap();
    let public = keyfile::read_public(&std::fs::read_to_string(public).unwrap()).unwrap();
    assert_eq!(public_key(&secret), public);
}
