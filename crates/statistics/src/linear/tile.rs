//! Products of several columns at once: a number that is loaded once serves in several of them. Parallel sums in lanes, so that they run
//! in vector registers without another order of the additions on another machine.

/// Parallel sums of one product.
const LANES: usize = 4;
/// Rows that are added up before the sums of others are added to theirs.
const BLOCK: usize = 512;

/// w·x for each of several columns.
pub(crate) fn dots<const N: usize>(w: &[f64], columns: [&[f64]; N]) -> [f64; N] {
    let mut out = [0.0; N];
    for start in (0..w.len()).step_by(BLOCK) {
        let range = start..(start + BLOCK).min(w.len());
        let (lanes, rest) = w[range.clone()].as_chunks::<LANES>();
        let columns = columns.map(|c| c[range.clone()].as_chunks::<LANES>());
        let mut sums = [[0.0; LANES]; N];
        for (i, w) in lanes.iter().enumerate() {
            for (sums, (x, _)) in sums.iter_mut().zip(&columns) {
                let x = &x[i];
                for lane in 0..LANES {
                    sums[lane] += w[lane] * x[lane];
                }
            }
        }
        for ((out, sums), (_, more)) in out.iter_mut().zip(&sums).zip(&columns) {
            let rest: f64 = rest.iter().zip(*more).map(|(w, x)| w * x).sum();
            *out += ((sums[0] + sums[2]) + (sums[1] + sums[3])) + rest;
        }
    }
    out
}

/// Σ w.
pub(crate) fn sum(w: &[f64]) -> f64 {
    let part = |w: &[f64]| {
        let (lanes, rest) = w.as_chunks::<LANES>();
        let mut sums = [0.0; LANES];
        for w in lanes {
            for lane in 0..LANES {
                sums[lane] += w[lane];
            }
        }
        ((sums[0] + sums[2]) + (sums[1] + sums[3])) + rest.iter().sum::<f64>()
    };
    w.chunks(BLOCK).map(part).sum()
}

/// Σ (x − about)².
pub(crate) fn sum_of_squares(x: &[f64], about: f64) -> f64 {
    let part = |x: &[f64]| {
        let (lanes, rest) = x.as_chunks::<LANES>();
        let mut sums = [0.0; LANES];
        for x in lanes {
            for lane in 0..LANES {
                sums[lane] += (x[lane] - about) * (x[lane] - about);
            }
        }
        let rest: f64 = rest.iter().map(|x| (x - about) * (x - about)).sum();
        ((sums[0] + sums[2]) + (sums[1] + sums[3])) + rest
    };
    x.chunks(BLOCK).map(part).sum()
}

/// w·x for each of the columns.
pub(crate) fn products<'a>(w: &[f64], column: impl Fn(usize) -> &'a [f64], out: &mut [f64]) {
    let mut from = 0;
    let (fours, rest) = out.as_chunks_mut::<4>();
    for four in fours {
        *four = dots(w, [0, 1, 2, 3].map(|j| column(from + j)));
        from += 4;
    }
    match rest {
        [a, b, c] => [*a, *b, *c] = dots(w, [0, 1, 2].map(|j| column(from + j))),
        [a, b] => [*a, *b] = dots(w, [0, 1].map(|j| column(from + j))),
        [a] => [*a] = dots(w, [column(from)]),
        _ => {}
    }
}

/// a·c, a·d, b·c, b·d.
pub(crate) fn four(a: &[f64], b: &[f64], c: &[f64], d: &[f64]) -> [f64; 4] {
    let n = a.len();
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b[..n].as_chunks::<LANES>();
    let (c, c_rest) = c[..n].as_chunks::<LANES>();
    let (d, d_rest) = d[..n].as_chunks::<LANES>();
    let mut sums = [[0.0; LANES]; 4];
    for (((a, b), c), d) in a.iter().zip(b).zip(c).zip(d) {
        for lane in 0..LANES {
            sums[0][lane] += a[lane] * c[lane];
            sums[1][lane] += a[lane] * d[lane];
            sums[2][lane] += b[lane] * c[lane];
            sums[3][lane] += b[lane] * d[lane];
        }
    }
    let mut out = sums.map(|s| (s[0] + s[2]) + (s[1] + s[3]));
    for (((a, b), c), d) in a_rest.iter().zip(b_rest).zip(c_rest).zip(d_rest) {
        out[0] += a * c;
        out[1] += a * d;
        out[2] += b * c;
        out[3] += b * d;
    }
    out
}

