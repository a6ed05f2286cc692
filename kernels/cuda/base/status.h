// How launchers report: no exceptions, and no library that a machine with a GPU may lack.
#ifndef BALEEN_KERNELS_CUDA_BASE_STATUS_H_
#define BALEEN_KERNELS_CUDA_BASE_STATUS_H_

#include <string>
#include <utility>

// CUDA's stream, without its headers.
struct CUstream_st;

namespace baleen::cuda {

using Stream = CUstream_st*;

// OK, or what went wrong: an argument's name and value, or CUDA's own words. An OK from a launcher means launched: what happens on the
// device later is seen by whoever synchronises.
class [[nodiscard]] Status {
 public:
  Status() = default;
  // `message` empty = OK.
  explicit Status(std::string message) : message_(std::move(message)) {}

  bool ok() const { return message_.empty(); }
  const std::string& message() const { return message_; }

 private:
  std::string message_;
};

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_BASE_STATUS_H_
