"""The setting DIGITLAB_CLUSTER: where runs train instead of in the server's own threads."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from mnist_core.messages import N_, InputError

CLUSTER_VARIABLE = "DIGITLAB_CLUSTER"
MOST_LOCAL = 64


@dataclass(frozen=True)
class ClusterSetting:
    """What DIGITLAB_CLUSTER says: the number of local worker processes, or else a scheduler's address."""

    local: int = 0
    address: str = ""

    @classmethod
    def parse(cls, text: str) -> ClusterSetting:
        """Read a setting; InputError for one that is neither local:N nor an address."""
        found = re.fullmatch(r"local:(\d{1,3})", text)
        if found and 1 <= int(found[1]) <= MOST_LOCAL:
            return cls(local=int(found[1]))
        if re.fullmatch(r"(tcp|tls|ws|wss)://[^\s/]+:\d+", text):
            return cls(address=text)
        raise InputError(
            N_(
                "{variable} is {text!r}; write local:3 for three processes on this machine (up to {most}), "
                "or the scheduler's address, such as tcp://scheduler:8786."
            ),
            variable=CLUSTER_VARIABLE,
            text=text,
            most=MOST_LOCAL,
        )

    @classmethod
    def from_environment(cls) -> ClusterSetting | None:
        """Read DIGITLAB_CLUSTER; None if it isn't set. InputError as for `parse`."""
        text = os.environ.get(CLUSTER_VARIABLE, "").strip()
        return cls.parse(text) if text else None
