//! Components of the OpenTelemetry Collector's distributions that are not part of Chaperone, and what to do instead.
//!
//! Somebody who brings a `collector.yaml` should read that a component is known and missing, not that they mistyped it.
//! Names stand without underscores, because both spellings are in use (`hostmetrics`, `host_metrics`); some were removed
//! from the Collector long ago, and configurations still name them.

use crate::Kind;

/// What to do instead of a component nobody here has; `None` if no distribution is known to have it either.
pub(crate) fn hint(kind: Kind, name: &str) -> Option<String> {
    let plain = plain(name);
    let (known, otherwise) = match kind {
        Kind::Receiver => (RECEIVERS, COLLECTOR_IN_FRONT),
        Kind::Processor => (PROCESSORS, COLLECTOR_IN_FRONT),
        Kind::Connector => (CONNECTORS, "a Collector in front or behind can do it, over OTLP"),
        Kind::Exporter => (EXPORTERS, "send OTLP with `otlp_grpc` or `otlp_http` to a backend that takes it, or to a Collector"),
        Kind::Extension => (EXTENSIONS, "nothing here needs it: leave it out, and out of `service.extensions`"),
    };
    known.split(' ').any(|known| known == plain).then(|| {
        let instead = INSTEAD.iter().find(|(of, names, _)| *of == kind && names.contains(&plain.as_str()));
        let instead = instead.map_or(otherwise, |(_, _, instead)| instead);
        format!("a component of the OpenTelemetry Collector that is not part of Chaperone; {instead}")
    })
}

/// A name as the tables have it.
fn plain(name: &str) -> String {
    name.chars().filter(|c| *c != '_').collect()
}

const COLLECTOR_IN_FRONT: &str = "a Collector in front can do it and send here over OTLP";
const SPEAK_OTLP: &str = "let senders speak OTLP to the `otlp` receiver";
const SEND_A_HEADER: &str =
    "a client sends a token with `headers: {Authorization: ...}`, a server asks for certificates with `tls.client_ca_file`";

/// Better advice than what holds for every component of a kind.
const INSTEAD: &[(Kind, &[&str], &str)] = &[
    (
        Kind::Receiver,
        &["jaeger", "zipkin", "opencensus", "skywalking", "datadog", "sapm", "signalfx", "libhoney", "faro", "otelarrow"],
        SPEAK_OTLP,
    ),
    (Kind::Receiver, &["otlpjsonfile"], "`otlp_file` reads recorded OTLP"),
    (
        Kind::Processor,
        &["transform", "span", "logstransform"],
        "`attributes` and `resource` set, rename, hash and remove attributes",
    ),
    (Kind::Processor, &["tailsampling", "dynamicsampling"], "`probabilistic_sampler` samples by trace id"),
    (Kind::Processor, &["redaction"], "`gen_ai_content` removes and masks what prompts, answers and attributes hold"),
    (
        Kind::Processor,
        &["resourcedetection", "k8sattributes", "awsecsattributes"],
        "tell senders with `OTEL_RESOURCE_ATTRIBUTES`, or set attributes with `resource`",
    ),
    (
        Kind::Processor,
        &["spanmetrics", "servicegraph"],
        "it became a connector; `gen_ai_metrics` makes metrics of model calls, tool calls and their cost",
    ),
    (
        Kind::Connector,
        &["spanmetrics", "signaltometrics", "count", "sum", "exceptions"],
        "`gen_ai_metrics` makes metrics of model calls, tool calls and their cost",
    ),
    (Kind::Connector, &["roundrobin", "failover"], "`retry_on_failure` and `sending_queue` of an exporter bridge an outage"),
    (Kind::Exporter, &["jaeger", "jaegerthrift", "zipkin"], "Jaeger takes OTLP: send with `otlp_grpc`"),
    (Kind::Exporter, &["loki"], "Loki takes OTLP: send with `otlp_http` to its endpoint `/otlp`"),
    (
        Kind::Exporter,
        &["prometheusremotewrite"],
        "`prometheus` is scraped, and `otlp_http` sends to Prometheus' own OTLP endpoint `/api/v1/otlp`",
    ),
    (
        Kind::Extension,
        &[
            "basicauth",
            "bearertokenauth",
            "oauth2client",
            "oauth2clientauth",
            "oidc",
            "oidcauth",
            "asapclient",
            "googleclientauth",
        ],
        SEND_A_HEADER,
    ),
    (Kind::Extension, &["headerssetter"], "an exporter sends fixed headers with `headers`"),
    (Kind::Extension, &["healthcheckv2"], "use `health_check`"),
    (Kind::Extension, &["dbstorage", "redisstorage"], "use `file_storage`"),
    (Kind::Extension, &["memoryballast", "memorylimiter"], "use the processor `memory_limiter`"),
];

