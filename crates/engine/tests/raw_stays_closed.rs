//! SDC-001, SDC-004: programs that print, clone, serialise or read a raw result do not compile.

#[test]
fn sdc_001_004_raw_results_cannot_be_read() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/compile_fail/*.rs");
}
