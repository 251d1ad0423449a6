"""Write THIRD_PARTY.md, the licences of all that Digit Lab installs or brings: `python docs/licences.py`.

Run it with the packages of requirements-cluster.txt installed; which these are depends on the build of torch.
"""

import importlib.metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
CLASSIFIER = "License :: OSI Approved :: "
LONGEST = 130  # some packages give the whole text as their licence's name
HEAD = """# Licences of others
Digit Lab itself is under the [MIT licence](LICENSE). It installs these packages, those of `requirements.txt`
(for a cluster of `requirements-cluster.txt`) and what they need, which keep their own licences.
`python docs/licences.py` made the table, with the standard build of torch, whose CUDA libraries the CPU build
lacks.

| package | version | licence |
|---|---|---|
"""
TAIL = """
It uses these data:

| data | where | from |
|---|---|---|
| MNIST | downloaded at the first start | Y. LeCun, C. Cortes, C. Burges; NIST's Special Databases 1 and 3 |
| the offline sample | scikit-learn's `load_digits` | E. Alpaydin, C. Kaynak; UCI repository |
| the pretrained model | `models/pretrained` | trained here, on MNIST and digits that our code draws |
| its evaluations | `models/evaluation_*.npz` | computed here |
| results of the landmark networks | `models/landmarks.json` | computed here |
"""


def needed(requirements: list[Requirement]) -> list[str]:
    """Return these packages and all that they need on this machine, by their canonical names, sorted."""
    found: set[tuple[str, str]] = set()
    while requirements:
        wanted = requirements.pop()
        name = canonicalize_name(wanted.name)
        for extra in {"", *wanted.extras}:
            if (name, extra) not in found and installed(name):
                found.add((name, extra))
                all_needed = map(Requirement, importlib.metadata.requires(name) or [])
                requirements += [one for one in all_needed if is_for(one, extra)]
    return sorted({name for name, _extra in found})


def is_for(requirement: Requirement, extra: str) -> bool:
    """Return whether a requirement holds on this machine with this extra."""
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def installed(name: str) -> bool:
    """Return whether a package is there."""
    try:
        return bool(importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return False


def licence(name: str) -> str:
    """Return a package's licence as its metadata names it, best form first."""
    about = importlib.metadata.metadata(name)
    classified = [
        one.removeprefix(CLASSIFIER) for one in about.get_all("Classifier") or [] if CLASSIFIER in one
    ]
    named = (
        about.get("License-Expression") or " and ".join(classified) or about.get("License") or "see its files"
    )
    return " ".join(named.split())[:LONGEST]


def main() -> None:
    """Write the file."""
    files = [ROOT / "requirements.txt", ROOT / "requirements-cluster.txt"]
    lines = [line for file in files for line in file.read_text("utf-8").split("\n") if "==" in line]
    rows = [
        f"| {name} | {importlib.metadata.version(name)} | {licence(name)} |"
        for name in needed([Requirement(line) for line in lines])
    ]
    (ROOT / "THIRD_PARTY.md").write_text(HEAD + "\n".join(rows) + "\n" + TAIL, "utf-8")


if __name__ == "__main__":
    main()
