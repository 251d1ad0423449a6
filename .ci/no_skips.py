"""Fail when a JUnit report has no tests, or tests were skipped that could have run here.

Those are browser tests always, and MNIST tests where MNIST is.
"""

import sys
from pathlib import Path
from xml.etree import ElementTree

MNIST = Path(__file__).resolve().parents[2] / "shared" / "mnist"

cases = list(ElementTree.parse(sys.argv[1]).iter("testcase"))
if not cases:
    sys.exit("The report has no tests.")
skipped = [
    (f"{case.get('classname')}.{case.get('name')}", case.find("skipped").get("message", ""))
    for case in cases
    if case.find("skipped") is not None
]
wrong = [
    f"{name}: {reason}"
    for name, reason in skipped
    if name.startswith("tests.browser") or ("MNIST" in reason and MNIST.exists())
]
print(f"{len(skipped)} of {len(cases)} tests skipped")
if wrong:
    sys.exit("These tests were skipped, and must not be here:\n" + "\n".join(wrong))
