//! SDC-301: the file gate.

use egress::{Kind, Reason, Verdict};
use parquet::basic::Compression;

use crate::make;
use crate::{GOOD, expect, expect_pass, of_file, report};

/// Every kind of the list passes with a good table or text in it.
#[test]
fn sdc_301_the_listed_kinds_pass() {
    let rows = [("men", "120"), ("women", "135")];
    let html = "<!doctype html><html><body><table><tr><th>sex</th><th>n</th></tr><tr><td>men</td><td>120</td></tr></table></body></html>";
    let files: Vec<(&str, Vec<u8>)> = vec![
        ("t.csv", GOOD.into()),
        ("t.tsv", GOOD.replace(',', "\t").into()),
        ("t.xlsx", make::xlsx(&rows, "", "", &[])),
        ("t.parquet", make::parquet(&[("men", 120), ("women", 135)], Compression::UNCOMPRESSED)),
        ("zstd.parquet", make::parquet(&[("men", 120), ("women", 135)], Compression::ZSTD(Default::default()))),
        ("snappy.parquet", make::parquet(&[("men", 120), ("women", 135)], Compression::SNAPPY)),
        ("t.json", br#"[{"sex":"men","n":120},{"sex":"women","n":135}]"#.to_vec()),
        ("t.txt", b"What we did, in words.\n".to_vec()),
        ("t.md", b"# Results\n\n| sex | n |\n|---|---|\n| men | 120 |\n| women | 135 |\n".to_vec()),
        ("t.html", html.into()),
        ("fit.R", b"m <- lm(y ~ x, data = d)\nsummary(m)\n".to_vec()),
    ];
    for (name, bytes) in &files {
        expect_pass(&[(name, bytes)]);
    }
    let all: Vec<(&str, &[u8])> =
        files.iter().filter(|(n, _)| *n == "t.xlsx").map(|(n, b)| (*n, b.as_slice())).collect();
    let report = report(&all);
    assert_eq!((report.files[0].kind, report.files[0].tables[0].name.as_str()), (Kind::Xlsx, "Table"));
}

#[test]
fn sdc_301_blocked_and_unlisted_kinds_fail() {
    for (name, bytes) in [
        ("a.svg", &b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>"[..]),
        ("a.gph", b"<stata_dta>"),
        ("a.rds", b"\x1f\x8b\x08\0\0"),
        ("a.pkl", b"\x80\x04\x95\x01."),
        ("a.h5", b"\x89HDF\r\n\x1a\n"),
        ("a.dta", b"<stata_dta>"),
    ] {
        expect(name, bytes, Verdict::Fail, Reason::Blocked);
    }
    expect("a.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF\0", Verdict::Fail, Reason::NotListed);
    expect("table.csv", b"\xff\xd8\xff\xe0\0\x10JFIF\0", Verdict::Fail, Reason::OtherThanNamed);
    expect("table.csv", &make::xlsx(&[("men", "120")], "", "", &[]), Verdict::Fail, Reason::OtherThanNamed);
    let large = vec![b' '; egress::MAX_FILE + 1];
    expect("a.txt", &large, Verdict::Fail, Reason::TooLarge);
}

/// Workbooks: values only.
#[test]
fn sdc_301_workbooks_hold_values_only() {
    let rows = [("men", "120"), ("women", "135")];
    let formula = "<row r=\"4\"><c r=\"B4\"><f>SUM(B2:B3)</f><v>255</v></c></row>";
    expect("a.xlsx", &make::xlsx(&rows, "", formula, &[]), Verdict::Fail, Reason::Formula);
    expect("a.xlsx", &make::xlsx(&rows, " state=\"veryHidden\"", "", &[]), Verdict::Fail, Reason::HiddenSheet);
    let hidden = "<row r=\"4\" hidden=\"1\"><c r=\"B4\"><v>255</v></c></row>";
    expect("a.xlsx", &make::xlsx(&rows, "", hidden, &[]), Verdict::Review, Reason::HiddenContent);
    for (part, reason) in [
        ("xl/vbaProject.bin", Reason::Macro),
        ("xl/externalLinks/externalLink1.xml", Reason::External),
        ("xl/pivotCache/pivotCacheRecords1.xml", Reason::PivotCache),
        ("xl/embeddings/oleObject1.bin", Reason::Embedded),
    ] {
        expect("a.xlsx", &make::xlsx(&rows, "", "", &[(part, b"<x/>")]), Verdict::Fail, reason);
    }
    let link = br#"<Relationships><Relationship Target="https://example.org" TargetMode="External"/></Relationships>"#;
    let with_link = make::xlsx(&rows, "", "", &[("xl/worksheets/_rels/sheet1.xml.rels", link)]);
    expect("a.xlsx", &with_link, Verdict::Fail, Reason::External);
    expect("a.xlsx", &make::xlsx(&[("men", "4"), ("women", "135")], "", "", &[]), Verdict::Fail, Reason::SmallCount);
}

#[test]
fn sdc_301_pages_have_no_scripts() {
    let page = |inside: &str| format!("<!doctype html><html><body>{inside}<p>Words.</p></body></html>");
    expect_pass(&[("a.html", page("").as_bytes())]);
    expect("a.html", page("<script>fetch('x')</script>").as_bytes(), Verdict::Fail, Reason::Script);
    expect("a.html", page("<img src='https://example.org/x.png'>").as_bytes(), Verdict::Fail, Reason::External);
    expect("a.html", page("<svg></svg>").as_bytes(), Verdict::Review, Reason::Image);
    expect("a.md", b"Words.\n\n<script>1</script>\n", Verdict::Fail, Reason::Script);
}

/// Pictures are always for a human, and are written again without metadata.
#[test]
fn sdc_301_pictures_are_written_again() {
    let (plain, commented) = (make::png(None), make::png(Some("written by a tool")));
    assert_eq!(of_file("a.png", &plain), [Reason::Image]);
    let found = report(&[("a.png", &commented)]);
    assert_eq!(found.verdict, Verdict::Review);
    assert!(of_file("a.png", &commented).contains(&Reason::Metadata));
    let again = found.files[0].reencoded.clone().unwrap();
    assert!(!again.windows(7).any(|w| w == b"written"));
    assert_eq!(of_file("a.png", &again), [Reason::Image]);
    let points = |bytes: &[u8]| {
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes.to_vec())).read_info().unwrap();
        let mut points = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut points).unwrap();
        points
    };
    assert_eq!(points(&again), points(&commented));
    let mut longer = plain.clone();
    longer.extend(b"PK\x03\x04 more");
    expect("a.png", &longer, Verdict::Fail, Reason::Trailing);
    let number = kernel::identity_number::IdentityNumber::synthetic(10, 11, 55, 967).unwrap();
    expect("a.png", &make::png(Some(number.reveal())), Verdict::Fail, Reason::IdentityNumber);
}

