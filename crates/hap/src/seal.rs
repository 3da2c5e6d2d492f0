//! The seal of letters for readers outside (ACC-160): a detached CMS signature (RFC 5652, with the attributes of CAdES,
//! RFC 5035) by ECDSA on P-256 under the body's own certificate, which any usual tool can check
//! (`openssl cms -verify -binary -inform DER -in letter.pdf.p7s -content letter.pdf -CAfile seal.pem`). Ed25519, with which
//! everything inside is signed, is not understood there. What is written is a handful of DER structures, so that no
//! library for them is needed.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use access::{Seal, Validity};
use anyhow::Context as _;
use kernel::{Clock, CryptoError, Date, Timestamp};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, KeyPair, KeyUsagePurpose, PublicKeyData as _, SigningKey as _,
    date_time_ymd,
};
use sha2::{Digest as _, Sha256};

use crate::transport::write_private;

const CERTIFICATE: &str = "seal.crt.pem";
const KEY: &str = "seal.key.pem";
/// Those that are to take their place.
const NEW_CERTIFICATE: &str = "seal.new.crt.pem";
const NEW_KEY: &str = "seal.new.key.pem";
/// The new certificate while it is being written.
const PART: &str = "seal.new.crt.part";
/// The digests of the certificates that were made here, a line each: what is not named there was put there by the body.
const MADE_HERE: &str = "seal.made-here";
/// How the names of certificates that are over begin; their last day follows.
const EARLIER: &str = "seal-until-";
/// Years for which a certificate made here is valid.
const YEARS: i32 = 10;

/// Days before the end of a certificate from which on there is a new one, or a warning when the body is to bring it.
const RENEW_DAYS: i32 = 90;

/// The body's key and certificate. A body with a certificate of its own, of an authority or signed by itself, puts both
/// files in the folder of the centre, and new ones in time; a certificate that was made here is renewed by itself, with a
/// new key. Certificates that are over stay in the folder, so that letters that they sealed can be checked.
pub struct BodySeal {
    dir: PathBuf,
    body: String,
    clock: Arc<dyn Clock>,
    now: RwLock<Arc<Sealing>>,
    /// The day on which the log was last told what only people can mend.
    told_on: AtomicI32,
}

/// What seals at a time.
struct Sealing {
    key: KeyPair,
    certificate: Vec<u8>,
    pem: String,
    /// Last day of the certificate.
    until: Date,
    /// Whether it was made here.
    own: bool,
}

impl BodySeal {
    /// The seal of the body in `dir`; made, signed by itself, when there is none.
    ///
    /// # Errors
    /// When the folder cannot be written, or what stands in it is no key of P-256 with its certificate.
    pub fn open(dir: &Path, body: &str, clock: &Arc<dyn Clock>) -> anyhow::Result<Self> {
        finish_renewal(dir)?;
        if !dir.join(CERTIFICATE).exists() {
            anyhow::ensure!(
                !dir.join(KEY).exists(),
                "{} has a key of the seal without its certificate: put {CERTIFICATE} beside it, or take the key away",
                dir.display()
            );
            put_new(dir, body, clock.today()).context("making the seal")?;
        }
        let now = RwLock::new(Arc::new(Sealing::of(dir)?));
        let (dir, body, told_on) = (dir.to_owned(), body.to_owned(), AtomicI32::new(i32::MIN));
        let seal = Self { dir, body, clock: clock.clone(), now, told_on };
        seal.renewed();
        Ok(seal)
    }

