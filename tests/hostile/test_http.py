# SPDX-License-Identifier: BSD-2-Clause
"""HTTP of the real twampd under attack: a thousand who connect and say nothing, who send without an
end, and who do not read. It costs them their connection, and nobody else anything: metrics are
given, clients of TWAMP are served, packets are reflected, and memory stays bounded. And what many
sessions cost a scrape and a list.
"""

import contextlib
import os
import resource
import socket
import time

import hostile  # noqa: F401 (where the modules of tests/system are)
import harness
import pagerun
import scrape
from harness import same, test, true, wait_for
from rawclient import make_packet
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


def cpu_s(d):
    """CPU time of the daemon: other than the time on the clock, a busy machine does not lengthen it."""
    with open("/proc/%d/stat" % d.pid) as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@test(limit=300)
def many_sessions(t):
    """With 10,000 sessions a scrape and a page of the list take less than 100 ms."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < SESSIONS + 2000:
        raise harness.Skip("RLIMIT_NOFILE is %d here" % hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    d = t.daemon(dict(METRICS, limits={"max_sessions": SESSIONS}))
    sender = t.sender()
    for _ in range(4):
        pagerun.many_sessions(t.connect(), sender, SESSIONS // 4)
    for path, what in (("/metrics", "a scrape"),
                       ("/api/v1/sessions?sort=-age_s&limit=50", "a page of the sessions"),
                       ("/api/v1/status", "the state")):
        times, before = [], cpu_s(d)
        for _ in range(10):
            begun = time.monotonic()
            status, _, body = scrape.get(d, path)
            times.append(time.monotonic() - begun)
            same(status, 200, what + ": " + body[:200])
        each = (cpu_s(d) - before) / len(times)
        print("# %s with %d sessions: %.0f ms of CPU; %.1f ms at best, %.1f ms at worst"
              % (what, SESSIONS, each * 1e3, min(times) * 1e3, max(times) * 1e3))
        true(each < 0.1 or d.run.sanitized, "%s takes %.0f ms" % (what, each * 1e3))
    same(scrape.api(d, "sessions?limit=1")["total"], SESSIONS, "sessions")
    use_page(t, d)


def use_page(t, d):
    """In a browser: the next page, and another order."""
    b = pagerun.browse(t, d)
    b.wait(pagerun.SHOWN + " === '1\u201350 of 10,000'", "the first page")
    b.click("#next")
    b.wait(pagerun.SHOWN + " === '51\u2013100 of 10,000'", "the second page")
    b.click("[data-sort=received]")
    b.wait(pagerun.SHOWN + " === '1\u201350 of 10,000'", "another order")
    same(b.complaints(), [], "complaints of the browser")
    b.picture("ten-thousand")


if __name__ == "__main__":
    harness.main()
