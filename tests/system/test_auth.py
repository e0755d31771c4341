# SPDX-License-Identifier: BSD-2-Clause
"""The real twampd and who claims to have a key: what it answers to the wrong ones and to forged or
replayed handshakes, and how it holds up meanwhile.
"""

import os
import select
import statistics
import threading
import time

import harness
import rawclient
import twcrypt
from forging import flip, nothing_granted
from harness import same, test, true, wait_for
from keyed import KEY, connect, keyed_daemon, open_session, refused
from packets import Session
from rawclient import make_request, make_start, make_stop, ntp

REFUSED = bytes(15) + b"\x01" + bytes(32)  # Server-Start with Accept 1, R-018


def answer_to(t, key=KEY, mode=4, change=None, **options):
    """All that comes after a Set-Up-Response, and the seconds until it ends."""
    with rawclient.Control(t.server, **options) as c:
        c.greeting()
        octets = c.make_keyed_setup(mode, key)
        began = time.monotonic()
        c.send(change(octets) if change else octets)
        got = c.wait_closed()
        return got, time.monotonic() - began


def threads_busy(d):
    """Is a key being derived?"""
    for task in os.listdir("/proc/%d/task" % d.pid):
        try:
            with open("/proc/%d/task/%s/stat" % (d.pid, task)) as f:
                name, rest = f.read().split("(", 1)[1].rsplit(")", 1)
        except OSError:
            continue
        if name == "twampd/kdf" and rest.split()[0] == "R":
            return True
    return False


# --- the handshake --------------------------------------------------------------------

@test(both=True)
def server_start_of_each_keyed_mode(t):
    # R-014 R-016 R-019 R-020 R-021 C-040 C-041: half in the clear, half ciphered
    d = keyed_daemon(t)
    starts = [connect(t, mode).server_start_seen for mode in (2, 4, 8, 1)]
    for s in starts:
        same((s.mbz, s.accept, s.mbz2), (bytes(15), 0, bytes(8)), "fields of Server-Start")
        true(abs((s.start_time >> 32) - (ntp() >> 32)) < 3600, "Start-Time")
    same(len({s.start_time for s in starts}), 1, "Start-Times")
    same(starts[3].iv, bytes(16), "Server-IV in the clear")
    d.wait_log("class default")


@test(both=True)
def nothing_random_comes_twice(t):
    # R-004 R-005 R-021: not in other connections, nor after a restart
    seen, ivs = [], []
    d = keyed_daemon(t)
    for _ in range(2):
        for _ in range(50):
            with rawclient.connect(t.server, mode=4, key=KEY) as c:
                seen += [c.greeting_seen.challenge, c.greeting_seen.salt]
                ivs.append(c.server_start_seen.iv)
        d.terminate()
        d.start()
    same(len(set(seen + ivs)), 300, "different Challenges, Salts and Server-IVs")


@test
def set_up_response_in_pieces(t):
    # R-012 C-030: and with the first request in the same segment
    keyed_daemon(t)
    c = t.control()
    c.greeting()
    c.send_bytewise(c.make_keyed_setup(4, KEY))
    same(c.keyed_start().accept, 0, "Accept")
    c = t.control()
    c.greeting()
    octets = c.make_keyed_setup(4, KEY)
    first = twcrypt.Stream(c.keys.aes_key, c.keys.hmac_key, c.keys.iv)
    c.send(octets + first.seal(make_request()) + first.seal(make_request()))
    same(c.keyed_start().accept, 0, "Accept")
    same([c.accept_session().accept for _ in range(2)], [0, 0], "Accepts of the requests")


