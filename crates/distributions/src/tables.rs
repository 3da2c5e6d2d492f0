//! Pearson's test that rows and columns of a table of counts are independent (STAT-043), without a correction for continuity.

/// The test.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Independence {
    /// χ² = Σ(O−E)²/E over rows and columns that have counts, E = row total × column total / n.
    pub chi2: f64,
    /// (rows − 1)(columns − 1).
    pub df: f64,
    /// Upper tail of the χ² distribution.
    pub p: f64,
    /// Cramér's V = √(χ² / (n·min(rows − 1, columns − 1))).
    pub cramers_v: f64,
    /// More than a fifth of the expected counts are below five.
    pub small_expected: bool,
}

/// The test of counts by row and column, all rows of the same length; none when fewer than two rows or columns have counts.
pub fn independence(counts: &[Vec<f64>]) -> Option<Independence> {
    let width = counts.first().map_or(0, Vec::len);
    let rows: Vec<f64> = counts.iter().map(|row| row.iter().sum()).collect();
    let columns: Vec<f64> = (0..width).map(|c| counts.iter().map(|row| row[c]).sum()).collect();
    let n: f64 = rows.iter().sum();
    let (r, c) = (rows.iter().filter(|x| **x > 0.0).count(), columns.iter().filter(|x| **x > 0.0).count());
    if r < 2 || c < 2 {
        return None;
    }
    let (mut chi2, mut small) = (0.0, 0usize);
    for (row, total) in counts.iter().zip(&rows) {
        for (observed, column) in row.iter().zip(&columns) {
            let expected = total * column / n;
            if expected > 0.0 {
                chi2 += (observed - expected).powi(2) / expected;
                small += usize::from(expected < 5.0);
            }
        }
    }
    let df = ((r - 1) * (c - 1)) as f64;
    Some(Independence {
        chi2,
        df,
        p: crate::chi2_upper(chi2, df),
        cramers_v: (chi2 / (n * (r - 1).min(c - 1) as f64)).sqrt(),
        small_expected: small * 5 > r * c,
    })
}
