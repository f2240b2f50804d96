"""Writes files with pandas, polars, pyarrow and DuckDB, imports them, and checks that every reading is stored with
every bit.

Usage: client.py URL BINARY
"""

import json
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet as pq

READINGS = 150
START = datetime(2026, 10, 24, 12, tzinfo=timezone.utc)
# A clock change is between the first and the last time.
STEP = timedelta(minutes=17, microseconds=123_456)
TIMES = [START + STEP * number for number in range(READINGS)]
DEVICES = [f"{number % 2}" for number in range(READINGS)]
RANDOM = np.random.default_rng(13)
# Doubles that need all their digits.
AXES = {axis: list(RANDOM.normal(scale=10.0 ** RANDOM.integers(-3, 4, READINGS))) for axis in "xyz"}

CASES = []


def case(name, *flags):
    """Adds a function that writes a file. The function gets the path and the device of each reading. It may return the
    expected values of an axis."""

    def add(write):
        CASES.append((name, flags, write))
        return write

    return add


def columns(ids, **others):
    return {"device_id": ids, "timestamp": TIMES, **AXES, **others}


def pandas_frame(ids, **others):
    return pd.DataFrame(columns(ids, **others))


def arrow_table(ids, **others):
    return pa.table(columns(ids, **others))


# pandas


@case("pandas.csv")
def _(path, ids):
    pandas_frame(ids).to_csv(path)


@case("pandas-zone.csv.gz")
def _(path, ids):
    frame = pandas_frame(ids)
    frame["timestamp"] = frame["timestamp"].dt.tz_convert("Europe/Berlin")
    frame.to_csv(path, index=False)


@case("pandas-index.csv")
def _(path, ids):
    frame = pandas_frame(ids).set_index("timestamp")
    frame.index.name = None
    frame.to_csv(path)


@case(
    "pandas-german.csv", "--decimal", ",", "--time-zone", "Europe/Berlin", "--repeated-times", "later",
    "--encoding", "utf-16", "--time-format", "%d.%m.%Y %H:%M:%S.%f", "--map", "timestamp=Zeit",
)  # fmt: skip
def _(path, ids):
    frame = pandas_frame(ids)
    # Without the hours after midnight, no clock time occurs twice.
    frame["timestamp"] = [time if time.hour else None for time in TIMES]
    frame = frame.dropna().rename(columns={"timestamp": "Zeit"})
    frame["Zeit"] = frame["Zeit"].dt.tz_convert("Europe/Berlin").dt.strftime("%d.%m.%Y %H:%M:%S.%f")
    frame.to_csv(path, sep=";", decimal=",", index=False, encoding="utf-16")
    return {"rows": [number for number, time in enumerate(TIMES) if time.hour]}


@case("pandas.parquet")
def _(path, ids):
    frame = pandas_frame(ids, x=np.array(AXES["x"], dtype=np.float32)).set_index("timestamp")
    frame.index.name = None
    frame["device_id"] = frame["device_id"].astype("category")
    frame.to_parquet(path)
    return {"x": [float(np.float32(number)) for number in AXES["x"]]}


@case("pandas-zone.parquet")
def _(path, ids):
    frame = pandas_frame(ids)
    frame["timestamp"] = frame["timestamp"].dt.tz_convert("Asia/Kolkata")
    frame.iloc[::-1].to_parquet(path)


@case("pandas-clock.parquet", "--time-zone", "Asia/Kolkata")
def _(path, ids):
    frame = pandas_frame(ids)
    frame["timestamp"] = frame["timestamp"].dt.tz_convert("Asia/Kolkata").dt.tz_localize(None)
    frame.to_parquet(path)


@case("pandas.feather")
def _(path, ids):
    pandas_frame(ids).to_feather(path)


@case("pandas.ndjson")
def _(path, ids):
    pandas_frame(ids).to_json(path, orient="records", lines=True, date_format="iso", date_unit="us", double_precision=15)
    return {"approximate": True}


