//! The body: segments of 65 536 bytes, each encrypted by itself, written and read as a stream.

use std::io::{self, Read, Write};

use chacha20poly1305::aead::{AeadInPlace as _, KeyInit as _};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce, Tag};
use kernel::Random;
use zeroize::{Zeroize as _, Zeroizing};

use super::{Crypt4ghError, header};

/// Plain bytes in a full segment.
pub const SEGMENT: usize = 65_536;
/// Bytes of a full segment in the container: nonce, ciphertext, tag.
pub const SEALED_SEGMENT: usize = 12 + SEGMENT + 16;

/// The length of a container with `plain` bytes of content for `recipients` recipients.
pub const fn sealed_len(plain: u64, recipients: u64) -> u64 {
    16 + 108 * recipients + plain + plain.div_ceil(SEGMENT as u64) * 28
}

/// Encrypts what is written to it. [`Writer::finish`] must be called: without it the last segment is missing.
pub struct Writer<'r, W: Write> {
    inner: W,
    cipher: ChaCha20Poly1305,
    random: &'r dyn Random,
    plain: Zeroizing<Vec<u8>>,
}

impl<'r, W: Write> Writer<'r, W> {
    /// Writes the header for `recipients` with a fresh writer key and a fresh data key (DEL-050).
    ///
    /// # Errors
    /// [`Crypt4ghError::Recipients`], [`Crypt4ghError::WeakKey`], or what writing gives.
    pub fn new(mut inner: W, recipients: &[[u8; 32]], random: &'r dyn Random) -> Result<Self, Crypt4ghError> {
        let mut writer = Zeroizing::new([0u8; 32]);
        random.fill(writer.as_mut_slice());
        let mut key = Zeroizing::new([0u8; 32]);
        random.fill(key.as_mut_slice());
        header::write(&mut inner, &[header::key_packet(&key)], recipients, &writer, random)?;
        let cipher = ChaCha20Poly1305::new(Key::from_slice(key.as_slice()));
        Ok(Self { inner, cipher, random, plain: Zeroizing::new(Vec::with_capacity(SEGMENT)) })
    }

    /// Writes the last segment and gives the inner writer back. Does not flush or sync it.
    ///
    /// # Errors
    /// What writing gives.
    pub fn finish(mut self) -> Result<W, Crypt4ghError> {
        if !self.plain.is_empty() {
            self.write_segment()?;
        }
        Ok(self.inner)
    }

    fn write_segment(&mut self) -> io::Result<()> {
        let mut nonce = [0u8; 12];
        self.random.fill(&mut nonce);
        let tag = self
            .cipher
            .encrypt_in_place_detached(Nonce::from_slice(&nonce), b"", &mut self.plain)
            .map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        self.inner.write_all(&nonce)?;
        self.inner.write_all(&self.plain)?;
        self.inner.write_all(&tag)?;
        self.plain.clear();
        Ok(())
    }
}

