#include "kernels/isa.h"

#include <cstdlib>

namespace baleen {
namespace {

std::optional<Isa> Parse(std::string_view name) {
  for (const Isa isa : {Isa::kReference, Isa::kAvx2, Isa::kAvx512}) {
    if (name == NameOf(isa)) return isa;
  }
  return std::nullopt;
}

}  // namespace

std::string_view NameOf(Isa isa) {
  switch (isa) {
    case Isa::kReference:
      return "reference";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvx512:
      return "avx512";
  }
  return "unknown";
}

bool Supported(Isa isa) {
#if defined(__x86_64__)
  switch (isa) {
    case Isa::kReference:
      return true;
    case Isa::kAvx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case Isa::kAvx512:
      return Supported(Isa::kAvx2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vnni") &&
             __builtin_cpu_supports("avx512bf16");
  }
  return false;
#else
  return isa == Isa::kReference;
#endif
}

Isa BestIsa() {
  Isa limit = Isa::kAvx512;
  if (const char* wanted = std::getenv("BALEEN_ISA")) limit = Parse(wanted).value_or(Isa::kAvx512);
  for (const Isa isa : {Isa::kAvx512, Isa::kAvx2}) {
    if (isa <= limit && Supported(isa)) return isa;
  }
  return Isa::kReference;
}

}  // namespace baleen
