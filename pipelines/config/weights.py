"""Where a build file, or a call, names a file of weights instead of giving them."""

from __future__ import annotations

import os

from corpus.errors import ConfigError, MissingFile
from corpus.mixture.weights import WeightsFile, read_weights
from pipelines.config.places import resolve
from pipelines.config.reading import read_yaml


def weights_for(path: str, base: str, where: str) -> WeightsFile:
    """The weights of a file (see `corpus.mixture.weights`), JSON, YAML, CSV or pairs. path: relative to the folder `base`,
    with `#ROW` behind it where a CSV has several mixtures. where: the place that names it, for the message where there is
    no such file.
    """
    full = resolve(path, base)
    if os.path.isdir(full):
        raise ConfigError(where, f"{path} is a folder", "a file of weights")
    try:
        return read_weights(full, parse=read_yaml)
    except MissingFile as error:
        raise MissingFile(error.path, where, "a file of weights: JSON, YAML, CSV, or pairs of weight and path") from None
