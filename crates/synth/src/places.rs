//! Municipalities through time: the codes of each day, and what became of them (`data/municipality_codes.csv` and
//! `data/municipality_changes.csv`). The population knows the municipalities of today; older codes are found by going back.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use kernel::Date;
use serde_json::{Value, json};

use crate::SynthError;
use crate::lists::{lists, rows};

/// A code with its name and days of validity (days since 1970-01-01).
pub(crate) struct PlaceCode {
    pub code: String,
    pub name: String,
    pub from: i32,
    pub until: Option<i32>,
}

struct Change {
    date: Date,
    from: String,
    to: String,
    share: Option<f64>,
}

/// All codes, and the way back from the codes of today.
pub(crate) struct Places {
    pub codes: Vec<PlaceCode>,
    changes: Vec<Change>,
    /// Place in `codes` of each municipality of the population.
    today: Vec<u16>,
    /// Days of change, latest first, each with the codes that a code came from.
    back: Vec<(i32, HashMap<u16, Vec<u16>>)>,
}

static PLACES: LazyLock<Result<Places, String>> = LazyLock::new(|| read().map_err(|e| e.to_string()));

/// The municipalities, read once.
pub(crate) fn places() -> Result<&'static Places, SynthError> {
    PLACES.as_ref().map_err(|e| SynthError::Tables(e.clone()))
}

fn read() -> Result<Places, SynthError> {
    let wrong = |what: &str| SynthError::Tables(what.to_owned());
    let table = |text: &str| rows(text).map_err(|e| SynthError::Tables(e.to_string()));
    let date = |text: &str| text.parse::<Date>().map_err(|_| wrong("a date of the municipalities"));
    let mut codes = Vec::new();
    for r in table(include_str!("../data/municipality_codes.csv"))? {
        let until = if r[3].is_empty() { None } else { Some(date(&r[3])?.days()) };
        codes.push(PlaceCode { code: r[0].clone(), name: r[1].clone(), from: date(&r[2])?.days(), until });
    }
    let mut changes = Vec::new();
    for r in table(include_str!("../data/municipality_changes.csv"))? {
        let share = if r[3].is_empty() { None } else { Some(r[3].parse().map_err(|_| wrong("a share"))?) };
        changes.push(Change { date: date(&r[0])?, from: r[1].clone(), to: r[2].clone(), share });
    }
    let on = |code: &str, day: i32| {
        let holds = |p: &PlaceCode| p.code == code && p.from <= day && p.until.is_none_or(|u| day <= u);
        codes.iter().position(holds).map(|i| i as u16).ok_or_else(|| wrong(code))
    };
    let mut back: BTreeMap<i32, HashMap<u16, Vec<u16>>> = BTreeMap::new();
    for c in &changes {
        let (day, from) = (c.date.days(), on(&c.from, c.date.days() - 1)?);
        back.entry(-day).or_default().entry(on(&c.to, day)?).or_default().push(from);
    }
    // A code that went on while others joined it is a source too; one that got another spelling is the same place.
    for (day, sources) in &mut back {
        let day = -*day;
        let begins = |p: &PlaceCode| p.from == day;
        for (i, place) in codes.iter().enumerate() {
            let i = i as u16;
            if (sources.contains_key(&i) || begins(place))
                && let Ok(same) = on(&place.code, day - 1)
            {
                sources.entry(i).or_default().push(same);
            }
        }
    }
    let last = date("2024-12-31")?.days();
    let today = lists()?.municipalities.iter().map(|m| on(&m.code, last)).collect::<Result<_, _>>()?;
    let back = back.into_iter().map(|(day, sources)| (-day, sources)).collect();
    Ok(Places { codes, changes, today, back })
}

impl Places {
    /// The code on a day of a municipality of the population (by its place in the list); where it was several then,
    /// `draw` says which.
    pub(crate) fn code(&self, municipality: u16, day: i32, draw: u64) -> u16 {
        let mut code = self.today[municipality as usize];
        for (change, sources) in &self.back {
            if *change <= day {
                break;
            }
            if let Some(from) = sources.get(&code) {
                let mixed = draw.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(code.into());
                code = from[(mixed >> 32) as usize % from.len()];
            }
        }
        code
    }

    /// The days on which any code changes, within an interval.
    pub(crate) fn change_days(&self, from: i32, until: i32) -> Vec<i32> {
        let mut days: Vec<i32> = self.back.iter().map(|b| b.0).filter(|d| from < *d && *d <= until).collect();
        days.sort_unstable();
        days
    }

    /// The code list in the public format.
    pub(crate) fn code_list(&self) -> Value {
        let entry = |p: &PlaceCode| {
            let mut entry = json!({
                "code": p.code,
                "categoryTitle": [{"languageCode": "no", "value": p.name}],
                "validFrom": Date::from_days(p.from).to_string(),
            });
            if let Some(until) = p.until {
                entry["validUntil"] = Date::from_days(until).to_string().into();
            }
            entry
        };
        self.codes.iter().map(entry).collect()
    }

    /// The change table beside the list (DATA-066).
    pub(crate) fn change_table(&self) -> Value {
        let entry = |c: &Change| {
            let mut entry = json!({"date": c.date.to_string(), "fromCode": c.from, "toCode": c.to});
            if let Some(share) = c.share {
                entry["share"] = share.into();
            }
            entry
        };
        self.changes.iter().map(entry).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::day;

    /// DATA-066, LANG-321: the reforms of 2018 and 2020 are in the table; every code of a change is valid on its side of it.
    #[test]
    fn changes_fit_the_codes() {
        let places = places().unwrap();
        let valid = |code: &str, day: i32| {
            places.codes.iter().any(|p| p.code == code && p.from <= day && p.until.is_none_or(|u| day <= u))
        };
        let mut shares: BTreeMap<(Date, &str), f64> = BTreeMap::new();
        for c in &places.changes {
            assert!(valid(&c.from, c.date.days() - 1) && valid(&c.to, c.date.days()), "{} {}", c.from, c.to);
            *shares.entry((c.date, &c.from)).or_default() += c.share.unwrap_or(1.0);
        }
        assert!(shares.values().all(|s| (s - 1.0).abs() < 1e-9));
        let to = |from: &str, date: &str| -> Vec<&str> {
            let date: Date = date.parse().unwrap();
            places.changes.iter().filter(|c| c.from == from && c.date == date).map(|c| c.to.as_str()).collect()
        };
        assert_eq!(to("1601", "2018-01-01"), ["5001"]);
        assert_eq!(to("5011", "2020-01-01"), ["5055"]);
        assert_eq!(to("5012", "2020-01-01"), ["5055", "5056", "5059"]);
    }

    #[test]
    fn every_municipality_has_a_code_on_every_day() {
        let places = places().unwrap();
        for m in 0..lists().unwrap().municipalities.len() as u16 {
            for year in 1988..=2025 {
                for draw in [1, 77] {
                    let day = day(year, 1, 1);
                    let p = &places.codes[places.code(m, day, draw) as usize];
                    assert!(p.from <= day && p.until.is_none_or(|u| day <= u), "{} in {year}", p.code);
                }
            }
        }
        let trondheim = lists().unwrap().municipalities.iter().position(|m| m.code == "5001").unwrap() as u16;
        let before = |draw| places.codes[places.code(trondheim, day(2017, 1, 1), draw) as usize].code.as_str();
        assert!((0..40).any(|d| before(d) == "1601") && (0..40).all(|d| ["1601", "1662"].contains(&before(d))));
    }
}
