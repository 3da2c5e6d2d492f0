//! Files of an application through the public surface (ACC-026, ACC-193), on both databases.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use crate::support::{self, cart, cast, run, service, submitted};
use access::files::{FileKind, FileState, MAX_FILE, NotTaken, Refusal, ScanAnswer, ScanError, Scanner, inspect};
use access::model::Event;
use async_trait::async_trait;
use kernel::Problem;
use kernel::identity_number::IdentityNumber;
use serde_json::json;

/// An archive of stored members, as office programs write them.
fn archive(members: &[(&str, &[u8])], flags: u16) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in members {
        let at = out.len() as u32;
        let size = (bytes.len() as u32).to_le_bytes();
        let tail = |out: &mut Vec<u8>| {
            out.extend(20u16.to_le_bytes());
            out.extend(flags.to_le_bytes());
            // Method, time, date, checksum (which is not looked at).
            out.extend([0; 10]);
            out.extend(size);
            out.extend(size);
            out.extend((name.len() as u16).to_le_bytes());
        };
        out.extend(b"PK\x03\x04");
        tail(&mut out);
        out.extend(0u16.to_le_bytes());
        out.extend(name.as_bytes());
        out.extend(*bytes);
        directory.extend(b"PK\x01\x02");
        directory.extend(20u16.to_le_bytes());
        tail(&mut directory);
        directory.extend([0; 12]);
        directory.extend(at.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let start = out.len() as u32;
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend((members.len() as u16).to_le_bytes());
    out.extend((members.len() as u16).to_le_bytes());
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0; 2]);
    out
}

const TYPES: &[u8] = b"<Types><Override PartName='/word/document.xml'/></Types>";

fn docx(text: &str, more: &[(&str, &[u8])]) -> Vec<u8> {
    let body = format!("<w:document><w:body><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:body></w:document>");
    let mut members: Vec<(&str, &[u8])> = vec![("[Content_Types].xml", TYPES), ("word/document.xml", body.as_bytes())];
    members.extend(more);
    archive(&members, 0)
}

fn pdf(body: &str) -> Vec<u8> {
    format!("%PDF-1.7\n1 0 obj << /Type /Catalog >> endobj\n{body}\ntrailer << /Root 1 0 R >>\n%%EOF\n").into_bytes()
}

fn number() -> String {
    IdentityNumber::synthetic(10, 11, 55, 967).unwrap().reveal().to_owned()
}

fn places(name: &str, bytes: &[u8]) -> usize {
    inspect(name, bytes).unwrap().places.len()
}

