//! What `#[derive(ApiModel)]` says about mistakes, word by word, and what it takes.
//!
//! After a change of a message: `TRYBUILD=overwrite cargo test -p django-api-orm --test ui`, and read the difference.

#[test]
fn ui() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/fail/*.rs");
    cases.pass("tests/ui/pass/*.rs");
}
