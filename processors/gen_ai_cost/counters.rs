//! What the processor says about itself.

use chaperone_genai::usage::{CostSource, Costed, Decision, Role, Verdict};
use chaperone_pipeline::{BuildContext, Counter};

pub(super) struct Counters {
    calls: [(&'static str, Counter); 4],
    costs: [(CostSource, Counter); 6],
    differs: Counter,
    pub(super) evicted: Counter,
    pub(super) store_failures: Counter,
}

impl Counters {
    pub(super) fn new(ctx: &BuildContext) -> Counters {
        let (telemetry, id) = (ctx.telemetry(), ctx.id().to_string());
        let help = "Records that tell of model calls, by whether their tokens count.";
        let calls = ["self", "duplicate", "aggregate", "resent"]
            .map(|scope| (scope, telemetry.counter("chaperone_usage_records", help, &[("processor", &id), ("scope", scope)])));
        let help = "Records with usage by where their cost comes from.";
        let costs = CostSource::ALL.map(|source| {
            let labels = [("processor", id.as_str()), ("source", source.as_str())];
            (source, telemetry.counter("chaperone_cost_records", help, &labels))
        });
        let one = |name, help| telemetry.counter(name, help, &[("processor", &id)]);
        Counters {
            calls,
            costs,
            differs: one(
                "chaperone_cost_reported_differs",
                "Records whose reported and computed cost differ by more than 5 percent.",
            ),
            evicted: one(
                "chaperone_usage_window_evicted",
                "Records and ids forgotten to make room: sent again, they count again.",
            ),
            store_failures: one("chaperone_usage_store_failures", "Checkpoints of what was counted that failed."),
        }
    }

    pub(super) fn count(&self, verdict: &Verdict, role: Role, costing: Option<&Costed>) {
        let scope = match verdict.decision {
            _ if verdict.resent => Some("resent"),
            Decision::Owner => Some("self"),
            Decision::Duplicate(_) => Some("duplicate"),
            Decision::Aggregate if role == Role::Aggregate => Some("aggregate"),
            Decision::Aggregate | Decision::Plain => None,
        };
        if let Some((_, counter)) = self.calls.iter().find(|(known, _)| Some(*known) == scope) {
            counter.add(1);
        }
        if let Some(costing) = costing {
            if let Some((_, counter)) = self.costs.iter().find(|(source, _)| *source == costing.source) {
                counter.add(1);
            }
            self.differs.add(u64::from(costing.differs));
        }
    }
}
