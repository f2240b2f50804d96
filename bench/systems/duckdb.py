"""DuckDB, embedded, with a table filled in order of device and time."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import duckdb
import pyarrow

from answers import Answer
from columns import AXES, DEVICE_IDS, Columns
from questions import Question
from statistics_sql import all_row_query, device_query, device_rows_query, read_answer

MEDIAN = "median({})"


class DuckDb:
    """A database in a file of its own."""

    name = "duckdb"
    version = f"DuckDB {duckdb.__version__}"

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.file = folder / "readings.duckdb"
        self.connection = duckdb.connect(str(self.file))
        self.connection.execute("CREATE TABLE reading (device BIGINT, time BIGINT, x DOUBLE, y DOUBLE, z DOUBLE)")

    def __enter__(self) -> DuckDb:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.connection.close()

    @staticmethod
    def midpoint(low: float, high: float) -> float:
        """The midpoint of the two middle values as this system computes it."""
        return low * 0.5 + high * 0.5

    def load(self, columns: Columns) -> int:
        for number, device in enumerate(DEVICE_IDS):
            rows = columns.slice_of(device)
            readings = pyarrow.table(  # noqa: F841, DuckDB finds it by its name
                {"time": columns.times_of(device)} | {axis: columns.axis(axis)[rows] for axis in AXES}
            )
            self.connection.execute(f"INSERT INTO reading SELECT {number}, time, x, y, z FROM readings")
        self.connection.execute("CHECKPOINT")
        return len(DEVICE_IDS) * columns.readings

    def bytes_stored(self) -> int:
        return self.file.stat().st_size

    def can_answer(self, question: Question) -> bool:
        return True

    def answer(self, question: Question) -> Answer:
        """Answers about the user with two queries, which are faster than one with grouping sets."""
        if question.device is not None:
            return self.ask(device_query(MEDIAN, question.device, question.window))
        return self.ask(device_rows_query(MEDIAN, question.window), all_row_query(MEDIAN, question.window))

    def ask(self, *queries: str) -> Answer:
        return read_answer(row for query in queries for row in self.connection.execute(query).fetchall())
