// CRC-32C (Castagnoli, RFC 3720 section 12.1), in software.
#ifndef BALEEN_SERVICES_KV_TRANSFER_CRC32C_H_
#define BALEEN_SERVICES_KV_TRANSFER_CRC32C_H_

#include <cstddef>
#include <cstdint>

namespace baleen {

uint32_t Crc32c(const std::byte* data, size_t size);

}  // namespace baleen

#endif  // BALEEN_SERVICES_KV_TRANSFER_CRC32C_H_
