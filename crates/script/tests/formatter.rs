//! The layout of the formatter, by example (LANG-345).
#![expect(clippy::unwrap_used, reason = "tests")]

use script::format;

fn formats(source: &str, expected: &str) {
    assert_eq!(format(source).unwrap(), expected);
}

#[test]
fn lang_345_blanks() {
    formats("generate høy=lønn>500000", "generate høy = lønn > 500000\n");
    formats("barchart(mean) lønn,over( kjønn )horizontal", "barchart (mean) lønn, over(kjønn) horizontal\n");
    formats("recode høy (0 1=3)(3 = 4)", "recode høy (0 1 = 3) (3 = 4)\n");
    formats("collapse(count) lønn->n , by(kjønn )", "collapse (count) lønn -> n, by(kjønn)\n");
    formats("generate c = - 2 ^ 2*( a -b)", "generate c = -2^2 * (a - b)\n");
    formats("keep if ! sysmiss( x )&y!=-1", "keep if !sysmiss(x) & y != -1\n");
    formats("import db/X 2020-01-01 as x++$år", "import db/X 2020-01-01 as x ++ $år\n");
    formats("define-labels l -1 Feil 0 '-'", "define-labels l -1 Feil 0 '-'\n");
    formats("recode v ++ ny (min / 9=1)", "recode v ++ ny (min/9 = 1)\n");
    formats("require no.ssb.fdb:38.0.0.0   as db", "require no.ssb.fdb:38.0.0.0 as db\n");
    formats("regress y x i.a ## c.b,control(i.c,d)level(90)", "regress y x i.a##c.b, control(i.c, d) level(90)\n");
    formats("generate x = rowtotal(2,.,4)/2", "generate x = rowtotal(2, ., 4) / 2\n");
    formats("import db/X da/($år) as x", "import db/X da/($år) as x\n");
}

#[test]
fn lang_345_comments_blank_lines_and_loops() {
    formats(
        "\n\n# heading\nfor a in 1:3 ; b in x y\nlet c=$a // why\n\n\n// own line\nend\n\n",
        "# heading\nfor a in 1 : 3; b in x y\n  let c = $a // why\n\n  // own line\nend\n",
    );
    formats(
        "recode kjønn \\\n (1=0 'Mann') \\ // menn\n\t(2 = 1)",
        "recode kjønn \\\n  (1 = 0 'Mann') \\ // menn\n  (2 = 1)\n",
    );
    formats("textblock\n  # rå   tekst\nendblock", "textblock\n  # rå   tekst\nendblock\n");
    formats("/* a */ create-dataset d", "/* a */ create-dataset d\n");
}

#[test]
fn lang_345_long_lines_break_before_options_and_rules() {
    formats(
        "tabulate kjønn status utdanning kommune fylke alder, freq rowpct colpct cellpct missing nolabels chi2 flatten top(10)",
        "tabulate kjønn status utdanning kommune fylke alder, freq rowpct colpct cellpct missing nolabels \\\n  chi2 flatten top(10)\n",
    );
    formats(
        "recode kommunenummer ('0301' = '03' 'Oslo') ('1103' = '11' 'Stavanger') ('4601' = '46' 'Bergen') ('5001' = '50' 'Trondheim')",
        "recode kommunenummer ('0301' = '03' 'Oslo') ('1103' = '11' 'Stavanger') ('4601' = '46' 'Bergen') \\\n  ('5001' = '50' 'Trondheim')\n",
    );
}

#[test]
fn a_script_with_errors_is_not_formatted() {
    assert_eq!(format("generate = 1").unwrap_err().len(), 1);
}
