//! Patterns of names: equal, a prefix or a suffix; and an index of many prefixes by their first byte.

/// `x` = equal, `x*` = prefix, `*x` = suffix (not in an index). `\s` stands for a blank, which separates patterns in the tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pattern {
    Equal(String),
    Prefix(String),
    Suffix(String),
}

impl Pattern {
    pub(crate) fn parse(text: &str) -> Pattern {
        let text = text.replace("\\s", " ");
        match (text.strip_suffix('*'), text.strip_prefix('*')) {
            (Some(prefix), _) => Pattern::Prefix(prefix.to_owned()),
            (_, Some(suffix)) => Pattern::Suffix(suffix.to_owned()),
            _ => Pattern::Equal(text),
        }
    }
    pub(crate) fn fits(&self, text: &str) -> bool {
        match self {
            Pattern::Equal(equal) => text == equal,
            Pattern::Prefix(prefix) => text.starts_with(prefix.as_str()),
            Pattern::Suffix(suffix) => text.ends_with(suffix.as_str()),
        }
    }
    fn text(&self) -> &str {
        match self {
            Pattern::Equal(text) | Pattern::Prefix(text) | Pattern::Suffix(text) => text,
        }
    }
}

/// Values by pattern; a name is compared only with patterns that begin with the same byte.
#[derive(Debug)]
pub(crate) struct PatternIndex<T> {
    by_first: Vec<Vec<(Pattern, T)>>,
}

impl<T> Default for PatternIndex<T> {
    fn default() -> Self {
        PatternIndex { by_first: (0..256).map(|_| Vec::new()).collect() }
    }
}

impl<T> PatternIndex<T> {
    /// How its patterns begin.
    pub(crate) fn starts(&self) -> Starts {
        Starts::of(self.by_first.iter().flatten().map(|(pattern, _)| pattern.text()))
    }
    pub(crate) fn insert(&mut self, pattern: Pattern, value: T) {
        let first = pattern.text().bytes().next().unwrap_or(0);
        if let Some(bucket) = self.by_first.get_mut(usize::from(first)) {
            bucket.push((pattern, value));
        }
    }
    /// Everything that fits, in the order of insertion.
    pub(crate) fn fitting<'s, 'n>(&'s self, name: &'n str) -> impl Iterator<Item = &'s T> + use<'s, 'n, T> {
        let first = name.bytes().next().unwrap_or(0);
        let bucket = self.by_first.get(usize::from(first)).map_or(&[][..], Vec::as_slice);
        bucket.iter().filter(move |(pattern, _)| pattern.fits(name)).map(|(_, value)| value)
    }
}

/// How names begin that are of interest: a test of three bytes that is never wrong about what is of none.
#[derive(Debug)]
pub(crate) struct Starts {
    bits: Vec<u64>,
}

impl Starts {
    /// For these names or beginnings of names.
    pub(crate) fn of<'n>(names: impl Iterator<Item = &'n str>) -> Starts {
        let mut bits = vec![0; 1 << 10];
        for name in names {
            let Some((word, bit)) = name.as_bytes().first_chunk::<3>().map(place) else {
                bits.fill(u64::MAX);
                continue;
            };
            if let Some(held) = bits.get_mut(word) {
                *held |= bit;
            }
        }
        Starts { bits }
    }
    /// Whether this one may be of interest.
    pub(crate) fn may_have(&self, name: &[u8]) -> bool {
        let Some((word, bit)) = name.first_chunk::<3>().map(place) else { return true };
        self.bits.get(word).is_none_or(|held| held & bit != 0)
    }
}

#[inline]
fn place(start: &[u8; 3]) -> (usize, u64) {
    let [one, two, three] = *start;
    let number = (u32::from_le_bytes([one, two, three, 0]).wrapping_mul(0x9e37_79b1) >> 16) as u16;
    (usize::from(number >> 6), 1 << (number & 63))
}
