//! How long things took, from the events of a case alone: what forecasts draw from and what is published as statistics
//! (ACC-130, ACC-183). Pure; it reads names and a few facts of events and no personal data.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Date, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clocks::calendar::Calendars;
use crate::clocks::{ClockedCase, EndEvent, Length, Run, table};
use crate::model::Pause;

/// An event as far as it matters here.
#[derive(Clone, PartialEq, Debug)]
pub struct Happened {
    /// Name of the event.
    pub name: String,
    /// When.
    pub at: Timestamp,
    /// What it says: the `data` of the event.
    pub data: Value,
}

/// What a case took so far. Days are calendar days where nothing else is said.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Handling {
    /// Form.
    pub form: String,
    /// Track; `normal` when none was set.
    pub track: String,
    /// Sources.
    pub sources: Vec<String>,
    /// Legal profile.
    pub profile: String,
    /// Day of the submission.
    pub submitted: Option<Date>,
    /// Day on which the check of completeness ended.
    pub screened: Option<Date>,
    /// Day from which the statutory clock counts.
    pub complete: Option<Date>,
    /// Stops of the clock.
    pub pauses: Vec<(Date, Option<Date>)>,
    /// Days of the sources' answers, by source; those that have answered.
    pub answers: BTreeMap<String, i32>,
    /// First day on which sources were asked, and the day of the last answer.
    pub asked: Option<(Date, Option<Date>)>,
    /// Days on which terms lay with the applicant.
    pub acceptance: i32,
    /// Since when terms lie with the applicant.
    pub offered: Option<Date>,
    /// Day of the decision.
    pub decided: Option<Date>,
    /// Outcome of the decision.
    pub outcome: Option<String>,
    /// Working days more that the body gave itself, per extension.
    pub extensions: Vec<u32>,
    /// Day on which data lay ready.
    pub available: Option<Date>,
    /// Whether it ended without a decision.
    pub withdrawn: bool,
}

impl Handling {
    /// What a case took, from its events in their order and the day on which data became available.
    pub fn of(events: &[Happened], available: Option<Date>) -> Self {
        let mut of = Self { track: "normal".into(), available, ..Self::default() };
        let mut tasks: BTreeMap<String, Date> = BTreeMap::new();
        for event in events {
            of.take(event, &mut tasks);
        }
        of
    }

    fn take(&mut self, event: &Happened, tasks: &mut BTreeMap<String, Date>) {
        let (day, data) = (event.at.date_in_oslo(), &event.data);
        let text = |name: &str| data[name].as_str().unwrap_or_default().to_owned();
        match event.name.as_str() {
            "created" => (self.form, self.profile) = (text("form"), text("profile")),
            "submitted" => {
                self.submitted = Some(day);
                self.sources = sources(&data["order"]);
            }
            "info_received" => {
                self.end_pause(day);
                self.sources = sources(&data["order"]);
            }
            "info_requested" => self.pauses.push((day, None)),
            "info_request_cancelled" => self.end_pause(day),
            "completeness_confirmed" => {
                self.screened.get_or_insert(day);
                let at = text("complete_at").parse::<Timestamp>().unwrap_or(event.at);
                self.complete = Some(at.date_in_oslo());
            }
            "track_changed" => self.track = text("track"),
            "source_task_created" => {
                tasks.insert(text("source"), day);
                self.asked.get_or_insert((day, None));
            }
            "source_task_answered" => {
                if let Some(asked) = tasks.get(&text("source")) {
                    self.answers.insert(text("source"), day.days() - asked.days());
                    self.asked = self.asked.map(|(first, _)| (first, Some(day)));
                }
            }
            "terms_offered" => self.offered = Some(day),
            "terms_accepted" | "terms_declined" | "terms_withdrawn" | "terms_queried" => self.end_offer(day),
            "deadline_extended" => self.extensions.push(data["days"].as_u64().unwrap_or(0) as u32),
            "decision_issued" => {
                self.end_offer(day);
                self.decided.get_or_insert(day);
                self.outcome = data["decision"]["outcome"].as_str().map(str::to_owned);
            }
            "withdrawn" | "terms_lapsed" => self.withdrawn = true,
            _ => {}
        }
        self.withdrawn |= event.name == "terms_declined";
    }

    fn end_pause(&mut self, day: Date) {
        for pause in self.pauses.iter_mut().filter(|pause| pause.1.is_none()) {
            pause.1 = Some(day);
        }
    }

    fn end_offer(&mut self, day: Date) {
        if let Some(offered) = self.offered.take() {
            self.acceptance += day.days() - offered.days();
        }
    }

