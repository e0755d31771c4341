# SPDX-License-Identifier: BSD-2-Clause
"""twampctl why: what it foretells is what happens, and asking changes nothing."""

import signal

import harness
import rawclient
from ctlrun import Asked
from harness import same, test, true, wait_for

CLASSES = [
    {"name": "lab", "prefixes": ["198.51.100.0/28", "2001:db8::/32"], "dscp": [0, 46],
     "modes": ["unauthenticated"],
     "limits": {"max_sessions": 2, "max_padding": 500, "max_connections": 3}},
    {"name": "probes", "key_ids": ["probe-1"]},
]


def verdict(a, *arguments, ok=False):
    w = a.json("why", *arguments, expect=0 if ok else 1)
    same(w["ok"], ok, "ok of %r" % w)
    return w


def refused(a, reason, code, *arguments, setting=None):
    w = verdict(a, *arguments)
    same((w["reason"], w["code"]), (reason, code), "reason and code of why %s" % " ".join(arguments))
    true(w["remedy"] and w["text"], "text and remedy: %r" % w)
    if setting:
        true(w["setting"].startswith(setting + ", "), "%s decides, and not %s" % (setting, w["setting"]))
    return w


@test
def foretells_what_happens(t):
    a = Asked(t, {"clients": CLASSES, "modes": ["unauthenticated", "encrypted"]},
              keys={b"probe-1": b"secret passphrase"})
    w = verdict(a, t.client, ok=True)
    same((w["class"]["name"], w["class"]["by"], w["mode"]), ("lab", "its address", "unauthenticated"),
         "class and mode")
    true(w["class"]["setting"].startswith(a.daemon.file + ":"), "where the class is")
    same([x["left"] for x in w["limits"] if x["limit"] == "limits.max_sessions"], [10000, 2],
         "what is left")
    c = t.connect()
    same(c.request().accept, 0, "Accept")
    # each as the daemon answers it
    for reason, code, arguments, options, setting in (
            ("dscp", 3, ("--dscp", "10"), {"dscp": 10}, "dscp"),
            ("max-padding", 4, ("--padding", "501"), {"padding": 501}, "limits.max_padding"),
            ("address-not-local", 3, ("--receiver", "192.0.2.1"), {"receiver": "192.0.2.1"}, None)):
        refused(a, reason, code, t.client, *arguments, setting=setting)
        if "dscp" in options:
            options["type_p"] = options.pop("dscp") << 24
        same(c.request(**options).accept, code, "Accept with %r" % options)
    verdict(a, t.client, "--dscp", "46", "--padding", "500", "--receiver", t.server, ok=True)
    same(c.request().accept, 0, "Accept of the second")
    w = refused(a, "max-sessions-per-class", 4, t.client, setting="limits.max_sessions")
    same((w["now"], w["limit"], w["told_in"]), ("2", "2", "Accept-Session"), "the limit")
    same(c.request().accept, 4, "Accept of the third")
    more = [t.connect(), t.connect()]
    refused(a, "max-connections-per-class", 4, t.client, setting="limits.max_connections")
    same(len(more), 2, "connections")


@test
def classes_keys_and_modes(t):
    a = Asked(t, {"clients": CLASSES, "modes": ["unauthenticated", "encrypted"]},
              keys={b"probe-1": b"secret passphrase", b"other": b"another passphrase"})
    w = refused(a, "no-class", None, "203.0.113.5", setting="clients")
    same(w["class"]["name"], None, "class")
    w = verdict(a, "203.0.113.5", "--key", "probe-1")
    # no way back to there: the only thing that is wrong
    same((w["class"]["name"], w["class"]["by"], w["reason"]), ("probes", "its KeyID", "no-route"),
         "class by key")
    refused(a, "auth-failed", 1, "203.0.113.5", "--key", "unknown", setting="keys_file")
    refused(a, "no-class", 1, "203.0.113.5", "--key", "other")
    refused(a, "mode-not-offered", 3, t.client, "--mode", "encrypted", "--key", "probe-1",
            setting="modes")
    for text in ("secret passphrase", "another passphrase"):
        true(text not in a.run("why", t.client, "--key", "probe-1", "--json", expect=1), "a secret")
    a.run("why", "nowhere", expect=2)
    a.run("why", t.client, "--mode", "plain", expect=2)
    a.run("why", t.client, "--dscp", "64", expect=2)
    true("would be refused" in a.run("why", "203.0.113.5", expect=1), "the page")


@test
def draining_and_rates(t):
    a = Asked(t, {"limits": {"connection_rate": 1, "connection_burst": 2}})
    for _ in range(20):  # it takes no token
        verdict(a, t.client, ok=True)
    same([r for r in a.rows("clients")], [], "clients: asking makes none")
    one, two = t.connect(), t.connect()
    with rawclient.Control(t.server, source=t.client) as c:
        c.greeting()
        w = a.json("why", t.client, expect=1)
        same((w["reason"], w["code"], w["told_in"]), ("connection-rate", 5, "Server-Start"), "why")
        same(c.setup().accept, 5, "Accept")
    same((one.request().accept, two.request().accept), (0, 0), "who is in")
    a.daemon.signal(signal.SIGUSR1)
    wait_for(lambda: a.json("status")["draining"], "draining")
    refused(a, "draining", 5, t.client_other)


if __name__ == "__main__":
    harness.main()
