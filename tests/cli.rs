//! What the program prints when nothing is called: help, and the words for typical mistakes.
//!
//! `TRYCMD=overwrite cargo test --test cli` writes the snapshots anew; read the difference.

#[test]
fn help_and_mistakes_read_as_they_should() {
    trycmd::TestCases::new()
        .case("tests/cli/*.toml")
        // As wide everywhere.
        .env("COLUMNS", "100")
        // A version is no change of the words.
        .insert_var("[VERSION]", env!("CARGO_PKG_VERSION"))
        .expect("a well-formed name");
}
