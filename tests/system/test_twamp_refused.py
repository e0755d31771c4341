# SPDX-License-Identifier: BSD-2-Clause
"""The real twamp and a twampd that refuses, does not answer, or ends. R-310..R-319."""

import signal
import subprocess

import harness
import rawclient
from harness import same, test, true, wait_for
from twamprun import controller, twamp

# --- refusals -------------------------------------------------------------------------

NAMES = {3: "Not Supported", 4: "Permanent Resource Limitation",
         5: "Temporary Resource Limitation"}


def refusal(t, code, carrier, *arguments, attempts=1):
    """R-318 R-310: the same to people and to machines; R-319: how often it was tried."""
    result = controller(t, "--count", "3", *arguments, status=10 + code)
    same((result["result"], result["code"], result["name"], result["carrier"],
          result["attempts"]), ("refused", code, NAMES[code], carrier, attempts), "JSON")
    true(result["action"], "no remedy in the JSON")
    out = twamp(t, "controller", "--count", "3", "--retries", "0", *arguments, t.server)
    same(out.returncode, 10 + code, "exit status")
    for part in (str(code), NAMES[code], carrier, result["meaning"], result["action"]):
        true(part in out.stderr, "%r is not in:\n%s" % (part, out.stderr))


@test(both=True)
def refused_as_not_supported(t):
    # exit status 13
    t.daemon({"timers": {"max_timeout": 1}})
    refusal(t, 3, "Accept-Session", "--timeout", "3s")


@test(both=True)
def refused_for_padding(t):
    # exit status 14
    t.daemon({"limits": {"max_padding": 100}})
    refusal(t, 4, "Accept-Session", "--padding", "101")
    same(controller(t, "--count", "3", "--interval", "5ms", "--padding", "100")["lost"], 0,
         "lost packets")


@test
def refused_for_sessions(t):
    # exit status 14; what was accepted before is given up
    d = t.daemon({"limits": {"max_sessions_per_connection": 2}})
    refusal(t, 4, "Accept-Session", "--sessions", "3")
    d.wait_idle()


@test(both=True)
def refused_for_connections(t):
    # exit status 14, Server-Start
    t.daemon({"limits": {"max_connections": 1}})
    t.connect()
    refusal(t, 4, "Server-Start")


@test
def refused_for_rate(t):
    # exit status 15, after all retries
    t.daemon({"limits": {"request_rate": 1, "request_burst": 1}})
    result = controller(t, "--count", "1", "--sessions", "500", "--retries", "2",
                        "--retry-wait", "10ms", "--quiet", status=15)
    same((result["code"], result["name"], result["carrier"], result["attempts"]),
         (5, NAMES[5], "Accept-Session", 3), "JSON")
    out = twamp(t, "controller", "--count", "1", "--sessions", "500", "--retries", "1",
                "--retry-wait", "10ms", t.server)
    same(out.returncode, 15, "exit status")
    for part in ("retry 1 of 1", NAMES[5], result["action"]):
        true(part in out.stderr, "%r is not in:\n%s" % (part, out.stderr))


@test(both=True)
def retries_until_accepted(t):
    # 5, then later 0
    t.daemon({"limits": {"request_rate": 1, "request_burst": 2}})
    with rawclient.connect(t.server) as c:
        codes = [c.request().accept for _ in range(20)]
    true(5 in codes, "codes %r" % codes)
    result = controller(t, "--count", "3", "--interval", "5ms", "--retries", "20",
                        "--retry-wait", "500ms", "--quiet")
    same((result["result"], result["lost"]), ("measured", 0), "result and lost packets")

# --- no Accept at all -----------------------------------------------------------------

@test(both=True)
def nobody_listens(t):
    # 20, and how to look
    t.run.end_shared()
    out = twamp(t, "controller", t.server)
    same(out.returncode, 20, "exit status")
    for part in ("862", "ss -ltn"):
        true(part in out.stderr, "%r is not in:\n%s" % (part, out.stderr))


@test
def server_that_does_not_answer(t):
    # 20
    d = t.daemon()
    d.signal(signal.SIGSTOP)
    try:
        out = twamp(t, "controller", "--control-timeout", "1s", t.server)
    finally:
        d.signal(signal.SIGCONT)
    same(out.returncode, 20, "exit status")
    true("862" in out.stderr and "timed out" in out.stderr, "stderr:\n" + out.stderr)


def start_and_wait(t, d, *arguments):
    """A twamp that is in the middle of its measurement."""
    process = subprocess.Popen([t.run.twamp, "controller", *arguments, t.server],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def end():
        if process.poll() is None:
            process.kill()
        process.communicate()
    t.stack.callback(end)
    d.wait_log("sessions of .* started")
    before = d.datagrams()
    wait_for(lambda: d.datagrams() > before + 20, "some packets of the measurement")
    return process


@test
def server_ends_during_the_measurement(t):
    # twamp notices, shows what it has, and does not claim success
    d = t.daemon()
    process = start_and_wait(t, d, "--count", "100000", "--interval", "5ms")
    same(d.terminate(), 0, "exit status of twampd")
    out, err = process.communicate(timeout=harness.PATIENCE)
    true(process.returncode in (1, 20), "exit status %d\n%s%s" % (process.returncode, out, err))
    true("round trip" in out, "no table in:\n" + out)


@test
def interrupted_by_the_user(t):
    # what there is is shown, and twampd is told to stop
    d = t.daemon()
    process = start_and_wait(t, d, "--count", "100000", "--interval", "5ms", "--timeout", "1s")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=harness.PATIENCE)
    true("round trip" in out, "no table in:\n" + out + err)
    d.wait_log("sessions of .* stopped")
    d.wait_idle()


if __name__ == "__main__":
    harness.main()
