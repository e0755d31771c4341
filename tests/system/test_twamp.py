# SPDX-License-Identifier: BSD-2-Clause
"""The real twamp against the real twampd, with tshark as an independent decoder of what goes
over the wire: every field of control and test packets, as tshark says, as rawclient decodes it,
and as twamp reports it. RFC 5357 3 and 4; R-300..R-320.
"""

import calendar
import re
import socket
import time

import harness
import rawclient
from capture import PLAIN, Capture
from harness import same, test, true, wait_for
from twamprun import controller, twamp

# --- capturing ------------------------------------------------------------------------

CONTROL = ["unused", "modes", "challenge", "salt", "count", "mode", "keyid", "iv", "accept",
           "server_uptime", "command", "ipvn", "conf_sender", "conf_receiver",
           "number_of_schedule_slots", "number_of_packets", "sender_port", "receiver_port",
           "sender_ipv4", "receiver_ipv4", "sender_ipv6", "receiver_ipv6", "session_id",
           "padding_length", "start_time", "timeout", "type-p", "numsessions", "hmac"]
TEST = ["seq_number", "timestamp", "error_estimate", "receive_timestamp", "sender_seq_number",
        "error_estimate.s", "error_estimate.z", "error_estimate.scale", "error_estimate.multiplier",
        "sender_timestamp", "sender_error_estimate", "sender_ttl", "mbz1", "mbz2", "padding"]
FIELDS = (["frame.number", "frame.time_epoch", "ip.src", "ipv6.src", "ip.ttl", "ipv6.hlim",
           "ip.dsfield.dscp", "ipv6.tclass.dscp", "tcp.srcport", "tcp.payload", "udp.srcport",
           "udp.dstport", "udp.payload", "_ws.malformed", "_ws.expert.severity"] +
          ["twamp.control." + f for f in CONTROL] + ["twamp.test." + f for f in TEST])


def rows_of(capture, last):
    """Packets as {field: text}. last: what is true of one that ends the conversation."""
    rows = []
    for line in capture.decode(FIELDS, "tcp.port==862,twamp.control"):
        row = {k: v for k, v in zip(FIELDS, line) if v != ""}
        row["source"] = row.get("ip.src", row.get("ipv6.src"))
        if row.get("udp.dstport") != "9":
            rows.append(row)
    true(any(last(r) for r in rows), "the capture ends before the conversation does")
    return rows


def tshark_time(text):
    """'Nov 23, 2026 05:22:44.123456789 UTC' in ns since 1900."""
    match = re.fullmatch(r"(\w+ +\d+, \d+ \d+:\d+:\d+)\.(\d{9}) UTC", text)
    true(match, "tshark's time %r" % text)
    unix = calendar.timegm(time.strptime(match.group(1), "%b %d, %Y %H:%M:%S"))
    return (unix + rawclient.NTP_UNIX) * 10**9 + int(match.group(2))


def ntp_ns(value):
    return (value >> 32) * 10**9 + ((value & 0xffffffff) * 10**9 >> 32)


def same_time(text, value, what):
    # tshark computes in floating point
    true(abs(tshark_time(text) - ntp_ns(value)) <= 2, "%s: tshark says %s, the octets %d" %
         (what, text, ntp_ns(value)))


def same_fields(row, prefix, wanted):
    for field, value in wanted.items():
        name = prefix + field
        true(name in row, "tshark does not see " + name)
        if isinstance(value, bytes):
            same(row[name].replace(":", ""), value.hex(), name)
        elif isinstance(value, str):
            same(row[name], value, name)
        else:
            same(int(row[name], 0), value, name)

# --- a measurement, field by field ----------------------------------------------------

COUNT, PADDING, DSCP, TTL = 20, 50, 46, 77


def control_messages(rows, client, server):
    """(row, octets) of each control message, as twamp and twampd send one in a segment."""
    sent = [(r, bytes.fromhex(r["tcp.payload"])) for r in rows if "tcp.payload" in r]
    from_client = [(r, m) for r, m in sent if r["source"] == client]
    from_server = [(r, m) for r, m in sent if r["source"] == server]
    same([len(m) for _, m in from_client], [164, 112, 32, 32], "lengths of the client's messages")
    same([len(m) for _, m in from_server], [64, 48, 48, 32], "lengths of the server's messages")
    return from_client, from_server


