//! Files of released results (LANG-102, LANG-103, LANG-330): the same columns in every format, where they come from, and
//! nothing of what is withheld.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use common::{bars, counts_view, document, one_way, summary, two_way};
use disclosure::Document;
use figures::{ExportError, File, Format, Origin};
use kernel::Language;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

fn files(document: &Document, at: usize, format: Format) -> Result<Vec<File>, ExportError> {
    figures::export(&document.results[at], Origin(&document.head), format, Language::Nb, "tabell")
}

fn text(document: &Document, format: Format) -> String {
    let files = files(document, 0, format).unwrap();
    assert_eq!(files.len(), 1);
    String::from_utf8(files[0].bytes.clone()).unwrap()
}

/// LANG-162, LANG-330: one row per cell, codes beside labels, a flag for totals, empty where withheld.
#[test]
fn lang_330_csv_in_long_form() {
    let document = document(vec![two_way(counts_view())]);
    let csv = text(&document, Format::Csv);
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[0], "age,age_label,sex,sex_label,total,freq,status,result,script,stores,policy");
    let origin = "r/1,sha256:00,no.test:1.0.0.0,default 1 sha256:00";
    assert_eq!(lines[1], format!("1,0–17 år,1,Mann,false,10411,,{origin}"));
    assert_eq!(lines[3], format!("1,0–17 år,,,true,20285,,{origin}"));
    assert_eq!(lines[7], format!("3,67 år og eldre,1,Mann,false,,suppressed,{origin}"));
    assert_eq!(lines.len(), 13);
    // Several contents: a status of the row, and one for each.
    let view =
        json!({"view": "table", "contents": ["count", {"share": "row"}, {"share": "column"}, {"share": "table"}]});
    let csv = text(&common::document(vec![two_way(view)]), Format::Csv);
    let head = csv.lines().next().unwrap();
    assert!(head.contains("total,freq,rowpct,colpct,cellpct,status,freq_status,rowpct_status,"), "{head}");
    assert!(csv.contains("false,10411,51.3,25,11.5,,,,,,"), "{csv}");
}

/// LANG-103, LANG-100: the result object; a withheld cell is null with a status, an undefined one says so.
#[test]
fn lang_100_the_result_object() {
    let document = document(vec![summary(), two_way(counts_view())]);
    let object = |at: usize| figures::object(&document.results[at], Origin(&document.head), Language::En);
    let first = object(0);
    assert_eq!(
        (&first["kind"], &first["id"], &first["omitted"]),
        (&json!("table"), &json!(1), &json!(["municipality"]))
    );
    let table = &first["tables"][0];
    let ids: Vec<&str> = table["columns"].as_array().unwrap().iter().filter_map(|c| c["id"].as_str()).collect();
    assert_eq!(ids[..7], ["name", "label", "n", "mean", "sd", "p50", "p99"]);
    assert!(table["columns"].as_array().unwrap().iter().all(|c| !c["kind"].as_str().unwrap().is_empty()));
    assert_eq!(table["rows"][0]["mean"], json!(512_300));
    assert_eq!((&table["rows"][0]["p99"], &table["rows"][0]["p99_status"]), (&Value::Null, &json!("suppressed")));
    assert_eq!((&table["rows"][1]["p99"], &table["rows"][1]["p99_status"]), (&Value::Null, &json!("undefined")));
    assert_eq!(first["disclosure"]["withheld"], json!(["TAIL"]));
    assert_eq!(first["disclosure"]["policy"]["sha256"], json!("sha256:00"));
    assert_eq!(first["provenance"]["script"], json!("sha256:00"));
    let second = object(1);
    assert_eq!(second["tables"][0]["rows"][6]["freq"], Value::Null);
    let file: Value = serde_json::from_str(&text(&document, Format::Json)).unwrap();
    assert_eq!(file["tables"], figures::object(&document.results[0], Origin(&document.head), Language::Nb)["tables"]);
}

/// LANG-330: Parquet holds the columns of the CSV file, typed, and where they come from.
#[test]
fn lang_330_parquet_is_typed() {
    let document = document(vec![two_way(counts_view()), summary()]);
    let bytes = files(&document, 0, Format::Parquet).unwrap().remove(0).bytes;
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)).unwrap();
    let about = reader.metadata().file_metadata().key_value_metadata().unwrap().clone();
    assert!(about.iter().any(|k| k.key == "hap.policy" && k.value.as_deref() == Some("default 1 sha256:00")));
    let batch = reader.build().unwrap().next().unwrap().unwrap();
    let csv = text(&common::document(vec![two_way(counts_view())]), Format::Csv);
    let names: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    let schema = batch.schema();
    assert_eq!(schema.fields().iter().map(|f| f.name().as_str()).collect::<Vec<_>>(), names);
    assert_eq!(batch.num_rows(), 12);
    let freq = batch.column_by_name("freq").unwrap().as_primitive::<Int64Type>();
    assert_eq!((freq.value(0), freq.is_null(6), freq.null_count()), (10_411, true, 1));
    assert!(batch.column_by_name("total").unwrap().as_boolean().value(2));
    assert_eq!(batch.column_by_name("status").unwrap().as_string::<i32>().value(6), "suppressed");
    assert!(batch.column_by_name("sex").unwrap().is_null(2), "a total has no code");
    let bytes = files(&document, 1, Format::Parquet).unwrap().remove(0).bytes;
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)).unwrap().build().unwrap();
    let batch = reader.last().unwrap().unwrap();
    assert_eq!(batch.column_by_name("mean").unwrap().data_type(), &DataType::Float64);
    assert_eq!(batch.column_by_name("sd").unwrap().as_primitive::<Float64Type>().value(1), 8123.5);
}

