//! Measuring dates of a status variable of which only the coverage is known (LANG-082). A store that lists its dates
//! (DATA-012) does not need this; lists of variables without dates do.

use kernel::Date;

/// The days on which a status variable was measured, derived from the ends of its coverage as written: ISO dates,
/// or other texts (a bare year) that count as no full date. Empty when not even years can be read.
pub fn status_dates(name: &str, from: &str, until: &str) -> Vec<Date> {
    let year = |text: &str| text.get(..4).and_then(|y| y.parse::<i16>().ok());
    let (Some(first), Some(last)) = (year(from), year(until)) else { return Vec::new() };
    let (start, end): (Option<Date>, Option<Date>) = (from.parse().ok(), until.parse().ok());
    if let (Some(start), Some(end)) = (start, end)
        && name.starts_with("ELHUB_")
    {
        return (start.days()..=end.days()).map(Date::from_days).collect();
    }
    let days = match (start, end) {
        (None, None) => Days::Yearly(1, 1),
        (Some(a), Some(b)) => {
            let ((_, month_a, day_a), (_, month_b, day_b)) = (a.ymd(), b.ymd());
            if (month_a, day_a) == (month_b, day_b) {
                Days::Yearly(month_a, day_a)
            } else if day_a == day_b {
                Days::Monthly(day_a)
            } else if is_last_of_month(a) && is_last_of_month(b) {
                Days::MonthEnds
            } else {
                Days::Both
            }
        }
        _ => Days::Both,
    };
    let least = start.or_else(|| Date::new(first, 1, 1).ok());
    let most = end.or_else(|| Date::new(last, 12, 31).ok());
    let mut dates: Vec<Date> = (first..=last).flat_map(|y| days.in_year(y)).collect();
    dates.retain(|d| least.is_none_or(|l| l <= *d) && most.is_none_or(|m| *d <= m));
    dates
}

enum Days {
    Yearly(i8, i8),
    Monthly(i8),
    MonthEnds,
    Both,
}

impl Days {
    fn in_year(&self, year: i16) -> Vec<Date> {
        let firsts = || (1..=12).filter_map(move |month| Date::new(year, month, 1).ok());
        let ends = || firsts().map(|d| d.plus_months(1).plus_days(-1));
        match self {
            Days::Yearly(month, day) => Date::new(year, *month, *day).into_iter().collect(),
            // A shorter month counts its last day.
            Days::Monthly(day) => {
                (1..=12).filter_map(|month| (0..4).find_map(|back| Date::new(year, month, day - back).ok())).collect()
            }
            Days::MonthEnds => ends().collect(),
            Days::Both => firsts().zip(ends()).flat_map(|(a, b)| [a, b]).collect(),
        }
    }
}

fn is_last_of_month(date: Date) -> bool {
    date.plus_days(1).ymd().2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lang_082_status_dates_from_the_coverage() {
        let shown = |from, until| status_dates("X", from, until).iter().map(Date::to_string).collect::<Vec<_>>();
        assert_eq!(shown("2019-01-01", "2021-01-01"), ["2019-01-01", "2020-01-01", "2021-01-01"]);
        assert_eq!(shown("2020-11-16", "2021-01-16"), ["2020-11-16", "2020-12-16", "2021-01-16"]);
        assert_eq!(shown("2020-01-31", "2020-03-31"), ["2020-01-31", "2020-02-29", "2020-03-31"]);
        assert_eq!(shown("2019", "2020"), ["2019-01-01", "2020-01-01"]);
        assert_eq!(shown("2020-01-01", "2020-02-15"), ["2020-01-01", "2020-01-31", "2020-02-01"]);
        assert_eq!(status_dates("ELHUB_X", "2020-01-01", "2020-12-01").len(), 336);
        assert!(shown("", "").is_empty());
    }
}
