#pragma once

// What all connections of a server share: whom they talk to, the one receive
// buffer, the settings that clients are told, and the counts.
//
// Owner: Server. Thread: loop.

#include <sidecar_ipc/protocol.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "agents/agent_table.h"
#include "agents/ports.h"
#include "ipc/control_frames.h"
#include "ipc/ignore_filter.h"
#include "ipc/status.h"
#include "log/log.h"
#include "loop/event_loop.h"

namespace sidecar {

struct IpcSettings {
  std::int64_t sampling = -1;
  bool enabled = true;
  ipc_protocol::UpstreamState upstream = ipc_protocol::UpstreamState::unknown;
  std::optional<DrainTerms> draining;
  IgnoreRules ignore;
  FrameBytes config;  // CONFIG, which tells them
  std::string peer_prefix;

  std::uint64_t page_flags() const {
    std::uint64_t flags = 0;
    if (enabled) flags |= ipc_protocol::kPageEnabled;
    if (draining) flags |= ipc_protocol::kPageDraining;
    return flags;
  }
};

class IpcShared {
 public:
  IpcShared(EventLoop& event_loop, AgentTable& table, RecordSink& record_sink, AgentListener& agent_listener,
            std::uint64_t epoch)
      : loop(event_loop), agents(table), sink(record_sink), listener(agent_listener), sidecar_epoch(epoch) {}

  EventLoop& loop;
  AgentTable& agents;
  RecordSink& sink;
  AgentListener& listener;
  const std::uint64_t sidecar_epoch;
  IpcSettings settings;
  IgnoreFilter ignored;  // by settings.ignore
  IpcCounters counters;

  // For one datagram at a time; 16-byte aligned, as records are verified in it.
  std::span<std::uint8_t> buffer() { return {buffer_.get(), ipc_protocol::kMaxFrame}; }

  // Counts a refusal and says so in the log, a line per code and minute.
  void note(const Refusal& refusal, uid_t uid, pid_t pid);
  // The same for a record that was dropped as malformed.
  void note_bad_record(const Agent& agent, std::uint64_t seq, const char* why);

 private:
  std::unique_ptr<std::uint8_t[]> buffer_{new std::uint8_t[ipc_protocol::kMaxFrame]};
  std::array<LogLimit, kRejectCodes> refusal_lines_;
  LogLimit bad_record_lines_;
};

}  // namespace sidecar
