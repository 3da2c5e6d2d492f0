//! Forecasts and handling-time statistics: read from the events, kept with their history, published without login
//! (ACC-131, ACC-183).

use std::collections::{BTreeMap, BTreeSet};

use identity::Actor;
use kernel::{Date, Problem, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Tx, params};

use super::Access;
use crate::AccessError;
use crate::clocks::EndEvent;
use crate::forecast::{Forecast, forecast};
use crate::handling::{Handling, Happened, quantile};
use crate::model::{CaseId, Command};
use crate::sql;

/// Cells with fewer cases show no durations (ACC-183).
const FEWEST: usize = 3;
/// What is read of a case's history.
const NAMES: &str = "'created', 'submitted', 'info_requested', 'info_received', 'info_request_cancelled', \
    'completeness_confirmed', 'track_changed', 'source_task_created', 'source_task_answered', 'terms_offered', \
    'terms_accepted', 'terms_declined', 'terms_withdrawn', 'terms_queried', 'terms_lapsed', 'deadline_extended', \
    'decision_issued', 'withdrawn'";

/// The statistics of a day.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Statistics {
    /// The day on which they were made.
    pub made_on: Option<Date>,
    /// One row per dimension, value and quarter.
    pub rows: Vec<StatisticsRow>,
}

/// One cell: cases of one value of a dimension decided in a quarter, or in all.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StatisticsRow {
    /// `all`, `form`, `track`, `sources` (how many) or `source`.
    pub dimension: String,
    /// The value.
    pub value: String,
    /// `2026-Q1`, or `all`.
    pub quarter: String,
    /// How many cases were decided.
    pub n: usize,
    /// Durations; none for fewer than three cases.
    pub durations: Option<Durations>,
    /// How many times the body gave itself more time.
    pub extensions: usize,
    /// Share of refusals; none for fewer than three cases.
    pub refused: Option<f64>,
    /// Share of changes of permits among them; none for fewer than three cases.
    pub changes: Option<f64>,
    /// Appeals that were lodged.
    pub appeals: usize,
    /// Appeals after which the decision was changed.
    pub appeals_changed: usize,
}

/// Durations in days. Gross and net are those of the statutory clock up to the decision, in its own unit.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Durations {
    /// Half of the cases took no longer from the submission to the decision.
    pub median: i32,
    /// Four of five took no longer.
    pub p80: i32,
    /// Median of the clock's days.
    pub gross: Option<i32>,
    /// Median of the days that counted.
    pub net: Option<i32>,
    /// Share decided inside the limit.
    pub inside_decision: Option<f64>,
    /// Share with data inside the limit, of those with data.
    pub inside_data: Option<f64>,
    /// Median of days waited for the applicant.
    pub applicant: i32,
    /// Median of days waited for sources.
    pub sources: i32,
    /// Median of days waited for the body.
    pub body: i32,
    /// Share decided no later than the first forecast's P50 date; half is what it promises.
    pub forecast_p50: Option<f64>,
    /// Share decided no later than its P80 date; four of five is what it promises.
    pub forecast_p80: Option<f64>,
}

/// A finished case with its first forecast and what was appealed.
#[derive(Clone, Default)]
pub(super) struct Finished {
    pub handling: Handling,
    first: Option<Forecast>,
    appealed: bool,
    changed_on_appeal: bool,
}

impl Access {
    /// The forecasts of a case, the newest first (ACC-131). For those who may see the case.
    ///
    /// # Errors
    /// Not found, forbidden.
    pub async fn forecasts(&self, actor: &Actor, id: CaseId) -> Result<Vec<Forecast>, Problem> {
        self.seen(actor, id).await?;
        let read = self.zone.store.read("access.forecast", async |tx: &mut Tx| kept(tx, id).await);
        read.await.map_err(Problem::from)
    }

    /// The statutory clocks of a case up to the decision and up to the data (section 9.3). For those who may see the case.
    ///
    /// # Errors
    /// Not found, forbidden.
    pub async fn clocks(&self, actor: &Actor, id: CaseId) -> Result<Vec<crate::clocks::Clock>, Problem> {
        let (loaded, _, _) = self.seen(actor, id).await?;
        let read = self.zone.store.read("access.available", async |tx: &mut Tx| available(tx, id).await);
        Ok(crate::clocks::both(&loaded.case, read.await.map_err(Problem::from)?, self.zone.clock.today()))
    }

