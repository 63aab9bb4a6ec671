"""Makes stocks.csv and stocks.parquet again from the package that carries the prices.

    python3 -m venv venv
    venv/bin/pip install --no-deps bokeh_sampledata==2026.1
    venv/bin/pip install pyarrow==26.0.1
    venv/bin/python data/make.py           # writes both files beside this script
    venv/bin/python data/make.py --check   # writes nothing; fails where the shipped files say something else

The CSV is the package's file, unpacked, byte for byte. The Parquet file holds the same rows as typed columns. Its
bytes depend on the version of pyarrow, its contents do not, so --check compares contents.
"""

import gzip
import hashlib
import sys
from decimal import ROUND_HALF_EVEN, Decimal
from importlib import resources
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as parquet

SOURCE_SHA256 = "5abadf99b2d394f920120a27de6f0df129859d71d4cfb0bf661bcc99446ab1fd"
ROWS = {"AAPL": 3270, "FB": 196, "GOOG": 2148, "IBM": 3270, "MSFT": 3270}
# No price has more than four decimals; the adjusted close is a quotient with up to fifteen, kept to eight.
SCALES = {"Open": 4, "High": 4, "Low": 4, "Close": 4, "Adj Close": 8}
PRECISION = 18
HERE = Path(__file__).parent


def main() -> None:
    text = source_csv()
    table = typed(text)
    counts = {row["values"]: row["counts"] for row in table["Ticker"].value_counts().to_pylist()}
    require(counts == ROWS, f"rows per ticker: {counts}, expected {ROWS}")
    if "--check" in sys.argv[1:]:
        check(text, table)
    else:
        write(text, table)


def source_csv() -> bytes:
    packed = (resources.files("bokeh_sampledata") / "_data" / "stocks.csv.gz").read_bytes()
    digest = hashlib.sha256(packed).hexdigest()
    require(digest == SOURCE_SHA256, f"stocks.csv.gz has SHA-256 {digest}, expected {SOURCE_SHA256}")
    return gzip.decompress(packed)


def typed(text: bytes) -> pa.Table:
    # Prices are read as text: a detour through a float would lose what Decimal is there to keep.
    types = {"Ticker": pa.string(), "Date": pa.date32(), "Volume": pa.int64()}
    types.update({column: pa.string() for column in SCALES})
    table = csv.read_csv(pa.BufferReader(text), convert_options=csv.ConvertOptions(column_types=types))
    for column, scale in SCALES.items():
        step = Decimal(1).scaleb(-scale)
        prices = [Decimal(price).quantize(step, ROUND_HALF_EVEN) for price in table[column].to_pylist()]
        values = pa.array(prices, pa.decimal128(PRECISION, scale))
        table = table.set_column(table.schema.get_field_index(column), column, values)
    return table


def write(text: bytes, table: pa.Table) -> None:
    (HERE / "stocks.csv").write_bytes(text)
    parquet.write_table(
        table,
        HERE / "stocks.parquet",
        compression="snappy",
        # Bars differ little from one day to the next: deltas of integers take half the room of a dictionary.
        store_decimal_as_integer=True,
        use_dictionary=["Ticker"],
        column_encoding=dict.fromkeys([*SCALES, "Volume", "Date"], "DELTA_BINARY_PACKED"),
    )
    for name in ("stocks.csv", "stocks.parquet"):
        content = (HERE / name).read_bytes()
        print(f"{hashlib.sha256(content).hexdigest()}  {name}  {len(content)} bytes")


def check(text: bytes, table: pa.Table) -> None:
    require((HERE / "stocks.csv").read_bytes() == text, "stocks.csv differs from the package's file")
    shipped = parquet.read_table(HERE / "stocks.parquet")
    require(shipped.schema.equals(table.schema), f"stocks.parquet has the schema {shipped.schema}")
    require(shipped.equals(table), "stocks.parquet holds other rows than the package's file")
    print("both files hold what the package holds")


def require(holds: bool, otherwise: str) -> None:
    if not holds:
        sys.exit(otherwise)


if __name__ == "__main__":
    main()
