//! "Did you mean": the names nearest to a misspelt one (LANG-105).

/// At most three of `names`, best first: Damerau–Levenshtein distance at most max(1, ⌊length/4⌋),
/// or equal after folding case and æøå.
pub fn nearest<'n>(wrong: &str, names: impl IntoIterator<Item = &'n str>) -> Vec<String> {
    let letters: Vec<char> = wrong.chars().collect();
    // Longer than any name: comparing would cost more than it can give.
    if letters.len() > 200 {
        return Vec::new();
    }
    let bound = (letters.len() / 4).max(1);
    let folded = fold(wrong);
    let mut found: Vec<(usize, &str)> = names
        .into_iter()
        .filter(|name| *name != wrong)
        .filter_map(|name| {
            if fold(name) == folded {
                return Some((0, name));
            }
            let other: Vec<char> = name.chars().take(400).collect();
            let near = letters.len().abs_diff(other.len()) <= bound;
            let distance = if near { distance(&letters, &other) } else { usize::MAX };
            (distance <= bound).then_some((distance, name))
        })
        .collect();
    found.sort();
    found.dedup();
    found.into_iter().take(3).map(|(_, name)| name.to_owned()).collect()
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
    }
}