/// LANG-330: every file says where it comes from, also pages, tables for papers, pictures and plain text.
#[test]
fn lang_330_every_file_says_where_it_comes_from() {
    let chart = two_way(bars(json!("count"), true, false));
    let document = document(vec![chart]);
    for format in [Format::Json, Format::Csv, Format::Html, Format::Latex, Format::Svg, Format::Text] {
        let file = text(&document, format);
        for part in ["sha256:00", "no.test:1.0.0.0", "r/1"] {
            assert!(file.contains(part), "{format:?} {part}\n{file}");
        }
        assert!(!file.contains("NaN") && !file.contains("<script"));
    }
    let csv = text(&document, Format::Csv);
    assert!(csv.starts_with("age,age_label,variable,category,category_label,value,status,"), "{csv}");
    assert!(csv.contains("3,67 år og eldre,sex,1,Mann,,suppressed,") && csv.lines().count() == 7);
    let svg = text(&document, Format::Svg);
    assert!(svg.starts_with("<svg xmlns=") && svg.contains("<metadata>result: r/1"));
    assert_eq!(files(&document, 0, Format::Svg).unwrap()[0].name, "tabell.svg");
}

/// A table for a paper: heads over their columns, totals apart, nothing that LaTeX would run.
#[test]
fn lang_330_latex() {
    let labels = ["A & B", "50 %_x", "\\input{x}"];
    let one = one_way(&labels, &[Some(12_345.0), None, Some(30.0), Some(12_380.0)], counts_view());
    let latex = text(&document(vec![one]), Format::Latex);
    for part in [
        "% script: sha256:00\n",
        "\\toprule",
        "A \\& B & 12~345 \\\\",
        "50 \\%\\_x & $\\cdots$ \\\\",
        "\\textbackslash{}input\\{x\\}",
        "\\addlinespace\nI alt",
    ] {
        assert!(latex.contains(part), "{part}\n{latex}");
    }
    let latex = text(&document(vec![two_way(counts_view())]), Format::Latex);
    assert!(latex.contains("& \\multicolumn{3}{c}{Kjønn} \\\\\nAldersgruppe & Mann & Kvinne & I alt \\\\"), "{latex}");
    assert!(latex.contains("\\begin{tabular}{lrrr}"));
}

/// LANG-182: a figure of several variables has a drawing per block and one table of values.
#[test]
fn lang_182_figures_of_several_variables() {
    let table = |mut t: Value| {
        t.as_object_mut().unwrap().remove("view");
        t.as_object_mut().unwrap().remove("kind");
        t
    };
    let numbers = json!({"dimensions": [], "measures": [
            {"name": "pay", "kind": "integer", "winsorised": false}, {"name": "aid", "kind": "integer", "winsorised": false}],
        "statistics": ["n"], "cells": [{"count": {"value": 2000.0}, "values": [{"value": 1500.0}, {"hidden": "SMALL"}]}],
        "typical_error": 1.3});
    let blocks = |content: Value| {
        let categories = table(one_way(&["Ugift", "Gift"], &[Some(900.0), Some(1100.0), Some(2000.0)], json!({})));
        json!({"kind": "blocks", "tables": [categories, numbers], "view": bars(content, true, false)})
    };
    let document = document(vec![blocks(json!("count")), blocks(json!({"share": "table"}))]);
    assert_eq!(files(&document, 0, Format::Svg).unwrap().len(), 2);
    let csv = |at: usize| String::from_utf8(files(&document, at, Format::Csv).unwrap()[0].bytes.clone()).unwrap();
    let row = |line: &str| line.split(',').take(5).collect::<Vec<_>>().join(",");
    assert_eq!(
        csv(0).lines().skip(1).map(row).collect::<Vec<_>>(),
        ["status,0,Ugift,900,", "status,1,Gift,1100,", "pay,,,1500,", "aid,,,,suppressed"]
    );
    assert_eq!(csv(1).lines().skip(1).map(row).collect::<Vec<_>>()[2], "pay,,,75,");
    let html = figures::result(
        &document.results[0],
        figures::Presentation { language: Language::En, caption: "barchart", id: "r1" },
    );
    assert!(html.contains("id=\"r1-t\"") && html.contains("id=\"r1b1-t\"") && html.contains(">1,500</text>"), "{html}");
}

/// What has no form says so.
#[test]
fn lang_330_a_receipt_has_no_table() {
    let receipt = json!({"kind": "population", "dataset": "p", "unit_type": "PERSON", "persons": {"value": 2000.0},
        "view": {"view": "receipt"}});
    let document = document(vec![receipt, two_way(counts_view())]);
    for (at, format) in [(0, Format::Csv), (0, Format::Parquet), (0, Format::Latex), (0, Format::Svg), (1, Format::Svg)]
    {
        assert_eq!(files(&document, at, format), Err(ExportError::NotInThisForm(format)));
    }
    assert_eq!(files(&document, 0, Format::Json).unwrap()[0].name, "tabell.json");
    let object = figures::object(&document.results[0], Origin(&document.head), Language::En);
    assert_eq!((&object["kind"], &object["scalars"]["persons"]), (&json!("receipt"), &json!(2000)));
    assert_eq!("xlsx".parse::<Format>(), Err(()));
}
