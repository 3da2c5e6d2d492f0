//! The statutory clock of a case (`access.md` section 9): when it is due, how many days are used, and who is waited for.

use kernel::{Date, Timestamp, workdays};
use serde::{Deserialize, Serialize};

use crate::model::{Case, Dossier, Pause, WaitsFor};

/// Working days until data are available: one source.
pub const ONE_SOURCE: u32 = 30;
/// Working days until data are available: linked sources.
pub const LINKED: u32 = 60;
/// Working days for the applicant to accept terms.
pub const ACCEPT_TERMS: u32 = 20;
/// Weeks for the applicant to answer.
pub const ANSWER_WEEKS: u32 = 4;

/// A clock as shown (ACC-124). Days are working days.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Clock {
    /// The day from which it counts.
    pub started: Date,
    /// How many days there are.
    pub length: u32,
    /// Days since the start.
    pub gross: u32,
    /// Days on which it stood still.
    pub stopped: u32,
    /// Days used.
    pub net: u32,
    /// Days left; negative when late.
    pub left: i64,
    /// The last day. While the clock stands still: what it would be if the answer came today.
    pub due: Date,
    /// Whether it stands still.
    pub paused: bool,
    /// Who is waited for.
    pub waits_for: WaitsFor,
}

/// The statutory clock of a case on `today`; none before the application is complete and after the case is over.
pub fn statutory(case: &Case, today: Date) -> Option<Clock> {
    let dossier = case.dossier()?;
    if matches!(case, Case::Withdrawn(_)) {
        return None;
    }
    let end = match case {
        Case::Decided(decided) => decided.issued_at.date_in_oslo(),
        _ => today,
    };
    Some(clock(dossier, dossier.complete_at?, end, case.waits_for()))
}

fn clock(dossier: &Dossier, complete_at: Timestamp, today: Date, waits_for: WaitsFor) -> Clock {
    let started = complete_at.date_in_oslo();
    let length = if dossier.order.sources().len() > 1 { LINKED } else { ONE_SOURCE };
    let mut net = 0;
    let mut from = started;
    for Pause { from: asked, to } in &dossier.pauses {
        // A pause before the clock started, or one that overlaps the one before, adds nothing.
        let asked = (*asked).max(from);
        net += workdays::working_days_between(from, asked);
        from = to.unwrap_or(today).max(asked);
    }
    net += workdays::working_days_between(from, today);
    let gross = workdays::working_days_between(started, today);
    let paused = dossier.pauses.iter().any(|pause| pause.to.is_none());
    let left = i64::from(length) - i64::from(net);
    let due = match u32::try_from(left) {
        Ok(left) => workdays::add_working_days(today, left),
        Err(_) => last_day(started, &dossier.pauses, length),
    };
    Clock { started, length, gross, stopped: gross.saturating_sub(net), net, left, due, paused, waits_for }
}

/// The last day of a clock that has run out.
fn last_day(started: Date, pauses: &[Pause], length: u32) -> Date {
    let (mut from, mut left) = (started, length);
    for Pause { from: asked, to } in pauses {
        let asked = (*asked).max(from);
        let used = workdays::working_days_between(from, asked);
        let Some(rest) = left.checked_sub(used) else { break };
        left = rest;
        from = to.unwrap_or(asked).max(asked);
    }
    workdays::add_working_days(from, left)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Order, OrderItem};

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn dossier(sources: &[&str], pauses: Vec<Pause>) -> Dossier {
        let item = |source: &&str| OrderItem {
            variable: format!("{source}.main.a"),
            version: 1,
            collection: format!("{source}.main"),
            source: (*source).to_owned(),
            granularity: "as_is".into(),
        };
        Dossier {
            applicant: "a".into(),
            number: "A-2026-000001".into(),
            form: "person-level".into(),
            profile: "NO/1".into(),
            submitted_at: "2026-03-20T10:00:00Z".parse().unwrap(),
            revision: 1,
            sha256: String::new(),
            order: Order { items: sources.iter().map(item).collect(), periods: Default::default() },
            handler: None,
            complete_at: Some("2026-03-20T10:00:00Z".parse().unwrap()),
            completed_by: None,
            pauses,
            comments: Vec::new(),
        }
    }

    #[test]
    fn acc_121_a_clarification_pauses_the_clock() {
        let asked = Pause { from: date("2026-04-13"), to: None };
        let waiting = Case::PreScreening(dossier(&["npr"], vec![asked]));
        let clock = statutory(&waiting, date("2026-04-24")).unwrap();
        assert_eq!((clock.net, clock.left, clock.paused), (13, 17, true));
        let answered = Pause { from: date("2026-04-13"), to: Some(date("2026-05-04")) };
        let running = Case::PreScreening(dossier(&["npr"], vec![answered]));
        for today in ["2026-05-04", "2026-05-12", "2026-05-29"] {
            assert_eq!(statutory(&running, date(today)).unwrap().due, date("2026-05-29"), "{today}");
        }
        let late = statutory(&running, date("2026-06-02")).unwrap();
        assert_eq!((late.due, late.left), (date("2026-05-29"), -2));
    }

    #[test]
    fn acc_120_linked_sources_have_sixty_days() {
        let today = date("2026-03-20");
        assert_eq!(statutory(&Case::PreScreening(dossier(&["npr"], vec![])), today).unwrap().due, date("2026-05-07"));
        assert_eq!(
            statutory(&Case::PreScreening(dossier(&["npr", "dar"], vec![])), today).unwrap().due,
            date("2026-06-22")
        );
    }
}
