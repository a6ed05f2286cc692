#include "kernels/aligned_buffer.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <new>
#include <utility>

namespace baleen {
namespace {

constexpr size_t kCacheLine = 64;
constexpr size_t kPage = size_t{4} << 10;
constexpr size_t kHugePage = size_t{2} << 20;

// Fresh pages are zero already; what lies around the aligned part goes back.
void* MapHuge(size_t bytes) {
  const size_t whole = bytes + kHugePage;
  void* const mapped = mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  char* const begin = static_cast<char*>(mapped);
  const size_t before = (kHugePage - reinterpret_cast<uintptr_t>(begin) % kHugePage) % kHugePage;
  const size_t after = whole - before - bytes;
  if (before > 0) munmap(begin, before);
  if (after > 0) munmap(begin + before + bytes, after);
  // Streaming a weight through 4 KiB pages costs a tenth of the bandwidth in page walks. A refusal is harmless.
  madvise(begin + before, bytes, MADV_HUGEPAGE);
  return begin + before;
}

}  // namespace

AlignedBuffer::AlignedBuffer(size_t bytes) {
  if (bytes == 0) return;
  const size_t unit = bytes >= kHugePage ? kPage : kCacheLine;
  size_ = (bytes + unit - 1) / unit * unit;
  if (size_ >= kHugePage) {
    data_ = MapHuge(size_);
  } else {
    data_ = ::operator new(size_, std::align_val_t(kCacheLine));
    std::memset(data_, 0, size_);
  }
}

AlignedBuffer::~AlignedBuffer() {
  if (data_ == nullptr) return;
  if (size_ >= kHugePage) {
    munmap(data_, size_);
  } else {
    ::operator delete(data_, std::align_val_t(kCacheLine));
  }
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
