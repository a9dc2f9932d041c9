#pragma once

// read_control() verifies the payload of a control frame: one size-prefixed
// flatbuffer whose root the frame's type names. The pointer lives as long as the
// payload. Pure.

#include <control_generated.h>
#include <sidecar_ipc/protocol.h>

#include <cstdint>
#include <span>

namespace sidecar {

// Null if it is not a well-formed `Table`. `payload` starts at a multiple of 8.
template <class Table>
const Table* read_control(std::span<const std::uint8_t> payload) {
  // Prefix, root offset, and a table with its vtable; the verifier asserts on sizes.
  constexpr std::size_t kMin = 4 + 4 + 4 + 4;
  if (payload.size() < kMin || payload.size() > ipc_protocol::kMaxControlFrame) return nullptr;
  flatbuffers::Verifier verifier(
      payload.data(), payload.size(), ipc_protocol::kVerifyDepth,
      static_cast<flatbuffers::uoffset_t>(payload.size() / ipc_protocol::kVerifyBytesPerTable), true);
  if (!verifier.VerifySizePrefixedBuffer<Table>(nullptr)) return nullptr;
  return flatbuffers::GetSizePrefixedRoot<Table>(payload.data());
}

// What a client gave up, all reasons together; absent is nothing. Saturates.
inline std::uint64_t dropped_in_all(const fbs::ClientDrops* drops) {
  if (drops == nullptr) return 0;
  std::uint64_t sum = 0;
  for (const std::uint64_t part :
       {drops->buffer_full(), drops->too_large(), drops->fork_discard(), drops->exit_deadline(), drops->disabled()})
    sum = part > ~std::uint64_t{0} - sum ? ~std::uint64_t{0} : sum + part;
  return sum;
}

}  // namespace sidecar
