//! Text in other encodings than UTF-8.

use bt_bundle::IngestOptions;

use super::csv;

const TEXT: &str = "Date,Open,High,Low,Close,Gr\u{f6}\u{df}e\r\n2024-01-05,1,2,0.5,1.5,7\r\n";

fn utf_16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(bytes).collect()
}

fn encoding(name: &str) -> IngestOptions {
    IngestOptions { encoding: Some(name.parse().unwrap()), ..Default::default() }
}

#[test]
fn text_of_any_encoding_is_read_as_its_mark_or_an_option_says() {
    let windows: Vec<u8> = TEXT.chars().map(|c| c as u8).collect();
    for (bytes, options) in [
        (TEXT.as_bytes().to_vec(), IngestOptions::default()),
        (format!("\u{feff}{}", TEXT.replacen("Date", "\"Date\"", 1)).into_bytes(), IngestOptions::default()),
        (utf_16(TEXT, u16::to_le_bytes), IngestOptions::default()),
        (utf_16(TEXT, u16::to_be_bytes), IngestOptions::default()),
        (utf_16(TEXT, u16::to_le_bytes)[2..].to_vec(), encoding("utf-16le")),
        (windows.clone(), encoding("windows-1252")),
        (windows.clone(), encoding("latin1")),
        // A mark says more than an option.
        (utf_16(TEXT, u16::to_be_bytes), encoding("windows-1252")),
    ] {
        let read = csv(&bytes, options).unwrap();
        assert_eq!(read.bars, ["A 2024-01-06 1 2 0.5 1.5 NaN"]);
        assert_eq!(read.report.columns[7].0, "gr\u{f6}\u{df}e");
    }
}

#[test]
fn text_that_its_encoding_does_not_allow_is_refused_with_the_encoding() {
    let mut cut = utf_16(TEXT, u16::to_le_bytes);
    cut.pop();
    for (bytes, options, told) in [
        (cut, IngestOptions::default(), "A.csv: its text is not valid UTF-16LE"),
        (
            b"Date,Open\n\xff\xff\xff".to_vec(),
            encoding("shift_jis"),
            "A.csv: its text is not valid Shift_JIS",
        ),
        (
            b"Symbol,Date,Open,High,Low,Close\nM\xfcller,2024-01-05,1,1,1,1\n".to_vec(),
            IngestOptions::default(),
            "A.csv, line 2, column \"Symbol\": \"M\u{fffd}ller\" is not UTF-8",
        ),
        (
            b"Date;Open;High;Low;Close\n2024-01-05;184,35 \x80;185 \x80;184 \x80;185 \x80\n".to_vec(),
            IngestOptions::default(),
            "A.csv, line 2, column \"Open\": \"184,35 \u{fffd}\" is not UTF-8",
        ),
    ] {
        let error = csv(&bytes, options).unwrap_err();
        assert!(error.starts_with(told) && error.contains("encoding"), "{error}");
    }
}

#[test]
fn signs_of_currencies_are_read_in_the_encoding_that_is_stated() {
    let text = b"Date;Open;High;Low;Close\n2024-01-05;184,35 \x80;185 \x80;184 \x80;185 \x80\n";
    assert_eq!(csv(text, encoding("windows-1252")).unwrap().bars, ["A 2024-01-06 184.35 185 184 185 NaN"]);
}
