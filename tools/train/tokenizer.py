"""The abacus tokenizer: byte-level BPE without merges, in the DeepSeek-V3 `tokenizer.json` form.

Ids: 0 BOS, 1 EOS, 2 PAD, 3..258 the 256 bytes in byte order, 259.. the markers of `MARKERS`.
The embedding is padded to `VOCAB_SIZE` rows; rows without a token are never a target.
"""
import json
from pathlib import Path

BOS, EOS, PAD = "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜▁pad▁｜>"
THINK, END_THINK, USER, ASSISTANT = "<think>", "</think>", "<｜User｜>", "<｜Assistant｜>"
MARKERS = [THINK, END_THINK, USER, ASSISTANT] + [f"<｜tool▁{name}｜>" for name in (
    "calls▁begin", "calls▁end", "call▁begin", "call▁end",
    "outputs▁begin", "outputs▁end", "output▁begin", "output▁end", "sep")]
FIRST_BYTE, FIRST_MARKER, VOCAB_SIZE = 3, 259, 288
BOS_ID, EOS_ID, PAD_ID = 0, 1, 2
MARKER_IDS = {text: FIRST_MARKER + i for i, text in enumerate(MARKERS)}

# The three Split steps of the DeepSeek-V3 pre-tokenizer, in order.
SPLITS = [
    r"\p{N}{1,3}",
    "[一-龥぀-ゟ゠-ヿ]+",
    r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"""
    r"""| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+""",
]

# R1's template: the last system message wins, history keeps what follows the last </think>.
CHAT_TEMPLATE = (
    "{% set ns = namespace(system='') %}"
    "{% for message in messages %}{% if message['role'] == 'system' %}"
    "{% set ns.system = message['content'] %}{% endif %}{% endfor %}"
    "{{ bos_token }}{{ ns.system }}"
    "{% for message in messages %}"
    "{% if message['role'] == 'user' %}{{ '<｜User｜>' + message['content'] }}"
    "{% elif message['role'] == 'assistant' %}{% set content = message['content'] %}"
    "{% if '</think>' in content %}{% set content = content.split('</think>')[-1] %}{% endif %}"
    "{{ '<｜Assistant｜>' + content + eos_token }}"
    "{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<｜Assistant｜><think>\\n' }}{% endif %}"
)


def byte_symbols() -> list[str]:
    """The printable character GPT-2's byte-level alphabet gives each byte, indexed by byte."""
    kept = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    spare = iter(range(256, 512))
    return [chr(b) if b in kept else chr(next(spare)) for b in range(256)]


def encode_text(text: str) -> list[int]:
    """Ids of plain text; a control token spelled in it stays text."""
    return [FIRST_BYTE + b for b in text.encode("utf-8")]


def decode_ids(ids) -> str:
    """Text of ids; markers other than </think> and every special id are dropped."""
    out = bytearray()
    for i in map(int, ids):
        if FIRST_BYTE <= i < FIRST_MARKER:
            out.append(i - FIRST_BYTE)
        elif i == MARKER_IDS[END_THINK]:
            out += END_THINK.encode()
    return out.decode("utf-8", errors="replace")


def render_prompt(messages: list[dict]) -> list[int]:
    """Ids of R1's chat prompt, generation prompt included (see CHAT_TEMPLATE)."""
    system = [m["content"] for m in messages if m["role"] == "system"]
    ids = [BOS_ID] + encode_text(system[-1] if system else "")
    for message in messages:
        if message["role"] == "user":
            ids += [MARKER_IDS[USER]] + encode_text(message["content"])
        elif message["role"] == "assistant":
            ids += [MARKER_IDS[ASSISTANT]] + encode_text(message["content"].split(END_THINK)[-1]) + [EOS_ID]
    return ids + [MARKER_IDS[ASSISTANT], MARKER_IDS[THINK]] + encode_text("\n")


def render_completion(reasoning: str, answer: str) -> list[int]:
    """Ids the model is to produce after the prompt, the end mark included."""
    return (encode_text(reasoning + "\n") + [MARKER_IDS[END_THINK]]
            + encode_text("\n\n" + answer) + [EOS_ID])


def _added(index: int, text: str, special: bool) -> dict:
    return {"id": index, "content": text, "single_word": False, "lstrip": False,
            "rstrip": False, "normalized": False, "special": special}


def tokenizer_json() -> dict:
    """The content of tokenizer.json."""
    specials = [BOS, EOS, PAD]
    vocab = {text: i for i, text in enumerate(specials)}
    vocab |= {symbol: FIRST_BYTE + b for b, symbol in enumerate(byte_symbols())}
    steps = [{"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": False}
             for regex in SPLITS]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [_added(i, text, True) for i, text in enumerate(specials)]
        + [_added(i, text, False) for text, i in MARKER_IDS.items()],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [*steps, byte_level]},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": BOS, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"SpecialToken": {"id": BOS, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                     {"SpecialToken": {"id": BOS, "type_id": 1}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {BOS: {"id": BOS, "ids": [BOS_ID], "tokens": [BOS]}},
        },
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False,
                  "ignore_merges": False, "vocab": vocab, "merges": []},
    }


def write_tokenizer(folder: Path, max_length: int) -> None:
    """Writes tokenizer.json and tokenizer_config.json into folder."""
    config = {
        "add_bos_token": True, "add_eos_token": False,
        "bos_token": BOS, "eos_token": EOS, "pad_token": PAD, "unk_token": None,
        "clean_up_tokenization_spaces": False, "legacy": True, "model_max_length": max_length,
        "tokenizer_class": "PreTrainedTokenizerFast", "chat_template": CHAT_TEMPLATE,
    }
    for name, content in (("tokenizer.json", tokenizer_json()), ("tokenizer_config.json", config)):
        text = json.dumps(content, ensure_ascii=False, indent=1)
        (folder / name).write_text(text + "\n", encoding="utf-8")
