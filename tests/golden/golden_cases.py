"""Every golden case, and the operators that have none because no two machines need agree on their last bits."""

from __future__ import annotations

import golden_contamination_cases  # noqa: F401  (importing declares the cases)
import golden_dedup_cases  # noqa: F401
import golden_edit_cases  # noqa: F401
import golden_format_cases  # noqa: F401
import golden_holdout_cases  # noqa: F401
import golden_mixture_cases  # noqa: F401
import golden_shard_cases  # noqa: F401
import golden_signal_cases  # noqa: F401
import golden_site_cases  # noqa: F401
import golden_source_cases  # noqa: F401

NUMERIC = {
    "encoder/sentence": "a network's floating-point sums; tests/embed compares it with sentence-transformers",
    "body/fit_quality": "fastText's training; the bits of its weights are the processor's and the C library's",
    "body/score_quality": "reads a model that `fit_quality` trained",
    "body/fit_clusters": "k-means in faiss, whose kernels are chosen by the processor",
    "body/taxonomy": "Ward's heights of fitted centroids",
    "body/fit_meta_domains": "a logistic fit by an iterative solver",
    "body/meta_domains": "exponentials of a fitted model's sums",
    "body/search": "its solver decides the last digits; methods that need none have cases of their own",
    "optimizer/domain2vec": "a convex solve by clarabel",
}
