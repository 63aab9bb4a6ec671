//! The naive model that the cache is tested against: a list, oldest first, searched from the front.

/// What the cache should hold, in the order in which it should let go.
pub(crate) struct Oracle {
    pub(crate) max_bytes: usize,
    pub(crate) max_entries: usize,
    /// Key, value, weight; the one used last stands last.
    pub(crate) entries: Vec<(u16, u32, usize)>,
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    pub(crate) evictions: u64,
    pub(crate) rejections: u64,
    pub(crate) peak_bytes: usize,
}

impl Oracle {
    pub(crate) fn new(max_bytes: usize, max_entries: usize) -> Self {
        Self {
            max_bytes,
            max_entries,
            entries: Vec::new(),
            hits: 0,
            misses: 0,
            evictions: 0,
            rejections: 0,
            peak_bytes: 0,
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.entries.iter().map(|entry| entry.2).sum()
    }

    pub(crate) fn get(&mut self, key: u16) -> Option<u32> {
        let Some(at) = self.entries.iter().position(|entry| entry.0 == key) else {
            self.misses += 1;
            return None;
        };
        self.hits += 1;
        let entry = self.entries.remove(at);
        self.entries.push(entry);
        Some(entry.1)
    }

    pub(crate) fn insert(&mut self, key: u16, value: u32, weight: usize) -> bool {
        self.remove(key);
        if weight > self.max_bytes {
            self.rejections += 1;
            return false;
        }
        while self.bytes() > self.max_bytes - weight || self.entries.len() + 1 > self.max_entries {
            self.entries.remove(0);
            self.evictions += 1;
        }
        self.entries.push((key, value, weight));
        self.peak_bytes = self.peak_bytes.max(self.bytes());
        true
    }

    pub(crate) fn remove(&mut self, key: u16) -> Option<u32> {
        let at = self.entries.iter().position(|entry| entry.0 == key)?;
        Some(self.entries.remove(at).1)
    }
}
