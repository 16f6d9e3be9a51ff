//! `chaperone validate`: everything that is wrong with a configuration, without opening a socket or a file of data.
//!
//! Prints nothing when all is well; warnings and errors go to standard error.

use crate::cli::{ConfigArgs, Done};
use crate::{app, telemetry};
use chaperone_pipeline::Registry;

pub(crate) fn validate(args: &ConfigArgs, registry: &Registry) -> Done {
    telemetry::start_logs("warn");
    let warnings = app::check(&app::sources(args)?, registry, &|name| std::env::var(name).ok())?;
    if !warnings.is_empty() {
        eprintln!("{warnings}");
    }
    Ok(())
}
