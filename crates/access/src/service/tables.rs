//! The tables of time and publicity: places in the feed, outbox, addresses, subscriptions, forecasts, statistics.
//! Their statements stand beside the use cases.

use store::Migration;

pub(super) const MIGRATIONS: &[Migration] = &[
    Migration {
        name: "001_notice",
        sql: "ALTER TABLE access_event ADD COLUMN feed BIGINT;
          CREATE UNIQUE INDEX access_event_feed ON access_event (feed) WHERE feed IS NOT NULL;
          CREATE INDEX access_event_unfed ON access_event (case_id, seq) WHERE feed IS NULL;
          CREATE TABLE access_contact (
            account TEXT PRIMARY KEY, content BLOB NOT NULL, changed_at BIGINT NOT NULL);
          CREATE TABLE access_outbox (
            id TEXT PRIMARY KEY, case_id TEXT, number TEXT NOT NULL, account TEXT NOT NULL, kind TEXT NOT NULL,
            state TEXT NOT NULL, attempts BIGINT NOT NULL, queued_at BIGINT NOT NULL, changed_at BIGINT NOT NULL,
            next_at BIGINT, error TEXT);
          CREATE INDEX access_outbox_at ON access_outbox (queued_at);
          CREATE TABLE access_hook (
            id TEXT PRIMARY KEY, organisation TEXT NOT NULL, url TEXT NOT NULL, kinds TEXT NOT NULL,
            sources TEXT NOT NULL, secret BLOB NOT NULL, state TEXT NOT NULL, created_by TEXT NOT NULL,
            created_at BIGINT NOT NULL, place BIGINT NOT NULL, failing_since BIGINT, error TEXT);
          ALTER TABLE access_register ADD COLUMN masked TEXT;
          ALTER TABLE access_register ADD COLUMN results TEXT;
          CREATE TABLE access_available (series TEXT PRIMARY KEY, available_on BIGINT NOT NULL);
          CREATE TABLE access_forecast (
            case_id TEXT NOT NULL, made_at BIGINT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (case_id, made_at));
          CREATE TABLE access_statistics (
            made_on BIGINT PRIMARY KEY, made_at BIGINT NOT NULL, body TEXT NOT NULL)",
    },
    Migration { name: "002_retention", sql: "ALTER TABLE access_revision ADD COLUMN erased_at BIGINT" },
    Migration {
        name: "003_delivered",
        sql: "CREATE TABLE access_delivered (
                series TEXT NOT NULL, source TEXT NOT NULL, delivered_on BIGINT NOT NULL,
                PRIMARY KEY (series, source))",
    },
];
