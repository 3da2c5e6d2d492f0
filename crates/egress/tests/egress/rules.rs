//! SDC-303: the rule of each type of output.

use egress::{OutputType, Reason, Verdict};

use crate::{GOOD, expect, expect_pass, reasons, report};

/// A file with what is declared of it.
#[track_caller]
fn declared(text: &str, declaration: &str) -> (Verdict, Vec<Reason>) {
    let declaration = format!("{{\"outputs\":[{{\"file\":\"a.csv\",{declaration}}}]}}");
    let found = report(&[("a.csv", text.as_bytes()), ("egress.json", declaration.as_bytes())]);
    (found.verdict, reasons(&found))
}

#[track_caller]
fn passes(text: &str, declaration: &str) {
    assert_eq!(declared(text, declaration), (Verdict::Pass, vec![]));
}

#[track_caller]
fn gives(text: &str, declaration: &str, verdict: Verdict, reason: Reason) {
    let (found, reasons) = declared(text, declaration);
    assert!(reasons.contains(&reason), "{reason:?} is missing from {reasons:?}");
    assert_eq!(found, verdict, "{reasons:?}");
}

#[test]
fn sdc_303_frequency_tables() {
    expect_pass(&[("a.csv", GOOD.as_bytes())]);
    expect_pass(&[("a.csv", b"sex,2019,2020\nm,120,0\nf,135,15\n")]);
    expect_pass(&[("a.csv", "kjønn,2019,2020,Sum\nmenn,120,100,220\nkvinner,135,15,150\n".as_bytes())]);
    expect("a.csv", b"sex,n\nm,4\nf,135\n", Verdict::Fail, Reason::SmallCount);
    expect("a.csv", b"sex,2019,2020\nm,120,9\nf,135,15\n", Verdict::Fail, Reason::SmallCount);
    expect("a.csv", b"sex,n\nm,<10\nf,135\nx,*\n", Verdict::Review, Reason::MaskedUnevenly);
    expect("a.csv", b"sex,n\nm,<10\nf,135\nx,<10\n", Verdict::Review, Reason::Masked);
    expect("a.csv", b"sex,n\nm,122\nf,135\n", Verdict::Review, Reason::NotRounded);
    expect("a.csv", b"sex,percent\nm,47\nf,53\n", Verdict::Review, Reason::NoCounts);
}

