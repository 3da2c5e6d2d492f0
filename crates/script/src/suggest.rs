//! "Did you mean": the names nearest to a misspelt one (LANG-105), and the commands for words of other statistics programs.

/// Shortest beginning of a name, and shortest name before an ending of its own, that count as meant.
const LEAST_BEGINNING: usize = 3;
const LEAST_NAME: usize = 6;

/// Commands of other statistics programs, and what they are called here.
const ELSEWHERE: &[(&str, &str)] = &[
    ("append", "merge"),
    ("by", "aggregate"),
    ("bysort", "aggregate"),
    ("corr", "correlate"),
    ("destroy", "delete-dataset"),
    ("egen", "aggregate"),
    ("foreach", "for"),
    ("forvalues", "for"),
    ("global", "let"),
    ("label", "define-labels"),
    ("local", "let"),
    ("nbreg", "negative-binomial"),
    ("pwcorr", "correlate"),
    ("reshape-to-long", "reshape-to-panel"),
    ("reshape-to-wide", "reshape-from-panel"),
    ("scatter", "hexbin"),
    ("stcox", "cox"),
    ("sts", "kaplan-meier"),
    ("xtreg", "regress-panel"),
];

/// As [`nearest`], for the first word of a statement: when nothing is near, what other programs call a command.
pub fn command<'n>(wrong: &str, words: impl IntoIterator<Item = &'n str>) -> Vec<String> {
    match ELSEWHERE.iter().find(|(theirs, _)| *theirs == wrong) {
        Some((_, ours)) => vec![(*ours).to_owned()],
        None => nearest(wrong, words),
    }
}

/// At most three of `names`, best first: Damerau–Levenshtein distance at most max(1, ⌊length/4⌋), or equal after folding
/// case, æøå, `-` and `_`; without any of these, names that `wrong` begins, and names that begin `wrong` up to a `_`.
pub fn nearest<'n>(wrong: &str, names: impl IntoIterator<Item = &'n str>) -> Vec<String> {
    let letters: Vec<char> = wrong.chars().collect();
    // Longer than any name: comparing would cost more than it can give.
    if letters.len() > 200 {
        return Vec::new();
    }
    let bound = (letters.len() / 4).max(1);
    let folded = joined(wrong);
    let mut related: Vec<(usize, &str)> = Vec::new();
    let mut found: Vec<(usize, &str)> = names
        .into_iter()
        .filter(|name| *name != wrong)
        .filter_map(|name| {
            let name_folded = joined(name);
            if name_folded == folded {
                return Some((0, name));
            }
            let begins = folded.len() >= LEAST_BEGINNING && name_folded.starts_with(&folded);
            let goes_on =
                wrong.strip_prefix(name).is_some_and(|rest| name.len() >= LEAST_NAME && rest.starts_with('_'));
            if begins || goes_on {
                related.push((name_folded.len(), name));
            }
            let other: Vec<char> = name.chars().take(400).collect();
            let near = letters.len().abs_diff(other.len()) <= bound;
            let distance = if near { distance(&letters, &other) } else { usize::MAX };
            (distance <= bound).then_some((distance, name))
        })
        .collect();
    if found.is_empty() {
        found = related;
    }
    found.sort();
    found.dedup();
    found.into_iter().take(3).map(|(_, name)| name.to_owned()).collect()
}

/// Folded, without what joins words.
fn joined(text: &str) -> String {
    fold(text).replace(['-', '_'], "")
}

/// Lower case, æøå as two letters (the registers write KJOENN).
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        match c {
            'æ' => folded.push_str("ae"),
            'ø' => folded.push_str("oe"),
            'å' => folded.push_str("aa"),
            other => folded.push(other),
        }
    }
    folded
}

/// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment).
fn distance(a: &[char], b: &[char]) -> usize {
    let width = b.len() + 1;
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..width).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; width];
        for j in 1..width {
            let change = usize::from(a[i - 1] != b[j - 1]);
            row[j] = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + change);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lang_105_nearest_names() {
        assert_eq!(nearest("summarise", ["summarize", "sample"]), ["summarize"]);
        assert_eq!(nearest("BEFOLKNING_KJØNN", ["BEFOLKNING_KJOENN", "BEFOLKNING_MOR"]), ["BEFOLKNING_KJOENN"]);
        assert_eq!(nearest("lonn", ["lønn", "kjønn"]), ["lønn"]);
        assert_eq!(nearest("ab", ["ba", "xy"]), ["ba"]);
        assert!(nearest("rowpc", ["freq"]).is_empty());
        assert_eq!(nearest("kaplanmeier", ["kaplan-meier", "keep"]), ["kaplan-meier"]);
    }

    #[test]
    fn lang_105_beginnings_and_endings_count_when_nothing_is_near() {
        assert_eq!(nearest("tab", ["tabulate-panel", "tabulate", "test"]), ["tabulate", "tabulate-panel"]);
        assert_eq!(nearest("INNTEKT_WLONN_2022", ["INNTEKT_WLONN", "INNTEKT_ARBLED"]), ["INNTEKT_WLONN"]);
        assert!(nearest("ab", ["abcdef"]).is_empty());
    }

    #[test]
    fn lang_105_words_of_other_programs() {
        assert_eq!(command("scatter", ["hexbin", "summarize"]), ["hexbin"]);
        assert_eq!(command("summarise", ["hexbin", "summarize"]), ["summarize"]);
    }
}
