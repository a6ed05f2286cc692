// What tests with many seeds need to know of their build.
#ifndef BALEEN_BASE_SANITIZERS_H_
#define BALEEN_BASE_SANITIZERS_H_

// Clang asks by feature, GCC by macro.
#ifdef __has_feature
#define BALEEN_HAS_FEATURE(feature) __has_feature(feature)
#else
#define BALEEN_HAS_FEATURE(feature) 0
#endif

namespace baleen {

// Instrumented for data races or memory errors: ten times slower and more.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__) || BALEEN_HAS_FEATURE(address_sanitizer)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace baleen

#undef BALEEN_HAS_FEATURE

#endif  // BALEEN_BASE_SANITIZERS_H_
