//! The conservation equations, checked from one scrape of the collector's own metrics.
//!
//! Per component: what came in was passed, consumed, dropped with a reason, or is held. Per edge: what one gave the next
//! got. Per queue: what was taken in was sent, dropped with a reason, waits, or is on its way. Per receiver: what was
//! received was accepted, refused, joined an earlier copy, or is under way.
//! After a reload that changed the wiring an edge may have brought less than its component gave, never more.
//!
//! A scrape while requests are being worked on may be out by what is under way: check at rest.

use crate::scrape::{Sample, parse};

/// Checks all equations; the errors are sentences with the figures.
pub fn check(scrape: &str) -> Result<(), Vec<String>> {
    let samples = parse(scrape).map_err(|error| vec![format!("{error:#}")])?;
    let scrape = Scrape(&samples);
    let mut wrong = Vec::new();
    if scrape.keys("chaperone_component_items", &["component"]).is_empty() {
        wrong.push("the scrape has no `chaperone_component_items`: there is nothing to check".to_owned());
    }
    components(&scrape, &mut wrong);
    edges(&scrape, &mut wrong);
    queues(&scrape, &mut wrong);
    receivers(&scrape, &mut wrong);
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

const PLACE: [&str; 4] = ["component", "kind", "pipeline", "signal"];

fn components(scrape: &Scrape<'_>, wrong: &mut Vec<String>) {
    for place in scrape.keys("chaperone_component_items", &PLACE) {
        let items = |direction| scrape.sum("chaperone_component_items", &pairs(&PLACE, &place), &[("direction", direction)]);
        let dropped = scrape.sum("chaperone_component_dropped_items", &pairs(&PLACE, &place), &[]);
        let held = scrape.sum("chaperone_component_held_items", &pairs(&PLACE, &place), &[]);
        let (entered, passed, consumed) = (items("in"), items("passed"), items("consumed"));
        if entered != passed + consumed + dropped + held {
            let name = place.join(" ");
            wrong.push(format!(
                "{name}: in {entered} is not passed {passed} + consumed {consumed} + dropped {dropped} + held {held}"
            ));
        }
    }
}

fn edges(scrape: &Scrape<'_>, wrong: &mut Vec<String>) {
    const EDGE: [&str; 6] = ["from", "from_kind", "from_pipeline", "signal", "to", "to_pipeline"];
    const TO: [&str; 4] = ["to", "to_kind", "to_pipeline", "signal"];
    let rewired = scrape.sum("chaperone_graph_rewirings", &[], &[]) > 0.0;
    for edge in scrape.keys("chaperone_edge_items", &EDGE) {
        let over = scrape.sum("chaperone_edge_items", &pairs(&EDGE, &edge), &[]);
        let from = pairs(&PLACE, &edge[..4]);
        let given = scrape.sum("chaperone_component_items", &from, &[("direction", "passed")])
            + scrape.sum("chaperone_component_items", &from, &[("direction", "made")]);
        // An edge that was drawn or taken away by a reload has seen a part of what its component gave.
        if over != given && !(rewired && over < given) {
            wrong.push(format!("edge {}: {over} went over it, `{}` gave {given}", edge.join(" "), edge[0]));
        }
    }
    for to in scrape.keys("chaperone_edge_items", &TO) {
        let over = scrape.sum("chaperone_edge_items", &pairs(&TO, &to), &[]);
        let entered = scrape.sum("chaperone_component_items", &pairs(&PLACE, &to), &[("direction", "in")]);
        if over != entered {
            wrong.push(format!("{}: its edges brought {over}, in is {entered}", to.join(" ")));
        }
    }
}

fn queues(scrape: &Scrape<'_>, wrong: &mut Vec<String>) {
    for queue in scrape.keys("chaperone_queue_enqueued_items", &["exporter", "signal"]) {
        let of = pairs(&["exporter", "signal"], &queue);
        let sum = |name| scrape.sum(name, &of, &[]);
        let enqueued = sum("chaperone_queue_enqueued_items");
        let (sent, waiting) = (sum("chaperone_queue_sent_items"), sum("chaperone_queue_waiting_items"));
        let (in_flight, dropped) = (sum("chaperone_queue_in_flight_items"), sum("chaperone_queue_dropped_items"));
        if enqueued != sent + waiting + in_flight + dropped {
            wrong.push(format!(
                "queue {}: enqueued {enqueued} is not sent {sent} + waiting {waiting} + in flight {in_flight} + dropped {dropped}",
                queue.join(" ")
            ));
        }
        let place = pairs(&["component", "signal"], &queue);
        let given = scrape.sum("chaperone_component_items", &place, &[("kind", "exporter"), ("direction", "passed")]);
        if enqueued != given {
            wrong.push(format!("queue {}: enqueued {enqueued}, its exporter was given {given}", queue.join(" ")));
        }
    }
}

fn receivers(scrape: &Scrape<'_>, wrong: &mut Vec<String>) {
    for receiver in scrape.keys("chaperone_receiver_items", &["receiver", "signal"]) {
        let of = pairs(&["receiver", "signal"], &receiver);
        let items = |outcome| scrape.sum("chaperone_receiver_items", &of, &[("outcome", outcome)]);
        let (received, accepted, refused, joined) = (items("received"), items("accepted"), items("refused"), items("joined"));
        let under_way = scrape.sum("chaperone_receiver_under_way_items", &of, &[]);
        let name = receiver.join(" ");
        if received != accepted + refused + joined + under_way {
            wrong.push(format!(
                "receiver {name}: received {received} is not accepted {accepted} + refused {refused} + joined {joined} + \
                 under way {under_way}"
            ));
        }
        let failed = |reason| scrape.sum("chaperone_receiver_refused_items", &of, &[("reason", reason)]);
        let ran = accepted + failed("retryable") + failed("permanent");
        let place = pairs(&["component", "signal"], &receiver);
        let entered = scrape.sum("chaperone_component_items", &place, &[("kind", "receiver"), ("direction", "in")]);
        if ran + under_way != entered {
            wrong.push(format!(
                "receiver {name}: {ran} were accepted or failed, {under_way} are under way, {entered} entered the graph"
            ));
        }
    }
}

fn pairs<'a>(keys: &[&'a str], values: &'a [String]) -> Vec<(&'a str, &'a str)> {
    keys.iter().copied().zip(values.iter().map(String::as_str)).collect()
}

