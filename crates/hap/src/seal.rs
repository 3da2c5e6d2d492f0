//! The seal of letters for readers outside (ACC-160): a detached CMS signature (RFC 5652, with the attributes of CAdES,
//! RFC 5035) by ECDSA on P-256 under the body's own certificate, which any usual tool can check
//! (`openssl cms -verify -binary -inform DER -in letter.pdf.p7s -content letter.pdf -CAfile seal.pem`). Ed25519, with which
//! everything inside is signed, is not understood there. What is written is a handful of DER structures, so that no
//! library for them is needed.

use std::path::Path;
use std::sync::Arc;

use access::Seal;
use anyhow::Context as _;
use kernel::{Clock, CryptoError, Timestamp};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, KeyPair, KeyUsagePurpose, PublicKeyData as _, SigningKey as _,
    date_time_ymd,
};
use sha2::{Digest as _, Sha256};

use crate::transport::write_private;

const CERTIFICATE: &str = "seal.crt.pem";
const KEY: &str = "seal.key.pem";
/// Years for which a certificate made here is valid.
const YEARS: i32 = 10;

/// The body's key and certificate. A body with a certificate of its own puts both files in the folder of the centre.
pub struct BodySeal {
    key: KeyPair,
    certificate: Vec<u8>,
    pem: String,
}

impl BodySeal {
    /// The seal of the body in `dir`; made, signed by itself, when there is none.
    ///
    /// # Errors
    /// When the folder cannot be written, or what stands in it is no key of P-256 with its certificate.
    pub fn open(dir: &Path, body: &str, clock: &Arc<dyn Clock>) -> anyhow::Result<Self> {
        let (certificate_file, key_file) = (dir.join(CERTIFICATE), dir.join(KEY));
        if !certificate_file.exists() {
            let (key, pem) = make(body, i32::from(clock.today().year())).context("making the seal")?;
            write_private(&key_file, key.as_bytes())?;
            std::fs::write(&certificate_file, pem).context("writing the certificate of the seal")?;
        }
        let read = |file: &Path| {
            std::fs::read_to_string(file).with_context(|| format!("reading {} of the seal", file.display()))
        };
        Self::read(&read(&key_file)?, read(&certificate_file)?)
    }

    fn read(key: &str, pem: String) -> anyhow::Result<Self> {
        let key = KeyPair::from_pem(key).context("the key of the seal")?;
        anyhow::ensure!(
            key.algorithm() == &rcgen::PKCS_ECDSA_P256_SHA256,
            "the key of the seal is not on the curve P-256"
        );
        let certificate = from_pem(&pem).context("the certificate of the seal is no PEM")?;
        anyhow::ensure!(issuer_and_serial(&certificate).is_some(), "the certificate of the seal cannot be read");
        let own = key.der_bytes();
        anyhow::ensure!(
            certificate.windows(own.len()).any(|window| window == own),
            "the certificate of the seal is not that of its key"
        );
        Ok(Self { key, certificate, pem })
    }
}

impl Seal for BodySeal {
    fn seal(&self, content: &[u8], at: Timestamp) -> Result<Vec<u8>, CryptoError> {
        let (issuer, serial) = issuer_and_serial(&self.certificate).ok_or(CryptoError::Unavailable)?;
        let attributes = attributes(content, &self.certificate, at);
        // They are signed as a set and stand in the message under a tag of their own.
        let signature = self.key.sign(&tlv(SET, &[&attributes])).map_err(|_| CryptoError::Unavailable)?;
        let sha256 = tlv(SEQUENCE, &[&tlv(OID, &[SHA256])]);
        let signer = tlv(
            SEQUENCE,
            &[
                &tlv(INTEGER, &[&[1]]),
                &tlv(SEQUENCE, &[issuer, serial]),
                &sha256,
                &tlv(CONTEXT_0, &[&attributes]),
                &tlv(SEQUENCE, &[&tlv(OID, &[ECDSA_SHA256])]),
                &tlv(OCTETS, &[&signature]),
            ],
        );
        let signed = tlv(
            SEQUENCE,
            &[
                &tlv(INTEGER, &[&[1]]),
                &tlv(SET, &[&sha256]),
                &tlv(SEQUENCE, &[&tlv(OID, &[DATA])]),
                &tlv(CONTEXT_0, &[&self.certificate]),
                &tlv(SET, &[&signer]),
            ],
        );
        Ok(tlv(SEQUENCE, &[&tlv(OID, &[SIGNED_DATA]), &tlv(CONTEXT_0, &[&signed])]))
    }

