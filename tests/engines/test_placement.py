import pytest

from corpus.errors import ConfigError, MissingFile, UnknownName
from pipelines.engines.beam import Beam
from pipelines.engines.datatrove import Datatrove
from pipelines.engines.inline import Inline
from pipelines.engines.local import Local
from pipelines.engines.placement import load_placement


def engine_file(tmp_path, text: str) -> str:
    path = tmp_path / "engine.yaml"
    path.write_text(text)
    return str(path)


def test_without_an_engine_file_it_is_a_pool_here():
    placement = load_placement(None, workers=3)
    engine, needs = placement.engine("embed")
    assert isinstance(engine, Local) and engine.workers == 3 and needs.cpus == 1
    assert placement.describe("embed") == "local x3"


@pytest.mark.parametrize("name, cls", [("inline", Inline), ("datatrove", Datatrove), ("beam", Beam)])
def test_a_bare_name_is_an_engine_file_of_one_line(name, cls):
    assert isinstance(load_placement(name).engine("x")[0], cls)


@pytest.mark.parametrize("name", ["laptop", "datatrove", "beam"])
def test_the_engine_files_that_come_along_load(name):
    placement = load_placement(f"configs/engines/{name}.yaml")
    assert placement.engine("ingest")[0] is placement.engine("filter")[0]
    placement.close()


def test_a_step_or_its_stage_can_be_elsewhere_and_have_needs(tmp_path):
    placement = load_placement(engine_file(tmp_path, """
engine: local
workers: 2
steps:
  embed: {engine: inline, cpus: 8, gpus: 1}
  search.target.embed: {cpus: 4}
"""))
    assert isinstance(placement.engine("ingest")[0], Local)
    engine, needs = placement.engine("embed")
    assert isinstance(engine, Inline) and (needs.cpus, needs.gpus) == (8, 1)
    engine, needs = placement.engine("search.target.embed")
    assert isinstance(engine, Local) and needs.cpus == 4


def test_what_is_wrong_in_an_engine_file_is_said_before_anything_runs(tmp_path):
    with pytest.raises(UnknownName, match="unknown engine 'loca'; did you mean 'local'"):
        load_placement(engine_file(tmp_path, "engine: loca"))
    with pytest.raises(UnknownName, match="engine 'local'.*: unknown option 'worker'; did you mean 'workers'"):
        load_placement(engine_file(tmp_path, "engine: local\nworker: 2"))
    with pytest.raises(UnknownName, match="steps.embed: unknown option 'gpu'; did you mean 'gpus'"):
        load_placement(engine_file(tmp_path, "engine: local\nsteps: {embed: {gpu: 1}}"))
    with pytest.raises(ConfigError, match="names no engine"):
        load_placement(engine_file(tmp_path, "workers: 2"))
    with pytest.raises(ConfigError, match="not YAML"):
        load_placement(engine_file(tmp_path, "engine: ["))
    with pytest.raises(MissingFile, match="no file at nowhere.yaml"):
        load_placement("nowhere.yaml")
