"""The sweep of bench_sweep.py in turns, so that another program can take the turns between.

    python sweep_turns.py KIND SET

KIND is numbapar, numba, numpy2d or polars; the data is what gen_data.py writes to $PEERS_DATA. Each line on standard input is a
number of sweeps to run, answered by one JSON line: {"wall": s, "cpu": s, "sum": ...}, seconds of all of them (CPU of all
threads) and the sum of returns over all pairs and assets. Compiling is over before the first answer.
"""

import json
import sys
import time

import numpy as np
from common import D, PAIRS

WINDOWS = sorted({window for pair in PAIRS for window in pair})


def closes(name: str) -> tuple[np.ndarray, np.ndarray]:
    """All closes, asset after asset, and where each asset starts and the last one ends."""
    rows, lens = np.load(f"{D}/{name}.npy"), np.load(f"{D}/{name}.lens.npy")
    return np.ascontiguousarray(rows[:, 3]), np.concatenate([[0], np.cumsum(lens)])


def numba_sweep(name: str, parallel: bool):
    import numba

    close, starts = closes(name)
    pairs = np.array(PAIRS)

    @numba.njit(parallel=parallel, fastmath=False)
    def sweep(close, starts, pairs):
        sums = np.zeros(starts.size - 1)
        for asset in numba.prange(starts.size - 1):
            x = close[starts[asset] : starts[asset + 1]]
            c = np.zeros(x.size + 1)
            for i in range(x.size):
                c[i + 1] = c[i] + x[i]
            total = 0.0
            for pair in range(pairs.shape[0]):
                fast, slow = pairs[pair, 0], pairs[pair, 1]
                for i in range(slow - 1, x.size - 1):
                    if (c[i + 1] - c[i + 1 - fast]) / fast > (c[i + 1] - c[i + 1 - slow]) / slow:
                        total += x[i + 1] / x[i] - 1.0
            sums[asset] = total
        return sums.sum()

    return lambda: float(sweep(close, starts, pairs))


def numpy_sweep(name: str):
    close, starts = closes(name)
    assets = np.split(close, starts[1:-1])
    # Assets of one length are one matrix.
    blocks = [np.stack(assets)] if len({len(x) for x in assets}) == 1 else [x[None] for x in assets]

    def sweep() -> float:
        total = 0.0
        for x in blocks:
            c = np.zeros((x.shape[0], x.shape[1] + 1))
            np.cumsum(x, axis=1, out=c[:, 1:])
            returns = x[:, 1:] / x[:, :-1] - 1.0
            means = {w: (c[:, w:] - c[:, :-w]) / w for w in WINDOWS}
            for fast, slow in PAIRS:
                held = means[fast][:, slow - fast : -1] > means[slow][:, :-1]
                total += float(np.einsum("ij,ij->", returns[:, slow - 1 :], held))
        return total

    return sweep


def polars_sweep(name: str):
    import polars as pl

    frame = pl.read_parquet(f"{D}/{name}.parquet", columns=["date", "asset", "close"]).sort("asset", "date")
    close = pl.col("close")
    means = [close.rolling_mean(w).over("asset").alias(f"m{w}") for w in WINDOWS]
    returns = close.pct_change().over("asset").alias("r")

    def held(fast: int, slow: int) -> pl.Expr:
        return (pl.col(f"m{fast}") > pl.col(f"m{slow}")).shift(1).over("asset").alias(f"{fast}/{slow}")

    def sweep() -> float:
        query = frame.lazy().with_columns(*means, returns).with_columns(held(*pair) for pair in PAIRS)
        sums = (pl.col("r").filter(pl.col(f"{f}/{s}")).sum().alias(f"{f}/{s}") for f, s in PAIRS)
        return float(query.select(sums).collect().sum_horizontal()[0])

    return sweep


def main() -> None:
    kind, name = sys.argv[1], sys.argv[2]
    kinds = {
        "numbapar": lambda: numba_sweep(name, True),
        "numba": lambda: numba_sweep(name, False),
        "numpy2d": lambda: numpy_sweep(name),
        "polars": lambda: polars_sweep(name),
    }
    sweep = kinds[kind]()
    sweep()
    for line in sys.stdin:
        wall, cpu, total = time.perf_counter(), time.process_time(), 0.0
        for _ in range(int(line)):
            total = sweep()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        print(json.dumps({"wall": wall, "cpu": cpu, "sum": total}), flush=True)


if __name__ == "__main__":
    main()
