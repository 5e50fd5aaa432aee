"""The layouts of NVIDIA's releases by Hugging Face datasets, as the releases are loaded: `tokens` and `token_count` of each
row, in the files' order; ClimbLab's clusters put back into the drawn order by shard and row.
"""

import re

import numpy as np
from datasets import load_dataset
from reading import serve, told

KINDS = {"climbmix": ("parquet", "shard_*.parquet"), "climbmix_jsonl": ("json", "part_*.jsonl"),
         "climblab": ("parquet", "cluster_*/*.parquet")}


def read(asked):
    kind, pattern = KINDS[asked["format"]]

    def load(files):
        return load_dataset(kind, data_files=files, split="train", cache_dir=f"{asked['folder']}-cache")

    rows = []
    for path in asked["files"]:
        shard = int(re.findall(r"\d+", path.rsplit("/", 1)[-1])[-1])
        rows += [{"shard": shard, **row} for row in load(f"{asked['folder']}/{path}")]
    assert len(rows) == len(load(f"{asked['folder']}/{pattern}"))
    assert all(row["token_count"] == len(row["tokens"]) for row in rows)
    if asked["format"] == "climblab":
        rows.sort(key=lambda row: (row["shard"], row["row"]))
    return told([np.array(row["tokens"]) for row in rows], asked["bos"], asked["eos"]) | {
        "names": [row["id"] for row in rows], "clusters": [row.get("cluster_id") for row in rows]}


serve(read)
