// The OpenAPI 3.1 document of the REST API, made from its routes and from the field tables that the parser reads.
#ifndef BALEEN_SERVICES_GATEWAY_OPENAPI_OPENAPI_H_
#define BALEEN_SERVICES_GATEWAY_OPENAPI_OPENAPI_H_

#include <boost/json/object.hpp>
#include <string>
#include <vector>

namespace baleen {

// What a route takes and gives, apart from its method and path.
enum class RouteShape { kChat, kCompletion, kModels, kModel, kTokenize, kDetokenize, kProbe, kDocument, kEvents, kUsage, kCluster, kPage };

struct DocumentedRoute {
  std::string method;
  std::string path;  // Parameters in braces.
  std::string summary;
  RouteShape shape;
  bool open = false;  // Needs no key where others do.
};

// `model` is the served model's name, `vocabulary` one past its largest token id; `closed`: keys are asked for.
boost::json::object OpenApiDocument(const std::vector<DocumentedRoute>& routes, const std::string& model, int64_t vocabulary,
                                    bool closed = false);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_OPENAPI_OPENAPI_H_
