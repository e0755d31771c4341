# SPDX-License-Identifier: BSD-2-Clause
"""Limits of the real twampd: what each of them answers, that nothing else suffers, that it is
free again afterwards, and what the log says to the operator. R-120..R-124.
"""

import re
import resource
import signal
import time

import harness
import rawclient
from harness import same, test, true, wait_for
from limitrun import NAMES, accepted, connection_refused, eventually_connects, refused
from rawclient import make_packet, make_request, make_setup, seconds

# --- connections ----------------------------------------------------------------------

@test(both=True)
def max_connections(t):
    # R-009 R-120
    d = t.daemon({"limits": {"max_connections": 2}})
    one = t.connect()
    two = t.connect(source=t.client_other)
    since = d.log_size()
    connection_refused(t, 4)
    line = d.wait_log(r"max-connections\b", since)
    for part in ("4", NAMES[4], "Server-Start", t.client, "raise limits.max_connections"):
        true(part.lower() in line.lower(), "%r is not in: %s" % (part, line))
    accepted(one.request(), "request of one who is in")
    one.close()
    accepted(eventually_connects(t).request())
    accepted(two.request(), "request of the other who is in")


@test(both=True)
def max_connections_per_client(t):
    # R-009 R-120: the other client is not concerned; IPv6 clients count by /56
    d = t.daemon({"limits": {"max_connections_per_client": 2}})
    one, two = t.connect(), t.connect()
    since = d.log_size()
    connection_refused(t, 4)
    line = d.wait_log(r"max-connections-per-client\b", since)
    for part in ("4", NAMES[4], t.client, "raise limits.max_connections_per_client"):
        true(part.lower() in line.lower(), "%r is not in: %s" % (part, line))
    accepted(t.connect(source=t.client_other).request(), "request of another client")
    neighbour = harness.CLIENT_NEIGHBOUR[t.family]
    if t.family == 6:
        connection_refused(t, 4, source=neighbour)
    else:
        accepted(t.connect(source=neighbour).request(), "request of a neighbour")
    accepted(one.request(), "request of one who is in")
    two.reset()
    accepted(eventually_connects(t).request())


@test
def what_one_client_is_changes_meanwhile(t):
    """What is held is counted anew: two become one, and one becomes two."""
    limits = {"max_connections_per_client": 2, "max_sessions_per_client": 2}
    d = t.daemon({"limits": dict(limits, ipv6_client_prefix=64)})
    server, one, other = harness.SERVER[6], harness.CLIENT[6], harness.CLIENT_NEIGHBOUR[6]
    far = harness.CLIENT_OTHER[6]
    first, second = t.connect(server, source=one), t.connect(server, source=other)
    for c in (first, second):
        accepted(c.request(), "request of each")

    def full(source):
        with rawclient.Control(server, source=source) as c:
            c.greeting()
            same(c.setup().accept, 4, "Accept in Server-Start for " + source)

    d.reload({"limits": {"ipv6_client_prefix": 56}})
    full(one)
    full(other)
    same(second.request().accept, 4, "Accept for the third session of the two")
    accepted(t.connect(server, source=far).request(), "request from another /56")
    d.reload({"limits": {"ipv6_client_prefix": 64}})
    accepted(second.request(), "request of who has one of two")
    accepted(t.connect(server, source=one).request(), "the second connection of the first")
    full(one)
    d.reload({"limits": {"ipv6_client_prefix": 48}})
    full(one)
    full(far)


@test
def refused_connections_leave_nothing(t):
    # R-009 R-120: also when they come in hundreds and do not wait for the answer
    d = t.daemon({"limits": {"max_connections": 1}})
    one = t.connect()
    before = len(d.fds())
    for i in range(300):
        c = rawclient.Control(t.server)
        c.send(make_setup() + make_request())
        if i % 3:
            c.reset()
        else:
            c.close()
    for _ in range(10):
        connection_refused(t, 4)
    wait_for(lambda: d.connections() == 1, "one connection")
    wait_for(lambda: len(d.fds()) <= before, "descriptors are closed: %r" % d.fds())
    accepted(one.request())

