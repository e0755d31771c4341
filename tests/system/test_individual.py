# SPDX-License-Identifier: BSD-2-Clause
"""The real twampd with Individual Session Control, RFC 5938: sessions started and stopped by
their SID, in the clear and ciphered.
"""

import os

import harness
import rawclient
from harness import same, test, true, wait_for
from keyed import connect, keyed_daemon, open_session
from packets import Session
from rawclient import INDIVIDUAL, PTP, make_n, ntp, seconds

MODES = (1 | INDIVIDUAL, 4 | INDIVIDUAL)
START, STOP = 7, 9
BOUND = 1024  # SIDs in a command, or as many as the connection has sessions


def add_session(t, control, modes, **fields):
    """One that is not started: (Session, SID)."""
    session, answer = open_session(t, control, modes, start=False, **fields)
    return session, answer.sid


def acked(acks, command, *want):
    """Acknowledgements exactly these: (Accept, [SIDs])."""
    same([(a.command, a.accept, a.mbz, a.sids) for a in acks],
         [(command, accept, bytes(10), sids) for accept, sids in want], "acknowledgements")


def started(control, *sids):
    acked(control.individual(START, *sids), 8, (0, list(sids)))


def stopped(control, *sids):
    acked(control.individual(STOP, *sids), 10, (0, list(sids)))


def packet(session, n=0):
    return session.layout.sent(n, ntp(), 1, bytes(70))


def both_modes(function):
    """A test of each of MODES on a server of its own."""
    def each(t):
        d = keyed_daemon(t)
        for modes in MODES:
            function(t, d, modes)
    each.__name__ = function.__name__
    return each


@test(both=True)
@both_modes
def one_of_two_is_started(t, d, modes):
    # R-200 R-204 T-041: what comes before the start is dropped, not kept
    control = connect(t, modes)
    (a, sid_a), (b, sid_b) = (add_session(t, control, modes) for _ in range(2))
    started(control, sid_a)
    b.send(packet(b))
    a.check(packet(a))
    true(b.sender.receive_raw(0.2) is None, "a reply of a session that is not started")
    started(control, sid_b)
    b.check(packet(b, 1))
    true(b.sender.receive_raw(0.05) is None, "a second reply")
    stopped(control, sid_a)
    b.check(packet(b, 2))
    stopped(control, sid_b)


@test(both=True)
@both_modes
def acknowledgements_are_grouped(t, d, modes):
    # R-201 R-202 R-206 C-091: 0 first, then ascending, one message for each value
    control = connect(t, modes)
    (_, a), (_, b), (_, c) = (add_session(t, control, modes) for _ in range(3))
    unknown = [os.urandom(16) for _ in range(2)]
    started(control, b)
    acks = control.individual(START, unknown[0], a, b, unknown[1], a, c, a)
    acked(acks, 8, (0, [a, c]), (1, unknown), (3, [b, a, a]))
    acked(control.individual(START, unknown[0]), 8, (1, [unknown[0]]))
    acked(control.individual(START, a), 8, (3, [a]))
    acks = control.individual(STOP, unknown[0], a, a, b)
    acked(acks, 10, (0, [a, b]), (1, [unknown[0]]), (3, [a]))


@test
@both_modes
def stop_of_each_state(t, d, modes):
    #
    control = connect(t, modes)
    (_, fresh), (active, sid), (drains, drained) = (
        add_session(t, control, modes, timeout=seconds(600)) for _ in range(3))
    started(control, sid, drained)
    stopped(control, drained)
    drains.check(packet(drains))  # R-160 R-204: for its own Timeout
    ports = len(d.session_ports())
    acked(control.individual(STOP, drained, fresh, bytes(16), sid), 10,
          (0, [fresh, sid]), (1, [bytes(16)]), (3, [drained]))
    active.check(packet(active))
    d.wait_sessions(ports - 1)  # the one that never started is gone
    acked(control.individual(START, fresh), 8, (1, [fresh]))
    acked(control.individual(START, sid, drained), 8, (3, [sid, drained]))
    drains.check(packet(drains, 1))
    control.close()
    active.check(packet(active, 1))


@test
def stop_of_one_that_ended_by_refwait(t):
    # R-205 R-174: the client cannot know, so it is affirmed
    d = keyed_daemon(t, {"timers": {"refwait": 1}})
    for modes in MODES:
        control = connect(t, modes)
        _, sid = add_session(t, control, modes)
        started(control, sid)
        d.wait_sessions(0)
        acked(control.individual(STOP, sid, sid), 10, (0, [sid]), (3, [sid]))  # named twice
        acked(control.individual(STOP, sid), 10, (1, [sid]))
        same(control.request().accept, 0, "Accept of the next request")
        control.close()
        d.wait_idle()


@test
@both_modes
def impossible_lists_close(t, d, modes):
    # R-203 R-245 C-092: none, or more than may be; without an answer, and nothing is left
    for command in (START, STOP):
        for n in (0, BOUND + 1, 2**32 - 1, 2**28, 2**31):
            control = connect(t, modes)
            _, sid = add_session(t, control, modes)
            head = bytearray(make_n(command, [])[:16])
            head[12:] = n.to_bytes(4, "big")
            control.send_message(bytes(head) + (bytes(16) if not n else sid + bytes(16)))
            same(control.wait_closed(), b"", "octets before the close with %d SIDs" % n)
    d.wait_idle()


