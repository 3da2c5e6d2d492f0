//! Reminders (ACC-132): what waits for somebody is said again on fixed days, on working days between 7 and 20 o'clock. A
//! reminder is an event of the case; the queue carries it, so that a crash loses none and sends none twice.

use kernel::workdays::Calendar;
use kernel::{Date, Problem, Timestamp};
use serde_json::{Value, json};
use store::{Tx, jobs, params};

use super::{Access, statistics};
use crate::AccessError;
use crate::clocks::{self, Calendars, statutory, statutory_until};
use crate::handling::Handling;
use crate::model::{
    AwaitingAcceptance, Case, CaseId, Command, DRAFT_DAYS, Decided, Reminder, ReportKind, Standing, TaskState, WaitsFor,
};
use crate::sql;

pub(super) const REMIND: &str = "access/remind";
const LEASE_SECONDS: i64 = 60;
/// Days before a report is due on which it is asked for.
const REPORT_DAYS: [i32; 2] = [-60, -14];
/// Months between two reports on progress where the decision says nothing else.
const REPORT_MONTHS: i32 = 12;

/// Whether reminders may go out now: a working day, from 7 to 20 o'clock in Oslo.
pub fn may_remind(now: Timestamp, calendar: &Calendar) -> bool {
    let seconds = now.micros().div_euclid(1_000_000) + now.oslo_offset_seconds();
    let hour = seconds.rem_euclid(86_400) / 3_600;
    (7..20).contains(&hour) && calendar.is_working_day(now.date_in_oslo())
}

/// The working day that is `n` working days before another.
fn working_days_before(calendar: &Calendar, day: Date, n: u32) -> Date {
    let mut before = day;
    while calendar.working_days_between(before, day) < n || (n > 0 && !calendar.is_working_day(before)) {
        before = before.plus_days(-1);
    }
    before
}

/// Days on which the staff is reminded of a time limit, up to `today`: 10, 5 and 1 working days before, on the day, and
/// each fifth working day after.
fn staff_days(calendar: &Calendar, due: Date, today: Date) -> Vec<Date> {
    let mut days: Vec<Date> = [10, 5, 1, 0].iter().map(|n| working_days_before(calendar, due, *n)).collect();
    let mut next = calendar.add_working_days(due, 5);
    while next <= today {
        days.push(next);
        next = calendar.add_working_days(next, 5);
    }
    days
}

