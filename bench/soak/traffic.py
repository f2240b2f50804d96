"""The load of the soak test: everything that clients do, at a constant rate, over data of a constant size.

The number of a reading is its value and gives its time, so the analysis of a device shows by itself whether exactly
the acknowledged readings that were not deleted are stored.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

import aiohttp

DEVICES = 24
"""Devices that exist for the whole test."""
BATCH = 500
"""Readings of a batch. A device posts one batch per second."""
SINGLES = 4
"""Single readings that a device posts after each batch."""
BRIEF_READINGS = 20_000
"""Readings of a device that is deleted soon."""
STREAMS = 8
EXPORT_BYTES_PER_SECOND = 200_000
"""Speed of the slow reader of exports."""
FIRST = datetime(2026, 1, 1, tzinfo=timezone.utc)
STEP = timedelta(milliseconds=1)
REQUEST_SECONDS_MAX = 120


class WrongAnswer(Exception):
    """An analysis or an export differs from the acknowledged readings."""


@dataclass
class Figures:
    """What the clients saw since the last call of `take`."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    """Times of the responses of each kind of request."""
    refusals: Counter[str] = field(default_factory=Counter)
    """Responses of 400 and above, and lost connections."""
    readings: int = 0
    checks: int = 0
    events: int = 0

    def take(self) -> Figures:
        taken = Figures(self.seconds, self.refusals, self.readings, self.checks, self.events)
        self.seconds, self.refusals, self.readings, self.checks, self.events = {}, Counter(), 0, 0, 0
        return taken


class Clients:
    """All clients of one service."""

    def __init__(self, address: str, kept: int, seed: int) -> None:
        self.url = f"http://{address}/api/v1"
        self.kept = kept
        """Readings that a device keeps; it deletes older ones."""
        self.random = random.Random(seed)
        self.figures = Figures()
        self.user = 0

    async def run(self, stopped: asyncio.Event) -> None:
        """Sends requests until `stopped` is set or an answer is wrong."""
        limits = aiohttp.TCPConnector(limit=0)
        timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS_MAX)
        async with aiohttp.ClientSession(connector=limits, timeout=timeout) as self.session:
            user = await self.must("POST", "/users", json={"username": "soak", "email": "soak@example.com"})
            self.user = user["id"]
            for number in range(DEVICES):
                await self.register(f"steady-{number:02}")
            works = [self.steady_device(f"steady-{number:02}", number) for number in range(DEVICES)]
            works += [self.stream(f"/stats/users/{self.user}/live?rate=20") for _ in range(STREAMS)]
            works += [self.brief_devices(), self.questions(), self.exports(), self.slow_export(), self.impatient()]
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(work) for work in works]
                await stopped.wait()
                for task in tasks:
                    task.cancel()

    async def register(self, device: str) -> None:
        await self.must("POST", "/devices", json={"device_id": device, "name": device, "user_id": self.user})

    async def request(self, kind: str, method: str, path: str, **options: object) -> tuple[int, object]:
        """Sends a request. Returns the status and the JSON of the response; status 0 is a lost connection."""
        begun = time.perf_counter()
        try:
            async with self.session.request(method, self.url + path, **options) as response:
                body = await response.json() if response.content_type == "application/json" else await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            self.figures.refusals[f"{kind}: {type(error).__name__}"] += 1
            return 0, None
        self.figures.seconds.setdefault(kind, []).append(time.perf_counter() - begun)
        if response.status >= 400:
            self.figures.refusals[f"{kind}: {response.status}"] += 1
        return response.status, body

    async def must(self, method: str, path: str, **options: object) -> dict:
        """Sends a request, and repeats it while the answer is 503."""
        while (answer := await self.request("other", method, path, **options))[0] == 503:
            await asyncio.sleep(1)
        status, body = answer
        if status not in (200, 201, 204):
            raise WrongAnswer(f"{method} {path} is answered with {status}: {body}")
        return body

    async def store(self, kind: str, path: str, **options: object) -> None:
        """Posts readings again until they are acknowledged."""
        while (await self.request(kind, "POST", path, **options))[0] != 201:
            await asyncio.sleep(1)

    async def steady_device(self, device: str, number: int) -> None:
        """Posts batches and single readings, late and repeated ones too; deletes old readings; checks the rest."""
        path = f"/stats/devices/{device}"
        oldest, following, turn = 0, 0, 0
        late: deque[range] = deque()
        await asyncio.sleep(number / DEVICES)
        while True:
            due = time.monotonic() + 1
            turn += 1
            batch = range(following, following + BATCH)
            following += BATCH
            if turn % 10 == 3:
                # This batch arrives after the next two.
                late.append(batch)
            else:
                await self.post_batch(path, batch, f"{device}-{batch.start}" if turn % 4 == 0 else None)
            if late and turn % 10 == 5:
                await self.post_batch(path, late.popleft(), None)
            for _ in range(SINGLES):
                await self.store("single", path, json=reading(following))
                self.figures.readings += 1
                following += 1
            if turn % 20 == 7:
                # A repeat changes nothing.
                await self.store("single", path, json=reading(following - 1))
            if following - oldest > self.kept + 20 * BATCH and turn % 10 == 8:
                keep = following - self.kept
                bounds = {"start_time": moment(oldest), "until": moment(keep)}
                deleted = await self.must("DELETE", path, params=bounds)
                expect(deleted["deleted"], keep - oldest, f"deleted readings of {device}")
                oldest = keep
            if turn % 10 == 9:
                await self.check(path, oldest, following)
            await asyncio.sleep(max(0, due - time.monotonic()))

    async def post_batch(self, path: str, numbers: range, key: str | None) -> None:
        headers = {"Content-Type": "text/csv"} | ({"Idempotency-Key": key} if key else {})
        rows = "".join(f"{moment(n)},{n},{-n},{n % 1000}\n" for n in numbers)
        await self.store("batch", f"{path}/batch", data="timestamp,x,y,z\n" + rows, headers=headers)
        self.figures.readings += len(numbers)

    async def check(self, path: str, oldest: int, following: int) -> None:
        """Compares the analysis of a device with the numbers that are stored."""
        status, found = await self.request("analysis", "POST", f"{path}/analyze", json={"magnitude": True})
        if status != 200:
            return
        count = following - oldest
        expected = {"count": count, "min_value": oldest, "max_value": following - 1}
        expected |= {"sum": (oldest + following - 1) * count / 2, "median": (oldest + following - 1) / 2}
        for name, value in expected.items():
            expect(found["x"][name], value, f"{name} of {path}")
        self.figures.checks += 1

    async def brief_devices(self) -> None:
        """Creates devices, fills them, and deletes them."""
        number = 0
        while True:
            device, number = f"brief-{number:05}", number + 1
            await self.register(device)
            for first in range(0, BRIEF_READINGS, 5_000):
                await self.post_batch(f"/stats/devices/{device}", range(first, first + 5_000), None)
            await self.check(f"/stats/devices/{device}", 0, BRIEF_READINGS)
            await self.must("DELETE", f"/devices/{device}")
            await asyncio.sleep(5)

    async def questions(self) -> None:
        """Asks for analyses, series, histograms and lists of the user and of devices."""
        user = f"/stats/users/{self.user}"
        while True:
            device = f"/stats/devices/steady-{self.random.randrange(DEVICES):02}"
            percentiles = {"percentiles": [1, 25, 50, 75, 99], "mean": True, "stddev": True}
            await self.request("analysis", "POST", f"{user}/analyze", json=percentiles)
            await self.request("series", "GET", f"{device}/series", params={"points": 500})
            await self.request("series", "GET", f"{user}/series", params={"points": 200})
            await self.request("histogram", "GET", f"{user}/histogram", params={"bins": 50, "magnitude": "true"})
            await self.request("list", "GET", device, params={"limit": 100})
            await self.request("list", "GET", "/stats/latest", params={"user_id": self.user})
            await asyncio.sleep(1)

    async def exports(self) -> None:
        """Exports devices in each format."""
        while True:
            for form in ("csv", "ndjson", "arrow", "parquet"):
                device = f"/stats/devices/steady-{self.random.randrange(DEVICES):02}"
                await self.request("export", "GET", f"{device}/export", params={"format": form})
                await asyncio.sleep(2)

    async def slow_export(self) -> None:
        """Reads an export slowly and stops in the middle."""
        while True:
            device = f"/stats/devices/steady-{self.random.randrange(DEVICES):02}"
            try:
                async with self.session.get(f"{self.url}{device}/export?format=csv") as response:
                    for _ in range(60):
                        if not await response.content.read(EXPORT_BYTES_PER_SECOND):
                            break
                        await asyncio.sleep(1)
            except (aiohttp.ClientError, TimeoutError) as error:
                self.figures.refusals[f"slow export: {type(error).__name__}"] += 1
            await asyncio.sleep(1)

    async def impatient(self) -> None:
        """Requests analyses and does not wait for the responses."""
        while True:
            request = self.request("abandoned", "POST", f"/stats/users/{self.user}/analyze", json={})
            await asyncio.wait([asyncio.create_task(cancelled_after(request, 0.002))])
            await asyncio.sleep(0.5)

    async def stream(self, path: str) -> None:
        """Watches readings and resumes after pauses."""
        last: str | None = None
        while True:
            headers = {"Last-Event-ID": last} if last else {}
            try:
                async with asyncio.timeout(self.random.uniform(5, 60)):
                    async with self.session.get(self.url + path, headers=headers) as response:
                        async for line in response.content:
                            if line.startswith(b"id: "):
                                last = line[4:].strip().decode()
                                self.figures.events += 1
            except TimeoutError:
                pass
            except (aiohttp.ClientError, ValueError) as error:
                self.figures.refusals[f"stream: {type(error).__name__}"] += 1
            await asyncio.sleep(self.random.uniform(0, 5))


async def cancelled_after(request: object, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await request
    except TimeoutError:
        pass


def moment(number: int) -> str:
    return (FIRST + number * STEP).isoformat()


def reading(number: int) -> dict[str, object]:
    return {"timestamp": moment(number), "x": number, "y": -number, "z": number % 1000}


def expect(found: float, expected: float, what: str) -> None:
    if found != expected:
        raise WrongAnswer(f"{what}: {found} instead of {expected}")