    /// What seals at this moment.
    fn current(&self) -> Arc<Sealing> {
        self.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What seals at this moment, renewed when it was made here and ends soon.
    fn renewed(&self) -> Arc<Sealing> {
        let (today, held) = (self.clock.today(), self.current());
        // Asked for at every letter and every look at the page.
        let tell = || self.told_on.swap(today.days(), Ordering::SeqCst) != today.days();
        if held.until > today.plus_days(RENEW_DAYS) {
            return held;
        }
        if !held.own {
            if tell() {
                tracing::warn!(until = %held.until, "the certificate of the seal ends: put a new one with its key in the folder, and start again");
            }
            return held;
        }
        let mut now = self.now.write().unwrap_or_else(PoisonError::into_inner);
        // Somebody else was quicker.
        if now.until > held.until {
            return now.clone();
        }
        match self.next(today) {
            Ok(next) => {
                tracing::info!(until = %next.until, made_here = next.own, "the seal of letters has another key and certificate");
                *now = Arc::new(next);
            }
            Err(error) if tell() => {
                tracing::error!(%error, until = %held.until, "the seal of letters could not be renewed");
            }
            Err(_) => {}
        }
        now.clone()
    }

    /// What seals from now on: what the body has put in the folder in the meantime, else a new key and certificate.
    fn next(&self, today: Date) -> anyhow::Result<Sealing> {
        let there = Sealing::of(&self.dir)?;
        if !there.own || there.until > today.plus_days(RENEW_DAYS) {
            return Ok(there);
        }
        put_new(&self.dir, &self.body, today)?;
        Sealing::of(&self.dir)
    }

    /// The certificates that are over, the newest first.
    fn earlier(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let named = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<String> =
            named.filter(|name| name.starts_with(EARLIER) && name.ends_with(".crt.pem")).collect();
        names.sort_unstable_by(|a, b| b.cmp(a));
        names.iter().filter_map(|name| std::fs::read_to_string(self.dir.join(name)).ok()).collect()
    }
}

/// A new key and certificate beside those in use, if any, whose place they then take: whoever is interrupted goes on with
/// [`finish_renewal`].
fn put_new(dir: &Path, body: &str, today: Date) -> anyhow::Result<()> {
    let (key, pem) = make(body, i32::from(today.year()))?;
    let mut made = std::fs::read_to_string(dir.join(MADE_HERE)).unwrap_or_default();
    made.push_str(&format!("{}\n", digest(&pem).context("the new certificate is no PEM")?));
    std::fs::write(dir.join(MADE_HERE), made)?;
    write_private(&dir.join(NEW_KEY), key.as_bytes())?;
    let part = dir.join(PART);
    std::fs::write(&part, pem)?;
    std::fs::rename(part, dir.join(NEW_CERTIFICATE))?;
    finish_renewal(dir)
}

/// What names a certificate in the list of those made here.
fn digest(pem: &str) -> Option<String> {
    Some(kernel::sha256_hex(&from_pem(pem)?))
}

/// Whether a certificate was made here. Only its digest says so: one that the body signed itself looks alike.
fn made_here(dir: &Path, pem: &str) -> bool {
    let made = std::fs::read_to_string(dir.join(MADE_HERE)).unwrap_or_default();
    digest(pem).is_some_and(|digest| made.lines().any(|line| line == digest))
}

/// Puts a new key and certificate in the place of the ones before, of which the certificate is kept.
fn finish_renewal(dir: &Path) -> anyhow::Result<()> {
    let (key, certificate) = (dir.join(NEW_KEY), dir.join(NEW_CERTIFICATE));
    if !certificate.exists() {
        // Interrupted before both were written: nothing was renewed.
        if key.exists() {
            std::fs::remove_file(&key)?;
        }
        return Ok(());
    }
    if dir.join(CERTIFICATE).exists() {
        let before = std::fs::read_to_string(dir.join(CERTIFICATE)).context("reading the certificate of the seal")?;
        if !made_here(dir, &before) {
            // The body has put its own there after the interruption.
            std::fs::remove_file(&certificate)?;
            return if key.exists() { Ok(std::fs::remove_file(&key)?) } else { Ok(()) };
        }
        let der = from_pem(&before).context("the certificate of the seal is no PEM")?;
        let until = Certificate::read(&der).context("the certificate of the seal cannot be read")?.until;
        std::fs::write(dir.join(format!("{EARLIER}{until}.crt.pem")), before)?;
    }
    if key.exists() {
        std::fs::rename(&key, dir.join(KEY))?;
    }
    std::fs::rename(&certificate, dir.join(CERTIFICATE)).context("renewing the certificate of the seal")
}

impl Sealing {
    /// The one in a folder.
    fn of(dir: &Path) -> anyhow::Result<Self> {
        let read = |file: &str| {
            let file = dir.join(file);
            std::fs::read_to_string(&file).with_context(|| format!("reading {} of the seal", file.display()))
        };
        let pem = read(CERTIFICATE)?;
        let own = made_here(dir, &pem);
        Self::read(&read(KEY)?, pem, own)
    }

