//! Agents' own metrics under the names of the conventions' newest generation.
//!
//! What a metric means stands in `genai/data/native_metrics.tsv`; here its points are moved: under another name, from milliseconds
//! to seconds, or from histograms and counters split by kind of token into a counter a kind. Temporality stays as sent.
//! Points and metrics that the table does not know stay as they are.

use chaperone_genai::native_metrics::{How, Row, attribute, rows_of};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, number_data_point,
};

const MS_A_SECOND: f64 = 1000.0;

/// Rewrites a resource's metrics. False if nothing changed.
pub(super) fn make_canonical(resource: &mut ResourceMetrics) -> bool {
    let metrics = || resource.scope_metrics.iter().flat_map(|scope| &scope.metrics);
    if metrics().all(|metric| rows_of(&metric.name).is_empty()) {
        return false;
    }
    let names: Vec<String> = metrics().map(|metric| metric.name.clone()).collect();
    // The other metric, or what was made of it before.
    let is_sent = |other: &str| names.iter().any(|name| name == other || rows_of(other).iter().any(|row| row.target == name));
    let holds = |row: &Row| row.unless.is_none_or(|other| !is_sent(other));
    let mut changed = false;
    for scope in &mut resource.scope_metrics {
        for metric in std::mem::take(&mut scope.metrics) {
            let rows: Vec<&Row> = rows_of(&metric.name).iter().filter(|row| holds(row)).collect();
            changed |= move_points(metric, &rows, scope);
        }
    }
    changed
}

/// Points of a metric by the rows they fit; what fits none stays. False if all stayed.
fn move_points(mut metric: Metric, rows: &[&Row], scope: &mut ScopeMetrics) -> bool {
    let made = match &mut metric.data {
        _ if rows.is_empty() => Vec::new(),
        Some(Data::Histogram(histogram)) => of_histogram(histogram, rows),
        Some(Data::Sum(sum)) => of_sum(sum, rows),
        _ => Vec::new(),
    };
    let is_empty = match &metric.data {
        Some(Data::Histogram(histogram)) => histogram.data_points.is_empty(),
        Some(Data::Sum(sum)) => sum.data_points.is_empty(),
        _ => false,
    };
    let is_moved = !made.is_empty();
    for (target, unit, data) in made {
        let unit = unit.map_or_else(|| metric.unit.clone(), str::to_owned);
        let description = metric.description.clone();
        scope.metrics.push(Metric {
            name: target.to_owned(),
            description,
            unit,
            metadata: metric.metadata.clone(),
            data: Some(data),
        });
    }
    if !(is_moved && is_empty) {
        scope.metrics.push(metric);
    }
    is_moved
}

type Made = (&'static str, Option<&'static str>, Data);

fn of_histogram(histogram: &mut Histogram, rows: &[&Row]) -> Vec<Made> {
    let mut made = Vec::new();
    let mut is_moved = vec![false; histogram.data_points.len()];
    for row in rows {
        let mut points = Vec::new();
        for (point, moved) in histogram.data_points.iter().zip(&mut is_moved) {
            // A histogram may leave out its sum: then it says nothing about tokens.
            if fits(row, &point.attributes) && (row.how != How::Tokens || point.sum.is_some()) {
                *moved = true;
                points.push(point);
            }
        }
        if points.is_empty() {
            continue;
        }
        let temporality = histogram.aggregation_temporality;
        made.push(match row.how {
            How::Tokens => {
                let points = points.into_iter().map(|point| tokens_of(point, row));
                (row.target, Some("{token}"), counter(points, temporality))
            }
            how => {
                let points = points.into_iter().cloned().map(|mut point| {
                    spell(&mut point.attributes);
                    if how == How::Milliseconds { in_seconds(point) } else { point }
                });
                let data = Histogram { data_points: points.collect(), aggregation_temporality: temporality };
                (row.target, Some("s").filter(|_| how == How::Milliseconds), Data::Histogram(data))
            }
        });
    }
    let mut moved = is_moved.into_iter();
    histogram.data_points.retain(|_| !moved.next().unwrap_or(false));
    made
}

