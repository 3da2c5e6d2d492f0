//! Finding identity numbers in free text, files and outputs (IDN-020 to IDN-023). A finding says where and how long,
//! never what.

use super::{Accept, Kind, NumberError, Rule, read, rule};

/// From this score on a candidate is reported.
const HIT: i32 = 3;
/// From this score on the text must not leave.
const BLOCK: i32 = 5;
/// How far a context word may stand from the number, in bytes: 40 characters, some of them of two bytes.
const CONTEXT: usize = 48;
/// Words that speak of identity numbers, in lower case.
const WORDS: [&str; 9] =
    ["fødselsnummer", "fodselsnummer", "fødselsnr", "fodselsnr", "personnummer", "d-nummer", "d-nr", "fnr", "pid"];

/// A place in a text that looks like an identity number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hit {
    /// Byte at which it starts.
    pub start: usize,
    /// Length in bytes.
    pub length: usize,
    /// How sure it is (IDN-021).
    pub score: i32,
    /// Whether the text must not leave.
    pub block: bool,
    /// Stars as long as the number: keeps nothing of it but its length (IDN-022).
    pub masked: String,
}

/// All hits in `text`, in order.
pub fn scan(text: &str, accept: Accept) -> Vec<Hit> {
    find(text, accept, 0)
}

/// All hits in one value of a column of numbers: each passing value counts as one (IDN-021, column rule).
pub fn scan_column_value(text: &str, accept: Accept) -> Vec<Hit> {
    find(text, accept, 5)
}

/// Whether at least 90 % of the values that are not empty are numbers with right control digits.
pub fn column_of_numbers<'a>(values: impl IntoIterator<Item = &'a str>, accept: Accept) -> bool {
    let (mut all, mut passing) = (0u64, 0u64);
    for value in values.into_iter().map(str::trim).filter(|v| !v.is_empty()) {
        all += 1;
        let whole = candidates(value.as_bytes()).next();
        let passes = whole.is_some_and(|c| c.length == value.len() && accepted(&c.digits, accept).is_some());
        passing += u64::from(passes);
    }
    all > 0 && passing * 10 >= all * 9
}

fn find(text: &str, accept: Accept, bonus: i32) -> Vec<Hit> {
    let bytes = text.as_bytes();
    candidates(bytes)
        .filter_map(|c| {
            let score = score(bytes, &c, accept)? + bonus;
            (score >= HIT).then(|| Hit {
                start: c.start,
                length: c.length,
                score,
                block: score >= BLOCK,
                masked: "*".repeat(c.length),
            })
        })
        .collect()
}

struct Candidate {
    start: usize,
    length: usize,
    digits: [u8; 11],
}

/// Eleven digits, or six and five with a blank, hyphen or full stop between, not adjacent to further digits (IDN-020).
fn candidates(bytes: &[u8]) -> impl Iterator<Item = Candidate> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        // Each form begins with six digits, one of which stands at every sixth byte.
        while let Some(byte) = bytes.get(at + 5) {
            if !byte.is_ascii_digit() {
                at += 6;
                continue;
            }
            let mut start = at + 5;
            while start > at && bytes[start - 1].is_ascii_digit() {
                start -= 1;
            }
            let end = run_end(bytes, at + 5);
            let before = start > 0 && bytes[start - 1].is_ascii_digit();
            at = end;
            if let Some(candidate) = (!before).then(|| candidate(bytes, start, end)).flatten() {
                at = candidate.start + candidate.length;
                return Some(candidate);
            }
        }
        None
    })
}

fn run_end(bytes: &[u8], from: usize) -> usize {
    from + bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count()
}

fn candidate(bytes: &[u8], start: usize, end: usize) -> Option<Candidate> {
    let mut digits = [0; 11];
    match end - start {
        11 => digits.copy_from_slice(&bytes[start..end]),
        6 if matches!(bytes.get(end), Some(b' ' | b'-' | b'.')) && run_end(bytes, end + 1) == end + 6 => {
            digits[..6].copy_from_slice(&bytes[start..end]);
            digits[6..].copy_from_slice(&bytes[end + 1..end + 6]);
        }
        _ => return None,
    }
    Some(Candidate { start, length: if end - start == 11 { 11 } else { 12 }, digits })
}

fn accepted(digits: &[u8; 11], accept: Accept) -> Option<Rule> {
    rule(digits).filter(|r| accept != Accept::Rule1964 || *r == Rule::Of1964)
}

