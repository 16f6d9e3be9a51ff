//! What each recogniser finds, and what looks alike and is none.

use super::*;

fn found(text: &str) -> Vec<(Kind, &str)> {
    let recognizers = Recognizers::all();
    let mut hits = Vec::new();
    recognizers.find(text, &mut hits);
    hits.iter().map(|hit| (hit.kind, text.get(hit.start..hit.end).unwrap())).collect()
}

fn check(text: &str, kind: Kind, part: &str) {
    assert_eq!(found(text), [(kind, part)], "{text}");
}

#[test]
fn people_are_recognised() {
    check("mail jane.doe@example.com now", Kind::Email, "jane.doe@example.com");
    check("mail jane.doe%40example.com now", Kind::Email, "jane.doe%40example.com");
    check("call +49 170 1234567", Kind::Phone, "+49 170 1234567");
    check("(415) 555-2671 is hers", Kind::Phone, "(415) 555-2671");
    check("my phone: 467 3395", Kind::Phone, "467 3395");
    check("card 4111 1111 1111 1111", Kind::Card, "4111 1111 1111 1111");
    check("card 4111111111111111.", Kind::Card, "4111111111111111");
    check("to GB82 WEST 1234 5698 7654 32 please", Kind::Iban, "GB82 WEST 1234 5698 7654 32");
    check("SSN 514-69-0360", Kind::NationalId, "514-69-0360");
    check("dni 12345678Z", Kind::NationalId, "12345678Z");
    check("cpf 529.982.247-25", Kind::NationalId, "529.982.247-25");
    check("cf RSSMRA85T10A562S", Kind::NationalId, "RSSMRA85T10A562S");
    check("hetu 131052-308T", Kind::NationalId, "131052-308T");
    check("from 69.196.0.85 blocked", Kind::Ip, "69.196.0.85");
    check("from 2a02:8070:1:7ce::1f blocked", Kind::Ip, "2a02:8070:1:7ce::1f");
    check("pay 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", Kind::Wallet, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa");
}

#[test]
fn secrets_are_recognised() {
    check("key sk-abcdefghijklmnopqrst", Kind::Secret, "sk-abcdefghijklmnopqrst");
    check("AKIAQYLPMN5HFIQR7XYA", Kind::Secret, "AKIAQYLPMN5HFIQR7XYA");
    check("postgres://bob:hunter2@db/x", Kind::Login, "bob:hunter2");
    check("PASSWORD=x7", Kind::Secret, "x7");
    check("{\"password\": \"hunter2\"}", Kind::Secret, "hunter2");
    check("the api_key=k9 and api_key=9f8d7c6b5a4e3d2c more", Kind::Secret, "9f8d7c6b5a4e3d2c");
    check("Authorization: Bearer abcdefghijklmnop1234", Kind::Secret, "abcdefghijklmnop1234");
    check(
        "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----",
        Kind::PrivateKey,
        "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----",
    );
    check("eyJhbGciOiJIUzI1NiIsInR5cCI6.eyJzdWIiOiIxMjM0", Kind::Jwt, "eyJhbGciOiJIUzI1NiIsInR5cCI6.eyJzdWIiOiIxMjM0");
}

#[test]
fn names_ids_dates_and_places_are_not() {
    for text in [
        "gpt-4o-mini-2024-07-18",
        "chatcmpl-00001",
        "fbf8de97-1bab-44a3-82eb-94ff43f9dfbc",
        "0af7651916cd43dd8448eb211c80319c",
        "2026-11-21 10:57:37",
        "task-scheduler",
        "127.0.0.1:8199",
        "user@host",
        "C-1042",
        "1732190400000",
        "sk-learn-text-classifier",
        "password: required",
        "api_key = \"YOUR_API_KEY_HERE\"",
        "token = os.environ[\"X_TOKEN\"]",
        "input_tokens=1234567890123",
        "toolu_01A09q90qw90lq917835lq9",
        "call_abc123def456",
        "msg_01XFDUDYJgAACzvnptvVoYEL",
        "version 10.4.12.1",
        "3.14159265358979",
        "git@github.com:org/repo.git",
        "lodash@4.17.21",
    ] {
        assert_eq!(found(text), [], "{text}");
    }
}

#[test]
fn a_secret_behind_an_escaped_line_end_is_found() {
    check(r"x\nAKIAQYLPMN5HFIQR7XYA\n", Kind::Secret, "AKIAQYLPMN5HFIQR7XYA");
    check(r"hello\njane@example.com", Kind::Email, "jane@example.com");
}

#[test]
fn the_name_of_a_value_counts_as_its_context() {
    let recognizers = Recognizers::all();
    let mut hits = Vec::new();
    recognizers.find_named("db.password", "correct horse", &mut hits);
    assert_eq!(hits.iter().map(|hit| (hit.kind, hit.start, hit.end)).collect::<Vec<_>>(), [(Kind::Secret, 0, 13)]);
    recognizers.find_named("customer_phone", "467 3395", &mut hits);
    assert_eq!(hits.first().map(|hit| hit.kind), Some(Kind::Phone));
    recognizers.find_named("max_tokens", "4096123412341234", &mut hits);
    assert!(hits.is_empty());
}

#[test]
fn a_checksum_makes_a_token_certain() {
    let recognizers = Recognizers::all();
    let mut hits = Vec::new();
    recognizers.find("ghp_0123456789abcdefghijABCDEFGHIJ012345", &mut hits);
    assert_eq!(hits.first().map(|hit| hit.score), Some(SHAPE));
}

#[test]
fn recognisers_of_users_have_limits() {
    let mut recognizers = Recognizers::all();
    assert!(recognizers.add("x", "(").is_err());
    assert!(recognizers.add("x", "a*").is_err());
    assert!(recognizers.add("x", &"a".repeat(MAX_PATTERN_BYTES + 1)).is_err());
    assert!(recognizers.set_canaries(&["abc".to_owned()]).is_err());
    recognizers.add("employee", r"E-\d{6}").unwrap();
    recognizers.set_canaries(&["blue-heron".to_owned()]).unwrap();
    recognizers.allow(r".*@example\.com").unwrap();
    let mut hits = Vec::new();
    recognizers.find("E-123456 saw a blue-heron, ask support@example.com", &mut hits);
    assert_eq!(
        hits.iter().map(|hit| (hit.kind, hit.rule)).collect::<Vec<_>>(),
        [(Kind::Custom, "employee"), (Kind::Canary, "canary")]
    );
}

/// Texts made to be costly: what runs on and on, and anchors behind anchors. Twice the text must not cost four times as much,
/// which is seen as a test that ends.
#[test]
fn a_text_made_of_anchors_ends() {
    let recognizers = Recognizers::all();
    let mut hits = Vec::new();
    for part in
        ["token", "sk-", "-----BEGIN PRIVATE KEY-----", "://a:b", "a@", "1 ", "password=", "1.", "eyJ", "::1", "0x", "-u a:"]
    {
        let text = part.repeat(20_000 / part.len());
        recognizers.find(&text, &mut hits);
        assert!(hits.iter().all(|hit| hit.end <= text.len() && hit.start < hit.end), "{part}");
    }
}

proptest::proptest! {
    #[test]
    fn hits_are_in_order_apart_and_whole_characters(parts in proptest::collection::vec(proptest::sample::select(PIECES.to_vec()), 0..30)) {
        let text = parts.concat();
        let recognizers = Recognizers::all();
        let mut hits = Vec::new();
        recognizers.find(&text, &mut hits);
        let mut end = 0;
        for hit in &hits {
            proptest::prop_assert!(hit.start >= end && hit.end > hit.start, "{:?} in {:?}", hits, text);
            proptest::prop_assert!(text.get(hit.start..hit.end).is_some(), "{:?} in {:?}", hit, text);
            end = hit.end;
        }
    }
}

/// Pieces of which texts are made that nearly are something.
const PIECES: [&str; 40] = [
    "sk-",
    "ghp_",
    "AKIA",
    "eyJ",
    ".",
    "@",
    "example",
    ".com",
    "token",
    "=",
    ": ",
    "\"",
    "'",
    "\\n",
    "\n",
    " ",
    "-",
    "1",
    "4111",
    "1111",
    "+49",
    "(",
    ")",
    "://",
    "user",
    ":",
    "/",
    "x",
    "\u{e9}",
    "\u{20ac}",
    "\u{1f600}",
    "-----BEGIN RSA PRIVATE KEY-----",
    "-----END ",
    "Q~",
    "8Q~",
    "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789",
    "Authorization: ",
    "Bearer ",
    "phone ",
    "::1",
];
