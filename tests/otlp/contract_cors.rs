//! 3.1.11 and 3.2.03 to 3.2.06: pages of other origins. All answers were recorded from a Collector with these settings.

use crate::bench::Bench;
use crate::bodies::spans_json;
use crate::wire::{Answer, JSON, bare, post};

const SETTINGS: &str = "cors: {allowed_origins: ['https://*.example.com', 'http://x.test'], allowed_headers: [X-A], \
                        exposed_headers: [x-b, X-C], max_age: 77}";
const VARY: &str = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";
const ASKED: (&str, &str) = ("Access-Control-Request-Method", "POST");

/// The headers that a browser looks at.
fn told(answer: &Answer) -> Vec<(&str, &str)> {
    let ours = |(name, _): &&(String, String)| name == "vary" || name.starts_with("access-control-");
    let mut told: Vec<_> = answer.headers.iter().filter(ours).map(|(name, value)| (name.as_str(), value.as_str())).collect();
    told.sort_unstable();
    told
}

fn allowed<'a>(origin: &'a str, method: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("access-control-allow-credentials", "true"),
        ("access-control-allow-methods", method),
        ("access-control-allow-origin", origin),
        ("access-control-max-age", "77"),
        ("vary", VARY),
    ]
}

// 3.2.03: 204 with what is allowed; before content encoding and path are looked at. Origins in any case.
#[tokio::test]
async fn r3_2_03_a_preflight_is_told_what_is_allowed() {
    let bench = Bench::http(SETTINGS).await;
    for origin in ["https://a.example.com", "HTTPS://A.Example.COM", "http://x.test", "https://.example.com"] {
        for path in ["/v1/traces", "/nowhere"] {
            let answer = bench.ask(bare("OPTIONS", path, &[("Origin", origin), ASKED, ("Content-Encoding", "br")])).await;
            assert_eq!((answer.status, told(&answer), answer.text()), (204, allowed(origin, "POST"), String::new()));
        }
    }
    for method in ["GET", "HEAD", "OPTIONS"] {
        let asked = ("Access-Control-Request-Method", method);
        let answer = bench.ask(bare("OPTIONS", "/v1/traces", &[("Origin", "http://x.test"), asked])).await;
        assert_eq!(told(&answer), allowed("http://x.test", method));
    }
    bench.stop().await;
}

// 3.2.04: 204 with `Vary` alone.
#[tokio::test]
async fn r3_2_04_a_preflight_that_is_refused_is_told_nothing() {
    let bench = Bench::http(SETTINGS).await;
    let good = ("Origin", "http://x.test");
    let headers = |names: &'static str| ("Access-Control-Request-Headers", names);
    let asked = |method: &'static str| ("Access-Control-Request-Method", method);
    for refused in [
        &[("Origin", "https://evil.test"), ASKED][..],
        &[("Origin", "https://example.com"), ASKED],
        &[ASKED],
        &[good, asked("PUT")],
        &[good, asked("post")],
        &[good, ASKED, headers("content-type")],
        &[good, ASKED, headers("x-a,x-b")],
        // Browsers name each once, in lower case.
        &[good, ASKED, headers("X-A")],
        &[good, ASKED, headers("x-a, x-a")],
    ] {
        let answer = bench.ask(bare("OPTIONS", "/v1/traces", refused)).await;
        assert_eq!((answer.status, told(&answer)), (204, vec![("vary", VARY)]), "{refused:?}");
    }
    for granted in ["x-a", ",x-a,", " x-a "] {
        let answer = bench.ask(bare("OPTIONS", "/v1/traces", &[good, ASKED, headers(granted)])).await;
        assert_eq!(answer.header("access-control-allow-headers"), granted.trim(), "{granted}");
    }
    bench.stop().await;
}

