//! Every kind of figure: its meaning, its numbers, what is hidden in it, and that it stands alone.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use common::analyses::{boxes, flows, hexbin, histogram, mlogit, model, odds, survival, weibull};
use common::{bars, document, one_way, two_way};
use figures::{Format, Origin, Presentation, export};
use kernel::Language;
use serde_json::{Value, json};

fn pie() -> Value {
    let values = [Some(40_210.0), Some(31_000.0), None, Some(9_100.0), Some(82_310.0)];
    one_way(&["Ugift", "Gift", "Enke", "Skilt"], &values, json!({"view": "pie"}))
}

fn all() -> Vec<(&'static str, Value)> {
    vec![
        ("bars", two_way(bars(json!("count"), true, false))),
        ("histogram", histogram(json!({"view": "histogram", "scale": "density"}), false)),
        ("panels", histogram(json!({"view": "histogram", "scale": "percent", "normal": true}), true)),
        ("boxes", boxes(json!({"view": "boxes"}), 1)),
        ("boxes_lying", boxes(json!({"view": "boxes", "horizontal": true}), 2)),
        ("pie", pie()),
        ("hexbin", hexbin(json!({"view": "hexbin"}))),
        ("sankey", flows(json!({"view": "sankey"}))),
        ("coefplot", model(json!({"view": "coefplot"}))),
        ("coefplot_ratios", odds(json!({"view": "coefplot"}))),
        ("coefplot_equations", mlogit(json!({"view": "coefplot"}))),
        ("survival", survival(json!({"view": "survival"}))),
        ("weibull", weibull(json!({"view": "survival"}))),
    ]
}

fn shown(result: Value, language: Language) -> String {
    let document = document(vec![result]);
    figures::result(&document.results[0], Presentation { language, caption: "plot <x>", id: "r1" })
}

fn svg(result: Value, language: Language) -> String {
    let document = document(vec![result]);
    let files = export(&document.results[0], Origin(&document.head), Format::Svg, language, "f").unwrap();
    assert_eq!(files.len(), 1);
    String::from_utf8(files[0].bytes.clone()).unwrap()
}

/// SDC-210, LANG-330: every figure is an image with a name and a description, has its table beside it, and holds nothing that is
/// not a number, a style or a script.
#[test]
fn sdc_210_every_figure_has_a_name_and_its_table() {
    for (name, result) in all() {
        for language in [Language::Nb, Language::Nn, Language::En] {
            let html = shown(result.clone(), language);
            for part in [
                "<figure class=\"hap-figure\"><svg ",
                "role=\"img\"",
                "aria-labelledby=\"r1-t r1-d\"",
                "<title id=\"r1-t\">plot &lt;x&gt;</title>",
                "<details><summary>",
                "<caption id=\"r1-c\">",
            ] {
                assert_eq!(html.matches(part).count(), 1, "{name} {part}\n{html}");
            }
            for no in ["NaN", "inf", "style=", "<script", "#ff", "url(http"] {
                assert!(!html.split("<details>").next().unwrap().replace(", #fff)", "").contains(no), "{name} {no}");
            }
            assert!(svg(result.clone(), language).contains("<metadata>result: r/1"));
        }
    }
}

/// LANG-330: a picture in a file is ink on paper and has a size, wherever it is put; on a page it has what the page gives.
#[test]
fn lang_330_a_file_is_ink_on_paper() {
    for (name, result) in all() {
        let file = svg(result.clone(), Language::Nb);
        for part in
            [" color=\"#1e2b3c\"", " width=\"480\" height=\"", "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>"]
        {
            assert_eq!(file.matches(part).count(), 1, "{name} {part}");
            assert!(!shown(result.clone(), Language::Nb).contains(part), "{name} {part}");
        }
    }
}

/// LANG-180: one variable at several times has one title; then the columns have the names that the script gave.
#[test]
fn lang_180_columns_of_one_title_are_told_apart() {
    let drawn = svg(flows(json!({"view": "sankey"})), Language::Nb);
    assert!(drawn.contains(">Antall personer: Status 2018 → Status 2020 →"), "{drawn}");
    let mut same = flows(json!({"view": "sankey"}));
    for table in same["tables"].as_array_mut().unwrap() {
        for dimension in table["dimensions"].as_array_mut().unwrap() {
            dimension["label"] = json!("Status");
        }
    }
    let drawn = svg(same, Language::Nb);
    assert!(drawn.contains(">Antall personer: 2018 → 2020 → 2022 (Status)<"), "{drawn}");
    for name in ["2018", "2020", "2022"] {
        assert!(drawn.contains(&format!(">{name}</text>")), "{name}\n{drawn}");
    }
}

/// STAT-300: the title of bars says what they are the mean of.
#[test]
fn stat_300_bars_say_what_they_measure() {
    let mut means = one_way(
        &["Ugift", "Gift"],
        &[Some(40.0), Some(31.0), Some(71.0)],
        bars(json!({"statistic": "mean"}), false, false),
    );
    means["measures"] = json!([{"name": "wage", "label": "Lønn", "kind": "decimal", "winsorised": false}]);
    means["statistics"] = json!(["mean"]);
    for cell in means["cells"].as_array_mut().unwrap() {
        cell["values"] = json!([cell["count"]]);
    }
    let drawn = svg(means, Language::Nb);
    assert!(drawn.contains(">Gjennomsnitt: Lønn etter "), "{drawn}");
}

