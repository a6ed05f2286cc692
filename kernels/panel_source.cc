#include "kernels/panel_source.h"

#include <utility>

#include "kernels/aligned_buffer.h"

namespace baleen {

PanelMemory PrivatePanels(size_t bytes) {
  auto buffer = std::make_shared<AlignedBuffer>(bytes);
  PanelMemory memory;
  memory.data = buffer->data();
  memory.size = buffer->size();
  memory.owner = std::move(buffer);
  return memory;
}

}  // namespace baleen
