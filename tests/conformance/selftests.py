# SPDX-License-Identifier: BSD-2-Clause
"""Trees made to break each rule of conformance.py, and what it says to them."""

import pathlib
import tempfile

from conformance import COLUMNS, DOCUMENT, LIST, check, collect, document

GOOD = {
    LIST: "# a list\n" + "\t".join(COLUMNS) + "\n\n## One\n"
          "R-001\tMUST\tRFC 1 §1\tfirst\nR-002\tMAY\tRFC 1 §2\tsecond\n"
          "R-003\tP\tproject\tthird\nR-004\tP\tproject\tfourth\n\n## Two\n"
          "T-001\tP\tproject\tfifth\tlater: not built yet\nQ-01\tP\tproject\tsixth\tsee: R-001\n"
          "S-1\tP\tproject\tseventh\n",
    "tests/unit/test-a.c": "// T-001 in the head is no tag\n"
        "#include <check.h>\n\n/* R-001 */\nstatic const int rows[] = {\n\t1, /* R-002 */\n};\n\n"
        '/* a macro that opens a brace */\n#define OPEN(x) \\\n\tif (x) {\n\n'
        'static void helper(int *p)\n{\n\tputs("T-001 /* {"); /* R-003 */\n}\n\n'
        "START_TEST(table)\n{\n\tuse(rows);\n}\nEND_TEST\n\n"
        "START_TEST(other) /* R-002 */\n{\n\thelper();\n}\nEND_TEST\n\n"
        "int main(void)\n{\n\tadd(table);\n\tadd(other);\n}\n",
    "tests/unit/meson.build": "foreach name : ['a']\n",
    "tests/unit/talk.c": "#include <x.h>\n\n/* R-001: one */\nTALK(one, { 1, 2 },\n"
        "     { 3, 4 }); /* R-003 */\n/* R-001..R-003 */\nTALK(two, { 1 });\n"
        "static const struct t talks[] = { T(one), T(two) };\n",
    "tests/system/test_b.py": '# R-001..R-003\n"""T-001 in a module docstring"""\n\n\n'
        'def helper():\n    """Checks. S-1"""\n    return "T-001"\n\n\n@test\n'
        "def whole():  # R-001 R-002\n    helper()\n\n\nTABLE = [\n    1,  # R-003\n]\n\n\n"
        "# R-001..R-004\n@test(both=True)\ndef rows():\n    use(TABLE)\n\n\n"
        "def made(x):\n    def function(t):\n        # R-002\n        x()\n\n\n"
        "EACH = [\n    2,  # R-004\n]\nfor x in EACH:\n    test(made(x))\n\n\n"
        "class Suite(TestCase):\n    def test_it(self):\n        # R-004\n        pass\n",
    "protocol/x.h": "/* R-001 R-003 */\n",
}
GOOD_TESTS = {
    "R-001": {"system/test_b.py: rows", "system/test_b.py: whole", "unit/talk.c: one",
              "unit/talk.c: two", "unit/test-a.c: table"},
    "R-002": {"system/test_b.py: made", "system/test_b.py: rows", "system/test_b.py: whole",
              "unit/talk.c: two", "unit/test-a.c: other", "unit/test-a.c: table"},
    "R-003": {"system/test_b.py: rows", "unit/talk.c: one", "unit/talk.c: two",
              "unit/test-a.c: other"},
    "R-004": {"system/test_b.py: Suite.test_it", "system/test_b.py: made",
              "system/test_b.py: rows"},
    "T-001": set(),
    "Q-01": set(),
    "S-1": {"system/test_b.py: whole"},
}
# file, what is replaced in it (None: all), by what, and what the complaint says
BAD = [
    ("tests/unit/test-a.c", "R-003", "R-005", "tests/unit/test-a.c: R-005 is not in"),
    ("tests/system/test_b.py", "R-001 R-002", "R-001 C-002", "test_b.py: C-002 is not in"),
    ("tests/system/test_b.py", "R-001..R-004\n@", "R-001..R-007\n@", "R-007 is not in"),
    ("protocol/x.h", "R-003", "R-030", "protocol/x.h: R-030 is not in"),
    ("tests/system/test_b.py", "S-1", "s", "S-1 has neither a test nor a reason"),
    (LIST, "fourth\n", "fourth\nR-006\tMUST\tRFC 1\tnew\n", "R-006 has neither a test nor"),
    (LIST, "third", "third\tlater: when?", 'R-003 has a test (system/test_b.py: rows) and the'),
    ("tests/unit/test-a.c", "R-003", "T-001", "T-001 has a test (unit/test-a.c: other)"),
    (LIST, "see: R-001", "see: R-010", "Q-01: see R-010, which is not in"),
    (LIST, "see: R-001", "see: T-001", "Q-01: see T-001, which has no test"),
    (LIST, "later: not", "sometime: not", "a reason is later:"),
    (LIST, "R-002\tMAY", "R-001\tMAY", "R-001 is there twice"),
    (LIST, "R-002\tMAY", "R-002\tMAYBE", "not id, level, source, text"),
    (LIST, "first", "", "not id, level, source, text"),
    (LIST, "## One\n", "", "no heading above it"),
    ("tests/unit/test-a.c", "\tadd(other);\n", "", "other shows R-002, but is not run"),
    ("tests/unit/meson.build", "'a'", "'b'", "test-a.c is not in the meson.build beside it"),
    ("tests/system/late.py", None, "x()\n\n# R-001\n", "no test follows the tag R-001"),
    (DOCUMENT, "third", "3rd", "is not up to date"),
    (DOCUMENT, None, "", "is not up to date"),
    (LIST, "third", "a third", "is not up to date"),
    ("tests/unit/talk.c", "one", "uno", "is not up to date"),
]


def write_tree(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def selftest():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        write_tree(root, GOOD)
        requirements, faults = collect(root)
        made = document(requirements)
        write_tree(root, {DOCUMENT: made})
        yield from (f"complains about a good tree: {fault}" for fault in check(root))
        for name, tests in GOOD_TESTS.items():
            if requirements[name].tests != tests:
                yield f"{name} has the tests {sorted(requirements[name].tests)}"
        for words in ("| R-001 | RFC 1 §1 | MUST | first | `system/test_b.py: rows`,", "` +2 |",
                      "| fifth | later: not built yet |", "| sixth | as R-001 |", "| P | 3 | 1 | 1 |"):
            if words not in made:
                yield f"{DOCUMENT} does not say {words}"
    for name, old, new, expected in BAD:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            files = GOOD | {DOCUMENT: made}
            if old is not None and old not in files[name]:
                yield f"{name} has no {old} to replace"
                continue
            write_tree(root, files | {name: new if old is None else
                                      files[name].replace(old, new)})
            faults = check(root)
            if not any(expected in fault for fault in faults):
                yield f"{new!r} in {name}: {faults or 'nothing'}, not: {expected}"