/// All samples of a scrape.
struct Scrape<'a>(&'a [Sample]);

impl Scrape<'_> {
    /// The different values of these labels among the samples of a name.
    fn keys(&self, name: &str, labels: &[&str]) -> Vec<Vec<String>> {
        let value = |line: &Sample, label: &&str| line.labels.get(*label).cloned().unwrap_or_default();
        let of_name = self.0.iter().filter(|line| line.name == name);
        let mut keys: Vec<Vec<String>> = of_name.map(|line| labels.iter().map(|label| value(line, label)).collect()).collect();
        keys.sort();
        keys.dedup();
        keys
    }
    /// The sum of the samples of a name that have all these labels.
    fn sum(&self, name: &str, place: &[(&str, &str)], more: &[(&str, &str)]) -> f64 {
        let has = |line: &Sample, (key, value): &(&str, &str)| line.labels.get(*key).map_or("", String::as_str) == *value;
        let fits = |line: &&Sample| line.name == name && place.iter().chain(more).all(|pair| has(line, pair));
        // An empty `sum` of floats is -0.
        self.0.iter().filter(fits).fold(0.0, |sum, line| sum + line.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
# TYPE chaperone_component_items counter
chaperone_component_items{component="otlp",direction="in",kind="receiver",pipeline="",signal="traces"} 10
chaperone_component_items{component="otlp",direction="passed",kind="receiver",pipeline="",signal="traces"} 10
chaperone_component_items{component="f",direction="in",kind="processor",pipeline="traces",signal="traces"} 10
chaperone_component_items{component="f",direction="passed",kind="processor",pipeline="traces",signal="traces"} 6
chaperone_component_dropped_items{component="f",kind="processor",pipeline="traces",reason="a \"b\\",signal="traces"} 3
chaperone_component_held_items{component="f",kind="processor",pipeline="traces",signal="traces"} 1
chaperone_component_items{component="x",direction="in",kind="exporter",pipeline="traces",signal="traces"} 6
chaperone_component_items{component="x",direction="passed",kind="exporter",pipeline="traces",signal="traces"} 6
chaperone_edge_items{from="otlp",from_kind="receiver",from_pipeline="",signal="traces",to="f",to_kind="processor",to_pipeline="traces"} 10
chaperone_edge_items{from="f",from_kind="processor",from_pipeline="traces",signal="traces",to="x",to_kind="exporter",to_pipeline="traces"} 6
chaperone_queue_enqueued_items{exporter="x",signal="traces"} 6
chaperone_queue_sent_items{exporter="x",signal="traces"} 4
chaperone_queue_waiting_items{exporter="x",signal="traces"} 1
chaperone_queue_dropped_items{exporter="x",reason="rejected",signal="traces"} 1
chaperone_receiver_items{outcome="received",receiver="otlp",signal="traces",transport="grpc"} 12
chaperone_receiver_items{outcome="accepted",receiver="otlp",signal="traces",transport="grpc"} 9
chaperone_receiver_under_way_items{receiver="otlp",signal="traces",transport="grpc"} 1
chaperone_receiver_items{outcome="joined",receiver="otlp",signal="traces",transport="grpc"} 2
"#;

    #[test]
    fn a_scrape_that_adds_up_is_good() {
        assert_eq!(check(GOOD), Ok(()));
    }

    #[test]
    fn every_figure_is_needed_by_some_equation() {
        for (number, text) in GOOD.lines().enumerate().filter(|(_, text)| text.contains('}')) {
            let (series, value) = text.rsplit_once(' ').expect("a sample");
            let more: u64 = value.parse::<u64>().expect("a number") + 1;
            let changed = GOOD.replace(text, &format!("{series} {more}"));
            assert!(check(&changed).is_err(), "line {number}: {text}");
        }
    }

    #[test]
    fn a_scrape_of_something_else_is_not_taken_for_good() {
        assert!(check("up 1\n").is_err());
        assert!(check("<html>").is_err());
    }
}