/// The figures as they stand.
#[test]
fn figures_as_they_stand() {
    for (name, result) in all() {
        let drawn = svg(result, Language::Nb).replace("><", ">\n<");
        // The plot of hexagons is long; its first and last lines say enough.
        let lines: Vec<&str> = drawn.lines().collect();
        let kept = if lines.len() > 250 { [&lines[..60], &lines[lines.len() - 40..]].concat() } else { lines };
        insta::assert_snapshot!(format!("plot_{name}"), kept.join("\n"));
    }
}

/// The numbers of a picture that has an attribute, in order.
fn attribute(svg: &str, class: &str, name: &str) -> Vec<f64> {
    let of = |mark: &str| {
        let from = mark.find(&format!(" {name}=\""))? + name.len() + 3;
        mark[from..].split('"').next()?.parse().ok()
    };
    svg.split('<').filter(|mark| mark.contains(&format!("class=\"{class}\""))).filter_map(of).collect()
}

/// STAT-300: the heights of bars are in the proportion of the released counts, and a hidden bar has the height of every hidden one.
#[test]
fn stat_300_bars_are_as_high_as_their_numbers() {
    let svg = svg(histogram(json!({"view": "histogram", "scale": "count"}), false), Language::En);
    let heights = attribute(&svg, "hap-bar", "height");
    let counts = [41.0, 130.0, 402.0, 911.0, 1320.0, 1288.0, 820.0, 391.0, 122.0, 31.0];
    assert_eq!(heights.len(), counts.len());
    let unit = heights[4] / 1320.0;
    for (height, count) in heights.iter().zip(counts) {
        assert!((height - count * unit).abs() < 0.11, "{height} {count}");
    }
    assert_eq!(attribute(&svg, "hap-bar hap-bar-hidden", "height"), [10.0, 10.0]);
    assert!(svg.contains("<title>0\u{a0}– 50,000: Hidden: too few persons."), "{svg}");
}

/// LANG-176: a box stands where its percentiles are; without quartiles there is none, and it is said.
#[test]
fn lang_176_boxes_stand_at_their_percentiles() {
    let svg = svg(boxes(json!({"view": "boxes", "horizontal": true}), 1), Language::En);
    let (x, width) = (attribute(&svg, "hap-bar", "x"), attribute(&svg, "hap-bar", "width"));
    assert_eq!(x.len(), 3, "the fourth group is hidden");
    // The place of a value from two others: 0.71 and 1.28 of 391 000 and of 571 000.
    let unit = (x[2] - x[0]) / (405_000.0 - 278_000.0);
    assert!((width[0] - (500_000.0 - 278_000.0) * unit).abs() < 0.5, "{width:?}");
    assert!((width[2] - (731_000.0 - 405_000.0) * unit).abs() < 0.5, "{width:?}");
    assert!(svg.contains("P5 164,000, P25 278,000, P50 391,000, P75 500,000, P95 743,000"), "{svg}");
    assert_eq!(attribute(&svg, "hap-bar hap-bar-hidden", "width"), [24.0]);
    assert!(svg.contains(">median hidden</text>"));
}

