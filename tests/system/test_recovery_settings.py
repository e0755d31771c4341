# SPDX-License-Identifier: BSD-2-Clause
"""A restart and a reload with settings that have an error by then: what goes on, what is told, and
who knocks meanwhile.
"""

import contextlib
import glob
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import harness
import rawclient
from harness import same, test, true, wait_for
from keyed import KEY, KEYS, connect, keyed_daemon
from manager import ACTIVATE, HAND_OVER, check_sessions, managed, sessions_of
from rawclient import make_packet

KEPT = "the settings of before the restart stay in force, those of the files cannot: "


# --- settings with an error -----------------------------------------------------------------

def break_syntax(d):
    d.write(text="limits = { max_sessions = ;\n")


def break_range(d):
    d.write(text="limits = { max_sessions = 0; };\n")


def break_away(d):
    os.unlink(d.file)


def break_beside(d):
    os.makedirs(os.path.join(d.dir, "conf.d"))
    with open(os.path.join(d.dir, "conf.d", "10-new.conf"), "w") as f:
        f.write("nonsense = 1;\n")


def break_keys(d):
    os.chmod(d.keys_file, 0o666)


def break_listen(d):
    d.write(harness.merge(d.config, {"listen": [{"address": "203.0.113.77", "port": 862}]}))


def break_light(d):
    d.write(harness.merge(d.config, {"light": [{"address": "203.0.113.77", "port": 8621,
                                                "type": "stamp", "clients": ["::/0"]}]}))


def break_shared(d):
    d.write(harness.merge(d.config, {"ports": {"mode": "shared", "first": 40000, "last": 40000},
                                     "reflector": {"threads": 4}}))


def mend(d):
    shutil.rmtree(os.path.join(d.dir, "conf.d"), ignore_errors=True)
    d.write(d.config)
    d.write_keys(KEYS)

BROKEN = ((break_syntax, "twampd.conf:1:"), (break_range, ": limits.max_sessions: 0 is out of range"),
          (break_away, "twampd.conf: there is no such file"),
          (break_beside, ": nonsense: "), (break_keys, "twampd.keys: has mode 0666"),
          (break_listen, "cannot listen on 203.0.113.77:862"),
          (break_light, "cannot listen on UDP 203.0.113.77:8621"),
          (break_shared, "fewer ports"))


@test
def a_restart_with_an_error_goes_on_as_before(t):
    #
    config = {"limits": {"max_sessions_per_connection": 2},
              "light": [{"port": 8620, "type": "twamp-light", "clients": [t.client]}]}
    m, d = managed(t, config)
    opened = sessions_of(t)
    for breaks, words in BROKEN:
        m.end(d)
        breaks(d)
        for _ in range(2):  # and again
            since = d.log_size()
            told = len(m.told)
            m.start(d)
            line = d.wait_log(re.escape(KEPT), since)
            true(words in line, "%r in: %s" % (words, line))
            true(line.startswith("twampd: error: "), line)
            d.wait_log("ready: settings as the process before had them", since)
            d.wait_log("took 2 connections and 2 sessions over", since)
            wait_for(lambda: any(KEPT[:30] in x.get("STATUS", "") and words in x["STATUS"]
                                 for x in m.told[told:]), "STATUS that tells")
            check_sessions(opened)
            with connect(t, 4) as c:  # by the keys that were in force
                accepts = [c.request().accept for _ in range(3)]
            same(accepts, [0, 0, 4], "Accepts with the limits that were in force")
            true(t.sender().exchange((t.server, 8620), make_packet(1)), "the Light port goes on")
            m.end(d)
        m.start(d)
        since = d.log_size()
        d.signal(signal.SIGHUP)
        if breaks == break_shared:  # holds after a restart only
            d.wait_log("these settings changed but hold only after a restart: .*ports.mode", since)
        else:
            line = d.wait_log("reload failed", since)
            true(words in line, "%r in: %s" % (words, line))
        mend(d)
        since = d.log_size()
        told = len(m.told)
        d.signal(signal.SIGHUP)
        d.wait_log("settings reloaded", since)
        wait_for(lambda: any(re.match(r"\d+ connections", x.get("STATUS", "")) for x in m.told[told:]),
                 "STATUS without it")
        check_sessions(opened)


