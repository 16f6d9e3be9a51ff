//! The settings `compression` and `compression_params` of exporters.

use super::BodyEncoding;
use chaperone_config::Problems;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a client packs what it sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Understood everywhere.
    #[default]
    Gzip,
    /// Smaller and faster, where the receiver knows it.
    Zstd,
    /// A block without framing, of which there is one.
    Snappy,
    /// Pieces of at most 64 KiB.
    #[serde(rename = "x-snappy-framed")]
    SnappyFramed,
    /// What gzip has inside, with another frame.
    Zlib,
    /// The same as `zlib`: what HTTP means by the word.
    Deflate,
    /// The frame format.
    Lz4,
    /// Not at all.
    None,
    /// Not at all.
    #[serde(rename = "")]
    Empty,
}

/// How hard a client works on packing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CompressionParams {
    /// 0 is the encoding's usual level; `gzip`, `zlib` and `deflate` take -2 to 9, `zstd` any.
    pub level: i32,
}

impl Compression {
    /// The content encoding of it.
    pub fn encoding(self) -> BodyEncoding {
        match self {
            Compression::Gzip => BodyEncoding::Gzip,
            Compression::Zstd => BodyEncoding::Zstd,
            Compression::Snappy => BodyEncoding::Snappy,
            Compression::SnappyFramed => BodyEncoding::SnappyFramed,
            Compression::Zlib => BodyEncoding::Zlib,
            Compression::Deflate => BodyEncoding::Deflate,
            Compression::Lz4 => BodyEncoding::Lz4,
            Compression::None | Compression::Empty => BodyEncoding::Identity,
        }
    }

    /// The encoding of it over gRPC, where `snappy` is the framing format.
    pub fn grpc_encoding(self) -> BodyEncoding {
        if self == Compression::Snappy { BodyEncoding::SnappyFramed } else { self.encoding() }
    }

    /// Adds a level that the encoding does not have; call it within the scope of the component.
    pub fn check_params(self, params: CompressionParams, problems: &mut Problems) {
        let is_good = match self.encoding() {
            BodyEncoding::Gzip | BodyEncoding::Zlib | BodyEncoding::Deflate => (-2..=9).contains(&params.level),
            // Levels it does not have mean the nearest one.
            BodyEncoding::Zstd | BodyEncoding::Identity => true,
            BodyEncoding::Snappy | BodyEncoding::SnappyFramed | BodyEncoding::Lz4 => params.level == 0,
        };
        if !is_good {
            let (level, name) = (params.level, self.encoding().name());
            let message = format!("unsupported parameters {{Level:{level}}} for compression type \"{name}\"");
            problems.error("compression_params.level", message);
        }
    }

    /// Adds an encoding that gRPC does not have; call it within the scope of the component.
    pub fn check_grpc(self, problems: &mut Problems) {
        let name = match self {
            Compression::Gzip | Compression::Zstd | Compression::Snappy | Compression::None | Compression::Empty => return,
            Compression::SnappyFramed | Compression::Zlib | Compression::Deflate | Compression::Lz4 => self.encoding().name(),
        };
        let message = format!("unsupported compression type \"{name}\"");
        problems.error_hint("compression", message, "gRPC has `gzip`, `snappy`, `zstd` and `none`");
    }
}