def check_handshake(from_client, from_server):
    # C-010 C-011 C-020 C-030 C-041 R-301
    row, m = from_server[0]
    g = rawclient.parse_greeting(m)
    same_fields(row, "twamp.control.", {"unused": g.unused, "modes": g.modes, "count": g.count,
                                        "challenge": g.challenge, "salt": g.salt})
    same((g.unused, g.mbz), (bytes(12), bytes(12)), "Unused and MBZ of the greeting")
    row, m = from_client[0]
    same(m, rawclient.make_setup(1), "Set-Up-Response")
    # The dissector takes half of the 80 octets for the KeyID, and shows no Client-IV.
    same_fields(row, "twamp.control.", {"mode": 1, "keyid": m[4:44]})
    row, m = from_server[1]
    s = rawclient.parse_server_start(m)
    same((s.mbz, s.mbz2), (bytes(15), bytes(8)), "MBZ of Server-Start")
    same_fields(row, "twamp.control.", {"accept": 0, "iv": s.iv})
    same_time(row["twamp.control.server_uptime"], s.start_time, "Start-Time")
    return g


def check_request(t, row, m, udp_port, receiver_port):
    # R-306 R-308 C-070 C-075
    f = rawclient.struct.unpack("!BBBBIIHH", m[:16])
    same(f[:6], (5, t.family, 0, 0, 0, 0), "command, IPVN, Conf-*, slots, packets")
    same(f[6:], (udp_port, receiver_port), "Sender Port and Receiver Port")
    own = rawclient.packed_address(t.client)

    def shown(field):
        kind = socket.AF_INET if t.family == 4 else socket.AF_INET6
        return socket.inet_ntop(kind, field[:4] if t.family == 4 else field)

    true(m[16:32] in (bytes(16), own), "Sender Address " + m[16:32].hex())
    true(m[32:48] in (bytes(16), rawclient.packed_address(t.server)),
         "Receiver Address " + m[32:48].hex())
    same(m[48:64], bytes(16), "SID")
    padding, start, timeout, type_p = rawclient.struct.unpack("!IQQI", m[64:88])
    same((padding, type_p), (PADDING, DSCP << 24), "Padding Length and Type-P")
    same(m[88:112], bytes(24), "MBZ and HMAC")
    same_fields(row, "twamp.control.", {
        "command": 5, "ipvn": t.family, "conf_sender": 0, "conf_receiver": 0,
        "number_of_schedule_slots": 0, "number_of_packets": 0, "sender_port": udp_port,
        "receiver_port": receiver_port, "session_id": bytes(16), "padding_length": PADDING,
        "type-p": DSCP << 24, "sender_ipv%d" % t.family: shown(m[16:32]),
        "receiver_ipv%d" % t.family: shown(m[32:48]), "timeout": "1.000000000"})
    same((timeout, start), (rawclient.seconds(1), 0), "Timeout and Start Time")


def check_session(t, from_client, from_server, result):
    # R-305 R-309 R-312 R-314 C-080; twampd logs and twamp reports the same SID
    row, m = from_server[2]
    a = rawclient.parse_accept_session(m)
    same((a.accept, a.mbz, a.mbz2, a.hmac), (0, 0, bytes(12), bytes(16)), "Accept-Session")
    same_fields(row, "twamp.control.", {"accept": 0, "receiver_port": a.port,
                                        "session_id": a.sid})
    same(result["sid"], a.sid.hex(), "SID that twamp reports")
    same(int(result["reflector"].rsplit(":", 1)[1]), a.port, "port that twamp reports")
    same(from_client[2][1], rawclient.make_start(), "Start-Sessions")
    same(from_server[3][1], bytes(32), "Start-Ack")
    same(int(from_server[3][0]["twamp.control.accept"]), 0, "Accept of Start-Ack in tshark")
    same(from_client[3][1], rawclient.make_stop(1), "Stop-Sessions")
    same_fields(from_client[3][0], "twamp.control.", {"command": 3, "accept": 0,
                                                      "numsessions": 1})
    return a


def check_sent(t, row, number):
    # T-006 T-007 T-008 T-034 R-306
    m = bytes.fromhex(row["udp.payload"])
    same(len(m), 14 + PADDING, "length of a sent packet")
    seq, stamp, estimate = rawclient.struct.unpack("!IQH", m[:14])
    same(seq, number, "Sequence Number sent")
    true(estimate & 0xff and not estimate & 0x4000, "Error Estimate %#x" % estimate)
    # The dissector takes the padding of a sender's packet for the fields of a reflector's.
    same_fields(row, "twamp.test.", {"seq_number": seq, "error_estimate": estimate})
    same_time(row["twamp.test.timestamp"], stamp, "Timestamp sent")
    same(int(row.get("ip.ttl", row.get("ipv6.hlim"))), TTL, "TTL sent")
    same(int(row.get("ip.dsfield.dscp", row.get("ipv6.tclass.dscp"))), DSCP, "DSCP sent")
    return m