# --- sessions -------------------------------------------------------------------------

@test(both=True)
def max_sessions(t):
    # R-120 R-081 R-103 R-112: over all clients
    t.daemon({"limits": {"max_sessions": 3}})
    one, two = t.connect(), t.connect(source=t.client_other)
    accepted(one.request())
    accepted(two.request())
    accepted(two.request())
    refused(one.request(), 4, "the fourth")
    refused(two.request(), 4, "the fifth")
    one.close()
    wait_for(lambda: two.request().accept == 0, "the place of the session that went")
    refused(two.request(), 4, "one more")


@test(both=True)
def max_sessions_per_client(t):
    # over all its connections, and of nobody else
    t.daemon({"limits": {"max_sessions_per_client": 2}})
    one, two = t.connect(), t.connect()
    other = t.connect(source=t.client_other)
    accepted(one.request())
    accepted(two.request())
    for c in (one, two):
        refused(c.request(), 4, "the third of this client")
    accepted(other.request(), "request of another client")
    two.close()
    wait_for(lambda: one.request().accept == 0, "the place of the session that went")


@test
def max_sessions_per_connection(t):
    #
    t.daemon({"limits": {"max_sessions_per_connection": 2}})
    one, two = t.connect(), t.connect()
    for _ in range(2):
        accepted(one.request())
    refused(one.request(), 4, "the third")
    same(one.start().accept, 0, "Start-Ack: the two that were accepted")
    for _ in range(2):
        accepted(two.request(), "request on another connection")
    refused(two.request(), 4, "the third there")


@test
def refused_requests_do_not_count(t):
    # R-120 R-099: whatever the reason
    t.daemon({"limits": {"max_sessions": 2, "max_padding": 100}})
    c = t.connect()
    for _ in range(20):
        refused(c.request(conf_sender=1), 3, "a bad one")
        refused(c.request(sender="198.51.100.77"), 1, "a foreign one")
        refused(c.request(padding=101), 4, "one with much padding")
    for _ in range(2):
        accepted(c.request())
    for _ in range(5):
        refused(c.request(), 4, "one too many")


@test
def draining_sessions_count(t):
    # R-190 R-120: until their Timeout is over
    t.daemon({"limits": {"max_sessions": 1}})
    c = t.connect()
    accepted(c.request(timeout=seconds(3)))
    same(c.start().accept, 0, "Start-Ack")
    stopped = time.monotonic()
    c.stop(1)
    refused(c.request(), 4, "a request while the old one drains")
    wait_for(lambda: c.request().accept == 0, "the place after the Timeout")
    true(time.monotonic() - stopped > 2.8, "free before the Timeout was over")


@test
def sessions_that_end_by_refwait_are_free_again(t):
    # R-120 R-170
    t.daemon({"limits": {"max_sessions": 1}, "timers": {"refwait": 1}})
    one, two = t.connect(), t.connect()
    accepted(one.request())
    refused(two.request(), 4, "the second")
    same(one.start().accept, 0, "Start-Ack")
    wait_for(lambda: two.request().accept == 0, "the place of the session that REFWAIT ended")


@test(both=True)
def port_range_used_up(t):
    # R-106 R-101 R-103
    t.daemon({"ports": {"first": 45000, "last": 45001}})
    c, other = t.connect(), t.connect(source=t.client_other)
    ports = {accepted(c.request(sender_port=p)).port for p in (1000, 2000)}
    same(ports, {45000, 45001}, "ports")
    refused(c.request(sender_port=3000), 4, "the third")
    refused(other.request(sender_port=1000), 4, "the third, of another client")
    c.close()
    wait_for(lambda: other.request(sender_port=1000).accept == 0, "the ports are free again")


