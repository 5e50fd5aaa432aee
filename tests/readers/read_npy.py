"""OLMo-core: NumpyPaddedFSLDataset (bounds from the .csv.gz) where sequences are documents, NumpyFSLDataset where they
have one length, and its own reading of the bounds.
"""

import os
import tempfile
from pathlib import Path

os.environ["OLMO_DATA_PREP_USE_ARRAY_IF_LOCAL"] = "csv"

import numpy as np
from olmo_core.data import NumpyFSLDataset, NumpyPaddedFSLDataset
from olmo_core.data.utils import iter_document_indices
from reading import serve, told


def read(asked):
    folder = Path(asked["folder"])
    paths = sorted(folder.glob("*.npy"))
    masks = sorted(folder.glob("label_mask/*.npy")) or None
    dtype = np.uint16 if asked["width"] == 2 else np.uint32
    shared = {"pad_token_id": asked["eos"], "eos_token_id": asked["eos"], "bos_token_id": asked["bos"], "dtype": dtype,
              "vocab_size": asked["vocabulary"], "label_mask_paths": masks}
    bounds = [list(iter_document_indices(path, dtype=dtype, use_array_if_local=False)) for path in paths]
    if asked["length"]:
        data = NumpyFSLDataset(*paths, sequence_length=asked["length"], **shared)
        cuts = [asked["length"]] * len(data)
    else:
        longest = max(end - start for file in bounds for start, end in file)
        data = NumpyPaddedFSLDataset(*paths, sequence_length=1 << int(longest).bit_length(), **shared)
        data.work_dir = Path(tempfile.mkdtemp(dir=folder.parent))
        data.prepare()
        cuts = [end - start for file in bounds for start, end in file]
        assert len(cuts) == len(data)
    items = [data[i] for i in range(len(data))]
    ids = [item["input_ids"].numpy()[:n] for item, n in zip(items, cuts)]
    marks = [item["label_mask"].numpy()[:n] for item, n in zip(items, cuts)] if masks else None
    before = np.cumsum([0, *(path.stat().st_size // asked["width"] for path in paths)])
    starts = [int(start + at) for file, at in zip(bounds, before) for start, _ in file]
    return told(ids, asked["bos"], asked["eos"], marks) | {"starts": starts}


if __name__ == "__main__":                                          # it gathers bounds in processes of its own
    serve(read)