@test
def nothing_of_the_settings_stays_behind(t):
    m, d = managed(t)
    opened = sessions_of(t)
    m.end(d)
    lots = m.unpack()
    files = {os.readlink("/proc/self/fd/%d" % fd): fd for kind, fd in lots if kind == b"s"}
    same(sorted(files), ["/memfd:twampd-keys (deleted)", "/memfd:twampd-settings (deleted)"],
         "what waits with the sockets")
    true(KEY[1] not in os.pread(files["/memfd:twampd-settings (deleted)"], 1 << 20, 0),
         "the settings have no passphrase")
    same(os.pread(files["/memfd:twampd-keys (deleted)"], 1 << 20, 0), b" ".join(KEY) + b"\n", "keys")
    for fd in files.values():
        same(os.fstat(fd).st_mode & 0o777, 0o600, "mode")
        with contextlib.suppress(PermissionError):
            os.pwrite(fd, b"x", 0)
            raise AssertionError("it is not sealed")
    m.pack(lots)
    m.start(d)
    same([name for name in d.fds().values() if "memfd" in name], [], "memory files that stay open")
    check_sessions(opened)


@test
def without_a_process_before_an_error_is_the_end(t):
    m, d = managed(t)
    d.terminate()
    break_range(d)
    d.start(wait=False)
    same(d.wait_exit(), 2, "exit status")
    true("twampd: error: twampd does not start, its settings have an error: " in d.log(), d.log())
    d.write(harness.merge(d.config, {"listen": [{"address": "203.0.113.77", "port": 862}]}))
    d.start(wait=False)
    same(d.wait_exit(), 1, "exit status")
    true("twampd: error: twampd does not start: cannot listen on 203.0.113.77:862" in d.log(), d.log())

# --- who knocks meanwhile -------------------------------------------------------------------

def inherited(t, *kinds):
    """Sockets as a service manager has them: they are there before and after the process."""
    def bind():
        harness.enter_namespace(t.net.server)
        fds = []
        for kind in kinds:
            s = socket.socket(socket.AF_INET, kind)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(("0.0.0.0", 862))
            if kind == socket.SOCK_STREAM:
                s.listen(128)
            fds.append(s.detach())
        return fds
    import concurrent.futures
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        fds = pool.submit(bind).result()
    for fd in fds:
        t.stack.callback(os.close, fd)
    return fds


@test
def who_knocks_at_an_error_is_sent_away(t):
    # else the service manager would start it at once for the same client, again and again
    _, d = managed(t)
    d.terminate()
    control, light = inherited(t, socket.SOCK_STREAM, socket.SOCK_DGRAM)
    break_syntax(d)
    for _ in range(2):
        clients = [rawclient.Control(t.server) for _ in range(10)]
        for _ in range(10):
            t.sender().send((t.server, 862), make_packet(1))
        d.prefix = ACTIVATE + ["fd%d:control" % control, "fd%d:light" % light, "--"]
        d.pass_fds = [control, light]
        begin = time.monotonic()
        d.start(wait=False)
        for c in clients:
            same(c.wait_closed(), b"", "octets before the end")
        same(d.wait_exit(), 2, "exit status")
        true(time.monotonic() - begin > 1.5, "the next start is not at once")
        import select
        same(select.select([control, light], [], [], 0)[0], [], "sockets where somebody still waits")

    def at_once():
        begin = time.monotonic()
        same(d.wait_exit(), 2, "exit status")
        return time.monotonic() - begin < 1.5

    def nobody_knocks():
        d.start(wait=False)  # the operator is told
        return at_once()

    def restarted_meanwhile():
        with rawclient.Control(t.server) as knocking:
            d.start(wait=False)
            same(knocking.wait_closed(), b"", "octets before the end")
            d.signal(HAND_OVER)  # systemctl restart
            return at_once()
    # Was there a wait, none of them would be so short, on however slow a machine.
    wait_for(nobody_knocks, "an end at once, with nothing to wait for")
    wait_for(restarted_meanwhile, "an end by the signal")
    mend(d)
    since = d.log_size()
    d.start()
    d.wait_log("listening on 1 sockets that", since)
    t.connect()


