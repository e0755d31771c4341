# SPDX-License-Identifier: BSD-2-Clause
"""HTTP of a twampd under test, and the metrics that it gives. From the namespace of the server, as
an operator's own host would ask.
"""

import http.client
import json
import re
import socket
import threading

import harness

PORT = 9862
METRICS = {"metrics": {"port": PORT}}


class Refused(Exception):
    """Nobody listens there."""


def in_namespace(name, function):
    """A socket belongs to the namespace of the thread that made it."""
    result = []

    def run():
        try:
            harness.enter_namespace(name)
            result.append((function(), None))
        except Exception as error:  # pylint: disable=broad-except
            result.append((None, error))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    value, error = result[0]
    if error:
        raise error
    return value


def dial(d, host="127.0.0.1", port=PORT):
    """A TCP socket from the server's own host."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET

    def connect():
        s = socket.socket(family, socket.SOCK_STREAM)
        s.settimeout(harness.PATIENCE)
        try:
            s.connect((host, port))
        except ConnectionRefusedError:
            s.close()
            raise Refused("%s:%d" % (host, port)) from None
        return s
    return in_namespace(d.run.net.server, connect)


def dial_unix(path):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.settimeout(harness.PATIENCE)
    s.connect(path)
    return s


def ask(sock, path, headers=None, method="GET", host="127.0.0.1"):
    """One request on a connected socket, which is closed: (status, headers, body)."""
    c = http.client.HTTPConnection(host)
    c.sock = sock
    try:
        c.request(method, path, headers=headers or {})
        answer = c.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        c.close()


def get(d, path, host="127.0.0.1", port=PORT, headers=None):
    return ask(dial(d, host, port), path, headers)


def api(d, path):
    """The JSON of /api/v1/path."""
    status, _, body = get(d, "/api/v1/" + path)
    harness.same(status, 200, "status of " + path + ": " + body)
    return json.loads(body)


def parse(text):
    """{(name, ((label, value), ...)): number}"""
    samples = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            match = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
            labels = re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[2] or "")
            samples[match[1], tuple(sorted(labels))] = float(match[3])
    return samples


def scrape(d):
    status, _, text = get(d, "/metrics")
    harness.same(status, 200, "status of /metrics")
    return parse(text)


def value(samples, name, **labels):
    """The sum of those that have these labels."""
    wanted = set(labels.items())
    found = [v for (n, has), v in samples.items() if n == name and wanted <= set(has)]
    harness.true(found, "there is no %s with %r" % (name, labels))
    return sum(found)
