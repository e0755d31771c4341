# SPDX-License-Identifier: BSD-2-Clause
"""Reflectors without control: TWAMP Light and STAMP on the ports of the setting "light", and
those of twamp responder. T-070..T-092.
"""

import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

import harness
import rawclient
from capture import Capture
from harness import Notify, same, test, true, wait_for
from rawclient import make_packet
from veth import Wire, spoof

QUIET = 0.3  # for replies that must not come
LIGHT, STAMP, STAMP_MIN = 5000, 5001, 44
EVERYBODY = ["0.0.0.0/0", "::/0"]


def light(*entries, clients=None):
    """Settings with these entries."""
    for e in entries:
        e.setdefault("type", "twamp-light")
        e.setdefault("clients", clients or EVERYBODY)
    return {"light": list(entries)}


def both():
    return light({"port": LIGHT}, {"port": STAMP, "type": "stamp"})


def stamp_packet(seq=0, ssid=0, rest=b"", error_estimate=0x0001):
    return make_packet(seq, error_estimate=error_estimate)[:14] + struct.pack("!H", ssid) + bytes(28) + rest


def reply_to(sender, to, octets):
    answer = sender.exchange(to, octets)
    true(answer is not None, "no reply")
    return answer


def no_reply(sender, to, octets):
    same(sender.exchange(to, octets, QUIET), None, "reply")


def ended(d):
    """The lines with the final counters, after SIGTERM."""
    same(d.terminate(), 0, "exit status")
    return re.findall(r"reflecting without control ended: (.*)", d.log())


# --- packets --------------------------------------------------------------------------

@test(both=True)
def nobody_is_answered_without_being_named(t):
    # T-074 T-070 R-246: no port without an entry, the well-known one neither; no reply to who is
    # not among the clients
    d = t.daemon()
    s = t.sender()
    same([p for p in d.udp_ports() if p in (862, LIGHT)], [], "UDP ports")
    d.reload(light({"port": LIGHT}, clients=[t.client_other]))
    d.wait_log(r"reflecting without control: TWAMP Light on \S+:%d, stateless" % LIGHT)
    no_reply(s, (t.server, LIGHT), make_packet())
    s2 = t.sender(t.client_other)
    reply_to(s2, (t.server, LIGHT), make_packet())
    d.reload(light({"port": LIGHT}, clients=["192.0.2.0/24", "2001:db8:ffff::/48"]))
    no_reply(s2, (t.server, LIGHT), make_packet())
    d.reload(light({}, clients=[t.client_other]))
    no_reply(s, (t.server, 862), make_packet())
    reply_to(s2, (t.server, 862), make_packet())
    lines = " ".join(ended(d))
    true("received 3, reflected 1, dropped denied 2" in d.log()
         and "received 2, reflected 1, dropped denied 1" in lines, "the counters:\n" + d.log())


@test(both=True)
def a_twamp_light_reply_field_by_field(t):
    # T-071 T-043 T-044 T-022 T-047
    t.daemon(both())
    s = t.sender(ttl=77)
    packet = make_packet(0xfffffff7, error_estimate=0x1234, padding=bytes(range(100)))
    before = time.time()
    r = reply_to(s, (t.server, LIGHT), packet)
    same(r.seq, 0xfffffff7, "Sequence Number")
    same(r.raw[24:38], packet[:14], "copy of the sender's header")
    same((r.mbz, r.mbz2), (0, 0), "Must Be Zero")
    same(r.sender_ttl, 77, "Sender TTL")
    same(r.padding, packet[14:14 + 73], "padding")
    same(len(r.raw), len(packet), "length")
    same(r.ttl, 255, "TTL of the reply")
    same(r.source, (t.server, LIGHT), "source")
    true(r.ee & 0xff, "Multiplier")
    t2, t3 = (x / 2**32 - rawclient.NTP_UNIX for x in (r.t2, r.t3))
    true(before - 0.01 <= t2 <= t3 <= time.time() + 0.01, "T2 %f T3 %f" % (t2, t3))


