//! What is planted: people's data, secrets and canaries, and where in a request.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use serde_json::Value as Json;

/// A planted text, and the part of it that must be nowhere afterwards.
pub struct Plant {
    pub text: &'static str,
    pub needle: &'static str,
}

const fn plant(text: &'static str, needle: &'static str) -> Plant {
    Plant { text, needle }
}

pub const PLANTS: [Plant; 20] = [
    plant("write to zoe.quist@planted-mail.example today", "zoe.quist@planted"),
    plant("key AKIAZQ3PLANT7EDXW2KQ", "AKIAZQ3PLANT7EDXW2KQ"),
    plant("ghp_pL4ntEdT0kEnAbCdEfGhIjKlMnOpQrStUv12", "pL4ntEdT0kEn"),
    plant("sk-proj-pL4nt3dAbCdEfGhIjKlMn0pQrStUvWxYz012345", "pL4nt3dAbCdEf"),
    plant("sk-ant-api03-pL4nt3dQwErTyUiOpAsDfGhJkLzXcVbNm1234567890", "pL4nt3dQwErTy"),
    plant("Authorization: Bearer pL4nt3d-7f3a9b2c41d0e5f6a7b8", "pL4nt3d-7f3a9b2c"),
    plant("postgres://svc:pl4nt3d-pw@db.internal/x", "pl4nt3d-pw"),
    plant("password=pl4nt3d-Secret9!", "pl4nt3d-Secret9"),
    plant("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJwbDRudDNkIn0.pL4nt3dSignature0123456789abcdef", "pL4nt3dSignature"),
    plant("xoxb-123456789012-1234567890123-pL4nt3dAbCdEfGhIjKlMnOpQ", "pL4nt3dAbCdEfGh"),
    plant("glpat-pL4nt3dXyZ0123456789", "pL4nt3dXyZ"),
    plant("canary-pl4nt3d-7f3a9b2c41d0", "pl4nt3d-7f3a9b2c41d0"),
    plant("see blue-heron-pl4nt3d there", "blue-heron-pl4nt3d"),
    plant("hooks.slack.com/services/T0PL4NT3D/B0PL4NT3D/pL4nt3dWebhookAbCdEfGhIjK", "pL4nt3dWebhook"),
    plant("pay with 5555 5555 5555 4444 now", "5555 5555 5555 4444"),
    plant("card 4012888888881881", "4012888888881881"),
    plant("to DE89 3704 0044 0532 0130 00 please", "DE89 3704 0044"),
    plant("SSN 514-69-0360", "514-69-0360"),
    plant("call +49 151 23456789", "151 23456789"),
    plant("dni 12345678Z", "12345678Z"),
];

/// The canary that no shape tells: the settings name it.
pub const CANARY: &str = "blue-heron-pl4nt3d";

/// Plants in turn, one a place.
pub struct Planting {
    next: usize,
    pub places: usize,
}

impl Planting {
    pub fn from(next: usize) -> Planting {
        Planting { next, places: 0 }
    }

    fn take(&mut self) -> &'static str {
        self.places += 1;
        self.next += 1;
        PLANTS[self.next % PLANTS.len()].text
    }

    /// Into a text: behind what is there.
    pub fn text(&mut self, text: &mut String) {
        let plant = self.take();
        text.push(' ');
        text.push_str(plant);
    }

    /// Into every text of a value; text that is JSON is opened and gets one into every string, and so does JSON in it.
    pub fn value(&mut self, value: &mut AnyValue) {
        match &mut value.value {
            Some(Value::StringValue(text)) => match serde_json::from_str::<Json>(text) {
                Ok(mut json @ (Json::Object(_) | Json::Array(_))) => {
                    self.json(&mut json);
                    *text = json.to_string();
                }
                _ => self.text(text),
            },
            Some(Value::ArrayValue(array)) => array.values.iter_mut().for_each(|item| self.value(item)),
            Some(Value::KvlistValue(map)) => {
                for pair in &mut map.values {
                    if let Some(value) = &mut pair.value {
                        self.value(value);
                    }
                }
            }
            Some(Value::BytesValue(bytes)) => bytes.extend(self.take().bytes()),
            _ => {}
        }
    }

    fn json(&mut self, json: &mut Json) {
        match json {
            Json::String(text) => match serde_json::from_str::<Json>(text) {
                Ok(mut inner @ (Json::Object(_) | Json::Array(_))) => {
                    self.json(&mut inner);
                    *text = inner.to_string();
                }
                _ => self.text(text),
            },
            Json::Array(items) => items.iter_mut().for_each(|item| self.json(item)),
            Json::Object(pairs) => pairs.values_mut().for_each(|value| self.json(value)),
            _ => {}
        }
    }

    /// A new attribute with a plant in its value, one in its key, one as bytes, and one deep in a map.
    pub fn attributes(&mut self, attributes: &mut Vec<KeyValue>) {
        let string = |text: String| Some(AnyValue { value: Some(Value::StringValue(text)) });
        let pair = |key: String, value: Option<AnyValue>| KeyValue { key, value, ..KeyValue::default() };
        attributes.push(pair("house.note".to_owned(), string(self.take().to_owned())));
        attributes.push(pair(format!("house.{}.seen", self.take()), string("yes".to_owned())));
        attributes.push(pair("house.raw".to_owned(), Some(AnyValue { value: Some(Value::BytesValue(self.take().into())) })));
        let deep = serde_json::json!({"a": [{"b": self.take()}], self.take(): 1, "c": {"d": serde_json::json!({"e": self.take()}).to_string()}});
        attributes.push(pair("house.json".to_owned(), string(deep.to_string())));
        attributes.push(pair("db.password".to_owned(), string("pl4nt3d-pw correct horse".to_owned())));
    }
}
