# SPDX-License-Identifier: BSD-2-Clause
"""The control protocol in mode 1, row by row, against the real twampd: messages in general, start
and stop, timers, and loss of the connection. The ids name the requirements in docs; RFC 4656 3,
RFC 5357 3.
"""

import os
import struct
import time

import harness
import rawclient
from harness import same, test, true, wait_for
from rawclient import INDIVIDUAL, make_request, make_setup, make_start, make_stop, seconds
from steps import refused, works, reflects, silent

# --- messages in general --------------------------------------------------------------

@test
def hmac_is_mbz_in_mode_1(t):
    # R-071 R-085 C-002 C-067
    t.shared()
    ones = b"\xff" * 16
    c = t.connect()
    answer = c.request(sender_port=40000, hmac=ones)
    same((answer.accept, answer.hmac, answer.mbz, answer.mbz2), (0, bytes(16), 0, bytes(12)),
         "Accept-Session")
    c.send(make_start(mbz=ones[:15], hmac=ones))
    same(c.read(32), bytes(32), "Start-Ack")
    c.send(make_stop(1, mbz=ones[:2], mbz2=ones[:8], hmac=ones))
    works(t, c)


UNKNOWN = [0, 1, 4, 6, 8, 10, 11, 12, 99, 255]


def unexpected_command(number, size):
    def function(t):
        # R-072 R-073 C-080: an answer after the first block, the rest is discarded
        t.shared()
        c = t.connect()
        c.send(bytes([number]) + b"\x5a" * (size - 1))
        refused(c.accept_session(), 3, "command %d" % number)
        true(c.quiet(1), "a second answer, or a close")
        works(t, c)
    function.__name__ = "unexpected_command_%d_of_%d_octets" % (number, size)
    return function


for n in UNKNOWN:
    test(unexpected_command(n, 16))
test(unexpected_command(99, 112))
test(unexpected_command(1, 112))


@test
def commands_of_individual_control_without_it(t):
    # R-072 R-073: their length is known, all of it is read before the answer
    t.shared()
    for command in (7, 9):
        c = t.connect()
        message = rawclient.make_n(command, [b"\x5a" * 16] * 3)
        c.send(message[:79])
        true(c.quiet(0.5), "an answer before the message is complete")
        c.send(message[79:] + make_request())
        refused(c.accept_session(), 3, "command %d" % command)
        same(c.accept_session().accept, 0, "the request right behind it")


@test
def individual_control_with_absurd_counts(t):
    # C-092 R-245: closed, nothing is allocated for it
    d = t.daemon()
    before = d.memory()
    for sids in (0x7fffffff, 0xffffffff, 1000000, 1025):
        c = t.connect(mode=1 | INDIVIDUAL)
        c.send(b"\x07" + bytes(11) + struct.pack("!I", sids))
        c.send(bytes(16))
        try:
            c.send(bytes(65536))
        except OSError:
            pass
        left = c.wait_closed()
        true(left[:1] in (b"", b"\x03"), "an answer other than 3 or close")
    d.wait_idle()
    true(d.memory() - before < 4 << 20 or t.run.sanitized,
         "memory grew by %d" % (d.memory() - before))


@test
def discarding_is_bounded(t):
    # whoever goes on sending rubbish is closed
    d = t.shared()
    c = t.connect()
    c.send(b"\x63" + bytes(15))
    refused(c.accept_session(), 3, "command 99")
    try:
        for _ in range(64):
            c.send(bytes(4096))
    except OSError:
        return  # reset while we sent
    same(c.wait_closed(), b"", "octets before the close")
    true(d.alive(), "twampd is gone")


@test
def truncated_message_and_fin(t):
    # R-074 R-190
    d = t.shared()
    c = t.connect()
    works(t, c)
    c.send(make_request()[:50])
    c.finish()
    same(c.wait_closed(), b"", "octets before the close")
    d.wait_idle()


@test
def message_timer(t):
    # first to last octet of a message
    t.daemon({"timers": {"message": 1}})
    c = t.connect()
    true(c.quiet(2), "closed without a message")
    began = time.monotonic()
    c.send(make_request()[:50])
    same(c.wait_closed(), b"", "octets before the close")
    true(time.monotonic() - began > 0.9, "closed too early")


@test
def stop_with_accept_above_5(t):
    # R-075 R-164: read as 1, same procedure
    t.shared()
    for accept in (1, 2, 5, 6, 77, 255):
        c, sender, to = t.session(timeout=0)
        c.stop(1, accept)
        works(t, c)