    /// Makes the forecasts that are due: of cases that changed since their last one, and of every open case once a day.
    /// Gives how many were made.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn make_forecasts(&self) -> Result<usize, Problem> {
        let (now, today) = (self.zone.now(), self.zone.clock.today());
        let due = self.zone.store.read("access.forecast", async |tx: &mut Tx| -> Result<_, AccessError> {
            // A day is over when its last forecast is from another.
            let rows = tx
                .query(
                    "SELECT c.id, MAX(f.made_at) FROM access_case c
                     LEFT JOIN access_forecast f ON f.case_id = c.id
                     WHERE c.state NOT IN ('draft', 'lapsed', 'withdrawn', 'closed')
                     GROUP BY c.id, c.updated_at HAVING MAX(f.made_at) IS NULL OR MAX(f.made_at) < c.updated_at
                       OR MAX(f.made_at) < $1 ORDER BY c.id",
                    params![now.plus_seconds(-86_400)],
                )
                .await?;
            rows.iter().map(|row| Ok(row.get::<CaseId>(0)?)).collect::<Result<Vec<_>, AccessError>>()
        });
        let due: Vec<CaseId> = due.await.map_err(Problem::from)?;
        if due.is_empty() {
            return Ok(0);
        }
        let finished: Vec<Handling> =
            self.finished(today.plus_months(-24)).await?.into_iter().map(|case| case.handling).collect();
        let mut made = 0;
        for id in due {
            let read = self.zone.store.read("access.forecast", async |tx: &mut Tx| handling(tx, id).await);
            let own = read.await.map_err(Problem::from)?;
            let Some(next) = forecast(&id.to_string(), &own, &finished, today) else { continue };
            let body = sql::text(&next).map_err(Problem::from)?;
            let written = self.zone.store.tx("access.forecast", async |tx: &mut Tx| -> Result<(), AccessError> {
                tx.execute(
                    "INSERT INTO access_forecast (case_id, made_at, body) VALUES ($1, $2, $3)
                     ON CONFLICT (case_id, made_at) DO UPDATE SET body = excluded.body",
                    params![id, now, &body],
                )
                .await?;
                Ok(())
            });
            written.await.map_err(Problem::from)?;
            made += 1;
        }
        Ok(made)
    }

    /// Remembers the day on which the data of a source lay ready in the room. With the last source of the permit data are
    /// available: the end of the longer statutory clock. Later deliveries under the same permit change nothing.
    ///
    /// # Errors
    /// Those of the database. An unknown permit is none.
    pub async fn data_delivered(&self, series: &str, source: &str, at: Timestamp) -> Result<(), Problem> {
        let day = at.date_in_oslo();
        let written = self.zone.store.tx("access.available", async |tx: &mut Tx| -> Result<Option<CaseId>, AccessError> {
            let Some(row) = sql::current_permit(tx, series).await? else { return Ok(None) };
            let envelope: protocol::Envelope = sql::parse(&row.envelope)?;
            let permit = envelope.read_unverified::<protocol::documents::Permit>();
            let permit = permit.map_err(|e| AccessError::Damaged(e.to_string()))?;
            let first = tx
                .execute(
                "INSERT INTO access_delivered (series, source, delivered_on) VALUES ($1, $2, $3)
                 ON CONFLICT (series, source) DO NOTHING",
                params![series, source, day],
            )
            .await?;
            let rows = tx.query("SELECT source FROM access_delivered WHERE series = $1", params![series]).await?;
            let delivered: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?;
            let mut wanted = permit.sources.iter().filter(|part| !part.variables.is_empty());
            if wanted.all(|part| delivered.contains(&part.source)) {
                tx.execute(
                    "INSERT INTO access_available (series, available_on) VALUES ($1, $2) ON CONFLICT (series) DO NOTHING",
                    params![series, day],
                )
                .await?;
            }
            Ok((first > 0).then_some(row.case_id))
        });
        let Some(id) = written.await.map_err(Problem::from)? else { return Ok(()) };
        // The holder's own clock ends with it, unless somebody said so before.
        match self.by_clock(id, Command::NoteDelivery { source: source.to_owned(), on: day }, None).await {
            Ok(_) | Err(Problem::Conflict { .. } | Problem::Invalid { .. } | Problem::Forbidden { .. }) => Ok(()),
            Err(other) => Err(other),
        }
    }

    /// The newest published statistics; empty before the first night. No login.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn statistics(&self) -> Result<Statistics, Problem> {
        let read = self.zone.store.read("access.statistics", async |tx: &mut Tx| -> Result<Statistics, AccessError> {
            let sql = "SELECT body FROM access_statistics ORDER BY made_on DESC LIMIT 1";
            let row = tx.query_opt(sql, params![]).await?;
            row.map(|row| sql::parse(&row.get::<String>(0)?)).transpose().map(Option::unwrap_or_default)
        });
        read.await.map_err(Problem::from)
    }

    /// Makes the statistics of today, once a day. Gives whether they were made.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn make_statistics(&self) -> Result<bool, Problem> {
        let (now, today) = (self.zone.now(), self.zone.clock.today());
        let read = self.zone.store.read("access.statistics", async |tx: &mut Tx| -> Result<bool, AccessError> {
            let sql = "SELECT 1 FROM access_statistics WHERE made_on = $1";
            Ok(tx.query_opt(sql, params![today]).await?.is_some())
        });
        if read.await.map_err(Problem::from)? {
            return Ok(false);
        }
        let finished = self.finished(Date::from_days(0)).await?;
        let statistics = Statistics { made_on: Some(today), rows: rows(&finished) };
        let body = sql::text(&statistics).map_err(Problem::from)?;
        let written = self.zone.store.tx("access.statistics", async |tx: &mut Tx| -> Result<(), AccessError> {
            tx.execute(
                "INSERT INTO access_statistics (made_on, made_at, body) VALUES ($1, $2, $3)
                 ON CONFLICT (made_on) DO NOTHING",
                params![today, now, &body],
            )
            .await?;
            Ok(())
        });
        written.await.map_err(Problem::from)?;
        Ok(true)
    }

    /// Cases decided since a day.
    pub(super) async fn finished(&self, since: Date) -> Result<Vec<Finished>, Problem> {
        let read = self.zone.store.read("access.finished", async |tx: &mut Tx| finished(tx, since).await);
        read.await.map_err(Problem::from)
    }
}

