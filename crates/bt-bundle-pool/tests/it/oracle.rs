//! The naive pool: remembers for each name what it opened last and when that was confirmed, and forgets nothing by itself.

use std::collections::HashMap;

use bt_bundle_pool::VersionCheck;

#[derive(Default)]
pub(crate) struct Oracle {
    /// Name → the price that is served, and when the source last confirmed it.
    pub(crate) open: HashMap<usize, (u32, u64)>,
    pub(crate) loads: u64,
    pub(crate) checks: u64,
}

impl Oracle {
    /// What an access at `now` serves, if `current` is what the source has.
    pub(crate) fn get(&mut self, name: usize, current: u32, now: u64, check: VersionCheck) -> u32 {
        let Some(&(price, confirmed_at)) = self.open.get(&name) else {
            return self.load(name, current, now);
        };
        let due = match check {
            VersionCheck::Never => false,
            VersionCheck::EveryAccess => true,
            VersionCheck::Every(interval) => {
                now < confirmed_at || now - confirmed_at >= interval.as_millis() as u64
            }
        };
        if !due {
            return price;
        }
        self.checks += 1;
        if price != current {
            return self.load(name, current, now);
        }
        self.open.insert(name, (price, now));
        price
    }

    pub(crate) fn invalidate_if_changed(&mut self, name: usize, current: u32, now: u64) -> bool {
        let Some(&(price, _)) = self.open.get(&name) else { return false };
        self.checks += 1;
        if price == current {
            self.open.insert(name, (price, now));
            return false;
        }
        self.open.remove(&name);
        true
    }

    fn load(&mut self, name: usize, current: u32, now: u64) -> u32 {
        self.loads += 1;
        self.open.insert(name, (current, now));
        current
    }
}