fn of_sum(sum: &mut Sum, rows: &[&Row]) -> Vec<Made> {
    let mut made = Vec::new();
    let mut is_moved = vec![false; sum.data_points.len()];
    for row in rows.iter().filter(|row| row.how != How::Milliseconds) {
        let mut points = Vec::new();
        for (point, moved) in sum.data_points.iter().zip(&mut is_moved) {
            if fits(row, &point.attributes) {
                *moved = true;
                points.push(point.clone());
            }
        }
        if points.is_empty() {
            continue;
        }
        made.push(if row.how == How::Tokens {
            let points = points.into_iter().map(|point| without_condition(point, row));
            (row.target, Some("{token}"), counter(points, sum.aggregation_temporality))
        } else {
            points.iter_mut().for_each(|point| spell(&mut point.attributes));
            (row.target, None, Data::Sum(Sum { data_points: points, ..*sum }))
        });
    }
    let mut moved = is_moved.into_iter();
    sum.data_points.retain(|_| !moved.next().unwrap_or(false));
    made
}

fn fits(row: &Row, attributes: &[KeyValue]) -> bool {
    let Some((key, values)) = &row.condition else { return true };
    let found = attributes.iter().find(|attribute| attribute.key == *key).and_then(|attribute| attribute.value.as_ref());
    matches!(found, Some(AnyValue { value: Some(Value::StringValue(text)) }) if values.contains(&text.as_str()))
}

/// Attribute keys in the conventions' spelling, unless that is there already.
fn spell(attributes: &mut [KeyValue]) {
    for at in 0..attributes.len() {
        let target = attributes.get(at).and_then(|pair| attribute(&pair.key));
        let Some(target) = target.filter(|target| attributes.iter().all(|pair| pair.key != *target)) else { continue };
        if let Some(pair) = attributes.get_mut(at) {
            target.clone_into(&mut pair.key);
        }
    }
}

fn tokens_of(point: &HistogramDataPoint, row: &Row) -> NumberDataPoint {
    let point = NumberDataPoint {
        attributes: point.attributes.clone(),
        start_time_unix_nano: point.start_time_unix_nano,
        time_unix_nano: point.time_unix_nano,
        exemplars: Vec::new(),
        flags: point.flags,
        value: Some(number_data_point::Value::AsDouble(point.sum.unwrap_or_default())),
    };
    without_condition(point, row)
}

/// The kind of token is the metric's name now.
fn without_condition(mut point: NumberDataPoint, row: &Row) -> NumberDataPoint {
    if let Some((key, _)) = &row.condition {
        point.attributes.retain(|attribute| attribute.key != *key);
    }
    spell(&mut point.attributes);
    point
}

/// A counter of whole tokens, in which points with the same attributes are one.
fn counter(points: impl Iterator<Item = NumberDataPoint>, aggregation_temporality: i32) -> Data {
    let mut merged: Vec<NumberDataPoint> = Vec::new();
    for mut point in points {
        point.attributes.sort_by(|one, other| one.key.cmp(&other.key));
        match merged.iter_mut().find(|known| known.attributes == point.attributes) {
            Some(known) => {
                known.value = Some(number_data_point::Value::AsDouble(number(known) + number(&point)));
                known.start_time_unix_nano = known.start_time_unix_nano.min(point.start_time_unix_nano);
                known.time_unix_nano = known.time_unix_nano.max(point.time_unix_nano);
            }
            None => merged.push(point),
        }
    }
    for point in &mut merged {
        point.value = Some(number_data_point::Value::AsInt(number(point).round() as i64));
    }
    Data::Sum(Sum { data_points: merged, aggregation_temporality, is_monotonic: true })
}

fn number(point: &NumberDataPoint) -> f64 {
    match point.value {
        Some(number_data_point::Value::AsDouble(number)) => number,
        Some(number_data_point::Value::AsInt(number)) => number as f64,
        None => 0.0,
    }
}

fn in_seconds(mut point: HistogramDataPoint) -> HistogramDataPoint {
    for value in [&mut point.sum, &mut point.min, &mut point.max].into_iter().flatten() {
        *value /= MS_A_SECOND;
    }
    point.explicit_bounds.iter_mut().for_each(|bound| *bound /= MS_A_SECOND);
    for exemplar in &mut point.exemplars {
        use opentelemetry_proto::tonic::metrics::v1::exemplar::Value as Exemplified;
        exemplar.value = match exemplar.value.take() {
            Some(Exemplified::AsDouble(ms)) => Some(Exemplified::AsDouble(ms / MS_A_SECOND)),
            Some(Exemplified::AsInt(ms)) => Some(Exemplified::AsDouble(ms as f64 / MS_A_SECOND)),
            None => None,
        };
    }
    point
}
