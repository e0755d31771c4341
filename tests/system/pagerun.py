# SPDX-License-Identifier: BSD-2-Clause
"""The status page in a browser: to open it, and to read what it shows."""

from harness import same
from rawclient import make_request
from scrape import PORT
from webdriver import Browser

URL = "http://127.0.0.1:%d/" % PORT
ROWS = "document.querySelectorAll('#table tbody tr').length"
SHOWN = "document.getElementById('shown').textContent"


def browse(t, d, **size):
    b = Browser(d, **size)
    t.stack.callback(b.close)
    b.open(URL)
    b.wait("document.body.dataset.ready >= 1", "the first answers")
    return b


def cell(title):
    """The texts of a column."""
    return ("(() => { const head = [...document.querySelectorAll('#table th')]"
            ".findIndex(h => h.textContent === '%s');"
            "return [...document.querySelectorAll('#table tbody tr')]"
            ".map(r => r.cells[head].textContent); })()" % title)


def many_sessions(c, sender, number):
    request = make_request(sender_port=sender.port)
    for start in range(0, number, 50):
        n = min(50, number - start)
        c.send(request * n)
        for _ in range(n):
            same(c.accept_session().accept, 0, "Accept")
