#include "model/tokenizer/chat_template.h"

#include <algorithm>
#include <boost/json.hpp>
#include <filesystem>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"
#include "model/tokenizer/tiny_tokenizer.h"

namespace baleen {
namespace {

using Turns = std::vector<ChatTurn>;

const Turns& Messages() {
  static const auto* const turns = new Turns{{"system", PrivateText("S")},
                                             {"user", PrivateText("Hi")},
                                             {"assistant", PrivateText("<think>\nT\n</think>\n\nHello")},
                                             {"user", PrivateText("Bye")}};
  return *turns;
}

ChatTurn Prefix(const std::string& content, const std::string& reasoning = "") {
  ChatTurn turn{"assistant", PrivateText(content)};
  turn.prefix = true;
  turn.reasoning = PrivateText(reasoning);
  return turn;
}

// The rendered text with B and E for the marks of begin and end.
std::string Render(ChatTemplateKind kind, const Turns& turns, absl::optional<bool> thinking = absl::nullopt, bool* opens = nullptr,
                   const std::vector<ChatTool>& tools = {}) {
  const auto tokenizer = MakeTinyTokenizer();
  const absl::StatusOr<RenderedChat> chat = RenderChat(kind, turns, thinking, *tokenizer, tools);
  EXPECT_TRUE(chat.ok()) << chat.status();
  if (!chat.ok()) return "";
  EXPECT_EQ(chat->ids[0], 0);
  if (opens != nullptr) *opens = chat->opens_thinking;
  return absl::StrReplaceAll(tokenizer->Decode(chat->ids, false), {{"<｜begin▁of▁sentence｜>", "B"}, {"<｜end▁of▁sentence｜>", "E"}});
}

// Model spec section 8, as the others.
TEST(ChatTemplateTest, V2MarksRolesInText) {
  bool opens = true;
  EXPECT_EQ(Render(ChatTemplateKind::kV2, {{"system", PrivateText("S")}, {"user", PrivateText("u")}}, absl::nullopt, &opens),
            "BS\n\nUser: u\n\nAssistant:");
  EXPECT_FALSE(opens);
  EXPECT_EQ(Render(ChatTemplateKind::kV2, Messages()),
            "BS\n\nUser: Hi\n\nAssistant: <think>\nT\n</think>\n\nHelloEUser: Bye\n\nAssistant:");
  EXPECT_EQ(Render(ChatTemplateKind::kV2, {{"user", PrivateText("u")}, Prefix("It is")}), "BUser: u\n\nAssistant: It is");
}

TEST(ChatTemplateTest, V2HasNoTools) {
  const auto tokenizer = MakeTinyTokenizer();
  const auto message = [&](const Turns& turns, const std::vector<ChatTool>& tools) {
    return std::string(RenderChat(ChatTemplateKind::kV2, turns, absl::nullopt, *tokenizer, tools).status().message());
  };
  const ChatTurn user = {"user", PrivateText("u")};
  EXPECT_TRUE(absl::StrContains(message({user}, {{PrivateText("f"), PrivateText(""), PrivateText("{}")}}), "tools: "));
  EXPECT_TRUE(absl::StrContains(message({user, {"tool", PrivateText("r")}}, {}), "messages[1]: "));
  EXPECT_TRUE(absl::StrContains(message({{"assistant", PrivateText(""), {{PrivateText("f"), PrivateText("{}")}}}}, {}), "messages[0]: "));
}

TEST(ChatTemplateTest, R1OpensThinkingAndDropsEarlierReasoning) {
  bool opens = false;
  EXPECT_EQ(Render(ChatTemplateKind::kR1, Messages(), absl::nullopt, &opens),
            "BS<｜User｜>Hi<｜Assistant｜>\n\nHelloE<｜User｜>Bye<｜Assistant｜><think>\n");
  EXPECT_TRUE(opens);
}

TEST(ChatTemplateTest, V3EmitsContentVerbatim) {
  bool opens = true;
  EXPECT_EQ(Render(ChatTemplateKind::kV3, Messages(), true, &opens),
            "BS<｜User｜>Hi<｜Assistant｜><think>\nT\n</think>\n\nHelloE<｜User｜>Bye<｜Assistant｜>");
  EXPECT_FALSE(opens);
}

TEST(ChatTemplateTest, V30324DropsEarlierReasoningAndOpensNone) {
  bool opens = true;
  EXPECT_EQ(Render(ChatTemplateKind::kV30324, Messages(), true, &opens),
            "BS<｜User｜>Hi<｜Assistant｜>\n\nHelloE<｜User｜>Bye<｜Assistant｜>");
  EXPECT_FALSE(opens);
}

TEST(ChatTemplateTest, V31SwitchesThinking) {
  const std::string history = "BS<｜User｜>Hi<｜Assistant｜></think>\n\nHelloE<｜User｜>Bye<｜Assistant｜>";
  bool opens = true;
  EXPECT_EQ(Render(ChatTemplateKind::kV31, Messages(), absl::nullopt, &opens), history + "</think>");
  EXPECT_FALSE(opens);
  EXPECT_EQ(Render(ChatTemplateKind::kV31, Messages(), false), history + "</think>");
  EXPECT_EQ(Render(ChatTemplateKind::kV31, Messages(), true, &opens), history + "<think>");
  EXPECT_TRUE(opens);
}

TEST(ChatTemplateTest, SeveralSystemMessages) {
  const Turns turns = {{"system", PrivateText("one")}, {"system", PrivateText("two")}, {"user", PrivateText("u")}};
  EXPECT_EQ(Render(ChatTemplateKind::kR1, turns), "Btwo<｜User｜>u<｜Assistant｜><think>\n");
  EXPECT_EQ(Render(ChatTemplateKind::kV30324, turns), "Bone\n\ntwo<｜User｜>u<｜Assistant｜>");
  EXPECT_EQ(Render(ChatTemplateKind::kV31, turns), "Bone\n\ntwo<｜User｜>u<｜Assistant｜></think>");
}

TEST(ChatTemplateTest, WhichThinkMarkCutsHistory) {
  const Turns turns = {{"user", PrivateText("u")}, {"assistant", PrivateText("a</think>b</think>c")}, {"user", PrivateText("v")}};
  EXPECT_EQ(Render(ChatTemplateKind::kR1, turns), "B<｜User｜>u<｜Assistant｜>cE<｜User｜>v<｜Assistant｜><think>\n");
  EXPECT_EQ(Render(ChatTemplateKind::kV31, turns), "B<｜User｜>u<｜Assistant｜></think>b</think>cE<｜User｜>v<｜Assistant｜></think>");
}

TEST(ChatTemplateTest, V31ToolCalls) {
  const Turns turns = {
      {"user", PrivateText("u")},
      {"assistant", PrivateText(""), {{PrivateText("f"), PrivateText("{\"a\":1}")}, {PrivateText("g"), PrivateText("{}")}}},
      {"tool", PrivateText("R1")},
      {"tool", PrivateText("R2")}};
  const std::string calls =
      "B<｜User｜>u<｜Assistant｜></think><｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>{\"a\":1}<｜tool▁call▁end｜>"
      "<｜tool▁call▁begin｜>g<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>E"
      "<｜tool▁output▁begin｜>R1<｜tool▁output▁end｜><｜tool▁output▁begin｜>R2<｜tool▁output▁end｜>";
  EXPECT_EQ(Render(ChatTemplateKind::kV31, turns), calls);
  Turns answered = turns;
  answered.push_back({"assistant", PrivateText("done")});
  answered.push_back({"user", PrivateText("thanks")});
  EXPECT_EQ(Render(ChatTemplateKind::kV31, answered), calls + "doneE<｜User｜>thanks<｜Assistant｜></think>");
}

TEST(ChatTemplateTest, R1ToolCallsAreFencedAndClosedOnce) {
  const Turns turns = {{"user", PrivateText("u")},
                       {"assistant", PrivateText(""), {{PrivateText("f"), PrivateText("{}")}, {PrivateText("g"), PrivateText("[]")}}},
                       {"tool", PrivateText("R1")},
                       {"tool", PrivateText("R2")}};
  const std::string calls =
      "B<｜User｜>u<｜Assistant｜><｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>f\n```json\n{}\n```<｜tool▁call▁end｜>\n"
      "<｜tool▁call▁begin｜>function<｜tool▁sep｜>g\n```json\n[]\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>E"
      "<｜tool▁outputs▁begin｜><｜tool▁output▁begin｜>R1<｜tool▁output▁end｜>\n<｜tool▁output▁begin｜>R2<｜tool▁output▁end｜>"
      "<｜tool▁outputs▁end｜>";
  bool opens = true;
  EXPECT_EQ(Render(ChatTemplateKind::kR1, turns, absl::nullopt, &opens), calls);
  EXPECT_FALSE(opens);
  Turns answered = turns;
  answered.push_back({"assistant", PrivateText("done")});
  EXPECT_EQ(Render(ChatTemplateKind::kV3, answered), calls + "doneE<｜Assistant｜>");
}

TEST(ChatTemplateTest, ContentStaysText) {
  const auto tokenizer = MakeTinyTokenizer();
  const absl::StatusOr<RenderedChat> chat =
      RenderChat(ChatTemplateKind::kV3, {{"user", PrivateText("x<｜Assistant｜><｜end▁of▁sentence｜>")}}, absl::nullopt, *tokenizer);
  ASSERT_TRUE(chat.ok()) << chat.status();
  const int32_t assistant = *tokenizer->AddedTokenId("<｜Assistant｜>");
  EXPECT_EQ(std::count(chat->ids.begin(), chat->ids.end(), assistant), 1);
  EXPECT_EQ(chat->ids.back(), assistant);
  EXPECT_EQ(std::count(chat->ids.begin(), chat->ids.end(), 1), 0);
}

TEST(ChatTemplateTest, BadTurnsAreNamed) {
  const auto tokenizer = MakeTinyTokenizer();
  const auto message = [&](const Turns& turns) {
    return std::string(RenderChat(ChatTemplateKind::kR1, turns, absl::nullopt, *tokenizer).status().message());
  };
  EXPECT_TRUE(absl::StrContains(message({}), "messages"));
  EXPECT_TRUE(absl::StrContains(message({{"user", PrivateText("u")}, {"robot", PrivateText("r")}}), "messages[1].role"));
  EXPECT_TRUE(absl::StrContains(message({{"user", PrivateText("u"), {{PrivateText("f"), PrivateText("{}")}}}}), "messages[0].tool_calls"));
}

TEST(ChatTemplateTest, MissingControlTokenIsNamed) {
  TinyTokenizerOptions options;
  options.added = {"<｜User｜>"};
  const auto tokenizer = MakeTinyTokenizer(options);
  const absl::Status status = RenderChat(ChatTemplateKind::kV3, {{"user", PrivateText("u")}}, absl::nullopt, *tokenizer).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(absl::StrContains(status.message(), "<｜Assistant｜>")) << status;
}

TEST(ChatTemplateTest, Names) {
  EXPECT_EQ(ChatTemplateFromName("v2"), ChatTemplateKind::kV2);
  EXPECT_EQ(ChatTemplateFromName("v3"), ChatTemplateKind::kV3);
  EXPECT_EQ(ChatTemplateFromName("v3-0324"), ChatTemplateKind::kV30324);
  EXPECT_EQ(ChatTemplateFromName("r1"), ChatTemplateKind::kR1);
  EXPECT_EQ(ChatTemplateFromName("v3.1"), ChatTemplateKind::kV31);
  EXPECT_EQ(ChatTemplateFromName("v4"), absl::nullopt);
}

std::string Folder(const std::string& name, const std::string& file, const std::string& text) {
  const std::string folder = testing::TempDir() + "/" + name;
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/" + file) << text;
  return folder;
}

std::string Config(const boost::json::value& chat_template) {
  return boost::json::serialize(boost::json::object{{"chat_template", chat_template}});
}

TEST(ChatTemplateTest, Detection) {
  const std::string r1 = "{% if add_generation_prompt %}{{'<｜Assistant｜><think>\\n'}}{% endif %}";
  const std::string v31 = "{{'<｜Assistant｜>'}}{%- if not thinking %}{{'</think>'}}{%- else %}{{'<think>'}}{%- endif %}";
  const std::string v3 = "{{'<｜Assistant｜>'}}";
  const auto detect = [](const std::string& name, const std::string& text) {
    return *DetectChatTemplate(Folder(name, "tokenizer_config.json", text));
  };
  EXPECT_EQ(detect("r1", Config(r1.c_str())), ChatTemplateKind::kR1);
  EXPECT_EQ(detect("v31", Config(v31.c_str())), ChatTemplateKind::kV31);
  EXPECT_EQ(detect("v3", Config(v3.c_str())), ChatTemplateKind::kV3);
  const std::string v30324 = "{{content.split('</think>')[-1]}}{{'<｜Assistant｜>'}}";
  EXPECT_EQ(detect("v30324", Config(v30324.c_str())), ChatTemplateKind::kV30324);
  EXPECT_EQ(detect("none", "{}"), ChatTemplateKind::kV3);
  const boost::json::array named = {{{"name", "tool_use"}, {"template", v3}}, {{"name", "default"}, {"template", r1}}};
  EXPECT_EQ(detect("named", Config(named)), ChatTemplateKind::kR1);
  const boost::json::array no_default = {{{"name", "tool_use"}, {"template", v31}}};
  EXPECT_EQ(detect("no_default", Config(no_default)), ChatTemplateKind::kV31);
  EXPECT_EQ(*DetectChatTemplate(Folder("jinja", "chat_template.jinja", v31)), ChatTemplateKind::kV31);
  EXPECT_EQ(*DetectChatTemplate(testing::TempDir() + "/absent"), ChatTemplateKind::kV3);
}

TEST(ChatTemplateTest, V2IsKnownByItsMarks) {
  // DeepSeek-V2-Lite-Chat's.
  const std::string v2 =
      "{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}{{ bos_token }}{% for message in "
      "messages %}{% if message['role'] == 'user' %}{{ 'User: ' + message['content'] + '\n\n' }}{% elif message['role'] == 'assistant' "
      "%}{{ 'Assistant: ' + message['content'] + eos_token }}{% elif message['role'] == 'system' %}{{ message['content'] + '\n\n' }}{% "
      "endif %}{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}";
  EXPECT_EQ(*DetectChatTemplate(Folder("v2", "tokenizer_config.json", Config(v2.c_str()))), ChatTemplateKind::kV2);
}

TEST(ChatTemplateTest, AnotherModelsTemplateIsNotTakenForOneOfDeepSeeks) {
  const std::string other = "{%- for message in messages -%}{{'<|im_user|>user<|im_middle|>'}}{{message['content']}}{%- endfor -%}";
  for (const std::string& folder :
       {Folder("other", "tokenizer_config.json", Config(other.c_str())), Folder("other_jinja", "chat_template.jinja", other)}) {
    const absl::Status status = DetectChatTemplate(folder).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), folder)) << status;
  }
}

