//! Results that the platform's own gate released (SDC-306): a sealed document whose signature verifies passes, and so does
//! every file that can be made from it, byte for byte.

use std::collections::HashSet;

use disclosure::{Document, SealedDocument};
use kernel::Verifier;

use crate::reason::Reason;

/// Makes the files that a released document can be exported as. The crate of figures does it; this one knows only digests.
pub trait Exports {
    /// The SHA-256 of every form of every result, as `kernel::sha256_hex` writes it.
    fn digests(&self, document: &Document) -> Vec<String>;
}

/// What the gate released, as far as it can be verified here.
#[derive(Default)]
pub(crate) struct Sealed {
    digests: HashSet<String>,
}

impl Sealed {
    /// Whether a file is, byte for byte, something that was released.
    pub(crate) fn holds(&self, digest: &str) -> bool {
        self.digests.contains(digest)
    }

    /// Reads a file if it is a sealed document, and says what came of it.
    pub(crate) fn take(
        &mut self,
        bytes: &[u8],
        gate: Option<&dyn Verifier>,
        exports: Option<&dyn Exports>,
    ) -> Option<Reason> {
        let named =
            bytes.trim_ascii_start().starts_with(b"{") && contains(bytes, SealedDocument::PAYLOAD_TYPE.as_bytes());
        let sealed = named.then(|| SealedDocument::from_bytes(bytes).ok()).flatten()?;
        let Some(gate) = gate else { return Some(Reason::SealUnverified) };
        let Ok(document) = sealed.open(gate) else { return Some(Reason::SealBroken) };
        // Only the canonical form is the document; anything else may carry more.
        if sealed.to_bytes() != bytes.trim_ascii_end() {
            return Some(Reason::SealBroken);
        }
        self.digests.insert(kernel::sha256_hex(bytes));
        self.digests.extend(exports.into_iter().flat_map(|e| e.digests(&document)));
        Some(Reason::Released)
    }
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|w| w == word)
}