#[test]
fn sdc_301_documents_are_read_by_a_human() {
    assert_eq!(of_file("a.pdf", &make::pdf("", "BT (Results of the study) Tj ET")), [Reason::Pdf]);
    for (structure, reason) in [
        ("/OpenAction << /S /JavaScript /JS (x) >>", Reason::Script),
        ("/Names << /EmbeddedFiles 3 0 R >>", Reason::Embedded),
        ("/Encrypt 3 0 R", Reason::Encrypted),
    ] {
        expect("a.pdf", &make::pdf(structure, "BT ET"), Verdict::Fail, reason);
    }
    let number = kernel::identity_number::IdentityNumber::synthetic(10, 11, 55, 967).unwrap();
    let stream = format!("BT (Patient {}) Tj ET", number.reveal());
    expect("a.pdf", &make::pdf("", &stream), Verdict::Fail, Reason::IdentityNumber);
}

/// An archive is for a human, with its members checked; what nests, swells or leaves its root fails.
#[test]
fn sdc_301_archives() {
    let archive = make::zip(&[("t.csv", GOOD.as_bytes())]);
    let found = report(&[("a.zip", &archive)]);
    assert_eq!(found.verdict, Verdict::Review);
    assert_eq!(
        found.files.iter().map(|f| (f.name.as_str(), f.verdict)).collect::<Vec<_>>(),
        [("a.zip", Verdict::Review), ("a.zip/t.csv", Verdict::Pass)]
    );
    expect("a.zip", &make::zip(&[("t.csv", b"sex,n\nmen,4\nwomen,30\n")]), Verdict::Fail, Reason::SmallCount);
    expect("a.zip", &make::zip(&[("b.zip", &archive)]), Verdict::Fail, Reason::UnsafeArchive);
    expect("a.zip", &make::zip(&[("../t.csv", GOOD.as_bytes())]), Verdict::Fail, Reason::UnsafeArchive);
    let encrypted = make::zip_of(&[("t.csv", make::deflate(b"x"), 1, 1)]);
    expect("a.zip", &encrypted, Verdict::Fail, Reason::Encrypted);
}
