#include "uplink/v3/collection_cut.h"

#include <grpc/slice.h>
#include <grpcpp/support/slice.h>

#include "base/check.h"

namespace sidecar::v3 {
namespace {

constexpr std::uint8_t kSegments = 1 << 3 | 2;  // field 1, of a length that follows

// The varint at `at`, which is moved behind it.
std::size_t read_length(const grpc::Slice& slice, std::size_t& at) {
  std::size_t length = 0;
  for (unsigned shift = 0;; shift += 7) {
    CHECK(at < slice.size() && shift < 32);
    const std::uint8_t byte = slice.begin()[at++];
    length |= static_cast<std::size_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return length;
  }
}

}  // namespace

std::vector<grpc::ByteBuffer> cut(const grpc::ByteBuffer& collection) {
  std::vector<grpc::ByteBuffer> messages;
  if (collection.Length() == 0) return messages;
  grpc::Slice whole;
  CHECK(collection.TrySingleSlice(&whole).ok());
  const grpc_slice raw = whole.c_slice();  // a reference of its own
  for (std::size_t at = 0; at < whole.size();) {
    CHECK(whole.begin()[at++] == kSegments);
    const std::size_t length = read_length(whole, at);
    CHECK(length <= whole.size() - at);
    const grpc::Slice segment(grpc_slice_sub(raw, at, at + length), grpc::Slice::STEAL_REF);
    messages.emplace_back(&segment, 1);
    at += length;
  }
  grpc_slice_unref(raw);
  return messages;
}

}  // namespace sidecar::v3
