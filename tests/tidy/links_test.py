"""Links that lead nowhere are found, and good ones left alone."""

import pathlib
import tempfile
import unittest

import links
from source import read_all


class LinksTest(unittest.TestCase):
    def _findings(self, **texts):
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            (root / "docs").mkdir()
            for name, text in texts.items():
                (root / "docs" / f"{name}.md").write_text(text)
            (root / "docs" / "picture.png").write_bytes(b"\x89PNG")
            return list(links.findings(root, read_all(root)))

    def test_good_links(self):
        a = "# A `b`: c\n[x](#a-b-c) [y](b.md) [z](b.md#more-of-b) ![p](picture.png) [w](https://example.com/no#no) [d](../docs)\n"
        self.assertEqual(self._findings(a=a, b="# B\n\n## More of [b](a.md)\n"), [])

    def test_bad_links(self):
        for link in ("c.md", "#none", "b.md#none", "b.md#in-code", "../b.md", "no.png"):
            with self.subTest(link=link):
                found = self._findings(a=f"# A\n\n[x]({link})\n", b="# B\n\n```\n# In code\n```\n")
                self.assertEqual(found, [f"docs/a.md:3: links: {link} leads nowhere"])

    def test_code_is_no_link(self):
        self.assertEqual(self._findings(a="```\n[x](no.md)\n```\n"), [])


if __name__ == "__main__":
    unittest.main()
