"""The table of concepts and chapters, docs/concepts.md."""

import ast
import re

from mnist_core.runs.store import PROJECT
from ui.learn.chapters import CHAPTERS
from ui.train_form.setting_labels import CHAPTER_OF_SETTING, LABELS

LINES = (PROJECT / "docs" / "concepts.md").read_text("utf-8").split("|---|---|\n")[1].splitlines()
ROWS = [line.strip("|").split("|") for line in LINES]
TABLE = {concept.strip(): keys.strip().split(", ") for concept, keys in ROWS}


def test_every_concept_has_a_chapter_and_every_chapter_a_concept():
    assert len(TABLE) == len(LINES)
    assert {key for keys in TABLE.values() for key in keys} == set(CHAPTERS)


def test_every_chapter_has_all_that_the_page_calls():
    """Read from the source, so that nothing is imported that a chapter loads only when it is shown."""
    for chapter in CHAPTERS.values():
        source = (PROJECT / "ui" / "learn" / f"{chapter.module}.py").read_text("utf-8")
        defined = {node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
        assert {"ask", "run", "answer", "explain", "training"} <= defined, chapter.key


def test_every_link_to_a_chapter_leads_to_one():
    files = [file for folder in ("pages", "ui") for file in (PROJECT / folder).rglob("*.py")]
    found = (re.findall(r'chapter_help\("(\w+)"\)', file.read_text("utf-8")) for file in files)
    linked = {key for keys in found for key in keys}
    assert linked
    assert linked <= set(CHAPTERS)


def test_settings_are_explained_by_chapters_that_exist():
    assert set(CHAPTER_OF_SETTING.values()) <= set(CHAPTERS)
    unexplained = set(LABELS) - set(CHAPTER_OF_SETTING)
    assert unexplained == {"dataset", "written_share", "precision", "batch_norm"}  # not in the tutorials
