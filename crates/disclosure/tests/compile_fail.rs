//! SDC-001, SDC-002, SDC-004: what the types make impossible. Each file must fail to compile for the reason recorded
//! beside it.

#[test]
fn sdc_004_raw_stays_in_and_released_is_made_here_alone() {
    trybuild::TestCases::new().compile_fail("tests/compile-fail/*.rs");
}
