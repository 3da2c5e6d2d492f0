//! Tests of the container by itself; those against the reference implementation are in `tests/crypt4gh_peer.rs`.

use std::io::Read as _;
use std::sync::Mutex;

use kernel::Random;
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use super::*;

/// Gives out prepared bytes, in order.
struct Prepared(Mutex<Vec<u8>>);
impl Random for Prepared {
    fn fill(&self, bytes: &mut [u8]) {
        let mut left = self.0.lock().unwrap();
        let rest = left.split_off(bytes.len());
        bytes.copy_from_slice(&left);
        *left = rest;
    }
}

/// A counter run through SHA-256: reproducible, and never the same twice.
struct Counted(Mutex<u64>);
impl Counted {
    fn new() -> Self {
        Self(Mutex::new(0))
    }
}
impl Random for Counted {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let mut n = self.0.lock().unwrap();
            *n += 1;
            chunk.copy_from_slice(&Sha256::digest(n.to_le_bytes())[..chunk.len()]);
        }
    }
}

const READER: [u8; 32] = *b"\x21\x22\x23\x24\x25\x26\x27\x28\x29\x2a\x2b\x2c\x2d\x2e\x2f\x30\x31\x32\x33\x34\x35\x36\x37\x38\x39\x3a\x3b\x3c\x3d\x3e\x3f\x40";

fn bytes(from: u8, n: u8) -> Vec<u8> {
    (from..from + n).collect()
}

#[test]
fn del_050_the_check_file_is_reproduced_byte_for_byte() {
    // Drawn in this order: writer secret, data key, header nonce, segment nonce.
    let random = Prepared(Mutex::new([bytes(0x01, 32), bytes(0x41, 32), bytes(0x00, 12), bytes(0x0c, 12)].concat()));
    let public = public_key(&READER);
    assert_eq!(hex::encode(public), "5869aff450549732cbaaed5e5df9b30a6da31cb0e5742bad5ad4a1a768f1a67b");
    let file = seal(b"hap\n", &[public], &random).unwrap();
    assert_eq!(
        hex::encode(&file),
        "637279707434676801000000010000006c0000000000000007a37cbc142093c8b755dc1b10e86cb426374ad16aa853ed0bdfc0b2b86d1c7c\
         000102030405060708090a0bd5dedf90891cfb05f20ce3a11d003cb23ff35bc2f2a63c1c0c6de67a17769d45437a1316b6b204465d0f1fc1\
         e240f66c8606e8dff9940c240c0d0e0f1011121314151617cc7fda1e9f9f3703ddf3a6bde4fd2e1fd4b2561d"
    );
    assert_eq!(hex::encode(Sha256::digest(&file)), "04bd57eff8cd7e8e758b078eb87b400decbc6e477ddede6124f18567f2ee2cf3");
    assert_eq!(open(&file, &READER).unwrap(), b"hap\n");
}

#[test]
fn sizes_around_the_segment_length_round_trip() {
    let random = Counted::new();
    for size in [0usize, 1, 65_535, 65_536, 65_537, 200_000] {
        let plain: Vec<u8> = (0..size).map(|i| (i * 31 % 251) as u8).collect();
        let file = seal(&plain, &[public_key(&READER)], &random).unwrap();
        assert_eq!(file.len() as u64, sealed_len(size as u64, 1));
        assert!(open(&file, &READER).unwrap() == plain, "{size}");
        // Read in small pieces.
        let mut reader = Reader::new(file.as_slice(), &READER).unwrap();
        let (mut piece, mut got) = ([0u8; 777], Vec::new());
        while let Ok(n @ 1..) = reader.read(&mut piece) {
            got.extend_from_slice(&piece[..n]);
        }
        assert!(got == plain);
    }
}