#[test]
fn acc_026_kinds_are_told_by_content_and_name() {
    let ok = |name: &str, bytes: &[u8]| inspect(name, bytes).map(|looked| looked.kind);
    let odt: &[u8] = b"application/vnd.oasis.opendocument.text";
    let text_document = archive(&[("mimetype", odt), ("content.xml", b"<office:text/>")], 0);
    assert_eq!(ok("plan.pdf", &pdf("")), Ok(FileKind::Pdf));
    assert_eq!(ok("Plan.DOCX", &docx("Plan", &[])), Ok(FileKind::Docx));
    assert_eq!(ok("plan.odt", &text_document), Ok(FileKind::Odt));
    assert_eq!(ok("plan.txt", "Plan for bruken, æøå".as_bytes()), Ok(FileKind::Txt));
    assert_eq!(ok("plan.txt", b"Plan for bruken, \xe6\xf8\xe5"), Ok(FileKind::Txt), "one byte per character");
    assert_eq!(ok("bilde.jpeg", b"\xff\xd8\xff\xe0 JFIF"), Ok(FileKind::Jpg));

    for (name, bytes, refusal) in [
        ("plan.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec(), Refusal::LegacyOffice),
        ("plan.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 WordDocument".to_vec(), Refusal::LegacyOffice),
        ("plan.docx", docx("x", &[("word/vbaProject.bin", b"x")]), Refusal::Macros),
        ("plan.docx", docx("x", &[("word/embeddings/oleObject1.bin", b"x")]), Refusal::Macros),
        ("plan.docx", docx("x", &[("word/media/more.zip", b"x")]), Refusal::Archive),
        ("plan.docx", archive(&[("word/document.xml", b"x")], 1), Refusal::Encrypted),
        ("plan.docx", text_document.clone(), Refusal::OtherThanNamed),
        ("plan.ods", text_document, Refusal::OtherThanNamed),
        ("plan.docx", pdf(""), Refusal::OtherThanNamed),
        ("plan.pdf", docx("x", &[]), Refusal::OtherThanNamed),
        ("plan.pdf", b"MZ\x90".to_vec(), Refusal::Archive),
        ("plan.pdf", pdf("2 0 obj << /Encrypt 3 0 R >> endobj"), Refusal::Encrypted),
        ("plan.pdf", pdf("2 0 obj << /S /JavaScript /JS (app.alert\\(1\\)) >> endobj"), Refusal::Macros),
        ("plan.pdf", pdf("2 0 obj << /Type /EmbeddedFile >> endobj"), Refusal::Archive),
        ("side.html", b"<script>alert(1)</script>".to_vec(), Refusal::Kind),
        ("plan.txt", b"a\0b".to_vec(), Refusal::OtherThanNamed),
        ("plan.txt", Vec::new(), Refusal::Empty),
        ("plan.txt", vec![b'a'; MAX_FILE + 1], Refusal::TooLarge),
        ("alt.zip", docx("x", &[]), Refusal::Archive),
    ] {
        assert_eq!(ok(name, &bytes), Err(refusal), "{name}");
    }
    assert_eq!((Refusal::TooLarge.status(), Refusal::CaseFull.status(), Refusal::Macros.status()), (413, 413, 415));
}

#[test]
fn acc_026_the_test_text_is_found_plain_and_inside_a_document() {
    let text = ["X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD", "-ANTIVIRUS-TEST-FILE!$H+H*"].concat();
    assert_eq!(inspect("a.txt", text.as_bytes()).unwrap_err(), Refusal::TestText);
    assert_eq!(inspect("a.docx", &docx("x", &[("word/media/a.png", text.as_bytes())])).unwrap_err(), Refusal::TestText);
}

/// IDN-020 to IDN-022: numbers are found in each kind of file that has text, also when they are written in several runs; the
/// finding says where, never what.
#[test]
fn acc_026_identity_numbers_are_found_in_files() {
    let n = number();
    let looked = inspect("liste.txt", format!("Liste\n\nfnr {n}\n").as_bytes()).unwrap();
    assert_eq!((looked.places.len(), looked.places[0].line), (1, 3));
    assert!(!format!("{looked:?}").contains(&n));
    assert_eq!(places("brev.docx", &docx(&format!("{}</w:t></w:r><w:r><w:t>{}", &n[..4], &n[4..]), &[])), 1);
    let sheet = format!("<worksheet><row><c><v>{n}</v></c><c><v>7</v></c></row></worksheet>");
    let workbook: &[(&str, &[u8])] =
        &[("xl/workbook.xml", b"<workbook/>"), ("xl/worksheets/sheet1.xml", sheet.as_bytes())];
    assert_eq!(places("liste.xlsx", &archive(workbook, 0)), 1);
    assert_eq!(places("brev.pdf", &pdf(&format!("2 0 obj BT ({n}) Tj ET endobj"))), 1);
    // The rule of 2032 alone is no finding in a text, but a column of such numbers is (IDN-021).
    let column = "id;navn\n01813299093;A\n01813299093;B\n";
    assert_eq!(places("a.csv", column.as_bytes()), 2);
    assert_eq!(places("a.txt", column.as_bytes()), 0);
    assert_eq!(places("plan.docx", &docx("Ingen nummer her", &[])), 0);
}

fn refusal(result: Result<access::files::FileView, NotTaken>) -> Refusal {
    match result.unwrap_err() {
        NotTaken::File(refusal) => refusal,
        NotTaken::Problem(problem) => panic!("{problem}"),
    }
}

#[tokio::test]
async fn acc_026_a_file_is_added_downloaded_and_taken_out() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let id = access.create(&cast.applicant, cart()).await.unwrap();
        let add = async |name: &str, bytes: &[u8]| access.add_file(&cast.applicant, id, "use.plan", name, bytes).await;
        let large: Vec<u8> = (0..2_500_000u32).map(|i| b'a' + (i % 26) as u8).collect();
        let file = add("<b>plan</b>.txt", &large).await.unwrap();
        assert_eq!((file.name.as_str(), file.state, file.scanned), ("b>.txt", FileState::Kept, false), "no folders");
        assert_eq!(access.file(&cast.applicant, id, file.id).await.unwrap().bytes, large);
        assert_eq!(refusal(add("plan.exe", b"MZ").await), Refusal::Kind);

        // What looks like identity numbers waits until the applicant says that it is none.
        let held = add("nummer.txt", format!("fnr {}", number()).as_bytes()).await.unwrap();
        assert_eq!((held.state, held.places.len()), (FileState::Held, 1));
        let kept = access.confirm_file(&cast.applicant, id, held.id).await.unwrap();
        assert_eq!(kept.state, FileState::Kept);
        assert!(matches!(access.confirm_file(&cast.applicant, id, held.id).await, Err(Problem::Conflict { .. })));

        // Nobody else writes or sees a draft's files; what is taken out of a draft is gone.
        let other = access.add_file(&cast.handler, id, "use.plan", "a.txt", b"a").await;
        assert_eq!(other, Err(NotTaken::Problem(Problem::forbidden("forbidden"))));
        assert_eq!(access.files(&cast.handler, id).await, Err(Problem::forbidden("forbidden")));
        access.remove_file(&cast.applicant, id, file.id).await.unwrap();
        assert_eq!(access.files(&cast.applicant, id).await.unwrap().len(), 1);
        assert_eq!(access.file(&cast.applicant, id, file.id).await.unwrap_err(), Problem::not_found("file"));

        let actions = zone.actions().await;
        for expected in ["file.add ok", "file.add refused kind", "file.read ok", "file.change ok"] {
            assert!(actions.iter().any(|a| a == expected), "{expected} in {actions:?}");
        }
        run(&access, &cast.applicant, id, "delete_draft", json!({})).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn acc_193_a_redaction_keeps_digest_and_reason() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let id = access.create(&cast.applicant, cart()).await.unwrap();
        let file = access.add_file(&cast.applicant, id, "use.plan", "plan.txt", b"om pasient X").await.unwrap();
        let early = access.redact_file(&cast.applicant, id, file.id, "Opplysninger om en pasient").await;
        assert_eq!(early, Err(Problem::forbidden("forbidden")));
        access.save(&cast.applicant, id, support::attached(&access, &cast.applicant, id).await).await.unwrap();
        run(&access, &cast.applicant, id, "submit", json!({})).await.unwrap();
        assert_eq!(access.file(&cast.handler, id, file.id).await.unwrap().bytes, b"om pasient X");
        let late = access.add_file(&cast.applicant, id, "use.plan", "plan.txt", b"ny plan").await;
        assert!(matches!(late, Err(NotTaken::Problem(Problem::Conflict { .. }))));
        run(&access, &cast.handler, id, "declare_interest", json!({"interest": "none"})).await.unwrap();
        let short = access.redact_file(&cast.handler, id, file.id, "nei").await.unwrap_err();
        assert!(matches!(short, Problem::Invalid { .. }));
        let redacted = access.redact_file(&cast.handler, id, file.id, "Opplysninger om en pasient").await.unwrap();
        assert_eq!((redacted.state, redacted.sha256.as_str()), (FileState::Redacted, file.sha256.as_str()));
        assert_eq!(redacted.reason.as_deref(), Some("Opplysninger om en pasient"));
        assert!(matches!(access.file(&cast.handler, id, file.id).await, Err(Problem::Conflict { .. })));
        let events = access.events(&cast.handler, id, 0).await.unwrap();
        let Event::AttachmentRedacted { sha256, reason, .. } = &events.last().unwrap().event else {
            panic!("no event")
        };
        assert_eq!((sha256.as_str(), reason.as_str()), (file.sha256.as_str(), "Opplysninger om en pasient"));
        let listed = access.files(&cast.applicant, id).await.unwrap();
        let seen = listed.iter().find(|f| f.id == file.id).unwrap();
        assert_eq!((seen.sha256.as_str(), seen.state), (file.sha256.as_str(), FileState::Redacted));
    })
    .await;
}

struct Suspicious;

#[async_trait]
impl Scanner for Suspicious {
    async fn scan(&self, bytes: &[u8]) -> Result<ScanAnswer, ScanError> {
        match bytes {
            b"late" => Err(ScanError::Late),
            b"bad" => Ok(ScanAnswer::Found("Test.Bad".into())),
            _ => Ok(ScanAnswer::Clean),
        }
    }
}

#[tokio::test]
async fn acc_026_a_connected_scanner_has_a_say() {
    let zone = testkit::zone("centre").await;
    let access = service(&zone).await.with_scanner(Arc::new(Suspicious));
    let cast = cast();
    let id = access.create(&cast.applicant, cart()).await.unwrap();
    let add = async |bytes: &[u8]| access.add_file(&cast.applicant, id, "use.plan", "plan.txt", bytes).await;
    assert!(add(b"good").await.unwrap().scanned);
    assert_eq!(refusal(add(b"bad").await), Refusal::Infected);
    assert_eq!(add(b"late").await, Err(NotTaken::Problem(Problem::unavailable("the malware scanner"))));
    assert_eq!(access.files(&cast.applicant, id).await.unwrap().len(), 1);
    let submitted = submitted(&access, &cast).await;
    assert_ne!(submitted, id);
}
