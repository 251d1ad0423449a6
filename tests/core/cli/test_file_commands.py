import json
from pathlib import Path

import pytest

from mnist_core.__main__ import main
from mnist_core.config import TrainConfig
from mnist_core.export.formats import EXPORT_FORMATS, file_name
from mnist_core.models.architectures import build_model
from mnist_core.runs.run import Run
from mnist_core.runs.store import RunStore

CONFIG = TrainConfig(recipe="quick", widths=(6,))


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch) -> RunStore:
    monkeypatch.setenv("DIGITLAB_RUNS", str(tmp_path / "runs"))
    monkeypatch.chdir(tmp_path)
    return RunStore()


@pytest.fixture
def run(store) -> Run:
    writer = store.create(CONFIG)
    writer.save(build_model(CONFIG), 1)
    writer.write_metrics()
    writer.update("finished", source="mnist", threads=1)
    writer.close()
    return store.get(writer.id)


def answer(capsys, *arguments: str) -> dict:
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refusal(capsys, *arguments: str) -> str:
    assert main(list(arguments)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    return line


@pytest.mark.parametrize("kind", [kind for kind in EXPORT_FORMATS if kind != "robustness"])  # not measured
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_export_writes_each_kind_of_file(kind, capsys, run):
    said = answer(capsys, "export", run.id[:6], "--as", kind)
    assert said == {"run": run.id, "as": kind, "file": file_name(run, kind), "bytes": said["bytes"]}
    assert Path(said["file"]).stat().st_size == said["bytes"] > 0


def test_export_says_where_it_wrote(capsys, run):
    assert main(["export", "last", "--as", "config", "--out", "mine.json"]) == 0
    size = Path("mine.json").stat().st_size
    assert capsys.readouterr().out == f"mine.json: {size} bytes\n"


def test_what_was_exported_can_be_imported_and_trained_with(capsys, run, store):
    main(["export", "last", "--as", "weights", "--out", "mine.safetensors"])
    main(["export", "last", "--as", "config", "--out", "mine.json"])
    capsys.readouterr()
    said = answer(capsys, "import", "mine.safetensors")
    assert said["name"] == store.get(said["run"]).metadata.name == "mine"
    assert said["config"] == CONFIG.to_json()
    assert main(["import", "mine.safetensors"]) == 0
    assert capsys.readouterr().out.endswith(": mine\n")


def test_a_config_file_sets_what_is_trained(capsys, store, sample, monkeypatch):
    monkeypatch.setattr("mnist_core.cli.commands.load_dataset", lambda directory, progress: sample)
    settings = {"widths": [5], "epochs": 3, "train_size": 100, "validation_size": 10}
    Path("mine.json").write_text(json.dumps(settings))
    answer(capsys, "train", "--config", "mine.json", "--epochs", "1", "--threads", "1", "--device", "cpu")
    assert store.get("last").config == TrainConfig.from_json({**settings, "epochs": 1})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["export", "nobody"], "There is no run 'nobody'"),
        (["export", "last", "--as", "robustness"], "not measured yet"),
        (["export", "last", "--out", "no/such/folder"], "can't be written (No such file or directory)"),
        (["import", "settings.json"], "train --config settings.json"),
        (["import", "nothing.safetensors"], "nothing.safetensors does not exist"),
        (["train", "--config", "nothing.json"], "nothing.json does not exist"),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_bad_input_gets_a_sentence(arguments, words, capsys, run):
    assert words in refusal(capsys, *arguments)


def test_an_unknown_kind_is_refused_by_its_name(capsys, run):
    with pytest.raises(SystemExit):
        main(["export", "last", "--as", "poem"])
    assert "poem" in capsys.readouterr().err
