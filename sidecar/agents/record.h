#pragma once

// Record is the one data model between the socket and the encoders: a verified
// flatbuffer exactly as the shim sent it, with its sender, number and arrival.
// Carrier and pipeline move it and never look inside; only an encoder decodes.
//
// Value that moves, does not copy. Thread: loop.

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "agents/agent.h"
#include "base/clock.h"

namespace sidecar {

enum class RecordKind : std::uint8_t { segment };

// By which a collector and an application's log know a segment: "p1.p2.p3". Zeros: not known.
struct SegmentId {
  std::int64_t p1 = 0, p2 = 0, p3 = 0;
};

inline std::string to_text(const SegmentId& id) { return fmt::format("{}.{}.{}", id.p1, id.p2, id.p3); }

class Record {
 public:
  // Copies `bytes`: a size-prefixed flatbuffer that has been verified. The copy is
  // 16-byte aligned, as the verifier was told.
  Record(RecordKind kind, AgentPtr agent, std::uint64_t seq, Tick arrived, std::span<const std::uint8_t> bytes,
         SegmentId id = {})
      : agent_(std::move(agent)),
        bytes_(new std::uint8_t[bytes.size()]),
        size_(static_cast<std::uint32_t>(bytes.size())),
        kind_(kind),
        seq_(seq),
        arrived_(arrived),
        id_(id) {
    std::memcpy(bytes_.get(), bytes.data(), bytes.size());
  }

  RecordKind kind() const { return kind_; }
  Agent& agent() const { return *agent_; }
  const AgentPtr& agent_ptr() const { return agent_; }
  std::uint64_t seq() const { return seq_; }
  Tick arrived() const { return arrived_; }
  const SegmentId& id() const { return id_; }
  std::span<const std::uint8_t> bytes() const { return {bytes_.get(), size_}; }

  // What holding it costs, for the bounds in bytes: payload and bookkeeping.
  std::size_t cost() const { return size_ + sizeof(Record) + kAllocationOverhead; }

 private:
  static constexpr std::size_t kAllocationOverhead = 16;

  AgentPtr agent_;
  std::unique_ptr<std::uint8_t[]> bytes_;
  std::uint32_t size_;
  RecordKind kind_;
  std::uint64_t seq_;
  Tick arrived_;
  SegmentId id_;
};

}  // namespace sidecar
