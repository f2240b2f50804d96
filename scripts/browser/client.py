"""Opens web pages of other sites in Chromium, and checks that they can neither read nor change the data of a running
service, unless its settings allow it. Checks that the page of the documentation works under its policy, and that a page
of the service signs in and out with a token.

Usage: client.py URL BINARY
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from playwright.sync_api import expect, sync_playwright

BROWSERS = ["chromium", "chromium-browser", "google-chrome"]
START_SECONDS_MAX = 30
EMPTY_PAGE = "<!doctype html><title>A page of another site</title><body>"

# The requests of a page of another site. Each function returns `true` if the page gets the answer.
READ = {
    "fetch": "async url => (await (await fetch(url + '/api/v1/devices')).text()).includes('secret')",
    "live stream": """url => new Promise(done => {
        const stream = new EventSource(url + '/api/v1/stats/devices/secret/live');
        stream.onopen = () => { stream.close(); done(true); };
        stream.onerror = () => { stream.close(); done(false); };
    })""",
}
# Each request registers the device `id`, except for the deletion.
CHANGE = {
    "JSON": """async (url, id) => (await fetch(url + '/api/v1/devices', {method: 'POST',
        headers: {'Content-Type': 'application/json'}, body: JSON.stringify({device_id: id})})).ok""",
    # Browsers send a text without asking the service first.
    "text": """async (url, id) => (await fetch(url + '/write?register=true', {method: 'POST',
        body: `m,device=${id} x=1,y=2,z=3`})).ok""",
    "text without an answer": """async (url, id) => { await fetch(url + '/write?register=true', {method: 'POST',
        mode: 'no-cors', body: `m,device=${id} x=1,y=2,z=3`}); }""",
    "deletion": "async (url, id) => (await fetch(url + '/api/v1/devices/victim', {method: 'DELETE'})).ok",
}
FORM = """([url, id]) => {
    document.body.innerHTML = '<iframe name=answer></iframe><form method=post enctype=text/plain target=answer><input>';
    const [form, input] = [document.forms[0], document.forms[0].elements[0]];
    form.action = url + '/write?register=true';
    [input.name, input.value] = ['m,device', `${id} x=1,y=2,z=3`];
    form.submit();
}"""


class Page(BaseHTTPRequestHandler):
    """Answers every request with an empty web page."""

    def do_GET(self):
        body = EMPTY_PAGE.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Logs nothing."""


@contextmanager
def other_site():
    """Serves web pages on a free port, and returns the port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def call(url, path, body=None):
    """Sends a request of a program, and returns the answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def device_ids(url):
    return {device["device_id"] for device in call(url, "/api/v1/devices")}


def register(url, *ids):
    for device_id in ids:
        call(url, "/api/v1/devices", {"device_id": device_id})


@contextmanager
def service(binary, *flags):
    """Runs another service over a new database. Returns its URL, and the environment with which commands use its
    database."""
    url = f"http://127.0.0.1:{free_port()}"
    with tempfile.TemporaryDirectory() as folder:
        command = [binary, "serve", "--listen", url.removeprefix("http://"), "--log", "warn", *flags]
        environment = os.environ | {"DATABASE_URL": f"sqlite:{folder}/device-stats.db"}
        process = subprocess.Popen(command, env=environment)
        try:
            deadline = time.monotonic() + START_SECONDS_MAX
            while subprocess.run([binary, "health", "--url", url], capture_output=True, check=False).returncode:
                assert process.poll() is None and time.monotonic() < deadline, "the service does not start"
            yield url, environment
        finally:
            process.terminate()
            process.wait()


def succeeds(page, script, *arguments):
    """Runs a function in a page. Returns whether it returns `true`; a refused request raises an exception there."""
    given = ", ".join(map(json.dumps, arguments))
    return page.evaluate(f"async () => {{ try {{ return await ({script})({given}) === true }} catch {{ return false }} }}")


def attempt(page, url, target):
    """Lets a page try everything at `target`, an origin of the service at `url`. Returns the names of the successful
    attempts, and the status of the answer to the form."""
    successful = {name for name, script in READ.items() if succeeds(page, script, target)}
    for name, script in CHANGE.items():
        before = device_ids(url)
        succeeds(page, script, target, name.replace(" ", "-"))
        if device_ids(url) != before:
            successful.add(name)
    before = device_ids(url)
    with page.expect_response(f"{target}/write?register=true") as answer:
        page.evaluate(FORM, [target, "form"])
    if device_ids(url) != before:
        successful.add("form")
    return successful, answer.value.status


def check_page(browser, origin, url, target, successful, status):
    """Checks the attempts of a page of `origin`."""
    page = browser.new_page()
    if origin == target:
        # DNS rebinding: the page comes from the server of the site, and its later requests go to the service.
        page.route(f"{origin}/page", lambda route: route.fulfill(content_type="text/html", body=EMPTY_PAGE))
    page.goto(f"{origin}/page")
    outcome = attempt(page, url, target)
    assert outcome == (successful, status), f"a page of {origin} at {target}: {outcome}"
    page.close()


