# SPDX-License-Identifier: BSD-2-Clause
"""What the real twampd tells systemd, and how it ends.
"""

import re
import signal
import threading
import time

import harness
from harness import Notify, pause, same, test, true, wait_for
from rawclient import make_packet, make_request, seconds
from steps import reflects

# --- systemd --------------------------------------------------------------------------

@test
def systemd_hears_of_start_reload_and_stop(t):
    # as systemd wants it
    n = Notify(t)
    d = t.daemon(env={"NOTIFY_SOCKET": n.path})
    n.wait("READY=1")
    n.wait("STATUS=.+")
    at = len(n.heard)
    d.reload()
    n.wait("RELOADING=1", at)
    n.wait("READY=1", at)
    n.wait("STATUS=.+", at)
    order = [h for h in n.heard[at:] if h in ("RELOADING=1", "READY=1")]
    same(order, ["RELOADING=1", "READY=1"], "order of messages")
    at = len(n.heard)
    d.reload(text="nonsense = 1;\n", expect="reload failed")
    n.wait("READY=1", at)
    true("RELOADING=1" in n.heard[at:], "no RELOADING=1")
    n.wait("STATUS=.*fail.*", at)
    same(d.terminate(), 0, "exit status")
    n.wait("STOPPING=1", at)


@test
def status_has_live_figures(t):
    """Ten seconds after the last one; at once where an operator has changed something."""
    n = Notify(t)
    d = t.daemon(env={"NOTIFY_SOCKET": n.path})
    n.wait("READY=1")
    c = t.connect()
    for _ in range(3):
        same(c.request().accept, 0, "Accept")
    n.wait(r"STATUS=.*\b1 connections?\b.*\b3 sessions\b.*")
    c.close()
    d.wait_idle()
    at = len(n.heard)
    d.signal(signal.SIGUSR1)
    n.wait(r"STATUS=draining: 0 connections, 0 sessions\b.*", at)


@test
def watchdog_is_fed(t):
    n = Notify(t)
    t.daemon(env={"NOTIFY_SOCKET": n.path, "WATCHDOG_USEC": "1000000"})
    n.wait("READY=1")
    wait_for(lambda: n.listen().count("WATCHDOG=1") >= 5, "five times WATCHDOG=1")


@test
def failing_reloads_do_not_stop_the_beat(t):
    """However fast they come, housekeeping goes on: WATCHDOG=1, and what the log held back."""
    n = Notify(t)
    d = t.daemon(env={"NOTIFY_SOCKET": n.path, "WATCHDOG_USEC": "9000000"})
    n.wait("READY=1")
    d.write(text="nonsense = 1;\n")
    begin, at = time.monotonic(), len(n.heard)
    while n.listen()[at:].count("WATCHDOG=1") < 3:  # each listen() takes 50 ms at least
        d.signal(signal.SIGHUP)
        true(time.monotonic() - begin < 20, "no sign of life beside reloads: %r" % n.heard[at:])
    reloads = n.heard[at:].count("RELOADING=1")
    true(reloads > 10, "only %d reloads" % reloads)
    n.wait("STATUS=reload failed.*", at)
    d.reload({})


@test
def watchdog_is_silent_without_wish(t):
    n = Notify(t)
    t.daemon(env={"NOTIFY_SOCKET": n.path})
    n.wait("READY=1")
    pause(1, "an absence: who is slow sees less of it")
    true("WATCHDOG=1" not in n.listen(), "WATCHDOG=1 without WATCHDOG_USEC")


# --- the end --------------------------------------------------------------------------

def ends_well(number):
    def function(t):
        # final counters of each session; connections are closed; exit status 0
        d = t.daemon()
        c, sender, to = t.session()
        idle = t.connect()
        accepted = t.connect()
        same(accepted.request().accept, 0, "Accept")
        stopped, sender2, to2 = t.session(timeout=seconds(100))
        for seq in range(11):
            reflects(sender, to, seq)
        stopped.stop(1)
        reflects(sender2, to2)
        since = d.log_size()
        d.signal(number)
        same(d.wait_exit(), 0, "exit status")
        for control in (c, idle, accepted, stopped):
            same(control.wait_closed(), b"", "octets before the close")
        log = d.log(since)
        true("stopping" in log, "no word of stopping in: " + log)
        ends = [line for line in log.splitlines() if re.search(r"session .* ended", line)]
        same(len(ends), 3, "sessions whose end is logged")
        same(len([e for e in ends if re.search(r"\b11\b", e)]), 1, "end with 11 packets")
    function.__name__ = "ends_well_" + number.name.lower()
    return function


test(ends_well(signal.SIGTERM))
test(ends_well(signal.SIGINT))


@test
def ends_although_a_client_does_not_read(t):
    # shutdown grace
    d = t.daemon()
    c = t.connect(rcvbuf=2048)
    refusals = make_request(conf_sender=1) * 100
    taken = time.monotonic()

    def stuck():
        nonlocal taken
        while c.push(refusals):
            taken = time.monotonic()
        return time.monotonic() - taken >= 1
    wait_for(stuck, "a connection that takes nothing more")
    same(d.terminate(), 0, "exit status")


@test
def ends_under_load(t):
    d = t.daemon()
    c, sender, to = t.session()
    over = threading.Event()

    def pump():
        seq = 0
        while not over.is_set():
            try:
                sender.send(to, make_packet(seq))
            except OSError:
                return
            seq += 1
    thread = threading.Thread(target=pump, daemon=True)
    thread.start()
    try:
        reflects_any(sender)
        same(d.terminate(), 0, "exit status")
    finally:
        over.set()
        thread.join(10)


def reflects_any(sender):
    true(sender.receive() is not None, "no reply")


@test
def starts_again_at_once(t):
    # the port is free at once although connections were open
    d = t.daemon()
    for _ in range(3):
        c = t.connect()
        same(c.request().accept, 0, "Accept")
        same(d.terminate(), 0, "exit status")
        d.start()
    t.connect()


if __name__ == "__main__":
    harness.main()
