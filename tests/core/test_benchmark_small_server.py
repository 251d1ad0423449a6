import os

import pytest

from benchmarks import control_group
from mnist_core.messages import InputError

LIMITS = {
    1: {
        "memory/{name}/memory.limit_in_bytes": "690000000",
        "cpu/{name}/cpu.cfs_period_us": "100000",
        "cpu/{name}/cpu.cfs_quota_us": "50000",
    },
    2: {"{name}/memory.max": "690000000", "{name}/memory.swap.max": "0", "{name}/cpu.max": "50000 100000"},
}
TOLD = {1: ("memory.max_usage_in_bytes", "memory.oom_control"), 2: ("memory.peak", "memory.events")}


@pytest.mark.parametrize("version", [1, 2])
def test_limits_are_written_as_each_version_of_control_groups_has_them(version, tmp_path, monkeypatch):
    monkeypatch.setattr(control_group, "ROOT", tmp_path)
    if version == 2:
        (tmp_path / "cgroup.controllers").write_text("cpu memory")
    else:
        (tmp_path / "memory").mkdir()
        (tmp_path / "cpu").mkdir()
    with control_group.control_group(690, 0.5) as group:
        for file, content in LIMITS[version].items():
            assert (tmp_path / file.format(name=group.memory.name)).read_text() == content
        group.join()
        assert (group.cpu / "cgroup.procs").read_text() == str(os.getpid())
        peak, kills = TOLD[version]
        (group.memory / peak).write_text("123000000\n")
        (group.memory / kills).write_text("under_oom 0\noom_kill 2\n")
        assert (group.most_megabytes, group.kills) == (123, 2)


def test_where_no_group_can_be_made_a_sentence_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(control_group, "ROOT", tmp_path / "none")
    with (
        pytest.raises(InputError, match="start the server in a container"),
        control_group.control_group(690, 0.5),
    ):
        pass
