//! Numbers, however they are written.

use std::sync::Arc;

use arrow_array::{ArrayRef, Date32Array, Int64Array};
use bt_bundle::{IngestOptions, Note, NumberFormat};

use super::{csv, parquet};

/// The five numbers of one bar, written like this, and the same bar's values.
fn bar(numbers: [&str; 5], options: IngestOptions) -> Result<String, String> {
    let quoted = numbers.map(|number| format!("\"{number}\""));
    let text = format!("Date,Open,High,Low,Close,Volume\n2024-01-05,{}\n", quoted.join(","));
    csv(text, options).map(|read| read.bars[0].strip_prefix("A 2024-01-06 ").unwrap().to_owned())
}

#[test]
fn signs_of_currencies_and_letters_that_multiply_are_understood() {
    for (numbers, values) in [
        (["$191.38", "$192", "$190.5", "$191", "16.43K"], "191.38 192 190.5 191 16430"),
        (["€12.07", "€ 12.5", "12€", "12.1 €", "1.29M"], "12.07 12.5 12 12.1 1290000"),
        (["-$2.5", "$1", "-$3", "$0.5", "3B"], "-2.5 1 -3 0.5 3000000000"),
        (["US$ 10", "CHF 10.5", "9 USD", "9.5 kr", "Rs. 12"], "10 10.5 9 9.5 12"),
        (["R$ 1.223,03", "R$ 1.230,00", "R$ 1.200", "R$ 1.223", "10"], "1223.03 1230 1200 1223 10"),
        (["12,50 zł", "13,00 zł", "12 zł", "12,5 zł", "10"], "12.5 13 12 12.5 10"),
        (["1", "2", "0.5", "1.5", "0.5T"], "1 2 0.5 1.5 500000000000"),
        (["1", "2", "0.5", "1.5", "54.82m"], "1 2 0.5 1.5 54820000"),
        (["1e0", "2.0E+0", "5e-1", "+1.5", "1e3"], "1 2 0.5 1.5 1000"),
        ([" 1 ", "2.", ".5", "1.50", "0010"], "1 2 0.5 1.5 10"),
        (["1'223.03", "1’240.5", "1'200", "1'223", "1'223'000"], "1223.03 1240.5 1200 1223 1223000"),
        (
            ["1 848,20", "1\u{a0}850,00", "1\u{202f}840,5", "1\u{2009}848", "12 345 678"],
            "1848.2 1850 1840.5 1848 12345678",
        ),
        (["848,200", "850,000", "840,000", "848,000", "1 848"], "848.2 850 840 848 1848"),
    ] {
        assert_eq!(bar(numbers, IngestOptions::default()).as_deref(), Ok(values), "{numbers:?}");
    }
}

#[test]
fn prices_that_only_volumes_tell_to_be_in_thousands_are_mentioned() {
    let file = |close: &str| {
        format!("Date;Open;High;Low;Close;Volume\n2024-01-05;2.961;2.970;2.950;{close};1.154.000\n")
    };
    let notes = csv(file("2.965"), IngestOptions::default()).unwrap().report.notes;
    assert!(
        matches!(&notes[..], [Note::GroupedPrices { text, price, .. }] if text == "2.961" && *price == 2961.0),
        "{notes:?}"
    );
    assert_eq!(csv(file("2.965,5"), IngestOptions::default()).unwrap().report.notes, []);
}

#[test]
fn a_number_of_any_column_that_can_be_one_alone_tells_how_prices_are_written() {
    let rows = |value: &str| {
        format!("Date;Open;High;Low;Close;Volume;Turnover\n2023-01-05;133.220;134.025;132.610;132.697;95.331;x{value}\n")
            .replace(";x", ";")
    };
    let read = csv(rows("2.417.212.836,00"), IngestOptions::default()).unwrap();
    assert_eq!(read.bars, ["A 2023-01-06 133220 134025 132610 132697 95331"]);
    assert!(matches!(&read.report.notes[..], [Note::GroupedPrices { price, .. }] if *price == 133_220.0));
    let ignored = IngestOptions {
        columns: vec![("Turnover".to_owned(), bt_bundle::Column::Ignored)],
        ..Default::default()
    };
    assert_eq!(csv(rows("2.417.212.836,00"), ignored).unwrap().bars, read.bars);
    // Two groups and nothing behind may be no number.
    assert_eq!(
        csv(rows("2.417.212"), IngestOptions::default()).unwrap().bars,
        ["A 2023-01-06 133.22 134.025 132.61 132.697 95.331"]
    );
}