    fn read(key: &str, pem: String, own: bool) -> anyhow::Result<Self> {
        let key = KeyPair::from_pem(key).context("the key of the seal")?;
        anyhow::ensure!(
            key.algorithm() == &rcgen::PKCS_ECDSA_P256_SHA256,
            "the key of the seal is not on the curve P-256"
        );
        let certificate = from_pem(&pem).context("the certificate of the seal is no PEM")?;
        let read = Certificate::read(&certificate).context("the certificate of the seal cannot be read")?;
        let until = read.until;
        let bytes = key.der_bytes();
        anyhow::ensure!(
            certificate.windows(bytes.len()).any(|window| window == bytes),
            "the certificate of the seal is not that of its key"
        );
        Ok(Self { key, certificate, pem, until, own })
    }

    fn seal(&self, content: &[u8], at: Timestamp) -> Result<Vec<u8>, CryptoError> {
        let Certificate { issuer, serial, .. } =
            Certificate::read(&self.certificate).ok_or(CryptoError::Unavailable)?;
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
}

impl Seal for BodySeal {
    fn seal(&self, content: &[u8], at: Timestamp) -> Result<Vec<u8>, CryptoError> {
        let current = self.renewed();
        if current.until < at.date_in_oslo() {
            tracing::error!(until = %current.until, "the certificate of the seal is over, so no letter is sealed");
            return Err(CryptoError::Unavailable);
        }
        current.seal(content, at)
    }

    fn certificates(&self) -> String {
        std::iter::once(self.current().pem.clone()).chain(self.earlier()).collect()
    }

