#include "services/router/router.h"

#include <utility>

#include "services/router/dispatcher.h"

namespace baleen {

namespace {

class RoutedExperts final : public PendingExperts {
 public:
  RoutedExperts(std::shared_ptr<Dispatcher> dispatcher, std::shared_ptr<PendingBatch> batch)
      : dispatcher_(std::move(dispatcher)), batch_(std::move(batch)) {}

  ~RoutedExperts() override {
    if (!waited_) dispatcher_->Abandon(batch_);
  }

  absl::Status Wait() override {
    waited_ = true;
    return dispatcher_->Wait(batch_);
  }

 private:
  const std::shared_ptr<Dispatcher> dispatcher_;
  const std::shared_ptr<PendingBatch> batch_;  // Has the outputs.
  bool waited_ = false;
};

}  // namespace

struct Router::Impl {
  std::shared_ptr<Dispatcher> dispatcher;
};

Router::Router(RouterOptions options, Connector* connector, prometheus::Registry* metrics) : impl_(std::make_shared<Impl>()) {
  impl_->dispatcher = std::make_shared<Dispatcher>(std::move(options), connector, metrics);
  impl_->dispatcher->Start();
}

Router::~Router() { impl_->dispatcher->Stop(); }

void Router::UpdateMap(std::shared_ptr<const v1::ClusterMap> map) { impl_->dispatcher->UpdateMap(*map); }

absl::Status Router::Ready(int first_moe_layer, int moe_layers, int experts) const {
  return impl_->dispatcher->Ready(first_moe_layer, moe_layers, experts);
}

std::unique_ptr<PendingExperts> Router::Dispatch(const ExpertBatch& batch) {
  return std::make_unique<RoutedExperts>(impl_->dispatcher, impl_->dispatcher->Begin(batch));
}

}  // namespace baleen
