#include <cuda_runtime.h>

#include "kernels/cuda/base/device.h"
#include "kernels/cuda/base/launch.h"

namespace baleen::cuda {

bool DeviceIsEmulated() { return false; }

std::string DeviceProblem() {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess || count == 0) return "no CUDA device";
  cudaDeviceProp properties;
  if (cudaGetDeviceProperties(&properties, 0) != cudaSuccess) return "no CUDA device";
  if (properties.major != 9 || properties.minor != 0) return std::string(properties.name) + " is not of compute capability 9.0";
  return "";
}

std::string DeviceName() {
  cudaDeviceProp properties;
  return cudaGetDeviceProperties(&properties, 0) == cudaSuccess ? properties.name : "no device";
}

int DeviceCount() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess ? count : 0;
}

Status SelectDevice(int device) { return FromCuda(cudaSetDevice(device), "device " + std::to_string(device)); }

Status QueryDeviceBytes(DeviceBytes* bytes) { return FromCuda(cudaMemGetInfo(&bytes->free, &bytes->total), "the device's memory"); }

Status SynchronizeDevice() { return FromCuda(cudaDeviceSynchronize(), "the device"); }

DeviceMemory::~DeviceMemory() { cudaFree(data_); }

Status DeviceMemory::Allocate(size_t bytes, DeviceMemory* memory) {
  DeviceMemory taken;
  Status status = FromCuda(cudaMalloc(&taken.data_, bytes), "allocating " + std::to_string(bytes) + " bytes on the device");
  taken.bytes_ = bytes;
  if (status.ok()) *memory = std::move(taken);
  return status;
}

PinnedMemory::~PinnedMemory() { cudaFreeHost(data_); }

Status PinnedMemory::Allocate(size_t bytes, PinnedMemory* memory) {
  PinnedMemory taken;
  Status status = FromCuda(cudaMallocHost(&taken.data_, bytes), "allocating " + std::to_string(bytes) + " bytes of pinned memory");
  taken.bytes_ = bytes;
  if (status.ok()) *memory = std::move(taken);
  return status;
}

Status CopyAsync(void* to, const void* from, size_t bytes, Stream stream) {
  return FromCuda(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream), "a copy");
}

Status CopyRowsAsync(void* to, size_t to_stride, const void* from, size_t from_stride, size_t row_bytes, size_t rows, Stream stream) {
  return FromCuda(cudaMemcpy2DAsync(to, to_stride, from, from_stride, row_bytes, rows, cudaMemcpyDefault, stream), "a copy of rows");
}

Status FillAsync(void* to, uint8_t byte, size_t bytes, Stream stream) {
  return FromCuda(cudaMemsetAsync(to, byte, bytes, stream), "filling memory");
}

Status CopyNow(void* to, const void* from, size_t bytes) {
  if (Status status = FromCuda(cudaMemcpy(to, from, bytes, cudaMemcpyDefault), "a copy"); !status.ok()) return status;
  // From memory that is not pinned it may return while the last bytes are still on their way.
  return FromCuda(cudaStreamSynchronize(nullptr), "a copy");
}

DeviceStream::~DeviceStream() {
  if (stream_ == nullptr) return;
  cudaStreamSynchronize(stream_);
  cudaStreamDestroy(stream_);
}

Status DeviceStream::Create(DeviceStream* stream) {
  DeviceStream made;
  Status status = FromCuda(cudaStreamCreateWithFlags(&made.stream_, cudaStreamNonBlocking), "a stream");
  if (status.ok()) *stream = std::move(made);
  return status;
}

Status DeviceStream::Synchronize() const { return FromCuda(cudaStreamSynchronize(stream_), "the device"); }

DeviceEvent::~DeviceEvent() {
  if (event_ != nullptr) cudaEventDestroy(static_cast<cudaEvent_t>(event_));
}

Status DeviceEvent::Create(DeviceEvent* event) {
  cudaEvent_t made = nullptr;
  Status status = FromCuda(cudaEventCreateWithFlags(&made, cudaEventDisableTiming), "an event");
  DeviceEvent taken;
  taken.event_ = made;
  if (status.ok()) *event = std::move(taken);
  return status;
}

Status DeviceEvent::Record(Stream stream) const {
  return FromCuda(cudaEventRecord(static_cast<cudaEvent_t>(event_), stream), "recording an event");
}

Status DeviceEvent::Block(Stream stream) const {
  return FromCuda(cudaStreamWaitEvent(stream, static_cast<cudaEvent_t>(event_)), "waiting for an event");
}

Status DeviceEvent::Synchronize() const { return FromCuda(cudaEventSynchronize(static_cast<cudaEvent_t>(event_)), "the device"); }

DeviceGraph::~DeviceGraph() {
  if (graph_ != nullptr) cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(graph_));
}

Status DeviceGraph::Capture(Stream stream, const std::function<Status()>& enqueue, DeviceGraph* graph) {
  if (Status status = FromCuda(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "recording a graph"); !status.ok()) {
    return status;
  }
  const Status enqueued = enqueue();
  cudaGraph_t recorded = nullptr;
  Status status = FromCuda(cudaStreamEndCapture(stream, &recorded), "recording a graph");
  if (!enqueued.ok()) status = enqueued;
  DeviceGraph made;
  if (status.ok()) {
    cudaGraphExec_t executable = nullptr;
    status = FromCuda(cudaGraphInstantiate(&executable, recorded, 0), "making a graph");
    made.graph_ = executable;
  }
  if (recorded != nullptr) cudaGraphDestroy(recorded);
  if (status.ok()) *graph = std::move(made);
  return status;
}

Status DeviceGraph::Launch(Stream stream) const {
  return FromCuda(cudaGraphLaunch(static_cast<cudaGraphExec_t>(graph_), stream), "launching a graph");
}

}  // namespace baleen::cuda
