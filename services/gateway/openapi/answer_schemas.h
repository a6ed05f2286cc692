// JSON Schemas of what the REST API answers with.
#ifndef BALEEN_SERVICES_GATEWAY_OPENAPI_ANSWER_SCHEMAS_H_
#define BALEEN_SERVICES_GATEWAY_OPENAPI_ANSWER_SCHEMAS_H_

#include <boost/json/object.hpp>

namespace baleen {

boost::json::object ErrorSchema();
boost::json::object UsageSchema();
// Both refer to the schema "Usage".
boost::json::object ChatAnswerSchema();
boost::json::object CompletionAnswerSchema();
boost::json::object ModelSchema();
boost::json::object TenantUsageSchema();
boost::json::object ClusterSchema();

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_OPENAPI_ANSWER_SCHEMAS_H_
