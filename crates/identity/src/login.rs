//! The login table: accounts, the sealed identity number behind each, and how it leaves: only re-sealed by whoever the
//! caller hands in, never as text.

use audit::{Entry, Kind, Object, Purpose};
use kernel::identity_number::{Accept, Rules};
use kernel::{CryptoError, Date, IdentityNumber, LangMap, Problem};
use store::{Tx, params};

use crate::{AccountId, Actor, Grant, Identity};

const ENROL: audit::Action = audit::Action::new(Kind::Admin, "identity.enrol", &[]);

/// Seals a person's identity number for another zone. Implemented where the receiver's key is known; the number it is
/// shown cannot be printed or serialised.
pub trait SubjectSealer: Send + Sync {
    /// The sealed form of the number.
    ///
    /// # Errors
    /// [`CryptoError`].
    fn seal(&self, number: &IdentityNumber) -> Result<Vec<u8>, CryptoError>;
}

/// Somebody who gets an account.
pub struct Enrolment {
    /// Who vouches for the person, e.g. an issuer's address; `demo` for personas.
    pub issuer: String,
    /// The person at that issuer.
    pub subject: String,
    /// What pages call the account.
    pub name: LangMap,
    /// The identity number, when the issuer gave one.
    pub number: Option<IdentityNumber>,
    /// Roles.
    pub grants: Vec<Grant>,
}

impl Identity {
    /// The account of (issuer, subject), made when it is new. Roles of an account that exists stay as they are; a number
    /// is added when there was none.
    ///
    /// # Errors
    /// [`Problem::Forbidden`] for a number that does not belong in this environment (IDN-008), and for roles of which one
    /// person may not hold both (ACC-009).
    pub async fn enrol(&self, by: audit::Actor, enrolment: &Enrolment) -> Result<AccountId, Problem> {
        if let Some(Err(error)) = enrolment.number.as_ref().map(|n| n.belongs_in(self.environment)) {
            let entry = Entry::new(&ENROL, by, Object::new("account", "new")).refused(error.code());
            self.zone.log.record_alone(entry).await?;
            return Err(Problem::forbidden(error.code()));
        }
        let new: AccountId = self.zone.id();
        let now = self.zone.now();
        self.zone
            .store
            .tx("identity enrol", async |tx: &mut Tx| -> Result<AccountId, Problem> {
                let found = tx
                    .query_opt(
                        "SELECT account, number IS NOT NULL FROM login WHERE issuer = $1 AND subject = $2",
                        params![&enrolment.issuer, &enrolment.subject],
                    )
                    .await?;
                if let Some(row) = found {
                    let account: AccountId = row.get(0)?;
                    if let (false, Some(number)) = (row.get::<bool>(1)?, &enrolment.number) {
                        tx.execute(
                            "UPDATE login SET number = $1 WHERE account = $2",
                            params![self.seal(account, number)?, account],
                        )
                        .await?;
                    }
                    return Ok(account);
                }
                let name = serde_json::to_string(&enrolment.name).map_err(|_| Problem::unavailable("the account"))?;
                tx.execute("INSERT INTO account (id, name, created) VALUES ($1, $2, $3)", params![new, name, now])
                    .await?;
                let number = enrolment.number.as_ref().map(|n| self.seal(new, n)).transpose()?;
                tx.execute(
                    "INSERT INTO login (account, issuer, subject, number) VALUES ($1, $2, $3, $4)",
                    params![new, &enrolment.issuer, &enrolment.subject, number],
                )
                .await?;
                for (grant, place) in enrolment.grants.iter().zip(0i64..) {
                    self.insert_grant(tx, new, grant, place).await?;
                }
                let entry = Entry::new(&ENROL, by.clone(), Object::new("account", new)).purpose(Purpose::Operations);
                self.zone.log.record(tx, entry).await?;
                Ok(new)
            })
            .await
    }

    /// Records that `parent` acts for `child` until the child's sixteenth birthday (CIT section 5).
    ///
    /// # Errors
    /// [`Problem::Unavailable`].
    pub async fn set_parent(&self, parent: AccountId, child: AccountId, born: Date) -> Result<(), Problem> {
        let until = born.plus_months(16 * 12);
        self.zone
            .store
            .tx("identity parent", async |tx: &mut Tx| -> Result<(), Problem> {
                tx.execute(
                    "INSERT INTO representation (account, represented, basis, until) VALUES ($1, $2, 'parent', $3)
                     ON CONFLICT (account, represented) DO UPDATE SET until = excluded.until",
                    params![parent, child, until],
                )
                .await?;
                Ok(())
            })
            .await
    }

    /// The identity number of the person whom the actor's pages are about (the represented one, or the actor), sealed by
    /// `sealer` for another zone. The caller records what it is used for.
    ///
    /// # Errors
    /// [`Problem::NotFound`] when no number is known for the account.
    pub async fn sealed_subject(&self, actor: &Actor, sealer: &dyn SubjectSealer) -> Result<Vec<u8>, Problem> {
        let account = actor.subject();
        if actor.on_behalf_of.is_some() && !self.may_represent(actor.account, account).await? {
            return Err(Problem::not_found("person"));
        }
        let sealed = self
            .zone
            .store
            .read("identity subject", async |tx: &mut Tx| -> Result<Option<Vec<u8>>, Problem> {
                let row = tx.query_opt("SELECT number FROM login WHERE account = $1", params![account]).await?;
                Ok(row.map(|r| r.get::<Option<Vec<u8>>>(0)).transpose()?.flatten())
            })
            .await?;
        let sealed = sealed.ok_or_else(|| Problem::not_found("identity number"))?;
        let unavailable = |_: CryptoError| Problem::unavailable("the keystore");
        let plain = self.zone.sealer.open(&place(account), &sealed).map_err(unavailable)?;
        let text = std::str::from_utf8(&plain).map_err(|_| Problem::unavailable("the login table"))?;
        let number = IdentityNumber::parse(text, &Rules::any(Accept::Both));
        let number = number.map_err(|_| Problem::unavailable("the login table"))?;
        sealer.seal(&number).map_err(unavailable)
    }

    fn seal(&self, account: AccountId, number: &IdentityNumber) -> Result<Vec<u8>, Problem> {
        let sealed = self.zone.sealer.seal(&place(account), number.reveal().as_bytes());
        sealed.map_err(|_| Problem::unavailable("the keystore"))
    }
}

/// What a sealed number is bound to.
fn place(account: AccountId) -> String {
    format!("login/{account}/number")
}
