"""mosaicml-streaming: StreamingDataset over a local folder, unshuffled, sample by sample.

Only `streaming.base` is imported: the package's own beginning also imports its data sets of images, and with them
torchvision.
"""

import importlib.util
import sys
import types

found = importlib.util.find_spec("streaming")
package = types.ModuleType("streaming")
package.__path__ = list(found.submodule_search_locations)
sys.modules["streaming"] = package

from reading import serve, told  # noqa: E402
from streaming.base import StreamingDataset  # noqa: E402
from streaming.base.util import clean_stale_shared_memory  # noqa: E402


def read(asked):
    clean_stale_shared_memory()
    data = StreamingDataset(local=asked["folder"], shuffle=False, batch_size=1)
    samples = [data[i] for i in range(len(data))]
    masks = [s["loss_mask"] for s in samples] if "loss_mask" in samples[0] else None
    names = [s["id"] for s in samples] if "id" in samples[0] else None
    return told([s["tokens"] for s in samples], asked["bos"], asked["eos"], masks) | {
        "names": names, "dtype": str(samples[0]["tokens"].dtype)}


serve(read)
