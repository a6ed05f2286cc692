#include "services/gateway/openapi/openapi.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <string>
#include <vector>

#include "services/gateway/api/fields.h"

namespace baleen {
namespace {

namespace json = boost::json;

const std::vector<DocumentedRoute> kRoutes = {{"POST", "/v1/chat/completions", "Answers.", RouteShape::kChat},
                                              {"GET", "/v1/requests/{id}/events", "Goes on.", RouteShape::kEvents},
                                              {"GET", "/v1/models/{model}", "One model.", RouteShape::kModel}};

class OpenApiTest : public testing::Test {
 protected:
  const json::value document_ = OpenApiDocument(kRoutes, "abacus", 300);
};

void CollectRefs(const json::value& value, std::vector<std::string>* refs) {
  if (const json::array* array = value.if_array()) {
    for (const json::value& item : *array) CollectRefs(item, refs);
  }
  if (const json::object* object = value.if_object()) {
    for (const auto& member : *object) {
      if (member.key() == "$ref") refs->emplace_back(member.value().as_string());
      CollectRefs(member.value(), refs);
    }
  }
}

TEST_F(OpenApiTest, EveryRouteAndNothingElseHasAnOperation) {
  const json::object& paths = document_.at("paths").as_object();
  ASSERT_EQ(paths.size(), 3u);
  EXPECT_EQ(paths.at("/v1/chat/completions").at("post").at("summary"), "Answers.");
  EXPECT_EQ(paths.at("/v1/models/{model}").at("get").at("parameters").at(0).at("name"), "model");
}

TEST_F(OpenApiTest, EveryReferenceLeadsSomewhere) {
  std::vector<std::string> refs;
  CollectRefs(document_, &refs);
  ASSERT_FALSE(refs.empty());
  for (const std::string& ref : refs) {
    json::error_code error;
    EXPECT_NE(document_.find_pointer(ref.substr(1), error), nullptr) << ref;
  }
}

// Of the operation, by its reference to a named one.
const json::object* HeaderParameter(const json::value& document, const json::value& operation, const char* name) {
  for (const json::value& parameter : operation.at("parameters").as_array()) {
    const json::value* reference = parameter.as_object().if_contains("$ref");
    if (reference == nullptr) continue;
    const json::value& found = document.at_pointer(std::string(reference->as_string()).substr(1));
    if (found.at("in") == "header" && found.at("name") == name) return &found.as_object();
  }
  return nullptr;
}

TEST_F(OpenApiTest, HeadersAreParameters) {
  const json::value& chat = document_.at("paths").at("/v1/chat/completions").at("post");
  for (const char* name : {"Idempotency-Key", "x-baleen-resumable", "x-request-id"})
    EXPECT_NE(HeaderParameter(document_, chat, name), nullptr) << name;
  const json::value& events = document_.at("paths").at("/v1/requests/{id}/events").at("get");
  EXPECT_NE(HeaderParameter(document_, events, "Last-Event-ID"), nullptr);
  EXPECT_EQ(HeaderParameter(document_, events, "Idempotency-Key"), nullptr);
}

TEST_F(OpenApiTest, AnswersHaveHeaders) {
  const json::value closed = OpenApiDocument(kRoutes, "abacus", 300, /*closed=*/true);
  const json::value& responses = closed.at("paths").at("/v1/chat/completions").at("post").at("responses");
  for (const char* name : {"x-request-id", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-requests"})
    EXPECT_TRUE(responses.at("200").at("headers").as_object().contains(name)) << name;
  for (const char* status : {"409", "429", "503"})
    EXPECT_TRUE(responses.at(status).at("headers").as_object().contains("Retry-After")) << status;
  EXPECT_FALSE(responses.at("200").at("headers").as_object().contains("Retry-After"));
}

TEST_F(OpenApiTest, BoundsAreTheParsers) {
  const json::value& properties = document_.at("components").at("schemas").at("ChatRequest").at("properties");
  for (const NumberField& field : kNumberFields) {
    EXPECT_EQ(properties.at(field.name).at("minimum"), field.min) << field.name;
    EXPECT_EQ(properties.at(field.name).at("maximum"), field.max) << field.name;
  }
  for (const IntegerField& field : kIntegerFields) EXPECT_EQ(properties.at(field.name).at("maximum"), field.max) << field.name;
  EXPECT_EQ(properties.at("model").at("enum").at(0), "abacus");
}

}  // namespace
}  // namespace baleen
