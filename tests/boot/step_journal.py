# SPDX-License-Identifier: BSD-2-Clause
"""Events in the journal, with their fields and explanations."""

import contextlib
import re

from bed import SERVICE, same, step, true
import rawclient


def refusals():
    """A conversation for each way of refusing; run in the machine's network."""
    with contextlib.ExitStack() as stack:
        def connect():
            return stack.enter_context(rawclient.connect("127.0.0.1"))
        c = connect()
        answers = [c.request(sender="192.0.2.7").accept, c.request(slots=1).accept,
                   c.request(padding=200).accept, c.start().accept]
        other = connect()
        answers += [other.request().accept for _ in range(4)][-1:]
        wrong = stack.enter_context(rawclient.Control("127.0.0.1"))
        wrong.greeting()
        answers.append(wrong.setup(mode=3).accept)
    return answers


@step
def refusals_are_explained(b):
    #
    b.configure("limits = { max_padding = 100; request_rate = 1; request_burst = 5; };\n")
    b.systemctl("reload", SERVICE)
    b.m.wait(lambda: b.events("RELOADED"), "the reload")
    since = b.now()
    same(b.m.in_network(refusals), [1, 3, 4, 1, 5, 3], "Accept codes")
    wanted = {("REFUSED_REQUEST", "policy-address", "1"), ("REFUSED_START", "nothing-to-start", "1"),
              ("REFUSED_REQUEST", "schedule-fields", "3"), ("REFUSED_REQUEST", "max-padding", "4"),
              ("REFUSED_REQUEST", "rate-limit", "5"),
              ("REFUSED_CONNECTION", "mode-multiple", "3")}

    def seen():
        return b.journal("-u", SERVICE, "_COMM=twampd", since=since)
    b.m.wait(lambda: wanted <= {(e.get("TWAMPD_EVENT"), e.get("TWAMPD_REASON"),
                                 e.get("TWAMPD_ACCEPT")) for e in seen()}, "the refusals")
    for entry in seen():
        if not entry["TWAMPD_EVENT"].startswith("REFUSED"):
            continue
        true(entry["TWAMPD_PEER"].startswith("127.0.0.1:"), "TWAMPD_PEER")
        same(entry["PRIORITY"], "5", "PRIORITY")
        same(entry["_SYSTEMD_UNIT"], SERVICE, "_SYSTEMD_UNIT")
        text = b.m.run("journalctl", "-q", "-x", "-o", "short",
                       "MESSAGE_ID=" + entry["MESSAGE_ID"], "TWAMPD_PEER=" + entry["TWAMPD_PEER"],
                       "TWAMPD_REASON=" + entry["TWAMPD_REASON"]).stdout
        text = " ".join(text.replace("\u2591", " ").split())
        for words in ("Accept: " + entry["TWAMPD_ACCEPT"], "Reason: " + entry["TWAMPD_REASON"],
                      "What to do: " + entry["TWAMPD_REMEDY"], "Client: " + entry["TWAMPD_PEER"],
                      "Possible causes: ", "What helps: "):
            true(words in text, "%r is not in: %s" % (words, text))
    b.configure("")
    b.systemctl("reload", SERVICE)


def crowd_of_requests():
    """More refusals than anybody reads; run in the machine's network."""
    with rawclient.connect("127.0.0.1") as c:
        c.send(rawclient.make_request(conf_sender=1) * 500)
        return [c.accept_session().accept for _ in range(500)][-1]


def knock_as_a_stranger():
    with rawclient.Control("::1") as c:
        return c.greeting().modes


@step
def events_have_their_fields(b):
    # of a session that ends, of what is left out, and of who is in no class
    since = b.now()
    b.measure()
    b.m.wait(lambda: b.events("SESSION_ENDED", since=since), "the end of a session")
    ended = b.events("SESSION_ENDED", since=since)[-1]
    same([ended["TWAMPD_" + k] for k in ("GAPS", "DUPLICATES", "REORDERED", "CLASS")],
         ["0", "0", "0", "default"], "fields of SESSION_ENDED")
    b.configure('clients = ( { name = "probes"; prefixes = [ "192.0.2.0/24" ]; } );\n')
    b.systemctl("reload", SERVICE)
    since = b.now()
    same(b.m.in_network(knock_as_a_stranger), 0, "Modes for a stranger")
    for name, words in (("DENIED", "Reason: no-class"), ("CLOSED", "the client is in no class")):
        b.m.wait(lambda: b.events(name, since=since), name)
        entry = b.events(name, since=since)[-1]
        same((entry["TWAMPD_CLASS"], entry["PRIORITY"]),
             ("none", "5" if name == "DENIED" else "6"), "class and level of " + name)
        text = b.m.run("journalctl", "-q", "-x", "MESSAGE_ID=" + entry["MESSAGE_ID"]).stdout
        text = " ".join(text.replace("\u2591", " ").split())
        true(words in text, "%r is not in: %s" % (words, text))
    b.configure("")
    b.systemctl("reload", SERVICE)
    since = b.now()  # last: it uses up the client's share of the log
    same(b.m.in_network(crowd_of_requests), 3, "Accept")
    b.m.wait(lambda: b.events("SUPPRESSED", since=since), "what was left out")
    left_out = b.events("SUPPRESSED", since=since)[-1]
    number = int(left_out["TWAMPD_LEFT_OUT"])
    true(number > 100, "TWAMPD_LEFT_OUT=%d" % number)
    same(left_out["TWAMPD_SOURCES"], "127.0.0.1=%d" % number, "TWAMPD_SOURCES")
    same(left_out["TWAMPD_EVENTS"], "REFUSED_REQUEST=%d" % number, "TWAMPD_EVENTS")


@step
def every_event_so_far_is_in_the_catalog(b):
    listed = set(re.findall(r"^([0-9a-f]{32}) twampd: ", b.m.run(
        "journalctl", "-q", "--list-catalog").stdout, re.M))
    entries = [e for e in b.m.journal("_COMM=twampd") if "TWAMPD_EVENT" in e]
    kinds = {e["TWAMPD_EVENT"] for e in entries}
    true(len(kinds) > 8, "kinds of events: %r" % kinds)
    same({e["TWAMPD_EVENT"] for e in entries if e["MESSAGE_ID"] not in listed}, set(),
         "events that are not in the catalog")
