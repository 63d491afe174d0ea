//! The example in the documentation of the derive.

include!("../../../derive/doc/example.rs");

#[test]
fn holds() {
    main();
}