impl<W: Write> Write for Writer<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.plain.len() == SEGMENT {
            self.write_segment()?;
        }
        let n = bytes.len().min(SEGMENT - self.plain.len());
        self.plain.extend_from_slice(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Decrypts a container as it is read. After the first error it gives nothing more (DEL-051).
pub struct Reader<R: Read> {
    inner: R,
    ciphers: Vec<ChaCha20Poly1305>,
    edits: Option<Edits>,
    segment: Vec<u8>,
    at: usize,
    index: u64,
    ended: bool,
    failed: Option<Crypt4ghError>,
}

impl<R: Read> Reader<R> {
    /// Reads the header with the private key `secret`.
    ///
    /// # Errors
    /// What is wrong with the header, or [`Crypt4ghError::NotForThisKey`].
    pub fn new(mut inner: R, secret: &[u8; 32]) -> Result<Self, Crypt4ghError> {
        let opened = header::read(&mut inner, secret)?;
        let ciphers = opened.keys.iter().map(|k| ChaCha20Poly1305::new(Key::from_slice(k.as_slice()))).collect();
        let edits = opened.edits.map(|lengths| Edits { lengths, next: 0, left: 0 }.begin());
        Ok(Self { inner, ciphers, edits, segment: Vec::new(), at: 0, index: 0, ended: false, failed: None })
    }

    /// Loads the next segment; false at the end of the file.
    fn load(&mut self) -> Result<bool, Crypt4ghError> {
        if self.ended {
            return Ok(false);
        }
        self.segment.zeroize();
        self.segment.clear();
        self.at = 0;
        let read = (&mut self.inner).take(SEALED_SEGMENT as u64).read_to_end(&mut self.segment);
        let got = read.map_err(|e| Crypt4ghError::Io(e.kind()))?;
        // Only the last segment may be shorter: `read_to_end` on the limited stream stops early only at the end.
        self.ended = got < SEALED_SEGMENT;
        if got == 0 {
            return Ok(false);
        }
        let bad = Crypt4ghError::BadSegment(self.index);
        if got < 12 + 1 + 16 {
            return Err(bad);
        }
        let nonce: [u8; 12] = self.segment[..12].try_into().map_err(|_| bad)?;
        let tag = *Tag::from_slice(&self.segment[got - 16..]);
        self.segment.truncate(got - 16);
        self.segment.drain(..12);
        // Decryption in place leaves the buffer as it was when the tag is wrong, so each key can be tried in turn.
        let opened = self.ciphers.iter().any(|cipher| {
            cipher.decrypt_in_place_detached(Nonce::from_slice(&nonce), b"", &mut self.segment, &tag).is_ok()
        });
        if !opened {
            self.segment.clear();
            return Err(bad);
        }
        self.index += 1;
        Ok(true)
    }

    fn give(&mut self, out: &mut [u8]) -> Result<usize, Crypt4ghError> {
        loop {
            if let Some(Step::End) = self.edits.as_ref().map(Edits::step) {
                return Ok(0);
            }
            if self.at == self.segment.len() {
                if !self.load()? {
                    return Ok(0);
                }
                continue;
            }
            let available = self.segment.len() - self.at;
            let (skip, limit) = match self.edits.as_ref().map(Edits::step) {
                None => (false, u64::MAX),
                Some(Step::Skip(n)) => (true, n),
                Some(Step::Keep(n)) => (false, n),
                Some(Step::End) => return Ok(0),
            };
            let mut n = available.min(usize::try_from(limit).unwrap_or(usize::MAX));
            if !skip {
                n = n.min(out.len());
                out[..n].copy_from_slice(&self.segment[self.at..self.at + n]);
            }
            self.at += n;
            if let Some(edits) = &mut self.edits {
                edits.consume(n as u64);
            }
            if !skip {
                return Ok(n);
            }
        }
    }
}

impl<R: Read> Read for Reader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if let Some(error) = self.failed {
            return Err(error.into());
        }
        if out.is_empty() {
            return Ok(0);
        }
        self.give(out).map_err(|error| {
            self.failed = Some(error);
            error.into()
        })
    }
}

impl<R: Read> Drop for Reader<R> {
    fn drop(&mut self) {
        self.segment.zeroize();
    }
}

/// An edit list at work: lengths at even places are skipped, at odd places kept. After an odd number of lengths the
/// rest of the file is kept, after an even number it is dropped.
struct Edits {
    lengths: Vec<u64>,
    next: usize,
    left: u64,
}

enum Step {
    Skip(u64),
    Keep(u64),
    End,
}

impl Edits {
    fn begin(mut self) -> Self {
        self.left = self.lengths.first().copied().unwrap_or(0);
        self.settle();
        self
    }

    /// Goes on over lengths that are used up.
    fn settle(&mut self) {
        while self.left == 0 && self.next < self.lengths.len() {
            self.next += 1;
            self.left = self.lengths.get(self.next).copied().unwrap_or(0);
        }
    }

    fn step(&self) -> Step {
        match (self.next < self.lengths.len(), self.next.is_multiple_of(2)) {
            (true, true) => Step::Skip(self.left),
            (true, false) => Step::Keep(self.left),
            (false, true) => Step::End,
            (false, false) => Step::Keep(u64::MAX),
        }
    }

    fn consume(&mut self, n: u64) {
        if self.next < self.lengths.len() {
            self.left -= n;
            self.settle();
        }
    }
}
