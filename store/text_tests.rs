//! One case for each row of the rules, read through a real request: that is how values come.

use super::text_of;
use chaperone_proto::{Limits, Traces};

#[track_caller]
fn check(value: &str, expected: &str) {
    let body = format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"0000000000000001",
        "name":"s","attributes":[{{"key":"k","value":{value}}}]}}]}}]}}]}}"#
    );
    let traces = Traces::decode_json(body.as_bytes(), &Limits::default()).unwrap();
    let value = traces.span(0).attrs().get_named("k").unwrap();
    assert_eq!(text_of(value), expected);
}

#[test]
fn text_is_written_as_it_is() {
    check(r#"{"stringValue":"na\u00efve \u2603 tab\t nul\u0000 end"}"#, "na\u{ef}ve \u{2603} tab\t nul\0 end");
    check(r#"{"stringValue":""}"#, "");
}

#[test]
fn integers_are_decimal() {
    check(r#"{"intValue":"9007199254740993"}"#, "9007199254740993");
    check(r#"{"intValue":"-7"}"#, "-7");
}

#[test]
fn doubles_are_the_shortest_text_that_reads_back() {
    for (value, expected) in [
        ("3.0", "3"),
        ("0.1", "0.1"),
        ("-0.25", "-0.25"),
        ("0.0", "0"),
        ("123456789.125", "123456789.125"),
        ("1e20", "100000000000000000000"),
        ("1e21", "1e+21"),
        ("1.5e300", "1.5e+300"),
        ("0.000001", "0.000001"),
        ("1e-7", "1e-7"),
        ("-2.5e-9", "-2.5e-9"),
        ("\"NaN\"", "NaN"),
        ("\"Infinity\"", "Infinity"),
        ("\"-Infinity\"", "-Infinity"),
    ] {
        check(&format!(r#"{{"doubleValue":{value}}}"#), expected);
    }
}

#[test]
fn booleans_are_words() {
    check(r#"{"boolValue":true}"#, "true");
    check(r#"{"boolValue":false}"#, "false");
}

#[test]
fn bytes_are_padded_base64() {
    check(r#"{"bytesValue":"AP9hYg=="}"#, "AP9hYg==");
    check(r#"{"bytesValue":"aGk="}"#, "aGk=");
    check(r#"{"bytesValue":"aGlq"}"#, "aGlq");
    check(r#"{"bytesValue":""}"#, "");
}

#[test]
fn no_value_is_an_empty_text() {
    check("{}", "");
}

#[test]
fn arrays_are_compact_json() {
    check(
        r#"{"arrayValue":{"values":[{"stringValue":"x\"y"},{"intValue":"1"},{"doubleValue":1.5},{"boolValue":true},
            {"arrayValue":{"values":[{"stringValue":"in"}]}},{}]}}"#,
        r#"["x\"y",1,1.5,true,["in"],null]"#,
    );
    check(r#"{"arrayValue":{}}"#, "[]");
}

#[test]
fn maps_are_json_with_sorted_keys_and_only_line_separators_escaped() {
    check(
        r#"{"kvlistValue":{"values":[{"key":"y","value":{"intValue":"2"}},{"key":"x","value":{"stringValue":"<&>\u2028\u00e9"}},
            {"key":"n","value":{"kvlistValue":{"values":[{"key":"d","value":{"doubleValue":2.0}},{"key":"b","value":{"bytesValue":"aGk="}}]}}},
            {"key":"u","value":{}}]}}"#,
        "{\"n\":{\"b\":\"aGk=\",\"d\":2},\"u\":null,\"x\":\"<&>\\u2028\u{e9}\",\"y\":2}",
    );
    check(r#"{"kvlistValue":{}}"#, "{}");
}

#[test]
fn of_equal_keys_in_a_map_the_last_one_stands() {
    check(
        r#"{"kvlistValue":{"values":[{"key":"k","value":{"intValue":"1"}},{"key":"k","value":{"intValue":"2"}}]}}"#,
        r#"{"k":2}"#,
    );
}

#[test]
fn control_characters_are_escaped_inside_json() {
    check(r#"{"arrayValue":{"values":[{"stringValue":"\b\f\n\r\t\u0001\u007f\\"}]}}"#, "[\"\\b\\f\\n\\r\\t\\u0001\u{7f}\\\\\"]");
}

#[test]
fn an_array_or_map_with_a_number_that_json_lacks_is_lost_as_a_whole() {
    check(r#"{"arrayValue":{"values":[{"doubleValue":"NaN"},{"doubleValue":3.0}]}}"#, "");
    check(r#"{"kvlistValue":{"values":[{"key":"a","value":{"arrayValue":{"values":[{"doubleValue":"Infinity"}]}}}]}}"#, "");
}
