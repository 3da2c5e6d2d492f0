//! SDC-304: what follows from several outputs together.

use egress::{Reason, Verdict};

use crate::{expect_pass, reasons, report, report_after};

/// (a) Tables that are labelled alike are subtracted, within a release and from earlier ones; the pair is named.
#[test]
fn sdc_304_tables_that_differ_by_few() {
    let before: &[(&str, &[u8])] = &[("old.csv", b"sex,n\nm,120\nf,135\n")];
    let found = report_after(&[("new.csv", b"sex,n\nm,120\nf,140\n")], &[before]);
    assert_eq!((found.verdict, reasons(&found)), (Verdict::Review, vec![Reason::Difference]));
    let other = found.files[0].tables[0].reasons[0].other.clone().unwrap();
    assert_eq!((other.earlier, other.file.as_str()), (true, "old.csv"));
    let same = report_after(&[("new.csv", b"sex,n\nm,120\nf,135\n")], &[before]);
    assert_eq!(same.verdict, Verdict::Pass);
    let far = report_after(&[("new.csv", b"sex,n\nm,120\nf,150\n")], &[before]);
    assert_eq!(far.verdict, Verdict::Pass);
    let both = report(&[("a.csv", b"sex,n\nm,120\nf,135\n"), ("b.csv", b"sex,n\nm,125\nf,135\n")]);
    assert_eq!(reasons(&both), [Reason::Difference, Reason::Difference]);
}

/// A cell of one table and a margin of another are the same count.
#[test]
fn sdc_304_margins_are_compared_with_cells() {
    let before: &[(&str, &[u8])] = &[("old.csv", b"sex,n\nm,123\nf,134\n")];
    let crossed = b"sex,age,n\nm,young,61\nm,old,57\nf,young,70\nf,old,64\n";
    let found = report_after(&[("new.csv", crossed)], &[before]);
    assert!(reasons(&found).contains(&Reason::Difference), "118 of 123 men have an age");
}

/// (b) Hidden counts that follow from sums, alone and together with another table.
#[test]
fn sdc_304_hidden_counts_that_follow() {
    let found = report(&[("a.csv", b"sex,n\nm,*\nf,137\nTotal,141\n")]);
    assert_eq!(reasons(&found), [Reason::Masked, Reason::NotRounded, Reason::Derivable]);
    // Two hidden cells in a line whose sum is large hold.
    let held = b"sex,age,n\nm,young,*\nm,old,*\nm,total,41\nf,young,*\nf,old,*\nf,total,52\ntotal,young,44\ntotal,old,49\ntotal,total,93\n";
    assert!(!reasons(&report(&[("a.csv", held)])).contains(&Reason::Derivable));
    // The same, with one of them in another table of the same persons.
    let other: &[(&str, &[u8])] = &[("old.csv", b"sex,age,n\nm,young,38\nm,total,41\nf,total,52\ntotal,total,93\n")];
    let found = report_after(&[("a.csv", held)], &[other]);
    assert!(reasons(&found).contains(&Reason::Derivable), "{found:?}");
    // A cross table with its margins hides one cell only.
    let wide = b"sex,young,old,Total\nm,*,57,61\nf,70,64,134\nTotal,74,121,195\n";
    assert!(reasons(&report(&[("a.csv", wide)])).contains(&Reason::Derivable));
}

/// Counts rounded to 5 give room: the same table rounded does not tell its hidden cell.
#[test]
fn sdc_304_rounding_widens_the_bounds() {
    let wide = b"sex,young,old,Total\nm,*,55,60\nf,70,65,135\nTotal,75,120,195\n";
    assert_eq!(reasons(&report(&[("a.csv", wide)])), [Reason::Masked]);
    let shares = b"sex,n,percent\nm,*,2.9\nf,135,97.1\n";
    assert!(reasons(&report(&[("a.csv", shares)])).contains(&Reason::Derivable), "2.9 % of 135 are 4");
}

/// (c) Samples that differ by few, also of models.
#[test]
fn sdc_304_nested_samples() {
    let fit = b"term,coef,se\nage,0.31,0.02\n";
    let declaration = |n: u32| {
        format!(
            r#"{{"outputs":[{{"file":"fit.csv","population":"adults","design":{{"observations":{n},"parameters":2,"smallest_dummy":40,"concentration":0.05}}}}]}}"#
        )
    };
    let (first, near, far) = (declaration(1200), declaration(1199), declaration(1500));
    expect_pass(&[("fit.csv", fit), ("egress.json", first.as_bytes())]);
    let before: &[(&str, &[u8])] = &[("fit.csv", fit), ("egress.json", first.as_bytes())];
    let found = report_after(&[("fit.csv", fit), ("egress.json", near.as_bytes())], &[before]);
    assert_eq!(reasons(&found), [Reason::NestedSamples]);
    let found = report_after(&[("fit.csv", fit), ("egress.json", far.as_bytes())], &[before]);
    assert_eq!(found.verdict, Verdict::Pass);
}
