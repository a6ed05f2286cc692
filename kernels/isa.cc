#include "kernels/isa.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

namespace baleen {
namespace {

std::optional<Isa> Parse(std::string_view name) {
  for (const Isa isa : {Isa::kReference, Isa::kAvx2, Isa::kAvx512, Isa::kAmx}) {
    if (name == NameOf(isa)) return isa;
  }
  return std::nullopt;
}

#if defined(__x86_64__)
// Linux keeps the 8 KiB of matrix registers from a process that has not asked (its Documentation/arch/x86/xstate.rst). Holds for all
// threads, those to come included.
bool AmxGranted() {
  constexpr int64_t kRequestPermission = 0x1023;
  constexpr int64_t kTileData = 18;
  static const bool granted = syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  return granted;
}
#endif

}  // namespace

std::string_view NameOf(Isa isa) {
  switch (isa) {
    case Isa::kReference:
      return "reference";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvx512:
      return "avx512";
    case Isa::kAmx:
      return "amx";
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
    case Isa::kAmx:
      return Supported(Isa::kAvx512) && __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-bf16") &&
             __builtin_cpu_supports("amx-int8") && AmxGranted();
  }
  return false;
#else
  return isa == Isa::kReference;
#endif
}

Isa BestIsa() {
  Isa limit = Isa::kAmx;
  if (const char* wanted = std::getenv("BALEEN_ISA")) limit = Parse(wanted).value_or(Isa::kAmx);
  for (const Isa isa : {Isa::kAmx, Isa::kAvx512, Isa::kAvx2}) {
    if (isa <= limit && Supported(isa)) return isa;
  }
  return Isa::kReference;
}

}  // namespace baleen
