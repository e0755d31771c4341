# SPDX-License-Identifier: BSD-2-Clause
"""The real twampd with ports.mode = "shared": sessions that share one UDP port for each
reflector thread, or one for all.
"""

import random
import re

import harness
import rawclient
from harness import same, test, true, wait_for
from keyed import AUTH, KEYS, MODE_NAMES, connect, open_session
from rawclient import make_packet, make_request, make_start, ntp, seconds

FIRST = 40000
MANY = 5000
SAMPLE = 200
FIRST_SENDER_PORT = 20000


def shared_daemon(t, config=None, threads=2, port=0, **options):
    return t.daemon(harness.merge({"ports": {"mode": "shared", "shared_port": port},
                                   "reflector": {"threads": threads},
                                   "limits": {"max_sessions_per_connection": 6000}}, config),
                    **options)


def reflects(sender, to, seq=0, number=None):
    answer = sender.exchange(to, make_packet(seq))
    true(answer is not None, "no reply to packet %d" % seq)
    same((answer.sender_seq, answer.source), (seq, to), "whose reply, and from where")
    if number is not None:
        same(answer.seq, number, "Sequence Number")
    return answer


def silent(sender, what):
    same(sender.receive_raw(0.3), None, what)


@test(both=True)
def many_on_one_port(t):
    # R-100 R-102 R-104: Accept 0 with the shared port, whatever was asked for
    d = shared_daemon(t, threads=1)
    c = t.connect()
    senders = [t.sender() for _ in range(20)]
    for i, sender in enumerate(senders):
        answer = c.request(sender_port=sender.port, receiver_port=(0, 862, 45000, FIRST)[i % 4])
        same((answer.accept, answer.port), (0, FIRST), "Accept and Port")
    same(c.start().accept, 0, "Start-Ack")
    same(d.session_ports(), [], "no socket of a session")
    for seq in range(3):
        for sender in senders:
            answer = reflects(sender, (t.server, FIRST), seq, seq)
            same(answer.ttl, 255, "TTL")
    c.stop(len(senders))


@test(both=True)
def a_session_to_one_of_our_own_is_refused(t):
    # a packet between the two would go to and fro for ever
    shared_daemon(t, {"third_party": True})
    c, _, to = t.session()
    same(t.connect().request(sender=t.server, sender_port=to[1]).accept, 3, "Accept")
    c.stop(1)


@test
def a_port_for_each_thread(t):
    # R-101 R-107: different ports for the same addresses; none left: 5
    d = shared_daemon(t, threads=3)
    true(set(d.udp_ports()) == {FIRST, FIRST + 1, FIRST + 2}, "ports %r" % d.udp_ports())
    c = t.connect()
    sender = t.sender()
    answer = c.request(sender_port=sender.port, receiver_port=FIRST + 1)
    same((answer.accept, answer.port), (0, FIRST + 1), "the wanted one")
    ports = {answer.port}
    for _ in range(2):
        ports.add(c.request(sender_port=sender.port, receiver_port=FIRST + 1).port)
    same(ports, {FIRST, FIRST + 1, FIRST + 2}, "one of each")
    answer = c.request(sender_port=sender.port)
    same((answer.accept, answer.port), (5, 0), "Accept and Port when none is left")  # R-103 R-106
    d.wait_log("tuple-in-use", 0)
    same(c.start().accept, 0, "Start-Ack")
    for port in ports:
        reflects(sender, (t.server, port), port, 0)
    # they are free again once they have ended
    c.stop(3)
    wait_for(lambda: t.connect().request(sender_port=sender.port, timeout=0).accept == 0,
             "a port for the same addresses")


@test(both=True)
def port_862(t):
    # one for all, outside of the range
    d = shared_daemon(t, threads=2, port=862)
    same(set(d.udp_ports()), {862}, "ports")
    c = t.connect()
    senders = [t.sender() for _ in range(4)]
    for sender in senders:
        answer = c.request(sender_port=sender.port, receiver_port=862)
        same((answer.accept, answer.port), (0, 862), "Accept and Port")
    same(c.request(sender_port=senders[0].port).accept, 5, "the same addresses")
    same(c.start().accept, 0, "Start-Ack")
    for seq in range(3):
        for sender in senders:
            reflects(sender, (t.server, 862), seq, seq)


