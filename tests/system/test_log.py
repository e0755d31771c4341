# SPDX-License-Identifier: BSD-2-Clause
"""What the log says to the operator: whom it refused and why, with the limit that was reached and
where it stands; and what a peer gave as text, harmless. R-251
"""

import re

import harness
import rawclient
from harness import CLIENT, CLIENT_OTHER, same, test, true, wait_for

KEYS = {b"probe": b"a passphrase of the operator"}


def only_of(d, since, pattern):
    """The line that the pattern finds; it is the only one."""
    line = d.wait_log(pattern, since)
    same(len(re.findall(pattern, d.log(since))), 1, "lines of /%s/" % pattern)
    return line


@test
def key_ids_are_quoted(t):
    # Control characters of both sorts, what turns the direction, what nobody sees, and no UTF-8.
    d = t.daemon(keys=KEYS)
    cases = ((b"pro\x1b[2Jbe", r"pro\x1b[2Jbe"), (b"a\xc2\x9b31m", r"a\u{9b}31m"),
             (b"\xe2\x80\xaeeborp", r"\u{202e}eborp"), (b"pro\xe2\x80\x8bbe", r"pro\u{200b}be"),
             (b"\xff\xc0\xaf", r"\xff\xc0\xaf"), (b"a\0b", r"a\x00b"),
             (b'x" failed: "', r'x\" failed: \"'), (b"line\ntwo", r"line\x0atwo"),
             ("Köln 測".encode(), "Köln 測"))
    for key_id, shown in cases:
        since = d.log_size()
        with t.control() as c:
            c.greeting()
            c.send(b"\0\0\0\x02" + key_id.ljust(80, b"\0") + bytes(80))
            same(c.server_start().accept, 1, "Accept of " + shown)
        d.wait_log("as " + re.escape('"%s"' % shown) + " failed", since)
    with open(d.log_file, "rb") as f:
        octets = f.read()
    true(not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", octets), "control characters: %r" % octets)
    true(not re.search("[\x80-\x9f\u200b\u202e]", octets.decode()), "what is not printable")


@test
def denied_clients(t):
    """Modes 0: a refusal, and the client is told to be in no class."""
    d = t.daemon({"clients": [{"name": "probes", "prefixes": [CLIENT_OTHER[4]]}]})
    with t.control() as c:
        same(c.greeting().modes, 0, "Modes for a stranger")
        who = "%s:%d" % c.local()[:2]
        c.wait_closed()
    line = only_of(d, 0, r"notice: .*no-class")
    for part in (who, "class none", "no entry of clients has its address", "add the address to prefixes"):
        true(part in line, "%r is not in: %s" % (part, line))
    d.wait_log(r"info: connection from %s, class none, closed: no class" % re.escape(who))


@test
def no_mode_in_common(t):
    d = t.daemon({"modes": ["authenticated"]}, keys=KEYS)
    with t.control() as c:
        same(c.greeting().modes & 15, 2, "Modes")
        c.send(rawclient.make_setup(0))
        c.wait_closed()
    line = only_of(d, 0, r"notice: .*no-mode")
    for part in (CLIENT[4], "class default", "offered: authenticated", "compare the modes"):
        true(part in line, "%r is not in: %s" % (part, line))


@test
def forged_message(t):
    d = t.daemon(keys=KEYS)
    with t.connect(mode=2, key=(b"probe", KEYS[b"probe"])) as c:
        c.send(c.seal(rawclient.make_request(), spoil=True))
        c.wait_closed()
    line = d.wait_log(r"(notice|warning|error): .*wrong HMAC")
    true(CLIENT[4] in line and '"probe"' in line, line)


@test(both=True)
def denied_light_senders(t):
    """Told by address, once, with the remedy; the rest of a minute is silent."""
    d = t.daemon({"light": [{"port": 5000, "type": "twamp-light", "clients": ["192.0.2.1"]}]})
    one, other = t.sender(), t.sender(t.client_other)
    for s in (one, one, one, other):
        s.send((t.server, 5000), rawclient.make_packet(0))
    line = d.wait_log(r"notice: .* from %s to UDP port 5000" % re.escape(t.client))
    for part in ("light-client", "not among the clients", "add its address to clients"):
        true(part in line, "%r is not in: %s" % (part, line))
    d.wait_log(r" 1 from %s to UDP port 5000" % re.escape(t.client_other))
    since = d.log_size()
    one.send((t.server, 5000), rawclient.make_packet(0))
    third = t.sender(harness.CLIENT_NEIGHBOUR[t.family])
    third.send((t.server, 5000), rawclient.make_packet(0))
    d.wait_log(r"from %s to UDP" % re.escape(harness.CLIENT_NEIGHBOUR[t.family]), since)
    true(" from %s to UDP" % t.client not in d.log(since), d.log(since))


@test
def no_known_message(t):
    # Octets that go on without an end.
    d = t.daemon()
    c = t.connect()
    try:
        for _ in range(40):
            c.push(b"\xff" * 1000)
        c.wait_closed()
    except (OSError, rawclient.Closed):
        pass
    d.wait_log(r"notice: %s:\d+, class default, does not keep to the protocol: too much" % CLIENT[4])


@test
def limits_say_where_they_stand(t):
    d = t.daemon(text="""
limits = {
    max_sessions_per_client = 3;
    max_padding = 500;
};
clients = ( { name = "probes"; prefixes = [ "%s" ];
              limits = {
                  max_sessions = 2;
              }; } );
""" % CLIENT[4] + harness.CALM)
    c = t.connect()
    same(c.request(padding=501).accept, 4, "Accept")
    line = d.wait_log("max-padding")
    true("(it asked for 501, limit 500 of class probes, limits.max_padding, " in line, line)
    true(re.search(r"twampd\.conf:4\)", line), line)
    for accept in (0, 0, 4):
        same(c.request().accept, accept, "Accept")
    line = d.wait_log("max-sessions-per-class")
    true("(now 2, limit 2 of class probes, limits.max_sessions, " in line, line)
    true(re.search(r"twampd\.conf:8\)", line), line)


@test
def limits_of_the_default(t):
    d = t.daemon(text="limits = { connection_burst = 1; };" + harness.CALM)
    accepts = set()
    while 5 not in accepts:  # until two come within a fiftieth of a second
        with t.control() as c:
            c.greeting()
            accepts.add(c.setup().accept)
    line = d.wait_log("connection-rate")
    true("(limit 50 of class default, limits.connection_rate, the default)" in line, line)


@test
def ready_and_reloaded_say_what_holds(t):
    d = t.daemon(text="listen = ( { address = \"127.0.0.1\"; port = 8620; } );", keys=KEYS)
    line = d.wait_log("notice: ready")
    for part in (r"settings from \S+/twampd\.conf, \S+/twampd\.keys \(1 key\)",
                 r"listening on 127\.0\.0\.1:8620 \(opened by twampd\)",
                 r"receive timestamps of the kernel", r"clock (not )?synchronized, error up to [0-9.]+ ms"):
        true(re.search(part, line), "/%s/ is not in: %s" % (part, line))

    def reloaded(text):
        since = d.log_size()
        d.reload(text=text)
        return d.wait_log("settings reloaded from", since)
    line = reloaded("listen = ( { address = \"127.0.0.1\"; port = 8620; } );")
    true(line.endswith("nothing changed"), line)
    line = reloaded("""limits = { max_sessions = 7; };
        listen = ( { address = "127.0.0.1"; port = 8620; } );
        clients = ( { name = "probes"; prefixes = [ "192.0.2.0/24" ]; } );""")
    true(line.endswith("; changed: limits.max_sessions, clients.probes (new)"), line)
    line = reloaded("""limits = { max_sessions = 7; };
        listen = ( { address = "127.0.0.1"; port = 8620; } );
        clients = ( { name = "probes"; prefixes = [ "192.0.2.0/25" ]; third_party = true; } );""")
    true(line.endswith("; changed: clients.probes.prefixes, clients.probes.third_party"), line)


@test
def four_hundred_sessions(t):
    """They end with their connection, and each is told sooner or later."""
    d = t.daemon({"limits": {"max_sessions_per_client": 400, "max_sessions_per_connection": 400,
                             "request_rate": 0}})
    c = t.connect()
    for _ in range(400):
        same(c.request().accept, 0, "Accept")
    c.close()
    ended = r"session (\w{32}) of \S+, class default, ended"
    d.wait_log(ended)
    wait_for(lambda: d.connections() == 0, "the end of the connection")
    same(d.terminate(), 0, "exit status")
    same(len(set(re.findall(ended, d.log()))), 400, "sessions that are told")


if __name__ == "__main__":
    harness.main()