def check_reply(t, row, sent):
    # T-021 T-022 T-043 T-044 T-045 T-047
    m = bytes.fromhex(row["udp.payload"])
    r = rawclient.parse_reply(m)
    same(len(m), len(sent), "length of a reply")
    same((m[24:38], r.mbz, r.mbz2, r.sender_ttl), (sent[:14], 0, 0, TTL), "copied fields")
    same(r.padding, sent[14:14 + len(r.padding)], "padding of a reply")
    true(r.t2 <= r.t3, "T3 is before T2")
    parts = [row["twamp.test.error_estimate." + p] for p in ("s", "z", "scale", "multiplier")]
    same([[int(p.split(";")[i].replace("True", "1").replace("False", "0")) for p in parts]
          for i in (0, 1)],
         [[e >> 15, e >> 14 & 1, e >> 8 & 63, e & 255] for e in (r.ee, r.sender_ee)],
         "parts of both Error Estimates")
    same_fields(row, "twamp.test.", {
        "seq_number": r.seq, "error_estimate": r.ee, "sender_seq_number": r.sender_seq,
        "sender_error_estimate": r.sender_ee, "sender_ttl": r.sender_ttl, "mbz1": 0, "mbz2": 0,
        "padding": r.padding})
    for field, value in (("timestamp", r.t3), ("receive_timestamp", r.t2),
                         ("sender_timestamp", r.sender_ts)):
        same_time(row["twamp.test." + field], value, field)
    same(int(row.get("ip.ttl", row.get("ipv6.hlim"))), 255, "TTL of a reply")
    same(int(row.get("ip.dsfield.dscp", row.get("ipv6.tclass.dscp"))), DSCP, "DSCP of a reply")
    return r


def difference_ns(later, earlier):
    """Of two NTP timestamps."""
    value = (later - earlier) % 2**64
    value -= 2**64 if value >= 2**63 else 0
    return value * 10**9 / 2**32


def check_delays(result, replies):
    """What twamp says about delays against what is in the packets."""
    outbound = [difference_ns(r.t2, r.sender_ts) for r in replies]
    dwell = [difference_ns(r.t3, r.t2) for r in replies]
    left = result["departure_ns"]  # T1 in the packet is earlier than the departure by this
    same(left["samples"], len(replies), "departures that the kernel told")
    true(0 < left["mean"] <= left["max"], left)
    for name, values, late in (("outbound", outbound, left["mean"]), ("reflector", dwell, 0)):
        said = result["delay_ns"][name]
        same(said["samples"], len(values), "samples of " + name)
        mean = sum(values) / len(values)
        true(abs(said["mean"] + late - mean) < 5, "mean of %s: twamp says %d, the packets %.1f" %
             (name, said["mean"], mean))
        true(said["min"] <= min(values) + 5 and said["max"] <= max(values) + 5, name)


@test(both=True)
def measurement_field_by_field(t):
    # R-305 R-306 R-308 R-309 R-312 R-314 T-006 T-008 T-021 T-022 T-043 T-045 T-047 T-065
    t.daemon(PLAIN)
    capture = Capture(t)
    result = controller(t, "--count", str(COUNT), "--interval", "10ms", "--padding", str(PADDING),
                        "--dscp", str(DSCP), "--ttl", str(TTL), "--timeout", "1s")
    rows = rows_of(capture, lambda r: r.get("twamp.control.command") == "3")
    same([r for r in rows if "_ws.malformed" in r], [], "malformed packets")
    from_client, from_server = control_messages(rows, t.client, t.server)
    greeting = check_handshake(from_client, from_server)
    session = result["sessions"][0]
    local = int(session["local"].rsplit(":", 1)[1])
    accept = check_session(t, from_client, from_server, session)
    check_request(t, *from_client[1], local,
                  rawclient.struct.unpack("!H", from_client[1][1][14:16])[0])

    test_rows = [r for r in rows if "udp.payload" in r]
    sent_rows = [r for r in test_rows if r["source"] == t.client]
    reply_rows = [r for r in test_rows if r["source"] == t.server]
    same({(r["udp.srcport"], r["udp.dstport"]) for r in sent_rows},
         {(str(local), str(accept.port))}, "ports of sent packets")
    same({(r["udp.srcport"], r["udp.dstport"]) for r in reply_rows},
         {(str(accept.port), str(local))}, "ports of replies")
    same((len(sent_rows), len(reply_rows)), (COUNT, COUNT), "packets sent and replies")
    sent = [check_sent(t, row, i) for i, row in enumerate(sent_rows)]
    replies = [check_reply(t, row, sent[i]) for i, row in enumerate(reply_rows)]
    same([r.seq for r in replies], list(range(COUNT)), "Sequence Numbers of replies")
    first, last = int(sent_rows[0]["frame.number"]), int(reply_rows[-1]["frame.number"])
    true(int(from_server[3][0]["frame.number"]) < first, "R-312: sent before Start-Ack")
    true(last < int(from_client[3][0]["frame.number"]), "T-065: Stop before the last reply")

    same((result["sent"], result["answered"], result["lost"], result["duplicates"],
          result["reordered"]), (COUNT, COUNT, 0, 0, 0), "counts that twamp reports")
    same((result["modes_offered"], result["modes"]), (greeting.modes, 1), "modes")
    same(result["payload_octets"], 14 + PADDING, "payload that twamp reports")
    same(result["hops"]["outbound"], {"initial_ttl": TTL, "min": 0, "max": 0}, "hops outbound")
    same(result["hops"]["inbound"], {"initial_ttl": 255, "min": 0, "max": 0}, "hops inbound")
    check_delays(result, replies)