@test
def port_range_used_up_again_and_again(t):
    # R-106 R-108: nothing leaks from refusals
    d = t.daemon({"ports": {"first": 45000, "last": 45009}})
    before = len(d.fds())
    for _ in range(20):
        with rawclient.connect(t.server) as c:
            codes = [c.request().accept for _ in range(30)]
            same(codes, [0] * 10 + [4] * 20, "codes")
        d.wait_idle()
    true(len(d.fds()) <= before, "descriptors are left: %r" % d.fds())


@test
def max_padding(t):
    #
    t.daemon({"limits": {"max_padding": 1000}})
    c = t.connect()
    accepted(c.request(padding=1000))
    refused(c.request(padding=1001), 4, "padding 1001")
    refused(c.request(padding=65493), 4, "padding that fits into a datagram")
    refused(c.request(padding=65494), 3, "padding that does not")
    accepted(c.request(padding=0))

# --- temporary ------------------------------------------------------------------------

@test(both=True)
def request_rate(t):
    # a burst, then 5; other clients are not concerned; later it goes on
    d = t.daemon({"limits": {"request_rate": 1, "request_burst": 5}})
    c, other = t.connect(), t.connect(source=t.client_other)
    since = d.log_size()
    c.send(make_request(ipvn=t.family) * 40)
    answers = [c.accept_session() for _ in range(40)]
    same([a.accept for a in answers[:5]], [0] * 5, "codes of the burst")
    same({a.accept for a in answers[5:]} - {0}, {5}, "codes after the burst")
    for a in answers:
        if a.accept:
            refused(a, 5, "a request too fast")
    accepted(other.request(), "request of another client")
    line = d.wait_log(r"rate-limit\b", since)
    for part in ("5", NAMES[5], t.client, "limits.request_rate"):
        true(part.lower() in line.lower(), "%r is not in: %s" % (part, line))
    wait_for(lambda: c.request().accept == 0, "a request at the allowed rate")


@test
def request_rate_counts_per_client(t):
    # more connections do not help
    t.daemon({"limits": {"request_rate": 1, "request_burst": 5}})
    codes = []
    for _ in range(20):
        with rawclient.connect(t.server) as c:
            codes.append(c.request().accept)
    true(5 in codes and set(codes) <= {0, 5}, "codes %r" % codes)


@test
def descriptor_shortage_for_sessions(t):
    # 5, no crash; and all is well when it is over
    d = t.daemon()
    c = t.connect()
    accepted(c.request())
    soft, hard = resource.prlimit(d.pid, resource.RLIMIT_NOFILE)
    since = d.log_size()
    resource.prlimit(d.pid, resource.RLIMIT_NOFILE, (max(d.fds()) + 6, hard))
    answers = [c.request() for _ in range(60)]
    true(5 in {a.accept for a in answers}, "codes %r" % [a.accept for a in answers])
    for a in answers:
        if a.accept:
            refused(a, 5, "a request without descriptors")
    line = d.wait_log(r"descriptors-low\b", since)
    for part in ("5", NAMES[5], t.client, "LimitNOFILE"):
        true(part.lower() in line.lower(), "%r is not in: %s" % (part, line))
    same(c.start().accept, 0, "Start-Ack: the sessions that there are")
    resource.prlimit(d.pid, resource.RLIMIT_NOFILE, (soft, hard))
    c.stop(sum(1 for a in answers if a.accept == 0) + 1)
    wait_for(lambda: c.request().accept == 0, "a request with descriptors again")