    fn certificate(&self) -> &str {
        &self.pem
    }
}

/// A new key and its certificate, PEM.
fn make(body: &str, year: i32) -> Result<(String, String), rcgen::Error> {
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let mut parameters = CertificateParams::default();
    parameters.not_before = date_time_ymd(year, 1, 1);
    parameters.not_after = date_time_ymd(year + YEARS, 1, 1);
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::ContentCommitment];
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, body);
    name.push(DnType::CommonName, format!("Seal of {body}"));
    parameters.distinguished_name = name;
    let certificate = parameters.self_signed(&key)?;
    Ok((key.serialize_pem(), certificate.pem()))
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OID: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const CONTEXT_0: u8 = 0xa0;

/// 1.2.840.113549.1.7.2
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
/// 1.2.840.113549.1.7.1
const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
/// 1.2.840.113549.1.9.3
const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03];
/// 1.2.840.113549.1.9.4
const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04];
/// 1.2.840.113549.1.9.5
const SIGNING_TIME: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x05];
/// 1.2.840.113549.1.9.16.2.47
const SIGNING_CERTIFICATE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x2f];
/// 2.16.840.1.101.3.4.2.1
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
/// 1.2.840.10045.4.3.2
const ECDSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];

/// What is signed: kind and digest of the content, the time, and which certificate it is; in the order of DER.
fn attributes(content: &[u8], certificate: &[u8], at: Timestamp) -> Vec<u8> {
    let attribute = |oid: &[u8], value: Vec<u8>| tlv(SEQUENCE, &[&tlv(OID, &[oid]), &tlv(SET, &[&value])]);
    let of_certificate = tlv(SEQUENCE, &[&tlv(OCTETS, &[&Sha256::digest(certificate)])]);
    let mut all = [
        attribute(CONTENT_TYPE, tlv(OID, &[DATA])),
        attribute(MESSAGE_DIGEST, tlv(OCTETS, &[&Sha256::digest(content)])),
        attribute(SIGNING_TIME, time(at)),
        attribute(SIGNING_CERTIFICATE, tlv(SEQUENCE, &[&tlv(SEQUENCE, &[&of_certificate])])),
    ];
    all.sort();
    all.concat()
}

/// A time in UTC to the second; with two digits of the year until 2049, as the standard wants it.
fn time(at: Timestamp) -> Vec<u8> {
    let text: String = at.to_string().chars().filter(char::is_ascii_digit).take(14).collect();
    let short = ("1950".."2050").contains(&text.get(..4).unwrap_or_default());
    let (tag, text) = if short { (UTC_TIME, &text[2..]) } else { (GENERALIZED_TIME, text.as_str()) };
    tlv(tag, &[text.as_bytes(), b"Z"])
}

/// Tag, length, content.
fn tlv(tag: u8, content: &[&[u8]]) -> Vec<u8> {
    let length: usize = content.iter().map(|part| part.len()).sum();
    let mut out = vec![tag];
    match u8::try_from(length) {
        Ok(short @ ..=0x7f) => out.push(short),
        _ => {
            let bytes = length.to_be_bytes();
            let bytes = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
            out.push(0x80 | bytes.len() as u8);
            out.extend_from_slice(bytes);
        }
    }
    content.iter().for_each(|part| out.extend_from_slice(part));
    out
}

/// A value of some DER.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Value<'a> {
    tag: u8,
    content: &'a [u8],
    /// With tag and length.
    whole: &'a [u8],
    /// What follows it.
    after: &'a [u8],
}

/// The first value of some DER.
fn first(der: &[u8]) -> Option<Value<'_>> {
    let (tag, rest) = der.split_first()?;
    let (length, rest) = rest.split_first()?;
    let (length, rest) = if *length < 0x80 {
        (usize::from(*length), rest)
    } else {
        let (bytes, rest) = rest.split_at_checked(usize::from(*length & 0x7f)).filter(|(bytes, _)| bytes.len() <= 4)?;
        (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
    };
    let (content, after) = rest.split_at_checked(length)?;
    let whole = der.get(..der.len() - after.len())?;
    Some(Value { tag: *tag, content, whole, after })
}

