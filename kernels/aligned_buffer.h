// Memory that vector kernels read and write.
#ifndef BALEEN_KERNELS_ALIGNED_BUFFER_H_
#define BALEEN_KERNELS_ALIGNED_BUFFER_H_

#include <cstddef>

namespace baleen {

// Owns bytes aligned to 64, or to 2 MiB with huge pages asked for where large. Movable; not thread-safe.
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(size_t bytes);  // Zeroed.
  ~AlignedBuffer();
  AlignedBuffer(AlignedBuffer&& other) noexcept;
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept;

  // Makes room for `bytes`, losing the contents if it must grow.
  void Reserve(size_t bytes);

  void* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  void* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace baleen

#endif  // BALEEN_KERNELS_ALIGNED_BUFFER_H_
