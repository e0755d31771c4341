# SPDX-License-Identifier: BSD-2-Clause
"""What may go wrong on the way from one process to the next: it ends too soon, signals come too
early, the settings have an error by then.
"""

import contextlib
import os
import re
import shutil
import signal

import harness
from harness import pause, same, test, true, wait_for
from keyed import connect
from manager import ACTIVATE, HAND_OVER, check_sessions, managed, sessions_of
from rawclient import make_packet

STRACE = shutil.which("strace")
PEEK_OFF = 42


# --- who ends before it is ready ------------------------------------------------------------

def strace(t, *options):
    """Put between the program that passes the sockets and twampd; the process stays the same."""
    if not STRACE or t.run.sanitized:
        raise harness.Skip("needs strace, and a twampd without sanitizers")
    return [STRACE, "-D", "-qq", *options, "--"]


def start_traced(m, d, tracer):
    specs = ["fd%d:%s" % (fd, name) for name, fd in m.store]
    d.prefix = ACTIVATE + specs + ["--"] + tracer
    d.pass_fds = [fd for _, fd in m.store]
    d.start(wait=False)


def calls_of_a_start(t, m, d):
    """The system calls of a start until READY=1, which hands over again."""
    path = os.path.join(d.dir, "calls")
    since = d.log_size()
    start_traced(m, d, strace(t, "-o", path))
    d.wait_log(r"\bready\b", since)
    m.wait_empty()
    m.end(d)
    with open(path) as f:
        lines = f.read().splitlines()
    ready = next(i for i, line in enumerate(lines) if line.startswith("sendmsg") and "READY=1" in line)
    held = next(i for i, line in enumerate(lines) if "rt_sigprocmask(SIG_BLOCK, [HUP INT USR1" in line)
    return lines, held, ready


def at_call(calls, at, name):
    """The option that sends a signal at this call; strace counts each kind for itself."""
    kind = calls[at].split("(")[0]
    return ["-o", "/dev/null", "-e", "inject=%s:signal=%s:when=%d" % (
        kind, name, sum(line.split("(")[0] == kind for line in calls[:at + 1]))]