// 3.2.05: whoever sends is served; only the headers tell a browser whether its page may see the answer.
#[tokio::test]
async fn r3_2_05_a_post_of_any_origin_is_taken() {
    let bench = Bench::http(SETTINGS).await;
    let marked = |origin| {
        vec![
            ("access-control-allow-credentials", "true"),
            ("access-control-allow-origin", origin),
            ("access-control-expose-headers", "X-B, X-C"),
            ("vary", "Origin"),
        ]
    };
    for (origin, expected) in [
        ("https://a.example.com", marked("https://a.example.com")),
        ("http://x.test", marked("http://x.test")),
        ("https://evil.test", vec![("vary", "Origin")]),
    ] {
        let answer = bench.ask(post("/v1/traces", &[JSON, ("Origin", origin)], spans_json(1))).await;
        assert_eq!((answer.status, told(&answer)), (200, expected), "{origin}");
    }
    let without = bench.ask(post("/v1/traces", &[JSON], spans_json(1))).await;
    assert_eq!((without.status, told(&without)), (200, vec![("vary", "Origin")]));
    assert_eq!(bench.taken().len(), 4);
    // Errors carry them too, or a page could not read why; methods that are no simple ones do not.
    let good = ("Origin", "http://x.test");
    for (answer, status) in [
        (bench.ask(post("/nowhere", &[JSON, good], "")).await, 404),
        (bench.ask(post("//v1/traces", &[JSON, good], "")).await, 307),
        (bench.ask(bare("OPTIONS", "/v1/traces", &[good])).await, 405),
        (bench.ask(bare("GET", "/v1/traces", &[good])).await, 405),
    ] {
        assert_eq!((answer.status, told(&answer)), (status, marked("http://x.test")));
    }
    let put = bench.ask(bare("PUT", "/v1/traces", &[good])).await;
    assert_eq!((put.status, told(&put)), (405, vec![("vary", "Origin")]));
    bench.stop().await;
}

// 3.1.11: `*` for every origin is told as `*`; without a list the headers that every page needs are allowed.
#[tokio::test]
async fn r3_1_11_a_star_allows_every_origin() {
    let bench = Bench::http("cors: {allowed_origins: ['*'], max_age: -1}").await;
    let origin = ("Origin", "https://evil.test");
    let answer = bench.ask(post("/v1/traces", &[JSON, origin], "{}")).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, "*"));
    let ask = |names| bench.ask(bare("OPTIONS", "/v1/traces", &[origin, ASKED, ("Access-Control-Request-Headers", names)]));
    for allowed in ["accept", "content-type", "x-requested-with", "accept,content-type"] {
        let answer = ask(allowed).await;
        assert_eq!(answer.header("access-control-allow-headers"), allowed);
        assert_eq!(answer.header("access-control-max-age"), "0");
    }
    for refused in ["authorization", "content-type,accept"] {
        assert!(!ask(refused).await.has("access-control-allow-origin"), "{refused}");
    }
    bench.stop().await;
    let bench = Bench::http("cors: {allowed_origins: ['*'], allowed_headers: ['*']}").await;
    let asked = ("Access-Control-Request-Headers", "x-b,x-a");
    let answer = bench.ask(bare("OPTIONS", "/v1/traces", &[origin, ASKED, asked])).await;
    assert_eq!(answer.header("access-control-allow-headers"), "x-b,x-a");
    bench.stop().await;
}

// 3.2.06: without origins the block is off, and the settings are warned of.
#[tokio::test]
async fn r3_2_06_headers_allowed_to_nobody_are_warned_of() {
    let settings = "cors: {allowed_headers: [x-a]}";
    let bench = Bench::http(settings).await;
    let answer = bench.ask(bare("OPTIONS", "/v1/traces", &[("Origin", "http://x.test"), ASKED])).await;
    assert_eq!((answer.status, told(&answer)), (405, vec![]));
    bench.stop().await;
    let said = crate::contract_settings::said(&format!("{{protocols: {{http: {{{settings}}}}}}}"));
    let expected = "warning: The CORS configuration specifies allowed headers but no allowed origins, and is therefore ignored.";
    assert!(said.contains(expected), "{said}");
}
