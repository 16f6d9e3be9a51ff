//! Keys that the user's settings name: exact, or a prefix before `*`.

/// A list of keys.
#[derive(Debug, Clone, Default)]
pub struct KeyRules {
    exact: Vec<String>,
    prefixes: Vec<String>,
}

impl KeyRules {
    /// `key` is a key, or the begin of keys with `*` behind it.
    pub fn add(&mut self, key: &str) {
        match key.strip_suffix('*') {
            Some(prefix) => self.prefixes.push(prefix.to_owned()),
            None => self.exact.push(key.to_owned()),
        }
    }
    /// Whether a key is named.
    pub fn name(&self, key: &str) -> bool {
        self.exact.iter().any(|exact| exact == key) || self.prefixes.iter().any(|prefix| key.starts_with(prefix.as_str()))
    }
    pub(super) fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.prefixes.is_empty()
    }
}

impl<'k> FromIterator<&'k str> for KeyRules {
    fn from_iter<I: IntoIterator<Item = &'k str>>(keys: I) -> KeyRules {
        let mut rules = KeyRules::default();
        keys.into_iter().for_each(|key| rules.add(key));
        rules
    }
}