/// Issuer and serial number of a certificate, each with its tag.
fn issuer_and_serial(certificate: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut body = first(first(certificate)?.content)?.content;
    let version = first(body)?;
    if version.tag == CONTEXT_0 {
        body = version.after;
    }
    let serial = first(body)?;
    let algorithm = first(serial.after)?;
    let issuer = first(algorithm.after)?;
    (serial.tag == INTEGER && issuer.tag == SEQUENCE).then_some((issuer.whole, serial.whole))
}

/// The bytes of the first certificate in a PEM text.
fn from_pem(text: &str) -> Option<Vec<u8>> {
    use base64::Engine as _;
    let (_, rest) = text.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
    let body: String = body.split_whitespace().collect();
    base64::engine::general_purpose::STANDARD.decode(body).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// `openssl cms -verify` over a content and a seal.
    fn verified(dir: &Path, content: &[u8], seal: &[u8], certificate: &str) -> std::process::Output {
        let file = |name: &str, bytes: &[u8]| {
            let path = dir.join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        };
        let (content, seal) = (file("content", content), file("content.p7s", seal));
        let authority = file("seal.pem", certificate.as_bytes());
        Command::new("openssl")
            .args(["cms", "-verify", "-binary", "-inform", "DER", "-in"])
            .arg(seal)
            .arg("-content")
            .arg(content)
            .arg("-CAfile")
            .arg(authority)
            .args(["-out", "/dev/null"])
            .output()
            .unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// ACC-160: the seal is checked by a tool that is not ours; another content, another certificate and a changed seal
    /// do not pass.
    #[test]
    fn acc_160_openssl_verifies_the_seal_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let (key, pem) = make("helsedataservice", 2020).unwrap();
        let seal = BodySeal::read(&key, pem).unwrap();
        let content = vec![7u8; 70_000];
        let made = seal.seal(&content, at("2026-11-26T08:00:00Z")).unwrap();
        let passes = |content: &[u8], made: &[u8], pem: &str| verified(dir.path(), content, made, pem);
        let found = passes(&content, &made, seal.certificate());
        assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
        let mut other = content.clone();
        other[69_999] ^= 1;
        assert!(!passes(&other, &made, seal.certificate()).status.success(), "another content");
        let (_, stranger) = make("helsedataservice", 2020).unwrap();
        assert!(!passes(&content, &made, &stranger).status.success(), "another body with the same name");
        let mut changed = made.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert!(!passes(&content, &changed, seal.certificate()).status.success(), "a changed seal");
    }

    /// ACC-160: the first start makes key and certificate, the next ones read them; a key without its certificate is told.
    #[test]
    fn acc_160_the_seal_is_made_once_and_belongs_to_its_key() {
        let dir = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(kernel::FixedClock::at(at("2026-11-26T08:00:00Z")));
        let first = BodySeal::open(dir.path(), "helsedataservice", &clock).unwrap();
        let again = BodySeal::open(dir.path(), "helsedataservice", &clock).unwrap();
        assert_eq!(first.certificate(), again.certificate());
        let (other, _) = make("helsedataservice", 2026).unwrap();
        write_private(&dir.path().join(KEY), other.as_bytes()).unwrap();
        assert!(BodySeal::open(dir.path(), "helsedataservice", &clock).is_err());
    }

    #[test]
    fn lengths_and_times_are_those_of_der() {
        assert_eq!(tlv(4, &[&[0; 127]])[..2], [4, 127]);
        assert_eq!(tlv(4, &[&[0; 128]])[..3], [4, 0x81, 128]);
        assert_eq!(tlv(4, &[&[0; 300]])[..4], [4, 0x82, 1, 44]);
        assert_eq!(time(at("2049-12-31T23:59:59Z")), b"\x17\x0d491231235959Z");
        assert_eq!(time(at("2050-01-01T00:00:00Z")), b"\x18\x0f20500101000000Z");
        assert_eq!(first(&[4, 0x85, 1, 1, 1, 1, 1]), None);
        assert_eq!(first(&[4, 3, 1]), None);
    }
}