@test
def pipelined_commands_are_answered_in_order(t):
    # R-077 R-078 R-080 C-005
    t.shared(idle=True)
    c = t.connect()
    c.send(make_request(receiver_port=45001) + make_request(conf_sender=1) +
           make_request(receiver_port=45002) + bytes([7]) + bytes(14) + b"\x01" + bytes(32) +
           make_start() + make_stop(2) + make_request(receiver_port=45003) + make_start())
    same(c.accept_session().port, 45001, "port of the first request")
    refused(c.accept_session(), 3, "the second")
    same(c.accept_session().port, 45002, "port of the third")
    refused(c.accept_session(), 3, "command 7")
    same(c.start_ack().accept, 0, "Start-Ack")
    same(c.accept_session().port, 45003, "port after Stop-Sessions")
    same(c.start_ack().accept, 0, "second Start-Ack")
    true(c.quiet(), "more than was asked for")


@test
def hundreds_of_pipelined_requests(t):
    # R-077 R-080: many answers for one who does not read
    t.shared()
    c = t.connect()
    c.send(make_request() * 500)
    answers = [c.accept_session() for _ in range(500)]
    same({a.accept for a in answers}, {0}, "Accept")
    same(len({a.port for a in answers}), 500, "different ports")


@test
def send_stall_timer(t):
    # a client that never reads is dropped, and its sessions with it
    d = t.daemon({"timers": {"send_stall": 1}})
    c = t.connect(rcvbuf=2048)
    refusals = make_request(conf_sender=1) * 100

    def closed():
        try:
            while c.push(refusals):
                pass
        except OSError:
            return True
        return d.connections() == 0
    wait_for(closed, "close of the stalled connection")
    d.wait_idle()


# --- start ----------------------------------------------------------------------------

@test(both=True)
def start_starts_all_sessions(t):
    # R-140 R-141
    t.shared()
    c, sender = t.connect(), t.sender()
    ports = [c.request(sender_port=sender.port).port for _ in range(5)]
    ack = c.start()
    same(ack.raw, bytes(32), "Start-Ack")
    for seq, port in enumerate(ports):
        reflects(sender, (t.server, port), seq)


@test
def start_with_nothing_accepted(t):
    # R-143 R-146
    t.shared()
    c = t.connect()
    same(c.start().raw, b"\x01" + bytes(31), "Start-Ack")
    refused(c.request(conf_sender=1), 3, "a bad request")
    same(c.start().accept, 1, "Start-Ack with refused requests only")
    works(t, c)
    same(c.start().accept, 0, "Start-Ack then")


@test
def start_twice(t):
    # R-145 R-146
    t.shared()
    c, sender, to = t.session()
    same(c.start().raw, b"\x03" + bytes(31), "second Start-Ack")
    reflects(sender, to)
    c.stop(1)
    same(c.start().accept, 1, "Start-Ack with all sessions stopped")


@test
def start_time_in_the_future(t):
    # reflected from Start-Ack on regardless
    t.shared()
    c, sender, to = t.session(start_time=rawclient.ntp(time.time() + 3600))
    reflects(sender, to)


# --- stop -----------------------------------------------------------------------------

@test
def stop_is_not_answered(t):
    # R-159 R-078
    t.shared()
    c, sender, to = t.session()
    c.stop(1)
    true(c.quiet(1), "an answer to Stop-Sessions")
    works(t, c)


@test(both=True)
def several_rounds_on_one_connection(t):
    # R-165 R-160: while the old sessions still drain
    d = t.daemon()
    c, sender = t.connect(), t.sender()
    old = []
    for _ in range(4):
        ports = [c.request(sender_port=sender.port, timeout=seconds(100)).port for _ in range(3)]
        same(c.start().accept, 0, "Start-Ack")
        for seq, port in enumerate(ports + old):
            reflects(sender, (t.server, port), seq)
        c.stop(3)
        old += ports
    d.wait_sessions(12)
    works(t, c)


@test
def stop_with_a_wrong_count(t):
    # closed at once; the sessions drain for their Timeout, R-190
    t.daemon()
    for count in (0, 2, 65536, 0xffffffff):
        c, sender, to = t.session(timeout=seconds(100))
        reflects(sender, to, 0)
        c.stop(count)
        same(c.wait_closed(), b"", "octets before the close")
        reflects(sender, to, 1)


