"""Measurement of this service over one store: loading, questions, restarts."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from client import LIVE, Responses, analysis_request, send
from columns import Columns
from plan import Plan
from questions import Question, Questions
from service import Service
from stores import STORES, PostgresStore, SqliteFolder

CLIENTS = 16
RESTARTS = 3


@dataclass
class ServiceResult:
    """The results of this service over one store."""

    loaded: dict[str, float]
    """Output of `device-stats-bench load`."""
    settle_seconds: float
    """Time of the background work (merging) after loading."""
    sizes: dict[str, int]
    """Output of `device-stats-bench sizes` at the end."""
    stored_bytes: int
    """Size of the database files at the end."""
    memory_bytes: int
    responses: dict[str, Responses] = field(default_factory=dict)
    """Responses by the name of the list."""
    restarts: dict[str, list[float]] = field(default_factory=dict)
    """Times of all restarts, in seconds: `start` until the service responds; then `user` and `long` for the
    first answer to such a question."""


def question_lists(questions: Questions) -> dict[str, list[Question]]:
    """Returns the lists of questions. The other systems get the first questions of `device` and `user`."""
    return {
        "device": questions.devices("one client", 200),
        "user": questions.user("one client", 100),
        "long": questions.long("one client", 100),
        "anywhere": questions.devices_anywhere("one client", 200),
        "device at once": questions.devices("many clients", 1_600),
        "user at once": questions.user("many clients", 400),
    }


def warm_ups(questions: Questions) -> dict[str, list[Question]]:
    """Returns the questions before each list: the same kind with other windows, so that the cache has the
    content of long use."""
    devices, user = questions.devices("warm-up", 400), questions.user("warm-up", 40)
    return {
        "device": devices,
        "user": user,
        "long": questions.long("warm-up", 40),
        "anywhere": questions.devices_anywhere("warm-up", 400),
        "device at once": devices,
        "user at once": user,
    }


def run_service(plan: Plan, system: str, columns: Columns, folder: Path, questions: Questions) -> ServiceResult:
    with STORES[system](folder / system) as store:
        loaded = run_program(plan, "load", f"--database={store.url}", f"--manifest={columns.manifest}")
        with Service(plan.programs / "device-stats", store.url, folder / f"{system}.log") as service:
            run = Run(plan, folder, service, int(loaded["user_id"]))
            settle_seconds = service.settle()
            run.ask_all(questions)
            restarts = run.restart_all(store, questions)
            service.note_memory()
        sizes = run_program(plan, "sizes", f"--database={store.url}")
        return ServiceResult(
            loaded, settle_seconds, sizes, store.bytes_stored(), service.memory_bytes, run.responses, restarts
        )


@dataclass
class Run:
    """A running service and its responses."""

    plan: Plan
    folder: Path
    service: Service
    user_id: int
    responses: dict[str, Responses] = field(default_factory=dict)

    def send(self, questions: list[Question], clients: int = 1) -> Responses:
        requests = [analysis_request(question, self.user_id) for question in questions]
        return send(self.plan.programs / "device-stats-bench", self.folder, self.service.address, requests, clients)

    def ask_all(self, questions: Questions) -> None:
        program = self.plan.programs / "device-stats-bench"
        self.responses["live"] = send(program, self.folder, self.service.address, [LIVE] * 1_000)
        warm_up = warm_ups(questions)
        for name, each in question_lists(questions).items():
            self.send(warm_up[name])
            self.responses[name] = self.send(each, CLIENTS if name.endswith("at once") else 1)

    def restart_all(self, store: SqliteFolder | PostgresStore, questions: Questions) -> dict[str, list[float]]:
        """Measures starts and first answers, each with another question."""
        seconds: dict[str, list[float]] = {"start": []}
        for name, each in (("user", questions.user("cold", RESTARTS)), ("long", questions.long("cold", RESTARTS))):
            seconds[name] = []
            for question in each:
                self.service.stop()
                store.go_cold()
                seconds["start"].append(self.service.start())
                seconds[name] += self.send([question]).seconds
        return seconds


def run_program(plan: Plan, *arguments: str) -> dict:
    """Runs a command of `device-stats-bench` and returns its output."""
    done = subprocess.run([plan.programs / "device-stats-bench", *arguments], check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)
