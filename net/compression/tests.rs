//! Every encoding: what comes back, what is refused, what was charged meanwhile.

use super::*;

/// A budget that remembers the most that was charged.
struct Budget {
    left: usize,
    charged: usize,
}

impl Budget {
    fn of(left: usize) -> Budget {
        Budget { left, charged: 0 }
    }
}

impl Meter for Budget {
    fn grow(&mut self, bytes: usize) -> bool {
        let fits = bytes <= self.left;
        if fits {
            self.left -= bytes;
            self.charged += bytes;
        }
        fits
    }
}

fn sample() -> Bytes {
    (0..60_000_u32).flat_map(|i| (i.wrapping_mul(2_654_435_761) >> 24).to_le_bytes()).collect::<Vec<u8>>().into()
}

fn noise(length: usize) -> Bytes {
    let mut state = 1_u32;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    noise.take(length).collect::<Vec<u8>>().into()
}

#[test]
fn what_was_compressed_in_pieces_comes_back_whole() {
    let whole = sample();
    for encoding in BodyEncoding::ALL {
        let packed = compress(&[whole.slice(..1000), Bytes::new(), whole.slice(1000..)], encoding).unwrap();
        assert!(packed.len() < whole.len(), "{encoding:?}");
        assert!(decompress(&packed, encoding, whole.len(), &mut ()).unwrap() == whole, "{encoding:?}");
    }
}

#[test]
fn a_body_of_nothing_comes_back_as_nothing() {
    for encoding in BodyEncoding::ALL {
        let packed = compress(&[], encoding).unwrap();
        assert_eq!(decompress(&packed, encoding, 10, &mut ()).unwrap(), Bytes::new(), "{encoding:?}");
    }
}

#[test]
fn snappy_understands_the_framing_format_by_its_first_bytes() {
    let whole = sample();
    let framed = compress(std::slice::from_ref(&whole), BodyEncoding::SnappyFramed).unwrap();
    assert!(decompress(&framed, BodyEncoding::Snappy, whole.len(), &mut ()).unwrap() == whole);
    let block = compress(&[whole], BodyEncoding::Snappy).unwrap();
    assert!(decompress(&block, BodyEncoding::SnappyFramed, usize::MAX, &mut ()).is_err(), "a block is not framed");
}

#[test]
fn the_limit_is_the_largest_size_that_passes() {
    let whole = sample();
    for encoding in BodyEncoding::ALL {
        let packed = compress(std::slice::from_ref(&whole), encoding).unwrap();
        let error = decompress(&packed, encoding, whole.len() - 1, &mut ()).unwrap_err();
        assert!(matches!(error, ReceiveError::TooLarge { .. }), "{encoding:?}: {error}");
    }
}

#[test]
fn a_bomb_is_refused_at_the_limit_and_charged_no_more_than_that() {
    let zeros = Bytes::from(vec![0; 8 << 20]);
    for encoding in BodyEncoding::ALL {
        let bomb = compress(std::slice::from_ref(&zeros), encoding).unwrap();
        let mut budget = Budget::of(usize::MAX);
        let error = decompress(&bomb, encoding, 1 << 20, &mut budget).unwrap_err();
        assert!(matches!(error, ReceiveError::TooLarge { limit: 1_048_576 }), "{encoding:?}: {error}");
        assert!(budget.charged <= 1 << 20, "{encoding:?} charged {}", budget.charged);
    }
}

#[test]
fn a_bomb_is_refused_when_the_budget_ends() {
    let zeros = Bytes::from(vec![0; 8 << 20]);
    for encoding in BodyEncoding::ALL {
        let bomb = compress(std::slice::from_ref(&zeros), encoding).unwrap();
        let error = decompress(&bomb, encoding, 100 << 20, &mut Budget::of(1 << 20)).unwrap_err();
        assert!(matches!(error, ReceiveError::OverBudget), "{encoding:?}: {error}");
    }
}

#[test]
fn a_block_that_promises_more_than_it_can_hold_is_refused_before_it_is_charged() {
    // 16 MiB, in seven bytes.
    let body = Bytes::from_static(&[0x80, 0x80, 0x80, 0x08, 0x00, 0x41, 0xfe]);
    let mut budget = Budget::of(usize::MAX);
    let error = decompress(&body, BodyEncoding::Snappy, 20 << 20, &mut budget).unwrap_err();
    assert_eq!((error.to_string().as_str(), budget.charged), ("snappy: corrupt input", 0));
    // The densest block there is passes: 64 bytes for each three.
    let dense = compress(&[Bytes::from(vec![7; 4 << 20])], BodyEncoding::Snappy).unwrap();
    assert!(decompress(&dense, BodyEncoding::Snappy, 20 << 20, &mut ()).is_ok());
}

