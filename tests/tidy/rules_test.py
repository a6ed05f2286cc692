"""Each rule finds what it is for, and leaves good code alone."""

import unittest

import rules
from source import Source


def findings(path, text, rule):
    return list(rule(Source(path, text)))


class RulesTest(unittest.TestCase):
    def test_function_length(self):
        body = "  f();\n" * 80
        for head in (
            "int F(int a) {",
            "template <typename T>\nabsl::StatusOr<T> C::F(const T& a) const {",
            "C::C(int a) : a_(a), b_{a} {",
            "namespace x {\nclass C {\n public:\n  auto F() -> int {",
            "#include <a.h>\n\n#include \"b.h\"\n\nnamespace x {\nnamespace {\n\nTEST(A, B) {",
            "struct A::Impl {\n  explicit Impl(B b) : b_(std::move(b)) {",
        ):
            with self.subTest(head=head):
                self.assertEqual(len(findings("services/a.cc", head + "\n" + body + "}\n", rules.function_length)), 1)
        self.assertEqual(findings("kernels/a.cc", "void F() {\n" + body + "}\n", rules.function_length), [])

    def test_many_short_functions_are_not_one_long_one(self):
        text = "namespace n {\nclass C {\n public:\n" + "  int F() { return 1; }\n" * 200 + "};\n}\n"
        self.assertEqual(findings("services/a.h", text, rules.function_length), [])
        text = "namespace {\n" + 'constexpr char k[] = "{";  // {\nvoid F() {\n  if (x) {\n  }\n}\n' * 40 + "}\n"
        self.assertEqual(findings("services/a.cc", text, rules.function_length), [])

    def test_file_length(self):
        self.assertEqual(len(findings("a.cc", "\n" * 601, rules.file_length)), 1)
        self.assertEqual(findings("a.cc", "\n" * 600, rules.file_length), [])
        self.assertEqual(len(findings("a.h", "\n" * 301, rules.file_length)), 1)

    def test_header_form(self):
        good = "// What it is.\n#ifndef BALEEN_BASE_A_H_\n#define BALEEN_BASE_A_H_\n#endif\n"
        self.assertEqual(findings("base/a.h", good, rules.header_form), [])
        self.assertEqual(len(findings("base/b.h", good, rules.header_form)), 1)
        self.assertEqual(len(findings("base/a.h", good.split("\n", 1)[1], rules.header_form)), 1)

    def test_include_direction(self):
        for path, header, bad in (
            ("kernels/a.cc", "services/common/log.h", True),
            ("kernels/a.cc", "base/clock.h", False),
            ("model/a.cc", "proto/baleen/v1/common.pb.h", True),
            ("model/a.cc", "grpcpp/grpcpp.h", True),
            ("transport/a.cc", "model/config/model_config.h", True),
            ("transport/grpc/a.cc", "grpcpp/grpcpp.h", False),
            ("services/a.cc", "model/config/model_config.h", False),
        ):
            with self.subTest(path=path, header=header):
                self.assertEqual(bool(findings(path, f'#include "{header}"\n', rules.include_direction)), bad)

    def test_banned_calls(self):
        for path, line, bad in (
            ("base/a.cc", "sprintf(b, x);", True),
            ("base/a.cc", "snprintf(b, n, x);", False),
            ("base/a.cc", "int x = rand();", True),
            ("base/a.cc", "Operand(x);", False),
            ("base/a.cc", "thread.detach();", True),
            ("base/a.cc", "// thread.detach() is banned", False),
            ("services/a.cc", "std::fprintf(stderr, x);", True),
            ("tools/a.cc", "std::printf(x);", False),
            ("base/a_test.cc", "std::this_thread::sleep_for(x);", True),
            ("services/a.cc", "absl::Time t = absl::Now();", True),
            ("services/a.cc", "changed.wait_until(lock, t);", True),
            ("services/a.cc", "set_created(absl::ToUnixSeconds(absl::Now()));", False),
            ("services/a_test.cc", "absl::Time t = absl::Now();", False),
            ("services/common/log.cc", "Format(absl::Now());", False),
            ("base/a.cc", "std::this_thread::sleep_for(x);", False),
        ):
            with self.subTest(path=path, line=line):
                self.assertEqual(bool(findings(path, line + "\n", rules.banned_calls)), bad)

    def test_revealed_text(self):
        for path, line, bad in (
            ("services/gateway/a.cc", "Use(text.reveal());", False),
            ("services/gateway/a.cc", 'Log(LogLevel::kInfo, "x", {{"text", text.reveal()}});', True),
            ("services/gateway/a.cc", 'Log(LogLevel::kInfo,\n    "x", {{"text",\n    absl::StrCat(text.reveal())}});', True),
            ("services/gateway/a.cc", 'Log(LogLevel::kInfo, "x"); Use(text.reveal());', False),
            ("services/gateway/a.cc", "return absl::InvalidArgumentError(absl::StrCat(text.reveal()));", True),
            ("services/gateway/a.cc", 'return InvalidField("x", text.reveal());', True),
            ("services/gateway/a.cc", "if (IsError(x)) Use(text.reveal());", False),
            ("services/gateway/probe.cc", "Use(text.reveal());", True),
            ("services/gateway/gen_ai_metrics.cc", "Use(text.reveal());", True),
            ("services/gateway/request_trace.h", "Use(text.reveal());", True),
            ("services/gateway/a_test.cc", "Log(text.reveal());", False),
            ("services/gateway/a.cc", 'Log(LogLevel::kInfo, "x", {{"ids", absl::StrJoin(event.tokens, ",")}});', True),
            ("services/gateway/a.cc", 'Log(LogLevel::kInfo, "x", {{"ids", absl::StrJoin(request.token_ids().ids(), ",")}});', True),
            ("services/gateway/a.cc", 'return absl::InternalError(absl::StrJoin(journal_, " "));', True),
            ("services/gateway/a.cc", 'return absl::InternalError(absl::StrJoin(uris, " "));', False),
            ("services/gateway/a.cc", 'Use(absl::StrJoin(tokens, " "));', False),
            ("services/attention/probe.cc", 'Use(absl::StrJoin(prompt, " "));', True),
            ("services/gateway/a.cc", 'Log(LogLevel::kDebug, "x", {{"start", start.ShortDebugString()}});', True),
        ):
            with self.subTest(path=path, line=line):
                self.assertEqual(bool(findings(path, line + "\n", rules.revealed_text)), bad)

    def test_log_events(self):
        for event, bad in (("step_failed", False), ("step failed", True), ("Stopped", True)):
            with self.subTest(event=event):
                text = f'Log(LogLevel::kInfo,\n    "{event}", {{}});\n'
                self.assertEqual(bool(findings("services/a.cc", text, rules.log_events)), bad)

    def test_notes_and_paths(self):
        self.assertEqual(len(findings("a.md", "TO" "DO later\n", rules.unfinished)), 1)
        self.assertEqual(findings("a.md", "mastodon\n", rules.unfinished), [])
        self.assertEqual(len(findings("a.py", 'x = "/ho' 'me/me/x"\n', rules.machine_paths)), 1)
        self.assertEqual(findings("a.py", 'x = "src/home/x"\n', rules.machine_paths), [])

    def test_whitespace(self):
        self.assertEqual(len(findings("a.cc", "x; \n", rules.whitespace)), 1)
        self.assertEqual(len(findings("a.cc", "x;", rules.whitespace)), 1)
        self.assertEqual(findings("a.cc", "x;\n", rules.whitespace), [])


if __name__ == "__main__":
    unittest.main()