#[test]
fn every_recipient_opens_and_nobody_else() {
    let random = Counted::new();
    let (a, b, c) = ([1u8; 32], [2u8; 32], [3u8; 32]);
    let file = seal(b"for two", &[public_key(&a), public_key(&b)], &random).unwrap();
    assert_eq!(open(&file, &a).unwrap(), b"for two");
    assert_eq!(open(&file, &b).unwrap(), b"for two");
    assert_eq!(open(&file, &c), Err(Crypt4ghError::NotForThisKey));
    assert_eq!(seal(b"", &[], &random), Err(Crypt4ghError::Recipients));
    assert_eq!(seal(b"", &[[0; 32]], &random), Err(Crypt4ghError::WeakKey));
}

#[test]
fn del_054_readdressing_keeps_the_body() {
    let random = Counted::new();
    let (old, new) = ([1u8; 32], [2u8; 32]);
    let plain = vec![9u8; 70_000];
    let file = seal(&plain, &[public_key(&old)], &random).unwrap();
    let mut out = Vec::new();
    let body = readdress(&mut file.as_slice(), &mut out, &old, &[public_key(&new)], &random).unwrap();
    assert_eq!(body as usize, file.len() - 124);
    assert_eq!(out[124..], file[124..]);
    assert!(open(&out, &new).unwrap() == plain);
    assert_eq!(open(&out, &old), Err(Crypt4ghError::NotForThisKey));
}

/// A container with these packets and this content.
fn container(packets: &[Vec<u8>], content: &[u8]) -> Vec<u8> {
    let key = zeroize::Zeroizing::new([7u8; 32]);
    let mut all = vec![header::key_packet(&key)];
    all.extend(packets.iter().cloned().map(zeroize::Zeroizing::new));
    let mut out = Vec::new();
    header::write(&mut out, &all, &[public_key(&READER)], &[5; 32], &Counted::new()).unwrap();
    // The body of a container whose data key is this one.
    let random = Prepared(Mutex::new([vec![5; 32], vec![7; 32], bytes(0, 12), bytes(50, 12), bytes(90, 12)].concat()));
    let body = seal(content, &[public_key(&READER)], &random).unwrap();
    out.extend_from_slice(&body[124..]);
    out
}

fn edit_list(lengths: &[u64]) -> Vec<u8> {
    let mut packet = [1u32.to_le_bytes(), (lengths.len() as u32).to_le_bytes()].concat();
    packet.extend(lengths.iter().flat_map(|l| l.to_le_bytes()));
    packet
}

#[test]
fn del_051_edit_lists_are_honoured() {
    let content: Vec<u8> = (0..100_000u32).map(|i| (i % 251) as u8).collect();
    let cases: [(&[u64], Vec<u8>); 6] = [
        (&[10], content[10..].to_vec()),
        (&[10, 5], content[10..15].to_vec()),
        (&[0, 5, 65_536, 7], [&content[..5], &content[65_541..65_548]].concat()),
        (&[65_530, 20, 10], [&content[65_530..65_550], &content[65_560..]].concat()),
        (&[200_000, 5], Vec::new()),
        (&[0, 0, 3, 4, 0, 2], content[3..9].to_vec()),
    ];
    for (lengths, wanted) in cases {
        let got = open(&container(&[edit_list(lengths)], &content), &READER).unwrap();
        assert!(got == wanted, "{lengths:?}");
    }
}

#[test]
fn del_051_what_the_format_does_not_allow_is_an_error() {
    let open = |packets: &[Vec<u8>]| open(&container(packets, b"x"), &READER);
    assert_eq!(open(&[]).unwrap(), b"x");
    assert_eq!(open(&[edit_list(&[1]), edit_list(&[1])]), Err(Crypt4ghError::TwoEditLists));
    assert_eq!(open(&[vec![9, 0, 0, 0, 1, 2, 3]]), Err(Crypt4ghError::PacketType(9)));
    assert_eq!(open(&[vec![1, 0, 0, 0, 3, 0, 0, 0, 1]]), Err(Crypt4ghError::PacketShape));
    assert_eq!(open(&[vec![0, 0, 0, 0, 1, 0, 0, 0]]), Err(Crypt4ghError::PacketShape));

    let good = seal(b"content", &[public_key(&READER)], &Counted::new()).unwrap();
    let with = |at: usize, value: u32| {
        let mut bad = good.clone();
        bad[at..at + 4].copy_from_slice(&value.to_le_bytes());
        super::open(&bad, &READER)
    };
    assert_eq!(with(0, 0), Err(Crypt4ghError::NotCrypt4gh));
    assert_eq!(with(8, 2), Err(Crypt4ghError::Version(2)));
    assert_eq!(with(12, 0), Err(Crypt4ghError::PacketCount(0)));
    assert_eq!(with(12, 1001), Err(Crypt4ghError::PacketCount(1001)));
    assert_eq!(with(16, 67), Err(Crypt4ghError::PacketLength(67)));
    assert_eq!(with(16, MAX_PACKET + 1), Err(Crypt4ghError::PacketLength(MAX_PACKET + 1)));
    assert_eq!(with(20, 1), Err(Crypt4ghError::Method(1)));
    assert_eq!(super::open(&good[..60], &READER), Err(Crypt4ghError::HeaderCut));
    assert_eq!(super::open(&good[..good.len() - 1], &READER), Err(Crypt4ghError::BadSegment(0)));
}

