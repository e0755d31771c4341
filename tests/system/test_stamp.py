# SPDX-License-Identifier: BSD-2-Clause
"""STAMP between twamp sender and twampd: keys, TLVs, and what changes while packets are under way."""

import json
import os
import subprocess
import tempfile
import time

import harness
from capture import Capture
from harness import same, test, true
from keyfile import check_config
from lightrun import EVERYBODY, STAMP
from manager import managed
from rawclient import make_packet

OLD, NEW = "old", "new"
KEYS = {b"old": b"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        b"new": b"f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"}
ANSWERED = ["access-report", "class-of-service", "destination-node-address", "direct-measurement",
            "follow-up-telemetry", "hmac", "location", "return-path", "timestamp-information"]


def entry(**keys):
    return {"light": [dict({"port": STAMP, "type": "stamp", "stateful": True, "packet_rate": 0,
                            "key_format": "hex", "clients": EVERYBODY}, **keys)]}


class Sender:
    """twamp sender, until it ends by itself."""

    def __init__(self, t, *arguments, key=None):
        self.folder = tempfile.TemporaryDirectory()
        if key:
            path = os.path.join(self.folder.name, "keys")
            with open(path, "wb", opener=lambda p, f: os.open(p, f, 0o600)) as f:
                f.write(key.encode() + b" " + KEYS[key.encode()] + b"\n")
            arguments += ("--key-file", path, "--key-format", "hex")
        to = "[%s]:%d" % (t.server, STAMP) if ":" in t.server else "%s:%d" % (t.server, STAMP)
        self.process = subprocess.Popen([t.run.twamp, "sender", "--stamp", "--json", "--quiet", *arguments, to],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def result(self):
        out, err = self.process.communicate(timeout=120)
        self.folder.cleanup()
        true(out.startswith("{"), "twamp: %s%s" % (out, err))
        return json.loads(out)


def whole(r, sent=None):
    """Nothing was lost, and no number of the reflector missing."""
    same((r["lost"], r["late"], r["reflector_restarts"], r["hmac_failures"], r["duplicates"]), (0, 0, 0, 0, 0),
         "lost, late, restarts, forged, duplicates of %d" % r["sent"])
    true(r["sent"] == sent if sent else r["sent"] > 0, "%d packets sent" % r["sent"])


@test(both=True)
def every_tlv_is_answered(t):
    # S-245 S-246 S-110 S-120 S-130 S-140 S-150 S-155 S-160 S-166: both ends of the project, authenticated
    t.daemon(entry(mode="authenticated", keys=[OLD]), keys=KEYS)
    r = Sender(t, "--tlvs", "all", "--ssid", "7", "--dscp", "46", "-c", "50", "-i", "2ms", key=OLD).result()
    whole(r, 50)
    tlvs = r["tlvs"]
    same(sorted(k for k, v in tlvs["types"].items() if v["known"] and k != "extra-padding"), ANSWERED, "known")
    same(tlvs["types"]["micro-session-id"], {"known": 0, "not_known": 50, "malformed": 0}, "no link has a number")
    same((tlvs["integrity_failed"], tlvs["hmac_wrong"], tlvs["other_length"]), (0, 0, 0), "proofs")
    same(tlvs["seen"]["source"]["address"], t.client, "source")
    same(tlvs["seen"]["destination"], {"address": t.server, "port": STAMP}, "destination")
    same(tlvs["seen"]["translated"], False, "translated")
    same(tlvs["arrived"], [{"dscp": 46, "ecn": 0, "packets": 50}], "DSCP there")
    same(tlvs["came_back"], [{"dscp": 46, "ecn": 0, "packets": 50}], "DSCP back")
    same(tlvs["timestamps"]["in"]["method"], "software", "method")
    same((tlvs["direct"]["lost_outbound"], tlvs["direct"]["lost_inbound"]), (0, 0), "direct loss")
    same(tlvs["access_report_confirmed"], True, "report")
    same(tlvs["follow_up_ns"]["samples"], 49, "follow-ups")


@test
def a_wrong_key_gets_nothing(t):
    # S-023 S-227: silence, a counter, and an event that says what to look at
    d = t.daemon(entry(mode="authenticated", keys=[OLD]), keys=KEYS)
    r = Sender(t, "-c", "5", "-i", "2ms", "--timeout", "300ms", key=NEW).result()
    same((r["sent"], r["answered"]), (5, 0), "sent, answered")
    d.wait_log(r"from %s to UDP port %d.*HMAC of the packets is wrong.*compare the key" % (t.client, STAMP))
    same(d.terminate(), 0, "exit status")
    true("hmac 5" in d.log(), "the counter")


@test
def tlvs_of_the_open_mode(t):
    # S-080 S-081 S-082: signed or not, and with a key that the reflector has not got
    t.daemon(entry(keys=[OLD], tlv={"integrity": "required"}), keys=KEYS)
    options = ("-c", "10", "-i", "2ms", "--mode", "unauthenticated", "--tlv", "cos", "--tlv")
    r = Sender(t, *options, "hmac", key=OLD).result()
    whole(r, 10)
    same(r["tlvs"]["types"]["class-of-service"]["known"], 10, "signed")
    r = Sender(t, *options, "hmac", key=NEW).result()
    whole(r, 10)
    same((r["tlvs"]["integrity_failed"], r["tlvs"]["types"]["class-of-service"]["known"]), (10, 0), "other key")
    r = Sender(t, *options, "location").result()
    whole(r, 10)
    same(r["tlvs"]["integrity_failed"], 10, "not signed")


@test
def keys_rows_and_policy_change_under_load(t):
    # S-226: a reload changes what is answered from the next packet on, and nobody's numbers
    d = t.daemon(entry(mode="authenticated", keys=[OLD]), keys=KEYS)
    load = [Sender(t, "-c", "3000", "-i", "1ms", "--tlv", "direct-measurement", "--tlv", "cos", key=OLD)]
    rows = [{"name": "far", "clients": ["10.255.0.0/16"], "keys": [NEW]},
            {"name": "near", "clients": EVERYBODY, "keys": [OLD, NEW], "packet_rate": 100000}]
    plain = entry(mode="authenticated")["light"][0]
    del plain["clients"]
    d.reload(entry(mode="authenticated", keys=[NEW, OLD]))
    load.append(Sender(t, "-c", "2000", "-i", "1ms", key=NEW))
    for change in ({"light": [dict(plain, senders=rows)]},
                   entry(mode="authenticated", keys=[NEW, OLD], tlv={"types": ["hmac", "class-of-service"]}),
                   entry(mode="authenticated", keys=[OLD, NEW], tlvs=False),
                   entry(mode="authenticated", keys=[NEW, OLD], tlv={"dscp": []}, max_senders=65536)):
        d.reload(change)
    for sender, n in zip(load, (3000, 2000)):
        whole(sender.result(), n)


@test
def a_restart_loses_neither_packets_nor_numbers(t):
    # S-031: the senders, their numbers and counters go to the next process
    m, d = managed(t, dict(entry(mode="authenticated", keys=[OLD]), reflector={"threads": 2}), keys=KEYS)
    load = [Sender(t, "-c", "2000", "-i", "1ms", "--timeout", "30s", "--sessions", "3", "--ssid", "9",
                   "--tlv", "direct-measurement", "--tlv", "follow-up-telemetry", key=OLD)]
    for _ in range(2):
        size = d.log_size()
        m.end(d)
        m.start(d)
        d.wait_log(r"took 0 connections and 0 sessions over", size)
    for sender in load:
        r = sender.result()
        whole(r, 6000)
        same((r["tlvs"]["direct"]["lost_outbound"], r["tlvs"]["direct"]["lost_inbound"]), (0, 0), "direct loss")
        same(r["tlvs"]["direct"]["dropped"], 0, "intervals in which counters began anew")


@test(both=True)
def what_twampy_sends(t):
    # S-013 S-014 S-223: 14 octets, from the port number that they are sent to: only where the settings
    # want it; the base packet comes back, as tshark reads it, too
    d = t.daemon(entry())
    capture = Capture(t, "udp port %d" % STAMP)
    s = t.sender(port=STAMP, ttl=99)
    same(s.exchange((t.server, STAMP), make_packet(4242)[:14], 0.3), None, "reply to a reflector's port")
    d.reload(entry(from_862=True))
    reply = s.exchange((t.server, STAMP), make_packet(4242)[:14])
    true(reply is not None, "no reply")
    same((len(reply.raw), reply.seq, reply.sender_seq), (44, 0, 4242), "octets, number, sender's number")
    fields = capture.decode(["twamp.test.seq_number", "twamp.test.sender_seq_number", "twamp.test.sender_ttl"],
                            "udp.port==%d,twamp.test" % STAMP, "-Y", "udp.length == 52")[-1]
    same(fields, ["0", "4242", "99"], "what tshark decodes")


@test
def the_memory_of_a_table_is_told(t):
    # S-007
    d = t.daemon(entry(max_senders=500000))
    status, out = check_config(t, d)
    same(status, 0, "exit status: " + out)
    true("light: up to 1000000 senders with numbers of their own, in 640 MB of memory" in out, out)


if __name__ == "__main__":
    harness.main()
