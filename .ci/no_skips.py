"""Fail when tests were skipped that could have run here: browser tests always, MNIST tests where MNIST is."""

import sys
from pathlib import Path
from xml.etree import ElementTree

MNIST = Path(__file__).resolve().parents[2] / "shared" / "mnist"

skipped = [
    (f"{case.get('classname')}.{case.get('name')}", case.find("skipped").get("message", ""))
    for case in ElementTree.parse(sys.argv[1]).iter("testcase")
    if case.find("skipped") is not None
]
wrong = [
    f"{name}: {reason}"
    for name, reason in skipped
    if name.startswith("tests.browser") or ("MNIST" in reason and MNIST.exists())
]
print(f"{len(skipped)} tests skipped")
if wrong:
    sys.exit("These tests were skipped, and must not be here:\n" + "\n".join(wrong))
