//! Files that were made to do harm: every one gets an answer, within bounds, and none passes unread.

use egress::{Reason, Verdict};
use parquet::basic::Compression;
use proptest::prelude::*;

use crate::make;
use crate::{GOOD, expect, of_file, report};

#[test]
fn sdc_301_bombs_are_not_unpacked() {
    let zeros = vec![0u8; 40 << 20];
    expect("a.zip", &make::zip(&[("z.txt", &zeros)]), Verdict::Fail, Reason::UnsafeArchive);
    expect("a.xlsx", &make::zip(&[("xl/workbook.xml", &zeros)]), Verdict::Fail, Reason::UnsafeArchive);
    // A member that is longer than it says.
    let lies = make::zip_of(&[("z.txt", make::deflate(&zeros), 10, 0)]);
    expect("a.zip", &lies, Verdict::Fail, Reason::UnsafeArchive);
    let twice = make::zip(&[("t.csv", GOOD.as_bytes()), ("t.csv", b"sex,n\nm,1\n")]);
    expect("a.zip", &twice, Verdict::Fail, Reason::UnsafeArchive);
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    expect("a.json", deep.as_bytes(), Verdict::Review, Reason::Unreadable);
    // A picture that claims a trillion points.
    let mut picture = make::png(None);
    picture[16..24].copy_from_slice(&[0, 0x0f, 0xff, 0xff, 0, 0x0f, 0xff, 0xff]);
    expect("a.png", &picture, Verdict::Review, Reason::Unreadable);
    let elements = "<table><tr>".repeat(100_000);
    assert!(report(&[("a.html", format!("<html>{elements}").as_bytes())]).verdict >= Verdict::Pass);
}

#[test]
fn sdc_301_columns_and_quotes_without_end_are_bounded() {
    let wide = format!("{}\n{}\n", "a,".repeat(20_000), "1,".repeat(20_000));
    assert!(of_file("a.csv", wide.as_bytes()).contains(&Reason::Unreadable));
    let quotes = "a,\"b\n".repeat(20_000);
    of_file("a.csv", quotes.as_bytes());
    let spans = format!("<html><table><tr>{}</tr></table>", "<td colspan=999999999>1".repeat(2_000));
    of_file("a.html", spans.as_bytes());
}

fn specimens() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("t.csv", GOOD.into()),
        ("t.json", br#"[{"sex":"men","n":120},{"sex":"women","n":135}]"#.to_vec()),
        ("t.html", b"<html><table><tr><td>a<td>1</table><!-- x --><p style='a'>b".to_vec()),
        ("t.md", b"| a | b |\n|---|---|\n| x | 1 |\n".to_vec()),
        ("t.txt", b"sex    n\nmen  120\nwomen  135\n".to_vec()),
        ("t.py", b"x = [\n(1, 2, 3),\n(4, 5, 6),\n]\n".to_vec()),
        ("t.xlsx", make::xlsx(&[("men", "120"), ("women", "135")], "", "", &[("xl/comments1.xml", b"<t>x</t>")])),
        ("t.parquet", make::parquet(&[("men", 120), ("women", 135)], Compression::SNAPPY)),
        ("t.png", make::png(Some("words"))),
        ("t.pdf", make::pdf("/JS (x)", "BT (12) Tj ET")),
        ("t.zip", make::zip(&[("t.csv", GOOD.as_bytes())])),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    /// Damaged files of every kind: an answer, never a panic.
    #[test]
    fn damaged_files_get_an_answer(which in 0usize..11, cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), cut in any::<prop::sample::Index>(), shorten in any::<bool>()) {
        let (name, mut bytes) = specimens().swap_remove(which);
        for (at, byte) in cuts {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if shorten {
            bytes.truncate(cut.index(bytes.len()));
        }
        let found = report(&[(name, &bytes)]);
        prop_assert_eq!(found.files[0].bytes, bytes.len() as u64);
    }

    /// Bytes and texts of any kind under any name, also as declaration: an answer, the same each time.
    #[test]
    fn any_bytes_get_the_same_answer(bytes in prop::collection::vec(any::<u8>(), 0..300), text in "[a-c0-9,;|\t\n\"<>/=. {}\\[\\]:-]{0,200}", ending in prop::sample::select(vec!["csv", "tsv", "json", "html", "md", "txt", "py", "xlsx", "parquet", "png", "pdf", "zip", "onnx", ""])) {
        let name = format!("f.{ending}");
        let files: &[(&str, &[u8])] = &[(&name, text.as_bytes()), ("b", &bytes), ("egress.json", text.as_bytes())];
        prop_assert_eq!(report(files), report(files));
    }
}
