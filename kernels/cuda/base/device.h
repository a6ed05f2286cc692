// What the code around the kernels needs of a GPU: memory, copies, streams, events, graphs. One contract, two implementations: CUDA's
// runtime (device_cuda.cc), and for builds without CUDA an emulation on the host (device_on_host.cc), for tests. The emulation runs what a
// stream was given only when somebody waits for it, as late as CUDA may, so that a missing wait fails there too.
#ifndef BALEEN_KERNELS_CUDA_BASE_DEVICE_H_
#define BALEEN_KERNELS_CUDA_BASE_DEVICE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "kernels/cuda/base/status.h"

namespace baleen::cuda {

bool DeviceIsEmulated();
// Empty when kernels can run here, else why not.
std::string DeviceProblem();
std::string DeviceName();

// How many this process may use (CUDA_VISIBLE_DEVICES); the emulation has as many as a host of eight.
int DeviceCount();
// Where the calling thread allocates, creates and launches from now on; 0 for a thread that never said.
Status SelectDevice(int device);

struct DeviceBytes {
  size_t free = 0;
  size_t total = 0;
};
Status QueryDeviceBytes(DeviceBytes* bytes);

// Waits for all work of all streams. The first error since the last call, of any kernel.
Status SynchronizeDevice();

// Memory that a destructor frees; empty or of a fixed size, movable. Its contents are undefined at first (0xff bytes on the emulation: a
// NaN in every format). Work that uses it must be over when it is freed.
class Memory {
 public:
  Memory() = default;
  Memory(Memory&& other) noexcept { *this = std::move(other); }
  Memory& operator=(Memory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }

  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  template <typename T>
  T* As() const {
    return static_cast<T*>(data_);
  }

 protected:
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

// 256-byte aligned. The host may not touch it.
class DeviceMemory : public Memory {
 public:
  DeviceMemory() = default;
  DeviceMemory(DeviceMemory&&) = default;
  DeviceMemory& operator=(DeviceMemory&&) = default;
  ~DeviceMemory();
  static Status Allocate(size_t bytes, DeviceMemory* memory);
};

// Host memory that stays in place, so that copies to and from it go on while the host computes.
class PinnedMemory : public Memory {
 public:
  PinnedMemory() = default;
  PinnedMemory(PinnedMemory&&) = default;
  PinnedMemory& operator=(PinnedMemory&&) = default;
  ~PinnedMemory();
  static Status Allocate(size_t bytes, PinnedMemory* memory);
};

// Enqueue, for any two of device and pinned memory; both stay as they are until the stream has come past.
Status CopyAsync(void* to, const void* from, size_t bytes, Stream stream);
// `rows` runs of `row_bytes`; strides in bytes, at least row_bytes.
Status CopyRowsAsync(void* to, size_t to_stride, const void* from, size_t from_stride, size_t row_bytes, size_t rows, Stream stream);
Status FillAsync(void* to, uint8_t byte, size_t bytes, Stream stream);

// Copies at once, for any memory; waits for nothing that streams still have to do.
Status CopyNow(void* to, const void* from, size_t bytes);

// Work in order. Movable; a destructor waits. Thread-compatible.
class DeviceStream {
 public:
  DeviceStream() = default;
  DeviceStream(DeviceStream&& other) noexcept { *this = std::move(other); }
  DeviceStream& operator=(DeviceStream&& other) noexcept {
    std::swap(stream_, other.stream_);
    return *this;
  }
  ~DeviceStream();
  static Status Create(DeviceStream* stream);

  Stream get() const { return stream_; }
  // Waits until all work is done.
  Status Synchronize() const;

 private:
  Stream stream_ = nullptr;
};

// A point in a stream.
class DeviceEvent {
 public:
  DeviceEvent() = default;
  DeviceEvent(DeviceEvent&& other) noexcept { *this = std::move(other); }
  DeviceEvent& operator=(DeviceEvent&& other) noexcept {
    std::swap(event_, other.event_);
    return *this;
  }
  ~DeviceEvent();
  static Status Create(DeviceEvent* event);

  // The point is behind what `stream` was given so far.
  Status Record(Stream stream) const;
  // What `stream` is given from now on waits for the point recorded last.
  Status Block(Stream stream) const;
  // The host waits for it.
  Status Synchronize() const;

 private:
  void* event_ = nullptr;
};

// Work recorded once and launched many times with the same pointers and sizes.
class DeviceGraph {
 public:
  DeviceGraph() = default;
  DeviceGraph(DeviceGraph&& other) noexcept { *this = std::move(other); }
  DeviceGraph& operator=(DeviceGraph&& other) noexcept {
    std::swap(graph_, other.graph_);
    return *this;
  }
  ~DeviceGraph();

  // Records what `enqueue` gives to `stream` instead of running it; `enqueue` waits for nothing.
  static Status Capture(Stream stream, const std::function<Status()>& enqueue, DeviceGraph* graph);

  bool empty() const { return graph_ == nullptr; }
  Status Launch(Stream stream) const;

 private:
  void* graph_ = nullptr;
};

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_BASE_DEVICE_H_
