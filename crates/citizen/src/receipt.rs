//! Receipts of choices: how they are shown, and how anybody verifies one with nothing but the published key list.

use kernel::LangMap;
use protocol::documents::ChoiceReceipt;
use protocol::{Digest, Directory, Envelope};

use crate::model::{Receipt, SourceApplied};

/// Why a receipt is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// Not a signed envelope.
    #[error("this is not a receipt")]
    NotAReceipt,
    /// The key is not listed as one of the key service.
    #[error("the receipt is not signed by the key service")]
    UnknownKey,
    /// The content was changed.
    #[error("the signature does not fit the content")]
    BadSignature,
}

/// The content of a receipt, when it is genuine: signed by a key that `directory` lists for the key service, in its
/// canonical form (CIT-025). Works offline.
///
/// # Errors
/// [`ReceiptError`].
pub fn verify_receipt(bytes: &[u8], directory: &Directory) -> Result<ChoiceReceipt, ReceiptError> {
    let envelope = Envelope::parse(bytes).map_err(|_| ReceiptError::NotAReceipt)?;
    envelope.open(directory).map_err(|e| match e {
        protocol::dsse::DsseError::UnknownKey => ReceiptError::UnknownKey,
        protocol::dsse::DsseError::BadSignature => ReceiptError::BadSignature,
        _ => ReceiptError::NotAReceipt,
    })
}

/// A receipt for showing. `sources` are those of the installation.
pub(crate) fn show(envelope: &Envelope, content: &ChoiceReceipt, sources: &[(String, LangMap)]) -> Receipt {
    let signature = envelope.signatures.first();
    let concerned = sources.iter().filter(|(id, _)| content.scope == "all" || content.scope == *id);
    let value = serde_json::to_value(envelope).unwrap_or_default();
    let sig = value.pointer("/signatures/0/sig").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    Receipt {
        number: content.message_id.to_string(),
        choice_id: content.choice_id.to_string(),
        choice: content.choice,
        scope: content.scope.clone(),
        value: content.value,
        in_force_from: content.in_force_from,
        template_version: content.template_version.clone(),
        sources: concerned
            .map(|(id, name)| SourceApplied {
                source: id.clone(),
                name: name.clone(),
                applied_at: content.in_force_from,
            })
            .collect(),
        hash: Digest::sha256(&envelope.payload.0).to_string(),
        keyid: signature.map(|s| s.keyid.to_string()).unwrap_or_default(),
        signature: sig,
        envelope: value,
    }
}
