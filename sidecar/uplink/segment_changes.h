#pragma once

// What encoders left out of segments or changed in them, counted for status. Value type.

#include <cstdint>

namespace sidecar {

struct SegmentChanges {
  std::uint64_t tags_dropped = 0;  // fields of logs are counted as tags
  std::uint64_t tags_masked = 0;
  std::uint64_t urls_masked = 0;         // texts with something of a URL hidden
  std::uint64_t endpoint_names_cut = 0;  // names of operations, also the parent's in a reference
  std::uint64_t peers_cut = 0;

  SegmentChanges& operator+=(const SegmentChanges& other) {
    tags_dropped += other.tags_dropped;
    tags_masked += other.tags_masked;
    urls_masked += other.urls_masked;
    endpoint_names_cut += other.endpoint_names_cut;
    peers_cut += other.peers_cut;
    return *this;
  }
  bool operator==(const SegmentChanges&) const = default;
};

}  // namespace sidecar
