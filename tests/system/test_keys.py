# SPDX-License-Identifier: BSD-2-Clause
"""The real twampd and its keys file: where it is, who may read it, what is wrong with it, and what a
reload makes of it.
"""

import itertools
import os
import re

import harness
import rawclient
from harness import merge, same, test, true
from keyed import ALL, AUTH, KEY, KEYS, connect, keyed_daemon, open_session, refused
from keyfile import OTHER, check_config, gets_in, stays_out
from rawclient import ntp


def offered(t):
    with rawclient.Control(t.server) as c:
        return c.greeting().modes


def fails_to_start(t, pattern, config=None, **options):
    """twampd says why, and ends; all that it said."""
    d = t.daemon(merge({"auth": AUTH}, config), wait=False, **options)
    true(d.wait_exit() != 0, "exit status 0")
    true(re.search(pattern, d.log()), "no /%s/ in: %s" % (pattern, d.log()))
    return d.log()


# --- the file -------------------------------------------------------------------------

@test
def mode_of_the_file_at_start(t):
    # path and remedy are named
    d = t.daemon({"auth": AUTH})
    d.terminate()
    for mode in (0o644, 0o604, 0o641, 0o660, 0o650, 0o666, 0o777, 0o642):
        d.write_keys(KEYS, mode)
        offset = d.log_size()
        d.start(wait=False)
        true(d.wait_exit() != 0, "exit status 0 with mode %o" % mode)
        log = d.log(offset)
        true("%s: has mode %04o" % (d.keys_file, mode) in log, "log: " + log)
        true("chmod 0640 " + d.keys_file in log, "no remedy in: " + log)
        status, text = check_config(t, d)
        true(status != 0 and "chmod 0640" in text, "--check-config: " + text)
    for mode in (0o600, 0o640, 0o400, 0o440):
        d.write_keys(KEYS, mode)
        d.start()
        gets_in(t, KEY)
        d.terminate()


@test
def mode_of_the_file_at_reload(t):
    # R-247 R-248: refused, and all goes on with the keys that there were
    d = keyed_daemon(t)
    control = connect(t, 4)
    session, _ = open_session(t, control, 4)
    d.write_keys(dict([OTHER]), 0o644)
    line = d.reload(expect="reload failed")
    true(d.keys_file in line and "chmod 0640" in line, "log: " + line)
    gets_in(t, KEY)
    stays_out(t, OTHER)
    session.check(session.layout.sent(0, ntp(), 1))
    os.chmod(d.keys_file, 0o640)
    d.reload()
    gets_in(t, OTHER)
    stays_out(t, KEY)
    session.check(session.layout.sent(1, ntp(), 1))


@test
def files_that_are_none(t):
    # The one that is named must be there, the default need not
    d = t.daemon({"auth": AUTH})
    same(offered(t), 0x371, "Modes without a keys file")
    d.reload({"keys_file": "none.keys"}, expect="reload failed.*none\\.keys.*no such file")
    d.reload({"keys_file": "/nonexistent/keys"}, expect="reload failed.*/nonexistent/keys")
    d.reload({"keys_file": d.dir}, expect="reload failed.*not a regular file")
    os.mkfifo(os.path.join(d.dir, "fifo"), 0o600)
    d.reload({"keys_file": "fifo"}, expect="reload failed.*not a regular file")
    fails_to_start(t, "none\\.keys.*no such file", {"keys_file": "none.keys"})


@test
def named_files(t):
    # Beside the settings, or anywhere
    d = keyed_daemon(t)
    d.write_keys(dict([OTHER]), path=os.path.join(d.dir, "more.keys"))
    d.reload({"keys_file": "more.keys"})
    gets_in(t, OTHER)
    stays_out(t, KEY)
    d.reload({"keys_file": d.keys_file})
    gets_in(t, KEY)
    stays_out(t, OTHER)


@test
def credential_directory(t):
    # As LoadCredential= of systemd hands them over: before the settings, and read-only
    d = t.daemon({"auth": AUTH})
    d.terminate()
    credentials = os.path.join(d.dir, "credentials")
    os.mkdir(credentials)
    d.env["CREDENTIALS_DIRECTORY"] = credentials
    d.write_keys(KEYS)
    d.start()
    gets_in(t, KEY)  # no credential of that name: the file as ever
    d.write_keys(dict([OTHER]), 0o400, os.path.join(credentials, "twampd.keys"))
    d.reload()
    gets_in(t, OTHER)
    stays_out(t, KEY)
    d.reload({"keys_file": d.keys_file})
    gets_in(t, OTHER)
    os.chmod(os.path.join(credentials, "twampd.keys"), 0o444)
    d.reload(expect="reload failed.*credentials/twampd\\.keys.*chmod")
    gets_in(t, OTHER)


