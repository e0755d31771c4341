# SPDX-License-Identifier: BSD-2-Clause
"""What the log says to the operator of requests and connections that are refused. R-076, R-251."""

import re

import harness
import rawclient
from harness import same, test, true
from limitrun import NAMES, accepted, refused
from rawclient import make_request

REFUSALS = [
    # fields of the request, code, reason key, part of the remedy
    ({"conf_sender": 1}, 3, "conf-fields", "use a TWAMP client"),
    ({"slots": 1}, 3, "schedule-fields", "use a TWAMP client"),
    ({"ipvn": 5}, 3, "ip-version", "request IP version 4 or 6"),
    ({"ipvn": 6}, 3, "family-mismatch", "connect over the IP version"),
    ({"receiver": "198.51.100.77"}, 3, "address-not-local", "leave Receiver Address zero"),
    ({"sender": "224.0.0.1"}, 3, "sender-address", "unicast address"),
    ({"sender_port": 0}, 3, "sender-port", "bind the socket"),
    ({"type_p": 0x40000000}, 3, "type-p", "DSCP from 0 to 63"),
    ({"padding": 0xffffffff}, 3, "padding-too-large", "smaller Padding Length"),
    ({"timeout": 2**64 - 1}, 3, "timeout-too-large", "timers.max_timeout"),
    ({"sender": "198.51.100.77"}, 1, "policy-address", "NAT"),
    ({"padding": 20000}, 4, "max-padding", "raise limits.max_padding"),
    ({"command": 99}, 3, "unexpected-command", "update the client"),
]


@test(limit=300)
def each_refused_request_is_logged(t):
    # R-251 R-076: code, name, reason key, peer, remedy
    d = t.daemon({"limits": {"max_padding": 10000}})
    for fields, code, reason, remedy in REFUSALS:
        c = t.connect()
        since = d.log_size()
        refused(c.request(**fields), code, reason)
        line = d.wait_log(r"\b%s\b" % reason, since)
        peer = "%s:%d" % c.local()[:2]
        for part in (str(code), NAMES[code], peer, remedy):
            true(part.lower() in line.lower(), "%r is not in: %s" % (part, line))
        c.close()


@test(limit=300)
def each_limit_is_logged(t):
    # R-251 R-120
    cases = (
        ({"limits": {"max_sessions": 1}}, "max-sessions", "raise limits.max_sessions,"),
        ({"limits": {"max_sessions_per_client": 1}}, "max-sessions-per-client",
         "raise limits.max_sessions_per_client"),
        ({"limits": {"max_sessions_per_connection": 1}}, "max-sessions-per-connection",
         "raise limits.max_sessions_per_connection"),
        ({"ports": {"first": 45000, "last": 45000}}, "no-port", "widen the range"),
    )
    for config, reason, remedy in cases:
        d = t.daemon(config)
        with rawclient.connect(t.server) as c:
            accepted(c.request())
            refused(c.request(), 4, reason)
            line = d.wait_log(r"\b%s\b(?!-)" % reason)
            for part in ("4", NAMES[4], "%s:%d" % c.local()[:2], remedy):
                true(part.lower() in line.lower(), "%r is not in: %s" % (part, line))
        same(d.terminate(), 0, "exit status")


@test
def refused_start_and_setup_are_logged(t):
    #
    d = t.daemon()
    c = t.connect()
    since = d.log_size()
    same(c.start().accept, 1, "Start-Ack")
    lines = [d.wait_log(r"\bnothing-to-start\b", since)]
    accepted(c.request())
    same(c.start().accept, 0, "Start-Ack")
    same(c.start().accept, 3, "Start-Ack")
    lines.append(d.wait_log(r"\bwrong-state\b", since))
    refused(c.request(), 3, "request while testing")
    lines.append(d.wait_log(r"\bbusy-testing\b", since))
    for line, code in zip(lines, (1, 3, 3)):
        for part in (str(code), NAMES[code], "%s:%d" % c.local()[:2]):
            true(part.lower() in line.lower(), "%r is not in: %s" % (part, line))
    for mode, reason in ((2, "mode-not-offered"), (3, "mode-multiple"),
                         (129, "feature-not-offered")):
        with rawclient.Control(t.server) as c:
            c.greeting()
            peer = "%s:%d" % c.local()[:2]
            same(c.setup(mode).accept, 3, "Server-Start")
        line = d.wait_log(r"\b%s\b" % reason, since)
        for part in ("3", NAMES[3], peer):
            true(part.lower() in line.lower(), "%r is not in: %s" % (part, line))


@test
def flood_of_refusals_does_not_flood_the_log(t):
    # the log is bounded, and says that it left something out
    d = t.daemon()
    c = t.connect()
    since = d.log_size()
    c.send(make_request(conf_sender=1) * 5000)
    for _ in range(5000):
        same(c.accept_session().accept, 3, "Accept")
    d.wait_log(r"suppressed|left out|more", since)
    lines = len(re.findall("conf-fields", d.log(since)))
    true(lines < 2500, "%d lines" % lines)


if __name__ == "__main__":
    harness.main()
