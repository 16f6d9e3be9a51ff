//! What own metrics say about components: sums of samples by name and labels.

use chaperone_pipeline::Telemetry;
use chaperone_pipeline::exposition::Family;

/// All own metrics at one moment.
pub(super) struct Figures(Vec<Family>);

impl Figures {
    pub(super) fn now(telemetry: &Telemetry) -> Figures {
        Figures(telemetry.families())
    }
    /// The sum over all samples of a name that have these labels; `None` when there is none.
    pub(super) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let family = self.0.iter().find(|family| family.name == name)?;
        let fits = |wanted: &(&str, &str), has: &[(String, String)]| {
            has.iter().any(|(key, value)| (key.as_str(), value.as_str()) == *wanted)
        };
        let samples = family.samples.iter().filter(|sample| labels.iter().all(|wanted| fits(wanted, &sample.labels)));
        samples.map(|sample| sample.value).reduce(|sum, value| sum + value)
    }
    /// All of them, by name and labels.
    pub(super) fn json(&self) -> serde_json::Value {
        let family = |family: &Family| {
            let samples = family.samples.iter().map(|sample| {
                let labels: serde_json::Map<_, _> =
                    sample.labels.iter().map(|(key, value)| (key.clone(), value.clone().into())).collect();
                serde_json::json!({"name": format!("{}{}", family.name, sample.suffix), "labels": labels, "value": sample.value})
            });
            (family.name.clone(), samples.collect())
        };
        serde_json::Value::Object(self.0.iter().map(family).collect())
    }
}