/// Every cell: all, and each dimension's values, for all time and for each quarter.
fn rows(finished: &[Finished]) -> Vec<StatisticsRow> {
    let mut cells: BTreeMap<(String, String, String), Vec<&Finished>> = BTreeMap::new();
    for case in finished {
        let h = &case.handling;
        let Some(decided) = h.decided else { continue };
        let (y, m, _) = decided.ymd();
        let mut values = vec![("all", "all".to_owned()), ("form", h.form.clone()), ("track", h.track.clone())];
        values.push(("sources", h.size().to_owned()));
        values.extend(h.sources.iter().map(|source| ("source", source.clone())));
        for (dimension, value) in values {
            for quarter in ["all".to_owned(), format!("{y}-Q{}", (m - 1) / 3 + 1)] {
                cells.entry((dimension.to_owned(), value.clone(), quarter)).or_default().push(case);
            }
        }
    }
    cells.into_iter().map(|((dimension, value, quarter), cases)| row(dimension, value, quarter, &cases)).collect()
}

fn row(dimension: String, value: String, quarter: String, cases: &[&Finished]) -> StatisticsRow {
    let n = cases.len();
    let share = |count: usize, of: usize| (of > 0).then(|| count as f64 / of as f64);
    let enough = n >= FEWEST;
    let refused = cases.iter().filter(|c| c.handling.outcome.as_deref() == Some("refused")).count();
    let changes = cases.iter().filter(|c| c.handling.form == "change").count();
    StatisticsRow {
        dimension,
        value,
        quarter,
        n,
        durations: enough.then(|| durations(cases)).flatten(),
        extensions: cases.iter().map(|c| c.handling.extensions.len()).sum(),
        refused: share(refused, n).filter(|_| enough),
        changes: share(changes, n).filter(|_| enough),
        appeals: cases.iter().filter(|c| c.appealed).count(),
        appeals_changed: cases.iter().filter(|c| c.changed_on_appeal).count(),
    }
}

