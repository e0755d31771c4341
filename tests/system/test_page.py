# SPDX-License-Identifier: BSD-2-Clause
"""The status page of the real twampd in a real browser: what an operator sees, and does with it."""

import harness
import scrape
from harness import same, test, true
from pagerun import ROWS, SHOWN, browse, cell, many_sessions
from rawclient import make_packet
from scrape import METRICS
from webdriver import KEYS


@test
def lists(t):
    d = t.daemon(dict(METRICS, light=[{"address": "0.0.0.0", "port": 8620, "type": "stamp",
                                       "clients": ["192.0.2.0/24"]}]))
    sender = t.sender()
    _, _, to = t.session(sender=sender)
    many_sessions(t.connect(), t.sender(), 119)
    for number in (0, 1, 5):
        sender.send(to, make_packet(number))
        true(sender.receive() is not None, "a reply")
    same(t.connect().request(padding=65001).accept, 4, "Accept of too much padding")
    b = browse(t, d)
    b.wait(SHOWN + " === '1\u201350 of 120'", "the first page")
    same(b.run("return " + ROWS), 50, "rows")
    b.picture("sessions")
    b.click("#next")
    b.wait(SHOWN + " === '51\u2013100 of 120'", "the second page")
    b.click("[data-sort=received]")
    b.wait(cell("Received") + "[0] === '3'", "the one with most packets first")
    same(b.run("return " + SHOWN), "1\u201350 of 120", "from the first page on")
    same(b.run("return " + cell("Lost") + "[0]"), "50.00 %", "lost")
    b.click("[data-sort=received]")
    b.wait("document.querySelector('th[aria-sort=ascending]').textContent === 'Received'",
           "the other way round")
    b.wait(cell("Received") + "[0] === '0'", "the one with least packets first")
    b.type("input[name=client]", "192.0.2.1" + KEYS["enter"])
    b.wait(SHOWN + " === 'None.'", "no client of that address")
    b.run("document.querySelector('input[name=client]').value = ''")
    b.type("input[name=client]", t.client + KEYS["enter"])
    b.wait(SHOWN + " === '1\u201350 of 120'", "all of that client")
    b.click("[data-sort=received]")
    b.wait(cell("Received") + "[0] === '3'", "most packets first, again")
    b.click("#table tbody button")
    b.wait("document.getElementById('session').open", "one session")
    true("Counters" in b.text("#session-body"), "the counters of the session")
    true("Delay above the least" in b.text("#session-body"), "the delays on the way here")
    true(b.run("return document.querySelectorAll('#session rect').length") > 0, "a histogram")
    b.picture("session")
    b.type("#session button", KEYS["escape"])
    b.wait("!document.getElementById('session').open", "the end of the dialog")
    b.type("#tab-sessions", KEYS["right"] * 2)  # with the keyboard alone
    b.wait("document.activeElement.id === 'tab-refused'", "the third list")
    b.wait(cell("Reason") + "[0] === 'max-padding'", "the refusal")
    true("max-padding" in b.text("#cards"), "the refusal among the state: " + b.text("#cards"))
    b.picture("refused")
    b.type("#tab-refused", KEYS["right"])
    b.wait(cell("Entry") + "[0] === '0.0.0.0:8620'", "the port of light")
    same(b.run("return " + SHOWN), "1\u20131 of 1", "entries of light")
    same(b.complaints(), [], "complaints of the browser")


@test
def looks(t):
    """Dark and light, on a phone, and when nobody answers any more."""
    d = t.daemon(METRICS)
    t.session()
    b = browse(t, d, width=500, height=844)
    before = b.run("return getComputedStyle(document.body).backgroundColor")
    b.picture("phone")
    true(b.run("return document.documentElement.scrollWidth <= innerWidth"), "it is too wide")
    b.click("#theme")
    true(b.run("return getComputedStyle(document.body).backgroundColor") != before, "one theme")
    b.picture("phone-dark")
    b.resize(1280, 900)
    b.picture("dark")
    b.click("#pause")
    same(b.run("return document.getElementById('pause').getAttribute('aria-pressed')"), "true", "paused")
    b.click("#pause")
    same(b.complaints(), [], "complaints of the browser")
    d.terminate()
    b.wait("document.getElementById('trouble').textContent === 'twampd does not answer.'",
           "that nobody answers")
    b.picture("gone")


@test
def nothing_of_others_is_markup(t):
    """What comes from the network is text. And no foreign page can read any of it."""
    d = t.daemon(METRICS)
    status, headers, text = scrape.get(d, "/")
    same(status, 200, "status of the page")
    policy = headers["Content-Security-Policy"]
    for part in ("default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'",
                 "script-src 'sha256-", "style-src 'sha256-"):
        true(part in policy, "%s is not in %s" % (part, policy))
    true("unsafe" not in policy, policy)
    for word in ("innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", " style=",
                 " onclick=", "https://"):
        true(word not in text, word + " is in the page")
    true(text.count("http://") == text.count("http://www.w3.org/2000/svg"), "a foreign address")
    same(scrape.get(d, "/api/v1/status", headers={"Host": "evil.example"})[0], 421, "foreign name")
    true("Access-Control-Allow-Origin" not in headers, "it allows others to read it")


if __name__ == "__main__":
    harness.main()
