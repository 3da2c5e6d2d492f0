//! Login, sessions, roles and representation as use cases.

use audit::{Detail, Entry, Kind, Object, Purpose, Zone};
use kernel::identity_number::Environment;
use kernel::{IdentityNumber, LangMap, Problem};
use serde_json::json;
use store::{Row, Store, StoreError, Tx, params};

use crate::personas::{self, Persona};
use crate::session::{Session, form_secret, idle_seconds, token_hash};
use crate::{Account, AccountId, Actor, Assurance, Enrolment, Grant, Role, sql};

const LOGIN: audit::Action =
    audit::Action::new(Kind::Login, "identity.login", &[("method", Detail::Code), ("assurance", Detail::Code)]);
const LOGOUT: audit::Action = audit::Action::new(Kind::Login, "identity.logout", &[]);
const REPRESENT: audit::Action = audit::Action::new(Kind::Login, "identity.represent", &[("basis", Detail::Code)]);
const DENY: audit::Action =
    audit::Action::new(Kind::Login, "identity.deny", &[("method", Detail::Code), ("path", Detail::Text)]);
/// How old the stored time of last use may become, so that not every page writes.
const SEEN_STEP_SECONDS: i64 = 60;

/// Accounts, login, sessions and roles of the centre.
pub struct Identity {
    pub(crate) zone: Zone,
    pub(crate) environment: Environment,
    demo: bool,
}

/// A person of synthetic Norway who stands behind a persona of the demo.
pub struct DemoPerson {
    /// `citizen` or `citizen-2`.
    pub persona: &'static str,
    /// The number under which the registers know the person.
    pub number: IdentityNumber,
    /// A child of the person: number and date of birth.
    pub child: Option<(IdentityNumber, kernel::Date)>,
}

struct SessionKind;
impl kernel::Kind for SessionKind {
    const NAME: &'static str = "session";
}

impl Identity {
    /// The service of a zone. `demo` lets personas log in without proof and takes synthetic identity numbers only; any
    /// other installation takes none of them (IDN-008).
    pub fn new(zone: Zone, demo: bool) -> Self {
        let environment = if demo { Environment::Test } else { Environment::Production };
        Self { zone, environment, demo }
    }

