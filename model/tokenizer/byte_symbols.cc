#include "model/tokenizer/byte_symbols.h"

#include <cstdint>

#include "model/tokenizer/utf8.h"

namespace baleen {
namespace {

// Printable Latin-1 keeps its code; the other 68 bytes take U+0100 and on, in byte order.
bool KeepsItsCode(int byte) { return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE; }

std::array<char32_t, 256> MakeCodes() {
  std::array<char32_t, 256> codes;
  char32_t spare = 0x100;
  for (int byte = 0; byte < 256; ++byte) codes[byte] = KeepsItsCode(byte) ? static_cast<char32_t>(byte) : spare++;
  return codes;
}

// Byte of each code below 0x144, -1 = none.
std::array<int16_t, 0x144> MakeBytes() {
  std::array<int16_t, 0x144> bytes;
  bytes.fill(-1);
  const std::array<char32_t, 256> codes = MakeCodes();
  for (int byte = 0; byte < 256; ++byte) bytes[codes[byte]] = static_cast<int16_t>(byte);
  return bytes;
}

std::array<std::string, 256> MakeSymbols() {
  std::array<std::string, 256> symbols;
  const std::array<char32_t, 256> codes = MakeCodes();
  for (int byte = 0; byte < 256; ++byte) AppendUtf8(codes[byte], &symbols[byte]);
  return symbols;
}

}  // namespace

const std::array<std::string, 256>& ByteSymbols() {
  static const auto* const symbols = new std::array<std::string, 256>(MakeSymbols());
  return *symbols;
}

std::string BytesOfSymbols(absl::string_view symbols) {
  static const std::array<int16_t, 0x144> bytes = MakeBytes();
  std::string out;
  for (size_t at = 0; at < symbols.size();) {
    const uint8_t first = static_cast<uint8_t>(symbols[at]);
    uint32_t code = first;
    size_t length = 1;
    if (first >= 0x80) {
      const Utf8Step step = NextUtf8(symbols.substr(at));
      if (step.kind != Utf8Step::Kind::kCharacter || step.length != 2) return std::string(symbols);
      code = (first & 0x1Fu) << 6 | (static_cast<uint8_t>(symbols[at + 1]) & 0x3Fu);
      length = 2;
    }
    if (code >= bytes.size() || bytes[code] < 0) return std::string(symbols);
    out.push_back(static_cast<char>(bytes[code]));
    at += length;
  }
  return out;
}

}  // namespace baleen
