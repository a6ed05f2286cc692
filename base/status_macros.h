// Early return on a bad absl::Status.
#ifndef BALEEN_BASE_STATUS_MACROS_H_
#define BALEEN_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Returns from the enclosing function when `expr` is not OK.
#define RETURN_IF_ERROR(expr)                                         \
  do {                                                                \
    if (absl::Status status_ = (expr); !status_.ok()) return status_; \
  } while (false)

#define BALEEN_CONCAT_INNER_(a, b) a##b
#define BALEEN_CONCAT_(a, b) BALEEN_CONCAT_INNER_(a, b)

// ASSIGN_OR_RETURN(auto x, F()): assigns the value of a StatusOr or returns its status.
#define ASSIGN_OR_RETURN(lhs, expr) ASSIGN_OR_RETURN_IMPL_(BALEEN_CONCAT_(status_or_, __LINE__), lhs, expr)
#define ASSIGN_OR_RETURN_IMPL_(tmp, lhs, expr)   \
  auto tmp = (expr);                             \
  if (!tmp.ok()) return std::move(tmp).status(); \
  lhs = std::move(tmp).value()

#endif  // BALEEN_BASE_STATUS_MACROS_H_