@test
def a_manager_that_has_no_sockets_any_more(t):
    # after systemctl edit twampd.socket: what waits in the store outlasts it until it has
    m, d = managed(t)
    d.terminate()
    control, light = inherited(t, socket.SOCK_STREAM, socket.SOCK_DGRAM)
    specs = ("fd%d:control" % control, "fd%d:light" % light)

    def start(*specs):
        given = list(specs) + ["fd%d:%s" % (fd, name) for name, fd in m.store]
        d.prefix, d.pass_fds = ACTIVATE + given + ["--"], [control, light] + [fd for _, fd in m.store]
        d.start()
    d.write(harness.merge(d.config, {"light": [{"address": "0.0.0.0", "port": 862, "type": "stamp",
                                                "clients": [t.client]}]}))
    start(*specs)
    opened = sessions_of(t, (1,))
    m.end(d)
    for _ in range(3):
        since = d.log_size()
        given = ["fd%d:%s" % (fd, name) for name, fd in m.store]
        d.prefix, d.pass_fds = ACTIVATE + given + ["--"], [fd for _, fd in m.store]
        d.start(wait=False)
        same(d.wait_exit(), 1, "exit status")
        line = d.log(since)
        true("twampd: error: twampd does not start: cannot listen on " in line and
             re.search(r"if it is systemd, .*twampd(-light)?\.socket.* \(li(sten|ght) of .*twampd.conf:\d+\)",
                       line), line)
        same(len(m.store), 2, "descriptors in the store")
    start(*specs)
    check_sessions(opened)
    t.connect()
    true(t.sender().exchange((t.server, 862), make_packet(1) + bytes(30)), "the Light port")

# --- the verdict of a reload ----------------------------------------------------------------

def ask(t, d, env=None):
    return subprocess.run([t.run.twampd, "--reload", str(d.pid)], stderr=subprocess.PIPE, text=True,
                          env=env if env is not None else d.env, timeout=60)


@test
def who_asks_for_a_reload_hears_what_came_of_it(t):
    folder = os.path.join("/run", "twampd-test-%d" % os.getpid())
    os.mkdir(folder)
    t.stack.callback(shutil.rmtree, folder, True)
    d = keyed_daemon(t, env={"RUNTIME_DIRECTORY": folder + ":/run/other"})
    for _ in range(3):
        since = d.log_size()
        done = ask(t, d)
        same((done.returncode, done.stderr), (0, ""), "a good reload")
        true("settings reloaded" in d.wait_log("settings reloaded", since), "it was one")
    for breaks, words in BROKEN:
        breaks(d)
        if breaks == break_shared:
            continue  # holds after a restart only
        done = ask(t, d)
        same(done.returncode, 1, "status of: %s" % done.stderr)
        true(done.stderr.startswith("twampd: ") and words in done.stderr, done.stderr)
        mend(d)
    same(ask(t, d).returncode, 0, "status after the mend")
    same(glob.glob(folder + "/.*"), [], "left over")
    asked = [subprocess.Popen([t.run.twampd, "--reload", str(d.pid)], env=d.env) for _ in range(20)]
    same([p.wait(60) for p in asked], [0] * 20, "many at once")
    done = ask(t, d, {})
    same(done.returncode, 1, "status without a runtime directory")
    true("kill -HUP %d" % d.pid in done.stderr, done.stderr)
    d.terminate()
    done = ask(t, d)
    same(done.returncode, 1, "status without a process")
    true("No such process" in done.stderr, done.stderr)


@test
def only_a_process_can_reload(t):
    for word in ("0", "-1", "12x", "", "99999999999999999999"):
        done = subprocess.run([t.run.twampd, "--reload", word], stderr=subprocess.PIPE, text=True)
        same(done.returncode, 2, "status of --reload %r" % word)
        true("the number of a process expected" in done.stderr, done.stderr)


@test
def a_failed_reload_is_shown_until_a_good_one(t):
    m, d = managed(t)
    break_range(d)
    told = len(m.told)
    d.signal(signal.SIGHUP)

    def status():
        return [x["STATUS"] for x in m.told[told:] if "STATUS" in x]
    wait_for(lambda: any("max_sessions" in s for s in status()), "STATUS that tells")
    c = connect(t, 1)  # figures change
    same(c.request().accept, 0, "Accept")
    wait_for(lambda: len(status()) > 1 and "1 connection" in status()[-1], "a later STATUS", 30)
    true("reload failed" in status()[-1] and "a start with the new ones would fail" in status()[-1],
         status()[-1])
    mend(d)
    told = len(m.told)
    d.signal(signal.SIGHUP)
    wait_for(lambda: any(s.startswith("1 connection") for s in status()), "STATUS without it")


if __name__ == "__main__":
    harness.main()