#[test]
fn data_that_are_not_compressed_are_told_in_the_collectors_words() {
    for (encoding, body, expected) in [
        (BodyEncoding::Gzip, &b""[..], "EOF"),
        (BodyEncoding::Gzip, b"not compressed at all", "gzip: invalid header"),
        (BodyEncoding::Gzip, b"\x1f", "unexpected EOF"),
        (BodyEncoding::Zlib, b"", "unexpected EOF"),
        (BodyEncoding::Zlib, b"not compressed at all", "zlib: invalid header"),
        (BodyEncoding::Deflate, b"\xab\xae\x05\x00", "zlib: invalid header"),
        (BodyEncoding::Zstd, b"not compressed at all", "invalid input: magic number mismatch"),
        (BodyEncoding::Zstd, b"\x28", "unexpected EOF"),
        (BodyEncoding::Snappy, b"", "snappy: corrupt input"),
        (BodyEncoding::Snappy, b"not compressed at all", "snappy: corrupt input"),
        (BodyEncoding::SnappyFramed, b"not compressed at all", "snappy: corrupt input"),
        (BodyEncoding::Lz4, b"not compressed at all", "lz4: bad magic number"),
        (BodyEncoding::Lz4, b"\x04", "unexpected EOF"),
    ] {
        let error = decompress(&Bytes::from_static(body), encoding, 10 << 20, &mut ()).unwrap_err();
        assert!(matches!(error, ReceiveError::Corrupt { .. }), "{encoding:?}: {error}");
        assert_eq!(error.to_string(), expected, "{encoding:?} {body:?}");
    }
}

#[test]
fn a_changed_checksum_is_found() {
    for (encoding, from_the_end, expected) in [
        (BodyEncoding::Gzip, 5, "gzip: invalid checksum"),
        (BodyEncoding::Zlib, 1, "zlib: invalid checksum"),
        (BodyEncoding::Deflate, 1, "zlib: invalid checksum"),
    ] {
        let mut packed = compress(&[sample()], encoding).unwrap().to_vec();
        let place = packed.len() - from_the_end;
        packed[place] ^= 1;
        let error = decompress(&packed.into(), encoding, 10 << 20, &mut ()).unwrap_err();
        assert_eq!(error.to_string(), expected, "{encoding:?}");
    }
    let mut packed = compress(&[sample()], BodyEncoding::SnappyFramed).unwrap().to_vec();
    packed[14] ^= 1;
    let error = decompress(&packed.into(), BodyEncoding::SnappyFramed, 10 << 20, &mut ()).unwrap_err();
    assert_eq!(error.to_string(), "snappy: corrupt input");
}

#[test]
fn a_body_cut_short_anywhere_is_refused_or_ends_at_the_border_of_a_frame() {
    let whole = noise(140_000);
    for encoding in BodyEncoding::ALL {
        let packed = compress(std::slice::from_ref(&whole), encoding).unwrap();
        let steps = (1..packed.len()).step_by(4999).chain(packed.len() - 24..packed.len());
        for end in steps {
            match decompress(&packed.slice(..end), encoding, 10 << 20, &mut ()) {
                Err(error) => assert!(matches!(error, ReceiveError::Corrupt { .. }), "{encoding:?} at {end}: {error}"),
                // Snappy's framing format has no end, so every chunk may be the last.
                Ok(out) => assert!(encoding == BodyEncoding::SnappyFramed && whole.starts_with(&out), "{encoding:?} at {end}"),
            }
        }
    }
}

#[test]
fn lz4_cut_between_two_blocks_is_refused() {
    // Blocks of 64 KiB that do not compress: the header is 7 bytes, each block has a length of 4 before it.
    let packed = compress(&[noise(140_000)], BodyEncoding::Lz4).unwrap();
    let error = decompress(&packed.slice(..7 + 4 + (64 << 10)), BodyEncoding::Lz4, 10 << 20, &mut ()).unwrap_err();
    assert_eq!(error.to_string(), "unexpected EOF");
    let twice = Bytes::from([packed.clone(), packed].concat());
    assert_eq!(decompress(&twice, BodyEncoding::Lz4, 10 << 20, &mut ()).unwrap().len(), 280_000);
}

#[test]
fn garbage_of_any_kind_is_refused_or_small() {
    for encoding in BodyEncoding::ALL {
        let packed = compress(&[sample()], encoding).unwrap();
        let mut state = 7_u64;
        for _ in 0..60 {
            let mut broken = packed.slice(..packed.len().min(20_000)).to_vec();
            for _ in 0..3 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let place = (state >> 33) as usize % broken.len();
                broken[place] ^= (state >> 20) as u8;
            }
            let mut budget = Budget::of(4 << 20);
            let _ = decompress(&broken.into(), encoding, 4 << 20, &mut budget);
            assert!(budget.charged <= 4 << 20);
        }
    }
}

#[tokio::test]
async fn a_large_body_comes_back_from_the_other_thread() {
    let whole = noise(2 * INLINE);
    for encoding in BodyEncoding::ALL {
        let packed = compress(std::slice::from_ref(&whole), encoding).unwrap();
        assert!(packed.len() > INLINE, "{}", packed.len());
        let (out, ()) = decompress_off_thread(packed, encoding, whole.len(), ()).await.unwrap();
        assert!(out == whole, "{encoding:?}");
    }
}
