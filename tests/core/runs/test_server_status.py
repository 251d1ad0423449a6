import json
import os
import time

from mnist_core.runs import server_status
from mnist_core.runs.server_status import Heartbeat, running_servers
from mnist_core.runs.store import RunStore

FACTS = {"source": "mnist", "training": 1, "waiting": 3, "pages": 12}


def test_a_server_that_writes_is_found_and_an_old_file_is_not(tmp_path):
    Heartbeat(tmp_path / "runs", lambda: FACTS).write()  # makes the folder
    (server,) = running_servers(tmp_path / "runs")
    assert server.items() >= FACTS.items()
    assert server["process"] == os.getpid()
    (file,) = (tmp_path / "runs").glob(".server-*.json")
    file.write_text(json.dumps(server | {"written": time.time() - 3600}))
    (tmp_path / "runs" / ".server-1.json").write_text("{")  # a full disk leaves such files
    assert running_servers(tmp_path / "runs") == []
    assert RunStore(tmp_path / "runs").list() == []  # they are no runs


def test_files_of_servers_killed_long_ago_go(tmp_path):
    old, new = tmp_path / ".server-1.json", tmp_path / ".server-2.json"
    for file, age in ((old, 2 * 24 * 3600), (new, 60)):
        file.write_text("{}")
        os.utime(file, (time.time() - age,) * 2)
    server_status._delete_old(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == [new.name]


def test_a_folder_that_cannot_be_written_is_left_alone_and_the_log_has_the_status(tmp_path, caplog):
    caplog.set_level("INFO")
    (tmp_path / "runs").write_text("a file")
    heartbeat = Heartbeat(tmp_path / "runs", lambda: FACTS)
    heartbeat.write()
    heartbeat.write()
    events = [record for record in caplog.records if record.msg == "server"]
    assert len(events) == 1  # every ten minutes
    assert events[0].digitlab_fields["waiting"] == 3


def test_a_server_without_visitors_logs_nothing(tmp_path, caplog):
    caplog.set_level("INFO")
    Heartbeat(tmp_path, lambda: FACTS | {"pages": 0}).write()
    assert caplog.records == []
