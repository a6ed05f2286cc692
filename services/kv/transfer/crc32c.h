// CRC-32C (Castagnoli, RFC 3720 section 12.1), by the processor's instruction where it has one.
#ifndef BALEEN_SERVICES_KV_TRANSFER_CRC32C_H_
#define BALEEN_SERVICES_KV_TRANSFER_CRC32C_H_

#include <cstddef>
#include <cstdint>

namespace baleen {

uint32_t Crc32c(const std::byte* data, size_t size);
// The same in software, as on processors without the instruction.
uint32_t PortableCrc32c(const std::byte* data, size_t size);

}  // namespace baleen

#endif  // BALEEN_SERVICES_KV_TRANSFER_CRC32C_H_