#[test]
fn sdc_303_magnitude_tables() {
    let table = "industry,sum,n\nA,120000,40\nB,90000,35\n";
    let evidence = r#""type":"magnitude","dominance":{"rest_percent":240,"top_two_share":0.31}"#;
    passes(table, evidence);
    gives(table, r#""type":"magnitude""#, Verdict::Review, Reason::DominanceUnknown);
    gives(table, r#""dominance":{"rest_percent":4,"top_two_share":0.95}"#, Verdict::Review, Reason::Dominance);
    gives("industry,sum\nA,120000\n", evidence, Verdict::Review, Reason::ContributorsUnknown);
    gives("industry,sum,n\nA,120000,9\n", evidence, Verdict::Fail, Reason::FewContributors);
    gives("industry,sum\nA,120000\n", r#""min_contributors":3"#, Verdict::Fail, Reason::FewContributors);
}

#[test]
fn sdc_303_means_and_percentiles() {
    expect_pass(&[("a.csv", b"sex,mean,sd,median,n\nm,41.2,3.1,40,123\nf,42.1,2.9,41,140\n")]);
    passes("sex,mean\nm,41.2\nf,42.1\n", r#""type":"summary","min_contributors":85"#);
    expect("a.csv", b"sex,mean,n\nm,41.2,7\nf,42.1,140\n", Verdict::Fail, Reason::FewUnits);
    expect("a.csv", b"sex,mean\nm,41.2\nf,42.1\n", Verdict::Review, Reason::UnitsUnknown);
    expect("a.csv", b"sex,p99,n\nm,90,1200\nf,91,1400\n", Verdict::Review, Reason::ExtremePercentile);
    expect("a.csv", b"sex,p90,n\nm,90,30\nf,91,1400\n", Verdict::Review, Reason::ExtremePercentile);
    expect("a.csv", b"sex,mean,max,n\nm,41.2,99,123\nf,42.1,98,140\n", Verdict::Fail, Reason::SingleValue);
    // A description of variables stands on its side.
    let described = ",age,income\ncount,200,200\nmean,41.2,500.1\nstd,3.1,40.2\nmin,18,0\n50%,40,480\nmax,101,90000\n";
    expect("a.csv", described.as_bytes(), Verdict::Fail, Reason::SingleValue);
}

#[test]
fn sdc_303_correlations_and_tests() {
    let matrix = ",age,income\nage,1,0.31\nincome,0.31,1\n";
    passes(matrix, r#""n":1200"#);
    expect("a.csv", matrix.as_bytes(), Verdict::Review, Reason::DegreesUnknown);
    gives(matrix, r#""n":11"#, Verdict::Review, Reason::FewDegrees);
    gives(matrix, r#""n":9"#, Verdict::Fail, Reason::SmallSample);
    expect_pass(&[("a.csv", b"test,statistic,df,p\nt,2.1,118,0.04\n")]);
}

#[test]
fn sdc_303_regressions() {
    let fit = "term,coef,std err,t,P>|t|\nage,0.31,0.02,15.5,0.000\n_cons,2.0,0.5,4.0,0.000\n";
    let design = |more: &str| format!(r#""design":{{"observations":1200,"parameters":2{more}}}"#);
    passes(fit, &design(r#","smallest_dummy":40,"concentration":0.05"#));
    expect("a.csv", fit.as_bytes(), Verdict::Review, Reason::NoDesign);
    gives(fit, &design(r#","smallest_dummy":1,"concentration":0.05"#), Verdict::Fail, Reason::SinglePersonTerm);
    gives(fit, &design(r#","smallest_dummy":6,"concentration":0.05"#), Verdict::Review, Reason::SmallDummy);
    gives(fit, &design(r#","smallest_dummy":40,"concentration":0.4"#), Verdict::Review, Reason::Concentrated);
    let saturated = r#""design":{"observations":12,"parameters":12,"concentration":0.05}"#;
    gives(fit, saturated, Verdict::Fail, Reason::Saturated);
    let few = r#""design":{"observations":15,"parameters":12,"concentration":0.05}"#;
    gives(fit, few, Verdict::Review, Reason::FewDegrees);
    expect("a.csv", b"term,coef,se\na,1,0\nb,2,0\n", Verdict::Fail, Reason::Saturated);
}

#[test]
fn sdc_303_survival() {
    expect_pass(&[("a.csv", b"time,at_risk,events,survival\n1,400,20,0.95\n2,350,15,0.91\n")]);
    expect(
        "a.csv",
        b"time,at_risk,events,survival\n1,400,3,0.99\n2,350,15,0.95\n3,300,20,0.9\n",
        Verdict::Review,
        Reason::FewEvents,
    );
    expect("a.csv", b"time,at_risk,events,survival\n1,400,20,0.95\n2,8,5,0.4\n", Verdict::Review, Reason::FewAtRisk);
    expect("a.csv", b"time,survival\n1,0.95\n2,0.91\n", Verdict::Review, Reason::EventsUnknown);
    // One event a step, told by the curve and the numbers at risk.
    let each: String = (0..20).map(|i| format!("{i}.5,{},{:.6}\n", 100 - i, f64::from(99 - i) / 100.0)).collect();
    expect("a.csv", format!("time,n.risk,surv\n{each}").as_bytes(), Verdict::Fail, Reason::EventTimes);
}

/// The numbers of a figure pass when all stand in a table that passed; a picture never does.
#[test]
fn sdc_303_figures() {
    let declaration = |more: &str| format!(r#"{{"outputs":[{{"file":"bars.csv","type":"figure"{more}}}]}}"#);
    let verdict = |bars: &str, declaration: String| {
        let found = report(&[
            ("t.csv", GOOD.as_bytes()),
            ("bars.csv", bars.as_bytes()),
            ("egress.json", declaration.as_bytes()),
        ]);
        (found.verdict, reasons(&found))
    };
    assert_eq!(verdict("bar,height\n1,120\n2,135\n", declaration(r#","made_from":"t.csv""#)).1, [Reason::NotFromTable]);
    assert_eq!(verdict("bar,height\na,120\nb,135\n", declaration(r#","made_from":"t.csv""#)), (Verdict::Pass, vec![]));
    assert_eq!(verdict("bar,height\na,120\nb,135\n", declaration("")).1, [Reason::NotFromTable]);
    assert_eq!(verdict("bar,height\na,120\n", declaration(r#","individuals":true"#)).0, Verdict::Fail);
}

#[test]
fn sdc_303_models_never_pass() {
    let model = |declaration: &str, content: &str| {
        let declaration = format!(r#"{{"outputs":[{{"file":"m.json","type":"model"{declaration}}}]}}"#);
        let found = report(&[("m.json", content.as_bytes()), ("egress.json", declaration.as_bytes())]);
        (found.verdict, reasons(&found))
    };
    let tested = r#","model":{"algorithm":"random_forest","membership_auc_upper":0.55}"#;
    assert_eq!(model(tested, r#"{"trees":[[1,2],[3,4]]}"#), (Verdict::Review, vec![Reason::Model]));
    assert!(model("", "{}").1.contains(&Reason::ModelUntested));
    assert!(model(&tested.replace("0.55", "0.7"), "{}").1.contains(&Reason::ModelUntested));
    for kind in ["KNeighborsClassifier", "svm", "Gaussian process"] {
        assert_eq!(model(&tested.replace("random_forest", kind), "{}").0, Verdict::Fail, "{kind}");
    }
    assert_eq!(model(tested, r#"{"support_vectors_":[[1,2]]}"#).0, Verdict::Fail);
    expect("m.onnx", b"\x08\x07\x12\x07pytorch", Verdict::Fail, Reason::ModelFile);
}

#[test]
fn sdc_303_code_and_text() {
    expect_pass(&[("a.do", b"regress y x\ntabulate sex\n")]);
    expect("a.py", b"rows = [\n(1, 34, 501000),\n(2, 35, 402000),\n]\n", Verdict::Review, Reason::DataInText);
    expect("a.txt", "QUJD".repeat(100).as_bytes(), Verdict::Review, Reason::LongString);
}

/// What it plainly is counts, whatever it was declared as.
#[test]
fn sdc_303_a_declaration_cannot_lower_the_rule() {
    let (verdict, found) = declared("sex,n\nm,4\nf,135\n", r#""type":"summary","min_contributors":50"#);
    assert_eq!(verdict, Verdict::Fail);
    assert!(found.contains(&Reason::TypeContradicted) && found.contains(&Reason::SmallCount));
    let found = report(&[("a.csv", GOOD.as_bytes())]);
    assert_eq!((found.files[0].tables[0].output, found.files[0].tables[0].declared), (OutputType::Frequency, false));
    gives(GOOD, r#""kind":"frequency""#, Verdict::Review, Reason::Declaration);
    let missing = br#"{"outputs":[{"file":"other.csv"}]}"#;
    assert_eq!(reasons(&report(&[("a.csv", GOOD.as_bytes()), ("egress.json", missing)])), [Reason::Declaration]);
}
