"""Load test whose clients check every answer. A wrong answer fails the request like a wrong status.

Each simulated client registers its own user with a few devices and records the acknowledged readings, so that
it can predict every answer about them. Other clients and earlier runs do not disturb it.
"""

from __future__ import annotations

import random
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from logging import getLogger
from typing import Any

from locust import between, events, task
from locust.env import Environment
from locust.exception import RescheduleTask

from bodies import Line, batch_body, reading_body, window_members
from exchange import CheckingUser
from expected import Device, choose_window, parse_time, require_analysis, require_equal, require_page

DEVICES_MAX = 4
READINGS_MAX = 2_000
"""Maximum number of readings of a device, which limits the memory of a client. A new device replaces a full
device."""
BATCH_MAX = 100
"""Maximum number of readings of a batch. A client reads them back with one page of at most this size."""
NOTHING_FOUND = "No statistics found for the specified period"


@dataclass
class Account:
    """The registered user of a client."""

    user_id: int
    username: str
    email: str
    devices: list[Device] = field(default_factory=list)
    batch: list[Line] = field(default_factory=list)
    """The last batch with times, for sending it again."""

    def answer(self) -> dict[str, object]:
        """Returns the user as in an answer of the service."""
        return {"id": self.user_id, "username": self.username, "email": self.email}


