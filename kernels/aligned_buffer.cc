#include "kernels/aligned_buffer.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace baleen {
namespace {

constexpr size_t kCacheLine = 64;
constexpr size_t kHugePage = size_t{2} << 20;

std::align_val_t AlignmentFor(size_t bytes) { return std::align_val_t(bytes >= kHugePage ? kHugePage : kCacheLine); }

}  // namespace

AlignedBuffer::AlignedBuffer(size_t bytes) {
  if (bytes == 0) return;
  size_ = (bytes + kCacheLine - 1) / kCacheLine * kCacheLine;
  data_ = ::operator new(size_, AlignmentFor(size_));
  // Streaming a weight through 4 KiB pages costs a tenth of the bandwidth in page walks. A refusal is harmless.
  if (size_ >= kHugePage) madvise(data_, size_ / kHugePage * kHugePage, MADV_HUGEPAGE);
  std::memset(data_, 0, size_);
}

AlignedBuffer::~AlignedBuffer() {
  if (data_ != nullptr) ::operator delete(data_, AlignmentFor(size_));
}

AlignedBuffer::AlignedBuffer(AlignedBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

AlignedBuffer& AlignedBuffer::operator=(AlignedBuffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

void AlignedBuffer::Reserve(size_t bytes) {
  if (bytes > size_) *this = AlignedBuffer(bytes);
}

}  // namespace baleen
