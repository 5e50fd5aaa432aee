from corpus.testing.contracts import EngineContract
from pipelines.engines.base import ExchangeJob, Resources
from pipelines.engines.inline import Inline


class TestInline(EngineContract):
    job, needs = ExchangeJob, Resources()

    def make(self) -> Inline:
        return Inline()
