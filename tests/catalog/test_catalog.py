#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The catalog, twampd-events(7) and the codes of twampd(8) against the tables behind them.

The tables are read here a second time, and the ids of refusals computed a second time.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

STRING = r'"((?:[^"\\]|\\.)*)"'


def literal(text):
    """The value of adjacent C string literals."""
    return "".join(re.findall(STRING, text)).replace('\\"', '"')


def read_events(root):
    text = (root / "daemon/log/events.def").read_text()
    strings = rf'((?:{STRING}\s*)+)'
    row = re.compile(rf'^X\((\w+), LOG_(\w+), "(\w+)", (\w+),\s*{strings},\s*{strings}\)', re.M)
    rows = {m[1]: {"id": m[3], "text": literal(m[5]), "help": literal(m[7])}
            for m in row.finditer(text)}
    assert len(rows) == len(re.findall(r"^X\(", text, re.M)), "not every row was understood"
    return rows


def read_reasons(root):
    text = (root / "protocol/accept.h").read_text().replace("\\\n", "\n")
    codes = {name: int(n) for name, n in re.findall(r"(ACCEPT_\w+) = (\d)", text)}
    strings = rf'((?:{STRING}\s*)+)'
    row = re.compile(rf'X\((\w+), "([\w-]+)",\s*(ACCEPT_\w+),\s*{strings},\s*{strings}\)')
    return {m[2]: {"code": codes[m[3]], "text": literal(m[4]), "remedy": literal(m[6])}
            for m in row.finditer(text) if m[1] != "OK"}


def second_half(reason):
    value = 0xcbf29ce484222325
    for octet in reason.encode():
        value = (value ^ octet) * 0x100000001b3 % 2**64
    return "%016x" % (value & 2**62 - 1 | 1 << 63)


def squeeze(text):
    return " ".join(text.split())


class Catalog(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.events = read_events(options.root)
        cls.reasons = read_reasons(options.root)
        cls.text = options.catalog.read_text()
        cls.entries = re.findall(r"^-- (\w+)\n(.*?)(?=\n-- |\Z)", cls.text, re.M | re.S)
        cls.of_id = dict(cls.entries)
        cls.manual = squeeze(options.manual.read_text().replace("\\&", ""))

    def test_ids_are_128_bit_and_unique(self):
        ids = [name for name, _ in self.entries]
        self.assertEqual(len(ids), len(set(ids)))
        for name in ids:
            self.assertRegex(name, r"^[0-9a-f]{32}$")
        halves = [row["id"][:16] for row in self.events.values()]
        self.assertEqual(len(halves), len(set(halves)))

    def test_every_event_is_explained(self):
        self.assertGreater(len(self.events), 20)
        for name, row in self.events.items():
            body = squeeze(self.of_id[row["id"]])
            self.assertIn(squeeze(row["help"]), body, name)
            self.assertGreater(len(row["help"]), 30, name)
            self.assertNotRegex(body, r"\{\w+\}")

    def test_every_refusal_is_explained(self):
        self.assertGreater(len(self.reasons), 30)
        self.assertEqual({row["code"] for row in self.reasons.values()}, {1, 2, 3, 4, 5})
        refusals = [row for row in self.events.values() if "{reason}" in row["text"]]
        self.assertGreater(len(refusals), 5)
        for event in refusals:
            for key, reason in self.reasons.items():
                body = squeeze(self.of_id[event["id"][:16] + second_half(key)])
                self.assertIn("Reason: %s " % key, body)
                sent = "{accept}" in event["text"]
                self.assertEqual("Accept: %d (" % reason["code"] in body, sent)
                self.assertEqual(bool(re.search("Possible causes: .*What helps: ", body)), sent)
                self.assertIn("What happened: " + reason["text"], body)
                self.assertIn("What to do: " + reason["remedy"], body)
        self.assertEqual(len(self.entries), len(self.events) + len(refusals) * len(self.reasons))

    def test_manual_has_all_of_it(self):
        for name, row in self.events.items():
            self.assertIn(".It Sy %s " % name, self.manual)
            self.assertIn(row["id"], self.manual)
            self.assertIn(squeeze(row["help"]), self.manual)
        for key, reason in self.reasons.items():
            self.assertIn(".It Sy %s Pq %s " % (key, second_half(key)), self.manual)
            self.assertIn(squeeze(reason["remedy"]), self.manual)

    def test_every_reason_stands_by_its_code(self):
        """In twampd(8): the codes, and below each the words that the log gives for it."""
        section = options.daemon.read_text().split(".Sh ACCEPT CODES\n")[1].split("\n.Sh ")[0]
        parts = re.split(r"^\.It Sy (\d) \\\(em .*$", section, flags=re.M)
        self.assertEqual(parts[1::2], list("012345"))
        named = {}
        for code, text in zip(parts[1::2], parts[2::2]):
            for key, said in re.findall(r"^\.It Sy ([a-z-]+)\n(.*?)(?=\n\.)", text, re.M | re.S):
                named[key] = int(code)
                self.assertEqual(squeeze(said), self.reasons[key]["text"])
        self.assertEqual(named, {key: row["code"] for key, row in self.reasons.items()})

    def test_journalctl_takes_it(self):
        if not shutil.which("journalctl"):
            self.skipTest("no journalctl here")
        with tempfile.TemporaryDirectory() as root:
            folder = pathlib.Path(root, "usr/lib/systemd/catalog")
            folder.mkdir(parents=True)
            shutil.copy(options.catalog, folder / "twampd.catalog")
            pathlib.Path(root, "var/lib/systemd/catalog").mkdir(parents=True)
            for step in ("--update-catalog", "--list-catalog"):
                done = subprocess.run(["journalctl", "--root", root, step], check=True, text=True,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        listed = re.findall(r"^([0-9a-f]{32}) twampd: \S", done.stdout, re.M)
        self.assertEqual(sorted(listed), sorted(self.of_id))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("catalog", type=pathlib.Path)
    parser.add_argument("manual", type=pathlib.Path, help="twampd-events(7)")
    parser.add_argument("daemon", type=pathlib.Path, help="twampd(8)")
    parser.add_argument("--root", type=pathlib.Path, required=True)
    options = parser.parse_args()
    unittest.main(argv=sys.argv[:1])