def check_embedding(browser, origin, url):
    """Checks that a page can neither show a page of the service in a frame nor load an answer as a script."""
    page = browser.new_page()
    page.goto(f"{origin}/page")
    load = """([url, kind, attribute]) => new Promise(done => {
        const element = document.createElement(kind);
        element.onload = () => done('loaded');
        element.onerror = () => done('refused');
        element[attribute] = url;
        document.body.append(element);
    })"""
    assert page.evaluate(load, [f"{url}/api/v1/devices", "script", "src"]) == "refused"
    assert page.evaluate(load, [f"{url}/docs/swagger-ui-bundle.js", "script", "src"]) == "refused"
    page.evaluate(load, [f"{url}/docs/", "iframe", "src"])
    assert "swagger" not in page.frames[1].content(), "a page of another site shows the documentation in a frame"
    page.close()


def check_documentation(browser, url):
    """Registers a user with the page of the documentation."""
    operations = sum(len(item) for item in call(url, "/api/v1/openapi.json")["paths"].values())
    page = browser.new_page()
    messages = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.goto(f"{url}/docs")
    expect(page.locator(".opblock")).to_have_count(operations)
    operation = page.locator("#operations-users-create_user")
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    expect(operation.locator(".live-responses-table tbody .response-col_status")).to_contain_text("201")
    assert [user["username"] for user in call(url, "/api/v1/users")] == ["ada"]
    assert messages == [], messages
    page.close()


SIGN_IN = """async token => (await fetch('/api/v1/session', {method: 'POST',
    headers: {'Content-Type': 'application/json'}, body: JSON.stringify({token})})).status"""
SIGN_OUT = "async () => (await fetch('/api/v1/session', {method: 'DELETE'})).status"
OWN_READ = "async () => (await fetch('/api/v1/devices')).status"
OWN_CHANGE = """async id => (await fetch('/api/v1/devices', {method: 'POST',
    headers: {'Content-Type': 'application/json'}, body: JSON.stringify({device_id: id})})).status"""
# Returns whether a live stream opens. `EventSource` sends no headers, only cookies.
OWN_STREAM = """() => new Promise(done => {
    const stream = new EventSource('/api/v1/stats/devices/secret/live');
    stream.onopen = () => { stream.close(); done(true); };
    stream.onerror = () => { stream.close(); done(false); };
})"""
# Requests of a page of another site, with the cookie if the browser sends it. None must change anything.
WITH_COOKIE = """async (url, id) => { await fetch(url + '/write?register=true', {method: 'POST', mode: 'no-cors',
    credentials: 'include', body: `m,device=${id} x=1,y=2,z=3`}); }"""


def check_session(browser, origin, binary):
    """Signs in on a page of a service that needs tokens, uses the session, lets a page of another site try to use it, and
    signs out."""
    with service(binary, "--auth", "token") as (url, environment):
        create = [binary, "token", "create", "--admin"]
        token = subprocess.run(create, env=environment, capture_output=True, check=True, text=True).stdout.strip()
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"{url}/docs")
        assert page.evaluate(OWN_READ) == 401
        assert page.evaluate(SIGN_IN, "dss_a_wrong") == 401
        assert page.evaluate(SIGN_IN, token) == 201
        assert page.evaluate(OWN_CHANGE, "secret") == 201
        assert page.evaluate(OWN_READ) == 200
        assert page.evaluate(OWN_STREAM), "a live stream does not accept the session"
        assert page.evaluate("document.cookie") == "", "a script of the page reads the cookie"
        # A page of another site in the same browser, and one of the same site but of another origin.
        for other in (origin, origin.replace("site.example", "127.0.0.1")):
            foreign = context.new_page()
            foreign.goto(f"{other}/page")
            assert not succeeds(foreign, READ["fetch"], url), f"a page of {other} reads with the session"
            succeeds(foreign, WITH_COOKIE, url, "stolen")
            foreign.close()
        devices = page.evaluate("async () => (await fetch('/api/v1/devices')).json()")
        assert [device["device_id"] for device in devices] == ["secret"], devices
        assert page.evaluate(SIGN_OUT) == 204
        assert page.evaluate(OWN_READ) == 401
        context.close()


def main(url, binary):
    browser_path = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert browser_path, f"no browser is installed: {', '.join(BROWSERS)}"
    everything = {*READ, *CHANGE, "form"}
    # The names of the sites resolve to this machine. Chromium itself refuses some requests to the local
    # network; other browsers do not.
    flags = [
        "--host-resolver-rules=MAP *.example 127.0.0.1",
        "--no-proxy-server",
        "--disable-features=LocalNetworkAccessChecks",
    ]
    with other_site() as port, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=flags)
        # To the browser, the second site is the same site as a service at `localhost`.
        site, neighbour = f"http://site.example:{port}", f"http://site.localhost:{port}"
        register(url, "secret", "victim")
        for origin in (site, neighbour):
            for target in (url, url.replace("127.0.0.1", "localhost")):
                check_page(browser, origin, url, target, set(), 403)
        rebound = url.replace("127.0.0.1", "site.example")
        check_page(browser, rebound, url, rebound, set(), 421)
        check_embedding(browser, site, url)
        check_documentation(browser, url)
        check_session(browser, site, binary)
        # The same attempts succeed if the settings allow them.
        with service(binary, "--cors-origin", site) as (open_url, _):
            register(open_url, "secret", "victim")
            check_page(browser, site, open_url, open_url, everything, 204)
        with service(binary, "--allowed-host", "site.example") as (open_url, _):
            register(open_url, "secret", "victim")
            rebound = open_url.replace("127.0.0.1", "site.example")
            check_page(browser, rebound, open_url, rebound, everything, 204)
        browser.close()
    print("Web pages of other sites read and change nothing, unless the settings allow it; a page signs in and out")


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"), sys.argv[2])
