"""Why a cluster is refused, by its encryption, or one of its workers, by its version or packages."""

from __future__ import annotations

import importlib.metadata
import re
from functools import cache
from typing import Any

from mnist_core import __version__
from mnist_core.cluster.protocol import WorkerFacts
from mnist_core.messages import N_, InputError, Message

# In the words of Python's error, which Dask passes on as an Exception with the error's repr.
MISSING_PACKAGE = re.compile(r"No (?:module named '|package metadata was found for )([\w.-]*\w)")


def check_encryption(address: str) -> None:
    """Raise InputError for TLS without certificates, or no TLS where Dask's settings require it."""
    from distributed import Security

    make: Any = Security
    has_tls = address.startswith(("tls://", "wss://"))
    if not has_tls and make().require_encryption:
        raise InputError(
            N_("Dask's settings require encryption, which {address} lacks; name a tls:// address."),
            address=address,
        )
    if has_tls and make().get_connection_args("client")["ssl_context"] is None:
        raise InputError(
            N_("{address} needs TLS certificates; name them in Dask's settings, see CLUSTER.md."),
            address=address,
        )


@cache
def _torch_version() -> str:
    return importlib.metadata.version("torch")


def why_not(address: str, facts: WorkerFacts) -> Message | None:
    """Say why a worker can't train for this server; None if it can."""
    ours = (__version__, _torch_version())
    if (facts.version, facts.torch) == ours:
        return None
    return Message(
        N_(
            "Worker {address} of the cluster has another version: Digit Lab {theirs}, torch {their_torch}. "
            "Install Digit Lab {ours} and torch {our_torch} there."
        ),
        {
            "address": address,
            "theirs": facts.version,
            "their_torch": facts.torch,
            "ours": ours[0],
            "our_torch": ours[1],
        },
    )


def why_it_fails(address: str, error: Exception) -> Message:
    """Say what a worker lacks that fails to tell its versions."""
    values = {"address": address, "ours": __version__, "reason": str(error).rstrip(".")}
    if package := MISSING_PACKAGE.search(str(error)):
        lacks = N_(
            "Worker {address} of the cluster lacks the Python package {package}. Install Digit Lab {ours} "
            "and the packages of requirements-cluster.txt there."
        )
        return Message(lacks, values | {"package": package[1]})
    fails = N_(
        "Worker {address} of the cluster can't run Digit Lab: {reason}. Install Digit Lab {ours} "
        "and the packages of requirements-cluster.txt there."
    )
    return Message(fails, values)
