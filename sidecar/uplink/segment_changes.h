#pragma once

// What encoders left out of segments or changed in them, counted for status. Value type.

#include <cstdint>

namespace sidecar {

struct SegmentChanges {
  std::uint64_t tags_dropped = 0;  // fields of logs are counted as tags
  std::uint64_t tags_masked = 0;
  std::uint64_t urls_masked = 0;         // texts with something of a URL or a body hidden
  std::uint64_t endpoint_names_cut = 0;  // names of operations, also the parent's in a reference
  std::uint64_t peers_cut = 0;
  // Where the collector's generation registers by ids:
  std::uint64_t references_left_off = 0;  // that lack an id which it insists on
  std::uint64_t foreign_ids_mapped = 0;   // of traces and segments, to three numbers

  SegmentChanges& operator+=(const SegmentChanges& other) {
    tags_dropped += other.tags_dropped;
    tags_masked += other.tags_masked;
    urls_masked += other.urls_masked;
    endpoint_names_cut += other.endpoint_names_cut;
    peers_cut += other.peers_cut;
    references_left_off += other.references_left_off;
    foreign_ids_mapped += other.foreign_ids_mapped;
    return *this;
  }
  bool operator==(const SegmentChanges&) const = default;
};

}  // namespace sidecar
