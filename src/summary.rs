//! What a person is told when the collector runs, and after a reload: on standard error, beside the log.
//!
//! Colours only on a terminal, and not where NO_COLOR is set. The lines hold what the components themselves announced.

use chaperone_config::{Document, Reference};
use chaperone_pipeline::Announcement;
use chaperone_pipeline::engine::Reloaded;
use std::fmt::Write;
use std::io::IsTerminal;

/// What there is to tell at the start.
pub(crate) struct Summary<'a> {
    pub document: &'a Document,
    /// Where the configuration came from.
    pub sources: &'a [String],
    /// Whether its files are watched.
    pub watched: bool,
    pub announcements: &'a [Announcement],
    pub own_metrics: &'a [String],
    pub warnings: usize,
}

/// Whether standard error shows colours.
pub(crate) fn is_colourful() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// A heading, bold where that is seen.
fn head(text: &str, colours: bool) -> String {
    if colours { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
}

impl Summary<'_> {
    pub fn text(&self, colours: bool) -> String {
        let mut text = String::new();
        let head = |text: &str| head(text, colours);
        let _ = writeln!(text, "{} {}", head("chaperone"), env!("CARGO_PKG_VERSION"));
        let again = if self.watched { "SIGHUP, and when a file changes" } else { "SIGHUP" };
        let _ = writeln!(text, "{} {} (read again on {again})", head("configuration:"), self.sources.join(", "));
        let _ = writeln!(text, "{}", head("pipelines:"));
        let pipelines = &self.document.service.pipelines;
        let width = pipelines.iter().map(|pipeline| pipeline.id.to_string().len()).max().unwrap_or_default();
        for pipeline in pipelines {
            let mut steps = vec![ids(&pipeline.receivers)];
            if !pipeline.processors.is_empty() {
                steps.push(ids(&pipeline.processors));
            }
            steps.push(ids(&pipeline.exporters));
            let _ = writeln!(text, "  {:width$}  {}", pipeline.id.to_string(), steps.join(" -> "));
        }
        if !self.document.service.extensions.is_empty() {
            let _ = writeln!(text, "{} {}", head("extensions:"), ids(&self.document.service.extensions));
        }
        announced(&mut text, self.announcements);
        for address in self.own_metrics {
            let _ = writeln!(text, "own metrics: exposed at {address}");
        }
        match self.warnings {
            0 => {}
            1 => text.push_str("1 warning, see above\n"),
            more => drop(writeln!(text, "{more} warnings, see above")),
        }
        text
    }
}

/// What a reload changed.
pub(crate) fn of_reload(reloaded: &Reloaded, announcements: &[Announcement], own_metrics: &[String], colours: bool) -> String {
    let mut text = String::new();
    let components = if reloaded.kept == 1 { "component" } else { "components" };
    let _ = writeln!(text, "{} {} {components} went on as before", head("reloaded:", colours), reloaded.kept);
    let lists = [
        ("added", &reloaded.added),
        ("replaced", &reloaded.replaced),
        ("removed", &reloaded.removed),
        ("pipelines changed", &reloaded.pipelines),
    ];
    for (what, names) in lists.iter().filter(|(_, names)| !names.is_empty()) {
        let _ = writeln!(text, "  {what}: {}", names.join(", "));
    }
    announced(&mut text, announcements);
    for address in own_metrics {
        let _ = writeln!(text, "own metrics: exposed at {address}");
    }
    text
}

fn announced(text: &mut String, announcements: &[Announcement]) {
    for said in announcements {
        let _ = writeln!(text, "{}: {}", said.component, said.what);
    }
}

fn ids(references: &[Reference]) -> String {
    let ids: Vec<String> = references.iter().map(|reference| reference.id.to_string()).collect();
    ids.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use chaperone_config::{Source, load};

    const CONFIG: &str = "
receivers: {otlp: {protocols: {http: }}}
processors: {batch: , attributes/team: }
exporters: {debug: , nop: }
extensions: {health_check: }
service:
  extensions: [health_check]
  pipelines:
    traces: {receivers: [otlp], processors: [batch, attributes/team], exporters: [debug, nop]}
    logs/raw: {receivers: [otlp], exporters: [nop]}
";

    #[test]
    fn a_start_is_told_in_a_few_lines() {
        let source = Source::Text { name: "collector.yaml".to_owned(), text: CONFIG.to_owned() };
        let (document, _) = load(&[source], &|_| None).unwrap_or_else(|problems| panic!("{problems}"));
        let said = Announcement { component: "otlp".to_owned(), what: "listening for OTLP/HTTP on 127.0.0.1:4318".to_owned() };
        let summary = Summary {
            document: &document,
            sources: &["collector.yaml".to_owned(), "1 setting of the command line".to_owned()],
            watched: true,
            announcements: &[said],
            own_metrics: &["http://127.0.0.1:8888/metrics".to_owned()],
            warnings: 2,
        };
        let expected = format!(
            "chaperone {}
configuration: collector.yaml, 1 setting of the command line (read again on SIGHUP, and when a file changes)
pipelines:
  traces    otlp -> batch, attributes/team -> debug, nop
  logs/raw  otlp -> nop
extensions: health_check
otlp: listening for OTLP/HTTP on 127.0.0.1:4318
own metrics: exposed at http://127.0.0.1:8888/metrics
2 warnings, see above
",
            env!("CARGO_PKG_VERSION")
        );
        assert_eq!(summary.text(false), expected);
        assert!(summary.text(true).starts_with("\x1b[1mchaperone\x1b[0m "));
    }

    #[test]
    fn a_reload_tells_what_changed_and_nothing_else() {
        let reloaded = Reloaded { replaced: vec!["exporter debug".to_owned()], kept: 4, ..Reloaded::default() };
        assert_eq!(
            of_reload(&reloaded, &[], &[], false),
            "reloaded: 4 components went on as before\n  replaced: exporter debug\n"
        );
    }
}
