// Tenants files for tests.
#ifndef BALEEN_SERVICES_GATEWAY_TESTING_TENANTS_H_
#define BALEEN_SERVICES_GATEWAY_TESTING_TENANTS_H_

#include <prometheus/registry.h>

#include <memory>
#include <string>
#include <vector>

#include "services/gateway/tenants/tenant_directory.h"

namespace baleen {

// A tenant with one key; `more` are further fields, such as R"("priority":1)".
std::string TenantJson(const std::string& name, const std::string& key, const std::string& more = "");

// A tenants file in the test's temporary directory. Thread-compatible.
class TenantsFile {
 public:
  // `more` are further fields of the file.
  explicit TenantsFile(const std::vector<std::string>& tenants, const std::string& more = "");

  // Replaces the tenants.
  void Write(const std::vector<std::string>& tenants, const std::string& more = "");
  void WriteText(const std::string& text);
  const std::string& path() const { return path_; }
  // Under the clock, with the example's prices. Outlives what it opens.
  std::unique_ptr<TenantDirectory> Open(Clock* clock = Clock::Real());

 private:
  prometheus::Registry registry_;
  const std::string path_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_TESTING_TENANTS_H_