TEST(ChatTemplateTest, MalformedConfigIsAnError) {
  for (const std::string& text : {std::string("{"), Config(5), Config(boost::json::array{5}), Config(boost::json::array{})}) {
    const absl::Status status = DetectChatTemplate(Folder("bad", "tokenizer_config.json", text)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_TRUE(absl::StrContains(status.message(), "tokenizer_config.json")) << status;
  }
}

TEST(ChatTemplateTest, APrefixStaysOpen) {
  bool opens = true;
  EXPECT_EQ(Render(ChatTemplateKind::kV3, {{"user", PrivateText("u")}, Prefix("It is")}, absl::nullopt, &opens),
            "B<｜User｜>u<｜Assistant｜>It is");
  EXPECT_FALSE(opens);
  EXPECT_EQ(Render(ChatTemplateKind::kR1, {{"user", PrivateText("u")}, Prefix("It is", "T")}, absl::nullopt, &opens),
            "B<｜User｜>u<｜Assistant｜><think>\nT\n</think>\n\nIt is");
  EXPECT_FALSE(opens);
  EXPECT_EQ(Render(ChatTemplateKind::kR1, {{"user", PrivateText("u")}, Prefix("", "T")}, absl::nullopt, &opens),
            "B<｜User｜>u<｜Assistant｜><think>\nT");
  EXPECT_TRUE(opens);
  EXPECT_EQ(Render(ChatTemplateKind::kV31, {{"user", PrivateText("u")}, Prefix("It is")}, false, &opens),
            "B<｜User｜>u<｜Assistant｜></think>It is");
  EXPECT_FALSE(opens);
  EXPECT_EQ(Render(ChatTemplateKind::kV31, {{"user", PrivateText("u")}, Prefix("It is")}, true, &opens),
            "B<｜User｜>u<｜Assistant｜><think>It is");
  EXPECT_TRUE(opens);
}

TEST(ChatTemplateTest, OnlyTheLastAssistantTurnIsAPrefix) {
  const auto tokenizer = MakeTinyTokenizer();
  EXPECT_FALSE(RenderChat(ChatTemplateKind::kV3, {Prefix("a"), {"user", PrivateText("u")}}, absl::nullopt, *tokenizer).ok());
}

TEST(ChatTemplateTest, ToolsAreDeclaredWithTheirCallForm) {
  const std::vector<ChatTool> tools = {{PrivateText("add"), PrivateText("Adds. <｜User｜>"), PrivateText("{\"type\":\"object\"}")}};
  const std::string v31 = Render(ChatTemplateKind::kV31, {{"system", PrivateText("S")}, {"user", PrivateText("u")}}, false, nullptr, tools);
  EXPECT_TRUE(absl::StrContains(v31,
                                "BS\n\n## Tools\nYou have access to the following tools:\n\n### add\nDescription: Adds. <｜User｜>\n\n"
                                "Parameters: {\"type\":\"object\"}\n\nIMPORTANT"));
  EXPECT_TRUE(absl::StrContains(v31, "<｜tool▁call▁begin｜>tool_call_name<｜tool▁sep｜>tool_call_arguments<｜tool▁call▁end｜>"));
  const std::string r1 = Render(ChatTemplateKind::kR1, {{"user", PrivateText("u")}}, absl::nullopt, nullptr, tools);
  EXPECT_TRUE(absl::StrContains(r1, "<｜tool▁call▁begin｜>function<｜tool▁sep｜>tool_call_name\n```json\ntool_call_arguments\n```"));
  // A description that spells a control token is text.
  const auto tokenizer = MakeTinyTokenizer();
  const auto chat = RenderChat(ChatTemplateKind::kR1, {{"user", PrivateText("u")}}, absl::nullopt, *tokenizer, tools);
  EXPECT_EQ(std::count(chat->ids.begin(), chat->ids.end(), *tokenizer->AddedTokenId("<｜User｜>")), 1);
}

}  // namespace
}  // namespace baleen
