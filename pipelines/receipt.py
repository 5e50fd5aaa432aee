"""The receipt of a walked line: gathers what `corpus.mixture.receipt` needs from the steps' outputs."""

from __future__ import annotations

import time
from typing import Any

from corpus.mixture.receipt import make_receipt
from corpus.results import Folder
from corpus.store import Store
from pipelines.config.load import Build
from pipelines.recipe import Made
from pipelines.run import packages


def receipt_of(build: Build, store: Store, made: Made) -> dict[str, Any]:
    """What the build was asked for and what its shards hold."""
    mixture = build.file.mixture
    (plan,), (sources,), (weights,) = made.plan["plan"], made.cells["sources"], made.search["mixture"]
    folders = [f for result in made.written.values() for f in result.outputs or () if isinstance(f, Folder)]
    return make_receipt(
        build=build.name,
        budget_tokens=mixture.budget_tokens,
        max_epochs=mixture.max_epochs,
        on_shortfall=mixture.on_shortfall,
        plan=store.read_shard(plan),
        sources=store.read_shard(sources),
        shards=folders,
        tokenizer=made.tokenizer["tokenizer"].folder,
        mixture={"method": build.method.name, "weights": weights.digest, "cells": list(build.file.cells)},
        taxonomy=made.taxonomy["taxonomy"].folder.digest,
        made={"when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "packages": packages()},
    )
