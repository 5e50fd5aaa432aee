from __future__ import annotations

import gzip

import numpy as np
from drawn_rows import stream

from corpus.document import show_id
from corpus.tokens.pack import Concatenate
from corpus.writers.npy import Npy

TOKENS = [[1, 2, 9], [9]]


def test_ids_are_raw_and_the_bounds_name_each_document(tmp_path):
    assert Npy().write(stream(TOKENS), tmp_path, 0) == ["shard_00000.npy", "shard_00000.csv.gz"]
    assert np.fromfile(tmp_path / "shard_00000.npy", "<u2").tolist() == [1, 2, 9, 9]
    assert gzip.decompress((tmp_path / "shard_00000.csv.gz").read_bytes()).decode().splitlines() == [
        f'0,3,"{show_id(bytes(16))}","web, é",0,0,"uint16"', f'3,4,"{show_id(bytes([1] * 16))}","web, é",0,1,"uint16"']


def test_a_document_that_a_sequence_ends_in_has_a_line_for_each_piece(tmp_path):
    Npy().write(stream(TOKENS, "<u4", Concatenate(2)), tmp_path, 0)
    lines = gzip.decompress((tmp_path / "shard_00000.csv.gz").read_bytes()).decode().splitlines()
    assert [line.split(",")[:2] for line in lines] == [["0", "2"], ["2", "3"], ["3", "4"]]
    assert [line.split(",")[-2] for line in lines] == ["0", "1", "1"]


def test_a_mask_lies_in_a_folder_of_its_own(tmp_path):
    files = Npy().write(stream(TOKENS, masks=[[0, 1, 1], [0]]), tmp_path, 0)
    assert files[2] == "label_mask/shard_00000.npy"
    assert (tmp_path / files[2]).read_bytes() == b"\0\1\1\0"
