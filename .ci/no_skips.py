"""Fail when a report has no tests, or tests were skipped that could have run here.

Those are browser tests always, and MNIST tests where MNIST is. Takes JUnit reports.
"""

import sys
from pathlib import Path
from xml.etree import ElementTree

MNIST = Path(__file__).resolve().parents[2] / "shared" / "mnist"

reports = {file: list(ElementTree.parse(file).iter("testcase")) for file in sys.argv[1:]}
if not reports or not all(reports.values()):
    sys.exit("There is a report without tests, or none at all.")
skipped = [
    (f"{case.get('classname')}.{case.get('name')}", case.find("skipped").get("message", ""))
    for cases in reports.values()
    for case in cases
    if case.find("skipped") is not None
]
wrong = [
    f"{name}: {reason}"
    for name, reason in skipped
    if name.startswith("tests.browser") or ("MNIST" in reason and MNIST.exists())
]
print(f"{len(skipped)} of {sum(map(len, reports.values()))} tests skipped")
if wrong:
    sys.exit("These tests were skipped, and must not be here:\n" + "\n".join(wrong))
