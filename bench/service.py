"""The process of this service."""

from __future__ import annotations

import os
import subprocess
import time
from http.client import HTTPConnection
from pathlib import Path
from types import TracebackType

from postgres_server import free_port

START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 60
IDLE_SECONDS = 3
"""Time for which the service must be idle to count as settled."""
IDLE_CORES = 0.02
"""Maximum use of an idle service, in cores."""
SETTLE_SECONDS_MAX = 900


class Service:
    """`device-stats serve` over a database. It is stopped at the end of a `with` block."""

    def __init__(self, program: Path, database: str, log: Path, *arguments: str) -> None:
        self.program = program
        self.database = database
        self.log = log
        self.arguments = arguments
        self.process: subprocess.Popen | None = None
        self.memory_bytes = 0
        """Peak memory of its processes, as of the last call of `note_memory`."""

    def __enter__(self) -> Service:
        self.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.process is not None:
            self.stop()

    def start(self) -> float:
        """Starts the service and returns the seconds until it is ready."""
        self.address = f"127.0.0.1:{free_port()}"
        environment = os.environ | {"DATABASE_URL": self.database, "RUST_LOG": "warn"}
        with self.log.open("ab") as log:
            start = time.perf_counter()
            self.process = subprocess.Popen(
                [self.program, "serve", "--listen", self.address, *self.arguments], env=environment, stdout=log, stderr=log
            )
        while not self.is_ready():
            if self.process.poll() is not None or time.perf_counter() - start > START_SECONDS_MAX:
                raise RuntimeError(f"the service did not start: {self.log.read_text()[-2000:]}")
            time.sleep(0.005)
        return time.perf_counter() - start

    def is_ready(self) -> bool:
        connection = HTTPConnection(self.address, timeout=5)
        try:
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def stop(self) -> None:
        self.note_memory()
        self.process.terminate()
        try:
            code = self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.process = None
        if code:
            raise RuntimeError(f"the service failed with exit code {code}: {self.log.read_text()[-2000:]}")

    def settle(self) -> float:
        """Waits until background work, such as merging, has ended. Returns the seconds."""
        start = time.perf_counter()
        while time.perf_counter() - start < SETTLE_SECONDS_MAX:
            before = self.cpu_seconds()
            time.sleep(IDLE_SECONDS)
            if self.cpu_seconds() - before < IDLE_CORES * IDLE_SECONDS:
                return time.perf_counter() - start
        raise RuntimeError(f"the service is still busy after {SETTLE_SECONDS_MAX} s")

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def note_memory(self) -> None:
        status = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        peak = next((line for line in status if line.startswith("VmHWM:")), "VmHWM: 0 kB")
        self.memory_bytes = max(self.memory_bytes, 1024 * int(peak.split()[1]))


def evict_files(folder: Path) -> None:
    """Removes the files of a folder from the operating system's cache, so that they are read from disk
    again."""
    for file in folder.rglob("*"):
        if file.is_file():
            descriptor = os.open(file, os.O_RDONLY)
            try:
                os.fsync(descriptor)
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(descriptor)
