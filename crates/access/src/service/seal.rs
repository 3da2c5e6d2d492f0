//! The seal on letters for readers outside (ACC-160): a detached CMS signature over the PDF and over the JSON with the
//! same content, beside the signed statement that the rest of the installation reads. How it is made is handed in.

use identity::Actor;
use kernel::{CryptoError, Date, Problem, Timestamp};
use store::{Migration, Tx, params};

use super::Access;
use crate::error::AccessError;
use crate::model::CaseId;

/// Seals contents with the body's certificate.
pub trait Seal: Send + Sync {
    /// A detached CMS `SignedData` over `content` in DER, that says it was made at `at`.
    ///
    /// # Errors
    /// When the key cannot be used.
    fn seal(&self, content: &[u8], at: Timestamp) -> Result<Vec<u8>, CryptoError>;

    /// The certificates that seals are checked with, PEM: the one in use, then those that were before.
    fn certificates(&self) -> String;

    /// How long it can be used.
    fn validity(&self) -> Validity;
}

/// How long letters can be sealed with the certificate in use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Validity {
    /// Last day of the certificate.
    pub until: Date,
    /// Whether it is renewed by itself; if not, the body brings a new one.
    pub renewed_here: bool,
    /// Whether that day is near.
    pub ends_soon: bool,
}

pub(super) const MIGRATIONS: &[Migration] = &[Migration {
    name: "001_seals",
    sql: "CREATE TABLE access_seal (number TEXT PRIMARY KEY, pdf BLOB NOT NULL, json BLOB NOT NULL, at BIGINT NOT NULL)",
}];

/// The seals of a letter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Seals {
    /// Over the PDF.
    pub pdf: Vec<u8>,
    /// Over the JSON.
    pub json: Vec<u8>,
}

/// A form of a letter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LetterForm {
    /// The one to read and print.
    Pdf,
    /// The one for machines.
    Json,
}

impl Access {
    /// With a seal on letters.
    #[must_use]
    pub fn with_seal(mut self, seal: std::sync::Arc<dyn Seal>) -> Self {
        self.seal = Some(seal);
        self
    }

    /// The certificates that seals are checked with, PEM, the one in use first. No login.
    ///
    /// # Errors
    /// Not found where letters get no seal.
    pub fn seal_certificates(&self) -> Result<String, Problem> {
        let seal = self.seal.as_ref().ok_or_else(|| Problem::not_found("certificate"))?;
        Ok(seal.certificates())
    }

    /// How long letters can be sealed; none where letters get no seal.
    pub fn seal_validity(&self) -> Option<Validity> {
        self.seal.as_ref().map(|seal| seal.validity())
    }

    /// The seal of the decision letter in one of its forms: a detached CMS signature in DER.
    ///
    /// # Errors
    /// As [`Access::letter_pdf`]; not found for a letter that was issued without one.
    pub async fn letter_seal(&self, actor: &Actor, id: CaseId, form: LetterForm) -> Result<Vec<u8>, Problem> {
        let (number, _) = self.letter(actor, id).await?;
        let read = async |tx: &mut Tx| seals(tx, &number).await;
        let found = self.zone.store.read("access.seal", read).await.map_err(Problem::from)?;
        let seals = found.ok_or_else(|| Problem::not_found("seal"))?;
        Ok(match form {
            LetterForm::Pdf => seals.pdf,
            LetterForm::Json => seals.json,
        })
    }

    /// The seals of a letter that is being issued; none where letters get none.
    pub(super) fn sealed(&self, pdf: &[u8], json: &[u8], at: Timestamp) -> Result<Option<Seals>, AccessError> {
        let Some(seal) = &self.seal else { return Ok(None) };
        let made = |content: &[u8]| seal.seal(content, at).map_err(|e| AccessError::Sealing(e.to_string()));
        Ok(Some(Seals { pdf: made(pdf)?, json: made(json)? }))
    }
}

pub(super) async fn put_seals(tx: &mut Tx, number: &str, seals: &Seals, at: Timestamp) -> Result<(), AccessError> {
    tx.execute(
        "INSERT INTO access_seal (number, pdf, json, at) VALUES ($1, $2, $3, $4)",
        params![number, seals.pdf.clone(), seals.json.clone(), at],
    )
    .await?;
    Ok(())
}

pub(super) async fn seals(tx: &mut Tx, number: &str) -> Result<Option<Seals>, AccessError> {
    let row = tx.query_opt("SELECT pdf, json FROM access_seal WHERE number = $1", params![number]).await?;
    row.map(|row| Ok(Seals { pdf: row.get(0)?, json: row.get(1)? })).transpose()
}
