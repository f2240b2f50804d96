"""A private PostgreSQL server in a temporary folder."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path
from types import TracebackType

SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
shared_buffers = '2GB'
effective_cache_size = '8GB'
work_mem = '1GB'
maintenance_work_mem = '1GB'
max_wal_size = '4GB'
max_parallel_workers_per_gather = 4
"""
"""Additions to the defaults, which are for a small machine. Commits are synced, as by default."""


class PostgresServer:
    """A server. At the end of a `with` block, it is stopped and its folder removed."""

    settings = SETTINGS

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()

    @property
    def url(self) -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/postgres"

    def __enter__(self) -> PostgresServer:
        self.folder.mkdir(mode=0o700)
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres")
        self.run("initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-instructions")
        with (self.folder / "postgresql.conf").open("a") as file:
            file.write(self.settings)
        self.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if (self.folder / "postmaster.pid").exists():
            self.stop("immediate")
        shutil.rmtree(self.folder)

    def start(self) -> None:
        log = self.folder / "server.log"
        self.run("pg_ctl", f"--log={log}", "--wait", "--timeout=120", f"--options=-p {self.port}", "start")

    def stop(self, mode: str = "fast") -> None:
        self.run("pg_ctl", f"--mode={mode}", "--wait", "--timeout=120", "stop")

    def bytes_stored(self) -> int:
        """Returns the size of tables and indexes, without the write-ahead log."""
        return sum(file.stat().st_size for file in (self.folder / "base").rglob("*") if file.is_file())

    def run(self, program: str, *arguments: str) -> None:
        command = [str(programs() / program), f"--pgdata={self.folder}", *arguments]
        if os.getuid() == 0:
            # PostgreSQL refuses to run as root.
            command = ["runuser", "-u", "postgres", "--", *command]
        # To a file, because the server inherits the output of `pg_ctl` and would keep a pipe open.
        with (self.folder.parent / "postgres.out").open("w+") as out:
            done = subprocess.run(command, cwd="/", stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=plain_env())
            if done.returncode:
                out.seek(0)
                raise RuntimeError(f"{program} failed: {out.read()}")


def plain_env() -> dict[str, str]:
    """Returns the environment without the settings of the user's own PostgreSQL."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}


def programs() -> Path:
    """Returns the folder of PostgreSQL's programs. On Debian, the server programs are not in PATH."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if not versions:
        raise FileNotFoundError(
            "PostgreSQL's server programs are missing. Install them (on Debian: apt-get install postgresql)"
        )
    return versions[-1].parent


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
