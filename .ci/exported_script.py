"""Train a whole recipe by the command line, run its exported script elsewhere, and compare their results."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MNIST = ROOT.parent / "shared" / "mnist"
RECIPE = "quick"


def command_line(folder: Path, *arguments: str) -> dict:
    """Call the command line; return its answer."""
    command = [sys.executable, "-m", "mnist_core", *arguments, "--runs", str(folder / "runs"), "--json"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout.splitlines()[-1])


if not (MNIST / "MNIST" / "raw").exists():
    sys.exit(print("no exported script was tried: that needs the real MNIST in ../shared/mnist"))

with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    trained = command_line(folder, "train", "--recipe", RECIPE, "--device", "cpu", "--data", str(MNIST))
    command_line(folder, "export", "last", "--as", "script", "--out", str(folder / "script.py"))
    (folder / "empty").mkdir()
    command = [sys.executable, "-I", str(folder / "script.py"), str(MNIST)]
    script = subprocess.run(command, cwd=folder / "empty", stdout=subprocess.PIPE, text=True, check=True)

expected = f"test accuracy {trained['test_accuracy']}, loss {trained['test_loss']}"
said = script.stdout.splitlines()[-1]
print(f"{RECIPE} on {trained['threads']} threads: {expected}; its exported script: {said}")
if said != expected:
    sys.exit("The exported script does not give its run's result.")
