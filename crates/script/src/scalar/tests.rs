//! The examples of section 9 of the specification, and the edges of arithmetic and logic.

use super::*;

fn f(name: &str, arguments: &[Scalar]) -> Scalar {
    call(Function::named(name).unwrap(), arguments).unwrap()
}

fn n(x: i64) -> Scalar {
    Integer(x)
}

fn t(s: &str) -> Scalar {
    Scalar::text(s)
}

#[test]
fn lang_9_1_dates() {
    assert_eq!(f("date", &[n(2024), n(2), n(29)]), n(19782));
    assert_eq!(f("date", &[n(2023), n(2), n(29)]), Missing);
    assert_eq!(f("isoformatdate", &[n(19782)]), t("2024-02-29"));
    for (name, day, expected) in [
        ("day", 19782, 29),
        ("month", 19782, 2),
        ("week", 18630, 53),
        ("year", 18630, 2021),
        ("halfyear", 19782, 1),
        ("quarter", 19782, 1),
        ("dow", 18630, 7),
        ("doy", 19782, 60),
    ] {
        assert_eq!(f(name, &[n(day)]), n(expected), "{name}");
    }
    // 2018-12-31 is in week 1 of 2019, 2021-01-01 in week 53 of 2020, 2015-12-28 in week 53.
    for (y, m, d, week) in
        [(2018, 12, 31, 1), (2021, 1, 1, 53), (2015, 12, 28, 53), (2024, 1, 1, 1), (2022, 12, 31, 52)]
    {
        let day = f("date", &[n(y), n(m), n(d)]);
        assert_eq!(f("week", &[day]), n(week), "{y}-{m}-{d}");
    }
    assert_eq!(f("year", &[Decimal(18630.9)]), n(2021));
    assert_eq!(f("year", &[n(i64::MAX)]), Missing);
    assert_eq!(f("date_fmt", &[n(2021), n(7)]), t("2021-07-01"));
}

#[test]
fn lang_9_3_mathematics() {
    assert_eq!(f("ceil", &[Decimal(2.1)]), n(3));
    assert_eq!(f("ceil", &[Decimal(-2.1)]), n(-3));
    assert_eq!(f("floor", &[Decimal(-2.9)]), n(-2));
    assert_eq!(f("int", &[Decimal(-2.9)]), n(-2));
    assert_eq!(f("round", &[Decimal(2.5)]), n(3));
    assert_eq!(f("round", &[Decimal(-2.5)]), n(-3));
    assert_eq!(f("round", &[n(1249), n(100)]), n(1200));
    assert_eq!(f("round", &[Decimal(0.27), Decimal(0.1)]), Decimal(0.3));
    assert_eq!(f("round", &[Decimal(1.0), n(0)]), Missing);
    assert_eq!(f("comb", &[n(6), n(2)]), Decimal(15.0));
    assert_eq!(f("comb", &[n(2), n(6)]), Missing);
    for (name, x, expected) in [
        ("acos", 0.25, 1.31812),
        ("asin", 0.25, 0.25268),
        ("atan", 2.0, 1.10715),
        ("cos", 0.7, 0.764842),
        ("sin", 0.7, 0.644218),
        ("tan", 0.7, 0.842288),
        ("sqrt", 7.0, 2.64575),
        ("exp", 1.5, 4.48169),
        ("ln", 20.0, 2.99573),
        ("lnfactorial", 6.0, 6.57925),
        ("log10", 250.0, 2.39794),
        ("logit", 0.8, 1.38629),
    ] {
        let got = f(name, &[Decimal(x)]).number().unwrap();
        assert!((got - expected).abs() < 1e-5 * expected, "{name}: {got}");
    }
    // The two forms of ln n! meet.
    let low = f("lnfactorial", &[n(255)]).number().unwrap() + 256f64.ln();
    let high = f("lnfactorial", &[n(256)]).number().unwrap();
    assert!((low - high).abs() < 1e-9);
    assert_eq!(f("ln", &[n(0)]), Missing);
    assert_eq!(f("exp", &[n(1000)]), Missing);
    assert_eq!(f("abs", &[n(i64::MIN)]), Decimal((1u64 << 63) as f64));
}

