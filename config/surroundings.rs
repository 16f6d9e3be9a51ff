//! What loading a configuration may ask of the world around it: variables, files, and the rules that gates change.
//!
//! All of it is passed in, so that this crate is tested without an environment and without files.

/// Looks an environment variable up.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Reads a file; the error is the reason alone, the path is known.
pub type ReadFile<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// The world around a configuration.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// What `${env:NAME}` becomes; `None` where the variable is not set.
    pub env: Env<'a>,
    /// What `${file:PATH}` becomes.
    pub file: ReadFile<'a>,
    /// Rules that differ when feature gates are on.
    pub gates: Gates,
}

impl<'a> Surroundings<'a> {
    /// Variables and nothing else: every file is refused, every gate is off.
    pub fn of_env(env: Env<'a>) -> Surroundings<'a> {
        Surroundings { env, file: &|_| Err("files are not read here".to_owned()), gates: Gates::default() }
    }
}

/// Rules of loading that are off unless a feature gate turns them on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gates {
    /// `confmap.enableMergeAppendOption`: a later source adds to `service::extensions` and to the receivers and exporters
    /// of pipelines instead of replacing them.
    pub append_lists: bool,
    /// `service.AllowNoPipelines`: a service without pipelines is good.
    pub allow_no_pipelines: bool,
}