@test
def stream_in_pieces(t):
    # C-005 C-062: each octet of its own, and all at once
    keyed_daemon(t)
    control = connect(t, 2)
    sender = t.sender()
    control.send_bytewise(control.seal(make_request(sender_port=sender.port)))
    answer = control.accept_session()
    control.send_bytewise(control.seal(make_start()))
    same(control.start_ack().accept, 0, "Start-Ack")
    session = Session(control, sender, (t.server, answer.port), 2, answer.sid)
    session.check(session.layout.sent(0, ntp(), 1))
    control.send(control.seal(make_stop(1)) + control.seal(make_request(sender_port=1)))
    same(control.accept_session().accept, 0, "Accept after the Stop")


# --- who has no key -------------------------------------------------------------------

WRONG = {
    "another passphrase": (KEY[0], b"Correct horse battery staple"),
    "a passphrase with a space more": (KEY[0], KEY[1] + b" "),
    "a passphrase cut": (KEY[0], KEY[1][:-1]),
    "no passphrase": (KEY[0], b""),
    "another KeyID": (b"probe-2", KEY[1]),
    "a KeyID cut": (KEY[0][:-1], KEY[1]),
    "a longer KeyID": (KEY[0] + b"1", KEY[1]),
    "no KeyID": (b"", KEY[1]),
    "a zero inside": (KEY[0] + b"\0x", KEY[1]),
    "a zero in front": (b"\0" + KEY[0], KEY[1]),
    "no UTF-8": (b"\xff\xfe", KEY[1]),
    "a KeyID of 80 octets": (b"k" * 80, KEY[1]),
    "line ends in the KeyID": (b"a\nERR fake\r\x1b[31m", KEY[1]),
}


@test(both=True)
def all_who_have_no_key_are_told_the_same(t):
    # R-017 R-018 R-243 C-033: 48 octets and the end, in each keyed mode
    d = keyed_daemon(t)
    for mode in (2, 4, 8, 4 | 0x370):
        for what, key in WRONG.items():
            same(answer_to(t, key, mode)[0], REFUSED, "answer to " + what)
    same(answer_to(t, change=lambda o: o[:84] + bytes(64) + o[148:])[0], REFUSED, "zero Token")
    same(answer_to(t, change=lambda o: o[:84] + b"\xff" * 64 + o[148:])[0], REFUSED, "ff Token")

    def told():  # it takes so many refusals a second, and no more
        for key in ((b"nobody", KEY[1]), (KEY[0], b"wrong")):
            same(answer_to(t, key, 4)[0], REFUSED, "answer")
        return "unknown KeyID" in d.log() and "wrong passphrase" in d.log()
    wait_for(told, "the difference in the log")
    log = d.log()
    true("ERR fake" not in [line.strip() for line in log.splitlines()] and "\x1b" not in log,
         "a KeyID makes a line of its own in the log")
    for passphrase in {key[1] for key in WRONG.values() if len(key[1]) > 8}:
        true(passphrase.decode() not in log, "a passphrase is in the log")


@test(both=True)
def all_who_have_no_key_wait_alike(t):
    # R-017 R-243: medians of turns with each, with the Count that is the default
    keyed_daemon(t, {"auth": {"count": 32768}})
    kinds = {"wrong": (KEY[0], b"wrong"), "unknown": (b"nobody", KEY[1]), "none": (b"\xff", b"x")}
    took = {name: [] for name in kinds}
    for _ in range(15):
        for name, key in kinds.items():
            took[name].append(answer_to(t, key)[1])
    medians = {name: statistics.median(v) for name, v in took.items()}
    # Without the derivation it would be some 30 times as fast.
    true(max(medians.values()) < 3 * min(medians.values()), "medians %r" % medians)