@test(both=True)
def a_stamp_reply_field_by_field(t):
    # T-082 T-083 T-085 T-092: TLVs come back as they are; T-084: NTP, whatever the sender's are
    t.daemon(both())
    s = t.sender(ttl=33)
    before = time.time()
    tlvs = bytes.fromhex("80040004b8000000" "80f0000412345678" "80010003aabbcc") + b"\x80\x01\xff"
    for error_estimate, rest in ((0x0001, b""), (0x4001, tlvs)):  # 0x4000: Z, for PTP
        packet = stamp_packet(9, 0xbeef, rest, error_estimate)
        r = reply_to(s, (t.server, STAMP), packet)
        same(len(r.raw), len(packet), "length")
        same(r.seq, 9, "Sequence Number")
        same(r.mbz, 0xbeef, "SSID")
        same(r.raw[24:38], packet[:12] + packet[12:14], "copy of the sender's header")
        same((r.mbz2, r.sender_ttl, r.raw[41:44]), (0, 33, bytes(3)), "TTL and MBZ")
        same(r.raw[44:], rest, "TLVs")
        t2, t3 = (x / 2**32 - rawclient.NTP_UNIX for x in (r.t2, r.t3))
        true(before - 0.01 <= t2 <= t3 <= time.time() + 0.01, "T2 %f T3 %f" % (t2, t3))
        true(not r.ee & 0x4000, "Z")
    # T-083 Q-31: a TWAMP Light sender, whose padding is no SSID
    for n in (0, 1, 27, 29):
        r = reply_to(s, (t.server, STAMP), make_packet(5, padding=b"\xff" * n))
        same(len(r.raw), STAMP_MIN, "length of the base reply")
        same(r.raw[14:16] + r.raw[38:40] + r.raw[41:], bytes(7), "Must Be Zero")


@test(both=True)
def nothing_is_amplified(t):
    # T-026 T-020: never longer than max(minimum, received), never to anybody else
    d = t.daemon(both())
    s = t.sender()
    wire = Wire(t)
    sizes = [0, 1, 13, 14, 15, 40, 41, 42, 43, 44, 45, 100, 1000, 1400]
    got = {}
    for port, least in ((LIGHT, 41), (STAMP, STAMP_MIN)):
        for n in sizes:
            s.send((t.server, port), make_packet(n)[:n].ljust(n, b"\x55"))
    for source, port, target, target_port, payload in wire.packets(1):
        if source != t.server:
            continue
        same((target, target_port), (t.client, s.port), "who is answered")
        got.setdefault(port, []).append(len(payload))
    for port, least in ((LIGHT, 41), (STAMP, STAMP_MIN)):
        same(sorted(got[port]), sorted(max(n, least) for n in sizes if n >= 14), "lengths")
    lines = ended(d)
    same(sum("dropped short 3" in line for line in lines), 2, "ports that counted %r" % lines)


@test(both=True)
def large_packets_come_back_whole(t):
    # T-027
    t.daemon(both())
    s = t.sender()
    for n in (9000, 60000):
        packet = stamp_packet(1, 2, os.urandom(n))
        same(reply_to(s, (t.server, STAMP), packet).raw[44:], packet[44:], "the rest")


@test(both=True)
def stateless_and_stateful_numbers(t):
    # T-071 T-072 T-082 T-085: by addresses, ports and SSID
    t.daemon(light({"port": LIGHT}, {"port": LIGHT + 10, "stateful": True},
                   {"port": STAMP, "type": "stamp", "stateful": True}))
    a, b = t.sender(), t.sender()
    for i, seq in enumerate((5, 5, 9, 0)):
        same(reply_to(a, (t.server, LIGHT), make_packet(seq)).seq, seq, "stateless")
        r = reply_to(a, (t.server, LIGHT + 10), make_packet(seq))
        same((r.seq, r.sender_seq), (i, seq), "stateful")
    same(reply_to(b, (t.server, LIGHT + 10), make_packet(3)).seq, 0, "another sender")
    same(reply_to(a, (t.server_other, LIGHT + 10), make_packet(3)).seq, 0, "another address")
    same(reply_to(a, (t.server, LIGHT + 10), make_packet(3)).seq, 4, "the first goes on")
    for i in range(3):
        for ssid in (0, 1, 65535):
            r = reply_to(a, (t.server, STAMP), stamp_packet(70, ssid))
            same((r.seq, r.mbz), (i, ssid), "per SSID")


