// How the emulation's launchers put their work on a stream (device_on_host.cc). In builds with CUDA nobody links it.
#ifndef BALEEN_KERNELS_CUDA_BASE_HOST_STREAM_H_
#define BALEEN_KERNELS_CUDA_BASE_HOST_STREAM_H_

#include <functional>

#include "kernels/cuda/base/status.h"

namespace baleen::cuda {

// Runs `work` when somebody waits for the stream, in order; at once where `stream` is null; each time its graph is launched where the
// stream records one. Work of all streams runs one piece at a time.
void EnqueueOnHost(Stream stream, std::function<void()> work);

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_BASE_HOST_STREAM_H_
