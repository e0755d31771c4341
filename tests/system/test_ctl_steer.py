# SPDX-License-Identifier: BSD-2-Clause
"""twampctl steers a real twampd: reload and go back, drain, end, log more."""

import json
import os
import socket

import harness
from ctlrun import Asked
from harness import same, test, true, wait_for


def limit(a):
    return a.json("status")["connections"]["max"]


@test
def reload_tells_what_changed(t):
    a = Asked(t)
    a.write({"limits": {"max_connections": 77}})
    r = a.json("reload")
    same(r["changed"], [{"key": "limits.max_connections", "from": "4000", "to": "77",
                         "applies": "next"}], "changed")
    same((limit(a), r["restart"]), (77, ""), "in force")
    true("nothing changed" in a.run("reload"), "the second reload")
    a.daemon.write(text="limits = { max_connections = 0; };")
    a.run("reload", expect=1)
    true("max_connections" in a.said and ":1" in a.said, "the error names the line: " + a.said)
    s = a.json("status")["reload"]
    true(not s["ok"] and "max_connections" in s["error"], "status has the error: %r" % s)
    same(limit(a), 77, "the old settings stay")
    true("failed at" in a.run("status"), "the page has it too")
    a.daemon.wait_log(r"told by twampctl: reload \(user 0, process \d+\)")
    a.write({"reflector": {"threads": 1}})
    same(a.json("reload")["restart"], "reflector.threads", "what needs a restart")


@test
def reload_goes_back_unless_confirmed(t):
    a = Asked(t)
    a.run("confirm", expect=1)
    a.write({"limits": {"max_connections": 77}})
    a.run("reload", "--confirm", "1m")
    a.run("reload", expect=1)  # one thing after the other
    a.run("confirm")
    same(limit(a), 77, "confirmed")
    a.write({"limits": {"max_connections": 78}})
    same(a.json("reload", "--confirm", "1")["confirm_s"], 1, "confirm_s")
    a.daemon.wait_log("not confirmed in time")
    same(limit(a), 77, "gone back")
    true("not confirmed" in a.json("status")["reload"]["error"], "status tells why")
    a.run("confirm", expect=1)
    a.run("reload")
    same((limit(a), a.json("status")["reload"]["ok"]), (78, True), "and forward again")


@test
def drain_and_undrain(t):
    a = Asked(t)
    c = t.connect()
    same(c.request().accept, 0, "Accept")
    same(a.json("drain"), {"draining": True, "drain_light": False, "connections": 1,
                            "sessions": 1}, "drain")
    same(c.request().accept, 5, "Accept while it drains")
    a.run("drain", "--wait", "--timeout", "1s", expect=1)
    true("1 sessions are left" in a.said, a.said)
    with a.call() as s:
        s.sendall(b'{"cmd":"drain","args":{"wait":true}}\n')
        a.run("status")  # others are answered meanwhile
        c.close()
        same(json.loads(s.makefile().readline())["result"]["sessions"], 0, "sessions in the end")
    same(a.json("undrain")["draining"], False, "undrain")
    same(t.connect().request().accept, 0, "Accept afterwards")


@test
def drain_of_light(t):
    a = Asked(t, {"light": [{"port": 8620, "type": "stamp", "clients": [t.client + "/32"]}]})
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((t.client, 0))
        s.connect((t.server, 8620))
        s.settimeout(harness.PATIENCE)

        def dropped():
            return a.json("counters")["light"]["drops"]["draining"]
        a.run("drain")
        s.send(bytes(44))
        s.recv(100)  # as light.drain says
        a.run("drain", "--light")
        a.daemon.wait_log("told by twampctl: drain --light")
        s.send(bytes(44))
        wait_for(lambda: dropped() == 1, "a packet that is not answered")
        true("ports of light give no replies" in a.run("drain"), "a second drain changes nothing")
        same(a.json("status")["drain_light"], True, "status")
        a.run("undrain")
        s.send(bytes(44))
        s.recv(100)
        same((dropped(), a.json("status")["drain_light"]), (1, False), "afterwards")


@test
def end_sessions(t):
    a = Asked(t)
    c, other = t.connect(), t.connect(source=t.client_other)
    one, two, three = c.request(), c.request(), other.request()
    same(a.json("end", "session", one.sid.hex()), {"sessions": 1, "connections": 0}, "end session")
    wait_for(lambda: len(a.rows("sessions")) == 2, "two sessions")
    a.run("end", "session", one.sid.hex(), expect=1)
    since = a.daemon.log_size()
    same(a.json("end", "client", t.client), {"sessions": 1, "connections": 1}, "end client")
    wait_for(lambda: [r["sid"] for r in a.rows("sessions")] == [three.sid.hex()], "the other's")
    c.wait_closed()
    a.daemon.wait_log("an operator ended the connection", since)
    same(other.request().accept, 0, "the other's connection goes on")
    same(a.json("end", "class", "default"), {"sessions": 2, "connections": 1}, "end class")
    wait_for(lambda: a.rows("sessions") == [] and a.rows("connections") == [], "none is left")
    a.run("end", "class", "nobody", expect=1)
    same(t.connect().request().accept, 0, "who comes again is served")
    a.daemon.wait_log("told by twampctl: end session " + one.sid.hex())
    true(two.sid != one.sid, "SIDs differ")


@test
def log_one_client_only(t):
    a = Asked(t, {"log": {"level": "notice"}})
    since = a.daemon.log_size()
    a.run("log", "debug", "--client", t.client_other)
    same((t.connect().request().accept, t.connect(source=t.client_other).request().accept), (0, 0),
         "Accept")
    a.daemon.wait_log("info.*" + t.client_other.replace(".", r"\."), since)
    true(t.client + ":" not in a.daemon.log(since), "the other client is not in the log")
    a.run("log", "info", "--for", "1s")
    t.connect().request()
    a.daemon.wait_log("info.*" + t.client.replace(".", r"\.") + ":", since)
    a.run("log", "loud", expect=2)

    def is_calm():
        at = a.daemon.log_size()
        t.connect(source=t.client_other).close()
        a.run("undrain")  # which is told
        a.daemon.wait_log("told by twampctl: undrain", at)
        return "info: " not in a.daemon.log(at)
    wait_for(is_calm, "the level of the settings")


@test
def others_may_only_read(t):
    a = Asked(t)
    os.chmod(a.folder, 0o755)
    os.chown(a.path, 0, 65534)
    pid = os.fork()
    if not pid:
        try:
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            answers = []
            for command in ("status", "drain", "reload", "undrain"):
                with a.call() as s:
                    s.sendall(json.dumps({"cmd": command}).encode() + b"\n")
                    answers.append(json.loads(s.makefile().readline()))
            ok = [x["ok"] for x in answers] == [True, False, False, False]
            ok = ok and all(x["error"]["kind"] == "not-allowed" for x in answers[1:])
            os._exit(0 if ok else 1)
        except BaseException:  # pylint: disable=broad-except
            os._exit(2)
    same(os.waitpid(pid, 0)[1], 0, "what somebody else gets")
    same(a.json("status")["draining"], False, "nothing changed")


if __name__ == "__main__":
    harness.main()