@test
def the_sender_that_is_silent_for_longest_makes_room(t):
    # T-072: 4096 senders per thread are remembered
    d = t.daemon(dict(light({"port": STAMP, "type": "stamp", "stateful": True,
                             "packet_rate": 0}), reflector={"threads": 1}))
    s = t.sender()
    to = (t.server, STAMP)
    for ssid in range(1, 4097):
        same(reply_to(s, to, stamp_packet(0, ssid)).seq, 0, "a new one")
    same(reply_to(s, to, stamp_packet(0, 1)).seq, 1, "the first is still known")
    same(reply_to(s, to, stamp_packet(0, 5000)).seq, 0, "one more")
    same(reply_to(s, to, stamp_packet(0, 1)).seq, 2, "the first is still known")
    same(reply_to(s, to, stamp_packet(0, 3)).seq, 1, "the third, too")
    same(reply_to(s, to, stamp_packet(0, 2)).seq, 0, "the second made room")
    true("senders that made room 2" in ended(d)[0], "the counter")


@test(both=True)
def dscp_of_replies(t):
    # T-075: copied, zero, or fixed; never the ECN
    t.daemon(light({"port": 5010}, {"port": 5011, "dscp": "zero"}, {"port": 5012, "dscp": 46},
                   {"port": 5013, "dscp": "copy", "type": "stamp"}))
    for tos in (0, 0x28, 0xb9, 0xff, 0x03):
        s = t.sender(tos=tos)
        for port, want in ((5010, tos & 0xfc), (5011, 0), (5012, 46 << 2), (5013, tos & 0xfc)):
            same(reply_to(s, (t.server, port), make_packet()).tos, want, "TOS from %d" % port)


@test(both=True)
def replies_leave_from_where_the_packet_went(t):
    # T-047, on sockets of all addresses
    t.daemon(both())
    s = t.sender("0.0.0.0" if t.family == 4 else "::")
    for address in (t.server_other, t.server):
        for port in (LIGHT, STAMP):
            same(reply_to(s, (address, port), make_packet()).source, (address, port), "source")


@test
def link_local_senders(t):
    t.daemon(light({"port": LIGHT}, clients=["fe80::/10"]))
    s = t.sender(harness.LINK_LOCAL["client"] + "%" + harness.CLIENT_LINK)
    r = reply_to(s, (harness.LINK_LOCAL["server"] + "%" + harness.CLIENT_LINK, LIGHT),
                 make_packet(4))
    same((r.seq, r.source[0].split("%")[0]), (4, harness.LINK_LOCAL["server"]), "reply")


@test
def broadcast_and_multicast_are_not_answered(t):
    # The kernel gives such a packet to every socket of a port: with one thread once.
    d = t.daemon(dict(both(), reflector={"threads": 1}))
    s = t.sender()
    s.sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    s.sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(t.client))
    s6 = t.sender(harness.CLIENT[6])
    s6.sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF,
                       socket.if_nametoindex(harness.CLIENT_LINK))
    no_reply(s, ("198.51.100.255", LIGHT), make_packet())
    no_reply(s, ("255.255.255.255", LIGHT), make_packet())
    no_reply(s, ("224.0.0.1", LIGHT), make_packet())
    no_reply(s6, ("ff02::1", LIGHT), make_packet())
    text = " ".join(ended(d))
    same(sum(int(n) for n in re.findall(r"destination (\d+)", text)), 4, "dropped: " + text)


@test
def only_these_ssids(t):
    # T-085
    d = t.daemon(light({"port": STAMP, "type": "stamp", "ssids": [7, 9]}))
    s = t.sender()
    for ssid in (7, 9):
        same(reply_to(s, (t.server, STAMP), stamp_packet(1, ssid)).mbz, ssid, "SSID")
    for packet in (stamp_packet(1, 8), stamp_packet(1, 0), make_packet(1)):
        no_reply(s, (t.server, STAMP), packet)
    true("dropped ssid 3" in " ".join(ended(d)), "the counter")


# --- loops ----------------------------------------------------------------------------

@test
def no_reply_to_ports_of_reflectors(t):
    d = t.daemon(light({"address": t.server, "port": 862}, {"address": t.server, "port": LIGHT},
                       {"address": t.server, "port": 5005, "from_862": True}))
    from_862, same_port, other = (t.sender(port=p) for p in (862, LIGHT, 5006))
    no_reply(from_862, (t.server, LIGHT), make_packet())
    no_reply(from_862, (t.server, 862), make_packet())
    no_reply(same_port, (t.server, LIGHT), make_packet())
    no_reply(same_port, (t.server, 5005), make_packet())  # one of our own
    reply_to(from_862, (t.server, 5005), make_packet())
    reply_to(other, (t.server, 862), make_packet())
    same(sum(int(n) for n in re.findall(r"loop (\d+)", " ".join(ended(d)))), 4, "loops")