@test
def token_of_another_connection(t):
    # R-016 C-032: a replayed Token is refused, and a recorded stream says nothing
    d = keyed_daemon(t)
    c = t.control()
    c.greeting()
    setup = c.make_keyed_setup(4, KEY)
    c.send(setup)
    same(c.keyed_start().accept, 0, "Accept")
    request = c.seal(make_request())
    c.send(request)
    same(c.accept_session().accept, 0, "Accept of the request")
    for attempt in (setup, setup + request):
        same(answer_to(t, change=lambda o: attempt)[0], REFUSED, "answer to a replay")
        # With a new beginning, but the Token of before.
        same(answer_to(t, change=lambda o: o[:84] + setup[84:148] + o[148:])[0], REFUSED,
             "answer to a replayed Token")
    same(len(d.session_ports()), 1, "sessions")
    # A recorded stream behind an authentic handshake.
    with rawclient.connect(t.server, mode=4, key=KEY) as other:
        other.send(request)
        nothing_granted(other, "a recorded stream")
        same(len(d.session_ports()), 1, "sessions after a recorded stream")


@test
def every_bit_of_the_token_and_the_iv(t):
    # R-016 R-070 C-032: the first block proves the Token, the first message the rest of it
    d = keyed_daemon(t)
    for bit in range(84 * 8, 164 * 8):
        c = t.control()
        c.greeting()
        setup = c.make_keyed_setup(4, KEY)
        c.send(flip(setup, bit))
        octets = c.read(48)
        if bit < 100 * 8:
            same(octets, REFUSED, "answer to Token bit %d" % bit)
        else:
            same(octets[:16], bytes(16), "Server-Start after bit %d" % bit)
            stream = twcrypt.Stream(c.keys.aes_key, c.keys.hmac_key, c.keys.iv)
            c.send(stream.seal(make_request()))
        # With other keys than ours, so that nothing can be read: an answer of R-073 at most
        true(len(c.wait_closed()) in (0, 48), "octets after bit %d" % bit)
        c.close()
    d.wait_idle()
    true(" accepted: " not in d.log(), "a session was accepted")


# --- many of them ---------------------------------------------------------------------

@test(both=True)
def failures_are_limited(t):
    # R-022 R-243: per client, refused with 5 even with the right key, and not for ever
    rate = 60
    keyed_daemon(t, {"auth": {"failure_rate": rate}})
    busy = bytes(15) + b"\x05" + bytes(32)
    for n in range(rate):
        same(answer_to(t, (b"nobody", b"x") if n % 2 else (KEY[0], b"x"))[0], REFUSED,
             "answer to failure %d" % n)
    # One more is let in each second, so it may take some more on a slow machine.
    wait_for(lambda: answer_to(t, (b"nobody", b"x"))[0] == busy, "Accept 5")
    wait_for(lambda: answer_to(t, (KEY[0], b"x"))[0] == busy, "Accept 5")
    same(t.connect().request().accept, 0, "Accept without a key")
    other = connect(t, 4, source=t.client_other)
    same(other.request().accept, 0, "Accept of another client")

    def again():
        with rawclient.Control(t.server) as c:
            c.greeting()
            return c.authenticate(4, KEY).accept == 0
    wait_for(again, "to be let in again")


@test(both=True)
def failures_count_by_key_id(t):
    # R-022 R-243: one probe with a bad key, and another behind the same address
    keyed_daemon(t, {"auth": {"failure_rate": 2}})
    busy = bytes(15) + b"\x05" + bytes(32)
    for _ in range(2):
        same(answer_to(t, (b"nobody", b"x"))[0], REFUSED, "answer to a failure")
    same(answer_to(t, (b"nobody", b"x"))[0], busy, "answer to one more")
    for _ in range(5):
        connect(t, 4).close()


@test
def who_leaves_has_not_failed(t):
    # a right key that nobody waited for; a limit of its own
    keyed_daemon(t, {"auth": {"failure_rate": 1, "abandon_rate": 3, "count": 1 << 22}})
    d = t.own[0]
    for n in range(4):
        with rawclient.Control(t.server) as c:
            c.greeting()
            c.send((4).to_bytes(4, "big") + KEY[0].ljust(80, b"\0") + os.urandom(64) + bytes(16))
            if n < 3:
                wait_for(lambda: threads_busy(d), "a derivation")
            else:
                same(c.wait_closed(), bytes(15) + b"\x05" + bytes(32), "answer to one more")
        d.wait_idle()
    d.wait_log("abandon-rate")
    true("auth-failed" not in d.log() and "auth-rate" not in d.log(), "it failed: " + d.log())