    /// `1`, `2-3` or `4+` sources.
    pub fn size(&self) -> &'static str {
        size(self.sources.len())
    }

    /// Days that the applicant was waited for.
    pub fn waited_for_applicant(&self) -> i32 {
        let stopped: i32 = self.pauses.iter().filter_map(|(from, to)| Some(to.as_ref()?.days() - from.days())).sum();
        stopped + self.acceptance
    }

    /// Days that sources were waited for: from the first question to the last answer, since they work at the same time.
    pub fn waited_for_sources(&self) -> i32 {
        self.asked.and_then(|(first, last)| Some(last?.days() - first.days())).unwrap_or(0)
    }

    /// Days of the whole, from the submission to the decision, of a decided case.
    pub fn whole(&self) -> Option<i32> {
        Some(self.decided?.days() - self.submitted?.days())
    }

    /// Days of the check of completeness.
    pub fn screening(&self) -> Option<i32> {
        Some(self.screened?.days() - self.submitted?.days())
    }

    /// Days of the assessment: from complete to decided, without sources and applicant.
    pub fn assessment(&self) -> Option<i32> {
        let since = self.screened.unwrap_or(self.submitted?);
        let others: i32 = self
            .pauses
            .iter()
            .filter(|(from, _)| *from >= since)
            .filter_map(|(from, to)| Some(to.as_ref()?.days() - from.days()))
            .sum::<i32>()
            + self.acceptance;
        Some((self.decided?.days() - since.days() - others - self.waited_for_sources()).max(0))
    }

    /// Days from the decision until data lay ready.
    pub fn extraction(&self) -> Option<i32> {
        Some(self.available?.days() - self.decided?.days())
    }

    /// The statutory clock up to an event that has happened: gross and net days, and whether it was inside its limit.
    /// None when it has no such clock, or the event has not happened.
    pub fn clock(&self, end: EndEvent) -> Option<(u32, u32, bool)> {
        let of = ClockedCase {
            profile: &self.profile,
            statistics: self.form == "statistics",
            sources: self.sources.len(),
            accelerated: self.track == "accelerated",
        };
        let rule = table::statutory_rule(of, end)?;
        let ended = match end {
            EndEvent::Decision => self.decided?,
            EndEvent::DataAvailable => self.available?,
        };
        let started = self.complete.or(self.submitted)?;
        let pauses: Vec<Pause> = self.pauses.iter().map(|(from, to)| Pause { from: *from, to: *to }).collect();
        let pauses: &[Pause] = if rule.stops { &pauses } else { &[] };
        let length = extended(rule.length?, &self.extensions);
        let run = Run { started, length, pauses };
        let calendars = Calendars::norway();
        let clock = run.clock(calendars, ended, crate::model::WaitsFor::Nobody);
        Some((clock.gross, clock.net, ended <= run.due(calendars, ended)))
    }
}

/// A length with the working days that the body gave itself; a clock of months is made longer by whole months of 20 days.
pub fn extended(length: Length, extensions: &[u32]) -> Length {
    let days: u32 = extensions.iter().sum();
    match length.unit {
        crate::clocks::Unit::WorkingDays => length.longer(days),
        crate::clocks::Unit::Weeks => length.longer(days.div_ceil(5)),
        crate::clocks::Unit::Months => length.longer(days.div_ceil(crate::clocks::MONTH_OF_WORKING_DAYS)),
    }
}

/// `1`, `2-3` or `4+`.
pub fn size(sources: usize) -> &'static str {
    match sources {
        0 | 1 => "1",
        2 | 3 => "2-3",
        _ => "4+",
    }
}

fn sources(order: &Value) -> Vec<String> {
    let items = order["items"].as_array().into_iter().flatten();
    let named: BTreeSet<&str> = items.filter_map(|item| item["source"].as_str()).collect();
    named.into_iter().map(str::to_owned).collect()
}

/// The value below which a share of sorted values lies: the smallest that at least that share does not exceed.
pub fn quantile(sorted: &[i32], share: f64) -> Option<i32> {
    if sorted.is_empty() {
        return None;
    }
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.clamp(1, sorted.len()) - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(name: &str, day: &str, data: Value) -> Happened {
        Happened { name: name.into(), at: format!("{day}T10:00:00Z").parse().unwrap(), data }
    }

    #[test]
    fn acc_183_days_come_from_the_events() {
        let order = json!({"items": [{"source": "npr"}, {"source": "dar"}, {"source": "npr"}]});
        let events = [
            at("created", "2026-03-10", json!({"form": "person-level", "profile": "NO/1"})),
            at("submitted", "2026-03-16", json!({"order": order})),
            at("completeness_confirmed", "2026-03-20", json!({"complete_at": "2026-03-20T09:00:00.000000Z"})),
            at("source_task_created", "2026-03-23", json!({"source": "npr"})),
            at("source_task_created", "2026-03-23", json!({"source": "dar"})),
            at("source_task_answered", "2026-03-27", json!({"source": "dar"})),
            at("source_task_answered", "2026-04-08", json!({"source": "npr"})),
            at("info_requested", "2026-04-13", json!({})),
            at("info_received", "2026-05-04", json!({"order": order})),
            at("terms_offered", "2026-05-08", json!({})),
            at("terms_accepted", "2026-05-11", json!({})),
            at("decision_issued", "2026-05-29", json!({"decision": {"outcome": "granted_in_part"}})),
        ];
        let handling = Handling::of(&events, Some("2026-07-20".parse().unwrap()));
        assert_eq!((handling.size(), handling.sources.as_slice()), ("2-3", &["dar".to_owned(), "npr".to_owned()][..]));
        assert_eq!((handling.whole(), handling.screening()), (Some(74), Some(4)));
        assert_eq!(handling.answers, [("dar".to_owned(), 4), ("npr".to_owned(), 16)].into());
        assert_eq!((handling.waited_for_sources(), handling.waited_for_applicant()), (16, 24));
        assert_eq!((handling.assessment(), handling.extraction()), (Some(30), Some(52)));
        // 30 working days net, the example of section 9.4; 66 up to the data.
        assert_eq!(handling.clock(EndEvent::Decision), Some((44, 30, true)));
        let (_, net, inside) = handling.clock(EndEvent::DataAvailable).unwrap();
        assert!(net > 60 && !inside);
        let longer = Handling { extensions: vec![10], ..handling };
        assert!(longer.clock(EndEvent::DataAvailable).unwrap().2);
    }

    #[test]
    fn quantiles_are_values_that_occur() {
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!((quantile(&[1, 2, 3, 4], 0.5), quantile(&[1, 2, 3, 4, 5], 0.8)), (Some(2), Some(4)));
        assert_eq!((quantile(&[7], 0.8), quantile(&[1, 2, 3], 0.5)), (Some(7), Some(2)));
    }
}
