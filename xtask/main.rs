//! Tasks of this repository: `cargo xtask test`, `tidy`, `bench`, `gen`.
fn main() {}
