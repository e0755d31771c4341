# SPDX-License-Identifier: BSD-2-Clause
"""HTTP of the real twampd under attack: a thousand who connect and say nothing, who send without an
end, and who do not read. It costs them their connection, and nobody else anything: metrics are
given, clients of TWAMP are served, packets are reflected, and memory stays bounded. And what many
sessions cost a scrape and a list.
"""

import contextlib
import resource
import socket
import time

import hostile  # noqa: F401 (where the modules of tests/system are)
import harness
import scrape
from harness import same, test, true, wait_for
from rawclient import make_packet, make_request
from scrape import METRICS

MANY = 1000
SESSIONS = 10000
GROWTH = 48 << 20  # octets: 32 MiB of answers that wait, and what the connections take


def crowd(t, d, number, octets=b""):
    """So many connections, each with these octets sent, as far as they are taken."""
    def dial():
        out = []
        for _ in range(number):
            s = socket.socket()
            s.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                s.connect(("127.0.0.1", scrape.PORT))
            out.append(s)
        return out
    all_of_them = scrape.in_namespace(d.run.net.server, dial)
    for s in all_of_them:
        t.stack.callback(s.close)
        if octets:
            with contextlib.suppress(BlockingIOError, ConnectionResetError, BrokenPipeError):
                s.send(octets)
    return all_of_them


def served(t, d):
    """A scrape, a client, a packet."""
    def try_scrape():
        with contextlib.suppress(scrape.Refused, OSError, ValueError):
            return scrape.scrape(d)
        return None
    m = wait_for(try_scrape, "a scrape")
    control, sender, to = t.session()
    sender.send(to, make_packet())
    true(sender.receive() is not None, "a reply")
    control.close()
    return m


@test
def crowds(t):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20000), hard))
    d = t.daemon(METRICS)
    served(t, d)
    memory, fds = d.memory(), len(d.fds())
    for octets in (b"", b"GET /metrics HT", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 30,
                   b"GET /" + b"a" * 100000, b"\r\n" * 5000,
                   b"GET /api/v1/sessions?limit=200 HTTP/1.1\r\nHost: localhost\r\n\r\n" * 30,
                   b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n" + bytes(10000)):
        all_of_them = crowd(t, d, MANY, octets)
        served(t, d)
        true(len(d.fds()) < fds + 200, "descriptors: %d" % len(d.fds()))
        for s in all_of_them:
            s.close()
    wait_for(lambda: len(d.fds()) <= fds, "the descriptors to be free again")
    grown = d.memory() - memory
    true(grown < GROWTH or d.run.sanitized, "memory grew by %d octets" % grown)
    soft_lag = scrape.value(served(t, d), "twampd_overloaded")
    same(soft_lag, 0, "overloaded")


@test(limit=300)
def many_sessions(t):
    """10,000 sessions: a scrape and a page of the list within 100 ms, more than that is asked of no
    machine that is busy: of ten the fastest counts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < SESSIONS + 2000:
        raise harness.Skip("RLIMIT_NOFILE is %d here" % hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    d = t.daemon(dict(METRICS, limits={"max_sessions": SESSIONS}))
    sender = t.sender()
    request = make_request(sender_port=sender.port)
    for _ in range(4):
        c = t.connect()
        for _ in range(SESSIONS // 4 // 50):
            c.send(request * 50)
            for _ in range(50):
                same(c.accept_session().accept, 0, "Accept")
    for path, what in (("/metrics", "a scrape"),
                       ("/api/v1/sessions?sort=-age_s&limit=50", "a page of the sessions"),
                       ("/api/v1/status", "the state")):
        times = []
        for _ in range(10):
            begun = time.monotonic()
            status, _, body = scrape.get(d, path)
            times.append(time.monotonic() - begun)
            same(status, 200, what + ": " + body[:200])
        print("# %s with %d sessions: %.1f ms at best, %.1f ms at worst"
              % (what, SESSIONS, min(times) * 1e3, max(times) * 1e3))
        if not d.run.sanitized:
            true(min(times) < 0.1, "%s takes %.0f ms" % (what, min(times) * 1e3))
    same(scrape.api(d, "sessions?limit=1")["result"]["shown"], SESSIONS, "sessions")


if __name__ == "__main__":
    harness.main()
