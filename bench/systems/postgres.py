"""PostgreSQL with one row per reading, and statistics in SQL."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import numpy as np
import psycopg

from answers import Answer
from columns import AXES, DEVICE_IDS, Columns
from plan import DEVICES, POSTGRES_READINGS_MAX
from postgres_server import PostgresServer
from questions import Question
from statistics_sql import device_query, read_answer, user_query

MEDIAN = "percentile_cont(0.5) WITHIN GROUP (ORDER BY {})"
NUMBERS = ("device", "time", *AXES)
ROW = np.dtype(
    [("fields", ">i2")]
    + [field for name in NUMBERS for field in ((f"{name}_size", ">i4"), (name, ">f8" if name in AXES else ">i8"))]
)
"""A row of PostgreSQL's binary COPY."""
CHUNK = 500_000
"""Number of rows that are sent at once."""


class Postgres:
    """A database in a private server."""

    name = "postgres"

    def __init__(self, folder: Path) -> None:
        self.server = PostgresServer(folder)
        self.devices: tuple[str, ...] = ()

    def __enter__(self) -> Postgres:
        self.server.__enter__()
        self.connection = psycopg.connect(self.server.url, autocommit=True)
        self.version = f"PostgreSQL {self.connection.info.parameter_status('server_version')}"
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.connection.close()
        self.server.__exit__(kind, error, trace)

    @staticmethod
    def midpoint(low: float, high: float) -> float:
        """The midpoint of the two middle values as this system computes it."""
        return low + 0.5 * (high - low)

    def load(self, columns: Columns) -> int:
        """Loads all devices, or only the first one if there would be too many rows."""
        self.devices = DEVICE_IDS if DEVICES * columns.readings <= POSTGRES_READINGS_MAX else DEVICE_IDS[:1]
        self.connection.execute(
            "CREATE TABLE reading (device bigint, time bigint, x float8 NOT NULL, y float8 NOT NULL, z float8 NOT NULL,"
            " PRIMARY KEY (device, time))"
        )
        with self.connection.cursor().copy("COPY reading FROM STDIN (FORMAT binary)") as copy:
            copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
            for number, device in enumerate(self.devices):
                span = columns.slice_of(device)
                for start in range(span.start, span.stop, CHUNK):
                    copy.write(rows(columns, number, slice(start, min(start + CHUNK, span.stop))))
            copy.write(b"\xff\xff")
        self.connection.execute("VACUUM (ANALYZE) reading")
        return len(self.devices) * columns.readings

    def bytes_stored(self) -> int:
        return self.connection.execute("SELECT pg_total_relation_size('reading')").fetchone()[0]

    def can_answer(self, question: Question) -> bool:
        devices = DEVICE_IDS if question.device is None else (question.device,)
        return set(devices) <= set(self.devices)

    def answer(self, question: Question) -> Answer:
        if question.device is not None:
            query = device_query(MEDIAN, question.device, question.window)
        else:
            query = user_query(MEDIAN, question.window)
        return read_answer(self.connection.execute(query, binary=True).fetchall())


def rows(columns: Columns, number: int, span: slice) -> bytes:
    """Returns readings of a device in the format of COPY."""
    table = np.empty(span.stop - span.start, ROW)
    table["fields"] = len(NUMBERS)
    for name in NUMBERS:
        table[f"{name}_size"] = 8
    table["device"], table["time"] = number, columns.times()[span]
    for axis in AXES:
        table[axis] = columns.axis(axis)[span]
    return table.tobytes()
