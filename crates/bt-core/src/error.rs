//! The one error type of the layers that compose.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::{AssetId, AssetList, BundleName, BundleVersion, Frequency};

/// Shorthand for a result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in any layer.
///
/// One pointer wide, so that `Result<&[f64]>` stays two words, and cheap to clone, so that every thread that waited
/// for the same load gets the same error.
#[derive(Clone)]
pub struct Error(Arc<ErrorKind>);

/// The cases of an [`Error`].
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A bundle name that breaks the rules of [`BundleName`].
    InvalidName {
        /// The name as given.
        name: String,
        /// Which rule it breaks.
        reason: &'static str,
    },
    /// A name of an asset that breaks the rule of [`AssetList::check_name`](crate::AssetList::check_name).
    InvalidAssetName {
        /// The name as given, up to its first 256 characters.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A text that should be a version, a timestamp, a frequency or an asset name, and is not.
    Unreadable {
        /// What was expected: `"bundle version"`, `"timestamp"` …
        what: &'static str,
        /// The text as given.
        text: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// The source has no bundle of this name.
    BundleNotFound {
        /// The name asked for.
        name: BundleName,
        /// Names that exist and look alike, nearest first.
        nearest: Vec<String>,
    },
    /// The source has the bundle, but not (or no longer) this version of it.
    VersionNotFound {
        /// The bundle's name.
        name: BundleName,
        /// The version asked for.
        version: BundleVersion,
    },
    /// The bundle has no asset of this name.
    UnknownAsset {
        /// The name asked for.
        asset: String,
        /// Names that exist and look alike, nearest first.
        nearest: Vec<String>,
    },
    /// An identifier of one bundle version was used on another.
    ForeignAsset {
        /// The identifier.
        asset: AssetId,
        /// The version it was used on.
        version: BundleVersion,
        /// How many assets that version has.
        assets: usize,
    },
    /// The bundle has no column of this name or number.
    UnknownField {
        /// The field asked for.
        field: String,
        /// The columns that exist.
        allowed: Vec<String>,
    },
    /// Bars of another frequency were asked for than the bundle holds.
    UnsupportedFrequency {
        /// The frequency asked for.
        asked: Frequency,
        /// The frequency of the bundle.
        bundle: Frequency,
    },
    /// An option, a limit or an argument outside its range.
    InvalidOption {
        /// The option's name.
        option: Cow<'static, str>,
        /// The value given.
        value: String,
        /// What is allowed.
        allowed: String,
    },
    /// A process-wide instance exists already, with other options.
    AlreadyConfigured {
        /// The instance.
        what: &'static str,
        /// The options it has.
        current: String,
        /// The options that were asked for.
        asked: String,
    },
    /// Data that is damaged, inconsistent or not what it claims to be.
    Corrupt {
        /// The file, column or table.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A format version that this program does not read.
    UnsupportedFormat {
        /// The file.
        what: String,
        /// The version found.
        found: String,
        /// The versions this program reads.
        supported: &'static str,
    },
    /// Input rows or columns that cannot become bars.
    InvalidInput {
        /// The file or table, with line and column where there are any.
        place: String,
        /// The reason: a text, or a type of whoever read the input, to downcast to.
        reason: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The operating system refused.
    Io {
        /// What was being done, with the path.
        operation: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// A loader asked, directly or through others, for the key that it was loading.
    Reentrant {
        /// The key.
        key: String,
    },
    /// A loader panicked; nothing was cached and the next access tries again.
    LoaderPanicked {
        /// The key that it was loading.
        key: String,
        /// The panic's message.
        message: String,
    },
    /// Something that only one may do at a time is being done by another.
    Busy {
        /// What was asked for.
        what: String,
        /// What is under way.
        holder: String,
    },
    /// Something is not possible here; says what, and what is.
    Unsupported {
        /// What was asked for.
        what: String,
        /// What works instead.
        instead: String,
    },
    /// An error of an implementer's own storage.
    Other(Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// The case, to match on.
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    /// Wraps an error of an implementer's own storage.
    pub fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        ErrorKind::Other(error.into()).into()
    }

    /// Wraps an error of the operating system; `operation` says what was being done to which path.
    pub fn io(operation: impl Into<String>, source: std::io::Error) -> Self {
        ErrorKind::Io { operation: operation.into(), source }.into()
    }

    /// `what` (a file, a column) is damaged, for `reason`.
    pub fn corrupt(what: impl Into<String>, reason: impl Into<String>) -> Self {
        ErrorKind::Corrupt { what: what.into(), reason: reason.into() }.into()
    }

    /// The option `option` has a `value` outside what is `allowed`.
    pub fn invalid_option(
        option: impl Into<Cow<'static, str>>,
        value: impl fmt::Display,
        allowed: impl Into<String>,
    ) -> Self {
        ErrorKind::InvalidOption { option: option.into(), value: value.to_string(), allowed: allowed.into() }
            .into()
    }

    /// Input at `place` cannot become bars, for `reason`.
    pub fn invalid_input(
        place: impl Into<String>,
        reason: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        ErrorKind::InvalidInput { place: place.into(), reason: reason.into() }.into()
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self(Arc::new(kind))
    }
}

impl fmt::Debug for Error {
    /// The message and its causes, for whoever returns the error from `main`; `{:#?}` is the [`kind`](Self::kind) with all
    /// its fields.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return fmt::Debug::fmt(&self.0, f);
        }
        fmt::Display::fmt(self, f)?;
        let first = std::error::Error::source(self);
        if first.is_some() {
            f.write_str("\n\nCaused by:")?;
        }
        std::iter::successors(first, |cause| cause.source()).try_for_each(|cause| write!(f, "\n    {cause}"))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for Error {
    /// The cause behind what the message says: the message of an [`Io`](ErrorKind::Io) or [`Other`](ErrorKind::Other)
    /// holds that of its source, so a chain goes on with the source's own and says nothing twice. The source itself is in
    /// the [`kind`](Error::kind).
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self.kind() {
            ErrorKind::Io { source, .. } => source.source(),
            ErrorKind::Other(source) => source.source(),
            _ => None,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidName { name, reason } => {
                write!(f, "invalid bundle name {name:?}: {reason}; allowed: {}", BundleName::RULE)
            }
            Self::InvalidAssetName { name, reason } => {
                write!(f, "invalid asset name {name:?}: {reason}; allowed: {}", AssetList::NAME_RULE)
            }
            Self::Unreadable { what, text, allowed } => {
                write!(f, "{text:?} is not a {what}; allowed: {allowed}")
            }
            Self::BundleNotFound { name, nearest } => {
                write!(f, "no bundle named {name:?}{}", DidYouMean(nearest), name = name.as_str())
            }
            Self::VersionNotFound { name, version } => write!(f, "bundle {name} has no version {version}"),
            Self::UnknownAsset { asset, nearest } => {
                write!(f, "no asset named {asset:?}{}", DidYouMean(nearest))
            }
            Self::ForeignAsset { asset, version, assets } => write!(
                f,
                "{asset} is not an asset of bundle version {version} ({assets} assets): \
                 identifiers are valid on the version they were resolved on; resolve the name again"
            ),
            Self::UnknownField { field, allowed } => {
                write!(f, "no field {field:?}; the bundle has {}", allowed.join(", "))
            }
            Self::UnsupportedFrequency { asked, bundle } => {
                write!(
                    f,
                    "bars of {asked} asked for; the bundle holds {bundle} bars and nothing is resampled"
                )
            }
            Self::InvalidOption { option, value, allowed } => {
                write!(f, "{option} = {value} is out of range; allowed: {allowed}")
            }
            Self::AlreadyConfigured { what, current, asked } => {
                write!(f, "{what} exists already with {current}; it was asked for again with {asked}")
            }
            Self::Corrupt { what, reason } => write!(f, "{what} is damaged: {reason}"),
            Self::UnsupportedFormat { what, found, supported } => {
                write!(f, "{what} has format version {found}; this program reads {supported}")
            }
            Self::InvalidInput { place, reason } => write!(f, "{place}: {reason}"),
            Self::Io { operation, source } => write!(f, "{operation}: {source}"),
            Self::Reentrant { key } => write!(f, "the loader of {key} asked for {key} itself"),
            Self::LoaderPanicked { key, message } => write!(f, "the loader of {key} panicked: {message}"),
            Self::Busy { what, holder } => {
                write!(f, "{what} has to wait: {holder}; try again when it is done")
            }
            Self::Unsupported { what, instead } => write!(f, "{what} is not supported; {instead}"),
            Self::Other(source) => fmt::Display::fmt(source, f),
        }
    }
}

struct DidYouMean<'a>(&'a [String]);

impl fmt::Display for DidYouMean<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => Ok(()),
            names => write!(f, "; did you mean {}?", names.join(" or ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_of_a_slice_stays_two_words() {
        assert_eq!(size_of::<Result<&[f64]>>(), 2 * size_of::<usize>());
    }

    #[test]
    fn messages_name_the_thing_its_value_and_what_is_allowed() {
        let error = Error::invalid_option("max_bytes", 0, "at least 1");
        assert_eq!(error.to_string(), "max_bytes = 0 is out of range; allowed: at least 1");
        let unknown = ErrorKind::UnknownAsset { asset: "APPL".into(), nearest: vec!["AAPL".into()] };
        assert_eq!(Error::from(unknown).to_string(), "no asset named \"APPL\"; did you mean AAPL?");
    }

    /// An error of an implementer's storage, with a cause.
    #[derive(Debug)]
    struct Remote(std::io::Error);

    impl fmt::Display for Remote {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the bucket cannot be read")
        }
    }

    impl std::error::Error for Remote {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn a_chain_of_causes_says_everything_once() {
        let remote = || Remote(std::io::Error::other("disk on fire"));
        let chain = |error: Error| {
            let mut messages = vec![error.to_string()];
            let mut next = std::error::Error::source(&error);
            while let Some(cause) = next {
                messages.push(cause.to_string());
                next = cause.source();
            }
            messages.join(" / ")
        };
        assert_eq!(chain(Error::other(remote())), "the bucket cannot be read / disk on fire");
        let nested = Error::io("open HEAD", std::io::Error::other(remote()));
        assert_eq!(chain(nested), "open HEAD: the bucket cannot be read / disk on fire");
        assert_eq!(chain(Error::io("open HEAD", std::io::Error::other("no"))), "open HEAD: no");
    }

    #[test]
    fn an_error_that_leaves_main_reads_as_its_message_with_its_causes() {
        let boxed: Box<dyn std::error::Error> = Error::invalid_input("prices.csv, line 3", "no close").into();
        assert_eq!(format!("{boxed:?}"), "prices.csv, line 3: no close");
        let nested = Error::other(Remote(std::io::Error::other("disk on fire")));
        assert_eq!(format!("{nested:?}"), "the bucket cannot be read\n\nCaused by:\n    disk on fire");
        assert!(
            format!("{:#?}", Error::invalid_option("max_bytes", 0, "at least 1"))
                .starts_with("InvalidOption {")
        );
    }

    #[test]
    fn the_source_is_kept_in_the_kind() {
        let error = Error::io("open HEAD", std::io::Error::other("disk on fire"));
        assert!(matches!(error.kind(), ErrorKind::Io { source, .. } if source.to_string() == "disk on fire"));
    }
}
