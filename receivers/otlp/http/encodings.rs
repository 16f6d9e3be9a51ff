//! Which content encodings are understood: the setting `compression_algorithms`.

use chaperone_net::BodyEncoding;
use http::HeaderValue;

/// The encodings of one server.
pub(super) enum Encodings {
    /// Nothing is decompressed and the header is not looked at: somebody before us has seen to it.
    AsTheyAre,
    /// These; `Identity` among them lets bodies come without the header.
    Known(Vec<BodyEncoding>),
}

impl Encodings {
    /// `None` stands for all. Names that nobody knows were refused with the settings.
    pub(super) fn new(names: Option<&[String]>) -> Encodings {
        match names {
            None => Encodings::Known([&[BodyEncoding::Identity], &BodyEncoding::ALL[..]].concat()),
            Some([]) => Encodings::AsTheyAre,
            Some(names) => Encodings::Known(names.iter().filter_map(|name| named(name.as_bytes())).collect()),
        }
    }

    /// The encoding of a request, or the name that is not understood.
    pub(super) fn of(&self, header: Option<&HeaderValue>) -> Result<BodyEncoding, String> {
        let Encodings::Known(known) = self else { return Ok(BodyEncoding::Identity) };
        let name = header.map_or(&b""[..], HeaderValue::as_bytes);
        let found = named(name).filter(|encoding| known.contains(encoding));
        found.ok_or_else(|| String::from_utf8_lossy(name).into_owned())
    }
}

/// No name is no compression; `identity` is nobody's name.
fn named(name: &[u8]) -> Option<BodyEncoding> {
    if name.is_empty() { Some(BodyEncoding::Identity) } else { BodyEncoding::from_name(name) }
}
