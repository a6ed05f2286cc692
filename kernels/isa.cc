#include "kernels/isa.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
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

// Clang's __builtin_cpu_supports does not know AMX. Intel's manual, CPUID leaf 7: tiles, and their BF16 and INT8 products.
bool HasAmx() {
  constexpr unsigned kBf16 = 1u << 22, kTile = 1u << 24, kInt8 = 1u << 25;
  constexpr unsigned kAll = kBf16 | kTile | kInt8;
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (edx & kAll) == kAll;
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
             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
    case Isa::kAmx:
      return Supported(Isa::kAvx512) && __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bf16") && HasAmx() &&
             AmxGranted();
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
