use super::{
    AdjustmentFault, AssetFault, Fault, FileFault, FrequencyFault, HeaderFault, NumberFault, RowFault,
    TimeFault,
};
use crate::Column;

/// What may help against a fault. The library names the field of [`IngestOptions`](crate::IngestOptions) that is meant; a
/// program that has options of its own names those.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Advice {
    /// State which column it is.
    StateColumn,
    /// Leave a column alone.
    IgnoreColumn,
    /// State the names of the columns.
    StateHeader,
    /// State the column of times of day.
    StateClock,
    /// Read each file as one asset.
    OneAssetAFile,
    /// State the column of assets.
    StateAssetColumn,
    /// Make one name of an asset of the two columns that say it together.
    JoinNames,
    /// Do not state the asset: a column says it.
    LetColumnSayAsset,
    /// Bring the assets of a wide table below each other.
    Unpivot,
    /// State which extra columns to keep.
    StateExtras,
    /// State how times are written.
    StateTimeFormat,
    /// State what an integer counts.
    StateEpoch,
    /// State whether the day, the month or the year comes first.
    StateDateOrder,
    /// State the zone of times.
    StateZone,
    /// State the zone that an abbreviation means.
    StateZoneOfAbbreviation,
    /// State an offset for times that keep it all year, or how the wall clock is written.
    StateOffset,
    /// State that bars are daily, some of which are missing.
    StateDaily,
    /// Write times with an offset, or in UTC.
    WriteOffsets,
    /// State the zone, and ingest all of it again.
    StateZoneAndIngestAgain,
    /// State decimal and thousands separators.
    StateNumberFormat,
    /// State how far apart bars are.
    StateFrequency,
    /// Put assets of different frequencies into bundles of their own.
    SeparateFrequencies,
    /// State that stamps are starts.
    StateStarts,
    /// State whether stamps are starts or ends.
    StateLabel,
    /// Leave bad rows out.
    SkipBadRows,
    /// State the encoding of text.
    StateEncoding,
    /// Build with a cargo feature.
    EnableFeature(&'static str),
}

impl Advice {
    /// What the library says.
    pub(super) fn in_library_terms(self) -> &'static str {
        match self {
            Self::StateColumn => "state which column it is (`IngestOptions::columns`)",
            Self::IgnoreColumn => "ignore the column if it is no price (`Column::Ignored`)",
            Self::StateHeader => "state the names of the columns (`IngestOptions::header`)",
            Self::StateClock => "state the column of times of day (`Column::Time`)",
            Self::OneAssetAFile => "one asset a file? use `Ingest::csv_folder` or `Ingest::csv_of_asset`",
            Self::StateAssetColumn => {
                "are there several assets? state the column that says which (`Column::Asset`)"
            }
            Self::JoinNames => {
                "join that column and the asset's to one, or keep the rows of one of its values"
            }
            Self::LetColumnSayAsset => {
                "`Ingest::csv` and `Ingest::parquet` read long files by their column of assets"
            }
            Self::Unpivot => "bring it into long form, a row for each asset and time",
            Self::StateExtras => "state which ones to keep (`IngestOptions::extras`)",
            Self::StateTimeFormat => "state the format (`IngestOptions::time_format`)",
            Self::StateEpoch => {
                "state what it counts (`TimeFormat::Epoch`), or its pattern (`TimeFormat::Pattern`)"
            }
            Self::StateDateOrder => "state which it is (`TimeFormat::DayFirst`, `MonthFirst` or `YearFirst`)",
            Self::StateZone => "is the zone right (`IngestOptions::zone`)?",
            Self::StateZoneOfAbbreviation => {
                "state the zone that is meant (`IngestOptions::zone`); its own abbreviations are read"
            }
            Self::StateOffset => {
                "state the offset as the zone if times keep it all year, or a `TimeFormat::Pattern` that has the name in it if \
                 they are of the wall clock"
            }
            Self::StateDaily => {
                "state `Frequency::Daily` if these are daily bars some of which are missing; bars of several days are not read"
            }
            Self::WriteOffsets => "write times with an offset, or in UTC",
            Self::StateZoneAndIngestAgain => "ingest all files again with their zone (`IngestOptions::zone`)",
            Self::StateNumberFormat => {
                "state decimal and thousands separators if it has them (`IngestOptions::number_format`)"
            }
            Self::StateFrequency => "state the frequency (`IngestOptions::frequency`)",
            Self::SeparateFrequencies => {
                "ingest bars of different frequencies into bundles of their own; `IngestOptions::frequency` takes all for bars of one"
            }
            Self::StateStarts => "state that stamps are starts (`Label::Start`)",
            Self::StateLabel => "state what stamps are (`IngestOptions::label`)",
            Self::SkipBadRows => "`BadRows::Skip` leaves such rows out",
            Self::StateEncoding => "state the encoding (`IngestOptions::encoding`)",
            Self::EnableFeature("zstd") => "build bt-bundle with its feature `zstd`",
            Self::EnableFeature(_) => "build bt-bundle with that feature",
        }
    }
}

