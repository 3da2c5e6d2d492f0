//! Rounding to significant digits and to months. No policy here: the rules that call it say how many digits.

use kernel::Date;

use crate::released::Value;

/// `x` rounded to `digits` significant decimal digits (at least one); what is no number stays none.
pub(crate) fn significant(x: f64, digits: usize) -> f64 {
    if x == 0.0 {
        return 0.0;
    }
    if !x.is_finite() {
        return x;
    }
    // The decimal text decides ties as a reader would, which scaling by powers of ten does not.
    format!("{x:.*e}", digits.max(1) - 1).parse().unwrap_or(x)
}

/// A number as it is shown; what is no number is undefined, and never a zero.
pub(crate) fn shown(x: f64) -> Value {
    if x.is_finite() { Value::Value(x) } else { Value::Undefined }
}

/// The first day of the month that day `days` (since 1970-01-01) lies in, as days since 1970-01-01; the date of a
/// percentile is never shown closer than that (SDC-121).
pub(crate) fn month_start(days: f64) -> f64 {
    let clamped = days.round().clamp(-700_000.0, 2_900_000.0);
    let date = Date::from_days(clamped as i32);
    let (year, month, _) = date.ymd();
    Date::new(year, month, 1).map_or(clamped, |d| f64::from(d.days()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn significant_digits_are_decimal() {
        for (x, digits, expected) in [
            (510.909_090_9, 3, 511.0),
            (5_619.9, 3, 5_620.0),
            (-0.001_234_5, 4, -0.001_234),
            (999.96, 4, 1000.0),
            (0.0, 3, 0.0),
            (123_456_789.0, 1, 100_000_000.0),
        ] {
            assert_eq!(significant(x, digits), expected);
        }
        // Nothing that is no number is told as zero.
        assert!(significant(f64::NAN, 3).is_nan());
        assert_eq!(significant(f64::NEG_INFINITY, 3), f64::NEG_INFINITY);
        assert_eq!(
            [shown(f64::NAN), shown(f64::INFINITY), shown(0.0)],
            [Value::Undefined, Value::Undefined, Value::Value(0.0)]
        );
    }

    #[test]
    fn dates_show_their_month() {
        let day: Date = "2020-02-29".parse().unwrap();
        assert_eq!(month_start(f64::from(day.days()) - 0.3), f64::from("2020-02-01".parse::<Date>().unwrap().days()));
    }
}
