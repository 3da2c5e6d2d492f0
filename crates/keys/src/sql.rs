//! The tables of the key role. Only this crate and the binary name them.

use store::Migration;

/// The schema.
pub(crate) const MIGRATIONS: &[Migration] = &[Migration {
    name: "001_keys",
    sql: "CREATE TABLE index_space (space TEXT PRIMARY KEY, next_ordinal BIGINT NOT NULL);
          CREATE TABLE person_number (
            lookup BLOB PRIMARY KEY, ordinal BIGINT NOT NULL, sealed BLOB NOT NULL, kind TEXT NOT NULL,
            valid_from BIGINT, valid_to BIGINT, snapshot_id TEXT);
          CREATE INDEX person_number_ordinal ON person_number (ordinal);
          CREATE TABLE unit_number (
            space TEXT NOT NULL, first_ordinal BIGINT NOT NULL, lookups BLOB NOT NULL, sealed BLOB NOT NULL,
            PRIMARY KEY (space, first_ordinal));
          CREATE TABLE linkage_plan (
            series TEXT NOT NULL, plan_no BIGINT NOT NULL, permit_id TEXT NOT NULL, envelope TEXT NOT NULL,
            PRIMARY KEY (series, plan_no));
          CREATE TABLE series_key (
            series TEXT PRIMARY KEY, permit_id TEXT NOT NULL, kek TEXT NOT NULL, epoch BIGINT NOT NULL,
            state TEXT NOT NULL, destroy_on BIGINT NOT NULL, destroy_early BIGINT NOT NULL, created BIGINT NOT NULL);
          CREATE TABLE permit_key (
            series TEXT NOT NULL, epoch BIGINT NOT NULL, use_for TEXT NOT NULL, key_id TEXT NOT NULL,
            wrapped BLOB, commitment TEXT NOT NULL, PRIMARY KEY (series, epoch, use_for));
          CREATE TABLE key_holder (
            series TEXT NOT NULL, epoch BIGINT NOT NULL, use_for TEXT NOT NULL, holder TEXT NOT NULL,
            distributed_at BIGINT NOT NULL, installed_at BIGINT, destroyed_at BIGINT,
            PRIMARY KEY (series, epoch, use_for, holder));
          CREATE TABLE key_receipt (
            series TEXT NOT NULL, n BIGINT NOT NULL, digest TEXT NOT NULL, envelope TEXT NOT NULL,
            PRIMARY KEY (series, n));
          CREATE TABLE pseudonym_use (
            series TEXT NOT NULL, source TEXT NOT NULL, persons BLOB NOT NULL, PRIMARY KEY (series, source));
          CREATE TABLE pseudonym_delivery (
            series TEXT NOT NULL, source TEXT NOT NULL, delivery_id TEXT NOT NULL, at BIGINT NOT NULL,
            PRIMARY KEY (series, source, delivery_id));
          CREATE TABLE suspended_caller (party TEXT PRIMARY KEY, at BIGINT NOT NULL);
          CREATE TABLE choice_event (
            choice_id TEXT PRIMARY KEY, ordinal BIGINT NOT NULL, kind TEXT NOT NULL, scope TEXT NOT NULL,
            value BIGINT NOT NULL, at BIGINT NOT NULL, channel TEXT NOT NULL, by_account TEXT NOT NULL,
            template_version TEXT NOT NULL, receipt TEXT NOT NULL);
          CREATE INDEX choice_event_person ON choice_event (ordinal);
          CREATE TABLE choice (
            ordinal BIGINT NOT NULL, kind TEXT NOT NULL, scope TEXT NOT NULL, from_at BIGINT NOT NULL, to_at BIGINT,
            choice_id TEXT NOT NULL, withdrawal_id TEXT, PRIMARY KEY (ordinal, kind, scope, from_at));
          CREATE INDEX choice_scope ON choice (kind, scope);
          CREATE TABLE choice_snapshot (
            snapshot_id TEXT PRIMARY KEY, used_for TEXT NOT NULL, series TEXT, source TEXT NOT NULL,
            at BIGINT NOT NULL, left_out BLOB NOT NULL);
          CREATE INDEX choice_snapshot_use ON choice_snapshot (used_for, source);
          CREATE INDEX choice_snapshot_series ON choice_snapshot (series, source);
          CREATE TABLE ledger_source (source TEXT PRIMARY KEY, seq BIGINT NOT NULL);
          CREATE TABLE ledger_release (
            release_id TEXT PRIMARY KEY, delivery_id TEXT NOT NULL UNIQUE, series TEXT NOT NULL, source TEXT NOT NULL,
            seq BIGINT NOT NULL, state TEXT NOT NULL, room TEXT NOT NULL, record TEXT NOT NULL,
            request_digest TEXT NOT NULL, exemption TEXT, persons BLOB, kept BLOB, kept_digest TEXT,
            receipt TEXT NOT NULL, kept_receipt TEXT, sealed_at BIGINT NOT NULL, final_at BIGINT, UNIQUE (source, seq));
          CREATE INDEX ledger_release_state ON ledger_release (state)",
}];
