"""The data access of one backtest without any cache, in polars: the asset list, then every asset's closes by a filter.

    python access.py FILE.parquet ROUNDS

The file has the columns Ticker, Date, Open ... Volume. Prices are made floats when it is loaded, which the clock does not
see. Prints the seconds of one backtest for each round, as JSON.
"""

import json
import sys
import time

import polars as pl


def backtest(frame: pl.DataFrame) -> float:
    total = 0.0
    for asset in frame["Ticker"].unique().sort().to_list():
        total += frame.filter(pl.col("Ticker") == asset)["Close"].to_numpy()[-1]
    return total


def main() -> None:
    path, rounds = sys.argv[1], int(sys.argv[2])
    frame = pl.read_parquet(path).with_columns(pl.col("Open", "High", "Low", "Close").cast(pl.Float64))
    backtest(frame)
    seconds = []
    for _ in range(rounds):
        begin = time.perf_counter()
        backtest(frame)
        seconds.append(time.perf_counter() - begin)
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