@test(both=True)
def default_padding_makes_both_directions_equal(t):
    #
    t.daemon(PLAIN)
    capture = Capture(t)
    controller(t, "--count", "5", "--interval", "5ms")
    rows = rows_of(capture, lambda r: r.get("twamp.control.command") == "3")
    lengths = {len(r["udp.payload"]) // 2 for r in rows if "udp.payload" in r}
    true(len(lengths) == 1 and min(lengths) >= 41, "lengths of packets %r" % lengths)


@test
def zero_and_random_padding(t):
    # T-007 R-250
    t.daemon(PLAIN)
    for kind in ("zero", "random"):
        capture = Capture(t)
        controller(t, "--count", "4", "--interval", "5ms", "--padding", "200",
                   "--padding-fill", kind)
        rows = rows_of(capture, lambda r: r.get("twamp.control.command") == "3")
        paddings = [r["udp.payload"][28:] for r in rows if r["source"] == t.client
                    and "udp.payload" in r]
        same(len(paddings), 4, "packets")
        same([set(p) == {"0"} for p in paddings], [kind == "zero"] * 4, "%s padding" % kind)


@test(both=True)
def table_for_people(t):
    t.daemon()
    out = twamp(t, "controller", "--count", "20", "--interval", "5ms", t.server)
    same((out.returncode, out.stderr), (0, ""), "exit status and stderr")
    for part in (t.server, "20 sent", "20 answered", "0 lost", "round trip", "outbound",
                 "inbound", "min", "median", "p95", "p99", "max", "jitter", "hops"):
        true(part in out.stdout, "%r is not in:\n%s" % (part, out.stdout))


@test(both=True)
def many_sessions_at_once(t):
    # R-141 R-314
    d = t.daemon()
    result = controller(t, "--count", "10", "--interval", "20ms", "--sessions", "40")
    same((result["sent"], result["answered"], result["lost"]), (400, 400, 0), "counts")
    same(len({s["sid"] for s in result["sessions"]}), 40, "SIDs")
    wait_for(lambda: len(re.findall("received 10, reflected 10", d.log())) == 40,
             "the ends of 40 sessions in the log")


@test(both=True)
def source_and_ports(t):
    # R-308 R-101
    d = t.daemon()
    result = controller(t, "--count", "3", "--interval", "5ms", "--source", t.client_other,
                        "--port-range", "30000-30001", "--receiver-port", "45678",
                        "--sessions", "2")
    locals_ = sorted(int(s["local"].rsplit(":", 1)[1]) for s in result["sessions"])
    same(locals_, [30000, 30001], "local ports")
    reflectors = [int(s["reflector"].rsplit(":", 1)[1]) for s in result["sessions"]]
    true(45678 in reflectors, "reflector ports %r" % reflectors)
    d.wait_log(re.escape(t.client_other))
    same((result["answered"], result["lost"]), (6, 0), "answered and lost")


@test
def other_port_and_both_families(t):
    #
    t.daemon({"listen": [{"port": 8620}]})
    for host in ("198.51.100.1:8620", "[2001:db8::1]:8620",
                 "[fe80::1%%%s]:8620" % harness.CLIENT_LINK):
        result = controller(t, "--count", "3", "--interval", "5ms", host=host)
        same((result["port"], result["lost"]), (8620, 0), "port and lost packets of " + host)


@test
def large_packets(t):
    # T-027
    t.daemon()
    result = controller(t, "--count", "3", "--interval", "20ms", "--padding", "60000")
    same((result["payload_octets"], result["lost"]), (60014, 0), "payload and lost packets")


if __name__ == "__main__":
    harness.main()