    fn validity(&self) -> Validity {
        let current = self.renewed();
        let renewed_here = current.own;
        Validity {
            until: current.until,
            renewed_here,
            ends_soon: current.until <= self.clock.today().plus_days(RENEW_DAYS),
        }
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
    name.push(DnType::CommonName, format!("Seal of {body} {year}"));
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

/// What is read of a certificate; names and number with their tags.
struct Certificate<'a> {
    serial: &'a [u8],
    issuer: &'a [u8],
    /// Last day.
    until: Date,
}

impl<'a> Certificate<'a> {
    fn read(certificate: &'a [u8]) -> Option<Self> {
        let mut body = first(first(certificate)?.content)?.content;
        let version = first(body)?;
        if version.tag == CONTEXT_0 {
            body = version.after;
        }
        let serial = first(body)?;
        let algorithm = first(serial.after)?;
        let issuer = first(algorithm.after)?;
        let validity = first(issuer.after)?;
        let until = day(first(first(validity.content)?.after)?)?;
        (serial.tag == INTEGER && issuer.tag == SEQUENCE).then_some(Self {
            serial: serial.whole,
            issuer: issuer.whole,
            until,
        })
    }
}

/// The last whole day before a time of a certificate.
fn day(time: Value<'_>) -> Option<Date> {
    let text = std::str::from_utf8(time.content).ok()?;
    let text = match time.tag {
        UTC_TIME if text.get(..2)? >= "50" => format!("19{text}"),
        UTC_TIME => format!("20{text}"),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let part = |from: usize, to: usize| text.get(from..to);
    let day: Date = format!("{}-{}-{}", part(0, 4)?, part(4, 6)?, part(6, 8)?).parse().ok()?;
    Some(day.plus_days(-1))
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
    fn verified(dir: &Path, content: &[u8], seal: &[u8], certificate: &str, also: &[&str]) -> std::process::Output {
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
            .args(also)
            .output()
            .unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn set(clock: &kernel::FixedClock, text: &str) {
        clock.advance_micros(at(text).micros() - clock.now().micros());
    }

    /// ACC-160: the seal is checked by a tool that is not ours; another content, another certificate and a changed seal
    /// do not pass.
    #[test]
    fn acc_160_openssl_verifies_the_seal_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let (key, pem) = make("helsedataservice", 2020).unwrap();
        let seal = Sealing::read(&key, pem.clone(), true).unwrap();
        let content = vec![7u8; 70_000];
        let made = seal.seal(&content, at("2026-11-26T08:00:00Z")).unwrap();
        let passes = |content: &[u8], made: &[u8], pem: &str| verified(dir.path(), content, made, pem, &[]);
        let found = passes(&content, &made, &pem);
        assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
        let mut other = content.clone();
        other[69_999] ^= 1;
        assert!(!passes(&other, &made, &pem).status.success(), "another content");
        let (_, stranger) = make("helsedataservice", 2020).unwrap();
        assert!(!passes(&content, &made, &stranger).status.success(), "another body with the same name");
        let mut changed = made.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert!(!passes(&content, &changed, &pem).status.success(), "a changed seal");
    }

    /// ACC-160: the first start makes key and certificate, the next ones read them; a key without its certificate is told.
    #[test]
    fn acc_160_the_seal_is_made_once_and_belongs_to_its_key() {
        let dir = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(kernel::FixedClock::at(at("2026-11-26T08:00:00Z")));
        let first = BodySeal::open(dir.path(), "helsedataservice", &clock).unwrap();
        let again = BodySeal::open(dir.path(), "helsedataservice", &clock).unwrap();
        assert_eq!(first.certificates(), again.certificates());
        let (other, _) = make("helsedataservice", 2026).unwrap();
        write_private(&dir.path().join(KEY), other.as_bytes()).unwrap();
        assert!(BodySeal::open(dir.path(), "helsedataservice", &clock).is_err());
    }

    /// ACC-160: a certificate made here is renewed with a new key before it ends; letters that the one before sealed can
    /// still be checked. One that the body brought is not touched, and seals nothing when it is over.
    #[test]
    fn acc_160_the_seal_is_renewed_before_its_certificate_ends() {
        let dir = tempfile::tempdir().unwrap();
        let fixed = Arc::new(kernel::FixedClock::at(at("2026-11-26T08:00:00Z")));
        let clock: Arc<dyn Clock> = fixed.clone();
        let seal = BodySeal::open(dir.path(), "helsedataservice", &clock).unwrap();
        let (first, old) = (seal.seal(b"a letter", clock.now()).unwrap(), seal.certificates());
        // Valid until the end of 2035; renewed 90 days before, while the program runs.
        set(&fixed, "2035-10-01T08:00:00Z");
        assert_eq!(seal.certificates(), old);
        set(&fixed, "2035-10-04T08:00:00Z");
        let second = seal.seal(b"another letter", clock.now()).unwrap();
        let all = seal.certificates();
        assert!(all.ends_with(&old) && all.len() > old.len(), "the one before is told too");
        let current = all.strip_suffix(old.as_str()).unwrap();
        // The machine that checks lives in another year.
        let passes = |content: &[u8], made: &[u8], pem: &str| {
            verified(dir.path(), content, made, pem, &["-no_check_time"]).status.success()
        };
        assert!(passes(b"a letter", &first, &all) && passes(b"another letter", &second, &all));
        assert!(!passes(b"another letter", &second, &old), "by a new key");
        let again = BodySeal::open(dir.path(), "helsedataservice", &clock).unwrap();
        assert_eq!(again.certificates(), all, "the next start reads it");
        assert!(current.contains("BEGIN CERTIFICATE"));

        // Interrupted between the two files, and before the second was written.
        std::fs::rename(dir.path().join(CERTIFICATE), dir.path().join(NEW_CERTIFICATE)).unwrap();
        std::fs::write(dir.path().join(CERTIFICATE), &old).unwrap();
        assert_eq!(BodySeal::open(dir.path(), "helsedataservice", &clock).unwrap().certificates(), all);
        write_private(&dir.path().join(NEW_KEY), b"half").unwrap();
        assert_eq!(BodySeal::open(dir.path(), "helsedataservice", &clock).unwrap().certificates(), all);
        assert!(!dir.path().join(NEW_KEY).exists());
    }

    /// ACC-160: a certificate that the body brought is not renewed here, and nothing is sealed when it is over.
    #[test]
    fn acc_160_a_certificate_of_an_authority_is_left_alone() {
        let pair = || KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let (issuer, key) = (pair(), pair());
        let mut authority = CertificateParams::default();
        authority.distinguished_name.push(DnType::CommonName, "An authority");
        let mut parameters = CertificateParams::default();
        parameters.not_after = date_time_ymd(2027, 1, 1);
        let certificate = parameters.signed_by(&key, &rcgen::Issuer::new(authority, issuer)).unwrap();
        let dir = tempfile::tempdir().unwrap();
        write_private(&dir.path().join(KEY), key.serialize_pem().as_bytes()).unwrap();
        std::fs::write(dir.path().join(CERTIFICATE), certificate.pem()).unwrap();
        let fixed = Arc::new(kernel::FixedClock::at(at("2026-12-31T08:00:00Z")));
        let clock: Arc<dyn Clock> = fixed.clone();
        let seal = BodySeal::open(dir.path(), "helsedataservice", &clock).unwrap();
        assert!(seal.seal(b"a letter", clock.now()).is_ok());
        set(&fixed, "2027-01-01T08:00:00Z");
        assert!(seal.seal(b"a letter", clock.now()).is_err());
        assert_eq!(seal.certificates(), certificate.pem());
    }

    /// ACC-160: one that the body signed itself, under the very names of those made here, is the body's: it is told that it
    /// ends and stays what it is, also when it was put there while the program ran.
    #[test]
    fn acc_160_a_certificate_that_the_body_signed_itself_is_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let put = |year: i32| {
            let (key, pem) = make("helsedataservice", year).unwrap();
            write_private(&dir.path().join(KEY), key.as_bytes()).unwrap();
            std::fs::write(dir.path().join(CERTIFICATE), &pem).unwrap();
            (key, pem)
        };
        let fixed = Arc::new(kernel::FixedClock::at(at("2035-06-01T08:00:00Z")));
        let clock: Arc<dyn Clock> = fixed.clone();
        let open = || BodySeal::open(dir.path(), "helsedataservice", &clock);
        let (_, brought) = put(2026);
        let seal = open().unwrap();
        let until = "2035-12-31".parse().unwrap();
        assert_eq!(seal.validity(), Validity { until, renewed_here: false, ends_soon: false });
        set(&fixed, "2035-12-01T08:00:00Z");
        assert!(seal.seal(b"a letter", clock.now()).is_ok());
        assert_eq!(seal.validity(), Validity { until, renewed_here: false, ends_soon: true });
        assert_eq!((seal.certificates(), open().unwrap().certificates()), (brought.clone(), brought));

        // One made here runs while the body puts its own in the folder.
        for file in [KEY, CERTIFICATE] {
            std::fs::remove_file(dir.path().join(file)).unwrap();
        }
        let seal = open().unwrap();
        assert!(seal.validity().renewed_here);
        set(&fixed, "2045-11-01T08:00:00Z");
        let (key, brought) = put(2036);
        assert_eq!(
            seal.validity(),
            Validity { until: "2045-12-31".parse().unwrap(), renewed_here: false, ends_soon: true }
        );
        let kept = |file: &str| std::fs::read_to_string(dir.path().join(file)).unwrap();
        assert_eq!((kept(KEY), kept(CERTIFICATE), seal.certificates()), (key, brought.clone(), brought));

        // Nor does a renewal that was interrupted before that go on.
        let (other, new) = make("helsedataservice", 2046).unwrap();
        write_private(&dir.path().join(NEW_KEY), other.as_bytes()).unwrap();
        std::fs::write(dir.path().join(NEW_CERTIFICATE), new).unwrap();
        assert_eq!(open().unwrap().certificates(), kept(CERTIFICATE));
        assert!(!dir.path().join(NEW_CERTIFICATE).exists() && !dir.path().join(NEW_KEY).exists());

        // A key alone is somebody's: no other takes its place.
        std::fs::remove_file(dir.path().join(CERTIFICATE)).unwrap();
        let before = kept(KEY);
        assert!(open().is_err());
        assert_eq!(kept(KEY), before);
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