/// Receivers.
const RECEIVERS: &str = "activedirectoryds activedirectoryinv aerospike apache apachespark awscloudwatch awscontainerinsight \
    awsecscontainermetrics awsfirehose awslambda awss3 awsxray azureblob azureeventhub azurefunctions azuremonitor bigip \
    carbon chrony ciscoos cloudflare cloudfoundry collectd couchdb datadog dnscheck dockerstats elasticsearch envoyals \
    expvar faro filelog filestats flinkmetrics fluentforward github gitlab googlecloudmonitoring googlecloudpubsub \
    googlecloudpubsubpush googlecloudspanner haproxy hostmetrics httpcheck huaweicloudces icmpcheck iis influxdb jaeger \
    jmx journald k8scluster k8sevents k8sobjects kafka kafkametrics kubeletstats libhoney loki macosunifiedlogging \
    memcached mongodb mongodbatlas mysql namedpipe netflow nginx nop nsxt ntp opencensus oracledb osquery otelarrow \
    otlpjsonfile podman postgresql pprof prometheus prometheusremotewrite pulsar purefa purefb rabbitmq receivercreator \
    redfish redis riak saphana sapm signalfx simpleprometheus skywalking snmp snowflake solace splunkenterprise splunkhec \
    sqlquery sqlserver sshcheck statsd stef syslog systemd tcpcheck tcplog tlscheck udplog vcenter vcr wavefront \
    webhookevent windowseventlog windowsperfcounters windowsservice yanggrpc zipkin zookeeper";

/// Processors.
const PROCESSORS: &str = "awsecsattributes cardinalityguardian coralogix cumulativetodelta datadog deltatocumulative deltatorate drain \
    dynamicsampling filter geoip groupbyattrs groupbytrace interval isolationforest k8sattributes logdedup logstransform \
    lookup metricsgeneration metricstarttime metricstransform queuebatch redaction remotetap resourcedetection routing \
    schema servicegraph span spanmetrics spanpruning sumologic tailsampling transform unroll";

/// Connectors.
const CONNECTORS: &str = "count datadog exceptions failover grafanacloud metricsaslogs otlpjson roundrobin routing servicegraph signaltometrics \
    slowsql spanmetrics sum";

/// Exporters.
const EXPORTERS: &str = "alertmanager alibabacloudlogservice awscloudwatchlogs awsemf awskinesis awss3 awsxray azureblob azuredataexplorer \
    azuremonitor bmchelix carbon cassandra coralogix datadog dataset doris elasticsearch faro googlecloud \
    googlecloudpubsub googlecloudstorage googlemanagedprometheus honeycombmarker influxdb instana jaeger jaegerthrift \
    kafka lightstep loadbalancing logicmonitor logzio loki mezmo opencensus opensearch otelarrow prometheusremotewrite \
    pulsar rabbitmq sapm sematext sentry signalfx skywalking splunkhec stef sumologic syslog tencentcloudlogservice \
    tinybird zipkin";

/// Extensions.
const EXTENSIONS: &str = "ack asapauth asapclient avrologencoding awscloudwatchmetricstreamsencoding awslogsencoding awsproxy azureauth \
    azureencoding basicauth bearertokenauth cfgardenobserver cgroupruntime datadog dbstorage dockerobserver ecsobserver \
    googleclientauth googlecloudlogentryencoding headerssetter healthcheckv2 hostobserver httpforwarder jaegerencoding \
    jaegerquery jaegerremotesampling jaegerstorage jsonlogencoding k8sleaderelector k8sobserver kafkatopicsobserver mcp \
    memoryballast memorylimiter oauth2client oauth2clientauth oidc oidcauth opamp otlpencoding redisstorage remotetap \
    sigv4auth skywalkingencoding solarwindsapmsettings sumologic textencoding zipkinencoding";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_a_component_are_known() {
        for name in ["k8sattributes", "k8s_attributes", "resource_detection"] {
            let hint = hint(Kind::Processor, name).unwrap_or_default();
            assert!(hint.contains("not part of Chaperone") && hint.contains("OTEL_RESOURCE_ATTRIBUTES"), "{name}: {hint}");
        }
        assert_eq!(hint(Kind::Processor, "atributes"), None);
        assert_eq!(hint(Kind::Exporter, "k8s_attributes"), None, "of another kind");
    }

    #[test]
    fn every_piece_of_advice_belongs_to_a_component_in_the_tables() {
        for (kind, names, _) in INSTEAD {
            for name in *names {
                assert!(hint(*kind, name).is_some(), "{name}");
                assert_eq!(plain(name), *name);
            }
        }
    }
}
