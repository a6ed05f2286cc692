// Words what is wrong with a launcher's arguments. Plain C++, so that it is tested where there is no GPU.
#ifndef BALEEN_KERNELS_CUDA_BASE_CHECK_ARGS_H_
#define BALEEN_KERNELS_CUDA_BASE_CHECK_ARGS_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace baleen::cuda {

// Collects the first complaint about the arguments of `op`.
class ArgumentCheck {
 public:
  explicit ArgumentCheck(std::string_view op) : op_(op) {}

  ArgumentCheck& AtLeast(std::string_view name, int64_t value, int64_t least);
  ArgumentCheck& AtMost(std::string_view name, int64_t value, int64_t most);
  ArgumentCheck& Multiple(std::string_view name, int64_t value, int64_t of);
  ArgumentCheck& NotNull(std::string_view name, const void* pointer);
  // Not null, and at a multiple of `bytes`.
  ArgumentCheck& Aligned(std::string_view name, const void* pointer, int64_t bytes);
  ArgumentCheck& That(bool condition, std::string_view complaint);

  // Empty when all is well; else "op: complaint".
  const std::string& problem() const { return problem_; }

 private:
  void Complain(std::string complaint);

  std::string_view op_;
  std::string problem_;
};

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_BASE_CHECK_ARGS_H_
