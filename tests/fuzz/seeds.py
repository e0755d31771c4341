#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""First inputs for the fuzz targets, from tests/unit/vectors and conf/: seeds.py OUT makes a
folder per target there. What a fuzzer made of them is in corpus/."""

import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
VECTORS = HERE.parent / "unit" / "vectors"
# In the order of the codecs in fuzz-msg.c.
KINDS = [r"greeting\.", r"setup\.", r"serverstart\.", r"req\.", r"acc\.", r"startack\.",
         r"stop\.", r"isc\."]


def vectors():
    for path in sorted(VECTORS.glob("*.hex")):
        for line in path.read_text().splitlines():
            match = re.fullmatch(r"([\w.]+) = ([0-9a-f]+)", line)
            if match:
                yield match[1], bytes.fromhex(match[2])


def seeds():
    """(target, name, octets)"""
    names = {name for name, _ in vectors()}
    for name, octets in vectors():
        for number, kind in enumerate(KINDS):
            if re.match(kind, name):
                yield "msg", name, bytes([number]) + octets
        if name.startswith(("test.", "stamp.", "neg.test")) and len(octets) > 13:
            for modes in (0x001, 0x004, 0x101, 0x141, 0x104):
                yield "pkt", "%s.%x" % (name, modes), modes.to_bytes(2, "big") + b"\x3d\xb9" + octets
            yield "crypt", name, b"\x03\1\0\0\0" + bytes(16) + octets
        if name.startswith("ts."):
            yield "ts", name, octets + bytes(18)
        if name.startswith("ee.") and len(octets) == 2:
            yield "ts", name, bytes(24) + octets
        if name.endswith(".reply"):
            base = 112 if name[:-6] + ".auth" in names else 44
            yield "tlvread", name, (b"\7" if base == 112 else b"\6") + octets[base:]
        if name.endswith(".request"):
            base = 112 if name[:-8] + ".auth" in names else 44
            how = b"\xfa" if base == 112 else b"\xf0"
            if len(octets) > base:
                yield "tlv", name, how + b"\xff\0\0" + b"\xff" * 5 + b"\x4d" + bytes(4) + octets[base:]
    yield from by_hand(dict(vectors()))


def by_hand(v):
    yield "crypt", "keyid", b"\0" + v["in.keyid"]
    yield "crypt", "keyid-utf8", b"\0" + "sonde-ä-€-\U00010348".encode()
    yield "crypt", "token", b"\1" + v["setup.mode4"][84:148]
    yield "crypt", "stream", b"\2" + (b"\1\2" + bytes(64) + b"\0\0\0") * 3
    yield "text", "modes", b"\0\0\0\4\0\0\3\xffd\1d\3\x5e\0\0\0\0" + bytes(4)
    for name in (b"unauthenticated", b"dscp-ecn", b"ikev2"):
        yield "text", name.decode(), b"\0\0\0\5\0\0\0\0\0\0\0\0\0\0\0\0\0" + bytes(16) + name
    greeting = v["greeting.modes_0x3f"]
    greeting = greeting[:14] + b"\3\x7f" + greeting[16:48] + b"\0\0\4\0" + greeting[52:]
    said = greeting + v["serverstart.mode1"] + v["acc.unauth.ok"] * 4
    for mode in range(4):
        for features in (0, 0x37):
            how = bytes([mode, features, 0])
            yield "dialog", "all-%d-%d" % (mode, features), how + said + v["startack.unauth.ok"]
            yield "dialog", "some-%d-%d" % (mode, features), how + said[:-100]
    yield "dialog", "damaged", b"\2\0\xff" + said + v["startack.unauth.ok"]
    yield "dialog", "rejected", bytes(3) + greeting + v["serverstart.reject3"]
    yield "dialog", "full", bytes(3) + said[:-144] + v["acc.unauth.reject4"]
    yield "dialog", "closed", bytes(3) + v["greeting.modes_0"]
    yield "series", "two", b"\x10\xff" + b"\4" * 3 + b"\0" + v["test.unauth.reflector.pad0_in"]
    yield "meta", "stamps", bytes([255]) + (b"\0\x30" + bytes(48) + b"\2\4\x40\0\0\0" +
                                            b"\3\1\xb8" + b"\4\4\x40\0\0\0")
    yield "keys", "two", b"# a comment\nprobe-1 correct horse battery staple\nprobe-2\tx\n"
    conf = (HERE.parents[1] / "conf" / "twampd.conf").read_bytes()
    yield "settings", "sample", conf
    yield "settings", "bare", re.sub(rb"(?m)^\s*#.*\n|\s+$", b"", conf)
    yield "settings", "three", (b'modes = [ "unauthenticated", "encrypted" ];\nclients = ( { name = "a"; '
                                b'prefixes = [ "192.0.2.0/24", "2001:db8::/32" ]; limits = { '
                                b'max_sessions = 5; }; key_ids = [ "k" ]; } );\n'
                                b"\1limits = { max_sessions = 7; };\n\1k secret\n")
    yield from control()


# Policies that allow all; the fields in the order of choose_policy() in fuzz-control.c.
POLICY = bytes([15, 3, 0x70, 3, 3, 31, 31, 31, 0xff, 0xff, 0, 3, 0, 29, 59, 29, 3, 0x84, 3, 0x84,
                3, 0x84, 0])
REQUEST = b"\1\x40\0\0\0\0\0"


def setup(choice):
    return b"\0" + bytes([choice]) + b"i" * 16


def control():
    start, stop = b"\2\0\0", b"\2\x65\0"
    for choice in range(8):
        keyed = choice not in (0, 4)
        seal = b"\0" if keyed else b""
        derive = b"\1" if keyed else b""  # KEY_READY
        request = b"\1\x40\0\0\0\0" + seal + b"\5\0"
        begin = POLICY + setup(choice) + derive
        yield "control", "sessions-%d" % choice, (begin + request * 2 + start + stop) * 1
        lists = b"\3\0\2\0\1" + seal + b"\5" + b"\3\1\3\0\1\2" + seal
        yield "control", "lists-%d" % choice, begin + request * 2 + lists
    yield "control", "garbage", POLICY + setup(0) + b"\4\x20" + b"\xff" * 32 + b"\x0c\x01"
    yield "control", "slow", POLICY + b"\x80\0" + b"i" * 16 + b"\x85\x10\x85\x20\x0c\1\x0c\1"
    yield "control", "timers", POLICY + setup(0) + REQUEST + b"\x0c\x01" * 5


def main():
    out = pathlib.Path(sys.argv[1])
    for target, name, octets in seeds():
        (out / target).mkdir(parents=True, exist_ok=True)
        (out / target / name).write_bytes(octets)


main()
