"""datatrove: what nanotron's Nanoset reads through. With one length: DatatroveFolderDataset, whose windows are sequences.
With documents: each file as one window, whose positions tell where documents begin.
"""

from pathlib import Path

import numpy as np
from datatrove.utils.dataset import DatatroveFileDataset, DatatroveFolderDataset
from reading import serve, told


def read(asked):
    folder, width = Path(asked["folder"]), asked["width"]
    files = sorted(folder.glob("*.ds"))
    for path in files:
        assert path.with_name(path.name + ".metadata").read_text().split("\n")[0].endswith(f"|{width}")
    if asked["length"]:
        data = DatatroveFolderDataset(str(folder), asked["length"] - 1, token_size=width, return_positions=True)
        windows = [data[i] for i in range(len(data))]
    else:
        windows = [DatatroveFileDataset(str(path), path.stat().st_size // width - 1, width, return_positions=True)[0]
                   for path in files]
    sequences, starts, before = [], [], 0
    for window in windows:
        ids, begin = window["input_ids"].numpy(), np.flatnonzero(window["positions"].numpy() == 0)
        sequences += [ids] if asked["length"] else np.split(ids, begin[1:])
        starts += (begin + before).tolist()
        before += len(ids)
    return told(sequences, asked["bos"], asked["eos"]) | {"starts": starts}


serve(read)