@test(both=True)
def strangers_are_not_answered(t):
    # T-040 R-242: the sender's address and port, and no other
    shared_daemon(t, threads=1)
    c, sender, to = t.session()
    for stranger in (t.sender(), t.sender(t.client_other, port=sender.port)):
        stranger.send(to, make_packet(1))
        reflects(sender, to)
        silent(stranger, "answer to a stranger")
    # to another address of the server
    sender.send((t.server_other, to[1]), make_packet(2))
    silent(sender, "answer from an address that is not the session's")
    reflects(sender, to)
    c.stop(1)


@test(both=True)
def the_address_that_was_asked_for(t):
    # Receiver Address other than that of the connection
    shared_daemon(t, threads=1)
    c = t.connect()
    sender = t.sender()
    for address in (t.server, t.server_other):
        answer = c.request(sender_port=sender.port, ipvn=t.family,
                           receiver=rawclient.packed_address(address))
        same((answer.accept, answer.port), (0, FIRST), "Accept and Port")
    same(c.start().accept, 0, "Start-Ack")
    for seq in range(3):
        for address in (t.server, t.server_other):
            reflects(sender, (address, FIRST), 10 + seq, seq)


@test(both=True)
def early_and_late(t):
    # T-041 R-142 R-161: silent before Start-Sessions, and after Stop and Timeout
    d = shared_daemon(t, threads=1)
    c, sender, to = t.session(start=False, timeout=0)
    for seq in range(20):
        sender.send(to, make_packet(seq))
    silent(sender, "answer before the start")
    same(c.start().accept, 0, "Start-Ack")
    reflects(sender, to, 20, 0)
    since = d.log_size()
    c.stop(1)
    line = d.wait_log(r"early", since)
    true("20 early" in line or "early 20" in line, line)
    sender.send(to, make_packet(21))
    silent(sender, "answer after the end")


@test(limit=120)
def pipelined(t):
    # a packet right behind Start-Ack is answered
    shared_daemon(t)
    sender = t.sender()
    for seq in range(100):
        with rawclient.connect(t.server) as c:
            c.send(make_request(sender_port=sender.port, timeout=0) + make_start())
            answer = c.accept_session()
            same((answer.accept, c.start_ack().accept), (0, 0), "Accept and Start-Ack")
            reflects(sender, (t.server, answer.port), seq, 0)
            c.stop(1)
            sender.close()
            sender = t.sender()


@test
def dscp_of_each(t):
    # T-047 C-077
    shared_daemon(t, threads=1)
    c = t.connect()
    senders = [t.sender() for _ in range(4)]
    for i, sender in enumerate(senders):
        same(c.request(sender_port=sender.port, type_p=(10 * i) << 24).accept, 0, "Accept")
    same(c.start().accept, 0, "Start-Ack")
    for i, sender in enumerate(senders):
        same(reflects(sender, (t.server, FIRST)).tos, 10 * i << 2, "TOS of the reply")


@test
def timeout_of_one(t):
    # R-160 R-161: its neighbour goes on
    d = shared_daemon(t, threads=1)
    c, sender, to = t.session(timeout=seconds(3))
    _, neighbour, to_neighbour = t.session()
    since = d.log_size()
    c.stop(1)
    reflects(sender, to)  # within Timeout
    d.wait_log(r"ended|session end", since)
    sender.send(to, make_packet(1))
    reflects(neighbour, to_neighbour)
    silent(sender, "answer after Timeout")


@test(limit=120)
def refwait_of_one(t):
    # R-170 R-172: packets of a neighbour do not keep it
    d = shared_daemon(t, {"timers": {"refwait": 3}}, threads=1)
    _, neighbour, to_neighbour = t.session()
    _, sender, to = t.session()
    since = d.log_size()
    wait_for(lambda: reflects(neighbour, to_neighbour) and "timers.refwait" in d.log(since),
             "REFWAIT")
    sender.send(to, make_packet())
    reflects(neighbour, to_neighbour)
    silent(sender, "answer after REFWAIT")


@test(both=True)
def keyed_modes(t):
    # T-005 T-012: beside each other on one port
    shared_daemon(t, {"modes": list(MODE_NAMES.values()), "auth": AUTH}, threads=1, keys=KEYS)
    sessions = []
    for mode in (1, 2, 4, 8):
        session, answer = open_session(t, connect(t, mode), mode)
        same(answer.port, FIRST, "Port")
        sessions.append(session)
    for _ in range(5):
        for session in sessions:
            session.check(session.layout.sent(session.seq, ntp(), 0x8001))


