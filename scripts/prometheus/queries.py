"""Lets a real Prometheus scrape a running service, with deploy/prometheus, and runs all queries of the dashboard for
Grafana and all alerts. No query may fail, and each query of the dashboard must have a result, except those in EMPTY.
Also checks the names of the metrics and the form of the dashboard.

Usage: queries.py URL
"""

import contextlib
import json
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timedelta, timezone
from pathlib import Path

import yaml

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
# A request with 4,096 or more readings of a device becomes a segment at once, which has pages to cache.
READINGS = 5000
START = datetime(2026, 11, 23, 10, tzinfo=timezone.utc)
DEVICE = "pump-7"
SECONDS_MAX = 30
# Questions of the dashboard whose queries may have no result, with the reason.
EMPTY = {
    "Which alerts fire?": "no alert may fire so early",
    "Which operations are refused or fail?": "no request is refused or fails",
}
# Values of the variables of Grafana. A rate over a minute contains all scrapes of the check.
VARIABLES = {"$instance": ".*", "$__rate_interval": "1m", "$__range": "1h"}


def request(url, body=None):
    """Sends JSON, if any, and returns the status and the text of the answer."""
    data = None if body is None else json.dumps(body).encode()
    sent = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(sent, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def send(url, status, path, body=None):
    answered, text = request(url + path, body)
    assert answered == status, (path, answered, text)


def send_requests(url, first):
    """Stores a batch, repeats some of it, and sends requests of each kind that the dashboard shows."""

    def rows(numbers, y):
        times = ((number, (START + timedelta(seconds=number)).isoformat()) for number in numbers)
        return [{"timestamp": moment, "x": number / 7, "y": y, "z": -1e-7} for number, moment in times]

    path = f"/api/v1/stats/devices/{DEVICE}"
    send(url, 201, f"{path}/batch", rows(range(first, first + READINGS), 1))
    # Hot readings before the segment; repeats; conflicts.
    send(url, 201, f"{path}/batch", rows(range(-first - 10, -first), 1))
    send(url, 201, f"{path}/batch", rows(range(first, first + 2), 1))
    send(url, 201, f"{path}/batch", rows(range(first, first + 2), 2))
    # The period begins and ends within a segment, so its pages are needed, twice.
    period = f"start_time={quoted(first + 100)}&until={quoted(first + 3000)}"
    for _ in range(2):
        send(url, 200, f"{path}/analysis?{period}")
    send(url, 404, "/nothing")


def quoted(second):
    return urllib.parse.quote((START + timedelta(seconds=second)).isoformat())


def check_text(url):
    """Lets promtool check the names, the types and the descriptions of the metrics."""
    status, text = request(f"{url}/metrics")
    assert status == 200, text
    promtool = ["promtool", "check", "metrics"]
    checked = subprocess.run(promtool, input=text, capture_output=True, text=True, timeout=SECONDS_MAX)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@contextlib.contextmanager
def prometheus(target):
    """Runs Prometheus with the files of deploy/prometheus, and yields its address. It scrapes only the target, once
    a second."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with tempfile.TemporaryDirectory() as folder:
        config = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())
        config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        config["rule_files"] = [str(DEPLOY / "prometheus" / name) for name in config["rule_files"]]
        (job,) = config["scrape_configs"]
        job["scrape_timeout"] = "1s"
        job["static_configs"] = [{"targets": [target]}]
        path = Path(folder) / "prometheus.yml"
        path.write_text(yaml.safe_dump(config))
        command = ["prometheus", f"--config.file={path}", f"--storage.tsdb.path={folder}/data"]
        command += [f"--web.listen-address={address}", "--log.level=warn"]
        process = subprocess.Popen(command)
        try:
            yield Prometheus(f"http://{address}", process)
        finally:
            process.terminate()
            process.wait(timeout=SECONDS_MAX)


class Prometheus:
    def __init__(self, url, process):
        self.url = url
        self.process = process

    def get(self, path, **parameters):
        """Returns the data of an answer, or the text of an error."""
        try:
            status, text = request(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}")
        except OSError as error:
            return None, str(error)
        return (json.loads(text)["data"], None) if status == 200 else (None, text)

    def results(self, expression):
        """Returns the values of an expression that are numbers."""
        data, error = self.get("query", query=expression)
        assert error is None, f"{expression}\n{error}"
        values = (sample["value"][1] for sample in data["result"])
        return [value for value in values if value != "NaN"]

    def wait(self, what, ready):
        """Waits until a condition holds."""
        deadline = time.monotonic() + SECONDS_MAX
        while not ready():
            assert self.process.poll() is None, "Prometheus has ended"
            assert time.monotonic() < deadline, f"{what}: {self.get('targets')}"
            time.sleep(0.1)

    def wait_for_scrapes(self, scrapes):
        """Waits for this number of successful scrapes that begin from now on."""
        begin = time.time()

        def scraped():
            # A sample has the time at which its scrape began.
            data, _ = self.get("query", query=f'up{{job="device-stats"}}[{SECONDS_MAX}s]')
            samples = data["result"][0]["values"] if data and data["result"] else []
            return sum(moment > begin and value == "1" for moment, value in samples) >= scrapes

        self.wait("not scraped", scraped)

    def check_alerts(self):
        """Checks that all alerts can be evaluated, that their metrics exist, and that none fires."""
        groups = yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text())["groups"]
        alerts = {rule["alert"]: rule["expr"] for group in groups for rule in group["rules"]}
        for name, expression in alerts.items():
            self.results(expression)
            for metric in metrics_of(expression):
                assert self.results(f"count({metric})"), f"{name}: there is no metric {metric}"

        def evaluated():
            rules = [rule for group in self.get("rules", type="alert")[0]["groups"] for rule in group["rules"]]
            assert {rule["name"] for rule in rules} == set(alerts), rules
            for rule in rules:
                assert rule["health"] != "err" and rule["state"] != "firing", rule
            return all(rule["health"] == "ok" for rule in rules)

        self.wait("alerts are not evaluated", evaluated)
        return len(alerts)

    def check_dashboard(self):
        """Checks that all queries of the dashboard have results."""
        dashboard = json.loads((DEPLOY / "grafana/dashboard.json").read_text())
        for variable in dashboard["templating"]["list"]:
            if variable["type"] == "query":
                selector, label = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["definition"]).groups()
                assert self.results(f"count by ({label}) ({selector})"), variable
        queries = 0
        for panel in dashboard["panels"]:
            for target in panel.get("targets", []):
                expression = target["expr"]
                for name, value in VARIABLES.items():
                    expression = expression.replace(name, value)
                assert "$" not in expression, f"unknown variable: {expression}"
                for metric in metrics_of(expression):
                    assert self.results(f"count({metric})"), f"{panel['title']}: there is no metric {metric}"
                if not self.results(expression) and panel["title"] not in EMPTY:
                    raise AssertionError(f"no result: {panel['title']}\n{expression}")
                queries += 1
        assert EMPTY.keys() <= {panel["title"] for panel in dashboard["panels"]}, "EMPTY has an old title"
        return queries


def metrics_of(expression):
    """Returns the metrics of an expression, without their labels."""
    return set(re.findall(r"\b(?:device_stats_\w+|process_\w+|up)\b", re.sub(r'"[^"]*"', '""', expression)))


def check_form():
    """Checks rules that Grafana does not enforce: ids, overlaps, units and titles."""
    text = (DEPLOY / "grafana/dashboard.json").read_text()
    dashboard = json.loads(text)
    assert text == json.dumps(dashboard, indent=2, ensure_ascii=False) + "\n", "dashboard.json: format it with 2 spaces"
    taken = {}
    ids = set()
    for panel in dashboard["panels"]:
        title = panel["title"]
        assert panel["id"] not in ids, f"{title}: another panel has its id"
        ids.add(panel["id"])
        place = panel["gridPos"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert x < 24 and (x, y) not in taken, f"{title} covers {taken.get((x, y))}"
                taken[x, y] = title
        if panel["type"] == "row":
            continue
        assert title.endswith("?") and panel["description"], f"{title}: the title is a question, the description helps"
        assert panel["fieldConfig"]["defaults"]["unit"], f"{title}: no unit"
        sources = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
        assert all(source["uid"] == "${datasource}" for source in sources), f"{title}: fixed datasource"


def main(url):
    check_form()
    # Before the first scrape: the service gives the same sizes of the database for 10 seconds.
    send(url, 201, "/api/v1/devices", {"device_id": DEVICE})
    send_requests(url, 0)
    check_text(url)
    with prometheus(url.removeprefix("http://")) as server:
        server.wait_for_scrapes(1)
        # A rate needs two samples, and the next scrape may begin before these requests end.
        send_requests(url, READINGS)
        server.wait_for_scrapes(2)
        alerts = server.check_alerts()
        queries = server.check_dashboard()
    print(f"Prometheus scrapes the service, evaluates {alerts} alerts, and answers {queries} queries of the dashboard")


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"))
