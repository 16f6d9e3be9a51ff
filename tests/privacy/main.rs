//! `gen_ai_content` on every capture: nothing planted is left, what must survive survives, other telemetry stays as it is.
//!
//! Each capture runs through the processors of the default pipelines. People's data, secrets and canaries are planted in turn into
//! every place that holds text: attributes of every class, keys, names, status, events, links, resource, scope, bodies, JSON in texts.

mod chain;
mod kept;
mod planted;
mod plants;
