//! What must not compile: an identity number that is printed or serialised.

#[test]
fn identity_numbers_are_not_printed_or_serialised() {
    trybuild::TestCases::new().compile_fail("tests/compile-fail/*.rs");
}
