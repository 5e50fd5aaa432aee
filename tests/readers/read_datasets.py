"""Hugging Face datasets: load_dataset("parquet"), labels back to a mask."""

import numpy as np
from datasets import load_dataset
from reading import serve, told


def read(asked):
    data = load_dataset("parquet", data_files=f"{asked['folder']}/*.parquet", split="train",
                        cache_dir=f"{asked['folder']}-cache").with_format("numpy")
    rows = [data[i] for i in range(len(data))]
    masks = None
    if "labels" in data.column_names:
        masks = [row["labels"] != -100 for row in rows]
        assert all((row["labels"][mask] == row["input_ids"][mask]).all() for row, mask in zip(rows, masks))
    names = [str(row["id"]) for row in rows] if "id" in data.column_names else None
    return told([np.asarray(row["input_ids"]) for row in rows], asked["bos"], asked["eos"], masks) | {
        "names": names, "dtype": data.features["input_ids"].feature.dtype}


serve(read)