@test
def forged_packets_do_not_bounce(t):
    # Two reflectors on ports that do not know of each other: one packet forged, no storm.
    d = t.daemon(both())
    for port, kind in ((6000, "twamp-light"), (6001, "stamp")):
        responder(t, "--type", kind, "--allow", t.server, "%s:%d" % (t.client, port))
    wire = Wire(t)
    for port in (LIGHT, STAMP):
        for other in (6000, 6001):
            spoof(t.client, other, t.server, port, make_packet(1, padding=bytes(200)))
            seen = [p for p in wire.packets(0.5) if p[:4:2] == (t.server, t.client)
                    or p[:4:2] == (t.client, t.server)]
            same(len(seen), 2, "packets: the forged one and its reply; seen %r"
                 % [p[:4] for p in seen])
    # ... and within one daemon
    spoof(t.server_other, STAMP, t.server, LIGHT, make_packet())
    same([p[:4] for p in wire.packets(QUIET) if p[0] == t.server], [], "packets of the server")
    text = " ".join(ended(d))
    true(sum(int(n) for n in re.findall(r"received (\d+)", text)) in (4, 5), text)


@test
def a_reply_is_not_answered_from_any_port(t):
    t.daemon(both())
    s = t.sender()
    for port in (LIGHT, STAMP):
        r = reply_to(s, (t.server, port), make_packet(1, padding=bytes(50)))
        no_reply(s, (t.server, port), r.raw)


# --- settings -------------------------------------------------------------------------

@test(both=True)
def ports_come_and_go(t):
    d = t.daemon(light({"port": LIGHT, "stateful": True}))
    s = t.sender()
    for i in range(3):
        same(reply_to(s, (t.server, LIGHT), make_packet()).seq, i, "Sequence Number")
    before = len(d.fds())
    d.reload(light({"port": LIGHT, "stateful": True, "dscp": "zero"},
                   {"port": STAMP, "type": "stamp"}))
    reply_to(s, (t.server, STAMP), make_packet())
    same(reply_to(s, (t.server, LIGHT), make_packet()).seq, 3, "number after the reload")
    # another type is another reflector on the same port
    d.reload(light({"port": LIGHT, "type": "stamp"}))
    wait_for(lambda: len(reply_to(s, (t.server, LIGHT), make_packet(9)).raw) == 44, "STAMP")
    wait_for(lambda: len(d.fds()) == before, "as many descriptors as before")
    d.wait_log(r"ended: TWAMP Light on .*:%d, stateful: received [34]" % LIGHT)
    del d.config["light"]
    d.reload({})
    wait_for(lambda: LIGHT not in d.udp_ports(), "the port is free")
    no_reply(s, (t.server, LIGHT), make_packet())


@test
def no_packet_is_lost_by_a_reload(t):
    d = t.daemon(light({"port": LIGHT, "packet_rate": 0}))
    senders = [t.sender() for _ in range(8)]
    lost = 0
    for i in range(12):
        d.config = harness.merge(d.config, light({"port": LIGHT, "packet_rate": 0, "dscp": i},
                                                 {"port": STAMP, "type": "stamp",
                                                  "stateful": bool(i % 2)}))
        d.write(d.config)
        d.signal(signal.SIGHUP)
        for seq in range(20):
            for s in senders:
                s.send((t.server, LIGHT), make_packet(seq))
            lost += sum(s.receive() is None for s in senders)
    same(lost, 0, "packets lost")


