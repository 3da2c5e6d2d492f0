//! The tables of identity. The identity number stands in `login.number` only, sealed for its row.

use store::Migration;

pub(crate) const MIGRATIONS: &[Migration] = &[ACCOUNTS, ROLE_CHANGES];

const ACCOUNTS: Migration = Migration {
    name: "001_accounts",
    sql: "CREATE TABLE organisation (slug TEXT PRIMARY KEY, name TEXT NOT NULL);
          CREATE TABLE account (id TEXT PRIMARY KEY, name TEXT NOT NULL, created BIGINT NOT NULL, closed BIGINT);
          CREATE TABLE login (account TEXT PRIMARY KEY REFERENCES account (id), issuer TEXT NOT NULL,
            subject TEXT NOT NULL, number BLOB, UNIQUE (issuer, subject));
          CREATE TABLE role_grant (account TEXT NOT NULL REFERENCES account (id), role TEXT NOT NULL,
            organisation TEXT NOT NULL REFERENCES organisation (slug), scope TEXT NOT NULL, place BIGINT NOT NULL,
            given BIGINT NOT NULL, PRIMARY KEY (account, role, organisation, scope));
          CREATE TABLE representation (account TEXT NOT NULL REFERENCES account (id),
            represented TEXT NOT NULL REFERENCES account (id), basis TEXT NOT NULL, until BIGINT NOT NULL,
            PRIMARY KEY (account, represented));
          CREATE TABLE session (id TEXT PRIMARY KEY, token_hash TEXT NOT NULL UNIQUE,
            account TEXT NOT NULL REFERENCES account (id), assurance TEXT NOT NULL, on_behalf_of TEXT,
            started BIGINT NOT NULL, seen BIGINT NOT NULL)",
};

/// Roles given and taken away, append-only.
const ROLE_CHANGES: Migration = Migration {
    name: "002_role_changes",
    sql: "CREATE TABLE role_change (id TEXT PRIMARY KEY, account TEXT NOT NULL REFERENCES account (id),
            role TEXT NOT NULL, organisation TEXT NOT NULL, scope TEXT NOT NULL, given BIGINT NOT NULL,
            reason TEXT NOT NULL, by_account TEXT NOT NULL REFERENCES account (id), at BIGINT NOT NULL);
          CREATE INDEX role_change_account ON role_change (account, at)",
};
