//! One module a command of the command line.

pub(crate) mod components;
pub(crate) mod generate;
pub(crate) mod replay;
pub(crate) mod run;
pub(crate) mod validate;
