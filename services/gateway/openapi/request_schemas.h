// JSON Schemas of the REST API's request bodies.
#ifndef BALEEN_SERVICES_GATEWAY_OPENAPI_REQUEST_SCHEMAS_H_
#define BALEEN_SERVICES_GATEWAY_OPENAPI_REQUEST_SCHEMAS_H_

#include <boost/json/object.hpp>
#include <cstdint>
#include <string>

namespace baleen {

boost::json::object ChatRequestSchema(const std::string& model);
boost::json::object CompletionRequestSchema(const std::string& model, int64_t vocabulary);
boost::json::object TokenizeRequestSchema(const std::string& model);
boost::json::object DetokenizeRequestSchema(const std::string& model, int64_t vocabulary);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_OPENAPI_REQUEST_SCHEMAS_H_
