//! Giving roles and taking them away: by an administrator, with a reason, never to oneself. Every change is kept and can be read
//! by administrators and the auditor; two roles that must stay apart are not given to one account (ACC-009).

use audit::{Detail, Entry, Kind, Object};
use kernel::identity_number::{self, Accept};
use kernel::{LangMap, Problem, Timestamp};
use serde::{Deserialize, Serialize};
use store::{Tx, params};

use crate::service::{grants, parse_name};
use crate::{AccountId, Action, Actor, Grant, Identity, Role, authorise};

const GRANT: audit::Action = audit::Action::new(
    Kind::Admin,
    "identity.grant",
    &[("role", Detail::Code), ("organisation", Detail::Code), ("scope", Detail::Code)],
);
const REVOKE: audit::Action = audit::Action::new(Kind::Admin, "identity.revoke", GRANT.detail);
const ACCOUNTS: audit::Action = audit::Action::new(Kind::Admin, "identity.accounts", &[]);

/// Shortest and longest reason of a change.
const REASON: std::ops::RangeInclusive<usize> = 20..=2_000;
/// Most accounts of a page.
const MOST: i64 = 100;
/// Most changes of an account that are shown, the newest.
const MOST_CHANGES: i64 = 200;

struct RoleChangeKind;
impl kernel::Kind for RoleChangeKind {
    const NAME: &'static str = "role change";
}

/// An account with its roles.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RoleHolder {
    /// Id.
    pub account: AccountId,
    /// What pages call it.
    pub name: LangMap,
    /// Its roles.
    pub grants: Vec<Grant>,
}

/// A role that was given or taken away.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RoleChange {
    /// When.
    pub at: Timestamp,
    /// The role.
    pub grant: Grant,
    /// Whether it was given.
    pub given: bool,
    /// Why.
    pub reason: String,
    /// By whom.
    pub by: AccountId,
    /// What pages call who did it.
    pub by_name: LangMap,
}

/// Which accounts are asked for. What is empty does not narrow.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AccountFilter<'a> {
    /// A part of the name.
    pub name: &'a str,
    /// Who holds this role.
    pub role: Option<Role>,
    /// First account, from 0.
    pub from: i64,
    /// Most accounts.
    pub size: i64,
}

impl Identity {
    /// Gives an account a role at an organisation.
    ///
    /// # Errors
    /// [`Problem::Forbidden`] unless the actor is an administrator, `same_person` for the own account, `role_separation`
    /// when the account holds a role that does not go with it (ACC-009), [`Problem::NotFound`] for an unknown account or
    /// organisation, [`Problem::Invalid`] without a reason.
    pub async fn grant(&self, actor: &Actor, account: AccountId, grant: &Grant, reason: &str) -> Result<(), Problem> {
        let object = crate::Object::new("account", account);
        authorise(&self.zone, actor, Action("identity.grant"), &object).await?;
        told_why(reason)?;
        let entry = entry(&GRANT, actor, account, grant);
        if actor.account == account {
            self.zone.log.record_alone(entry.refused("same_person")).await?;
            return Err(Problem::forbidden("same_person"));
        }
        let given = self
            .zone
            .store
            .tx("identity grant", async |tx: &mut Tx| -> Result<(), Problem> {
                let known = "SELECT 1 FROM account, organisation WHERE account.id = $1 AND organisation.slug = $2";
                if tx.query_opt(known, params![account, &grant.organisation]).await?.is_none() {
                    return Err(Problem::not_found("account or organisation"));
                }
                self.insert_grant(tx, account, grant, i64::MAX).await?;
                self.keep(tx, actor, account, grant, (true, reason)).await?;
                Ok(self.zone.log.record(tx, entry.clone()).await?)
            })
            .await;
        if let Err(Problem::Forbidden { code }) = &given {
            self.zone.log.record_alone(entry.refused(code.clone())).await?;
        }
        given
    }

