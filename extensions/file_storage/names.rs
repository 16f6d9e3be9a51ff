//! The file name of a component's store.

use chaperone_pipeline::Owner;

/// `exporter_otlp_http_eu` for `exporters.otlp_http/eu`, as the Collector names its files; the name may be empty.
pub(super) fn file_name(owner: &Owner) -> String {
    let raw = format!("{}_{}_{}", owner.kind.word(), owner.id.kind, owner.id.name.as_deref().unwrap_or_default());
    let mut safe = String::with_capacity(raw.len());
    for letter in raw.chars() {
        if letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_') {
            safe.push(letter);
        } else {
            let mut units = [0; 2];
            for unit in letter.encode_utf16(&mut units) {
                safe.push_str(&format!("~{unit:04X}"));
            }
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use chaperone_config::ComponentId;
    use chaperone_pipeline::Kind;

    #[test]
    fn every_component_has_a_file_of_its_own_with_a_name_that_any_disk_takes() {
        let of = |kind, id| file_name(&Owner { kind, id: ComponentId::parse(id).unwrap() });
        assert_eq!(of(Kind::Exporter, "otlp_http"), "exporter_otlp_http_");
        assert_eq!(of(Kind::Connector, "alerts/eu-1"), "connector_alerts_eu-1");
        assert_eq!(of(Kind::Connector, "alerts/../x"), "connector_alerts_~002E~002E~002Fx");
        assert_eq!(of(Kind::Processor, "alerts/a:b"), "processor_alerts_a~003Ab");
        assert_eq!(of(Kind::Connector, "alerts/\u{E9}"), "connector_alerts_~00E9");
    }
}
