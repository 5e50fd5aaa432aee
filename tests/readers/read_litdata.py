"""litdata: StreamingDataset with a TokensLoader. Blocks of one token where sequences have no common length: the loader
leaves out what does not fill a block.
"""

import numpy as np
from litdata import StreamingDataset, TokensLoader
from reading import serve, told


def read(asked):
    data = StreamingDataset(asked["folder"], item_loader=TokensLoader(block_size=asked["length"] or 1), shuffle=False)
    blocks = [np.atleast_1d(data[i].numpy()) for i in range(len(data))]
    return told(blocks, asked["bos"], asked["eos"], lengths=asked["length"] is not None) | {"dtype": str(data[0].dtype)}


serve(read)
