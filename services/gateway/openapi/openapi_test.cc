#include "services/gateway/openapi/openapi.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "services/gateway/api/fields.h"

namespace baleen {
namespace {

namespace json = boost::json;

class OpenApiTest : public testing::Test {
 protected:
  const json::value document_ = OpenApiDocument(
      {{"POST", "/v1/chat/completions", "Answers.", RouteShape::kChat}, {"GET", "/v1/models/{model}", "One model.", RouteShape::kModel}},
      "abacus", 300);
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
  ASSERT_EQ(paths.size(), 2u);
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
