// Where the panels of packed weights live.
#ifndef BALEEN_KERNELS_PANEL_SOURCE_H_
#define BALEEN_KERNELS_PANEL_SOURCE_H_

#include <cstddef>
#include <memory>

namespace baleen {

// `size` bytes at `data`, aligned to 64, as long as `owner` lives.
struct PanelMemory {
  void* data = nullptr;
  size_t size = 0;
  bool filled = false;  // Somebody packed the same weights there already; they may be read alone.
  std::shared_ptr<void> owner;
};

// Gives memory to weights that are packed one after the other. Not thread-safe.
class PanelSource {
 public:
  virtual ~PanelSource() = default;
  // Zeros to fill, or what the same take in an earlier sequence of takes was filled with. Of a sequence all takes are filled, none, or
  // those before one that could not be had so.
  virtual PanelMemory Take(size_t bytes) = 0;
};

// Zeroed memory of this process alone.
PanelMemory PrivatePanels(size_t bytes);

}  // namespace baleen

#endif  // BALEEN_KERNELS_PANEL_SOURCE_H_
