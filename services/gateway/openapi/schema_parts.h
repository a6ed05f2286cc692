// Pieces that JSON Schemas of the OpenAPI document are made of.
#ifndef BALEEN_SERVICES_GATEWAY_OPENAPI_SCHEMA_PARTS_H_
#define BALEEN_SERVICES_GATEWAY_OPENAPI_SCHEMA_PARTS_H_

#include <boost/json.hpp>
#include <string>
#include <utility>

namespace baleen {

inline boost::json::object Typed(const char* type) { return {{"type", type}}; }

// `more` are further keywords.
inline boost::json::object OrNull(const char* type, boost::json::object more = {}) {
  more["type"] = boost::json::array{type, "null"};
  return more;
}

inline boost::json::object ListOf(boost::json::object item) { return {{"type", "array"}, {"items", std::move(item)}}; }

// An object that has all of `properties`.
inline boost::json::object Required(boost::json::object properties) {
  boost::json::array names;
  for (const auto& member : properties) names.emplace_back(member.key());
  return {{"type", "object"}, {"properties", std::move(properties)}, {"required", std::move(names)}};
}

// To a schema of the document by its name.
inline boost::json::object Ref(const char* name) { return {{"$ref", std::string("#/components/schemas/") + name}}; }

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_OPENAPI_SCHEMA_PARTS_H_