/// What waits in a case, with the days on which it is said again.
pub fn waiting(case: &Case, own: &Handling, permit_ends: Option<Date>, today: Date) -> Vec<(Reminder, Vec<Date>)> {
    let calendar = Calendars::norway().calendar(today);
    let after = |start: Date, days: &[i32]| days.iter().map(|n| start.plus_days(*n)).collect::<Vec<_>>();
    let mut waits = Vec::new();
    match case {
        Case::Draft(draft) => {
            let since = draft.saved_at.unwrap_or(draft.created_at).date_in_oslo();
            let lapses = DRAFT_DAYS as i32;
            waits.push((Reminder::Draft, after(since, &[lapses - 30, lapses - 7])));
        }
        Case::AwaitingInfo(info) => {
            waits.push((Reminder::Info, after(info.asked_at.date_in_oslo(), &[14, 21, 26])));
            if info.dossier.not_completed.is_none() {
                waits.push((Reminder::NotCompleted, after(info.deadline, &[1])));
            }
        }
        Case::AwaitingAcceptance(waiting) => {
            if let Some(offered) = own.offered {
                let mut days = [10, 17].map(|n| calendar.add_working_days(offered, n)).to_vec();
                // Nobody loses an offer without two reminders: what did not go out in time goes out now.
                if today > waiting.deadline && waiting.reminders < AwaitingAcceptance::REMINDERS {
                    days.push(today);
                }
                waits.push((Reminder::Terms, days));
            }
        }
        Case::Decided(decided) => {
            waits.push((Reminder::Report, after_all(&reports_due(decided, permit_ends), &REPORT_DAYS)));
            for clock in clocks::holder::clocks(decided, today) {
                if let Some(due) = clock.due.filter(|_| clock.delivered.is_none() && clock.paused.is_none()) {
                    // The applicant is told once that it is late, and once more when it got more time and is late again.
                    waits.push((Reminder::LateDelivery(clock.source.clone()), after(due, &[1])));
                    waits.push((Reminder::Delivery(clock.source), staff_days(&calendar, due, today)));
                }
            }
            if let Some(ends) = permit_ends.filter(|ends| *ends >= today) {
                waits.push((Reminder::Permit, after(ends, &[-90, -60, -35, -7])));
            }
        }
        _ => {}
    }
    let open = !matches!(case, Case::Decided(_) | Case::Withdrawn(_) | Case::Draft(_) | Case::Lapsed(_));
    if open && let Some(clock) = statutory(case, today).filter(|clock| !clock.paused) {
        waits.push((Reminder::Clock, staff_days(&calendar, clock.due, today)));
    }
    // The applicant is told once that the body is late: of the time to the decision, or to the data.
    let waits_for_body = matches!(case.waits_for(), WaitsFor::Body) || (own.available.is_none() && is_granted(case));
    if waits_for_body && let Some(clock) = statutory_until(case, own.available, today).filter(|clock| !clock.ended) {
        waits.push((Reminder::Late, after(clock.due, &[1])));
    }
    for (source, task) in case.work().map(|work| &work.tasks).into_iter().flatten() {
        if matches!(task.state, TaskState::Created | TaskState::Accepted | TaskState::Returned) {
            waits.push((Reminder::Source(source.clone()), staff_days(&calendar, task.due, today)));
        }
    }
    waits
}

fn is_granted(case: &Case) -> bool {
    matches!(case, Case::Decided(decided) if decided.permit.as_ref().is_some_and(|p| p.standing == Standing::Live))
}

fn after_all(days: &[Date], offsets: &[i32]) -> Vec<Date> {
    days.iter().flat_map(|day| offsets.iter().map(|n| day.plus_days(*n))).collect()
}

/// The days on which reports that have not come are due (ACC-171): on progress as often as the decision says while the
/// permit runs, on results 18 months after its end or when more time was granted.
pub fn reports_due(decided: &Decided, permit_ends: Option<Date>) -> Vec<Date> {
    let (Some(permit), Some(ends)) = (&decided.permit, permit_ends) else { return Vec::new() };
    if permit.standing == Standing::Revoked {
        return Vec::new();
    }
    let months = decided.decision.conditions.iter().filter(|condition| condition.kind == "report");
    let months = months.filter_map(|condition| condition.fields.get("every")?.as_str().and_then(in_months)).min();
    let months = months.unwrap_or(REPORT_MONTHS);
    let began = decided.decision.valid_from.unwrap_or_else(|| decided.issued_at.date_in_oslo());
    let came = |kind: ReportKind| {
        decided.after.reports.iter().filter(move |r| r.report.kind == kind).map(|r| r.at.date_in_oslo())
    };
    let mut days: Vec<Date> = (1..)
        .map(|n| began.plus_months(n * months))
        .take_while(|day| *day <= ends)
        // A report counts for the day before which it came, from the first notice on.
        .filter(|day| !came(ReportKind::Progress).any(|at| at >= day.plus_days(REPORT_DAYS[0])))
        .collect();
    if came(ReportKind::Results).next().is_none() {
        days.push(clocks::results_due(decided, ends));
    }
    days
}

/// `P12M` or `P1Y` in months.
fn in_months(period: &str) -> Option<i32> {
    let body = period.strip_prefix('P')?;
    let (number, factor) = match body.strip_suffix('M') {
        Some(months) => (months, 1),
        None => (body.strip_suffix('Y')?, 12),
    };
    number.parse::<i32>().ok().filter(|n| (1..=120).contains(n)).map(|n| n * factor)
}