/// LANG-177, STAT-300: slices are released shares; what is hidden is a part of the whole; the smallest of many are joined.
#[test]
fn lang_177_slices() {
    let svg = svg(pie(), Language::En);
    for text in ["48.9\u{a0}%", "37.7\u{a0}%", "11.1\u{a0}%", "hidden (1)"] {
        assert!(svg.contains(&format!(">{text}</text>")), "{text}\n{svg}");
    }
    assert_eq!(svg.matches("<path class=\"hap-bar\"").count(), 4);
    let names: Vec<String> = (0..15).map(|i| format!("c{i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let counts: Vec<Option<f64>> =
        (0..15).map(|i| Some(1000.0 - 10.0 * f64::from(i))).chain([Some(13_950.0)]).collect();
    let svg = self::svg(one_way(&names, &counts, json!({"view": "pie"})), Language::En);
    assert_eq!(svg.matches("<path class=\"hap-bar\"").count(), 12);
    let joined = [11, 12, 13, 14].map(|i| ((1000.0 - 10.0 * f64::from(i)) / 13_950.0 * 1000.0_f64).round() / 10.0);
    let joined = (joined.iter().sum::<f64>() * 10.0).round() / 10.0;
    assert!(svg.contains("Others (4)") && svg.contains(&format!(">{joined}\u{a0}%</text>")), "{joined}\n{svg}");
}

/// LANG-179, SDC-210: one hexagon per released count, in the colour of its class.
#[test]
fn lang_179_hexagons() {
    let result = hexbin(json!({"view": "hexbin"}));
    let hexagons = result["hexagons"].as_array().unwrap().clone();
    let svg = svg(result, Language::En);
    assert_eq!(svg.matches("<path class=\"hap-bar\"").count(), hexagons.len());
    let deepest = hexagons.iter().filter(|h| h["class"] == 9).count();
    // Once more in the legend.
    assert_eq!(svg.matches("var(--hap-class-10,").count(), deepest + 1);
}

/// LANG-180: bands are as wide as their counts; hidden ones are counted, not drawn.
#[test]
fn lang_180_flows() {
    let svg = svg(flows(json!({"view": "sankey"})), Language::En);
    assert_eq!(svg.matches("<path class=\"hap-bar\"").count(), 15);
    assert!(svg.contains("3 flows are hidden and not drawn."), "{svg}");
    assert!(svg.contains("<title>Arbeid → Ledig: 412</title>") && !svg.contains("Ufør → Arbeid"));
}

/// LANG-181: no constant, numbers as in the table, ratios about one.
#[test]
fn lang_181_coefficients() {
    let drawn = svg(model(json!({"view": "coefplot"})), Language::En);
    assert!(!drawn.contains("Constant") && drawn.contains("0.2904 (0.2536; 0.3272)"), "{drawn}");
    assert_eq!(drawn.matches("<circle class=\"hap-bar\"").count(), 5);
    let ratios = svg(odds(json!({"view": "coefplot"})), Language::En);
    assert!(ratios.contains(">Odds ratio</text>") && ratios.contains(">1.0</text>"));
}

/// LANG-215: a step per point, a band, and the numbers at risk at the marks of the axis.
#[test]
fn lang_215_survival_curves() {
    let drawn = svg(survival(json!({"view": "survival"})), Language::En);
    assert_eq!(
        drawn.matches("opacity=\"0.2\"").count() - drawn.matches("stroke=\"currentColor\" opacity=\"0.2\"").count(),
        2
    );
    assert!(drawn.contains(">1,203</text>") && drawn.contains(">Numbers at risk</text>"), "{drawn}");
    assert!(drawn.contains(">Dager siden diagnosen</text>"));
    let fitted = svg(weibull(json!({"view": "survival"})), Language::En);
    assert_eq!(fitted.matches("opacity=\"0.45\"").count(), 2, "the steps lie behind the fitted curves");
}

fn picture(result: Value, format: Format) -> Vec<u8> {
    let document = document(vec![result]);
    export(&document.results[0], Origin(&document.head), format, Language::Nb, "f").unwrap().remove(0).bytes
}

/// LANG-330: a picture of every kind of figure, the same bytes each time, that says where it comes from.
#[test]
fn lang_330_pictures() {
    for (name, result) in [&all()[1..2], &all()[5..7]].concat() {
        let bytes = picture(result.clone(), Format::Png);
        let mut reader = png::Decoder::new(std::io::Cursor::new(&bytes)).read_info().unwrap();
        let info = reader.info();
        assert_eq!((info.width, info.color_type), (1440, png::ColorType::Rgb), "{name}");
        let about = info.utf8_text.iter().find(|t| t.keyword == "Source").unwrap().get_text().unwrap();
        assert!(about.starts_with("result: r/1\nscript: sha256:00"), "{about}");
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        // White ground, ink of text, and more colours than these.
        let colours: std::collections::BTreeSet<[u8; 3]> = pixels.chunks_exact(3).map(|p| [p[0], p[1], p[2]]).collect();
        assert!(colours.contains(&[255; 3]) && colours.contains(&[0x1e, 0x2b, 0x3c]) && colours.len() > 20, "{name}");
    }
    let (_, bars) = all().remove(0);
    assert_eq!(picture(bars.clone(), Format::Png), picture(bars, Format::Png));
}

/// LANG-330: PDF with the description as the text of the figure, the same bytes each time.
#[test]
fn lang_330_pdf() {
    for (name, result) in all() {
        let bytes = picture(result.clone(), Format::Pdf);
        assert_eq!(bytes, picture(result, Format::Pdf), "{name}");
        let text = String::from_utf8_lossy(&bytes);
        for part in ["%PDF-1.7", "/S /Figure", "/Alt ", "/Lang (nb)", "/FlateDecode", "/Keywords (result: r/1", "%%EOF"]
        {
            assert!(text.contains(part), "{name} {part}");
        }
        assert!(!text.contains("/FontFile"), "text is outlines, and no font comes with it");
        assert!(text.contains("/BaseFont /Courier"), "words can be searched");
    }
}

/// Nothing to draw: the table stands alone, and a picture is an empty file of no kind.
#[test]
fn a_figure_without_numbers_is_a_table() {
    let mut few = histogram(json!({"view": "histogram", "scale": "count"}), false);
    for bar in few["panels"][0]["bars"].as_array_mut().unwrap() {
        bar["count"] = json!({"hidden": "SMALL"});
    }
    let html = shown(few.clone(), Language::Nb);
    assert!(!html.contains("<svg") && html.contains("<table"), "{html}");
    let document = document(vec![few]);
    assert!(export(&document.results[0], Origin(&document.head), Format::Svg, Language::Nb, "f").is_err());
}
