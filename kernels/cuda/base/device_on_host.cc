#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "kernels/cuda/base/device.h"
#include "kernels/cuda/base/host_stream.h"

struct CUstream_st {
  std::deque<std::function<void()>> queue;
  std::vector<std::function<void()>>* recording = nullptr;  // What a graph takes instead of the queue.
};

namespace baleen::cuda {
namespace {

constexpr char kPartOfGraph[] = "the device: an event that is part of a graph cannot be waited for";
constexpr size_t kAlignment = 256;
constexpr int kDevices = 8;
constexpr size_t kMostBytes = size_t{1} << 40;  // More than any device has.

// Recursive, since work may wait for another stream's event.
std::recursive_mutex& Mutex() {
  static std::recursive_mutex mutex;
  return mutex;
}

// All that live, for SynchronizeDevice.
std::set<Stream>& Streams() {
  static std::set<Stream> streams;
  return streams;
}

// Runs the queue until `done`, or to its end.
void Drain(Stream stream, const bool* done = nullptr) {
  while (!stream->queue.empty() && (done == nullptr || !*done)) {
    const std::function<void()> work = std::move(stream->queue.front());
    stream->queue.pop_front();
    work();
  }
}

// The point that an event recorded last; `done` outlives events recorded anew.
struct Event {
  Stream stream = nullptr;
  std::shared_ptr<bool> done = std::make_shared<bool>(true);
  bool in_graph = false;
};

void Reach(Stream stream, const bool* done) {
  if (!*done && Streams().contains(stream)) Drain(stream, done);
}

using Graph = std::vector<std::function<void()>>;

void* Take(size_t bytes) {
  if (bytes > kMostBytes) return nullptr;
  const size_t rounded = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  void* const data = std::aligned_alloc(kAlignment, rounded == 0 ? kAlignment : rounded);
  if (data != nullptr) std::memset(data, 0xff, rounded);
  return data;
}

Status Allocated(const void* data, size_t bytes) {
  return data != nullptr ? Status() : Status("allocating " + std::to_string(bytes) + " bytes: out of memory");
}

}  // namespace

void EnqueueOnHost(Stream stream, std::function<void()> work) {
  const std::lock_guard<std::recursive_mutex> lock(Mutex());
  if (stream == nullptr) {
    work();
  } else if (stream->recording != nullptr) {
    stream->recording->push_back(std::move(work));
  } else {
    stream->queue.push_back(std::move(work));
  }
}

bool DeviceIsEmulated() { return true; }
std::string DeviceProblem() { return ""; }
std::string DeviceName() { return "emulation on the host"; }

int DeviceCount() { return kDevices; }

Status SelectDevice(int device) {
  if (device >= 0 && device < kDevices) return Status();
  return Status("device " + std::to_string(device) + " of " + std::to_string(kDevices));
}

Status QueryDeviceBytes(DeviceBytes* bytes) {
  bytes->free = bytes->total = size_t{1} << 30;
  return Status();
}

Status SynchronizeDevice() {
  const std::lock_guard<std::recursive_mutex> lock(Mutex());
  for (const Stream stream : Streams()) Drain(stream);
  return Status();
}

DeviceMemory::~DeviceMemory() { std::free(data_); }

Status DeviceMemory::Allocate(size_t bytes, DeviceMemory* memory) {
  DeviceMemory taken;
  taken.data_ = Take(bytes);
  taken.bytes_ = bytes;
  Status status = Allocated(taken.data_, bytes);
  if (status.ok()) *memory = std::move(taken);
  return status;
}

PinnedMemory::~PinnedMemory() { std::free(data_); }

Status PinnedMemory::Allocate(size_t bytes, PinnedMemory* memory) {
  PinnedMemory taken;
  taken.data_ = Take(bytes);
  taken.bytes_ = bytes;
  Status status = Allocated(taken.data_, bytes);
  if (status.ok()) *memory = std::move(taken);
  return status;
}

Status CopyAsync(void* to, const void* from, size_t bytes, Stream stream) {
  if (bytes > 0) EnqueueOnHost(stream, [=] { std::memcpy(to, from, bytes); });
  return Status();
}

Status CopyRowsAsync(void* to, size_t to_stride, const void* from, size_t from_stride, size_t row_bytes, size_t rows, Stream stream) {
  if (rows > 0 && (to_stride < row_bytes || from_stride < row_bytes)) return Status("a copy of rows: a stride is shorter than a row");
  if (row_bytes == 0) return Status();
  EnqueueOnHost(stream, [=] {
    for (size_t row = 0; row < rows; ++row) {
      std::memcpy(static_cast<char*>(to) + row * to_stride, static_cast<const char*>(from) + row * from_stride, row_bytes);
    }
  });
  return Status();
}

Status FillAsync(void* to, uint8_t byte, size_t bytes, Stream stream) {
  if (bytes > 0) EnqueueOnHost(stream, [=] { std::memset(to, byte, bytes); });
  return Status();
}

Status CopyNow(void* to, const void* from, size_t bytes) { return CopyAsync(to, from, bytes, nullptr); }

DeviceStream::~DeviceStream() {
  if (stream_ == nullptr) return;
  const std::lock_guard<std::recursive_mutex> lock(Mutex());
  Drain(stream_);
  Streams().erase(stream_);
  delete stream_;
}

Status DeviceStream::Create(DeviceStream* stream) {
  const std::lock_guard<std::recursive_mutex> lock(Mutex());
  DeviceStream made;
  made.stream_ = new CUstream_st;
  Streams().insert(made.stream_);
  *stream = std::move(made);
  return Status();
}

Status DeviceStream::Synchronize() const {
  const std::lock_guard<std::recursive_mutex> lock(Mutex());
  if (stream_ == nullptr) return Status();
  if (stream_->recording != nullptr) return Status("the device: a stream that records a graph cannot be waited for");
  Drain(stream_);
  return Status();
}

DeviceEvent::~DeviceEvent() { delete static_cast<Event*>(event_); }

Status DeviceEvent::Create(DeviceEvent* event) {
  DeviceEvent made;
  made.event_ = new Event;
  *event = std::move(made);
  return Status();
}

Status DeviceEvent::Record(Stream stream) const {
  const std::lock_guard<std::recursive_mutex> lock(Mutex());
  Event& event = *static_cast<Event*>(event_);
  event.stream = stream;
  event.in_graph = stream != nullptr && stream->recording != nullptr;
  event.done = std::make_shared<bool>(false);
  EnqueueOnHost(stream, [done = event.done] { *done = true; });
  return Status();
}

Status DeviceEvent::Block(Stream stream) const {
  const std::lock_guard<std::recursive_mutex> lock(Mutex());
  const Event& event = *static_cast<const Event*>(event_);
  if (event.in_graph && (stream == nullptr || stream->recording == nullptr)) return Status(kPartOfGraph);
  EnqueueOnHost(stream, [of = event.stream, done = event.done] { Reach(of, done.get()); });
  return Status();
}

Status DeviceEvent::Synchronize() const {
  const std::lock_guard<std::recursive_mutex> lock(Mutex());
  const Event& event = *static_cast<const Event*>(event_);
  if (event.in_graph) return Status(kPartOfGraph);
  Reach(event.stream, event.done.get());
  return Status();
}

DeviceGraph::~DeviceGraph() { delete static_cast<Graph*>(graph_); }

Status DeviceGraph::Capture(Stream stream, const std::function<Status()>& enqueue, DeviceGraph* graph) {
  if (stream == nullptr) return Status("recording a graph: the null stream records none");
  auto recorded = std::make_unique<Graph>();
  stream->recording = recorded.get();
  const Status status = enqueue();
  stream->recording = nullptr;
  if (!status.ok()) return status;
  DeviceGraph made;
  made.graph_ = recorded.release();
  *graph = std::move(made);
  return Status();
}

Status DeviceGraph::Launch(Stream stream) const {
  for (const std::function<void()>& work : *static_cast<const Graph*>(graph_)) EnqueueOnHost(stream, work);
  return Status();
}

}  // namespace baleen::cuda
