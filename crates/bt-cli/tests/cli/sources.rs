//! The table of `docs/ingest.md`: each of its commands reads a small file of the form that it is for.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Date32Array, Float64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use bt_bundle::Store;
use bt_core::{Bundle, BundleSource, Field};

use super::place::Place;

/// What a file of a source looks like, and the first of the bars that it holds.
struct Sample {
    source: &'static str,
    content: Content,
    frequency: &'static str,
    bars: usize,
    first: &'static str,
}

enum Content {
    Text(&'static str),
    /// Files of a folder.
    Folder(&'static [(&'static str, &'static str)]),
    Parquet(fn() -> RecordBatch),
    Feather(fn() -> RecordBatch),
}

const fn text(
    source: &'static str,
    frequency: &'static str,
    first: &'static str,
    content: &'static str,
) -> Sample {
    Sample { source, content: Content::Text(content), frequency, bars: 2, first }
}

const NEW_YORK: &str = "AAPL 2024-01-05T05:00:00Z 1 2 0.5 1.5 10";

const DAILY: [Sample; 14] = [
    text(
        "Yahoo Finance, by hand",
        "1d",
        NEW_YORK,
        "Date,Open,High,Low,Close,Adj Close,Volume\n2024-01-04,1,2,0.5,1.5,1.4,10\n2024-01-05,2,3,1,2,1.9,20\n",
    ),
    text(
        "yfinance, `Ticker.history`",
        "1d",
        NEW_YORK,
        "Date,Open,High,Low,Close,Volume,Dividends,Stock Splits\n2024-01-04 00:00:00-05:00,1,2,0.5,1.5,10,0.0,0.0\n\
         2024-01-05 00:00:00-05:00,2,3,1,2,20,0.24,0.0\n",
    ),
    text(
        "yfinance, `download` of one ticker",
        "1d",
        NEW_YORK,
        "Price,Close,High,Low,Open,Volume\nTicker,AAPL,AAPL,AAPL,AAPL,AAPL\nDate,,,,,\n2024-01-04,1.5,2,0.5,1,10\n\
         2024-01-05,2,3,1,2,20\n",
    ),
    text(
        "Stooq, one symbol",
        "1d",
        NEW_YORK,
        "Date,Open,High,Low,Close,Volume\n2024-01-04,1,2,0.5,1.5,10\n2024-01-05,2,3,1,2,20\n",
    ),
    text(
        "Stooq, bulk",
        "1d",
        "AAPL.US 2024-01-05T05:00:00Z 1 2 0.5 1.5 10",
        "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\n\
         AAPL.US,D,20240104,000000,1,2,0.5,1.5,10,0\nAAPL.US,D,20240105,000000,2,3,1,2,20,0\n",
    ),
    text(
        "Quandl WIKI, Nasdaq Data Link",
        "1d",
        NEW_YORK,
        "ticker,date,open,high,low,close,volume,ex-dividend,split_ratio,adj_open,adj_high,adj_low,adj_close,adj_volume\n\
         AAPL,2024-01-04,1,2,0.5,1.5,10.0,0.0,1.0,1,2,0.5,1.5,10.0\nAAPL,2024-01-05,2,3,1,2,20.0,0.0,1.0,2,3,1,2,20.0\n",
    ),
    text(
        "Nasdaq, historical quotes",
        "1d",
        NEW_YORK,
        "Date,Close/Last,Volume,Open,High,Low\n01/05/2024,$2.00,20,$2.00,$3.00,$1.00\n01/04/2024,$1.50,10,$1.00,$2.00,$0.50\n",
    ),
    text(
        "Alpha Vantage",
        "1d",
        "IBM 2024-01-05T05:00:00Z 1 2 0.5 1.5 10",
        "timestamp,open,high,low,close,volume\r\n2024-01-05,2,3,1,2,20\r\n2024-01-04,1,2,0.5,1.5,10\r\n",
    ),
    text(
        "EODHD, daily",
        "1d",
        NEW_YORK,
        "Date,Open,High,Low,Close,Adjusted_close,Volume\n2024-01-04,1,2,0.5,1.5,1.4,10\n2024-01-05,2,3,1,2,1.9,20\n",
    ),
    text(
        "LEAN, daily",
        "1d",
        "aapl 2024-01-05T05:00:00Z 1 2 0.5 1.5 10",
        "20240104 00:00,10000,20000,5000,15000,10\n20240105 00:00,20000,30000,10000,20000,20\n",
    ),
    text(
        "Investing.com",
        "1d",
        "AAPL 2024-01-05T05:00:00Z 1 2 0.5 1.5 16430",
        "\u{feff}\"Date\",\"Price\",\"Open\",\"High\",\"Low\",\"Vol.\",\"Change %\"\n\
         \"01/05/2024\",\"2.00\",\"2.00\",\"3.00\",\"1.00\",\"1.29M\",\"33.33%\"\n\
         \"01/04/2024\",\"1.50\",\"1.00\",\"2.00\",\"0.50\",\"16.43K\",\"-0.40%\"\n",
    ),
    text(
        "pandas, `to_csv`",
        "1d",
        NEW_YORK,
        ",Open,High,Low,Close,Volume\n2024-01-04,1.0,2.0,0.5,1.5,10\n2024-01-05,2.0,3.0,1.0,2.0,20\n",
    ),
    text(
        "qlib",
        "1d",
        "SH600000 2024-01-04T16:00:00Z 1 2 0.5 1.5 10",
        "instrument,datetime,$open,$high,$low,$close,$volume,$factor\nSH600000,2024-01-04,1,2,0.5,1.5,10,0.1\n\
         SH600000,2024-01-05,2,3,1,2,20,0.1\n",
    ),
    text(
        "Polygon, flat files",
        "1m",
        "AAPL 2024-01-04T14:31:00Z 1 2 0.5 1.5 10",
        "ticker,volume,open,close,high,low,window_start,transactions\nAAPL,10,1,1.5,2,0.5,1704378600000000000,3\n\
         AAPL,20,2,2,3,1,1704378660000000000,4\n",
    ),
];

const INTRADAY: [Sample; 12] = [
    text(
        "MetaTrader 5",
        "1m",
        "EURUSD 2024-01-04T07:31:00Z 1 2 0.5 1.5 10",
        "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\r\n\
         2024.01.04\t09:30:00\t1\t2\t0.5\t1.5\t10\t0\t7\r\n2024.01.04\t09:31:00\t2\t3\t1\t2\t20\t0\t7\r\n",
    ),
    text(
        "MetaTrader 4",
        "1m",
        "EURUSD 2024-01-04T07:31:00Z 1 2 0.5 1.5 10",
        "2024.01.04,09:30,1,2,0.5,1.5,10\n2024.01.04,09:31,2,3,1,2,20\n",
    ),
    text(
        "Binance, public data",
        "60m",
        "BTCUSDT 2024-01-04T01:00:00Z 1 2 0.5 1.5 10",
        "1704326400000,1,2,0.5,1.5,10,1704329999999,15,3,5,7,0\n1704330000000,2,3,1,2,20,1704333599999,40,3,5,7,0\n",
    ),
    text(
        "CryptoDataDownload",
        "60m",
        "BTCUSDT 2024-01-04T01:00:00Z 1 2 0.5 1.5 10",
        "https://www.CryptoDataDownload.com\nunix,date,symbol,open,high,low,close,Volume BTC,Volume USDT\n\
         1704330000000,2024-01-04 01:00:00,BTCUSDT,2,3,1,2,20,40\n1704326400000,2024-01-04 00:00:00,BTCUSDT,1,2,0.5,1.5,10,15\n",
    ),
    text(
        "Dukascopy",
        "1m",
        "EURUSD 2024-01-04T08:31:00Z 1 2 0.5 1.5 10",
        "Local time,Open,High,Low,Close,Volume\n04.01.2024 09:30:00.000 GMT+0100,1,2,0.5,1.5,10\n\
         04.01.2024 09:31:00.000 GMT+0100,2,3,1,2,20\n",
    ),
    text(
        "NinjaTrader",
        "1m",
        "ES 2024-01-04T09:31:00Z 1 2 0.5 1.5 10",
        "20240104 093100;1;2;0.5;1.5;10\r\n20240104 093200;2;3;1;2;20\r\n",
    ),
    text(
        "TradeStation",
        "1m",
        "AAPL 2024-01-04T14:31:00Z 1 2 0.5 1.5 NaN",
        "\"Date\",\"Time\",\"Open\",\"High\",\"Low\",\"Close\",\"Up\",\"Down\"\r\n01/04/2024,09:31,1,2,0.5,1.5,6,4\r\n\
         01/04/2024,09:32,2,3,1,2,11,9\r\n",
    ),
    text(
        "Interactive Brokers, ib_insync",
        "60m",
        "AAPL 2024-01-04T15:30:00Z 1 2 0.5 1.5 10",
        ",date,open,high,low,close,volume,average,barCount\n0,2024-01-04 09:30:00-05:00,1,2,0.5,1.5,10.0,1.2,3\n\
         1,2024-01-04 10:30:00-05:00,2,3,1,2,20.0,2.2,4\n",
    ),
    text(
        "Interactive Brokers, API",
        "1m",
        "AAPL 2024-01-04T14:31:00Z 1 2 0.5 1.5 10",
        "Date,Open,High,Low,Close,Volume,WAP,Count\n20240104 09:30:00 US/Eastern,1,2,0.5,1.5,10,1.2,3\n\
         20240104 09:31:00 US/Eastern,2,3,1,2,20,2.2,4\n",
    ),
    text(
        "EODHD, intraday",
        "5m",
        "AAPL 2024-01-04T14:35:00Z 1 2 0.5 1.5 10",
        "Timestamp,Gmtoffset,Datetime,Open,High,Low,Close,Volume\n1704378600,0,\"2024-01-04 14:30:00\",1,2,0.5,1.5,10\n\
         1704378900,0,\"2024-01-04 14:35:00\",2,3,1,2,20\n",
    ),
    text(
        "Databento, OHLCV",
        "1m",
        "AAPL 2024-01-04T14:31:00Z 1 2 0.5 1.5 10",
        "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume,symbol\n\
         1704378600000000000,33,2,38,1000000000,2000000000,500000000,1500000000,10,AAPL\n\
         1704378660000000000,33,2,38,2000000000,3000000000,1000000000,2000000000,20,AAPL\n",
    ),
    text(
        "Kraken",
        "60m",
        "XBTUSD 2024-01-04T01:00:00Z 1 2 0.5 1.5 10",
        "1704326400,1,2,0.5,1.5,10,3\n1704330000,2,3,1,2,20,4\n",
    ),
];

const NSE: &str = "SYMBOL,SERIES,OPEN,HIGH,LOW,CLOSE,LAST,PREVCLOSE,TOTTRDQTY,TOTTRDVAL,TIMESTAMP,TOTALTRADES,ISIN,\n\
                   TCS,EQ,1,2,0.5,1.5,1.5,1.4,10,15,04-JAN-2024,3,INE467B01029,\n";
const NSE_LATER: &str = "SYMBOL,SERIES,OPEN,HIGH,LOW,CLOSE,LAST,PREVCLOSE,TOTTRDQTY,TOTTRDVAL,TIMESTAMP,TOTALTRADES,ISIN,\n\
                         TCS,EQ,2,3,1,2,2,1.5,20,40,05-JAN-2024,4,INE467B01029,\n";
const NSE_NEW: &str = "TradDt,BizDt,Sgmt,ISIN,TckrSymb,SctySrs,OpnPric,HghPric,LwPric,ClsPric,LastPric,TtlTradgVol\n\
                       2024-07-08,2024-07-08,CM,INE467B01029,TCS,EQ,1,2,0.5,1.5,1.5,10\n";
const NSE_NEW_LATER: &str = "TradDt,BizDt,Sgmt,ISIN,TckrSymb,SctySrs,OpnPric,HghPric,LwPric,ClsPric,LastPric,TtlTradgVol\n\
                             2024-07-09,2024-07-09,CM,INE467B01029,TCS,EQ,2,3,1,2,2,20\n";

const OTHERS: [Sample; 6] = [
    Sample {
        source: "NSE, bhavcopy until July 2024",
        content: Content::Folder(&[("cm04JAN2024bhav.csv", NSE), ("cm05JAN2024bhav.csv", NSE_LATER)]),
        frequency: "1d",
        bars: 2,
        first: "TCS 2024-01-04T18:30:00Z 1 2 0.5 1.5 10",
    },
    Sample {
        source: "NSE, bhavcopy since July 2024",
        content: Content::Folder(&[
            ("BhavCopy_20240708.csv", NSE_NEW),
            ("BhavCopy_20240709.csv", NSE_NEW_LATER),
        ]),
        frequency: "1d",
        bars: 2,
        first: "TCS 2024-07-08T18:30:00Z 1 2 0.5 1.5 10",
    },
    text(
        "TradingView",
        "60m",
        "AAPL 2024-01-04T15:30:00Z 1 2 0.5 1.5 10",
        "time,open,high,low,close,Volume\n1704378600,1,2,0.5,1.5,10\n1704382200,2,3,1,2,20\n",
    ),
    Sample {
        source: "pandas, `to_parquet`",
        content: Content::Parquet(|| priced(vec![("__index_level_0__", days())], true)),
        frequency: "1d",
        bars: 2,
        first: NEW_YORK,
    },
    Sample {
        source: "polars, `write_parquet`",
        content: Content::Parquet(|| priced(vec![("symbol", symbols()), ("date", days())], false)),
        frequency: "1d",
        bars: 2,
        first: NEW_YORK,
    },
    Sample {
        source: "freqtrade",
        content: Content::Feather(|| priced(vec![("date", hours())], false)),
        frequency: "60m",
        bars: 2,
        first: "BTC/USDT 2024-01-04T01:00:00Z 1 2 0.5 1.5 10",
    },
];

fn days() -> ArrayRef {
    Arc::new(Date32Array::from(vec![19_726, 19_727]))
}

fn hours() -> ArrayRef {
    let hours = vec![1_704_326_400_000, 1_704_330_000_000];
    Arc::new(TimestampMillisecondArray::from(hours).with_timezone("UTC"))
}

fn symbols() -> ArrayRef {
    Arc::new(StringArray::from(vec!["AAPL", "AAPL"]))
}

/// Those columns and prices; a frame of pandas has its index behind them.
fn priced(first: Vec<(&'static str, ArrayRef)>, is_index_last: bool) -> RecordBatch {
    let prices = [[1.0, 2.0], [2.0, 3.0], [0.5, 1.0], [1.5, 2.0], [10.0, 20.0]];
    let prices = prices.map(|values| -> ArrayRef { Arc::new(Float64Array::from(values.to_vec())) });
    let prices = ["open", "high", "low", "close", "volume"].into_iter().zip(prices);
    let mut columns: Vec<_> = first.into_iter().chain(prices).collect();
    if is_index_last {
        columns.rotate_left(1);
    }
    RecordBatch::try_from_iter(columns).unwrap()
}

impl Content {
    fn write(&self, path: &Path) {
        match self {
            Self::Text(text) => std::fs::write(path, text).unwrap(),
            Self::Folder(files) => {
                std::fs::create_dir_all(path).unwrap();
                files.iter().for_each(|(name, text)| std::fs::write(path.join(name), text).unwrap());
            }
            Self::Parquet(batch) => write_parquet(path, &batch()),
            Self::Feather(batch) => write_feather(path, &batch()),
        }
    }
}

fn write_parquet(path: &Path, batch: &RecordBatch) {
    use parquet::basic::{Compression, ZstdLevel};
    let compression = match cfg!(feature = "zstd") {
        true => Compression::ZSTD(ZstdLevel::default()),
        false => Compression::UNCOMPRESSED,
    };
    let properties =
        parquet::file::properties::WriterProperties::builder().set_compression(compression).build();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

fn write_feather(path: &Path, batch: &RecordBatch) {
    use arrow_ipc::writer::{FileWriter, IpcWriteOptions};
    let lz4 = Some(arrow_ipc::CompressionType::LZ4_FRAME);
    let options = IpcWriteOptions::default().try_with_compression(lz4).unwrap();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = FileWriter::try_new_with_options(file, &batch.schema(), options).unwrap();
    writer.write(batch).unwrap();
    writer.finish().unwrap();
}

/// The sources of the table, each with its command.
fn table() -> Vec<(String, String)> {
    let document = include_str!("../../../../docs/ingest.md");
    let (_, section) = document.split_once("| from | looks like | command |\n|---|---|---|\n").unwrap();
    let rows = section.lines().take_while(|line| line.starts_with('|'));
    let cells = |row: &str| {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect();
        assert_eq!(cells.len(), 3, "{row}");
        (cells[0].clone(), cells[2].trim_matches('`').to_owned())
    };
    rows.map(cells).collect()
}

/// The words of a command, of which some are in single quotes.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (at, part) in command.split('\'').enumerate() {
        match at % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            _ => words.push(part.to_owned()),
        }
    }
    words
}

/// All bars of a bundle: asset, when it became known, open, high, low, close, volume.
fn bars(place: &Place, name: &str) -> Vec<String> {
    let bundle = Store::open(place.path("bundles")).unwrap().open(&name.parse().unwrap()).unwrap();
    let mut all = Vec::new();
    for (asset, id) in bundle.assets().names().zip(bundle.assets().ids()) {
        let bars = bundle.bars(id).unwrap();
        all.extend(bars.timestamps().iter().enumerate().map(|(at, known)| {
            let values = Field::OHLCV.map(|field| bars.field(field)[at].to_string());
            format!("{asset} {known} {}", values.join(" "))
        }));
    }
    all
}

/// What is wrong with what a command makes of a sample.
fn differs(sample: &Sample, command: &str) -> Option<String> {
    let words = words(command);
    assert_eq!(words[..2], ["bt", "ingest"], "{command}");
    let place = Place::new();
    sample.content.write(&place.path(&words[3]));
    let output = place.command("ingest").args(&words[2..]).arg("--json").output().unwrap();
    if !output.status.success() {
        return Some(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let bars = bars(&place, &words[2]);
    let got = format!(
        "{} of {}, {} left out, {}",
        bars.len(),
        report["frequency"],
        report["left_out"]["count"],
        bars[0]
    );
    let expected = format!("{} of {:?}, 0 left out, {}", sample.bars, sample.frequency, sample.first);
    (got != expected).then(|| format!("got {got}\nexpected {expected}\n"))
}

#[test]
fn the_command_of_every_source_reads_a_file_of_its_form() {
    let table = table();
    let samples: Vec<&Sample> = DAILY.iter().chain(&INTRADAY).chain(&OTHERS).collect();
    assert_eq!(table.len(), samples.len(), "every row has a sample");
    let failed = table.iter().filter_map(|(source, command)| {
        let sample =
            samples.iter().find(|sample| sample.source == source).unwrap_or_else(|| panic!("{source}"));
        differs(sample, command).map(|why| format!("{source}: {command}\n{why}"))
    });
    let failed: Vec<_> = failed.collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
