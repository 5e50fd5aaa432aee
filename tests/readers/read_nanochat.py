"""nanochat has no package. Its contract: Parquet files by name, the last is validation; row groups of `text`, strided by
rank; every text is tokenized by the trainer, which puts its BOS before it. Here ids are bytes, so that they can be compared.
"""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from reading import serve, told


def read(asked):
    paths = sorted(Path(asked["folder"]).glob("*.parquet"))
    held = {}
    for validates, part in ((False, paths[:-1]), (True, paths[-1:])):
        for rank in range(asked["ranks"]):
            for place, path in enumerate(part):
                file = pq.ParquetFile(path)
                assert file.schema_arrow.names == ["text"]
                for group in range(rank, file.num_row_groups, asked["ranks"]):
                    held[validates, place, group] = file.read_row_group(group).column("text").to_pylist()
    begin = [] if asked["bos"] is None else [asked["bos"]]
    texts = [text for key in sorted(held) for text in held[key]]
    ids = [np.array([*begin, *(byte + asked["shift"] for byte in text.encode()), asked["eos"]]) for text in texts]
    return told(ids, asked["bos"], asked["eos"]) | {"validation": sum(len(held[key]) for key in held if key[0])}


serve(read)
