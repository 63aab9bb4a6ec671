//! Real numbers in JSON, as texts: what is read is what was written, to the last digit, `-0.0` and NaN too.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

pub(super) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{value:?}"))
}

pub(super) fn deserialize<'d, D: Deserializer<'d>>(deserializer: D) -> Result<f64, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| D::Error::custom(format_args!("{text:?} is no number")))
}

/// The same where there may be none.
pub(super) mod option {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(in super::super) fn serialize<S: Serializer>(
        value: &Option<f64>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => super::serialize(value, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(in super::super) fn deserialize<'d, D: Deserializer<'d>>(
        deserializer: D,
    ) -> Result<Option<f64>, D::Error> {
        #[derive(Deserialize)]
        struct Number(#[serde(with = "super")] f64);
        Ok(Option::<Number>::deserialize(deserializer)?.map(|Number(value)| value))
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize)]
    struct Numbers {
        #[serde(with = "super")]
        one: f64,
        #[serde(with = "super::option")]
        other: Option<f64>,
    }

    #[test]
    fn every_number_is_read_back_to_the_last_bit() {
        let mut bits = 1_u64;
        let odd =
            [0.0, -0.0, f64::MAX, f64::MIN_POSITIVE, 5e-324, f64::INFINITY, f64::NEG_INFINITY, 1.0 / 27.0];
        let many = std::iter::repeat_with(|| {
            bits = bits.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            f64::from_bits(bits)
        });
        for one in odd.into_iter().chain(many.take(2000)) {
            let text = serde_json::to_string(&Numbers { one, other: Some(one) }).unwrap();
            let Numbers { one: read, other } = serde_json::from_str(&text).unwrap();
            let same = |read: f64| read.to_bits() == one.to_bits() || (read.is_nan() && one.is_nan());
            assert!(same(read) && other.is_some_and(same), "{text}");
        }
        let none: Numbers = serde_json::from_str(r#"{"one":"1","other":null}"#).unwrap();
        assert_eq!((none.one, none.other), (1.0, None));
        assert!(serde_json::from_str::<Numbers>(r#"{"one":"much","other":null}"#).is_err());
    }
}