@test
def descriptor_shortage_for_connections(t):
    # R-122 R-009: refused with 5 or kept waiting, never forgotten, never a crash
    d = t.daemon()
    first = t.connect()
    soft, hard = resource.prlimit(d.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(d.pid, resource.RLIMIT_NOFILE, (max(d.fds()) + 4, hard))
    connections = []
    for _ in range(40):
        connections.append(t.control())
        connections[-1].send(make_setup())  # who says nothing makes room for others
    d.wait_log(r"descriptors-low\b")
    true(d.alive(), "twampd is gone")
    refused_too = first.request().accept
    true(refused_too in (0, 5), "Accept %d" % refused_too)
    resource.prlimit(d.pid, resource.RLIMIT_NOFILE, (soft, hard))
    codes = []
    for c in connections:
        c.greeting()
        codes.append(c.server_start().accept)
    true(set(codes) <= {0, 5}, "codes of Server-Start %r" % codes)
    true(codes[-1] in (0, 5) and first.request().accept in (0, 5), "codes at the end")

    def again():
        with rawclient.connect(t.server) as c:
            return c.request().accept == 0
    wait_for(again, "a new connection and session")


@test
def memory_shortage(t):
    # no new address space: 5 for who comes, what there is goes on
    if t.run.sanitized:
        raise harness.Skip("sanitizers end the process when memory is short")
    d = t.daemon()
    c, sender, to = t.session(timeout=0)
    with open("/proc/%d/statm" % d.pid) as f:
        size = int(f.read().split()[0]) * resource.getpagesize()
    soft, hard = resource.prlimit(d.pid, resource.RLIMIT_AS)
    resource.prlimit(d.pid, resource.RLIMIT_AS, (size, hard))
    other = None
    codes = []
    try:
        other = rawclient.connect(t.server)
        for _ in range(3000):
            codes.append(other.request().accept)
    except (rawclient.Closed, AssertionError):
        pass
    true(set(codes) <= {0, 5}, "codes %r" % set(codes))
    true(d.alive(), "twampd is gone")
    answer = sender.exchange(to, rawclient.make_packet())
    true(answer is not None, "a running session stopped working")
    resource.prlimit(d.pid, resource.RLIMIT_AS, (soft, hard))
    if other:
        other.close()
    accepted(eventually_connects(t).request())

# --- defaults, and the log ------------------------------------------------------------

@test
def full_receive_queues_are_told(t):
    # R-121 R-251: what did not fit into the queue is a drop like any other
    d = t.daemon({"overload": {"receive_drops": 1000}})
    c, sender, to = t.session(timeout=0)
    since = d.log_size()
    d.signal(signal.SIGSTOP)
    for seq in range(10000):
        sender.send(to, make_packet(seq))
    d.signal(signal.SIGCONT)
    wait_for(lambda: sender.exchange(to, make_packet(10000)), "a reply")
    d.wait_log(r"overload.*net-buffers", since)
    c.stop(1)
    line = d.wait_log(r"session.*ended.*dropped.* rcvbuf [1-9]", since)
    received, reflected, lost = (int(re.search(name + r" (\d+)", line).group(1))
                                 for name in ("received", "reflected", "rcvbuf"))
    true(received >= 10001, "received 10001 or more in: " + line)
    same(reflected + lost, received, "all of them in: " + line)


@test
def limits_are_on_by_default(t):
    # one client cannot take everything
    d = t.daemon(text="listen = ({ port = 862; });\n" + harness.CALM)
    connections, codes = [], []
    for _ in range(200):
        c = t.control()
        c.greeting()
        codes.append(c.setup().accept)
        if codes[-1]:
            break
        connections.append(c)
    same(codes[-1], 4, "Server-Start in the end")
    true(2 <= len(connections) <= 100, "%d connections of one client" % len(connections))
    sessions, code = 0, 0
    for c in connections:
        for _ in range(1100):
            code = c.request().accept
            if code:
                break
            sessions += 1
        if code and sessions:
            break
    true(code in (4, 5) and sessions <= 2000, "%d sessions of one client, then %d" %
         (sessions, code))
    refused(connections[0].request(padding=65000), 4, "padding above the default")
    true(d.alive(), "twampd is gone")


if __name__ == "__main__":
    harness.main()
