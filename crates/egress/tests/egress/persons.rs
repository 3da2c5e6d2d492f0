//! SDC-302: data on persons.

use egress::{Reason, Verdict};
use kernel::identity_number::IdentityNumber;

use crate::{GOOD, expect, expect_pass, of_file, report};

fn number(individual: u16) -> String {
    (individual..).find_map(|i| IdentityNumber::synthetic(10, 11, 55, i)).unwrap().reveal().to_owned()
}

/// Synthetic numbers (month + 80) and numbers without their first zero, in tables, texts, headers and names of files.
#[test]
fn sdc_302_identity_numbers_fail_wherever_they_stand() {
    let n = number(100);
    expect("a.txt", format!("Checked by hand: {n}.").as_bytes(), Verdict::Fail, Reason::IdentityNumber);
    expect(
        "a.csv",
        format!("sex,n,note\nmen,120,{n}\nwomen,135,x\n").as_bytes(),
        Verdict::Fail,
        Reason::IdentityNumber,
    );
    expect("a.csv", format!("sex,{n}\nmen,120\n").as_bytes(), Verdict::Fail, Reason::IdentityNumber);
    expect("a.py", format!("ids = ['{} {}']", &n[..6], &n[6..]).as_bytes(), Verdict::Fail, Reason::IdentityNumber);
    expect("a.json", format!("{{\"who\": {n}}}").as_bytes(), Verdict::Fail, Reason::IdentityNumber);
    expect("a.csv", b"id,n\n53097248016,20\n", Verdict::Fail, Reason::IdentityNumber);
    let named = format!("{n}.csv");
    let found = report(&[(&named, GOOD.as_bytes())]);
    assert_eq!((found.verdict, found.files[0].name.as_str()), (Verdict::Fail, "***********.csv"));
    let zeros: Vec<String> = (0..30)
        .filter_map(|i| IdentityNumber::synthetic(1, 1, 60, i * 7))
        .map(|n| n.reveal().trim_start_matches('0').to_owned())
        .collect();
    assert!(zeros.len() > 10);
    expect("a.csv", format!("who\n{}\n", zeros.join("\n")).as_bytes(), Verdict::Fail, Reason::IdentityNumber);
    // One digit changed: no number any more.
    let wrong = format!("{}{}", &n[..10], (n.as_bytes()[10] - b'0' + 1) % 10);
    expect_pass(&[("a.txt", format!("Order {wrong}.").as_bytes())]);
}

/// Reports hold no value of a cell.
#[test]
fn sdc_302_reports_do_not_repeat_what_they_found() {
    let n = number(100);
    let found = report(&[("a.csv", format!("sex,n\n{n},120\nSecretCategory,4\n").as_bytes())]);
    let json = serde_json::to_string(&found).unwrap();
    assert!(!json.contains(&n) && !json.contains("SecretCategory"));
    assert!(json.contains("\"code\":\"IDENTITY_NUMBER\"") && json.contains("\"rule\":\"SDC-302\""));
}

#[test]
fn sdc_302_pseudonyms_fail() {
    expect("a.txt", b"See 3YS89S8T897C5AG92VWFM5RNBHT.", Verdict::Fail, Reason::Pseudonym);
    expect("a.csv", b"p,x\n4RP689PH0PWNA3428A2TS0AQ022,1\n", Verdict::Fail, Reason::Pseudonym);
    let hex = "key,x\n7eca139469093b0aa8245be3e85c5571,1\n98b1909b4416e55432090a16b2055c02,2\n";
    expect("a.csv", hex.as_bytes(), Verdict::Fail, Reason::Pseudonym);
    let rows: String = (1..40).map(|i| format!("{i},{}\n", i % 3)).collect();
    expect("a.csv", format!("person_id,group\n{rows}").as_bytes(), Verdict::Fail, Reason::PersonId);
}

#[test]
fn sdc_302_dates_of_birth_fail() {
    expect("a.csv", b"fodselsdato,x\n1961-03-12,1\n1950-01-30,2\n", Verdict::Fail, Reason::BirthDate);
    expect("a.md", "Pasienten er født 12.03.1961.".as_bytes(), Verdict::Fail, Reason::BirthDate);
    expect_pass(&[("a.md", "Uttrekket er fra 12.03.2024.".as_bytes())]);
}

#[test]
fn sdc_302_many_rows_with_values_of_their_own_fail() {
    let rows: String = (0..1500).map(|i| format!("{},{}\n", i % 2, 30_000 + i * 37)).collect();
    expect("a.csv", format!("group,income\n{rows}").as_bytes(), Verdict::Fail, Reason::NearUnique);
    // A large table of groups is for a human.
    let rows: String = (0..1500).map(|i| format!("{},{},{}\n", 1000 + i / 5, i % 5, 10 + i % 40 * 5)).collect();
    let found = of_file("a.csv", format!("municipality,class,n\n{rows}").as_bytes());
    assert_eq!(found, [Reason::ManyRows]);
}

#[test]
fn sdc_302_combinations_of_traits_fail() {
    let rows: String = (0..60).map(|i| format!("{},{},{}\n", i % 2, 20 + i * 7 % 50, 300 + i)).collect();
    expect("a.csv", format!("sex,age,income\n{rows}").as_bytes(), Verdict::Fail, Reason::QuasiIdentifiers);
    // A cross table of means has each combination once.
    let crossed = "sex,age,mean,n\nm,20-39,3.1,40\nm,40-59,3.2,35\nf,20-39,3.4,50\nf,40-59,3.3,45\n";
    expect_pass(&[("a.csv", crossed.as_bytes())]);
}

#[test]
fn sdc_302_free_text_fails() {
    let note = "The patient said that it hurts most in the morning";
    expect("a.csv", format!("group,note\na,{note}\nb,none\n").as_bytes(), Verdict::Fail, Reason::FreeText);
    expect("a.json", format!("{{\"note\":\"{note}\"}}").as_bytes(), Verdict::Fail, Reason::FreeText);
    // The label of a group that ten or more share is no free text, but long.
    let label = "Higher education at university level, short programmes";
    expect(
        "a.csv",
        format!("education,n\n\"{label}\",120\nother,135\n").as_bytes(),
        Verdict::Review,
        Reason::LongLabel,
    );
}
