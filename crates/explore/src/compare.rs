//! What differs between two texts, line by line: the fewest lines removed and added.

/// What became of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// In both texts.
    Same,
    /// Only in the first.
    Removed,
    /// Only in the second.
    Added,
}

/// Pairs of lines that are compared; beyond that what differs is told as one piece.
const MOST_PAIRS: usize = 4_000_000;

/// The lines of both texts in order, each with what became of it.
pub fn compare<'a>(before: &'a str, after: &'a str) -> Vec<(Change, &'a str)> {
    let (a, b): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let head = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let tail = a[head..].iter().rev().zip(b[head..].iter().rev()).take_while(|(x, y)| x == y).count();
    let (middle_a, middle_b) = (&a[head..a.len() - tail], &b[head..b.len() - tail]);
    let mut changes: Vec<(Change, &str)> = a[..head].iter().map(|line| (Change::Same, *line)).collect();
    if middle_a.len().saturating_mul(middle_b.len()) > MOST_PAIRS {
        changes.extend(middle_a.iter().map(|line| (Change::Removed, *line)));
        changes.extend(middle_b.iter().map(|line| (Change::Added, *line)));
    } else {
        changes.extend(fewest(middle_a, middle_b));
    }
    changes.extend(a[a.len() - tail..].iter().map(|line| (Change::Same, *line)));
    changes
}

/// By the longest common subsequence.
fn fewest<'a>(a: &[&'a str], b: &[&'a str]) -> Vec<(Change, &'a str)> {
    let width = b.len() + 1;
    // Length of the longest common subsequence of what is left, by position.
    let mut common = vec![0u32; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            common[i * width + j] = if a[i] == b[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j, mut changes) = (0, 0, Vec::with_capacity(a.len() + b.len()));
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            changes.push((Change::Same, a[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == b.len() || i < a.len() && common[(i + 1) * width + j] >= common[i * width + j + 1] {
            changes.push((Change::Removed, a[i]));
            i += 1;
        } else {
            changes.push((Change::Added, b[j]));
            j += 1;
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(before: &str, after: &str) -> String {
        let mark = |change| match change {
            Change::Same => ' ',
            Change::Removed => '-',
            Change::Added => '+',
        };
        compare(before, after).iter().map(|(change, line)| format!("{}{line}\n", mark(*change))).collect()
    }

    #[test]
    fn the_fewest_lines_change() {
        assert_eq!(told("a\nb\nc\nd", "a\nx\nc\ny\nd"), " a\n-b\n+x\n c\n+y\n d\n");
        assert_eq!(told("", "a"), "+a\n");
        assert_eq!(told("a\na\na", "a\na"), " a\n a\n-a\n");
        assert_eq!(told("same", "same"), " same\n");
    }
}
