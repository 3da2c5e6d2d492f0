//! Working days against the committed calendar and deadline vectors (ACC-110, ACC-112).

use std::collections::BTreeSet;

use kernel::{Date, workdays};

#[test]
fn acc_112_every_deadline_vector_holds() {
    let mut rows = 0;
    for line in include_str!("data/deadline-vectors.csv").lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let (start, n, deadline) = (cells[0].parse().unwrap(), cells[1].parse().unwrap(), cells[2].parse().unwrap());
        assert_eq!(workdays::add_working_days(start, n), deadline, "{line}");
        assert_eq!(workdays::working_days_between(start, deadline), n, "{line}");
        rows += 1;
    }
    assert_eq!(rows, 175);
}

#[test]
fn acc_110_holidays_equal_the_committed_calendar() {
    let file: serde_json::Value = serde_json::from_str(include_str!("data/holidays-no.json")).unwrap();
    let mut listed: Vec<(Date, String, u64)> = Vec::new();
    for day in file["holidays"].as_array().unwrap() {
        let date = day["date"].as_str().unwrap().parse().unwrap();
        listed.push((date, day["id"].as_str().unwrap().to_owned(), day["weekday"].as_u64().unwrap()));
    }
    let years: BTreeSet<i16> = listed.iter().map(|(date, ..)| date.year()).collect();
    assert!(years.len() > 3);
    let computed: BTreeSet<(Date, &str)> =
        years.iter().flat_map(|y| workdays::holidays(*y)).map(|(d, h)| (d, h.id())).collect();
    let expected: BTreeSet<(Date, &str)> = listed.iter().map(|(d, id, _)| (*d, id.as_str())).collect();
    assert_eq!(computed, expected);
    for (date, id, weekday) in &listed {
        assert_eq!(u64::from(workdays::weekday(*date)), *weekday, "{id} {date}");
    }
}