    /// Brings the tables up to date.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn migrate(store: &Store) -> Result<(), StoreError> {
        store.migrate("identity", sql::MIGRATIONS).await
    }

    /// The personas to log in as; none unless the installation is marked `demo`.
    pub fn personas(&self) -> Vec<Persona> {
        if self.demo { personas::all() } else { Vec::new() }
    }

    /// Makes the accounts of the demo's personas, with the people of synthetic Norway behind the citizens. Again on the
    /// same data it changes nothing.
    ///
    /// # Errors
    /// [`Problem::Forbidden`] unless the installation is marked `demo`.
    pub async fn seed_demo(&self, people: &[DemoPerson]) -> Result<(), Problem> {
        if !self.demo {
            return Err(Problem::forbidden("not_a_demo"));
        }
        self.zone
            .store
            .tx("identity organisations", async |tx: &mut Tx| -> Result<(), Problem> {
                for (slug, [nb, nn, en]) in personas::ORGANISATIONS {
                    let name = json!(LangMap::of(nb, nn, en)).to_string();
                    tx.execute(
                        "INSERT INTO organisation (slug, name) VALUES ($1, $2) ON CONFLICT (slug) DO NOTHING",
                        params![*slug, name],
                    )
                    .await?;
                }
                Ok(())
            })
            .await?;
        let by = audit::Actor::service("demo");
        for persona in personas::all() {
            let person = people.iter().find(|p| p.persona == persona.slug);
            let account = self
                .enrol(
                    by.clone(),
                    &Enrolment {
                        issuer: "demo".into(),
                        subject: persona.slug.into(),
                        name: persona.name.clone(),
                        number: person.map(|p| p.number.clone()),
                        grants: persona.grants.clone(),
                    },
                )
                .await?;
            let Some((number, born)) = person.and_then(|p| p.child.as_ref()) else { continue };
            let child = self
                .enrol(
                    by.clone(),
                    &Enrolment {
                        issuer: "demo".into(),
                        subject: format!("{}-child", persona.slug),
                        name: LangMap::of("Barnet ditt", "Barnet ditt", "Your child"),
                        number: Some(number.clone()),
                        grants: Vec::new(),
                    },
                )
                .await?;
            self.set_parent(account, child, *born).await?;
        }
        Ok(())
    }

    /// Logs in as a persona of the demo; gives the session's token.
    ///
    /// # Errors
    /// [`Problem::Forbidden`] unless the installation is marked `demo`, [`Problem::NotFound`] for an unknown persona.
    pub async fn login_persona(&self, slug: &str) -> Result<String, Problem> {
        let known = personas::all().into_iter().find(|p| p.slug == slug);
        let refusal = match (self.demo, &known) {
            (false, _) => Some(Problem::forbidden("not_a_demo")),
            (true, None) => Some(Problem::not_found("persona")),
            (true, Some(_)) => None,
        };
        if let Some(problem) = refusal {
            let entry = Entry::new(&LOGIN, audit::Actor::service("centre"), Object::new("persona", "unknown"))
                .purpose(Purpose::Security)
                .detail("method", "persona")
                .refused("no_such_persona");
            self.zone.log.record_alone(entry).await?;
            return Err(problem);
        }
        let account = self
            .zone
            .store
            .read("identity persona", async |tx: &mut Tx| -> Result<Option<AccountId>, Problem> {
                let sql = "SELECT account FROM login WHERE issuer = 'demo' AND subject = $1";
                Ok(tx.query_opt(sql, params![slug]).await?.map(|r| r.get(0)).transpose()?)
            })
            .await?
            .ok_or_else(|| Problem::not_found("persona"))?;
        self.begin_session(account, Assurance::High, "persona").await
    }

    /// Begins a session of an account that has proved who it is by `method`; gives the token for the cookie.
    ///
    /// # Errors
    /// [`Problem::Unavailable`].
    pub async fn begin_session(
        &self,
        account: AccountId,
        assurance: Assurance,
        method: &str,
    ) -> Result<String, Problem> {
        let mut bytes = [0; 32];
        self.zone.random.fill(&mut bytes);
        let token = hex::encode(bytes);
        let id: kernel::Id<SessionKind> = self.zone.id();
        let now = self.zone.now();
        let level = level_text(assurance);
        self.zone
            .store
            .tx("identity login", async |tx: &mut Tx| -> Result<(), Problem> {
                tx.execute(
                    "INSERT INTO session (id, token_hash, account, assurance, started, seen)
                     VALUES ($1, $2, $3, $4, $5, $5)",
                    params![id, token_hash(&token), account, level, now],
                )
                .await?;
                // Sessions that nobody can use any more go when somebody logs in.
                tx.execute("DELETE FROM session WHERE seen < $1", params![now.plus_seconds(-8 * 3600)]).await?;
                let actor = audit::Actor { session: Some(id.to_string()), ..audit::Actor::person(account.to_string()) };
                let entry = Entry::new(&LOGIN, actor, Object::new("session", id))
                    .purpose(Purpose::Security)
                    .detail("method", method)
                    .detail("assurance", level);
                Ok(self.zone.log.record(tx, entry).await?)
            })
            .await?;
        Ok(token)
    }

    /// The session of a token; none when it is unknown, idle for too long, or the account is closed. A session on behalf
    /// of somebody ends when the right to represent has ended (CIT-062).
    ///
    /// # Errors
    /// [`Problem::Unavailable`].
    pub async fn session(&self, token: &str) -> Result<Option<Session>, Problem> {
        let now = self.zone.now();
        let hash = token_hash(token);
        let found = self
            .zone
            .store
            .read("identity session", async |tx: &mut Tx| -> Result<Option<(Actor, kernel::Timestamp)>, Problem> {
                let row = tx
                    .query_opt(
                        "SELECT s.id, s.account, s.assurance, s.on_behalf_of, s.seen, a.name FROM session s
                         JOIN account a ON a.id = s.account WHERE s.token_hash = $1 AND a.closed IS NULL",
                        params![&hash],
                    )
                    .await?;
                let Some(row) = row else { return Ok(None) };
                let account: AccountId = row.get(1)?;
                let grants = grants(tx, account).await?;
                let actor = Actor {
                    account,
                    session: Some(row.get(0)?),
                    name: parse_name(&row, 5)?,
                    grants,
                    assurance: parse_level(&row.get::<String>(2)?),
                    on_behalf_of: row.get(3)?,
                };
                Ok(Some((actor, row.get(4)?)))
            })
            .await?;
        let Some((actor, seen)) = found else { return Ok(None) };
        let idle = idle_seconds(actor.roles());
        let represents = match actor.on_behalf_of {
            Some(represented) => self.may_represent(actor.account, represented).await?,
            None => true,
        };
        if seen.plus_seconds(idle) <= now || !represents {
            self.forget(&hash).await?;
            return Ok(None);
        }
        if seen.plus_seconds(SEEN_STEP_SECONDS) <= now {
            self.zone
                .store
                .tx("identity seen", async |tx: &mut Tx| -> Result<(), Problem> {
                    tx.execute("UPDATE session SET seen = $1 WHERE token_hash = $2", params![now, &hash]).await?;
                    Ok(())
                })
                .await?;
        }
        Ok(Some(Session { actor, idle_until: now.plus_seconds(idle), form_secret: form_secret(token) }))
    }

    /// Ends a session. An unknown token changes nothing.
    ///
    /// # Errors
    /// [`Problem::Unavailable`].
    pub async fn logout(&self, token: &str) -> Result<(), Problem> {
        let Some(session) = self.session(token).await? else { return Ok(()) };
        let hash = token_hash(token);
        let id = session.actor.session.clone().unwrap_or_default();
        self.zone
            .store
            .tx("identity logout", async |tx: &mut Tx| -> Result<(), Problem> {
                tx.execute("DELETE FROM session WHERE token_hash = $1", params![&hash]).await?;
                let entry = Entry::new(&LOGOUT, session.actor.audit(), Object::new("session", &id));
                Ok(self.zone.log.record(tx, entry.purpose(Purpose::Security)).await?)
            })
            .await
    }

    async fn forget(&self, hash: &str) -> Result<(), Problem> {
        self.zone
            .store
            .tx("identity forget", async |tx: &mut Tx| -> Result<(), Problem> {
                tx.execute("DELETE FROM session WHERE token_hash = $1", params![hash]).await?;
                Ok(())
            })
            .await
    }

    /// Whom the actor may act for now, with the names for pages: children until their sixteenth birthday.
    ///
    /// # Errors
    /// [`Problem::Unavailable`].
    pub async fn represented(&self, actor: &Actor) -> Result<Vec<(AccountId, LangMap)>, Problem> {
        let today = self.zone.clock.today();
        self.zone
            .store
            .read("identity represented", async |tx: &mut Tx| -> Result<Vec<(AccountId, LangMap)>, Problem> {
                let rows = tx
                    .query(
                        "SELECT a.id, a.name FROM representation r JOIN account a ON a.id = r.represented
                         WHERE r.account = $1 AND r.until > $2 AND a.closed IS NULL ORDER BY a.id",
                        params![actor.account, today],
                    )
                    .await?;
                rows.iter().map(|r| Ok((r.get(0)?, parse_name(r, 1)?))).collect()
            })
            .await
    }

    /// From now on the actor's session acts for `represented`, or for the actor alone again.
    ///
    /// # Errors
    /// [`Problem::Forbidden`] when the actor may not represent that person or has no session.
    pub async fn represent(&self, actor: &Actor, represented: Option<AccountId>) -> Result<(), Problem> {
        let object = represented.unwrap_or(actor.account);
        let entry = Entry::new(&REPRESENT, actor.audit(), Object::new("account", object))
            .purpose(Purpose::Insight)
            .detail("basis", if represented.is_some() { "parent" } else { "self" });
        let allowed = match represented {
            Some(person) => self.may_represent(actor.account, person).await?,
            None => true,
        };
        let Some(session) = actor.session.as_ref().filter(|_| allowed) else {
            self.zone.log.record_alone(entry.refused("no_basis")).await?;
            return Err(Problem::forbidden("no_basis"));
        };
        self.zone
            .store
            .tx("identity represent", async |tx: &mut Tx| -> Result<(), Problem> {
                tx.execute(
                    "UPDATE session SET on_behalf_of = $1 WHERE id = $2",
                    params![represented.map(|r| r.to_string()), session],
                )
                .await?;
                let entry = match represented {
                    Some(person) => entry.clone().on_behalf_of(person.to_string()),
                    None => entry.clone(),
                };
                Ok(self.zone.log.record(tx, entry).await?)
            })
            .await
    }

    pub(crate) async fn may_represent(&self, account: AccountId, represented: AccountId) -> Result<bool, Problem> {
        let today = self.zone.clock.today();
        self.zone
            .store
            .read("identity may represent", async |tx: &mut Tx| -> Result<bool, Problem> {
                let row = tx
                    .query_opt(
                        "SELECT 1 FROM representation WHERE account = $1 AND represented = $2 AND until > $3",
                        params![account, represented, today],
                    )
                    .await?;
                Ok(row.is_some())
            })
            .await
    }

    /// Records that a request was refused before any area saw it (AUD-003).
    ///
    /// # Errors
    /// [`Problem::Unavailable`].
    pub async fn denied(&self, actor: &Actor, method: &str, path: &str) -> Result<(), Problem> {
        let entry = Entry::new(&DENY, actor.audit(), Object::new("endpoint", "site"))
            .purpose(Purpose::Security)
            .detail("method", method)
            .detail("path", path)
            .refused("forbidden");
        Ok(self.zone.log.record_alone(entry).await?)
    }

    /// Writes a role down, unless the account holds one that does not go with it. The transaction sees to it that of two
    /// such roles given at the same time one is refused.
    pub(crate) async fn insert_grant(
        &self,
        tx: &mut Tx,
        account: AccountId,
        grant: &Grant,
        place: i64,
    ) -> Result<(), Problem> {
        if grants(tx, account).await?.iter().any(|held| !held.role.goes_with(grant.role)) {
            return Err(Problem::forbidden("role_separation"));
        }
        tx.execute(
            "INSERT INTO role_grant (account, role, organisation, scope, place, given) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (account, role, organisation, scope) DO NOTHING",
            params![
                account,
                grant.role.slug(),
                &grant.organisation,
                grant.scope.as_deref().unwrap_or_default(),
                place,
                self.zone.now(),
            ],
        )
        .await?;
        Ok(())
    }

    /// The accounts that hold a role, with their names: to choose a colleague, a second reviewer.
    ///
    /// # Errors
    /// [`Problem::Unavailable`].
    pub async fn with_role(&self, role: Role) -> Result<Vec<(AccountId, LangMap)>, Problem> {
        self.zone
            .store
            .read("identity with role", async |tx: &mut Tx| -> Result<Vec<(AccountId, LangMap)>, Problem> {
                let rows = tx
                    .query(
                        "SELECT DISTINCT a.id, a.name FROM role_grant g JOIN account a ON a.id = g.account
                         WHERE g.role = $1 AND a.closed IS NULL ORDER BY a.id",
                        params![role.slug()],
                    )
                    .await?;
                rows.iter().map(|r| Ok((r.get(0)?, parse_name(r, 1)?))).collect()
            })
            .await
    }

    /// Those who hold a role of the actor at the same organisation and with the same scope: to hand it over.
    ///
    /// # Errors
    /// [`Problem::Unavailable`].
    pub async fn colleagues(&self, actor: &Actor, role: Role) -> Result<Vec<Actor>, Problem> {
        let own: Vec<&Grant> = actor.grants.iter().filter(|grant| grant.role == role).collect();
        let mut found = Vec::new();
        for (account, name) in self.with_role(role).await? {
            let read = self.zone.store.read("identity grants", async |tx: &mut Tx| grants(tx, account).await);
            let grants = read.await?;
            if account != actor.account && grants.iter().any(|grant| own.contains(&grant)) {
                let assurance = Assurance::Substantial;
                found.push(Actor { account, session: None, name, grants, assurance, on_behalf_of: None });
            }
        }
        Ok(found)
    }

    /// What pages call an account, also after it is closed (AUD-031).
    ///
    /// # Errors
    /// [`Problem::NotFound`].
    pub async fn name(&self, account: kernel::Id<Account>) -> Result<LangMap, Problem> {
        self.zone
            .store
            .read("identity name", async |tx: &mut Tx| -> Result<LangMap, Problem> {
                let row = tx.query_opt("SELECT name FROM account WHERE id = $1", params![account]).await?;
                parse_name(&row.ok_or_else(|| Problem::not_found("account"))?, 0)
            })
            .await
    }
}

pub(crate) async fn grants(tx: &mut Tx, account: AccountId) -> Result<Vec<Grant>, Problem> {
    let rows = tx
        .query(
            "SELECT role, organisation, scope FROM role_grant WHERE account = $1 ORDER BY place, given, role",
            params![account],
        )
        .await?;
    let mut grants = Vec::with_capacity(rows.len());
    for row in &rows {
        // A role that the program does not know gives no right.
        let Ok(role) = row.get::<String>(0)?.parse() else { continue };
        let scope = Some(row.get::<String>(2)?).filter(|s| !s.is_empty());
        grants.push(Grant { role, organisation: row.get(1)?, scope });
    }
    Ok(grants)
}

pub(crate) fn parse_name(row: &Row, index: usize) -> Result<LangMap, Problem> {
    serde_json::from_str(&row.get::<String>(index)?).map_err(|_| Problem::unavailable("the account"))
}

const fn level_text(assurance: Assurance) -> &'static str {
    match assurance {
        Assurance::Substantial => "substantial",
        Assurance::High => "high",
    }
}

fn parse_level(text: &str) -> Assurance {
    if text == "high" { Assurance::High } else { Assurance::Substantial }
}
