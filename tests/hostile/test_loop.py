# SPDX-License-Identifier: BSD-2-Clause
"""What would make the main thread wait for others: thousands of addresses on the host, a CPU that
somebody else keeps busy, a service manager that does not read. Whoever comes meanwhile is served.
R-022 R-089 R-122
"""

import os
import select
import signal
import socket
import subprocess
import sys
import time

import hostile
import harness
import keyed
import rawclient
from harness import Notify, pause, run, same, test, true
from hostile import Attack, Siege, knock, many_address, say, until
from rawclient import make_request

ADDRESSES = 4000
REQUESTS = 864  # in one go; what they cost together is what others wait


def worst(seen):
    return max(s for _, s in seen)


# --- many addresses -------------------------------------------------------------------

def add_addresses(t):
    """On the server, for as long as the test runs."""
    ip = ["ip", "-n", t.net.server]
    lines = ["address add 10.88.%d.%d/32 dev %s" % (i // 250, 1 + i % 250, harness.SERVER_LINK)
             for i in range(ADDRESSES)]
    t.stack.callback(lambda: run(*ip, "address", "flush", "to", "10.88.0.0/16"))
    subprocess.run(ip + ["-batch", "-"], input="\n".join(lines), text=True, check=True)


def ask_for_all(t, number):
    """Requests that name an address of the server other than that of the connection, which it has
    to know; and one that comes meanwhile, from elsewhere: (Accept, seconds)."""
    requests = b"".join(
        make_request(receiver=harness.SERVER_OTHER[4], sender=many_address(number), timeout=0,
                     sender_port=1024 + i) for i in range(REQUESTS))
    with rawclient.connect(t.server, source=many_address(number)) as c:
        c.send(requests)
        select.select([c.sock], [], [], harness.PATIENCE)  # it has begun
        seen = [knock(t) for _ in range(3)]
        answers = c.read(48 * REQUESTS)
        same({answers[i * 48] for i in range(REQUESTS)} <= {0, 4, 5}, True, "Accepts")
    return seen


@test
def many_addresses(t):
    """A request costs the same with 4000 of them: nobody waits longer for it."""
    # The table of addresses stays, in the midst of what sessions leave in the heap.
    siege = Siege(t, config={"limits": {"request_burst": 100000}}, slack=4 << 20)
    few = [s for i in range(5) for s in ask_for_all(t, i)]
    add_addresses(t)
    many = [s for i in range(5, 10) for s in ask_for_all(t, i)]
    say("newcomers waited %.0f ms at most, with %d addresses more %.0f ms" % (
        worst(few) * 1e3, ADDRESSES, worst(many) * 1e3))
    same({a for a, _ in many}, {0}, "Accepts of newcomers")
    true(worst(many) < 3 * worst(few) + 0.1, "newcomers waited %r" % many)
    siege.end(check_log=False)


# --- a busy CPU -----------------------------------------------------------------------

def pin(pid, cpu):
    for task in os.listdir("/proc/%d/task" % pid):
        os.sched_setaffinity(int(task), {cpu})


def keep_busy(t, cpu):
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"],
                               preexec_fn=lambda: os.sched_setaffinity(0, {cpu}))
    t.stack.callback(process.wait)
    t.stack.callback(process.kill)


def log_in(t):
    begin = time.monotonic()
    with hostile.inside(hostile.rig(t).friend, t.net.client):
        c = rawclient.Control(hostile.FRIEND_SERVER, source=hostile.FRIEND_NEW)
    with c:
        c.greeting()
        accept = c.authenticate(4, keyed.KEY).accept
    return accept, time.monotonic() - begin


@test
def busy_cpu(t):
    """All of twampd on one CPU beside a process that never sleeps; others have keys derived. The
    main thread goes on, and a login takes its share of that CPU."""
    siege = Siege(t, keys=keyed.KEYS, config={
        "auth": {"failure_rate": 0}, "limits": {"connection_rate": 0}, "overload": {"loop_lag": 0}})
    cpu = max(os.sched_getaffinity(0))
    alone = sorted(log_in(t)[1] for _ in range(5))[2]
    pin(siege.d.pid, cpu)
    keep_busy(t, cpu)
    logins = [log_in(t) for _ in range(10)]

    def work(attack):
        while attack.on:
            with rawclient.Control(t.server, source=many_address(attack.count % 3000)) as c:
                c.greeting()
                c.send((4).to_bytes(4, "big") + b"probe".ljust(80, b"\0") + os.urandom(80))
                c.wait_closed()
            attack.count += 1
    attacks = [Attack(t, work) for _ in range(4)]
    seen = []
    going_on = until(5)
    while going_on():
        seen.append(knock(t))
    for attack in attacks:
        attack.end()
    say("logins: %.0f ms alone, %s ms beside a busy process; newcomers waited %.0f ms at most" % (
        alone * 1e3, " ".join("%.0f" % (s * 1e3) for _, s in logins), worst(seen) * 1e3))
    say("%d handshakes of the attackers" % sum(a.count for a in attacks))
    same({a for a, _ in logins}, {0}, "Accepts of logins")
    true(sorted(s for _, s in logins)[5] < 10 * alone + 0.1, "logins took %r" % logins)
    same({a for a, _ in seen} <= {0, 5}, True, "Accepts of newcomers")
    true(worst(seen) < hostile.LIMIT_S, "newcomers waited %r" % seen)
    siege.end(check_log=False)


# --- a manager that does not read -----------------------------------------------------

@test
def notify(t):
    """Its queue is full; twampd serves as before, and has told it all that matters when it reads."""
    n = Notify(t)
    siege = Siege(t, env={"NOTIFY_SOCKET": n.path, "WATCHDOG_USEC": "300000"})
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.setblocking(False)
        n.listen()
        try:
            while True:
                other.sendto(b"OTHER=1", n.path)
        except BlockingIOError:
            pass
    seen = []
    going_on = until(3)  # thirty signs of life are due
    while going_on():
        seen.append(knock(t))
        siege.d.signal(signal.SIGHUP)
        pause(0.05, "the pace of reloads; the signs of life are counted by nobody")
    same({a for a, _ in seen}, {0}, "Accepts of newcomers")
    true(worst(seen) < hostile.LIMIT_S, "newcomers waited %r" % seen)
    at = len(n.heard)
    n.wait("WATCHDOG=1", at)
    n.wait("READY=1", at)
    told = [h for h in n.listen()[at:] if h in ("RELOADING=1", "READY=1")]
    same(told[-1], "READY=1", "the last word of %r" % told)
    siege.end(check_log=False)


if __name__ == "__main__":
    harness.main()