#[test]
fn numbers_that_all_have_three_decimals_volumes_as_well_are_mentioned() {
    let file = |rows: [&str; 3]| {
        let rows = rows.map(|row| format!("2023-01-0{row}\n")).concat();
        csv(format!("Date;Open;High;Low;Close;Volume\n{rows}"), IngestOptions::default()).unwrap()
    };
    let first = "3;133.220;134.025;132.610;132.697;95.331";
    let read = file([first, "4;132.697;133;132.001;133;-", "5;133;134.025;132.697;133.220;101.200"]);
    assert!(
        matches!(&read.report.notes[..], [Note::Thousandths { text, number, .. }] if text == "133.220" && *number == 133.22),
        "{:?}",
        read.report.notes
    );
    for rows in [
        // Prices of yen, with whole volumes.
        [first, "4;132.697;133;132.001;133;700", "5;133;134.025;132.697;133.220;800"],
        [first, "4;132.697;133;132.001;133;95.331", "5;133;134.025;132.697;133.22;95.331"],
        [first, "4;132.697;133;132.001;133;95.331", "5;133;134.025;132.697;133.220;0.331"],
    ] {
        assert_eq!(file(rows).report.notes, [], "{rows:?}");
    }
}

#[test]
fn what_stands_in_columns_that_are_not_read_tells_nothing_of_numbers() {
    let text = "Date,Open,High,Low,Close,Release\n2024-01-05,2.961,2.97,2.95,2.965,v1\n2024-01-08,2.961,2.97,2.95,2.965,1.234.567\n";
    assert_eq!(
        csv(text, IngestOptions::default()).unwrap().bars[1],
        "A 2024-01-09 2.961 2.97 2.95 2.965 NaN"
    );
    let text = "Date;Open;High;Low;Close;Release\n2024-01-05;145,12;146,3;144,98;145,5;2.0\n2024-01-08;145,12;146,3;144,98;145,5;2.0\n";
    let ignored = IngestOptions {
        columns: vec![("Release".to_owned(), bt_bundle::Column::Ignored)],
        ..Default::default()
    };
    assert_eq!(csv(text, ignored).unwrap().bars[1], "A 2024-01-09 145.12 146.3 144.98 145.5 NaN");
    let text = "Date;Open;High;Low;Close;Note\n2024-01-05;2.961;2.970;2.950;2.965;x\n2024-01-08;2.961;2.970;2.950;2.965;12,25\n";
    assert_eq!(
        csv(text, IngestOptions::default()).unwrap().bars[1],
        "A 2024-01-09 2.961 2.97 2.95 2.965 NaN"
    );
}

#[test]
fn separators_are_taken_for_what_they_can_only_be_and_for_what_is_stated() {
    let english = NumberFormat { decimal: '.', thousands: Some(',') };
    let european = NumberFormat { decimal: ',', thousands: Some('.') };
    for (numbers, format, values) in [
        (
            ["18,364.6", "18,400", "18,300.25", "18,364.5", "27,195"],
            None,
            "18364.6 18400 18300.25 18364.5 27195",
        ),
        (["1.234,50", "1.240", "1.230,5", "1.235", "1.000.000"], None, "1234.5 1240 1230.5 1235 1000000"),
        (["12,5", "13", "12", "12,25", "100"], None, "12.5 13 12 12.25 100"),
        (["27,195", "27,200", "27,100", "27,150", "5"], Some(english), "27195 27200 27100 27150 5"),
        (["27,195", "27,200", "27,100", "27,150", "5"], Some(european), "27.195 27.2 27.1 27.15 5"),
        (["27.195", "27.200", "27.100", "27.150", "5"], None, "27.195 27.2 27.1 27.15 5"),
        (["0,123", "1", "0,1", "0.5", "5"], Some(english), "refused"),
        (["$1,234.5", "$1,240.00", "$1,230", "$1,235", "1,5"], Some(english), "refused"),
    ] {
        let read = bar(numbers, IngestOptions { number_format: format, ..Default::default() });
        match values {
            "refused" => assert!(read.unwrap_err().contains("is not a number")),
            values => assert_eq!(read.as_deref(), Ok(values), "{numbers:?}"),
        }
    }
    // Whether these are thousands or thousandths nobody can tell.
    let error = bar(["27,195", "27,200", "27,100", "27,150", "5"], IngestOptions::default()).unwrap_err();
    let told =
        "column \"Open\": \"27,195\" is 27.195 with a decimal comma and 27195 with commas between thousands";
    assert!(error.contains(told), "{error}");
    assert!(error.contains("`IngestOptions::number_format`"), "{error}");
    // Two groups of thousands in one number tell of all.
    for (numbers, values) in [
        (["13,165", "13,181", "13,100", "13,170", "1.154.000"], "13.165 13.181 13.1 13.17 1154000"),
        (["2.961", "2.970", "2.950", "2.965", "1.154.000"], "2961 2970 2950 2965 1154000"),
        (["2,961", "2,970", "2,950", "2,965", "1,154,000"], "2961 2970 2950 2965 1154000"),
    ] {
        assert_eq!(bar(numbers, IngestOptions::default()).as_deref(), Ok(values), "{numbers:?}");
    }
}