@test
@both_modes
def longest_list_is_answered(t, d, modes):
    # R-203 R-245 C-092: far more SIDs than sessions, each of them acknowledged
    control = connect(t, modes)
    session, sid = add_session(t, control, modes)
    unknown = [os.urandom(16) for _ in range(BOUND - 2)]
    acks = control.individual(START, *(unknown + [sid, sid]))
    acked(acks, 8, (0, [sid]), (1, unknown), (3, [sid]))
    session.check(packet(session))


@test
@both_modes
def old_commands_are_refused(t, d, modes):
    # C-093 R-072 R-073: all of it is read, the connection goes on, and so do its sessions
    control = connect(t, modes)
    session, sid = add_session(t, control, modes)
    started(control, sid)
    for message in (rawclient.make_start(), rawclient.make_stop(1)):
        control.send_message(message)
        answer = control.accept_session()
        same((answer.accept, answer.port, answer.sid, answer.mbz2), (3, 0, bytes(16), bytes(12)),
             "answer to command %d" % message[0])
        session.check(packet(session))
    stopped(control, sid)


@test
def new_commands_are_refused_without_the_feature(t):
    # R-072 R-073: whatever the number of SIDs
    keyed_daemon(t)
    for modes in (1, 2, 8):
        control = connect(t, modes)
        session, answer = open_session(t, control, modes)
        for command in (START, STOP):
            for sids in ([], [answer.sid], [bytes(16)] * 1024):
                control.send_message(make_n(command, sids))
                got = control.accept_session()
                same((got.accept, got.port, got.sid), (3, 0, bytes(16)),
                     "answer to command %d with %d SIDs" % (command, len(sids)))
        session.check(packet(session))
        control.stop(1)


@test
@both_modes
def requests_while_sessions_run(t, d, modes):
    # at any time; R-077: pipelined, and answered in order
    control = connect(t, modes)
    sessions = []
    for n in range(4):
        session, sid = add_session(t, control, modes)
        started(control, sid)
        sessions.append((session, sid))
        for s, _ in sessions:
            s.check(packet(s, n))
    batch = [rawclient.make_request(ipvn=control.ipvn, sender_port=40000 + i) for i in range(3)]
    batch.insert(1, make_n(STOP, [sessions[0][1]]))
    batch.append(make_n(STOP, [sessions[1][1]]))
    control.send(b"".join(control.seal(m) for m in batch))
    same(control.accept_session().accept, 0, "first")
    same(control.read_n().sids, [sessions[0][1]], "second")
    same([control.accept_session().accept for _ in range(2)], [0, 0], "third and fourth")
    same(control.read_n().sids, [sessions[1][1]], "fifth")


@test
def sessions_of_others_cannot_be_named(t):
    # R-202 R-205: a SID counts on its own connection only
    keyed_daemon(t)
    for modes in MODES:
        mine, other = connect(t, modes), connect(t, modes)
        session, sid = add_session(t, mine, modes)
        acked(other.individual(START, sid), 8, (1, [sid]))
        started(mine, sid)
        acked(other.individual(STOP, sid), 10, (1, [sid]))
        session.check(packet(session))


@test
def each_timeout_runs_from_its_own_stop(t):
    # R-204 R-161: the one with Timeout 0 ends at once, the other goes on
    d = keyed_daemon(t)
    for modes in MODES:
        control = connect(t, modes)
        _, a = add_session(t, control, modes, timeout=seconds(0))
        b, sid_b = add_session(t, control, modes, timeout=seconds(300))
        started(control, a, sid_b)
        stopped(control, a, sid_b)
        wait_for(lambda: b.to[1] in d.session_ports() and
                 len(d.session_ports()) == 1 + MODES.index(modes), "one session to end")
        b.check(packet(b))


@test
def servwait_goes_on_when_all_have_ended_by_refwait(t):
    # R-173 R-169 R-174
    keyed_daemon(t, {"timers": {"servwait": 4, "refwait": 1}})
    controls = []
    for modes in MODES:
        controls.append(connect(t, modes))
        _, sid = add_session(t, controls[-1], modes)
        started(controls[-1], sid)
    for control in controls:
        same(control.wait_closed(), b"", "octets before the close")


@test
def a_session_that_is_not_started_does_not_hold_the_connection(t):
    # accepted is not in progress
    d = keyed_daemon(t, {"timers": {"servwait": 4}})
    controls = []
    for modes in MODES:
        controls.append(connect(t, modes))
        add_session(t, controls[-1], modes)
    for control in controls:
        same(control.wait_closed(), b"", "octets before the close")
    d.wait_idle()


@test
def thousands_of_sessions_by_sid(t):
    # R-200 R-201: started and stopped in a few messages
    d = keyed_daemon(t)
    for modes in MODES:
        control = connect(t, modes | PTP)
        sender = t.sender()
        control.send(b"".join(
            control.seal(rawclient.make_request(ipvn=4, sender_port=sender.port,
                                                timeout=seconds(0))) for _ in range(1000)))
        answers = [control.accept_session() for _ in range(1000)]
        same({a.accept for a in answers}, {0}, "Accepts")
        sids = [a.sid for a in answers]
        same(len(set(sids)), 1000, "different SIDs")
        started(control, *sids[:500])
        started(control, *sids[500:])
        for n in (0, 499, 999):
            session = Session(control, sender, (t.server, answers[n].port), modes | PTP, sids[n])
            session.check(packet(session))
        stopped(control, *sids)
        d.wait_sessions(0)


if __name__ == "__main__":
    harness.main()
