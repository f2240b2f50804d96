"""The stores of this service: the embedded store, and a private PostgreSQL."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from pathlib import Path
from types import TracebackType

from postgres_server import PostgresServer, plain_env, programs
from service import evict_files


class SqliteFolder:
    """A folder with an SQLite file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"sqlite:{folder / 'device-stats.db'}"

    def __enter__(self) -> SqliteFolder:
        self.folder.mkdir()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        shutil.rmtree(self.folder)

    def go_cold(self) -> None:
        """Empties the caches as a restart of the machine does. No process may have the file open."""
        evict_files(self.folder)

    def query_number(self, statement: str) -> int:
        """Returns the number that a statement selects."""
        with sqlite3.connect(f"{self.url.replace('sqlite:', 'file:')}?mode=ro", uri=True) as connection:
            return connection.execute(statement).fetchone()[0]

    def bytes_stored(self) -> int:
        return sum(file.stat().st_size for file in self.folder.iterdir())


class PostgresStore(PostgresServer):
    """A private PostgreSQL for this service."""

    def go_cold(self) -> None:
        """Empties the caches as a restart of the machine does. No client may be connected."""
        self.stop()
        evict_files(self.folder)
        self.start()

    def query_number(self, statement: str) -> int:
        """Returns the number that a statement selects."""
        psql = [shutil.which("psql") or programs() / "psql", "--no-psqlrc", "--tuples-only", f"--command={statement}", self.url]
        return int(subprocess.run(psql, check=True, capture_output=True, env=plain_env()).stdout)


STORES = {"service-sqlite": SqliteFolder, "service-postgres": PostgresStore}
