#include "kernels/cuda/base/check_args.h"

namespace baleen::cuda {
namespace {

std::string Sentence(std::string_view name, int64_t value, std::string_view what, int64_t bound) {
  return std::string(name).append(" is ").append(std::to_string(value)).append(what).append(std::to_string(bound));
}

}  // namespace

void ArgumentCheck::Complain(std::string complaint) {
  if (problem_.empty()) problem_ = std::string(op_).append(": ").append(complaint);
}

ArgumentCheck& ArgumentCheck::AtLeast(std::string_view name, int64_t value, int64_t least) {
  if (value < least) Complain(Sentence(name, value, ", at least ", least));
  return *this;
}

ArgumentCheck& ArgumentCheck::AtMost(std::string_view name, int64_t value, int64_t most) {
  if (value > most) Complain(Sentence(name, value, ", at most ", most));
  return *this;
}

ArgumentCheck& ArgumentCheck::Multiple(std::string_view name, int64_t value, int64_t of) {
  if (value % of != 0) Complain(Sentence(name, value, ", not a multiple of ", of));
  return *this;
}

ArgumentCheck& ArgumentCheck::NotNull(std::string_view name, const void* pointer) {
  if (pointer == nullptr) Complain(std::string(name).append(" is null"));
  return *this;
}

ArgumentCheck& ArgumentCheck::Aligned(std::string_view name, const void* pointer, int64_t bytes) {
  NotNull(name, pointer);
  if (reinterpret_cast<uintptr_t>(pointer) % static_cast<uintptr_t>(bytes) != 0) {
    Complain(std::string(name).append(" is not aligned to ").append(std::to_string(bytes)).append(" bytes"));
  }
  return *this;
}

ArgumentCheck& ArgumentCheck::That(bool condition, std::string_view complaint) {
  if (!condition) Complain(std::string(complaint));
  return *this;
}

}  // namespace baleen::cuda
