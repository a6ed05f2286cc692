#include "services/gateway/text_pool/text_pool.h"

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <map>
#include <mutex>
#include <utility>

namespace baleen {

struct TextPool::Impl {
  explicit Impl(const TextPoolLimits& given) : limits(given), threads(static_cast<size_t>(given.threads)) {}

  absl::Status Take(const std::string& caller, size_t bytes) {
    const std::lock_guard<std::mutex> lock(mutex);
    if (stopped) return absl::UnavailableError("This gateway is stopping.");
    // One text is let in whatever its size: the server's own limit bounds it.
    if (total > 0 && total + bytes > limits.waiting_bytes)
      return absl::UnavailableError("This gateway is busy reading long prompts; try again shortly.");
    size_t& own = by_caller[caller];
    if (!caller.empty() && own > 0 && own + bytes > limits.caller_bytes)
      return absl::ResourceExhaustedError("Too many of your long prompts are being read; try again shortly.");
    own += bytes;
    total += bytes;
    return absl::OkStatus();
  }

  void GiveBack(const std::string& caller, size_t bytes) {
    const std::lock_guard<std::mutex> lock(mutex);
    total -= bytes;
    const auto own = by_caller.find(caller);
    own->second -= bytes;
    if (own->second == 0) by_caller.erase(own);
  }

  bool Stopped() {
    const std::lock_guard<std::mutex> lock(mutex);
    return stopped;
  }

  const TextPoolLimits limits;
  std::mutex mutex;
  size_t total = 0;
  std::map<std::string, size_t> by_caller;
  bool stopped = false;
  boost::asio::thread_pool threads;
};

TextPool::TextPool(const TextPoolLimits& limits) : impl_(std::make_unique<Impl>(limits)) {}

TextPool::~TextPool() { Stop(); }

absl::Status TextPool::Run(const std::string& caller, size_t bytes, std::function<void()> work) {
  if (bytes <= impl_->limits.inline_bytes) {
    work();
    return absl::OkStatus();
  }
  if (absl::Status status = impl_->Take(caller, bytes); !status.ok()) return status;
  boost::asio::post(impl_->threads, [impl = impl_.get(), caller, bytes, work = std::move(work)]() mutable {
    if (!impl->Stopped()) work();
    work = nullptr;  // What it holds may be large.
    impl->GiveBack(caller, bytes);
  });
  return absl::OkStatus();
}

void TextPool::Stop() {
  {
    const std::lock_guard<std::mutex> lock(impl_->mutex);
    impl_->stopped = true;
  }
  impl_->threads.join();
}

}  // namespace baleen
