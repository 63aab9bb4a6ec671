use bt_core::{Span, Timestamp};

/// Which moments of the calendar have a bar. Assets without gaps are noted as ranges, so that they cost O(1).
#[derive(Debug)]
pub(super) struct Used {
    starts_minus_ends: Vec<i64>,
    single: Vec<bool>,
}

impl Used {
    pub(super) fn new(moments: usize) -> Self {
        Self { starts_minus_ends: vec![0; moments + 1], single: vec![false; moments] }
    }

    pub(super) fn mark(&mut self, span: &Span, calendar: &[Timestamp], timestamps: &[Timestamp]) {
        let (start, len) = (span.calendar_first as usize, span.calendar_len as usize);
        if !span.has_gaps() {
            self.starts_minus_ends[start] += 1;
            self.starts_minus_ends[start + len] -= 1;
            return;
        }
        let mut bars = timestamps.iter().peekable();
        for (single, moment) in self.single[start..].iter_mut().zip(&calendar[start..start + len]) {
            *single |= bars.next_if_eq(&moment).is_some();
        }
    }

    pub(super) fn first_unused(&self) -> Option<usize> {
        let mut open = 0;
        self.single.iter().zip(&self.starts_minus_ends).position(|(&single, change)| {
            open += change;
            !single && open == 0
        })
    }
}