/// The day for which a reminder is to go out now: the last of its days that has come, unless one has gone out since.
fn due(days: &[Date], sent: Option<Date>, today: Date) -> Option<Date> {
    let point = days.iter().copied().filter(|day| *day <= today).max()?;
    // What was missed for longer than a week, because the program stood still, is not made up for.
    (point.plus_days(7) > today && sent.is_none_or(|sent| sent < point)).then_some(point)
}

impl Access {
    /// Finds what is to be said again and says it. Gives how many reminders went out. Outside working hours it does
    /// nothing; what was due then goes out at the next hour of work.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn remind(&self) -> Result<usize, Problem> {
        let (now, today) = (self.zone.now(), self.zone.clock.today());
        if !may_remind(now, &Calendars::norway().calendar(today)) {
            return Ok(0);
        }
        let open = self.zone.store.read("access.remind", async |tx: &mut Tx| -> Result<Vec<CaseId>, AccessError> {
            let rows = tx
                .query(
                    "SELECT id FROM access_case WHERE state NOT IN ('withdrawn', 'lapsed', 'closed') ORDER BY id",
                    params![],
                )
                .await?;
            Ok(rows.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?)
        });
        for id in open.await.map_err(Problem::from)? {
            let read = self.zone.store.read("access.remind", async |tx: &mut Tx| due_in(tx, id, today).await);
            let due = read.await.map_err(Problem::from)?;
            if due.is_empty() {
                continue;
            }
            let queued = self.zone.store.tx("access.remind", async |tx: &mut Tx| -> Result<(), AccessError> {
                for (reminder, day) in &due {
                    let job = json!({"case": id, "reminder": reminder});
                    let key = format!("{REMIND}/{id}/{}/{day}", sql::text(reminder)?);
                    jobs::push(tx, &key, REMIND, &job.to_string(), now).await?;
                }
                Ok(())
            });
            queued.await.map_err(Problem::from)?;
        }
        self.send_reminders().await
    }

    /// Lets offers of terms lapse that were not answered in time (`access.md` section 9.3). Gives how many.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn lapse_terms(&self) -> Result<usize, Problem> {
        let today = self.zone.clock.today();
        let read = self.zone.store.read("access.lapsing", async |tx: &mut Tx| -> Result<Vec<CaseId>, AccessError> {
            let open = "SELECT id FROM access_case WHERE state = 'awaiting_acceptance' ORDER BY id";
            let mut over = Vec::new();
            for row in &tx.query(open, params![]).await? {
                let Some(loaded) = sql::case(tx, row.get(0)?).await? else { continue };
                let Case::AwaitingAcceptance(waiting) = &loaded.case else { continue };
                if today > waiting.deadline && waiting.reminders >= AwaitingAcceptance::REMINDERS {
                    over.push(loaded.id);
                }
            }
            Ok(over)
        });
        let mut lapsed = 0;
        for id in read.await.map_err(Problem::from)? {
            match self.by_clock(id, Command::Expire {}, None).await {
                Ok(_) => lapsed += 1,
                // The applicant answered at this moment.
                Err(Problem::Conflict { .. } | Problem::Forbidden { .. } | Problem::NotFound { .. }) => {}
                Err(other) => return Err(other),
            }
        }
        Ok(lapsed)
    }

    async fn send_reminders(&self) -> Result<usize, Problem> {
        let mut sent = 0;
        loop {
            let now = self.zone.now();
            let job = self
                .zone
                .store
                .tx("access.remind", async |tx: &mut Tx| {
                    jobs::take(tx, REMIND, now, now.plus_seconds(LEASE_SECONDS)).await
                })
                .await?;
            let Some(job) = job else { return Ok(sent) };
            let payload: Value = serde_json::from_str(&job.payload).unwrap_or(Value::Null);
            let id = payload["case"].as_str().and_then(|id| id.parse::<CaseId>().ok());
            let reminder = serde_json::from_value::<Reminder>(payload["reminder"].clone()).ok();
            if let (Some(id), Some(reminder)) = (id, reminder) {
                match self.by_clock(id, Command::SendReminder { reminder }, None).await {
                    Ok(_) => sent += 1,
                    // What no longer waits needs no reminder.
                    Err(Problem::Conflict { .. } | Problem::Forbidden { .. } | Problem::NotFound { .. }) => {}
                    Err(other) => return Err(other),
                }
            }
            self.zone.store.tx("access.remind", async |tx: &mut Tx| jobs::done(tx, &job.id).await).await?;
        }
    }
}

