# SPDX-License-Identifier: BSD-2-Clause
"""A headless Chromium in the server's namespace, by way of chromedriver (W3C WebDriver)."""

import base64
import http.client
import json
import os
import shutil
import signal
import subprocess
import tempfile

import harness
import scrape

PORT = 9515
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
KEYS = {"right": "\ue014", "tab": "\ue004", "enter": "\ue007", "escape": "\ue00c"}


class Browser:
    def __init__(self, d, width=1280, height=900):
        self.daemon = d
        self.home = tempfile.mkdtemp(prefix="twampd-browser-")
        server = d.run.net.server
        self.log = open(os.path.join(self.home, "log"), "wb")
        self.process = subprocess.Popen(
            ["chromedriver", "--port=%d" % PORT], stdin=subprocess.DEVNULL, stdout=self.log,
            stderr=self.log, start_new_session=True, env=dict(os.environ, HOME=self.home),
            preexec_fn=lambda: harness.enter_namespace(server))
        self.session = None
        try:
            harness.wait_for(self.is_ready, "chromedriver")
            self.begin(width, height)
        except BaseException:
            self.close()
            raise

    def is_ready(self):
        try:
            return self.ask("GET", "/status")["ready"]
        except scrape.Refused:
            harness.true(self.process.poll() is None, "chromedriver has ended")
            return False

    def begin(self, width, height):
        options = {"args": ["--headless=new", "--no-sandbox", "--disable-gpu",
                            "--disable-dev-shm-usage", "--user-data-dir=" + self.home + "/data",
                            "--window-size=%d,%d" % (width, height)]}
        self.session = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}})["sessionId"]

    def ask(self, method, path, body=None):
        c = http.client.HTTPConnection("127.0.0.1")
        c.sock = scrape.dial(self.daemon, port=PORT)
        try:
            c.request(method, path, None if body is None else json.dumps(body),
                      {"Content-Type": "application/json"})
            value = json.loads(c.getresponse().read())["value"]
        finally:
            c.close()
        harness.true(not (isinstance(value, dict) and value.get("error")), "chromedriver: %r" % value)
        return value

    def do(self, method, path, body=None):
        return self.ask(method, "/session/%s/%s" % (self.session, path), body)

    def open(self, url):
        self.do("POST", "url", {"url": url})

    def run(self, script, *arguments):
        return self.do("POST", "execute/sync", {"script": script, "args": list(arguments)})

    def find(self, css):
        return self.do("POST", "element", {"using": "css selector", "value": css})[ELEMENT]

    def click(self, css):
        self.do("POST", "element/%s/click" % self.find(css), {})

    def type(self, css, text):
        self.do("POST", "element/%s/value" % self.find(css), {"text": text})

    def text(self, css):
        return self.do("GET", "element/%s/text" % self.find(css))

    def wait(self, script, what):
        """Until the script returns something that is true."""
        return harness.wait_for(lambda: self.run("return " + script), what)

    def resize(self, width, height):
        self.do("POST", "window/rect", {"width": width, "height": height})

    def complaints(self):
        """What the browser has to say about the page: faults of scripts, violated policies."""
        return [m["message"] for m in self.do("POST", "se/log", {"type": "browser"})]

    def picture(self, name):
        """To be looked at, if a folder for it is named."""
        folder = os.environ.get("TWAMPD_TEST_PICTURES")
        if folder:
            with open(os.path.join(folder, name + ".png"), "wb") as f:
                f.write(base64.b64decode(self.do("GET", "screenshot")))

    def close(self):
        if self.session:
            try:
                self.ask("DELETE", "/session/" + self.session)
            except (OSError, AssertionError, scrape.Refused, http.client.HTTPException):
                pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.home, ignore_errors=True)
