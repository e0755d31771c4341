# SPDX-License-Identifier: BSD-2-Clause
"""No passphrase and no key of a session gets out of the real twampd, and none stays.
"""

import os
import re
import signal

import harness
import rawclient
import twcrypt
from aes import Aes128
from harness import same, test, true, wait_for
from keyed import KEY, connect, keyed_daemon, open_session
from keyfile import OTHER, check_config, gets_in, stays_out
from manager import Manager
from rawclient import INDIVIDUAL, ntp

# --- secrets --------------------------------------------------------------------------

def memory(d):
    """(octets, is left out of core dumps) of each mapping that can be read and written."""
    ranges, flags = {}, {}
    with open("/proc/%d/smaps" % d.pid) as f:
        for line in f:
            match = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+)", line)
            if match:
                start = int(match[1], 16)
                ranges[start] = (int(match[2], 16), match[3])
            elif line.startswith("VmFlags:"):
                flags[start] = line.split()[1:]
    with open("/proc/%d/mem" % d.pid, "rb", buffering=0) as f:
        for start, (end, rights) in ranges.items():
            if rights.startswith("rw"):
                f.seek(start)
                try:
                    yield f.read(end - start), "dd" in flags[start]
                except OSError:  # what nobody can read is in no core either
                    pass


def found(d, secret, mappings=None):
    """Where it is: [is left out of core dumps]."""
    if d.run.sanitized:
        raise harness.Skip("sanitizers keep copies, and terabytes of shadow")
    return [left_out for octets, left_out in mappings or memory(d)
            for _ in re.finditer(re.escape(secret), octets)]


@test
def passphrases_are_in_no_core(t):
    # in memory once, in a mapping that core dumps leave out
    d = keyed_daemon(t, keys=dict([KEY, OTHER]))
    for mode in (2, 4, 8):
        gets_in(t, KEY, mode)
    stays_out(t, (KEY[0], b"wrong"))
    for key in (KEY, OTHER):
        same(found(d, key[1]), [True], "where the passphrase of %r is" % key[0])
    d.write_keys(dict([OTHER]))
    d.reload()
    same(found(d, KEY[1]), [], "where the passphrase is after its key is gone")
    d.write_keys(b"key " + KEY[1] + b"\nbad-line\n")
    d.reload(expect="reload failed")
    same(found(d, KEY[1]), [], "where the passphrase of a refused file is")


def secrets_of(control, session, key=KEY):
    """(what, octets) of all that opens the connection and its session, or gives away what does:
    a key that an HMAC was made ready with (RFC 2104 2), each round key of AES."""
    aes, hmac, out = {}, {"passphrase": key[1]}, []
    if session:
        greeting = control.greeting_seen
        aes["derived"] = twcrypt.derive(key[1], greeting.salt, greeting.count)
        for whose, keys in (("connection", control.keys), ("session", session.keys)):
            if keys:
                aes[whose], hmac[whose] = keys.aes_key, keys.hmac_key
    for whose, k in hmac.items():
        out += [(whose + " HMAC", k)]
        out += [(whose + " pad", bytes(octet ^ pad for octet in k)) for pad in (0x36, 0x5c)]
    for whose, k in aes.items():
        out += [(whose + " AES", k) for k in Aes128(k).round_keys()]
    return out


@test
def session_keys_are_in_no_core(t):
    # while connections and sessions live; nor is a copy left on a stack or by a restart
    m = Manager()
    t.stack.callback(m.close)
    d = keyed_daemon(t, env=m.environment())
    held = []
    for mode in (2, 4, 8):
        for features in (0, INDIVIDUAL):
            control = connect(t, mode | features)
            session, _ = open_session(t, control, mode | features)
            for seq in range(8):
                session.check(session.layout.sent(seq, ntp(), 1))
            held.append((mode, control, session))
    for _ in range(2):
        mappings = [] if t.run.sanitized else list(memory(d))
        for mode, control, session in held:
            true(found(d, control.keys.aes_key, mappings),
                 "the test does not see the keys of a connection")
            for what, secret in secrets_of(control, session):
                true(all(found(d, secret, mappings)),
                     "%s, mode %d, would be in a core" % (what, mode))
        m.restart(d)  # the next process has them, too


