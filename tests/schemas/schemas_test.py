"""Schemas and what their grammars admit, by a validator of another make: whatever may be answered is valid."""

import json
import random
import subprocess
import unittest

import jsonschema_rs

SCHEMAS = 1500
VALUES = [None, True, 0, 1, -3, 2.5, 1.0, "", "a", "ab", "2026-11-27", [], [1], ["a", 1], [1, 1], {}, {"a": 1}, {"b": "x"}, {"a": [1]}]
TYPES = ["object", "array", "string", "integer", "number", "boolean", "null"]
FORMATS = ["date", "time", "date-time", "duration", "uuid", "ipv4", "ipv6", "email", "hostname", "uri"]


class Schemas:
    """Random schemas, of keywords that go together and of ones that do not."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def some(self, depth):
        """A schema of at most `depth` levels."""
        forms = [self.scalar, self.enumerated]
        if depth:
            forms += [self.object, self.array, self.combined]
        schema = self.random.choice(forms)(depth - 1)
        if self.random.random() < 0.2:
            schema = self.anything(depth - 1) | schema
        return schema

    def whole(self):
        """A schema that may refer to itself and to others within it."""
        schema = self.some(3)
        schema.setdefault("$defs", {"a b": self.some(1), "c": {"$anchor": "here"} | self.some(1)})
        return schema

    def maybe(self, **keywords):
        return {name: value for name, value in keywords.items() if self.random.random() < 0.5}

    def count(self):
        return self.random.randrange(4)

    def bound(self):
        return self.random.randrange(-20, 300)

    def scalar(self, _):
        kind = self.random.choice(TYPES[2:])
        schema = {"type": kind} if self.random.random() < 0.8 else {"type": sorted({kind, "null"})}
        if kind == "string" and self.random.random() < 0.5:
            return schema | {"format": self.random.choice(FORMATS)}
        if kind == "string":
            return schema | self.maybe(minLength=self.count(), maxLength=self.count())
        if kind == "integer":
            return schema | self.maybe(minimum=self.bound(), maximum=self.bound(),
                                       exclusiveMinimum=self.bound(), exclusiveMaximum=self.bound())
        return schema

    def enumerated(self, _):
        schema = {"enum": self.random.sample(VALUES, 4)} if self.random.random() < 0.7 else {"const": self.random.choice(VALUES)}
        return schema | self.maybe(type=self.random.choice(TYPES))

    def object(self, depth):
        names = self.random.sample(["a", "b", "c/d", "é\n"], self.random.randrange(4))
        schema = {"type": "object", "properties": {name: self.some(depth) for name in names}}
        return schema | self.maybe(required=self.random.sample(["a", "b", "z"], 2),
                                   additionalProperties=self.random.choice([True, False, {"type": "null"}]))

    def array(self, depth):
        return {"type": "array"} | self.maybe(items=self.some(depth), minItems=self.count(), maxItems=self.count())

    def combined(self, depth):
        reference = {"$ref": self.random.choice(["#", "#/$defs/a%20b", "#here"])}
        some = [self.some(depth) for _ in range(self.count() + 1)]
        return self.random.choice([{"anyOf": some}, {"allOf": some[:1]}, {"anyOf": some + [reference]}, reference])

    def anything(self, depth):
        """One keyword, whatever it stands beside."""
        schema = self.some(max(depth, 0))
        keywords = {
            **dict.fromkeys(["items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames"], [schema, False]),
            **dict.fromkeys(["unevaluatedProperties", "unevaluatedItems", "additionalItems"], [schema, False]),
            **dict.fromkeys(["anyOf", "allOf", "oneOf", "prefixItems"], [[schema], [schema, {"type": "null"}]]),
            **dict.fromkeys(["properties", "patternProperties", "dependentSchemas"], [{"a": schema}]),
            **dict.fromkeys(["minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"], [0, 1, 2]),
            **dict.fromkeys(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"], [1, 3]),
            "required": [["a"]],
            "dependentRequired": [{"a": ["b"]}],
            "uniqueItems": [True, False],
            "pattern": ["^a"],
            "format": FORMATS,
            "const": VALUES,
            "enum": [VALUES[:8], VALUES[8:]],
            "type": TYPES,
            "$ref": ["#/$defs/a%20b"],
        }
        name = self.random.choice(list(keywords))
        return {name: self.random.choice(keywords[name])}


class SchemasTest(unittest.TestCase):

    def test_what_a_grammar_admits_is_valid(self):
        schemas = [Schemas(seed).whole() for seed in range(SCHEMAS)]
        lines = "".join(json.dumps(schema) + "\n" for schema in schemas)
        run = subprocess.run(["tests/schemas/draw_texts"], input=lines, capture_output=True, text=True, timeout=240, check=True)
        drawn = [json.loads(line) for line in run.stdout.splitlines()]
        self.assertEqual(len(drawn), len(schemas))
        for schema, texts in zip(schemas, drawn):
            validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True) if texts else None
            for text in texts or []:
                self.assertTrue(validator.is_valid(json.loads(text)), f"{json.dumps(schema)} admits {text}")
        # Enough of both, or nothing would be shown.
        self.assertGreater(sum(1 for texts in drawn if texts), SCHEMAS / 5)
        self.assertGreater(sum(1 for texts in drawn if texts is None), SCHEMAS / 10)
        print(f"{sum(len(texts or []) for texts in drawn)} texts of {sum(1 for texts in drawn if texts)} schemas are valid, "
              f"{sum(1 for texts in drawn if texts is None)} schemas are refused")


if __name__ == "__main__":
    unittest.main()
