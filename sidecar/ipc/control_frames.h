#pragma once

// What the sidecar says to a client, as whole frames ready to send. Pure.

#include <sidecar_ipc/protocol.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "ipc/options.h"
#include "ipc/refusal.h"

namespace sidecar {

using FrameBytes = std::vector<std::uint8_t>;

struct WelcomeFields {
  std::uint16_t protocol = 0;
  std::uint64_t capabilities = 0;
  std::uint64_t sidecar_epoch = 0;
  bool known = false;
  std::uint64_t accepted = 0;
  std::uint64_t settled = 0;
  std::string instance;
  int slot = -1;
  std::int64_t sampling = -1;  // clamped to what the frame carries
  bool enabled = true;
  std::uint32_t peer_uid = 0;
  std::uint32_t peer_pid = 0;
  ipc_protocol::UpstreamState upstream = ipc_protocol::UpstreamState::unknown;
  std::string service;
  std::string peer_prefix;
};

// What DRAIN asks for: send what you have within this time, be away, come back after this and a random part of the
// jitter.
struct DrainTerms {
  Duration send_within{0};
  Duration reconnect_after{0};
  Duration jitter{0};
};

FrameBytes welcome_frame(const WelcomeFields& fields);
// `rules` within the limits of protocol.h.
FrameBytes config_frame(const IgnoreRules& rules, std::uint64_t version);
FrameBytes reject_frame(const Refusal& refusal);
FrameBytes drain_frame(const DrainTerms& terms);
FrameBytes ack_frame(std::uint64_t accepted, std::uint64_t settled);
FrameBytes rehello_frame(std::uint64_t sidecar_epoch);
FrameBytes probe_frame(std::uint64_t token);

}  // namespace sidecar
