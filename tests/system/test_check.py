#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""twampd --check-config: all that is wrong at once, for people and for programs; a candidate in
the place of a file; what will not work on this host; and what a running daemon would change.
"""

import json
import os
import subprocess
import tempfile

import harness
from harness import merge, same, test, true


class Files:
    """A directory of settings."""

    def __init__(self, t):
        self.t = t
        self.dir = t.stack.enter_context(tempfile.TemporaryDirectory(prefix="twampd-check-"))

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text, mode=0o644):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())
        os.chmod(path, mode)
        return path

    def check(self, *arguments, env=None):
        return subprocess.run([self.t.run.twampd, "--check-config", *arguments],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=60, env=dict(os.environ, **(env or {})))

    def json(self, *arguments, status=0, env=None):
        done = self.check("--json", *arguments, env=env)
        same((done.returncode, done.stderr), (status, ""), "exit status and stderr")
        return json.loads(done.stdout)


def place(fault):
    return tuple(fault.get(name) for name in ("line", "column", "key", "class"))


@test
def all_errors_at_once(t):
    f = Files(t)
    main = f.write("twampd.conf", 'timers = { servwait = 15m; };\nlog = { level = "loud"; };\n')
    more = f.write("conf.d/a.conf", 'clients = ( { name = "lab"; prefixes = [ "::/0" ];\n'
                                    '  limits = { max_sessions = -1; }; } );\n')
    f.write("twampd.keys", "only-a-key-id\n", 0o600)
    done = f.check(main)
    same(done.returncode, 2, "exit status")
    same(done.stdout, "", "stdout")
    lines = done.stderr.splitlines()
    same(len(lines), 4, "lines")
    for line, start in zip(lines, (
            '%s:1:23: timers.servwait: found "15m", expected: a number without a unit' % main,
            '%s:2:17: log.level: "loud" is unknown, expected: one of' % main,
            '%s:2:29: clients.limits.max_sessions: -1 is out of range' % more,
            '%s:1: there is no passphrase' % f.path("twampd.keys"))):
        true(line.startswith("twampd: " + start), "%r does not begin with %r" % (line, start))
    true(lines[2].endswith('(class "lab")'), lines[2])
    result = f.json(main, status=2)
    same(result["result"], "error", "result")
    same([(x["file"], place(x)) for x in result["faults"]],
         [(main, (1, 23, "timers.servwait", None)), (main, (2, 17, "log.level", None)),
          (more, (2, 29, "clients.limits.max_sessions", "lab")),
          (f.path("twampd.keys"), (1, None, None, None))], "faults")


@test
def more_than_can_be_shown(t):
    f = Files(t)
    main = f.write("twampd.conf", "".join("k%d = 1;\n" % n for n in range(120)))
    done = f.check(main)
    same(len(done.stderr.splitlines()), 51, "lines")
    true(done.stderr.endswith("and 70 more\n"), done.stderr)
    result = f.json(main, status=2)
    same((len(result["faults"]), result["more"]), (50, 70), "faults and more")


@test
def json_of_hostile_text(t):
    f = Files(t)
    main = f.write("a\"b\\c\xff\n.conf".encode("latin-1").decode("latin-1"),
                   b'log = { level = "\x1b[2J\x7f\\"\xff\xe2\x80\xae"; };\n')
    result = f.json(main, status=2)
    same(result["faults"][0]["file"], main, "file")
    text = result["faults"][0]["text"]
    true("\x1b" not in text and "\u202e" not in text and "\\x1b" in text, "text: %r" % text)


@test
def candidates(t):
    # as Ansible's validate: another name, and all that is beside the place is looked up there
    f = Files(t)
    good = f.write("tmp/ansible.1234", "timers = { servwait = 7; };\n")
    bad = f.write("tmp/ansible.5678", "\ntimers = { servwait = x; };\n")
    main = f.write("etc/twampd.conf", "ports = { first = 5000; };\n")
    f.write("etc/conf.d/b.conf", "ports = { last = 60000; };\n")
    for place_of in ("etc/twampd.conf", "etc/conf.d/a.conf", "etc/conf.d/b.conf"):
        done = f.check("--as", f.path(place_of), good)
        same((done.returncode, done.stderr), (0, ""), "status of a good " + place_of)
        true(good + ": ok" in done.stdout and f.path(place_of) in done.stdout, done.stdout)
        done = f.check("--as", f.path(place_of), bad)
        same(done.returncode, 2, "status of a bad " + place_of)
        true(f.path(place_of) + ":2:23: timers.servwait: found \"x\"" in done.stderr, done.stderr)
    # what it means with the others: ports.last of conf.d stands behind it
    high = f.write("tmp/high", "ports = { first = 61000; };\n")
    true("61000 is above ports.last (60000)" in f.check("--as", main, high).stderr, "not together")
    true(f.json("--as", f.path("etc/conf.d/b.conf"), high)["result"] == "ok", "not in its place")
    # the place need not be there
    same(f.check("--as", f.path("new/twampd.conf"), good).returncode, 0, "status of a new file")
    keys = f.write("tmp/keys", "probe-1 secret\n", 0o600)
    same(f.json("--as", f.path("etc/twampd.keys"), keys)["keys"], 1, "keys")
    f.write("tmp/keys", "probe-1\n", 0o600)
    true("passphrase" in f.check("--as", f.path("etc/twampd.keys"), keys).stderr, "bad keys")
    done = f.check("--config", main, "--as", f.path("other/x.conf"), good)
    same(done.returncode, 2, "status of a file that nobody reads")
    true("none of the files that %s reads" % main in done.stderr, done.stderr)


@test
def instances(t):
    f = Files(t)
    candidate = f.write("tmp", "timers = { servwait = 7; };\n")
    f.write("twampd.conf", "")
    same(f.json("--as", f.path("conf.d/x.conf"), candidate)["config"], f.path("twampd.conf"),
         "the file that conf.d belongs to")


@test
def wrong_command_lines(t):
    f = Files(t)
    main = f.write("twampd.conf", "")
    for argv in (["--live"], ["--json"], ["--strict"], ["--as", main, main], ["--dump"]):
        done = subprocess.run([t.run.twampd, *argv], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=60)
        same(done.returncode, 2, "status of %s without --check-config" % argv)
        true("--check-config" in done.stderr, done.stderr)
    for argv in (["--as", main], ["--as", main, main, main], ["--dump", "--json", main]):
        done = f.check(*argv)
        same(done.returncode, 2, "status of %s" % argv)
        true("expected" in done.stderr, done.stderr)


@test
def warnings_of_this_host(t):
    f = Files(t)
    main = f.write("twampd.conf", 'listen = ( { address = "192.0.2.99"; port = 5000; },\n'
                                  '  { port = 5001; device = "nosuchdev"; } );\n'
                                  'reflector = { cpus = "1023"; };\n'
                                  'limits = { max_sessions = 20000; };\n')
    same(f.check(main).stderr, "", "warnings without --live")
    done = f.check("--live", main)
    same(done.returncode, 0, "exit status")
    true(main + ": ok" in done.stdout, done.stdout)
    for start in (":1:12: listen.address: \"192.0.2.99\" is no address of this host",
                  ":2:3: listen.device: there is no device \"nosuchdev\"",
                  ":3:22: reflector.cpus: CPU 1023 is not there",
                  ":4:27: limits.max_sessions: 20000 sessions are more than the 16384 ports"):
        true("twampd: warning: " + main + start in done.stderr, "%r is not in: %s" % (start, done.stderr))
    same(f.check("--live", "--strict", main).returncode, 2, "exit status with --strict")
    same(f.check("--strict", main).returncode, 0, "exit status with --strict alone")
    result = f.json("--live", main)
    same(result["result"], "warning", "result")
    true(all(x["level"] == "warning" for x in result["faults"]), "levels")


@test
def what_would_change(t):
    runtime = t.stack.enter_context(tempfile.TemporaryDirectory(prefix="twampd-run-"))
    env = {"RUNTIME_DIRECTORY": runtime}
    f = Files(t)
    d = t.daemon({"limits": {"max_sessions": 100}}, env=env)
    done = f.check(d.file, env=env)
    true("no changes for the running twampd (%d)" % d.pid in done.stdout, done.stdout)
    new = {"limits": {"max_sessions": 200}, "reflector": {"threads": 3},
           "clients": [{"name": "lab", "prefixes": ["::/0"], "dscp": [46]}]}
    d.write(merge(d.config, new))
    running = f.json(d.file, env=env)["running"]
    same(running["pid"], d.pid, "pid")
    same({x["key"]: (x.get("from"), x.get("to"), x["applies"]) for x in running["changes"]}, {
        "limits.max_sessions": ("100", "200", "reload"),
        "reflector.threads": (str(d.config.get("reflector", {}).get("threads", 0)), "3", "restart"),
        "clients.lab.prefixes": (None, '[ "::/0" ]', "reload"),
        "clients.lab.dscp": (None, "[ 46 ]", "reload")}, "changes")
    done = f.check(d.file, env=env)
    true("  limits.max_sessions = 200 (now 100), with a reload" in done.stdout, done.stdout)
    true(", after a restart" in done.stdout, done.stdout)
    # A reload takes some of them; what needs a restart still does.
    d.reload(new)
    same([x["key"] for x in f.json(d.file, env=env)["running"]["changes"]],
         ["reflector.threads"], "changes after the reload")
    d.terminate()
    true("running" not in f.json(d.file, env=env), "it runs no more")
    true("settings" not in os.listdir(runtime), "the file is left over")


@test
def the_first_shared_port_holds_until_a_restart(t):
    runtime = t.stack.enter_context(tempfile.TemporaryDirectory(prefix="twampd-run-"))
    env = {"RUNTIME_DIRECTORY": runtime}
    f = Files(t)
    d = t.daemon({"ports": {"mode": "shared", "first": 50000}}, env=env)
    d.reload({"ports": {"first": 51000, "last": 52000}})
    running = f.json(d.file, env=env)["running"]
    same([(x["key"], x["from"], x["to"], x["applies"]) for x in running["changes"]],
         [("ports.first", "50000", "51000", "restart")], "changes after the reload")


@test
def no_secret_is_told(t):
    runtime = t.stack.enter_context(tempfile.TemporaryDirectory(prefix="twampd-run-"))
    t.daemon({"auth": {"count": 1024}}, keys={b"probe-1": b"a very secret phrase"},
             env={"RUNTIME_DIRECTORY": runtime})
    path = os.path.join(runtime, "settings")
    same(os.stat(path).st_mode & 0o007, 0, "rights of others")
    with open(path) as f:
        text = f.read()
    true("\nkeys = 1\n" in text and "secret" not in text, text)


if __name__ == "__main__":
    harness.main()