fn durations(cases: &[&Finished]) -> Option<Durations> {
    let of = |f: &dyn Fn(&Finished) -> Option<i32>| {
        let mut values: Vec<i32> = cases.iter().filter_map(|case| f(case)).collect();
        values.sort_unstable();
        values
    };
    let middle = |values: &[i32]| quantile(values, 0.5);
    let share = |f: &dyn Fn(&Finished) -> Option<bool>| {
        let values: Vec<bool> = cases.iter().filter_map(|case| f(case)).collect();
        // A share among fewer than three would tell of single cases.
        (values.len() >= FEWEST).then(|| values.iter().filter(|v| **v).count() as f64 / values.len() as f64)
    };
    let whole = of(&|c| c.handling.whole());
    let clock = |c: &Finished| c.handling.clock(EndEvent::Decision);
    let waited = |c: &Finished| (c.handling.waited_for_applicant(), c.handling.waited_for_sources());
    let body = |c: &Finished| c.handling.whole().map(|whole| (whole - waited(c).0 - waited(c).1).max(0));
    let first = |c: &Finished| Some((c.first.as_ref()?.decision?, c.handling.decided?));
    Some(Durations {
        median: middle(&whole)?,
        p80: quantile(&whole, 0.8)?,
        gross: middle(&of(&|c| i32::try_from(clock(c)?.0).ok())),
        net: middle(&of(&|c| i32::try_from(clock(c)?.1).ok())),
        inside_decision: share(&|c| Some(clock(c)?.2)),
        inside_data: share(&|c| Some(c.handling.clock(EndEvent::DataAvailable)?.2)),
        applicant: middle(&of(&|c| Some(waited(c).0)))?,
        sources: middle(&of(&|c| Some(waited(c).1)))?,
        body: middle(&of(&body))?,
        forecast_p50: share(&|c| first(c).map(|(expected, decided)| decided <= expected.p50)),
        forecast_p80: share(&|c| first(c).map(|(expected, decided)| decided <= expected.p80)),
    })
}

async fn kept(tx: &mut Tx, id: CaseId) -> Result<Vec<Forecast>, AccessError> {
    let sql = "SELECT body FROM access_forecast WHERE case_id = $1 ORDER BY made_at DESC LIMIT 500";
    let rows = tx.query(sql, params![id]).await?;
    rows.iter().map(|row| sql::parse(&row.get::<String>(0)?)).collect()
}

/// The handling of one case.
pub(super) async fn handling(tx: &mut Tx, id: CaseId) -> Result<Handling, AccessError> {
    let sql = format!("SELECT name, at, data FROM access_event WHERE case_id = $1 AND name IN ({NAMES}) ORDER BY seq");
    let rows = tx.query(&sql, params![id]).await?;
    let events = rows.iter().map(|row| happened(row, 0)).collect::<Result<Vec<_>, _>>()?;
    Ok(Handling::of(&events, available(tx, id).await?))
}

/// The day on which data of a case lay ready.
async fn available(tx: &mut Tx, id: CaseId) -> Result<Option<Date>, AccessError> {
    let row = tx
        .query_opt(
            "SELECT MIN(a.available_on) FROM access_available a JOIN access_permit p ON p.series = a.series
             WHERE p.case_id = $1",
            params![id],
        )
        .await?;
    Ok(row.map(|row| row.get::<Option<Date>>(0)).transpose()?.flatten())
}

fn happened(row: &store::Row, first: usize) -> Result<Happened, AccessError> {
    let stored: Value = sql::parse(&row.get::<String>(first + 2)?)?;
    Ok(Happened { name: row.get(first)?, at: row.get(first + 1)?, data: stored["data"].clone() })
}

