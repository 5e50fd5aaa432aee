"""Templates and a tokenizer for the tests of conversations."""

from __future__ import annotations

import json
from pathlib import Path

from corpus.store import Store
from corpus.tasks import Task, execute
from corpus.tokens.encode import Encoder
from corpus.tokens.template import Source, Template
from corpus.tokens.tokenizer import PinTokenizer

PLAIN = """{%- for message in messages -%}
<|im_start|>{{ message.role }}
{{ message.content }}<|im_end|>
{% endfor -%}
{%- if add_generation_prompt -%}
<|im_start|>assistant
{% endif -%}
"""
BLOCKS = """{%- for message in messages -%}
{%- if message.role == 'assistant' -%}
<|im_start|>assistant
{% generation %}{{ message.content | trim }}<|im_end|>{% endgeneration %}

{% else -%}
<|im_start|>{{ message.role }}
{{ message.content | trim }}<|im_end|>
{% endif -%}
{%- endfor -%}
"""
ASK = {"role": "user", "content": "What is a river?"}
ANSWER = {"role": "assistant", "content": "Water that goes."}


def chatml(folder: Path) -> Path:
    """GPT-2 with ChatML's two control tokens, 50257 and 50258, as a tokenizer.json."""
    store = Store(str(folder / "gpt2"))
    made = execute(Task("t", PinTokenizer(), {}, store)).outputs[0]
    found = json.loads(store.read_bytes(f"{made.path}/tokenizer.json"))
    for i, name in enumerate(("<|im_start|>", "<|im_end|>")):
        found["added_tokens"].append(found["added_tokens"][0] | {"id": 50257 + i, "content": name})
    path = folder / "tokenizer.json"
    path.write_text(json.dumps(found))
    return path


def encoder_of(folder: Path, **options: str) -> Encoder:
    store = Store(str(folder / "store"))
    made = execute(Task("t", PinTokenizer(str(chatml(folder)), **options), {}, store)).outputs[0]
    with store.local_folder(made) as opened:
        return Encoder.open(opened)


def template_of(text: str, encoder: Encoder, **tokens: str) -> Template:
    return Template(Source("chat.jinja", text, tokens), encoder.controls())
