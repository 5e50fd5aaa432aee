"""Every training format, read by the package that it is for: the same ids in the same order as drawn, with documents and
sequences where they were drawn. A format's cases are read in one process, as starting a reader is what takes long.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from drawn import RELEASES, SHARDS, WRITERS, Case, documents, expected, names, starts, write
from environments import python_of

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
CASES = [Case(), Case(bos=False), Case("uint32"), Case(packing="concatenate"), Case("uint32", packing="concatenate"),
         Case(packing="best_fit")]
MASKED = [Case(masks=True), Case("uint32", masks=True, packing="concatenate")]
READS_MASKS = ("mds", "npy", "datasets")


def cases_of(name: str) -> list[Case]:
    """What a format can hold. datatrove's reader has to do with files of masks, though it does not look at them."""
    cases = [case for case in CASES if not case.packed or not (name in RELEASES or WRITERS[name].needs_text)]
    return cases + [case for case in MASKED if WRITERS[name].takes_mask]


@pytest.fixture(scope="module", params=sorted(WRITERS))
def answers(request, tmp_path_factory) -> tuple[str, dict[Case, dict]]:
    """The name of a format, and what its reader tells of each case."""
    name, folder = request.param, tmp_path_factory.mktemp(request.param)
    script = "releases" if name in RELEASES else name
    asked = []
    for i, case in enumerate(cases_of(name)):
        about = write(WRITERS[name], case, folder / str(i))
        files = [file for shard in about for file in shard["files"]]
        asked.append(case.asked | {"folder": str(folder / str(i)), "format": name, "files": files, "ranks": 2})
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": str(folder / "hub")}
    done = subprocess.run([python_of(script), str(HERE / f"read_{script}.py"), json.dumps(asked)], capture_output=True,
                          text=True, env=os.environ | offline | {"PYTHONDONTWRITEBYTECODE": "1"}, cwd=folder)
    assert done.returncode == 0, done.stderr[-3000:]
    return name, dict(zip(cases_of(name), json.loads(done.stdout.strip().splitlines()[-1])))


def test_the_formats_own_reader_gives_the_drawn_ids_back(answers):
    name, found = answers
    for case, told in found.items():
        wanted = expected(case, lengths=name != "litdata" or case.packed, masks=case.masks and name in READS_MASKS)
        assert {key: told.get(key) for key in wanted} == wanted, case


def test_documents_are_known_by_name_where_the_format_has_names(answers):
    name, found = answers
    for case, told in found.items():
        if not case.packed and "names" in told:
            assert told["names"] == names(case), case
    if name == "climbmix":
        clusters = [documents(Case(), shard).column("cluster_id").to_pylist() for shard in SHARDS]
        assert found[Case()]["clusters"] == sum(clusters, [])


def test_documents_begin_where_the_reader_says_that_they_do(answers):
    name, found = answers
    for case, told in found.items():
        if "starts" in told and case.packing != "best_fit":
            padding = [start for start in told["starts"] if start not in starts(case)]
            assert [start for start in told["starts"] if start not in padding] == starts(case), case
            assert len(padding) <= (len(SHARDS) if name == "nanoset" and case.packed else 0), case


def test_ids_have_the_type_that_the_documentation_says(answers):
    name, found = answers
    types = {"mds": ("uint16", "uint32"), "litdata": ("torch.uint16", "torch.int32"), "megatron": ("uint16", "int32"),
             "datasets": ("int32", "int32")}
    for case, told in found.items():
        if name in types:
            assert told["dtype"] == types[name][case.dtype == "uint32"], case


def test_the_last_file_of_texts_is_validation(answers):
    name, found = answers
    if name == "nanochat":
        assert found[Case()]["validation"] == documents(Case(), SHARDS[-1]).num_rows
