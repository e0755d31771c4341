# SPDX-License-Identifier: BSD-2-Clause
"""What may go wrong on the way from one process to the next: it ends too soon, signals come too
early, the settings have an error by then.
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
from keyed import KEY, KEYS, connect, keyed_daemon, open_session
from manager import ACTIVATE, HAND_OVER, Manager
from rawclient import make_packet

STRACE = shutil.which("strace")
PEEK_OFF = 42
KEPT = "the settings of before the restart stay in force, those of the files cannot: "


def managed(t, config=None, **options):
    m = Manager()
    t.stack.callback(m.close)
    return m, keyed_daemon(t, config, env=m.environment(), **options)


def packet(s, number):
    return s.layout.sent(number, rawclient.ntp(), 0x8001)


def sessions_of(t, modes=(1, 4)):
    opened = []
    for mode in modes:
        c = connect(t, mode)
        s, _ = open_session(t, c, mode)
        s.check(packet(s, 0))
        opened.append((c, s))
    return opened


def check_sessions(opened):
    for _, s in opened:
        s.check(packet(s, s.seq))


# --- who ends before it is ready ------------------------------------------------------------

def strace(t, *options):
    """Put between the program that passes the sockets and twampd; the process stays the same."""
    if not STRACE or t.run.sanitized:
        raise harness.Skip("needs strace, and a twampd without sanitizers")
    return [STRACE, "-D", "-qq", *options, "--"]


def start_traced(m, d, tracer):
    specs = ["fd%d:%s" % (fd, name) for name, fd in m.store]
    d.prefix = ACTIVATE + specs + ["--"] + tracer
    d.pass_fds = [fd for _, fd in m.store]
    d.start(wait=False)


def calls_of_a_start(t, m, d):
    """The system calls of a start until READY=1, which hands over again."""
    path = os.path.join(d.dir, "calls")
    since = d.log_size()
    start_traced(m, d, strace(t, "-o", path))
    d.wait_log(r"\bready\b", since)
    m.wait_empty()
    m.end(d)
    with open(path) as f:
        lines = f.read().splitlines()
    ready = next(i for i, line in enumerate(lines) if line.startswith("sendmsg") and "READY=1" in line)
    held = next(i for i, line in enumerate(lines) if "rt_sigprocmask(SIG_BLOCK, [HUP INT USR1" in line)
    return lines, held, ready


def at_call(calls, at, name):
    """The option that sends a signal at this call; strace counts each kind for itself."""
    kind = calls[at].split("(")[0]
    return ["-o", "/dev/null", "-e", "inject=%s:signal=%s:when=%d" % (
        kind, name, sum(line.split("(")[0] == kind for line in calls[:at + 1]))]


@test
def killed_at_any_call_before_ready(t):
    # the next one finds all of it
    m, d = managed(t, {"light": [{"port": 8620, "type": "twamp-light", "clients": [t.client]}]})
    opened = sessions_of(t)
    m.end(d)
    calls, held, ready = calls_of_a_start(t, m, d)
    # Those that depend on what other threads do meanwhile come more often or less often.
    steady = [at for at in range(held, ready) if not re.match("futex|brk|m(map|unmap|protect|advise)",
                                                              calls[at])]
    for at in steady[::len(steady) // 40] + steady[-5:]:
        start_traced(m, d, strace(t, *at_call(calls, at, "KILL")))
        wait_for(lambda: not d.alive(), "the end by a signal at " + calls[at])
        same(d.wait_exit(), -signal.SIGKILL, "status when killed at " + calls[at])
        same(len(m.store), 2, "descriptors in the store, killed at " + calls[at])
        # Who ends three times while he takes it up is taken for one that cannot.
        m.start(d)
        m.end(d)
    m.start(d)
    d.wait_log("took 2 connections and 2 sessions over")
    check_sessions(opened)
    true(t.sender().exchange((t.server, 8620), make_packet(1)), "the Light port goes on")
    for c, _ in opened:
        c.stop(1)


@test
def signals_that_come_early_wait(t):
    m, d = managed(t)
    opened = sessions_of(t)
    m.end(d)
    calls, held, ready = calls_of_a_start(t, m, d)
    for number, name, words in ((signal.SIGHUP, "HUP", "settings reloaded"),
                                (signal.SIGUSR1, "USR1", "draining"),
                                (signal.SIGUSR2, "USR2", None),
                                (HAND_OVER, "%d" % HAND_OVER, "handed 2 connections and 2 sessions over")):
        for at in range(held + 1, ready, (ready - held) // 5):
            since = d.log_size()
            start_traced(m, d, strace(t, *at_call(calls, at, name)))
            d.wait_log(r"\bready\b", since)
            if words:
                d.wait_log(words, since)
            if number == HAND_OVER:
                same(d.wait_exit(), 0, "exit status of who handed over at once")
            else:
                m.wait_empty()
                m.end(d)
            same(len(m.store), 2, "descriptors in the store")
    m.start(d)
    check_sessions(opened)


@test
def what_nobody_can_take_up_is_given_up(t):
    # a state that ends each process that reads it must not do so for ever
    m, d = managed(t)
    opened = sessions_of(t, (1,))
    m.end(d)
    calls, _, _ = calls_of_a_start(t, m, d)
    seeks = [line for line in calls if line.startswith("lseek")]
    last = next(i for i, line in enumerate(seeks, 1) if "SEEK_SET" in line and ", 0," in line)
    for _ in range(3):
        start_traced(m, d, strace(t, "-o", "/dev/null", "-e",
                                  "inject=lseek:signal=KILL:when=%d" % last))
        same(d.wait_exit(), -signal.SIGKILL, "status")
        same(len(m.store), 2, "descriptors in the store")
    since = d.log_size()
    m.start(d)
    d.wait_log("could not take over all .*: no process could take it up", since)
    same(opened[0][0].wait_closed(), b"", "octets before the end")
    m.wait_empty()


@test
def killed_at_any_moment(t):
    # the same by time, with what strace does not see; sanitizers, too
    m, d = managed(t)
    opened = sessions_of(t)
    m.end(d)
    for ms in list(range(0, 60, 3)) * (1 if t.run.sanitized else 2):
        specs = ["fd%d:%s" % (fd, name) for name, fd in m.store]
        d.prefix, d.pass_fds = ACTIVATE + specs + ["--"], [fd for _, fd in m.store]
        told = len(m.told)
        d.start(wait=False)
        time.sleep(ms / 1000)
        with contextlib.suppress(ProcessLookupError):
            d.signal(signal.SIGKILL)
        d.wait_exit()
        m.catch_up()
        if any(x.get("READY") for x in m.told[told:]):
            opened = None  # it was ready: that is a crash like any other
            break
        same(len(m.store), 2, "descriptors in the store, killed after %d ms" % ms)
    m.start(d)
    if opened:
        check_sessions(opened)


@test
def a_drain_goes_on(t):
    entry = {"type": "twamp-light", "clients": [t.client]}
    m, d = managed(t, {"light": [dict(entry, port=8620, drain=True), dict(entry, port=8621)]})
    opened, idle, sender = sessions_of(t, (1,)), connect(t, 1), t.sender()

    def light_is_drained():
        # Light where it is asked for; the reply of the other port tells that both had their turn
        for port in (8620, 8621):
            sender.send((t.server, port), make_packet(port))
        same(sender.receive().source, (t.server, 8621), "who replies while draining")

    d.signal(signal.SIGUSR1)
    d.wait_log("draining: new connections and sessions are answered with 5")
    light_is_drained()
    for _ in range(2):
        since = d.log_size()
        m.restart(d)
        d.wait_log("draining: new connections and sessions are answered with 5", since)
        same(idle.request().accept, 5, "Accept of a request")
        light_is_drained()
        d.reload()
        d.wait_log(r":8620.* dropped draining 1\b", since)
        light_is_drained()
        check_sessions(opened)
    told = len(m.told)
    wait_for(lambda: any(x.get("STATUS", "").startswith("draining") for x in m.told[told - 3:]),
             "STATUS that tells")
    since = d.log_size()
    d.signal(signal.SIGUSR2)
    d.wait_log("no longer draining", since)
    true(sender.exchange((t.server, 8620), make_packet(1)), "the drained port replies again")
    m.restart(d)
    same(idle.request().accept, 0, "Accept of a request")
    true(sender.exchange((t.server, 8620), make_packet(2)), "and after a restart")


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
