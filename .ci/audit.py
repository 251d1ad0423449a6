"""Report known vulnerabilities of the installed packages, by pip-audit; fail if there is one with a remedy.

Without a network, or where the registry tells nothing of vulnerabilities, it says so and does not fail.
"""

import json
import subprocess
import sys
import sysconfig

AUDIT = [
    "uv",
    "tool",
    "run",
    "--quiet",
    "pip-audit==2.10.1",
    "--progress-spinner=off",
    "--timeout=10",
    "--format=json",
]
SECONDS = 120


def audited() -> list[dict]:
    """Return pip-audit's entry for each installed package; nothing where it can't tell."""
    command = [*AUDIT, "--path", sysconfig.get_path("purelib")]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        return json.loads(done.stdout)["dependencies"]
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError) as error:
        print(f"pip-audit could not be run here ({type(error).__name__}); nothing was audited.")
        return []


def main() -> int:
    """Print what was found; return 1 if a newer version of a package would be without a vulnerability."""
    packages = audited()
    known = [package for package in packages if "vulns" in package]
    print(f"pip-audit: {len(known)} packages audited, {len(packages) - len(known)} unknown to it")
    found = [(package, one) for package in known for one in package["vulns"]]
    for package, one in found:
        remedy = ", ".join(one["fix_versions"]) or "none yet"
        print(f"{package['name']} {package['version']}: {one['id']}, mended in {remedy}")
    return int(any(one["fix_versions"] for _package, one in found))


if __name__ == "__main__":
    sys.exit(main())