@test
def mode_needs_a_restart(t):
    d = t.daemon({"reflector": {"threads": 1}})
    same(d.udp_ports(), [], "ports")
    since = d.log_size()
    d.reload({"ports": {"mode": "shared", "shared_port": 862}})
    d.wait_log(r"restart.*ports\.mode, ports\.shared_port", since)
    answer = t.connect().request()
    true(answer.accept == 0 and answer.port != 862, "a port of its own until then")
    same(d.terminate(), 0, "exit status")
    d.start()
    same(set(d.udp_ports()), {862}, "ports after a restart")
    same(t.connect().request().port, 862, "Port after a restart")


@test
def ports_that_cannot_be_had(t):
    d = t.daemon({"ports": {"mode": "shared", "first": 40000, "last": 40000},
                  "reflector": {"threads": 2}}, wait=False)
    same(d.wait_exit(), 1, "exit status with too few")
    true(re.search(r"fewer ports .* than reflector\.threads \(ports\.mode of \S+:\d+\)", d.log()), d.log())
    # START_FAILED names port, way out, and who asked for it
    t.daemon({"ports": {"mode": "shared", "shared_port": 40000}})
    for ports, what in (({"shared_port": 40000}, "UDP port 40000 for shared sessions"),
                        ({"first": 40000}, "the shared UDP ports from 40000 on, one for each .*")):
        d = t.daemon({"ports": dict(ports, mode="shared")}, wait=False)
        same(d.wait_exit(), 1, "exit status with a port that another has")
        key = "shared_port" if "shared_port" in ports else "mode"
        line = d.log()
        at = re.search(r"does not start: cannot have %s: Address already in use; .*ss -lunp "
                       r"\(ports\.%s of (\S+):(\d+)\)" % (what, key), line)
        true(at and at[1] == d.file, line)
        with open(d.file) as f:
            true(key in f.read().splitlines()[int(at[2]) - 1], "the line of: " + line)


def open_many(t, controls, count):
    """So many sessions with sender ports of their own; the ports that they got."""
    ports = []
    share = count // len(controls)
    for number, c in enumerate(controls):
        for start in range(0, share, 100):
            c.send(b"".join(make_request(sender_port=FIRST_SENDER_PORT + number * share + i)
                            for i in range(start, start + 100)))
            for _ in range(100):
                answer = c.accept_session()
                same(answer.accept, 0, "Accept")
                ports.append(answer.port)
    return ports


@test(limit=300)
def five_thousand(t):
    # issue of scale: no descriptor for any of them, and each finds its own
    d = shared_daemon(t)
    fds, memory = len(d.fds()), d.memory()
    controls = [t.connect() for _ in range(2)]
    ports = open_many(t, controls, MANY)
    same(set(ports), {FIRST, FIRST + 1}, "two ports")
    same(len(d.fds()), fds + 2, "descriptors with the two connections")
    for c in controls:
        same(c.start().accept, 0, "Start-Ack")
    each = (d.memory() - memory) / MANY
    true(each < 2048 or d.run.sanitized, "%d octets for each session" % each)
    for i in random.Random(5).sample(range(MANY), SAMPLE):
        sender = t.sender(port=FIRST_SENDER_PORT + i)
        reflects(sender, (t.server, ports[i]), i, 0)
        reflects(sender, (t.server, ports[i]), i + 1, 1)
        sender.close()
    controls[0].stop(MANY // 2)
    controls[1].close()
    wait_for(lambda: t.connect().request(sender_port=FIRST_SENDER_PORT).accept == 0, "a session")
    same(d.alive(), True, "twampd")


@test(limit=600)
def fifteen_thousand_with_a_socket_each(t):
    # issue of scale: the descriptors of one process, here as a rule 20,000
    d = t.daemon({"limits": {"max_sessions": 20000, "max_sessions_per_client": 20000,
                             "max_sessions_per_connection": 20000},
                  "ports": {"first": 30000, "last": 59999}}, wait=True)
    with open("/proc/%d/limits" % d.pid) as f:
        limit = int(next(line for line in f if line.startswith("Max open files")).split()[3])
    count = 15000
    if limit < count + 200:
        raise harness.Skip("RLIMIT_NOFILE is %d here" % limit)
    controls = [t.connect() for _ in range(3)]
    ports = open_many(t, controls, count)
    same(len(set(ports)), count, "different ports")
    for c in controls:
        same(c.start().accept, 0, "Start-Ack")
    for i in random.Random(6).sample(range(count), SAMPLE):
        sender = t.sender(port=FIRST_SENDER_PORT + i)
        reflects(sender, (t.server, ports[i]), i, 0)
        sender.close()


if __name__ == "__main__":
    harness.main()
