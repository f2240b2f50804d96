"""ClickHouse, embedded (chdb), with a MergeTree ordered by device and time."""

from __future__ import annotations

import struct
from pathlib import Path
from types import TracebackType

import chdb
import pyarrow
from chdb.session import Session

from answers import Answer
from columns import AXES, DEVICE_IDS, Columns
from questions import Question
from statistics_sql import device_query, read_answer, user_query

MEDIAN = "quantileExactInclusive(0.5)({})"
"""`medianExact` is a tenth faster, but returns the upper one of two middle values."""
ROW = struct.Struct("<?q" + "Q" + "dddd" * len(AXES))
"""A row of RowBinary with a device: zero (not NULL), the device number, the count, and four statistics per
axis."""
ROW_OF_ALL = struct.Struct("<?" + "Q" + "dddd" * len(AXES))
"""A row of RowBinary without a device: one (NULL), the count, and the statistics."""


class ClickHouse:
    """A database in a folder of its own."""

    name = "clickhouse"
    version = f"ClickHouse {chdb.engine_version}, embedded by chdb {chdb.__version__}"

    def __init__(self, folder: Path) -> None:
        self.session = Session(str(folder))
        self.session.query("CREATE DATABASE bench")
        self.session.query("USE bench")
        self.session.query(
            "CREATE TABLE reading (device Int64, time Int64, x Float64, y Float64, z Float64)"
            " ENGINE = MergeTree ORDER BY (device, time)"
        )

    def __enter__(self) -> ClickHouse:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.session.close()

    @staticmethod
    def midpoint(low: float, high: float) -> float:
        """The midpoint of the two middle values as this system computes it."""
        return low + 0.5 * (high - low)

    def load(self, columns: Columns) -> int:
        for number, device in enumerate(DEVICE_IDS):
            rows = columns.slice_of(device)
            readings = pyarrow.table(  # noqa: F841, ClickHouse finds it by its name
                {"time": columns.times_of(device)} | {axis: columns.axis(axis)[rows] for axis in AXES}
            )
            self.session.query(f"INSERT INTO reading SELECT {number}, time, x, y, z FROM Python(readings)")
        # Merges all parts into one, the state after long idle time.
        self.session.query("OPTIMIZE TABLE reading FINAL")
        return len(DEVICE_IDS) * columns.readings

    def bytes_stored(self) -> int:
        answer = self.session.query("SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table = 'reading'")
        return int(str(answer))

    def can_answer(self, question: Question) -> bool:
        return True

    def answer(self, question: Question) -> Answer:
        if question.device is not None:
            return self.ask(device_query(MEDIAN, question.device, question.window))
        return self.ask(user_query(MEDIAN, question.window) + " SETTINGS group_by_use_nulls = 1")

    def ask(self, query: str) -> Answer:
        answer = self.session.query(query, "RowBinary").bytes()
        rows, position = [], 0
        while position < len(answer):
            if answer[position]:
                _, *row = ROW_OF_ALL.unpack_from(answer, position)
                rows.append((None, *row))
                position += ROW_OF_ALL.size
            else:
                _, *row = ROW.unpack_from(answer, position)
                rows.append(row)
                position += ROW.size
        return read_answer(rows)
