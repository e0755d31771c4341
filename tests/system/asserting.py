# SPDX-License-Identifier: BSD-2-Clause
"""What tests wait for, and what they compare. No other file here may sleep, see tests/layering."""

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


def pause(seconds, reason):
    """Where time itself is the point, or the pace of an attack. The reason says why a busy machine,
    on which it takes longer, does not change what the test decides."""
    assert len(reason) > 10
    time.sleep(seconds)


def same(got, want, what):
    if got != want:
        show = lambda v: v.hex() if isinstance(v, bytes) else repr(v)  # noqa: E731
        raise AssertionError("%s: got %s, want %s" % (what, show(got), show(want)))


def true(value, what):
    if not value:
        raise AssertionError(what)
