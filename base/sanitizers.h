// What tests with many seeds need to know of their build.
#ifndef BALEEN_BASE_SANITIZERS_H_
#define BALEEN_BASE_SANITIZERS_H_

namespace baleen {

// Instrumented for data races: ten times slower and more.
#ifdef __SANITIZE_THREAD__
inline constexpr bool kThreadSanitizer = true;
#else
inline constexpr bool kThreadSanitizer = false;
#endif

}  // namespace baleen

#endif  // BALEEN_BASE_SANITIZERS_H_
