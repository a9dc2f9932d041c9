#pragma once

// Cuts an encoded SegmentCollection into its SegmentObjects: what collectInSync sends as one
// message and `collect` as one message each. Nothing is copied but what is
// smaller than a slice. Pure.

#include <grpcpp/support/byte_buffer.h>

#include <vector>

namespace sidecar::v3 {

// `collection` is one that SegmentEncoder wrote; what is not cannot happen and ends the process.
std::vector<grpc::ByteBuffer> cut(const grpc::ByteBuffer& collection);

}  // namespace sidecar::v3
