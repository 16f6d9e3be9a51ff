//! Calls joined by hand-made records.