class DeviceOwner(CheckingUser):
    """A client: the owner of a few devices, and these devices."""

    wait_time = between(0.05, 0.5)
    registered: Account | None = None

    def forget(self) -> None:
        self.registered = None

    # --- Registration.

    def account(self) -> Account:
        """Returns the registered user. Registers a new one at the start and after a failure."""
        if self.registered is None:
            username = f"load-{uuid.uuid4().hex}"
            email = f"{username}@example.com"
            with self.exchange("POST", "/users/", 201, json={"username": username, "email": email}) as answer:
                account = Account(answer["id"], username, email)
                require_equal("user", answer, account.answer())
            self.register_device(account)
            self.registered = account
        return self.registered

    def register_device(self, account: Account) -> Device:
        device_id = f"{account.username}/Halle 3/{uuid.uuid4().hex[:8]}"
        name = random.choice(["Pump", "Mühle 7", None])
        body = {"device_id": device_id, "name": name, "user_id": account.user_id}
        with self.exchange("POST", "/devices/", 201, json=body) as answer:
            device = Device(device_id, name, answer["id"])
            require_equal("device", answer, device.answer(account.user_id))
        account.devices.append(device)
        return device

    def any_device(self, room: int = 0) -> Device:
        """Returns a random device with room for more readings; a new one if the chosen device has none."""
        account = self.account()
        device = random.choice(account.devices)
        if len(device.readings) + room <= READINGS_MAX:
            return device
        self.delete_device(account, device)
        return self.register_device(account)

    def delete_device(self, account: Account, device: Device) -> None:
        ids = {"device_id": device.device_id}
        with self.exchange("DELETE", "/devices/{device_id}", 204, ids):
            pass
        account.devices.remove(device)
        account.batch.clear()
        self.expect_refusal("GET", "/devices/{device_id}", 404, "Device not found", ids)

    @task(2)
    def add_device(self) -> None:
        account = self.account()
        if len(account.devices) < DEVICES_MAX:
            self.register_device(account)

    @task(1)
    def rename(self) -> None:
        account, device = self.account(), self.any_device()
        user = {"username": f"load-{uuid.uuid4().hex}"}
        with self.exchange("PUT", "/users/{user_id}", 200, {"user_id": account.user_id}, json=user) as answer:
            require_equal("renamed user", answer, account.answer() | user)
        account.username = user["username"]
        name = {"name": random.choice(["Fan", "Тест", None])}
        with self.exchange("PUT", "/devices/{device_id}", 200, {"device_id": device.device_id}, json=name) as answer:
            require_equal("renamed device", answer, device.answer(account.user_id) | name)
        device.name = name["name"]

    # --- Readings.

    @task(20)
    def post_reading(self) -> None:
        device = self.any_device(room=1)
        time_us, values = random.choice([None, device.tick()]), device.measure()
        ids, body = {"device_id": device.device_id}, reading_body(time_us, values)
        with self.exchange("POST", "/stats/devices/{device_id}", 201, ids, json=body) as answer:
            answered_us = parse_time(answer["timestamp"])
            if time_us is not None:
                require_equal("time", answered_us, time_us)
            require_equal("new reading", device.keep(answered_us, values), True)
            require_page(device, (answered_us, answered_us), 0, 1, [answer])

    @task(2)
    def repeat_reading(self) -> None:
        """Sends a reading again with other values, as after a lost answer. The answer must contain the first
        reading."""
        device = self.any_device()
        if not device.readings:
            return
        time_us = random.choice(list(device.readings))
        ids, body = {"device_id": device.device_id}, reading_body(time_us, device.measure())
        with self.exchange("POST", "/stats/devices/{device_id}", 201, ids, json=body) as answer:
            require_page(device, (time_us, time_us), 0, 1, [answer])

    @task(8)
    def post_device_batch(self) -> None:
        size = random.randint(1, BATCH_MAX)
        device = self.any_device(room=size)
        lines: list[Line] = [(device, device.tick(), device.measure()) for _ in range(size)]
        self.send_device_batch(device, lines)
        self.account().batch = lines

    @task(4)
    def post_batch(self) -> None:
        """Sends a batch of several devices, like a gateway, with a few repeats."""
        account = self.account()
        with_room = [d for d in account.devices if len(d.readings) + BATCH_MAX <= READINGS_MAX]
        devices = random.choices(with_room or [self.any_device(BATCH_MAX)], k=random.randint(1, BATCH_MAX))
        lines: list[Line] = [(device, device.tick(), device.measure()) for device in devices]
        lines += [(d, time_us, d.measure()) for d, time_us, _ in random.choices(lines, k=random.randint(0, 3))]
        random.shuffle(lines)
        self.send_batch(lines)
        account.batch = lines

    @task(3)
    def resend_batch(self) -> None:
        """Sends the last batch again, as after a lost answer. All readings must be repeats, even with
        other values."""
        lines = [(d, time_us, random.choice([values, d.measure()])) for d, time_us, values in self.account().batch]
        if lines:
            self.send_batch(lines)

    @task(2)
    def post_batch_without_times(self) -> None:
        """Sends a batch without times and reads the readings back. They must be the newest readings, with distinct
        times."""
        size = random.randint(1, BATCH_MAX)
        device = self.any_device(room=size)
        sent = [device.measure() for _ in range(size)]
        self.send_device_batch(device, [(device, None, values) for values in sent])
        ids, query = {"device_id": device.device_id}, {"skip": 0, "limit": size}
        with self.exchange("GET", "/stats/devices/{device_id}", 200, ids, query=query) as page:
            answered = [(r["x"], r["y"], r["z"]) for r in page]
            require_equal("readings with the server's times", sorted(answered), sorted(sent))
            new = [device.keep(parse_time(r["timestamp"]), v) for r, v in zip(page, answered, strict=True)]
            require_equal("new readings", all(new), True)

    def send_batch(self, lines: list[Line]) -> None:
        body = batch_body(lines, with_device=True)
        with self.exchange("POST", "/stats/batch", 201, **body) as answer:
            require_equal("counts of a batch", answer, keep_batch(lines))

    def send_device_batch(self, device: Device, lines: list[Line]) -> None:
        ids, body = {"device_id": device.device_id}, batch_body(lines, with_device=False)
        with self.exchange("POST", "/stats/devices/{device_id}/batch", 201, ids, **body) as answer:
            require_equal("counts of a batch", answer, keep_batch(lines))

    # --- Lists.

    @task(2)
    def list_users_and_devices(self) -> None:
        """Checks the order and the length of the lists. Other clients change the rest."""
        for route in ("/users/", "/devices/"):
            query = {"skip": random.choice([0, 0, 10]), "limit": random.choice([1, 10, 100])}
            with self.exchange("GET", route, 200, query=query) as page:
                ids = [entry["id"] for entry in page]
                require_equal("order of a list", ids, sorted(set(ids)))
                require_equal("length of a list", len(ids) <= query["limit"], True)

    @task(2)
    def get_user_and_device(self) -> None:
        account, device = self.account(), self.any_device()
        with self.exchange("GET", "/users/{user_id}", 200, {"user_id": account.user_id}) as answer:
            answer["devices"].sort(key=lambda d: d["id"])
            devices = [d.answer(account.user_id) for d in sorted(account.devices, key=lambda d: d.key)]
            require_equal("user with devices", answer, account.answer() | {"devices": devices})
        with self.exchange("GET", "/devices/{device_id}", 200, {"device_id": device.device_id}) as answer:
            require_equal("device", answer, device.answer(account.user_id))

    @task(5)
    def list_readings(self) -> None:
        device = self.any_device()
        window = choose_window(device.readings)
        skip, limit = random.choice([0, 0, 5]), random.choice([1, 10, 100])
        ids, query = {"device_id": device.device_id}, window_members(window) | {"skip": skip, "limit": limit}
        with self.exchange("GET", "/stats/devices/{device_id}", 200, ids, query=query) as page:
            require_page(device, window, skip, limit, page)

    # --- Analysis.

    @task(10)
    def analyze_device(self) -> None:
        device = self.any_device()
        window = choose_window(device.readings)
        route, ids = "/stats/devices/{device_id}/analyze", {"device_id": device.device_id}
        if not (values := device.within(window)):
            self.expect_refusal("POST", route, 404, NOTHING_FOUND, ids, json=window_members(window))
            return
        with self.exchange("POST", route, 200, ids, json=window_members(window)) as answer:
            require_analysis("a device", answer, values, window)

    @task(5)
    def analyze_user(self) -> None:
        account = self.account()
        window = choose_window(self.any_device().readings)
        route, ids = "/stats/users/{user_id}/analyze", {"user_id": account.user_id}
        values_by_device = {d.device_id: values for d in account.devices if (values := d.within(window))}
        if not values_by_device:
            self.expect_refusal("POST", route, 404, NOTHING_FOUND, ids, json=window_members(window))
            return
        with self.exchange("POST", route, 200, ids, json=window_members(window)) as answer:
            require_equal("user of an analysis", answer["user_id"], account.user_id)
            pool = [values for device_values in values_by_device.values() for values in device_values]
            require_analysis("a user", answer["aggregate_stats"], pool, window)
            answered = answer["device_stats"]
            answered_ids = sorted(entry["device_id"] for entry in answered)
            require_equal("devices of an analysis", answered_ids, sorted(values_by_device))
            for entry in answered:
                require_analysis("a device of a user", entry["stats"], values_by_device[entry["device_id"]], window)

    # --- Refusals.

    @task(2)
    def expect_refusals(self) -> None:
        """Sends requests that a service under load must still refuse, with the right messages."""
        account, device = self.account(), self.any_device()
        ids, nobody, nothing = {"device_id": device.device_id}, {"user_id": 2**31 - 1}, {"device_id": "no-such-device"}
        reading = reading_body(None, device.measure())
        self.expect_refusal("GET", "/users/{user_id}", 404, "User not found", nobody)
        self.expect_refusal("POST", "/stats/users/{user_id}/analyze", 404, "User not found", nobody, json={})
        self.expect_refusal("POST", "/stats/devices/{device_id}", 404, "Device not found", nothing, json=reading)
        self.expect_refusal("POST", "/devices/", 400, "Device with this ID already exists", json=ids)
        again = {"username": uuid.uuid4().hex, "email": account.email}
        self.expect_refusal("POST", "/users/", 400, "Email already registered", json=again)
        del reading["y"]
        faults = [("body", "x"), ("body", "y")]
        self.expect_faults("POST", "/stats/devices/{device_id}", faults, ids, json=reading | {"x": "warm"})
        self.expect_faults("GET", "/users/", [("query", "skip"), ("query", "limit")], query={"skip": -1, "limit": 101})

    # --- End.

    def on_stop(self) -> None:
        """Deletes everything that it has registered: some devices one by one, the rest with their user."""
        if (account := self.registered) is None:
            return
        with suppress(RescheduleTask):
            for device in random.sample(account.devices, k=random.randint(0, len(account.devices))):
                self.delete_device(account, device)
            user = {"user_id": account.user_id}
            with self.exchange("DELETE", "/users/{user_id}", 204, user):
                pass
            self.expect_refusal("GET", "/users/{user_id}", 404, "User not found", user)
            for device in account.devices:
                self.expect_refusal(
                    "GET", "/devices/{device_id}", 404, "Device not found", {"device_id": device.device_id}
                )


def keep_batch(lines: list[Line]) -> dict[str, int]:
    """Records an acknowledged batch and returns the expected answer. Readings without a time are always new.
    The caller records them when it has read their times."""
    new = sum(time_us is None or device.keep(time_us, values) for device, time_us, values in lines)
    conflicts = sum(
        time_us is not None and device.readings[time_us] != values for device, time_us, values in lines
    )
    return {"accepted": new, "duplicates": len(lines) - new, "conflicts": conflicts}


@events.quitting.add_listener
def fail_without_requests(environment: Environment, **_: Any) -> None:
    """Fails a run without requests, because it has tested nothing."""
    if environment.stats.total.num_requests == 0:
        getLogger(__name__).error("No request was sent. Check that the service is reachable.")
        environment.process_exit_code = 1
