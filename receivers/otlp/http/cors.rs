//! Which pages of other origins may send, told in the headers that browsers look for.
//!
//! Nothing is refused here: a request of an origin that is not allowed is worked on, its answer only lacks the headers
//! without which a browser hides it. Origins are compared without regard to case.

use crate::otlp::config::Cors;
use chaperone_net::{Body, body};
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD,
    HeaderValue, ORIGIN, VARY,
};
use http::{HeaderMap, Method, Response, StatusCode};
use std::collections::BTreeSet;

/// Empty members of a list of headers that are tolerated.
const MAX_EMPTY: usize = 16;

/// Who may send what.
pub(super) struct Policy {
    origins: Origins,
    /// `None` allows all. In lower case.
    headers: Option<Vec<String>>,
    exposed: Option<HeaderValue>,
    max_age: Option<HeaderValue>,
}

enum Origins {
    All,
    /// Beginning and end of each, in lower case; without an end the beginning is all of it.
    Listed(Vec<(String, Option<String>)>),
}

/// Whether a browser asks what it may do.
pub(super) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    *method == Method::OPTIONS && headers.get(ACCESS_CONTROL_REQUEST_METHOD).is_some_and(|method| !method.is_empty())
}

impl Policy {
    /// `None` when nobody is allowed anything.
    pub(super) fn new(settings: &Cors) -> Option<Policy> {
        if settings.allowed_origins.is_empty() {
            return None;
        }
        let listed = settings.allowed_origins.iter().map(|origin| {
            let origin = origin.to_lowercase();
            match origin.split_once('*') {
                Some((begin, end)) => (begin.to_owned(), Some(end.to_owned())),
                None => (origin, None),
            }
        });
        let origins = match settings.allowed_origins.iter().any(|origin| origin == "*") {
            true => Origins::All,
            false => Origins::Listed(listed.collect()),
        };
        let listed = settings.allowed_headers.iter().map(|name| name.to_lowercase());
        let headers: BTreeSet<String> = match settings.allowed_headers.is_empty() {
            true => ["accept", "content-type", "x-requested-with"].map(str::to_owned).into(),
            false => listed.collect(),
        };
        let exposed: Vec<String> = settings.exposed_headers.iter().map(|name| canonical(name)).collect();
        let max_age = (settings.max_age != 0).then(|| HeaderValue::from(settings.max_age.max(0)));
        Some(Policy {
            origins,
            headers: (!headers.contains("*")).then(|| headers.into_iter().collect()),
            exposed: HeaderValue::from_str(&exposed.join(", ")).ok().filter(|value| !value.is_empty()),
            max_age,
        })
    }

    /// What a browser is told before it sends.
    pub(super) fn preflight(&self, asked: &HeaderMap) -> Response<Body> {
        let mut response = Response::new(body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let told = response.headers_mut();
        let vary = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";
        told.insert(VARY, HeaderValue::from_static(vary));
        let Some(origin) = self.allowed_origin(asked) else { return response };
        let Some(method) = asked.get(ACCESS_CONTROL_REQUEST_METHOD).filter(|method| is_simple(method)) else { return response };
        if !self.accepts(asked) {
            return response;
        }
        told.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        told.insert(ACCESS_CONTROL_ALLOW_METHODS, method.clone());
        if asked.get(ACCESS_CONTROL_REQUEST_HEADERS).is_some_and(|first| !first.is_empty()) {
            for value in asked.get_all(ACCESS_CONTROL_REQUEST_HEADERS) {
                told.append(ACCESS_CONTROL_ALLOW_HEADERS, value.clone());
            }
        }
        told.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        if let Some(max_age) = &self.max_age {
            told.insert(ACCESS_CONTROL_MAX_AGE, max_age.clone());
        }
        response
    }

    /// Headers for the answer to anything else.
    pub(super) fn marks(&self, method: &Method, asked: &HeaderMap) -> HeaderMap {
        let mut marks = HeaderMap::new();
        marks.insert(VARY, HeaderValue::from_static("Origin"));
        let is_simple = HeaderValue::from_str(method.as_str()).is_ok_and(|method| is_simple(&method));
        let Some(origin) = self.allowed_origin(asked).filter(|_| is_simple) else { return marks };
        marks.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        if let Some(exposed) = &self.exposed {
            marks.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed.clone());
        }
        marks.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        marks
    }

    /// What is told of the request's origin, if it is allowed.
    fn allowed_origin(&self, asked: &HeaderMap) -> Option<HeaderValue> {
        let origin = asked.get(ORIGIN).filter(|origin| !origin.is_empty())?;
        let Origins::Listed(listed) = &self.origins else { return Some(HeaderValue::from_static("*")) };
        let lower = origin.to_str().ok()?.to_lowercase();
        let is_allowed = |(begin, end): &(String, Option<String>)| match end {
            None => lower == *begin,
            Some(end) => lower.len() >= begin.len() + end.len() && lower.starts_with(begin) && lower.ends_with(end),
        };
        listed.iter().any(is_allowed).then(|| origin.clone())
    }

    /// Whether all headers that the browser wants to send are allowed. Browsers name them in lower case, each once, sorted.
    fn accepts(&self, asked: &HeaderMap) -> bool {
        let Some(known) = &self.headers else { return true };
        let (mut next, mut empty) = (0, 0);
        for value in asked.get_all(ACCESS_CONTROL_REQUEST_HEADERS) {
            let Ok(value) = value.to_str() else { return false };
            for name in value.split(',') {
                let name = name.strip_prefix([' ', '\t']).unwrap_or(name);
                let name = name.strip_suffix([' ', '\t']).unwrap_or(name);
                if name.is_empty() {
                    empty += 1;
                    if empty > MAX_EMPTY {
                        return false;
                    }
                    continue;
                }
                match known.iter().skip(next).position(|allowed| allowed == name) {
                    Some(further) => next += further + 1,
                    None => return false,
                }
            }
        }
        true
    }
}

/// The methods of simple requests; browsers may ask for no other.
fn is_simple(method: &HeaderValue) -> bool {
    matches!(method.as_bytes(), b"GET" | b"POST" | b"HEAD" | b"OPTIONS")
}

/// `x-request-id` as `X-Request-Id`.
fn canonical(name: &str) -> String {
    let part = |part: &str| {
        let mut characters = part.chars();
        let first = characters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(characters.map(|c| c.to_ascii_lowercase())).collect::<String>()
    };
    name.split('-').map(part).collect::<Vec<_>>().join("-")
}