@test
def stop_counts_sessions_that_ended_by_refwait(t):
    # R-163 R-166 R-170
    d = t.daemon({"timers": {"refwait": 1}})
    c, sender = t.connect(), t.sender()
    for _ in range(2):
        same(c.request(sender_port=sender.port).accept, 0, "Accept")
    same(c.start().accept, 0, "Start-Ack")
    d.wait_sessions(0)
    c.stop(2)
    works(t, c)
    same(c.start().accept, 0, "Start-Ack of the next round")
    d.wait_sessions(0)
    c.stop(2)
    same(c.wait_closed(), b"", "octets before the close")


@test
def stop_without_sessions(t):
    #
    t.shared()
    c = t.connect()
    c.stop(0)
    c.stop(0)
    works(t, c)
    c.stop(0)
    same(c.start().accept, 0, "Start-Ack: an accepted session is not touched by Stop 0")
    c2 = t.connect()
    c2.stop(1)
    same(c2.wait_closed(), b"", "octets before the close")


@test
def nothing_follows_a_stop(t):
    # the next octet is the next command
    t.shared()
    c, sender, to = t.session(timeout=0)
    c.send(make_stop(1) + make_request() + make_start() + make_stop(1) + make_request())
    same(c.accept_session().accept, 0, "Accept of the request behind Stop")
    same(c.start_ack().accept, 0, "Start-Ack")
    same(c.accept_session().accept, 0, "Accept of the second request behind Stop")


# --- timers ---------------------------------------------------------------------------

@test
def servwait(t):
    #
    t.daemon({"timers": {"servwait": 2}})
    began = time.monotonic()
    c = t.connect()
    same(c.wait_closed(), b"", "octets before the close")
    true(time.monotonic() - began > 1.9, "closed too early")


@test
def keepalive_on_control_connections(t):
    #
    t.shared()
    c = t.connect()
    port = c.local()[1]

    def timer():
        out = harness.run("ip", "netns", "exec", t.net.server, "ss", "-tnoH", "sport", "=", ":862")
        return any(":%d " % port in line and "keepalive" in line
                   for line in out.stdout.splitlines())
    wait_for(timer, "keepalive timer of the connection")


# --- loss of the connection -----------------------------------------------------------

def connection_lost(how, started):
    def function(t):
        # R-190 R-074
        d = t.daemon()
        c, sender, to = t.session(start=started, timeout=seconds(100))
        if started:
            reflects(sender, to, 0)
        d.wait_sessions(1)
        (c.close if how == "fin" else c.reset)()
        d.wait_idle()
        silent(sender, to, 1)
    function.__name__ = "connection_lost_by_%s_%s" % (how, "started" if started else "accepted")
    return function


for h in ("fin", "rst"):
    for s in (False, True):
        test(connection_lost(h, s))


@test(both=True)
def stopped_sessions_outlive_the_connection(t):
    # R-190 R-160
    d = t.daemon()
    c, sender, to = t.session(timeout=seconds(100))
    reflects(sender, to, 0)
    c.stop(1)
    c.close()
    wait_for(lambda: d.connections() == 0, "close of the connection")
    reflects(sender, to, 1)
    same(len(d.session_ports()), 1, "sessions that drain")


@test
def half_close_flushes_the_replies(t):
    #
    d = t.shared()
    c = t.connect()
    c.send(make_request() * 40 + make_start())
    c.finish()
    for _ in range(40):
        same(c.accept_session().accept, 0, "Accept")
    same(c.start_ack().accept, 0, "Start-Ack")
    same(c.wait_closed(), b"", "octets after the replies")
    d.wait_idle()


@test
def random_octets(t):
    # whatever comes, the daemon stays, and nothing stays in it
    d = t.shared()
    seed = int.from_bytes(os.urandom(4), "big")
    import random
    chance = random.Random(seed)
    for round_number in range(200):
        c = t.control()
        try:
            c.send(make_setup() if chance.random() < 0.8 else b"")
            for _ in range(chance.randrange(1, 6)):
                kind = chance.random()
                if kind < 0.5:
                    m = bytearray(make_request())
                    for _ in range(chance.randrange(0, 4)):
                        m[chance.randrange(len(m))] = chance.randrange(256)
                elif kind < 0.8:
                    m = bytes([chance.choice((2, 3, 5, 7, 9))]) + bytes(
                        chance.randrange(256) for _ in range(31))
                else:
                    m = bytes(chance.randrange(256) for _ in range(chance.randrange(1, 300)))
                c.send(bytes(m))
        except OSError:
            pass
        c.reset()
        true(d.alive(), "twampd is gone, seed %d" % seed)
    d.wait_idle()
    works(t, t.connect(), "a request after all that, seed %d" % seed)


if __name__ == "__main__":
    harness.main()