    /// Takes a role away.
    ///
    /// # Errors
    /// [`Problem::Forbidden`] unless the actor is an administrator, [`Problem::NotFound`] when the account has not the
    /// role, `last_administrator` when nobody would be left to give roles, [`Problem::Invalid`] without a reason.
    pub async fn revoke(&self, actor: &Actor, account: AccountId, grant: &Grant, reason: &str) -> Result<(), Problem> {
        let object = crate::Object::new("account", account);
        authorise(&self.zone, actor, Action("identity.grant"), &object).await?;
        told_why(reason)?;
        self.zone
            .store
            .tx("identity revoke", async |tx: &mut Tx| -> Result<(), Problem> {
                let gone = tx
                    .execute(
                        "DELETE FROM role_grant WHERE account = $1 AND role = $2 AND organisation = $3 AND scope = $4",
                        params![account, grant.role.slug(), &grant.organisation, scope(grant)],
                    )
                    .await?;
                if gone == 0 {
                    return Err(Problem::not_found("role of the account"));
                }
                let left = "SELECT 1 FROM role_grant g JOIN account a ON a.id = g.account
                            WHERE g.role = $1 AND a.closed IS NULL LIMIT 1";
                if grant.role == Role::Administrator
                    && tx.query_opt(left, params![Role::Administrator.slug()]).await?.is_none()
                {
                    let remedy = "give somebody else the role first";
                    return Err(Problem::conflict("last_administrator", remedy));
                }
                self.keep(tx, actor, account, grant, (false, reason)).await?;
                Ok(self.zone.log.record(tx, entry(&REVOKE, actor, account, grant)).await?)
            })
            .await
    }