@test
def a_port_that_cannot_be_had_changes_nothing(t):
    d = t.daemon(light({"port": LIGHT}))
    s = t.sender()
    blocker = subprocess.Popen(
        ["python3", "-c", "import socket,time\ns=socket.socket(2,2)\n"
         "s.setsockopt(1,15,1)\ns.bind(('0.0.0.0',5999))\nprint(1,flush=True)\ntime.sleep(600)"],
        stdout=subprocess.PIPE, preexec_fn=lambda: harness.enter_namespace(t.net.server))
    try:
        blocker.stdout.readline()
        before = len(d.fds())
        # It shares the port with whoever wants that: it is refused all the same.
        line = d.reload(light({"port": LIGHT, "dscp": 7}, {"port": STAMP, "type": "stamp"},
                              {"address": "0.0.0.0", "port": 5999}), expect="reload failed")
        true("UDP 0.0.0.0:5999" in line and "ss -lunp" in line, line)
        same(reply_to(s, (t.server, LIGHT), make_packet()).tos, 0, "DSCP as before")
        no_reply(s, (t.server, STAMP), make_packet())
        same(len(d.fds()), before, "descriptors")
        line = d.reload(light({"address": "192.0.2.77", "port": STAMP}), expect="reload failed")
        true("192.0.2.77:%d" % STAMP in line, line)
        reply_to(s, (t.server, LIGHT), make_packet())
    finally:
        blocker.kill()
        blocker.wait()
        blocker.stdout.close()


@test
def a_well_known_port_needs_a_capability(t):
    # T-081; as a service without CAP_NET_BIND_SERVICE
    if not shutil.which("setpriv"):
        raise harness.Skip("there is no setpriv")
    text = harness.config_text(dict(light({}), listen=[{"port": 8620}]))
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as f:
        f.write(text)
        f.flush()
        out = subprocess.run(["setpriv", "--bounding-set", "-net_bind_service", t.run.twampd,
                              "--config", f.name, "--log-target", "stderr"],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, timeout=60,
                             preexec_fn=lambda: harness.enter_namespace(t.net.server))
    true(out.returncode != 0 and "UDP 0.0.0.0:862" in out.stderr
         and "CAP_NET_BIND_SERVICE" in out.stderr, out.stderr)


@test
def counters_in_the_log_and_the_status(t):
    n = Notify(t)
    d = t.daemon(both(), env={"NOTIFY_SOCKET": n.path})
    s = t.sender()
    for seq in range(5):
        reply_to(s, (t.server, LIGHT), make_packet(seq))
    s.send((t.server, STAMP), b"short")
    n.wait(r"STATUS=.*, Light: 5 reflected, 1 dropped.*")
    since = d.log_size()
    d.reload({})
    d.wait_log(r"info: TWAMP Light on 0\.0\.0\.0:5000, stateless: received 5, reflected 5, "
               r"dropped none", since)
    lines = ended(d)
    same(len(lines), 4, "ports that ended")
    true("STAMP on 0.0.0.0:5001, stateless: received 1, reflected 0, dropped short 1" in lines,
         repr(lines))


@test
def what_is_lost_counts_for_overload(t):
    # what the kernel does not take, and what did not fit into the receive queue
    settings = light({"port": LIGHT, "packet_rate": 0})
    settings["overload"] = {"send_drops": 1000, "receive_drops": 1000}
    d = t.daemon(settings)
    s, stranger = t.sender(), t.sender(t.client_other)
    harness.run("ip", "-n", t.net.server, "route", "add", "unreachable", t.client_other)
    since = d.log_size()
    for seq in range(5000):
        stranger.send((t.server, LIGHT), make_packet(seq))
    d.wait_log("overload.*net-buffers", since)
    d.wait_log("no longer overloaded", since)
    since = d.log_size()
    d.signal(signal.SIGSTOP)
    for seq in range(10000):
        s.send((t.server, LIGHT), make_packet(seq))
    d.signal(signal.SIGCONT)
    d.wait_log("overload.*net-buffers", since)
    lines = ended(d)
    # 15000, less what a busy host loses before a socket has it
    true(any(re.search(r"received \d{4,}, .*tx [1-9]\d* rcvbuf [1-9]", line) for line in lines),
         repr(lines))


# --- with twamp and tshark ------------------------------------------------------------