/// Adds `left`'X to the lower triangle `out` of `width` columns, row by row of `width` numbers, where X has the columns that `column`
/// gives and `left` fills in the column of that number, weighted.
pub(crate) fn triangle<'a>(
    width: usize,
    rows: usize,
    column: impl Fn(usize) -> &'a [f64],
    mut left: impl FnMut(usize, &mut [f64]),
    scratch: &mut [Vec<f64>; 2],
    out: &mut [f64],
) {
    let [first, second] = scratch;
    first.resize(rows, 0.0);
    second.resize(rows, 0.0);
    let mut i = 0;
    while i + 1 < width {
        left(i, first);
        left(i + 1, second);
        let mut j = 0;
        while j <= i {
            let [a, b, c, d] = four(first, second, column(j), column(j + 1));
            // Of the tile on the diagonal the part above it falls away.
            out[i * width + j] += a;
            if j < i {
                out[i * width + j + 1] += b;
            }
            out[(i + 1) * width + j] += c;
            out[(i + 1) * width + j + 1] += d;
            j += 2;
        }
        i += 2;
    }
    if i < width {
        left(i, first);
        let at = i * width;
        let mut row = vec![0.0; width];
        products(first, &column, &mut row[..=i]);
        out[at..=at + i].iter_mut().zip(&row).for_each(|(out, x)| *out += x);
    }
}

/// out ← out + Σ fⱼxⱼ.
pub(crate) fn combine<'a>(out: &mut [f64], factors: &[f64], column: impl Fn(usize) -> &'a [f64]) {
    let n = out.len();
    let (fours, rest) = factors.as_chunks::<4>();
    for (number, [f, g, h, k]) in fours.iter().enumerate() {
        let [a, b, c, d] = [0, 1, 2, 3].map(|j| &column(number * 4 + j)[..n]);
        for ((((out, a), b), c), d) in out.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            *out += (f * a + g * b) + (h * c + k * d);
        }
    }
    for (j, f) in rest.iter().enumerate() {
        out.iter_mut().zip(column(fours.len() * 4 + j)).for_each(|(out, x)| *out += f * x);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(width: usize, rows: usize) -> Vec<Vec<f64>> {
        (0..width).map(|j| (0..rows).map(|i| ((i * 7 + j * 13) % 11) as f64 - 4.0).collect()).collect()
    }

    fn plain(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    /// STAT-001: whole numbers add up to the same however they are grouped.
    #[test]
    fn stat_001_products_of_any_shape_are_those_one_by_one() {
        for (width, rows) in [(1, 3), (2, 0), (3, 9), (4, 1030), (5, 17), (7, 600)] {
            let x = columns(width, rows);
            let w: Vec<f64> = (0..rows).map(|i| (i % 5) as f64).collect();
            let mut out = vec![0.0; width];
            products(&w, |j| &x[j], &mut out);
            assert_eq!(out, x.iter().map(|x| plain(&w, x)).collect::<Vec<_>>());

            let mut lower = vec![0.0; width * width];
            let weighted =
                |j: usize, out: &mut [f64]| out.iter_mut().zip(&x[j]).zip(&w).for_each(|((o, x), w)| *o = x * w);
            triangle(width, rows, |j| &x[j], weighted, &mut Default::default(), &mut lower);
            for i in 0..width {
                for j in 0..width {
                    let own: f64 = (0..rows).map(|r| w[r] * x[i][r] * x[j][r]).sum();
                    assert_eq!(lower[i * width + j], if j <= i { own } else { 0.0 }, "{width} {rows} {i} {j}");
                }
            }

            let factors: Vec<f64> = (0..width).map(|j| j as f64 - 1.0).collect();
            let mut sum = vec![2.0; rows];
            combine(&mut sum, &factors, |j| &x[j]);
            let wanted = |r: usize| 2.0 + (0..width).map(|j| factors[j] * x[j][r]).sum::<f64>();
            assert_eq!(sum, (0..rows).map(wanted).collect::<Vec<_>>());
        }
    }
}