    async fn keep(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        account: AccountId,
        grant: &Grant,
        (given, reason): (bool, &str),
    ) -> Result<(), Problem> {
        let id: kernel::Id<RoleChangeKind> = self.zone.id();
        tx.execute(
            "INSERT INTO role_change (id, account, role, organisation, scope, given, reason, by_account, at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            params![
                id,
                account,
                grant.role.slug(),
                &grant.organisation,
                scope(grant),
                i64::from(given),
                reason.trim(),
                actor.account,
                self.zone.now(),
            ],
        )
        .await?;
        Ok(())
    }

    /// Accounts with their roles, and how many there are, for administrators and the auditor.
    ///
    /// # Errors
    /// [`Problem::Forbidden`], [`Problem::Unavailable`].
    pub async fn accounts(&self, actor: &Actor, filter: &AccountFilter<'_>) -> Result<(Vec<RoleHolder>, i64), Problem> {
        authorise(&self.zone, actor, Action("identity.accounts"), &crate::Object::any("account")).await?;
        let role = filter.role.map_or("", Role::slug);
        // What means something in a pattern is looked for as it stands.
        let name: String = filter.name.trim().to_lowercase().chars().filter(|c| !"%_".contains(*c)).collect();
        let name = format!("%{name}%");
        let (from, size) = (filter.from.max(0), filter.size.clamp(1, MOST));
        let which = "closed IS NULL AND LOWER(name) LIKE $1
             AND ($2 = '' OR EXISTS (SELECT 1 FROM role_grant g WHERE g.account = account.id AND g.role = $2))";
        self.zone
            .store
            .tx("identity accounts", async |tx: &mut Tx| -> Result<(Vec<RoleHolder>, i64), Problem> {
                let sql = format!("SELECT COUNT(*) FROM account WHERE {which}");
                let total = tx.query_opt(&sql, params![&name, role]).await?.map_or(Ok(0), |row| row.get(0))?;
                let sql = format!("SELECT id, name FROM account WHERE {which} ORDER BY name, id LIMIT $3 OFFSET $4");
                let mut found = Vec::new();
                for row in &tx.query(&sql, params![&name, role, size, from]).await? {
                    let account = row.get(0)?;
                    found.push(RoleHolder { account, name: parse_name(row, 1)?, grants: grants(tx, account).await? });
                }
                let entry = Entry::new(&ACCOUNTS, actor.audit(), Object::new("account", "any"));
                self.zone.log.record(tx, entry).await?;
                Ok((found, total))
            })
            .await
    }

    /// An account with its roles and how it came to them, the newest first, for administrators and the auditor.
    ///
    /// # Errors
    /// [`Problem::Forbidden`], [`Problem::NotFound`].
    pub async fn roles_of(&self, actor: &Actor, account: AccountId) -> Result<(RoleHolder, Vec<RoleChange>), Problem> {
        let object = crate::Object::new("account", account);
        authorise(&self.zone, actor, Action("identity.accounts"), &object).await?;
        self.zone
            .store
            .tx("identity roles", async |tx: &mut Tx| -> Result<(RoleHolder, Vec<RoleChange>), Problem> {
                let row = tx.query_opt("SELECT name FROM account WHERE id = $1", params![account]).await?;
                let name = parse_name(&row.ok_or_else(|| Problem::not_found("account"))?, 0)?;
                let rows = tx
                    .query(
                        "SELECT c.at, c.role, c.organisation, c.scope, c.given, c.reason, c.by_account, a.name
                         FROM role_change c JOIN account a ON a.id = c.by_account
                         WHERE c.account = $1 ORDER BY c.at DESC, c.id DESC LIMIT $2",
                        params![account, MOST_CHANGES],
                    )
                    .await?;
                let mut changes = Vec::with_capacity(rows.len());
                for row in &rows {
                    // A role that the program does not know any more cannot be shown.
                    let Ok(role) = row.get::<String>(1)?.parse() else { continue };
                    let scope = Some(row.get::<String>(3)?).filter(|scope| !scope.is_empty());
                    changes.push(RoleChange {
                        at: row.get(0)?,
                        grant: Grant { role, organisation: row.get(2)?, scope },
                        given: row.get::<i64>(4)? == 1,
                        reason: row.get(5)?,
                        by: row.get(6)?,
                        by_name: parse_name(row, 7)?,
                    });
                }
                let holder = RoleHolder { account, name, grants: grants(tx, account).await? };
                let entry = Entry::new(&ACCOUNTS, actor.audit(), Object::new("account", account));
                self.zone.log.record(tx, entry).await?;
                Ok((holder, changes))
            })
            .await
    }

    /// The organisations at which roles can be given, by slug.
    ///
    /// # Errors
    /// [`Problem::Unavailable`].
    pub async fn organisations(&self) -> Result<Vec<(String, LangMap)>, Problem> {
        self.zone
            .store
            .read("identity organisations", async |tx: &mut Tx| -> Result<Vec<(String, LangMap)>, Problem> {
                let rows = tx.query("SELECT slug, name FROM organisation ORDER BY slug", params![]).await?;
                rows.iter().map(|row| Ok((row.get(0)?, parse_name(row, 1)?))).collect()
            })
            .await
    }
}

fn scope(grant: &Grant) -> &str {
    grant.scope.as_deref().unwrap_or_default()
}

/// A reason that says something, and nobody's identity number.
fn told_why(reason: &str) -> Result<(), Problem> {
    if !REASON.contains(&reason.trim().chars().count()) {
        let remedy = format!("why, in {} to {} characters", REASON.start(), REASON.end());
        return Err(Problem::invalid("reason", "required", remedy));
    }
    if !identity_number::scan(reason, Accept::Both).is_empty() {
        return Err(Problem::invalid("reason", "identity_number", "the text seems to hold an identity number"));
    }
    Ok(())
}

fn entry(action: &audit::Action, actor: &Actor, account: AccountId, grant: &Grant) -> Entry {
    let entry = Entry::new(action, actor.audit(), Object::new("account", account))
        .detail("role", grant.role.slug())
        .detail("organisation", grant.organisation.as_str());
    match &grant.scope {
        Some(scope) => entry.detail("scope", scope.as_str()),
        None => entry,
    }
}
