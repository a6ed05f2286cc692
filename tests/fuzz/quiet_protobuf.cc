#include <google/protobuf/stubs/logging.h>

namespace {

// Messages that do not parse are what fuzzing is about; else each has a line.
[[maybe_unused]] google::protobuf::LogHandler* const kBefore = google::protobuf::SetLogHandler(nullptr);

}  // namespace
