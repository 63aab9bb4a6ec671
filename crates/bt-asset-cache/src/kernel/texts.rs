use arrow_array::cast::AsArray;
use arrow_array::{Array, LargeStringArray, StringArray, StringViewArray};
use arrow_schema::DataType;

/// A column of texts, of whichever layout.
///
/// ```
/// use bt_asset_cache::arrow_array::{Int32Array, StringViewArray};
/// use bt_asset_cache::kernel::Texts;
/// let column = StringViewArray::from(vec![Some("AAPL"), None]);
/// let texts = Texts::new(&column).unwrap();
/// assert_eq!((texts.len(), texts.get(0), texts.get(1)), (2, Some("AAPL"), None));
/// assert!(Texts::new(&Int32Array::from(vec![1])).is_none());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Texts<'a>(Layout<'a>);

#[derive(Clone, Copy, Debug)]
enum Layout<'a> {
    Utf8(&'a StringArray),
    Large(&'a LargeStringArray),
    View(&'a StringViewArray),
}

impl<'a> Texts<'a> {
    /// Takes a column, if it is `Utf8`, `LargeUtf8` or `Utf8View`.
    pub fn new(array: &'a dyn Array) -> Option<Self> {
        Some(Self(match array.data_type() {
            DataType::Utf8 => Layout::Utf8(array.as_string()),
            DataType::LargeUtf8 => Layout::Large(array.as_string()),
            DataType::Utf8View => Layout::View(array.as_string_view()),
            _ => return None,
        }))
    }

    /// Number of rows.
    pub fn len(self) -> usize {
        match self.0 {
            Layout::Utf8(array) => array.len(),
            Layout::Large(array) => array.len(),
            Layout::View(array) => array.len(),
        }
    }

    /// Whether there is no row.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The text of a row; `None` where it is null.
    ///
    /// # Panics
    /// Where there is no such row.
    #[inline]
    pub fn get(self, row: usize) -> Option<&'a str> {
        match self.0 {
            Layout::Utf8(array) => array.is_valid(row).then(|| array.value(row)),
            Layout::Large(array) => array.is_valid(row).then(|| array.value(row)),
            Layout::View(array) => array.is_valid(row).then(|| array.value(row)),
        }
    }
}