# --- what is in it --------------------------------------------------------------------

SECRET = b"my secret passphrase"
BAD = {
    "no passphrase": (b"only-a-key-id\n", b"no passphrase"),
    "blanks for a passphrase": (b"key \t \n", b"no passphrase"),
    "white space in front": (b" key " + SECRET + b"\n", b"white space"),
    "a long KeyID": (b"k" * 81 + b" " + SECRET + b"\n", b"80"),
    "no UTF-8": (b"\xc3\x28 " + SECRET + b"\n", b"UTF-8"),
    "a control character in the KeyID": (b"k\x01 " + SECRET + b"\n", b"control"),
    "a control character": (b"key " + SECRET + b"\x07\n", b"control"),
    "a zero": (b"key " + SECRET + b"\0\n", b"control"),
    "a carriage return": (b"key " + SECRET + b"\r\n", b"carriage return"),
    "a long passphrase": (b"key " + SECRET * 52 + b"\n", b"1024"),
    "a KeyID twice": (KEY[0] + b" " + SECRET + b"\n", b"line 2"),
}


@test
def bad_lines_are_named(t):
    # C-051 R-247: file and line, never what is in it; at start, reload and check
    d = keyed_daemon(t)
    for what, (line, says) in BAD.items():
        d.write_keys(b"# a comment\n" + b" ".join(KEY) + b"\n" + line + b"after it\n")
        told = d.reload(expect="reload failed")
        true(d.keys_file + ":3:" in told, "no line of %s in: %s" % (what, told))
        true(says.decode() in told, "no cause of %s in: %s" % (what, told))
        status, text = check_config(t, d)
        true(status != 0 and d.keys_file + ":3:" in text, "--check-config: " + text)
        true(SECRET.decode() not in told + text, "a passphrase in: " + told)
        gets_in(t, KEY)
    fails_to_start(t, "twampd\\.keys:1:.*no passphrase", keys=b"only-a-key-id")


GOOD = {
    b"k" * 80: b"the longest KeyID",
    "sonde-\u00fc\u6f22".encode(): "passphrase in UTF-8: \u00e4\u6f22".encode(),
    b"a": b"b",
    b"a#b": b"# no comment",
    b"tabs": b"a b  c",
    b"long": b"x" * 1024,
    b"block": b"y" * 64,  # as long as a block of SHA-1, and longer: hashed before use
    b"block1": b"y" * 65,
    b"trail": b"ends with blanks  ",
    b"bar|baz;$(x)'\"": b"'\"\\$(reboot)",
}


@test(both=True)
def all_that_a_key_may_be(t):
    # R-016 C-051: octets as they are
    text = b"# comment\n\n   \t\n#\n" + b"".join(
        k + sep + v + b"\n" for (k, v), sep in zip(GOOD.items(), itertools.cycle((b" ", b"\t \t"))))
    keyed_daemon(t, keys=text.rstrip(b"\n"))  # the last line need not end
    for key in GOOD.items():
        for mode in (2, 4, 8):
            gets_in(t, key, mode)
    stays_out(t, (b"trail", b"ends with blanks"))
    stays_out(t, (b"comment", b""))


@test
def ten_thousand_keys(t):
    keys = {b"probe-%d" % n: b"secret of %d" % n for n in range(10000)}
    d = keyed_daemon(t, keys=keys)
    for n in (0, 1, 4999, 9998, 9999):
        gets_in(t, (b"probe-%d" % n, b"secret of %d" % n))
    d.write_keys(b"".join(b"k%d s\n" % n for n in range(10001)))
    d.reload(expect="reload failed.*twampd\\.keys:10001:.*10000")


# --- reload ---------------------------------------------------------------------------