def twamp(t, *arguments):
    return subprocess.run([t.run.twamp, *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=120)


def measure(t, *arguments):
    out = twamp(t, "sender", "--json", "--quiet", "-c", "20", "-i", "1ms", *arguments)
    same(out.returncode, 0, "exit status of twamp: " + out.stderr)
    return json.loads(out.stdout)


class responder:
    """twamp responder in the client's namespace, until the test ends."""

    def __init__(self, t, *arguments):
        self.process = subprocess.Popen([t.run.twamp, "responder", *arguments],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        t.stack.callback(self.stop)
        self.said = self.process.stderr.readline() + self.process.stderr.readline()

    def stop(self):
        """What it prints at its end."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=harness.PATIENCE)
        same((self.process.returncode, err), (0, ""), "end of the responder")
        self.stop = lambda: None
        return out


def target(t, port):
    return "[%s]:%d" % (t.server, port) if t.family == 6 else "%s:%d" % (t.server, port)


@test(both=True)
def twamp_sender_measures(t):
    t.daemon(both())
    same(measure(t, target(t, LIGHT))["answered"], 20, "TWAMP Light")
    same(measure(t, target(t, STAMP))["answered"], 20, "TWAMP Light sender to STAMP")
    for padding in ("0", "4", "500"):
        out = measure(t, "--stamp", "--ssid", "77", "--padding", padding, target(t, STAMP))
        same((out["answered"], out["payload_octets"]), (20, 44 + int(padding)), "STAMP")
    # T-085: the other end does not know SSIDs (a TWAMP Light reflector has zeros there)
    out = twamp(t, "sender", "--stamp", "--ssid", "77", "-c", "5", "-i", "1ms", "--padding",
                "10", target(t, LIGHT))
    true("5 sent, 5 answered" in out.stdout and "5 replies: the reflector does not know RFC 8972"
         in out.stdout, out.stdout)
    out = measure(t, "--stamp", "--ssid", "77", "--padding", "10", target(t, LIGHT))
    same(out["without_ssid"], 20, "the same for programs")


@test(both=True)
def port_862_as_tshark_sees_it(t):
    # T-070 T-081
    t.daemon(light({"stateful": True}))
    capture = Capture(t, "udp port 862")
    s = t.sender(ttl=99)
    reply_to(s, (t.server, 862), make_packet(0))
    r = reply_to(s, (t.server, 862), make_packet(4242, padding=bytes(27)))
    fields = capture.decode(["udp.srcport", "twamp.test.seq_number", "twamp.test.sender_seq_number",
                             "twamp.test.sender_ttl", "twamp.test.error_estimate"],
                            "udp.port==862,twamp.test", "-Y", "udp.srcport == 862")[-1]
    same(fields[:4], ["862", str(r.seq), "4242", "99"], "what tshark decodes")
    same(int(fields[4], 0), r.ee, "Error Estimate")
    true(r.seq > 0, "a number of its own")


@test(both=True)
def responder_answers_whom_it_is_told_to(t):
    # T-074: this host only unless told otherwise
    here = "::1" if t.family == 6 else "127.0.0.1"
    at = lambda a, p: "[%s]:%d" % (a, p) if t.family == 6 else "%s:%d" % (a, p)  # noqa: E731
    r = responder(t, ":6010")
    true("answers this host only" in r.said, r.said)
    same(measure(t, at(here, 6010))["answered"], 20, "from this host")
    out = twamp(t, "sender", "--json", "-c", "3", "-i", "1ms", "--timeout", "200ms",
                at(t.client, 6010))
    same(json.loads(out.stdout)["answered"], 0, "from an address that is not loopback")
    true(r.stop().startswith("received 23, reflected 20, denied 3,"), "the counters")
    for kind in ("twamp-light", "stamp"):
        r = responder(t, "--type", kind, "--allow", t.client, "--stateful", at(t.client, 6011))
        options = ["--stamp", "--ssid", "5"] if kind == "stamp" else []
        same(measure(t, *options, at(t.client, 6011))["answered"], 20, kind)
        s = t.sender()
        for i in range(3):
            packet = make_packet(9, padding=bytes(30 + i))
            answer = reply_to(s, (t.client, 6011), packet)
            same((answer.seq, len(answer.raw)), (i, len(packet)), "number and length")
        no_reply(s, (t.client, 6011), make_packet()[:13])
        no_reply(s, (t.client, 6011), answer.raw)
        true(r.stop().startswith("received 25, reflected 23, denied 0, short 1, from reflectors 1"),
             "the counters")


@test
def responder_on_a_port_in_use(t):
    t.sender(port=6020)
    out = twamp(t, "responder", ":6020")
    same(out.returncode, 30, "exit status")
    true("cannot listen on UDP 0.0.0.0:6020" in out.stderr and "ss -lunp" in out.stderr,
         out.stderr)


if __name__ == "__main__":
    harness.main()