@test
def successes_are_not_limited(t):
    # only failures count
    keyed_daemon(t, {"auth": {"failure_rate": 1}})
    for _ in range(50):
        connect(t, 4).close()


def refusal(t, setup):
    """What comes after these octets."""
    with rawclient.Control(t.server) as c:
        c.greeting()
        c.send(setup)
        return c.wait_closed()


@test
def queue_full(t):
    # who finds it full is told 5 at once; the others are served meanwhile
    d = keyed_daemon(t, {"auth": {"queue": 1, "count": 1 << 30}})  # for longer than this test takes
    first = t.control()
    first.greeting()
    token = os.urandom(64)  # nobody need derive a key for it
    setup = (4).to_bytes(4, "big") + KEY[0].ljust(80, b"\0") + token + bytes(16)
    first.send(setup)
    d.wait_read()
    busy = bytes(15) + b"\x05" + bytes(32)
    for _ in range(5):
        same(refusal(t, setup), busy, "answer while the queue is full")
    session, _ = open_session(t, t.connect(), 1)
    session.check(session.layout.sent(0, ntp(), 1))
    same(refusal(t, setup), busy, "answer, still")
    d.wait_log("refused with Server-Start 5.*queue")
    d.reload({"auth": {"count": 1024}})
    first.close()  # which ends the derivation

    def served():
        with rawclient.Control(t.server) as c:
            c.greeting()
            c.send(c.make_keyed_setup(4, KEY))
            return c.keyed_start().accept == 0
    wait_for(served, "a place in the queue")


@test
def clients_that_do_not_wait(t):
    # R-022 R-190: gone while their key is derived, they leave nothing
    d = keyed_daemon(t, {"auth": {"count": 32768}})
    for n in range(30):
        c = t.control()
        c.greeting()
        c.send((4).to_bytes(4, "big") + KEY[0].ljust(80, b"\0") + os.urandom(80))
        c.reset() if n % 2 else c.close()
    d.wait_idle()
    connect(t, 4).close()


@test
def reload_while_a_key_is_derived(t):
    # the answer is that of the keys that there are when it comes
    d = keyed_daemon(t, {"auth": {"count": 1 << 20}})
    c = t.control()
    c.greeting()
    c.send(c.make_keyed_setup(4, KEY))
    d.write_keys({b"another": b"passphrase"})
    d.reload()
    same(c.keyed_start().accept, 1, "Accept")
    refused(t, 4, accept=1)


@test
def many_authenticate_while_a_session_runs(t):
    # No packet of it is lost
    keyed_daemon(t, {"auth": {"count": 32768, "queue": 64}})
    session, _ = open_session(t, connect(t, 4), 4)
    packets = [session.seal(session.layout.sent(n, ntp(), 1, bytes(64))) for n in range(1000)]
    granted = []

    def authenticate():
        harness.enter_namespace(t.net.client)
        with rawclient.Control(t.server) as c:
            c.greeting()
            granted.append(c.authenticate(4, KEY).accept)
    clients = [threading.Thread(target=authenticate) for _ in range(20)]
    for n, packet in enumerate(packets):
        session.sender.send(session.to, packet)
        if n % 20 == 0 and n < 400:
            clients[n // 20].start()
        select.select([], [], [], 0.002)
    for client in clients:
        client.join()
    same(granted, [0] * 20, "Accepts of the clients")
    numbers = set()
    while len(numbers) < len(packets):
        got = session.sender.receive_raw()
        true(got is not None, "%d packets are lost" % (len(packets) - len(numbers)))
        numbers.add(session.layout.stamps(session.open(got[0]))[0])
    same(numbers, set(range(1000)), "Sequence Numbers")


if __name__ == "__main__":
    harness.main()