/// Last day of the permit of a case.
pub(super) async fn permit_ends(tx: &mut Tx, id: CaseId) -> Result<Option<Date>, AccessError> {
    let row =
        tx.query_opt("SELECT MAX(valid_to) FROM access_permit WHERE case_id = $1 AND latest = 1", params![id]).await?;
    Ok(row.map(|row| row.get::<Option<Date>>(0)).transpose()?.flatten())
}

async fn due_in(tx: &mut Tx, id: CaseId, today: Date) -> Result<Vec<(Reminder, Date)>, AccessError> {
    let Some(loaded) = sql::case(tx, id).await? else { return Ok(Vec::new()) };
    let own = statistics::handling(tx, id).await?;
    let ends = permit_ends(tx, id).await?;
    let rows = tx
        .query(
            "SELECT at, data FROM access_event WHERE case_id = $1 AND name = 'reminder_sent' ORDER BY seq",
            params![id],
        )
        .await?;
    let mut sent: Vec<(Value, Date)> = Vec::new();
    for row in &rows {
        let data: Value = sql::parse(&row.get::<String>(1)?)?;
        sent.push((data["data"]["reminder"].clone(), row.get::<Timestamp>(0)?.date_in_oslo()));
    }
    let last = |reminder: &Reminder| {
        let name = serde_json::to_value(reminder).ok()?;
        sent.iter().rev().find(|(said, _)| *said == name).map(|(_, day)| *day)
    };
    let waits = waiting(&loaded.case, &own, ends, today);
    Ok(waits.into_iter().filter_map(|(r, days)| due(&days, last(&r), today).map(|day| (r, day))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn acc_132_staff_is_reminded_before_on_and_after_the_day() {
        let days = staff_days(&Calendar::default(), date("2026-05-29"), date("2026-06-13"));
        let expected = ["2026-05-13", "2026-05-21", "2026-05-28", "2026-05-29", "2026-06-05", "2026-06-12"];
        assert_eq!(days, expected.map(date), "17 May, Ascension and Whit Monday do not count");
    }

    #[test]
    fn acc_132_each_day_reminds_once_and_what_is_long_past_is_not_made_up_for() {
        let days = [date("2026-06-01"), date("2026-06-08")];
        assert_eq!(due(&days, None, date("2026-05-31")), None);
        assert_eq!(due(&days, None, date("2026-06-01")), Some(date("2026-06-01")));
        assert_eq!(due(&days, Some(date("2026-06-01")), date("2026-06-03")), None);
        assert_eq!(due(&days, Some(date("2026-06-01")), date("2026-06-09")), Some(date("2026-06-08")));
        assert_eq!(due(&days, None, date("2026-06-20")), None);
    }

    #[test]
    fn acc_132_quiet_hours_are_evenings_nights_weekends_and_holidays() {
        let at = |text: &str| may_remind(text.parse().unwrap(), &Calendar::default());
        assert!(at("2026-06-01T05:00:00Z") && at("2026-06-01T17:59:59Z"), "7 to 20 in summer");
        assert!(!at("2026-06-01T04:59:59Z") && !at("2026-06-01T18:00:00Z"));
        assert!(at("2026-12-01T06:00:00Z") && !at("2026-12-01T05:59:59Z"), "7 in winter");
        assert!(!at("2026-06-06T10:00:00Z") && !at("2026-12-25T10:00:00Z"));
    }
}
