// Barriers in shared memory that count arrivals and bytes (PTX ISA, mbarrier), and what orders memory around them.
#ifndef BALEEN_KERNELS_CUDA_PTX_MBARRIER_CUH_
#define BALEEN_KERNELS_CUDA_PTX_MBARRIER_CUH_

#include <cstdint>

namespace baleen::cuda {

__device__ inline uint32_t SharedAddress(const void* pointer) { return static_cast<uint32_t>(__cvta_generic_to_shared(pointer)); }

// Its phases are numbered from 0; waiting for the parity of a phase returns once that phase is complete.
class Barrier {
 public:
  __device__ void Init(uint32_t arrivals) {
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(SharedAddress(&state_)), "r"(arrivals));
  }

  __device__ void Arrive() {
    asm volatile("{\n.reg .b64 state;\nmbarrier.arrive.shared::cta.b64 state, [%0];\n}" ::"r"(SharedAddress(&state_)) : "memory");
  }

  // Arrives, and lets the phase wait for that many bytes of copies too.
  __device__ void ArriveExpect(uint32_t bytes) {
    asm volatile("{\n.reg .b64 state;\nmbarrier.arrive.expect_tx.shared::cta.b64 state, [%0], %1;\n}" ::"r"(SharedAddress(&state_)),
                 "r"(bytes)
                 : "memory");
  }

  __device__ void Wait(uint32_t parity) {
    asm volatile(
        "{\n"
        ".reg .pred done;\n"
        "again:\n"
        "mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
        "@done bra finished;\n"
        "bra again;\n"
        "finished:\n"
        "}" ::"r"(SharedAddress(&state_)),
        "r"(parity)
        : "memory");
  }

 private:
  uint64_t state_;
};

// Makes initialised barriers visible to the copy engine; before the block's first __syncthreads.
__device__ inline void FenceBarrierInit() { asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory"); }

// Makes this thread's ordinary writes to shared memory visible to the tensor cores and the copy engine; before a barrier.
__device__ inline void FenceAsyncProxy() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

// True in one thread of a converged warp. What runs under it the compiler knows to be one thread's, and keeps addresses uniform.
__device__ inline bool ElectOne() {
  uint32_t elected;
  asm volatile(
      "{\n"
      ".reg .pred elected;\n"
      "elect.sync _|elected, 0xffffffff;\n"
      "selp.u32 %0, 1, 0, elected;\n"
      "}"
      : "=r"(elected));
  return elected != 0;
}

// Barriers among `threads` threads of a block; 0 is __syncthreads' own.
__device__ inline void NamedSync(uint32_t id, uint32_t threads) { asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(threads) : "memory"); }
__device__ inline void NamedArrive(uint32_t id, uint32_t threads) { asm volatile("bar.arrive %0, %1;" ::"r"(id), "r"(threads) : "memory"); }

// Moves registers between warpgroups; each role is one branch of a single if.
template <uint32_t kRegisters>
__device__ inline void ReleaseRegisters() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(kRegisters));
}
template <uint32_t kRegisters>
__device__ inline void TakeRegisters() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(kRegisters));
}

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_PTX_MBARRIER_CUH_