fn score(bytes: &[u8], candidate: &Candidate, accept: Accept) -> Option<i32> {
    let rule = accepted(&candidate.digits, accept)?;
    let reading = read(&candidate.digits, true);
    let context = has_context(bytes, candidate);
    let mut score = 0;
    match reading {
        Ok(reading) if reading.kind == Kind::Fh => score -= if context { 0 } else { 3 },
        Ok(_) => score += 2,
        Err(NumberError::BadDate) => {}
        Err(_) => return None,
    }
    if context {
        score += 3;
    }
    if rule == Rule::Of1964 {
        score += 1;
    }
    Some(score)
}

fn has_context(bytes: &[u8], candidate: &Candidate) -> bool {
    let before = &bytes[candidate.start.saturating_sub(CONTEXT)..candidate.start];
    let end = candidate.start + candidate.length;
    let after = &bytes[end..(end + CONTEXT).min(bytes.len())];
    WORDS.iter().any(|word| has_word(before, word.as_bytes()) || has_word(after, word.as_bytes()))
}

/// Whether the word stands in the text, not as the end of a longer word. Letter case does not count.
fn has_word(text: &[u8], word: &[u8]) -> bool {
    let same = |a: u8, b: u8| a.eq_ignore_ascii_case(&b) || (b == 0xb8 && a == 0x98);
    text.windows(word.len()).enumerate().any(|(i, w)| {
        let starts = i == 0 || !(text[i - 1].is_ascii_alphanumeric() || text[i - 1] >= 0x80);
        starts && w.iter().zip(word).all(|(a, b)| same(*a, *b))
    })
}

#[cfg(test)]
mod tests {
    use super::super::IdentityNumber;
    use super::*;
    use proptest::prelude::*;

    fn number() -> String {
        IdentityNumber::synthetic(10, 11, 55, 967).unwrap().reveal().to_owned()
    }

    /// IDN-020, IDN-022: both ways of writing, place and length, nothing of the number.
    #[test]
    fn numbers_are_found_in_both_ways_of_writing() {
        let n = number();
        for text in [n.clone(), format!("{} {}", &n[..6], &n[6..]), format!("{}-{}", &n[..6], &n[6..])] {
            let inside = format!("æ se {text}, ja");
            let hits = scan(&inside, Accept::Both);
            assert_eq!(hits.len(), 1);
            assert_eq!((hits[0].start, hits[0].length), (6, text.len()));
            assert_eq!(hits[0].masked, "*".repeat(text.len()));
            assert_eq!((hits[0].score, hits[0].block), (3, false));
        }
        for text in [format!("1{n}"), format!("{n}0"), format!("{}  {}", &n[..6], &n[6..])] {
            assert_eq!(scan(&text, Accept::Both), Vec::new());
        }
    }

    /// IDN-021: context, rule, FH and column change the score.
    #[test]
    fn the_score_weighs_what_speaks_for_a_number() {
        let n = number();
        let score = |text: &str| scan(text, Accept::Both).first().map(|h| h.score);
        assert_eq!(score(&format!("FNR: {n}")), Some(6));
        assert_eq!(score(&format!("{n} er fødselsnummeret")), Some(6));
        assert_eq!(score(&format!("FØDSELSNUMMER {n}")), Some(6));
        assert_eq!(score(&format!("rapid {n}")), Some(3), "a word that only ends like pid");
        assert_eq!(score("81234567802"), None, "FH without context");
        assert_eq!(score("fnr 81234567802"), Some(4));
        assert_eq!(score("01813299093"), None, "only the rule of 2032: 2");
        assert_eq!(score("d-nr 01813299093"), Some(5));
        assert_eq!(scan("01813299093", Accept::Rule1964), Vec::new());
        assert!(scan_column_value(&n, Accept::Both)[0].block);
        let values = [n.as_str(); 9];
        assert!(column_of_numbers(values.iter().copied().chain(["x"]), Accept::Both));
        assert!(!column_of_numbers(values.iter().copied().chain(["x", "y"]), Accept::Both));
        assert!(!column_of_numbers([], Accept::Both));
    }

    proptest! {
        /// The fast search finds what a plain one finds, wherever the number stands.
        #[test]
        fn fast_and_plain_search_agree(text in "[0-9 .a-]{0,60}", at in 0usize..60) {
            let mut text = text;
            let at = at.min(text.len());
            text.insert_str(at, &number());
            let bytes = text.as_bytes();
            let plain: Vec<usize> = (0..bytes.len())
                .filter(|&i| bytes[i].is_ascii_digit() && (i == 0 || !bytes[i - 1].is_ascii_digit()))
                .filter_map(|i| candidate(bytes, i, run_end(bytes, i)))
                .map(|c| c.start)
                .collect();
            let fast: Vec<usize> = candidates(bytes).map(|c| c.start).collect();
            // After a hit written 6+5 the search goes on behind it; the plain search looks at the five digits again,
            // which are too few for a candidate.
            prop_assert_eq!(fast, plain);
        }
    }
}
