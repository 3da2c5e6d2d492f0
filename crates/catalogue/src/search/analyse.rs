//! Words of a text as the index sees them: lower case, Norwegian letters folded, endings of Norwegian and English cut.

use std::collections::BTreeSet;

/// Lower case; æ, ø, å and their other spellings become one.
pub(super) fn fold(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    for c in word.chars().flat_map(char::to_lowercase) {
        match c {
            'æ' | 'ä' => out.push_str("ae"),
            'ø' | 'ö' => out.push('o'),
            'å' => out.push('a'),
            'é' | 'è' | 'ê' => out.push('e'),
            'ü' => out.push('u'),
            c => out.push(c),
        }
    }
    out.replace("oe", "o").replace("aa", "a")
}

/// The words of a text, folded.
pub(super) fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(fold)
}

/// Endings of bokmål, nynorsk and English, the longest first. At least four letters stay.
const ENDINGS: &[&str] = &[
    "elsene", "elsane", "ingene", "ingane", "inger", "ingar", "heter", "heiter", "elser", "elsar", "ene", "ane", "ern",
    "ies", "ing", "het", "heit", "else", "en", "et", "er", "ar", "or", "es", "ed", "te", "e", "a", "s", "n", "t", "y",
];

/// The word without its ending.
pub(super) fn stem(word: &str) -> &str {
    if word.chars().any(|c| c.is_ascii_digit()) {
        return word;
    }
    for ending in ENDINGS {
        if let Some(stem) = word.strip_suffix(ending)
            && stem.chars().count() >= 4
        {
            return stem;
        }
    }
    word
}

/// Letters that differ between two words, at most `most`; none when there are more (Damerau, adjacent swaps count one).
pub(super) fn distance(a: &str, b: &str, most: usize) -> Option<usize> {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > most {
        return None;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let substitute = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = substitute.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().filter(|d| *d <= most)
}

/// How many letters may differ: none under four letters, one from four, two from eight; never in a code (CAT-032).
pub(super) fn tolerance(word: &str) -> usize {
    match word.chars().count() {
        _ if is_code(word) => 0,
        0..=3 => 0,
        4..=7 => 1,
        _ => 2,
    }
}

/// Whether a word looks like a code: a letter and then digits, or digits (I63, N06A, K75, 0301).
pub(super) fn is_code(word: &str) -> bool {
    let digits = word.chars().filter(char::is_ascii_digit).count();
    digits >= 2 && word.len() <= 7 && word.is_ascii()
}

/// Words of the same meaning, from `seed/synonyms.csv`.
pub(super) fn synonyms() -> Vec<BTreeSet<String>> {
    include_str!("../../seed/synonyms.csv")
        .lines()
        .map(|line| line.split(';').flat_map(words).map(|w| stem(&w).to_owned()).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_norwegian_letters_meet() {
        assert_eq!(fold("Kjønn"), fold("KJOENN"));
        assert_eq!(fold("DODSAARSAK"), fold("dødsårsak"));
    }

    #[test]
    fn forms_of_a_word_share_a_stem() {
        for (a, b) in
            [("kommuner", "kommunar"), ("diagnoser", "diagnosane"), ("inntekten", "inntekter"), ("vaccines", "vaccine")]
        {
            assert_eq!(stem(a), stem(b), "{a} {b}");
        }
        assert_eq!(stem("i63"), "i63");
    }

    #[test]
    fn a_swap_is_one_error() {
        assert_eq!(distance("sivilstand", "sivlistand", 2), Some(1));
        assert_eq!(distance("kjonn", "kjon", 1), Some(1));
        assert_eq!(distance("abcd", "wxyz", 2), None);
    }
}
