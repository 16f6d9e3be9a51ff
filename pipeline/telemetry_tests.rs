//! Own metrics as they are written.

use super::*;
use crate::exposition::write;

fn text(telemetry: &Telemetry) -> String {
    let mut out = String::new();
    write(&telemetry.families(), &mut out);
    out
}

#[test]
fn the_same_name_and_labels_give_the_same_counter() {
    let telemetry = Telemetry::default();
    telemetry.counter("hits", "Hits.", &[("room", "a")]).add(2);
    telemetry.clone().counter("hits", "Hits.", &[("room", "a")]).add(3);
    telemetry.counter("hits", "Hits.", &[("room", "b")]).add(1);
    assert_eq!(text(&telemetry), "# HELP hits Hits.\n# TYPE hits counter\nhits{room=\"a\"} 5\nhits{room=\"b\"} 1\n");
}

#[test]
fn help_and_label_values_are_escaped() {
    let telemetry = Telemetry::default();
    telemetry.gauge("g", "a\\b\nc \"d\"", &[("l", "a\\b\nc \"d\"")]).set(1);
    assert_eq!(text(&telemetry), "# HELP g a\\\\b\\nc \"d\"\n# TYPE g gauge\ng{l=\"a\\\\b\\nc \\\"d\\\"\"} 1\n");
}

#[test]
fn a_histogram_is_cumulative_and_ends_with_infinity() {
    let telemetry = Telemetry::default();
    let histogram = telemetry.histogram("h", "", &[("x", "y")], &[0.5, 2.0]);
    for value in [0.5, 1.0, 3.0] {
        histogram.observe(value);
    }
    let lines = [
        "# TYPE h histogram",
        "h_bucket{x=\"y\",le=\"0.5\"} 1",
        "h_bucket{x=\"y\",le=\"2\"} 2",
        "h_bucket{x=\"y\",le=\"+Inf\"} 3",
        "h_sum{x=\"y\"} 4.5",
        "h_count{x=\"y\"} 3",
        "",
    ];
    assert_eq!(text(&telemetry), lines.join("\n"));
}

#[test]
fn a_read_gauge_may_ask_the_registry_itself() {
    let telemetry = Telemetry::default();
    let inner = telemetry.clone();
    telemetry.gauge_fn("families", "", &[], move || inner.lock().len() as f64);
    assert_eq!(text(&telemetry), "# TYPE families gauge\nfamilies 1\n");
}

#[test]
fn a_name_keeps_its_first_type() {
    let telemetry = Telemetry::default();
    telemetry.counter("n", "", &[]).add(1);
    telemetry.gauge("n", "", &[]).set(7);
    assert_eq!(text(&telemetry), "# TYPE n counter\nn 1\n");
}

#[test]
fn numbers_read_back_as_what_they_were() {
    for (value, expected) in [
        (0.0, "0"),
        (1e6, "1000000"),
        (0.1, "0.1"),
        (1e300, "1e300"),
        (2.5e-7, "2.5e-7"),
        (f64::INFINITY, "+Inf"),
        (f64::NEG_INFINITY, "-Inf"),
        (f64::NAN, "NaN"),
    ] {
        assert_eq!(le(value), expected);
    }
}

#[test]
fn a_level_leaves_out_what_is_above_it() {
    let telemetry = Telemetry::default();
    telemetry.counter("otelcol_exporter_sent_spans", "Sent.", &[]).add(1);
    telemetry.counter("otelcol_processor_batch_timeout_trigger_send", "Late.", &[]).add(1);
    let sizes = telemetry.detailed_histogram("otelcol_exporter_enqueue_size", "Sizes.", &[], &[1.0]);
    telemetry.counter("chaperone_queue_sent_items", "Ours.", &[]).add(1);
    sizes.observe(1.0);
    let shown = |level| {
        telemetry.set_level(level);
        telemetry.families().into_iter().map(|family| family.name).collect::<Vec<_>>()
    };
    let (ours, sent) = ("chaperone_queue_sent_items", "otelcol_exporter_sent_spans");
    let late = "otelcol_processor_batch_timeout_trigger_send";
    assert_eq!(shown(Level::Basic), [ours, sent]);
    assert_eq!(shown(Level::Normal), [ours, sent, late]);
    assert_eq!(shown(Level::Detailed), [ours, "otelcol_exporter_enqueue_size", sent, late]);
    let count = || telemetry.families()[1].samples.last().map(|sample| sample.value);
    assert_eq!(count(), Some(0.0), "nothing was counted while nobody wanted it");
    sizes.observe(1.0);
    assert_eq!(count(), Some(1.0));
}

#[test]
fn a_gauge_may_be_taken_from_before_it_is_added_to() {
    let gauge = Telemetry::default().gauge("held", "Held.", &[]);
    gauge.sub(20);
    assert_eq!(gauge.get(), 0);
    gauge.add(25);
    assert_eq!(gauge.get(), 5);
}
