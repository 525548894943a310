# SPDX-License-Identifier: GPL-2.0
"""Counting the tests in KTAP or TAP output, or in a mere exit status"""

import re

LINE = re.compile(r"^( *)(ok|not ok)\b(?: (\d+))?(?:[ -]*)(.*)$")
SKIP = re.compile(r"#\s*SKIP\b\s*(.*)$", re.I)


class Results:
    """The leaves of one suite's output: a test that only sums up the tests
    indented under it does not count, unless it failed by itself."""

    def __init__(self):
        self.passed = 0
        self.skipped = 0
        self.failed = []
        self.skips = []
        self._children = []  # [indent, failed] of results not yet summed up
        self._plan = None
        self._top = 0

    def line(self, line):
        plan = re.match(r"^1\.\.(\d+)(.*)$", line)
        if plan:
            self._plan = int(plan.group(1))
            skip = SKIP.search(plan.group(2))
            if skip and self._plan == 0:
                self.skipped += 1
                self.skips.append(skip.group(1))
            return
        match = LINE.match(line)
        if not match or line.lstrip().startswith("# "):
            return
        indent, bad = len(match.group(1)), match.group(2) == "not ok"
        name = match.group(4).strip() or match.group(3) or "?"
        self._top += indent == 0
        below = [failed for depth, failed in self._children if depth > indent]
        self._children = [c for c in self._children if c[0] <= indent]
        self._children.append((indent, bad))
        if below and (any(below) or not bad):
            return
        skip = SKIP.search(name)
        if skip:
            self.skipped += 1
            self.skips.append(skip.group(1) or name)
        elif bad:
            self.failed.append(name)
        else:
            self.passed += 1

    def end(self, status=0):
        """No more lines; the program that printed them exited with status"""
        if self._plan is not None and self._top not in (0, self._plan):
            self.failed.append(f"{self._plan} tests planned, {self._top} seen")
        elif self._plan and not self._top:
            self.failed.append(f"{self._plan} tests planned, none seen")
        if not (self.passed or self.skipped or self.failed):
            if status == 4:  # the selftests' code for "cannot run here"
                self.skipped += 1
            elif status == 0:
                self.passed += 1
        if status not in (0, 4) and not self.failed:
            self.failed.append(f"exit status {status}")

    def __str__(self):
        text = f"{self.passed} passed, {len(self.failed)} failed"
        return text + (f", {self.skipped} skipped" if self.skipped else "")
