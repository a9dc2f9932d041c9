#include "ipc/record_reader.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace sidecar {

std::optional<RecordSpans> split_records(std::span<const std::uint8_t> payload, unsigned count) {
  CHECK(count <= ipc_protocol::kMaxRecordsPerFrame);  // decode_frame() has seen to it
  RecordSpans records;
  for (unsigned i = 0; i < count; ++i) {
    std::uint32_t length = 0;
    if (payload.size() < sizeof length) return std::nullopt;
    std::memcpy(&length, payload.data(), sizeof length);
    const std::size_t size = sizeof length + std::size_t{length};
    const std::size_t padded = (size + 7) / 8 * 8;
    if (padded > payload.size()) return std::nullopt;
    records[i] = payload.first(size);
    const auto padding = payload.subspan(size, padded - size);
    if (std::any_of(padding.begin(), padding.end(), [](std::uint8_t byte) { return byte != 0; })) return std::nullopt;
    payload = payload.subspan(padded);
  }
  if (!payload.empty()) return std::nullopt;
  return records;
}

}  // namespace sidecar