@test(both=True)
def keys_come_and_go(t):
    # what runs goes on; without its key a connection gets nothing new
    d = keyed_daemon(t)
    control = connect(t, 4)
    session, _ = open_session(t, control, 4)
    d.write_keys(dict([KEY, OTHER]))
    d.reload()
    gets_in(t, OTHER)
    gets_in(t, KEY)
    d.write_keys(dict([OTHER]))
    d.reload()
    stays_out(t, KEY)
    session.check(session.layout.sent(0, ntp(), 1))
    same(control.request(sender_port=9).accept, 1, "Accept without the key")
    d.write_keys({KEY[0]: OTHER[1]})
    d.reload()
    stays_out(t, KEY)
    gets_in(t, (KEY[0], OTHER[1]))
    session.check(session.layout.sent(1, ntp(), 1))
    same(control.request(sender_port=9).accept, 1, "Accept with the key of another passphrase")


@test
def a_reload_takes_all_or_nothing(t):
    # not the first lines, nor the settings that came with a bad file, nor the reverse
    d = keyed_daemon(t)
    d.write_keys(b" ".join(OTHER) + b"\nbad-line\n")
    d.reload({"limits": {"max_padding": 10}}, expect="reload failed.*twampd\\.keys:2:")
    stays_out(t, OTHER)
    gets_in(t, KEY)
    same(t.connect().request(padding=20).accept, 0, "Accept under the old limits")
    d.write_keys(dict([OTHER]))
    d.reload(text="limits = { max_sessions = 0; };\n", expect="reload failed")
    stays_out(t, OTHER)
    gets_in(t, KEY)
    d.reload()
    gets_in(t, OTHER)
    same(t.connect().request(padding=20).accept, 4, "Accept under the new limits")


@test
def the_last_key_goes(t):
    # without keys no keyed mode is offered; and none is left where only these are
    d = keyed_daemon(t)
    os.unlink(d.keys_file)
    d.reload()
    same(offered(t), 0x371, "Modes without keys")
    for mode in (2, 4, 8):
        refused(t, mode)
    d.write_keys(KEYS)
    d.reload({"modes": ["encrypted"]})
    same(offered(t), 0x374, "Modes")
    d.write_keys(b"")
    line = d.reload(expect="reload failed")
    true("need keys" in line, "log: " + line)
    gets_in(t, KEY)
    fails_to_start(t, "twampd\\.conf:\\d+:\\d+: modes: .*need keys", {"modes": ["mixed"]})


@test
def key_ids_of_classes_are_in_the_file(t):
    # A KeyID of a class that has no key is a mistake
    clients = [{"name": "probes", "key_ids": [KEY[0].decode()]}]
    d = keyed_daemon(t, {"clients": clients})
    d.write_keys(dict([OTHER]))
    line = d.reload(expect="reload failed")
    true(re.search(r"twampd\.conf:\d+:\d+: .*probe-1.*keys", line), "log: " + line)
    gets_in(t, KEY)


# --- count ----------------------------------------------------------------------------

@test
def count_is_a_power_of_two(t):
    # R-005 R-006 C-022
    d = keyed_daemon(t)
    for count in (1000, 1023, 1025, 512, 1, 0, 40000, 3 << 20):
        line = d.reload({"auth": {"count": count}}, expect="reload failed")
        true("auth.count" in line, "log: " + line)
    for power in range(10, 17):
        d.reload({"auth": {"count": 1 << power}})
        with t.control() as c:
            same(c.greeting().count, 1 << power, "Count")
        gets_in(t, KEY)
    d.reload({"auth": {"count": 1 << 30}})
    with t.control() as c:
        same(c.greeting().count, 1 << 30, "Count")
    fails_to_start(t, "auth\\.count.*power of two", {"auth": {"count": 1000}}, keys=KEYS)


@test
def count_by_default(t):
    #
    d = t.daemon(text='listen = ( { port = 862; } );\n' + harness.CALM, keys=KEYS)
    with t.control() as c:
        g = c.greeting()
    same((g.count, g.modes), (32768, ALL), "Count and Modes")
    gets_in(t, KEY)
    true(d.alive(), "ended")


@test
def count_above_what_clients_take(t):
    # allowed, with a warning
    d = keyed_daemon(t)
    d.reload({"auth": {"count": 32768}})
    true("auth.count is" not in d.log(), "a warning of the usual")
    offset = d.log_size()
    d.reload({"auth": {"count": 65536}})
    d.wait_log("warning: auth\\.count is 65536", since=offset)
    d.terminate()
    offset = d.log_size()
    d.start()
    true("warning: auth.count is 65536" in d.log(offset), "no warning at start")


if __name__ == "__main__":
    harness.main()