/// The cases that were decided since a day, in one pass over their events.
async fn finished(tx: &mut Tx, since: Date) -> Result<Vec<Finished>, AccessError> {
    let decided = "SELECT case_id FROM access_event WHERE name = 'decision_issued' AND at >= $1";
    let start = Timestamp::from_micros(i64::from(since.days()) * 86_400_000_000);
    let rows = tx
        .query(
            &format!(
                "SELECT case_id, name, at, data FROM access_event
                 WHERE case_id IN ({decided}) AND name IN ({NAMES}) ORDER BY case_id, seq"
            ),
            params![start],
        )
        .await?;
    let mut cases: BTreeMap<String, Vec<Happened>> = BTreeMap::new();
    for row in &rows {
        cases.entry(row.get(0)?).or_default().push(happened(row, 1)?);
    }
    let mut available: BTreeMap<String, Date> = BTreeMap::new();
    let rows = tx
        .query(
            "SELECT p.case_id, MIN(a.available_on) FROM access_available a
             JOIN access_permit p ON p.series = a.series GROUP BY p.case_id",
            params![],
        )
        .await?;
    for row in &rows {
        available.insert(row.get(0)?, row.get(1)?);
    }
    let rows = tx
        .query(
            "SELECT f.case_id, f.body FROM access_forecast f
             JOIN (SELECT case_id, MIN(made_at) AS first FROM access_forecast GROUP BY case_id) o
               ON o.case_id = f.case_id AND o.first = f.made_at",
            params![],
        )
        .await?;
    let mut first: BTreeMap<String, Forecast> = BTreeMap::new();
    for row in &rows {
        first.insert(row.get(0)?, sql::parse(&row.get::<String>(1)?)?);
    }
    let appeals = tx
        .query(
            "SELECT case_id, name FROM access_event WHERE name IN ('appeal_lodged', 'decision_reversed', 'appeal_decided')",
            params![],
        )
        .await?;
    let mut appealed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in &appeals {
        appealed.entry(row.get(0)?).or_default().insert(row.get(1)?);
    }
    let one = |(id, events): (String, Vec<Happened>)| {
        let names = appealed.get(&id);
        Finished {
            handling: Handling::of(&events, available.get(&id).copied()),
            first: first.get(&id).cloned(),
            appealed: names.is_some(),
            changed_on_appeal: names.is_some_and(|names| names.contains("decision_reversed")),
        }
    };
    Ok(cases.into_iter().map(one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::Expected;

    fn case(n: i32, source: &str) -> Finished {
        let day = |n: i32| "2026-01-05".parse::<Date>().unwrap().plus_days(n);
        Finished {
            handling: Handling {
                form: "person-level".into(),
                track: "normal".into(),
                profile: "NO/1".into(),
                sources: vec![source.into()],
                submitted: Some(day(0)),
                complete: Some(day(0)),
                decided: Some(day(n)),
                outcome: Some(if n > 40 { "refused" } else { "granted" }.into()),
                ..Handling::default()
            },
            first: Some(Forecast {
                made_on: day(0),
                decision: Some(Expected { p50: day(20), p80: day(40) }),
                data: None,
                based_on: 0,
                stratum: String::new(),
            }),
            ..Finished::default()
        }
    }

    #[test]
    fn acc_183_cells_of_fewer_than_three_show_no_durations() {
        let cases = [case(10, "npr"), case(20, "npr"), case(30, "npr"), case(60, "npr"), case(90, "dar")];
        let rows = rows(&cases);
        let row = |dimension: &str, value: &str, quarter: &str| {
            rows.iter()
                .find(|r| (r.dimension.as_str(), r.value.as_str(), r.quarter.as_str()) == (dimension, value, quarter))
        };
        let npr = row("source", "npr", "all").unwrap();
        let durations = npr.durations.as_ref().unwrap();
        assert_eq!((npr.n, durations.median, durations.p80, npr.refused), (4, 20, 60, Some(0.25)));
        assert_eq!((durations.forecast_p50, durations.forecast_p80), (Some(0.5), Some(0.75)));
        assert_eq!(durations.inside_decision, Some(0.5), "15 working days are 21 days");
        assert_eq!(durations.inside_data, None, "no data yet");
        let dar = row("source", "dar", "all").unwrap();
        assert_eq!((dar.n, dar.durations.is_none(), dar.refused), (1, true, None));
        assert_eq!(row("all", "all", "all").unwrap().n, 5);
        assert_eq!(row("all", "all", "2026-Q1").unwrap().n, 4);
        assert_eq!(row("all", "all", "2026-Q2").unwrap().durations, None);
    }
}