impl Fault {
    /// What may help, the likeliest first.
    pub fn advice(&self) -> Vec<Advice> {
        match self {
            Self::Header(fault) => header(fault),
            Self::Time(fault) => time(fault),
            Self::Number(
                NumberFault::Unreadable { has_separators: true, .. } | NumberFault::DecimalOrThousands { .. },
            ) => vec![Advice::StateNumberFormat],
            Self::Number(NumberFault::Unreadable { is_price: true, .. }) => vec![Advice::SkipBadRows],
            Self::Number(NumberFault::Unreadable { .. }) => vec![Advice::SkipBadRows, Advice::IgnoreColumn],
            Self::Number(NumberFault::NotFinite { .. }) => vec![Advice::SkipBadRows],
            Self::Asset(AssetFault::Several { .. }) => vec![Advice::LetColumnSayAsset],
            Self::Number(NumberFault::NotUtf8 { .. })
            | Self::Asset(AssetFault::NotUtf8 { .. })
            | Self::File(FileFault::Encoding { .. }) => vec![Advice::StateEncoding],
            Self::Row(
                RowFault::Fields { .. } | RowFault::HighBelowLow { .. } | RowFault::NegativeVolume { .. },
            ) => vec![Advice::SkipBadRows],
            Self::Row(RowFault::Duplicate { unread_clock: Some(_), .. }) => vec![Advice::StateClock],
            Self::Row(RowFault::Duplicate { is_of_day: true, .. }) => {
                vec![Advice::StateZone, Advice::SkipBadRows]
            }
            Self::Row(RowFault::Duplicate { is_named_by_file: true, apart: Some(_), .. }) => {
                vec![Advice::StateAssetColumn]
            }
            Self::Row(RowFault::Duplicate { apart: Some(_), .. }) => vec![Advice::JoinNames],
            Self::Row(RowFault::Duplicate { is_named_by_file: true, .. }) => {
                vec![Advice::SkipBadRows, Advice::StateAssetColumn]
            }
            Self::Row(RowFault::Duplicate { .. }) => vec![Advice::SkipBadRows],
            // They are left out already, and none is left.
            Self::Row(RowFault::None { first: Some(first), .. }) => {
                first.fault.advice().into_iter().filter(|advice| *advice != Advice::SkipBadRows).collect()
            }
            Self::Frequency(fault) => frequency(fault),
            Self::File(FileFault::Compression { feature: Some(feature), .. }) => {
                vec![Advice::EnableFeature(feature)]
            }
            Self::Adjustment(AdjustmentFault::UnknownAsset { .. }) => vec![Advice::SkipBadRows],
            _ => Vec::new(),
        }
    }
}

fn header(fault: &HeaderFault) -> Vec<Advice> {
    match fault {
        HeaderFault::Missing { could_be_one_asset: true, .. } => {
            vec![Advice::StateColumn, Advice::OneAssetAFile]
        }
        HeaderFault::NoSuchColumn { what: Column::Extra(_), .. } => vec![Advice::StateExtras],
        HeaderFault::NoSuchColumn { what: Column::Ignored, .. } => Vec::new(),
        HeaderFault::Missing { .. } | HeaderFault::NoSuchColumn { .. } => vec![Advice::StateColumn],
        HeaderFault::Ambiguous { columns: [one, other], .. } if one == other => vec![Advice::StateHeader],
        HeaderFault::Ambiguous { .. } => vec![Advice::StateColumn, Advice::IgnoreColumn],
        HeaderFault::Absent { .. } | HeaderFault::Fields { .. } => vec![Advice::StateHeader],
        HeaderFault::NotUtf8 { .. } => vec![Advice::StateEncoding],
        HeaderFault::SameExtra { .. } | HeaderFault::ExtraMissing { .. } | HeaderFault::ExtraNew { .. } => {
            vec![Advice::StateExtras]
        }
        HeaderFault::Wide { .. } => vec![Advice::Unpivot],
        _ => Vec::new(),
    }
}

fn time(fault: &TimeFault) -> Vec<Advice> {
    match fault {
        TimeFault::Unreadable { is_stated: false, .. } => vec![Advice::StateTimeFormat, Advice::SkipBadRows],
        TimeFault::Unreadable { .. } | TimeFault::NoSuchDay { .. } => vec![Advice::SkipBadRows],
        TimeFault::Number { .. } => vec![Advice::StateEpoch],
        TimeFault::DateOrder { .. } | TimeFault::OtherOrder { .. } => vec![Advice::StateDateOrder],
        TimeFault::Twice { .. } => vec![Advice::WriteOffsets, Advice::StateZone],
        TimeFault::Skipped { .. } | TimeFault::Zones { .. } => vec![Advice::StateZone],
        TimeFault::Abbreviation { .. } => vec![Advice::StateOffset],
        TimeFault::Zone { zone, .. } if is_abbreviation(zone) => vec![Advice::StateZoneOfAbbreviation],
        TimeFault::MovedDay { .. } => vec![Advice::StateZoneAndIngestAgain],
        _ => Vec::new(),
    }
}

fn is_abbreviation(zone: &str) -> bool {
    (2..=5).contains(&zone.len()) && zone.bytes().all(|byte| byte.is_ascii_alphabetic())
}

fn frequency(fault: &FrequencyFault) -> Vec<Advice> {
    match fault {
        FrequencyFault::Starts { .. } => vec![Advice::StateStarts],
        FrequencyFault::FarApart { days: 2..=4 } => vec![Advice::StateDaily],
        FrequencyFault::Months { .. } => Vec::new(),
        FrequencyFault::FarApart { .. } => vec![Advice::StateTimeFormat, Advice::StateFrequency],
        FrequencyFault::StartOrEnd { .. } => vec![Advice::StateLabel, Advice::StateFrequency],
        FrequencyFault::OfAsset { .. } | FrequencyFault::AssetFarApart { .. } => {
            vec![Advice::SeparateFrequencies]
        }
        _ => vec![Advice::StateFrequency],
    }
}
