"""A mixture compiler for pre-training corpora: what a corpus is made of. `pipelines` says in what order and where."""

__version__ = "0.1.0"
