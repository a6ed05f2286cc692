// Marks functions that also run on a GPU when nvcc compiles them; to other compilers it is nothing.
#ifndef BALEEN_KERNELS_HOST_DEVICE_H_
#define BALEEN_KERNELS_HOST_DEVICE_H_

#ifdef __CUDACC__
#define BALEEN_HOST_DEVICE __host__ __device__
#else
#define BALEEN_HOST_DEVICE
#endif

#endif  // BALEEN_KERNELS_HOST_DEVICE_H_