@test
def killed_at_any_call_before_ready(t):
    # the next one finds all of it
    m, d = managed(t, {"light": [{"port": 8620, "type": "twamp-light", "clients": [t.client]}]})
    opened = sessions_of(t)
    m.end(d)
    calls, held, ready = calls_of_a_start(t, m, d)
    # Those that depend on what other threads do meanwhile come more often or less often.
    steady = [at for at in range(held, ready) if not re.match("futex|brk|m(map|unmap|protect|advise)",
                                                              calls[at])]
    for at in steady[::len(steady) // 40] + steady[-5:]:
        start_traced(m, d, strace(t, *at_call(calls, at, "KILL")))
        wait_for(lambda: not d.alive(), "the end by a signal at " + calls[at])
        same(d.wait_exit(), -signal.SIGKILL, "status when killed at " + calls[at])
        same(len(m.store), 2, "descriptors in the store, killed at " + calls[at])
        # Who ends three times while he takes it up is taken for one that cannot.
        m.start(d)
        m.end(d)
    m.start(d)
    d.wait_log("took 2 connections and 2 sessions over")
    check_sessions(opened)
    true(t.sender().exchange((t.server, 8620), make_packet(1)), "the Light port goes on")
    for c, _ in opened:
        c.stop(1)


@test
def signals_that_come_early_wait(t):
    m, d = managed(t)
    opened = sessions_of(t)
    m.end(d)
    calls, held, ready = calls_of_a_start(t, m, d)
    for number, name, words in ((signal.SIGHUP, "HUP", "settings reloaded"),
                                (signal.SIGUSR1, "USR1", "draining"),
                                (signal.SIGUSR2, "USR2", None),
                                (HAND_OVER, "%d" % HAND_OVER, "handed 2 connections and 2 sessions over")):
        for at in range(held + 1, ready, (ready - held) // 5):
            since = d.log_size()
            start_traced(m, d, strace(t, *at_call(calls, at, name)))
            d.wait_log(r"\bready\b", since)
            if words:
                d.wait_log(words, since)
            if number == HAND_OVER:
                same(d.wait_exit(), 0, "exit status of who handed over at once")
            else:
                m.wait_empty()
                m.end(d)
            same(len(m.store), 2, "descriptors in the store")
    m.start(d)
    check_sessions(opened)


@test
def what_nobody_can_take_up_is_given_up(t):
    # a state that ends each process that reads it must not do so for ever
    m, d = managed(t)
    opened = sessions_of(t, (1,))
    m.end(d)
    calls, _, _ = calls_of_a_start(t, m, d)
    seeks = [line for line in calls if line.startswith("lseek")]
    last = next(i for i, line in enumerate(seeks, 1) if "SEEK_SET" in line and ", 0," in line)
    for _ in range(3):
        start_traced(m, d, strace(t, "-o", "/dev/null", "-e",
                                  "inject=lseek:signal=KILL:when=%d" % last))
        same(d.wait_exit(), -signal.SIGKILL, "status")
        same(len(m.store), 2, "descriptors in the store")
    since = d.log_size()
    m.start(d)
    d.wait_log("could not take over all .*: no process could take it up", since)
    same(opened[0][0].wait_closed(), b"", "octets before the end")
    m.wait_empty()


@test
def killed_at_any_moment(t):
    # the same by time, with what strace does not see; sanitizers, too
    m, d = managed(t)
    opened = sessions_of(t)
    m.end(d)
    for ms in list(range(0, 60, 3)) * (1 if t.run.sanitized else 2):
        specs = ["fd%d:%s" % (fd, name) for name, fd in m.store]
        d.prefix, d.pass_fds = ACTIVATE + specs + ["--"], [fd for _, fd in m.store]
        told = len(m.told)
        d.start(wait=False)
        pause(ms / 1000, "any moment before it is ready will do")
        with contextlib.suppress(ProcessLookupError):
            d.signal(signal.SIGKILL)
        d.wait_exit()
        m.catch_up()
        if any(x.get("READY") for x in m.told[told:]):
            opened = None  # it was ready: that is a crash like any other
            break
        same(len(m.store), 2, "descriptors in the store, killed after %d ms" % ms)
    m.start(d)
    if opened:
        check_sessions(opened)


@test
def a_drain_goes_on(t):
    entry = {"type": "twamp-light", "clients": [t.client]}
    m, d = managed(t, {"light": [dict(entry, port=8620, drain=True), dict(entry, port=8621)]})
    opened, idle, sender = sessions_of(t, (1,)), connect(t, 1), t.sender()

    def light_is_drained():
        # Light where it is asked for; the reply of the other port tells that both had their turn
        for port in (8620, 8621):
            sender.send((t.server, port), make_packet(port))
        same(sender.receive().source, (t.server, 8621), "who replies while draining")

    d.signal(signal.SIGUSR1)
    d.wait_log("draining: new connections and sessions are answered with 5")
    light_is_drained()
    for dropped in (1, 3):  # counters go on, too
        since = d.log_size()
        m.restart(d)
        d.wait_log("draining: new connections and sessions are answered with 5", since)
        same(idle.request().accept, 5, "Accept of a request")
        light_is_drained()
        d.reload()
        d.wait_log(r":8620.* dropped draining %d\b" % dropped, since)
        light_is_drained()
        check_sessions(opened)
    told = len(m.told)
    wait_for(lambda: any(x.get("STATUS", "").startswith("draining") for x in m.told[told - 3:]),
             "STATUS that tells")
    since = d.log_size()
    d.signal(signal.SIGUSR2)
    d.wait_log("no longer draining", since)
    true(sender.exchange((t.server, 8620), make_packet(1)), "the drained port replies again")
    m.restart(d)
    same(idle.request().accept, 0, "Accept of a request")
    true(sender.exchange((t.server, 8620), make_packet(2)), "and after a restart")


if __name__ == "__main__":
    harness.main()
