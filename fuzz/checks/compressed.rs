//! Compressed bodies: no more comes out than the limit and the budget allow, whatever goes in.

use bytes::Bytes;
use chaperone_net::compression::{BodyEncoding, compress, decompress};
use chaperone_net::{Meter, ReceiveError};
use http::HeaderValue;

/// A budget that ends.
struct Budget {
    left: usize,
}

impl Meter for Budget {
    fn grow(&mut self, bytes: usize) -> bool {
        let enough = self.left.checked_sub(bytes);
        self.left = enough.unwrap_or(self.left);
        enough.is_some()
    }
}

const LIMIT: usize = 1 << 20;

/// The names of all encodings that a header may have; those that this build does not know are left out.
fn encodings() -> Vec<BodyEncoding> {
    let names = ["identity", "gzip", "zstd", "zlib", "deflate", "snappy", "x-snappy-framed", "lz4"];
    names.iter().filter_map(|name| BodyEncoding::from_header(Some(&HeaderValue::from_static(name)))).collect()
}

/// The first byte chooses the encoding, the second how much the budget has.
pub fn check(input: &[u8]) {
    let [encoding, budget, body @ ..] = input else { return };
    let encodings = encodings();
    let encoding = encodings[usize::from(*encoding) % encodings.len()];
    let most = usize::from(*budget) << 14;
    let mut meter = Budget { left: most };
    let body = Bytes::copy_from_slice(body);
    match decompress(&body, encoding, LIMIT, &mut meter) {
        Ok(plain) => {
            assert!(plain.len() <= LIMIT || encoding == BodyEncoding::Identity, "the limit holds");
            // What was charged is at least what is kept; bodies that are not compressed were charged when they arrived.
            let charged = most - meter.left;
            assert!(charged >= plain.len() || encoding == BodyEncoding::Identity, "{charged} charged, {} kept", plain.len());
            if let Ok(packed) = compress(&[plain.clone()], encoding) {
                assert_eq!(decompress(&packed, encoding, usize::MAX, &mut ()).expect("what we compress can be read"), plain);
            }
        }
        Err(ReceiveError::TooLarge { limit }) => assert_eq!(limit, LIMIT),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
