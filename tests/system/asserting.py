# SPDX-License-Identifier: BSD-2-Clause
"""What tests wait for, and what they compare. Nothing else here sleeps: a test waits for an event."""

import time

from rawclient import PATIENCE


def wait_for(condition, what, patience=PATIENCE):
    """Until condition() is true; its value."""
    end = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("in vain waited for: " + what)
        time.sleep(0.02)


def same(got, want, what):
    if got != want:
        show = lambda v: v.hex() if isinstance(v, bytes) else repr(v)  # noqa: E731
        raise AssertionError("%s: got %s, want %s" % (what, show(got), show(want)))


def true(value, what):
    if not value:
        raise AssertionError(what)
