# SPDX-License-Identifier: BSD-2-Clause
"""What changes while clients are there: overload, drain, and classes by a reload.
R-022, R-120, R-121.
"""

import signal

import harness
import rawclient
from classrun import A, B, C, accepted, by_prefix, refused_connection, refused_request
from harness import Notify, same, test, true, wait_for
from rawclient import make_packet

# --- overload --------------------------------------------------------------------------

@test
def overload(t):
    """R-121: 5 for what is new while the reflector is busy, nothing lost of what runs, and then
    as before. The limit is so low that a few packets reach it."""
    d = t.daemon({"overload": {"reflector_busy": 1}})
    one, sender, to = t.session()
    packet, sent = make_packet(), 0
    since = d.log_size()

    def busy(done):
        nonlocal sent
        for _ in range(200):
            true(sender.exchange(to, packet), "a running session lost packet %d" % sent)
            sent += 1
        return done()
    wait_for(lambda: busy(lambda: "overloaded (cpu-load: overload." in d.log(since)), "overload")
    refused_connection(t, d, A, 5, "cpu-load")
    d.wait_log("no longer overloaded", since)
    accepted(t.connect().request())
    one.stop(1)
    accepted(one.request())

# --- drain -----------------------------------------------------------------------------

@test
def drain(t):
    # section 12: 5 for all that is new, what runs goes on, STATUS counts down, and back again
    n = Notify(t)
    d = t.daemon(env={"NOTIFY_SOCKET": n.path})
    one = t.connect()
    _, sender, to = t.session(one, timeout=0)
    two = t.connect()
    accepted(two.request())
    since = d.log_size()
    d.signal(signal.SIGUSR1)
    d.wait_log("draining: ", since)
    status = n.wait(r"STATUS=draining: 2 connections, 2 sessions,.*")
    same(n.heard[n.heard.index(status) - 1], "READY=1", "with what is told at once")
    refused_connection(t, d, A, 5, "draining", "use another server")
    refused_request(t, d, two, A, 5, "draining")
    same(two.start().accept, 0, "Accept of Start-Sessions for what was accepted before")
    for i in range(20):
        true(sender.exchange(to, make_packet(i)), "a running session lost packet %d" % i)
    since = d.log_size()
    d.signal(signal.SIGUSR1)  # once more changes nothing
    d.reload()
    same(d.log(since).count("draining"), 0, "times that it was said again")
    at = len(n.heard)
    n.wait(r"STATUS=draining: 2 connections, 2 sessions,.*", at)
    two.close()
    one.stop(1)
    refused_request(t, d, one, A, 5, "draining")  # it stays
    one.close()
    n.wait(r"STATUS=draining: 0 connections, 0 sessions,.*")
    at, since = len(n.heard), d.log_size()
    d.signal(signal.SIGUSR2)
    d.wait_log("no longer draining", since)
    n.wait(r"STATUS=0 connections, 0 sessions,.*", at)
    accepted(t.connect().request())

# --- reload ----------------------------------------------------------------------------

@test
def reload_changes_classes(t):
    """New connections get the new class and what they had counts on; what runs is left alone."""
    d = t.daemon(by_prefix({"limits": {"max_sessions": 3}}))
    one = t.connect(source=A)
    _, sender, to = t.session(one)
    two = t.connect(source=A)
    accepted(two.request())
    # The same class by its name, elsewhere in the list, with less room than is taken.
    d.reload({"clients": [{"name": "other", "prefixes": [B, C]},
                          {"name": "alpha", "prefixes": [A], "limits": {"max_sessions": 1}}]})
    three = t.connect(source=A)
    for c in (two, three):
        refused_request(t, d, c, A, 4, "max-sessions-per-class", "alpha")
    true(sender.exchange(to, make_packet()), "the reload ended a running session")
    accepted(t.connect(source=C).request())  # no stranger any more
    two.close()
    refused_request(t, d, three, A, 4, "max-sessions-per-class")  # one is still there
    one.close()
    wait_for(lambda: three.request().accept == 0, "a place after the last of them")
    # Without the class: what runs may finish, who is in gets nothing new, who comes is a stranger.
    d.reload({"clients": [{"name": "other", "prefixes": [B, C]}]})
    refused_request(t, d, three, A, 1, "no-class", "none")
    with rawclient.Control(t.server, source=A) as c:
        same(c.greeting().modes, 0, "Modes of the greeting")
    # And back: nothing was forgotten or counted twice.
    d.reload({"clients": [{"name": "alpha", "prefixes": [A], "limits": {"max_sessions": 1}}]})
    four = t.connect(source=A)
    refused_request(t, d, four, A, 4, "max-sessions-per-class")
    three.close()
    wait_for(lambda: four.request().accept == 0, "its place")
    refused_request(t, d, four, A, 4, "max-sessions-per-class")


@test
def reload_without_classes(t):
    d = t.daemon({"limits": {"max_sessions": 2}})
    one = t.connect(source=A)
    accepted(one.request())
    d.reload({"clients": [{"name": "alpha", "prefixes": [A], "limits": {"max_sessions": 1}}]})
    refused_request(t, d, one, A, 4, "max-sessions-per-class")  # what it has counts there
    del d.config["clients"]
    d.reload()
    one.close()
    two = t.connect(source=B)
    wait_for(lambda: two.request().accept == 0, "all places")
    accepted(two.request())
    refused_request(t, d, two, B, 4, "max-sessions")


if __name__ == "__main__":
    harness.main()