#[test]
fn lang_9_4_across_variables() {
    assert_eq!(f("rowmax", &[n(2), Missing, n(5)]), n(5));
    assert_eq!(f("rowmin", &[n(2), Missing, n(5)]), n(2));
    assert_eq!(f("rowmean", &[n(2), Missing, n(4)]), Decimal(3.0));
    assert_eq!(f("rowmedian", &[n(1), Missing, n(9), n(5)]), Decimal(5.0));
    assert_eq!(f("rowtotal", &[n(2), Missing, n(4)]), n(6));
    assert_eq!(f("rowtotal", &[Missing]), n(0));
    assert_eq!(f("rowmax", &[Missing]), Missing);
    assert_eq!(f("rowstd", &[n(2)]), Missing);
    assert!((f("rowstd", &[n(2), n(4), n(9)]).number().unwrap() - 3.60555).abs() < 1e-5);
    assert_eq!(f("rowconcat", &[t("46"), Missing, t("01")]), t("4601"));
    assert_eq!(f("rowmissing", &[n(2), Missing, t("a")]), n(1));
    assert_eq!(f("rowvalid", &[n(2), Missing, t("a")]), n(2));
}

#[test]
fn lang_9_5_text() {
    assert_eq!(f("length", &[t("Bærum")]), n(5));
    assert_eq!(f("string", &[n(301)]), t("301"));
    assert_eq!(f("string", &[Decimal(0.5)]), t("0.5"));
    assert_eq!(f("lower", &[t("ÅRDAL")]), t("Årdal"));
    assert_eq!(f("upper", &[t("blå")]), t("BLå"));
    assert_eq!(f("endswith", &[t("5001"), t("01")]), n(1));
    assert_eq!(f("startswith", &[t("5001"), t("46")]), n(0));
    for (p, count, expected) in [
        (-4, 3, t("mun")),
        (1, 2, t("ko")),
        (7, 9, t("e")),
        (8, 1, t("")),
        (0, 1, Missing),
        (1, -1, Missing),
        (-9, 4, t("ko")),
    ] {
        assert_eq!(f("substr", &[t("kommune"), n(p), n(count)]), expected, "{p} {count}");
    }
    assert_eq!(f("trim", &[t(" a b ")]), t("a b"));
}

#[test]
fn lang_034_three_valued_logic() {
    let and = |a, b| binary(BinaryOperator::And, &a, &b);
    let or = |a, b| binary(BinaryOperator::Or, &a, &b);
    assert_eq!(and(n(0), Missing), n(0));
    assert_eq!(and(n(1), Missing), Missing);
    assert_eq!(or(n(1), Missing), n(1));
    assert_eq!(or(n(0), Missing), Missing);
    assert_eq!(unary(UnaryOperator::Not, &Missing), Missing);
    assert_eq!(f("sysmiss", &[Missing]), n(1));
    assert_eq!(f("inlist", &[n(3), n(1), n(3)]), n(1));
    assert_eq!(f("inlist", &[Missing, n(1)]), Missing);
    assert_eq!(f("inrange", &[n(18), n(18), n(66)]), n(1));
}

#[test]
fn lang_030_integer_overflow_turns_decimal() {
    assert_eq!(binary(BinaryOperator::Add, &n(i64::MAX), &n(1)), Decimal((1u64 << 63) as f64));
    assert_eq!(binary(BinaryOperator::Divide, &n(4), &n(2)), Decimal(2.0));
    assert_eq!(binary(BinaryOperator::Divide, &n(4), &n(0)), Missing);
    assert_eq!(binary(BinaryOperator::Power, &n(2), &n(-1)), Decimal(0.5));
}
