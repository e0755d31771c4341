# SPDX-License-Identifier: BSD-2-Clause
"""twamp sender and twamp responder, against twampd and as tshark sees them. T-070..T-092."""

import json

import harness
from capture import PLAIN, Capture
from harness import same, test, true
from lightrun import LIGHT, STAMP, both, light, no_reply, reply_to, responder, twamp
from rawclient import make_packet


def measure(t, *arguments):
    out = twamp(t, "sender", "--json", "--quiet", "-c", "20", "-i", "1ms", *arguments)
    same(out.returncode, 0, "exit status of twamp: " + out.stderr)
    return json.loads(out.stdout)


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
    t.daemon(dict(light({"stateful": True}), **PLAIN))
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