#[test]
fn marks_of_missing_values_are_missing_and_the_rest_of_the_bar_is_kept() {
    for mark in [
        "", "-", "--", "N/A", "#N/A", "n/a", "NA", "null", "NULL", "NaN", "None", "nil", "#N/A N/A",
        "#VALUE!", "#REF!", "#DIV/0!", "#NUM!", "#NAME?", ".", "\\N", "n.a.", "—", "–", "NaT",
    ] {
        let read = bar([mark, "2", "0.5", "1.5", "10"], IngestOptions::default());
        assert_eq!(read.as_deref(), Ok("NaN 2 0.5 1.5 10"), "{mark:?}");
    }
    let read = csv("Date,Open,High,Low,Close,Volume\n2024-01-05,-,2,0.5,N/A,--\n", IngestOptions::default())
        .unwrap();
    assert_eq!((read.report.missing.count, read.report.rejected.count), (3, 0));
}

#[test]
fn percents_are_no_extra_column_and_no_price() {
    let text = "Date,Price,Open,High,Low,Vol.,Change %\n\"Mar 15, 2021\",1.5,1,2,0.5,10K,2.35%\n";
    let read = csv(text, IngestOptions::default()).unwrap();
    assert_eq!(
        (read.bars[0].as_str(), &read.report.ignored[..]),
        ("A 2021-03-16 1 2 0.5 1.5 10000", &["Change %".to_owned()][..])
    );
    let error = bar(["2.35%", "3", "1", "2", "5"], IngestOptions::default()).unwrap_err();
    assert!(error.contains("\"2.35%\" is not a number"), "{error}");
}

fn scaled(scale: &str) -> IngestOptions {
    IngestOptions { price_scale: Some(scale.parse().unwrap()), ..Default::default() }
}

/// Above 2^53 an integer is no double, so it must be divided before it is rounded.
#[test]
fn prices_in_fixed_point_are_divided_exactly_in_text_and_in_columns() {
    let (nano, missing) = ("9223372036.123456789", i64::MAX);
    for (scale, open, other, volume) in [
        ("1e-9", 9_223_372_036_123_456_789, missing, 9_000_000_001_i64),
        ("1e-9", 146_685_572_179, 146_685_572_180, 250),
        ("1e-4", 1_234_567, 1_234_568, 250),
    ] {
        let decimals = scale.parse::<bt_bundle::PriceScale>().unwrap().decimals() as usize;
        let value = |units: i64| match units {
            i64::MAX => "NaN".to_owned(),
            units => {
                let text = format!("{units:0>20}");
                let (whole, fraction) = text.split_at(20 - decimals);
                format!("{whole}.{fraction}").parse::<f64>().unwrap().to_string()
            }
        };
        let expected = format!("A 2024-01-06 {0} {1} {0} {0} {volume}", value(open), value(other));
        let text =
            format!("Date,Open,High,Low,Close,Volume\n2024-01-05,{open},{other},{open},{open},{volume}\n");
        assert_eq!(csv(text, scaled(scale)).unwrap().bars[0], expected);
        let integers = |value: i64| -> ArrayRef { Arc::new(Int64Array::from(vec![value])) };
        let columns = [open, other, open, open, volume].map(integers);
        let names = ["open", "high", "low", "close", "volume"];
        let date: ArrayRef = Arc::new(Date32Array::from(vec![19_727]));
        let columns = [("date", date)].into_iter().chain(names.into_iter().zip(columns)).collect();
        assert_eq!(parquet(&super::batch(columns), scaled(scale)).unwrap().bars, [expected]);
    }
    assert_eq!(nano.parse::<f64>().unwrap().to_string(), "9223372036.123457");
}

#[test]
fn prices_that_look_like_fixed_point_are_told() {
    let rows = "20240105,1466855721,1470000000,1460000000,1467000000,12\n";
    let read = csv(format!("Date,Open,High,Low,Close,Volume\n{rows}"), IngestOptions::default()).unwrap();
    assert!(
        matches!(&read.report.notes[..], [bt_bundle::Note::FixedPoint { price, .. }] if *price == 1.467e9)
    );
    assert!(
        csv(format!("Date,Open,High,Low,Close,Volume\n{rows}"), scaled("1e-9"))
            .unwrap()
            .report
            .notes
            .is_empty()
    );
}