def dump(t, d):
    """The core of a daemon that is made to end."""
    with open("/proc/sys/kernel/core_pattern") as f:
        pattern = f.read().strip()
    if pattern.startswith("|") or "/" in pattern or t.run.sanitized:
        raise harness.Skip("cores go elsewhere: " + pattern)
    d.signal(signal.SIGABRT)
    same(d.wait_exit(), -signal.SIGABRT, "status")
    cores = [name for name in os.listdir(d.dir) if name.startswith(pattern.split("%")[0])]
    same(len(cores), 1, "cores")
    with open(os.path.join(d.dir, cores[0]), "rb") as f:
        return f.read()


@test
def a_real_core(t):
    # with an open connection and its session, and while a key is derived; what is in
    # registers is in there, too
    d = keyed_daemon(t, keys=dict([KEY, OTHER]),
                     prefix=["prlimit", "--core=unlimited", "sh", "-c",
                             'cd "${2%/*}" && exec "$0" "$@"'])
    control = connect(t, 4)
    session, answer = open_session(t, control, 4)
    session.check(session.layout.sent(0, ntp(), 1))
    d.reload({"auth": {"count": 1 << 30}})
    other = t.control()
    other.greeting()
    other.send(rawclient.make_setup(4)[:4] + OTHER[0].ljust(80, b"\0") + bytes(80))
    d.wait_read()
    core = dump(t, d)
    true(answer.sid in core, "the session is not in the core")
    for what, secret in secrets_of(control, session) + secrets_of(other, None, OTHER):
        true(secret not in core, "%s is in the core" % what)


@test
def old_keys_live_as_long_as_who_uses_them(t):
    # R-247 R-248: a connection that was there at the reload does not keep them
    d = keyed_daemon(t)
    control = connect(t, 4)
    session, _ = open_session(t, control, 4)
    d.write_keys(dict([OTHER]))
    d.reload()
    wait_for(lambda: not found(d, KEY[1]), "the passphrase to be wiped")
    session.check(session.layout.sent(0, ntp(), 1))


@test
def session_keys_are_wiped(t):
    # when the connection and its session are gone
    d = keyed_daemon(t)
    for mode in (2, 4, 8):
        control = connect(t, mode)
        session, _ = open_session(t, control, mode)
        session.check(session.layout.sent(0, ntp(), 1))
        secrets = [control.keys.aes_key, control.keys.hmac_key]
        true(found(d, secrets[1]), "the test does not see the keys of a connection")
        if session.keys:
            secrets += [session.keys.aes_key, session.keys.hmac_key]
        control.close()
        d.wait_idle()
        for n, secret in enumerate(secrets):
            wait_for(lambda: not found(d, secret), "secret %d of mode %d to be wiped" % (n, mode),
                     patience=5)


@test
def no_secret_in_what_is_shown(t):
    # log at its most talkative, --dump, command line, environment
    clients = [{"name": "all", "prefixes": ["0.0.0.0/0"], "key_ids": [KEY[0].decode()]}]
    d = keyed_daemon(t, {"clients": clients, "log": {"level": "debug"}})
    gets_in(t, KEY)
    stays_out(t, (KEY[0], b"a wrong guess"))
    stays_out(t, (b"nobody", b"a wrong guess"))
    d.reload()
    status, dump = check_config(t, d, "--dump")
    same(status, 0, "status of --dump")
    true("key_ids" in dump and KEY[0].decode() in dump, "--dump shows no classes: " + dump)
    shown = [dump.encode(), d.log().encode()]
    for name in ("cmdline", "environ", "comm"):
        with open("/proc/%d/%s" % (d.pid, name), "rb") as f:
            shown.append(f.read())
    for text in shown:
        for secret in (KEY[1], b"a wrong guess"):
            true(secret not in text and secret.hex().encode() not in text, "a secret is shown")


if __name__ == "__main__":
    harness.main()
