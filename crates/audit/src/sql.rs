//! The tables of the log: the outbox that areas write in their own transactions, the index for searching, and the
//! checkpoints of other zones that were seen. The log itself is not here but in its folder.

use store::Migration;

pub(crate) const MIGRATIONS: &[Migration] = &[Migration {
    name: "001_log",
    sql: "CREATE TABLE audit_outbox (
            id TEXT PRIMARY KEY, turn BIGINT NOT NULL, t BIGINT NOT NULL, k TEXT NOT NULL, o TEXT NOT NULL, c TEXT NOT NULL,
            salt BLOB NOT NULL, body BLOB NOT NULL, idx BIGINT, s BIGINT);
          CREATE INDEX audit_outbox_turn ON audit_outbox (turn);
          CREATE TABLE audit_index (
            idx BIGINT PRIMARY KEY, r TEXT NOT NULL, s BIGINT NOT NULL, t BIGINT NOT NULL, kind TEXT NOT NULL, action TEXT NOT NULL,
            actor TEXT NOT NULL, organisation TEXT, outcome TEXT NOT NULL);
          CREATE INDEX audit_index_t ON audit_index (t);
          CREATE INDEX audit_index_actor ON audit_index (actor, idx);
          CREATE TABLE audit_object (object TEXT NOT NULL, idx BIGINT NOT NULL, PRIMARY KEY (object, idx));
          CREATE TABLE audit_seen (origin TEXT PRIMARY KEY, size BIGINT NOT NULL, root TEXT NOT NULL, note TEXT NOT NULL,
            at BIGINT NOT NULL)",
}];