@case("pandas.json")
def _(path, ids):
    frame = pandas_frame(ids, **{axis: list(range(READINGS)) for axis in "xyz"})
    frame["timestamp"] = [micros(time) // 1_000 for time in TIMES]
    frame.to_json(path, orient="records")
    whole = [float(number) for number in range(READINGS)]
    return {"x": whole, "y": whole, "z": whole, "unit": 1_000}


# polars


@case("polars.csv")
def _(path, ids):
    pl.DataFrame(columns(ids)).write_csv(path)


@case("polars.parquet")
def _(path, ids):
    frame = pl.DataFrame(columns(ids)).with_columns(
        pl.col("device_id").cast(pl.Categorical), pl.col("timestamp").dt.convert_time_zone("America/St_Johns")
    )
    frame.write_parquet(path)


@case("polars.arrow")
def _(path, ids):
    frame = pl.DataFrame(columns(ids)).with_columns(pl.col("device_id").cast(pl.Enum(sorted(set(ids)))))
    frame.write_ipc(path, compression="zstd")


@case("polars.arrows")
def _(path, ids):
    pl.DataFrame(columns(ids)).write_ipc_stream(path)


@case("polars.ndjson")
def _(path, ids):
    frame = pl.DataFrame(columns(ids)).with_columns(pl.col("timestamp").dt.to_string("iso:strict"))
    frame.write_ndjson(path)


@case("polars-two.parquet", "--map", "timestamp=day+clock", "--ignore-unknown")
def _(path, ids):
    frame = pl.DataFrame(columns(ids)).with_columns(
        pl.col("timestamp").dt.date().alias("day"), pl.col("timestamp").dt.time().alias("clock")
    )
    frame.write_parquet(path)


@case("polars-decimal.parquet")
def _(path, ids):
    decimals = [Decimal(number) / 8 for number in range(READINGS)]
    frame = pl.DataFrame(columns(ids)).with_columns(pl.Series("y", decimals, pl.Decimal(20, 3)))
    frame.write_parquet(path)
    return {"y": [number / 8 for number in range(READINGS)]}


# pyarrow


@case("spark.parquet")
def _(path, ids):
    pq.write_table(arrow_table(ids), path, flavor="spark", use_deprecated_int96_timestamps=True, store_schema=False)


@case("pyarrow.parquet")
def _(path, ids):
    decimals = pa.array([Decimal(number) / 8 for number in range(READINGS)], pa.decimal256(60, 30))
    table = arrow_table(
        pa.array(ids).dictionary_encode(), x=pa.array(range(READINGS), pa.uint8()), y=decimals,
        z=pa.array(np.arange(READINGS, dtype=np.float16)),
    )  # fmt: skip
    pq.write_table(table, path, compression="zstd", row_group_size=40, data_page_version="2.0")
    whole = [float(number) for number in range(READINGS)]
    return {"x": whole, "y": [number / 8 for number in whole], "z": whole}


@case("pyarrow.csv")
def _(path, ids):
    pa.csv.write_csv(arrow_table(ids), path)


@case("pyarrow.feather")
def _(path, ids):
    table = arrow_table(pa.array(ids, pa.large_string()), timestamp=pa.array(TIMES, pa.timestamp("ns", "UTC")))
    pa.feather.write_feather(table, path, compression="lz4", chunksize=64)


@case("pyarrow.arrows.zst")
def _(path, ids):
    table = arrow_table(pa.array(ids, pa.string_view()))
    with pa.CompressedOutputStream(str(path), "zstd") as output, pa.ipc.new_stream(output, table.schema) as stream:
        stream.write_table(table)


# DuckDB


def duck(path, ids, select="*", options=""):
    # The statement finds this variable by its name.
    table = arrow_table(ids)  # noqa: F841
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"COPY (SELECT {select} FROM table) TO '{path}' {options}".replace("FROM table", 'FROM "table"'))


@case("duckdb.csv")
def _(path, ids):
    duck(path, ids)


@case("duckdb-pipe.csv")
def _(path, ids):
    duck(path, ids, "x AS X, y, z, timestamp::TIMESTAMP AS \" Timestamp \", device_id", "(DELIMITER '|')")


@case("duckdb.parquet")
def _(path, ids):
    duck(path, ids, "* REPLACE (timestamp::TIMESTAMP_NS AS timestamp, x::FLOAT AS x)", "(COMPRESSION zstd)")
    return {"x": [float(np.float32(number)) for number in AXES["x"]]}


@case("duckdb-decimal.parquet")
def _(path, ids):
    duck(path, ids, "* REPLACE ((round(x * 8) / 8)::DECIMAL(18, 3) AS x, round(y)::HUGEINT AS y, round(z)::BIGINT AS z)")
    rounded = {axis: [float(np.round(number)) for number in AXES[axis]] for axis in "yz"}
    return {"x": [float(np.round(number * 8) / 8) for number in AXES["x"]], **rounded}


@case("duckdb.ndjson")
def _(path, ids):
    duck(path, ids, options="(FORMAT json)")


@case("duckdb.json")
def _(path, ids):
    duck(path, ids, options="(FORMAT json, ARRAY true)")


def micros(time):
    return (time - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1)


def stored(url, device):
    """Returns the readings of a device by their time, in microseconds since 1970."""
    path = f"/api/v1/stats/devices/{urllib.parse.quote(device, safe='')}/export?format=ndjson"
    with urllib.request.urlopen(url + path, timeout=10) as answer:
        readings = [json.loads(line) for line in answer]
    return {micros(datetime.fromisoformat(reading["timestamp"])): reading for reading in readings}


def check(url, name, ids, expected):
    """Compares the stored readings with the rows of a file, bit for bit."""
    rows = expected.get("rows", range(READINGS))
    unit = expected.get("unit", 1)
    found = {device: stored(url, device) for device in set(ids)}
    assert sum(map(len, found.values())) == len(rows), (name, {device: len(times) for device, times in found.items()})
    for row in rows:
        reading = found[ids[row]][micros(TIMES[row]) // unit * unit]
        for axis in "xyz":
            want, have = expected.get(axis, AXES[axis])[row], float(reading[axis])
            is_equal = abs(have - want) <= 1e-14 * 10**4 if expected.get("approximate") else have == want
            assert is_equal, f"{name}, row {row}: {axis} is {have!r} instead of {want!r}"


def main(url, binary):
    with tempfile.TemporaryDirectory() as folder:
        for name, flags, write in CASES:
            path = Path(folder, name)
            ids = [f"{name} {device}" for device in DEVICES]
            expected = write(path, ids) or {}
            command = [binary, "import", str(path), "--url", url, *flags]
            outcome = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
            assert outcome.returncode == 0, f"{name}: {outcome.stdout}{outcome.stderr}"
            check(url, name, ids, expected)
    print(f"{len(CASES)} files of pandas, polars, pyarrow and DuckDB are stored with every bit")


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"), sys.argv[2])