#[test]
fn del_051_nothing_of_a_failing_or_later_segment_is_given_out() {
    let plain = vec![1u8; 3 * SEGMENT];
    let mut file = seal(&plain, &[public_key(&READER)], &Counted::new()).unwrap();
    file[124 + SEALED_SEGMENT + 100] ^= 1;
    let mut reader = Reader::new(file.as_slice(), &READER).unwrap();
    let mut got = Vec::new();
    let error = Crypt4ghError::from(reader.read_to_end(&mut got).unwrap_err());
    assert_eq!(error, Crypt4ghError::BadSegment(1));
    assert_eq!(got.len(), SEGMENT);
    assert_eq!(Crypt4ghError::from(reader.read(&mut [0; 8]).unwrap_err()), error, "stays failed");
}

#[test]
fn key_files_round_trip_and_name_what_is_wrong() {
    use keyfile::*;
    let random = Counted::new();
    let secret = [0x5a; 32];
    assert_eq!(read_public(&write_public(&public_key(&secret))).unwrap(), public_key(&secret));
    let clear = write_secret(&secret, None, Some("note"), &random).unwrap();
    assert_eq!(*read_secret(&clear, None).unwrap(), secret);
    let locked = write_secret(&secret, Some(b"open sesame"), None, &random).unwrap();
    assert_eq!(*read_secret(&locked, Some(b"open sesame")).unwrap(), secret);
    assert_eq!(read_secret(&locked, None).unwrap_err(), KeyFileError::PassphraseNeeded);
    assert_eq!(read_secret(&locked, Some(b"wrong")).unwrap_err(), KeyFileError::WrongPassphrase);
    assert_eq!(read_secret(&write_public(&secret), None).unwrap_err(), KeyFileError::Shape("PRIVATE KEY"));
    assert_eq!(read_public("").unwrap_err(), KeyFileError::Shape("PUBLIC KEY"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn garbage_never_opens_and_never_panics(mut bytes in proptest::collection::vec(any::<u8>(), 0..400), head: bool) {
        if head && bytes.len() > 16 {
            bytes[..8].copy_from_slice(b"crypt4gh");
            bytes[8..12].copy_from_slice(&1u32.to_le_bytes());
            bytes[12..16].copy_from_slice(&1u32.to_le_bytes());
        }
        prop_assert!(open(&bytes, &READER).is_err());
        let _ = keyfile::read_secret(&String::from_utf8_lossy(&bytes), Some(b"x"));
    }

    #[test]
    fn a_flipped_bit_or_a_cut_never_gives_other_content(at in 0usize..192, bit in 0u8..8, cut: bool) {
        let file = seal(b"some content to protect, 68 bytes with everything around it", &[public_key(&READER)],
                        &Counted::new()).unwrap();
        let at = at % file.len();
        let mut bad = file.clone();
        if cut { bad.truncate(at) } else { bad[at] ^= 1 << bit }
        // Cut exactly after the header, the file is an empty one: DEL-052 says that the caller's digest finds this.
        if !(cut && at == 124) {
            prop_assert!(open(&bad, &READER).is_err());
        }
    }
}
