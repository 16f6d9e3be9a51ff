//! One module a command of the command line.

pub(crate) mod components;
pub(crate) mod docs;
pub(crate) mod explain;
pub(crate) mod featuregate;
pub(crate) mod generate;
pub(crate) mod print_config;
pub(crate) mod replay;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod validate;
