//! The binary: the components of this repository behind the command line of the library.
//!
//! A distribution with components of its own is the same ten lines over `chaperone::extended`.

use std::process::ExitCode;

fn main() -> ExitCode {
    chaperone::run(chaperone::built_in())
}
