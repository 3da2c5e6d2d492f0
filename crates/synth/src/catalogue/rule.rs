//! The rules of `data/catalogue.csv`: who has a value of a variable, and what the value is. Two small languages, read once.
//!
//! Who: `-` for every unit of another type than persons; else `[w|f|m|i|c]LOW-[HIGH][*EVER][/YEARLY][@GROUP]`: workers, women,
//! men, immigrants, parents with a child at home, of an age; the share that ever has it, the share of years in which those
//! have it, and the name under which several variables mean the same people.
//!
//! What: `[spell YEARS] KIND [NUMBERS|WORDS]`, with the kinds of [`Kind`].

use super::draw;

/// Which persons.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Base {
    Everybody,
    Workers,
    Women,
    Men,
    Immigrants,
    Parents,
}

/// Who has a value.
#[derive(Clone, Debug)]
pub(crate) struct Who {
    /// Every unit; ages are not looked at.
    pub any: bool,
    pub base: Base,
    pub low: i32,
    pub high: i32,
    pub ever: f64,
    pub yearly: f64,
    /// Seed of the draw of who ever has it.
    pub group: u64,
}

macro_rules! kinds {
    ($($variant:ident $name:literal),* $(,)?) => {
        /// What a value is.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(crate) enum Kind { $($variant),* }
        impl Kind {
            fn read(name: &str) -> Option<Self> {
                match name { $($name => Some(Kind::$variant),)* _ => None }
            }
        }
    };
}

kinds! {
    Accident "accident", Activity "activity8", AfterTax "after_tax", Age "age", AgeAtEvent "age_at_event",
    AgeStarted "age_started", Always "always", Amount "amount", ArrivalAge "arrival_age", ArrivalDate "arrival_date",
    Background "background", BirthYear "birth_year", Birthplace "birthplace", Business "business", BySize "by_size",
    Capital "capital", CivilStatus "civil_status", Clock "clock", Codes "codes", Cohabitant "cohabitant",
    Country "country", CoupleStatus "couple_status", CourseLevel "course_level", CourseSchool "course_school",
    DateInYear "date_in_year", Debt "debt", Degree "degree", District "district", DwellingCodes "dwelling_codes",
    DwellingNumber "dwelling_number", Earnings "earnings", Eldest "eldest", EldestAge "eldest_age",
    EldestSibling "eldest_sibling", Enterprise "enterprise", Establishment "establishment", FamilyType "family_type",
    FathersEducation "fathers_education", FathersFather "fathers_father", FathersMother "fathers_mother",
    FirstDay "first_day", FirstYear "first_year", Flag "flag", FullTimeCode "full_time_code", Grade "grade",
    HasChildren "has_children", HospitalStay "hospital_stay", Hours "hours", HouseholdAdults "household_adults",
    HouseholdAfterTax "household_after_tax", HouseholdAfterTaxPerUnit "household_after_tax_per_unit",
    HouseholdChildren "household_children", HouseholdMinors "household_minors", HouseholdSize "household_size",
    HouseholdType "household_type", Industry "industry", IsReference "is_reference", LabourStatus "labour_status",
    LastDay "last_day", MonthInYear "month_in_year", MonthOfEvent "month_of_event", MonthlyWage "monthly_wage",
    MothersEducation "mothers_education", MothersFather "mothers_father", MothersMother "mothers_mother",
    Number "number", Occupation "occupation", ParentsCode "parents_code", Parity "parity", Person "person",
    Place "place", PlaceAt16 "place_at_16", PriceArea "price_area", Register "register",
    RegisterStatus "register_status", RoleInFamily "role_in_family", SchoolYear "school_year", Semesters "semesters",
    Serial "serial", Settled "settled", Settlement "settlement", Sex "sex", ShareOfFullTime "share_of_full_time",
    SiblingCode "sibling_code", Siblings "siblings", Spouse "spouse", Tax "tax", Total "total",
    Transfers "transfers", Wage "wage", Wealth "wealth", Words "words", Workplace "workplace",
    YearCompleted "year_completed", YearStarted "year_started", YearsSettled "years_settled",
    YoungestAge "youngest_age",
}

/// What a value is, with its parameters.
#[derive(Clone, Debug)]
pub(crate) struct What {
    pub kind: Kind,
    pub numbers: Vec<f64>,
    pub words: Vec<String>,
    /// Mean length of a spell in years, for events of persons.
    pub spell: Option<f64>,
}

impl What {
    /// The parameter at a place, or what stands for it.
    pub(crate) fn number(&self, at: usize, default: f64) -> f64 {
        self.numbers.get(at).copied().unwrap_or(default)
    }
}

/// Reads the rule of who has a value of `variable`.
pub(crate) fn who(text: &str, variable: &str) -> Option<Who> {
    let (text, group) = text.split_once('@').unwrap_or((text, variable));
    let (text, yearly) = text.split_once('/').map_or((text, "1"), |(a, b)| (a, b));
    let (text, ever) = text.split_once('*').map_or((text, "1"), |(a, b)| (a, b));
    let base = match text.bytes().next()? {
        b'w' => Base::Workers,
        b'f' => Base::Women,
        b'm' => Base::Men,
        b'i' => Base::Immigrants,
        b'c' => Base::Parents,
        _ => Base::Everybody,
    };
    let (low, high) = text.trim_start_matches(|c: char| c.is_ascii_lowercase()).split_once('-')?;
    Some(Who {
        any: low.is_empty(),
        base,
        low: if low.is_empty() { 0 } else { low.parse().ok()? },
        high: if high.is_empty() { 130 } else { high.parse().ok()? },
        ever: ever.parse().ok()?,
        yearly: yearly.parse().ok()?,
        group: draw::name(group),
    })
}

/// Reads the rule of what a value is.
pub(crate) fn what(text: &str) -> Option<What> {
    let mut parts = text.split(' ').peekable();
    let spell = match parts.next_if_eq(&"spell") {
        Some(_) => Some(parts.next()?.parse().ok()?),
        None => None,
    };
    let kind = Kind::read(parts.next()?)?;
    let rest: Vec<&str> = parts.collect();
    let listed = matches!(kind, Kind::Words | Kind::Always);
    let words = if listed { rest.iter().flat_map(|w| w.split(',')).map(str::to_owned).collect() } else { Vec::new() };
    let numbers = if listed { Some(Vec::new()) } else { rest.iter().map(|n| n.parse().ok()).collect() }?;
    Some(What { kind, numbers, words, spell })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read() {
        let w = who("f20-45*0.06/0.5@single", "X").unwrap();
        assert_eq!((w.base, w.low, w.high, w.ever, w.yearly), (Base::Women, 20, 45, 0.06, 0.5));
        assert!(who("-*0.3", "X").unwrap().any);
        assert_eq!(who("67-", "X").unwrap().high, 130);
        let w = what("spell 12 number 1.7 0.7 1 5").unwrap();
        assert_eq!((w.kind, w.spell, w.number(2, 0.0)), (Kind::Number, Some(12.0), 1.0));
        assert_eq!(what("words 52,104").unwrap().words, ["52", "104"]);
        assert!(what("wishes").is_none());
    }
}
