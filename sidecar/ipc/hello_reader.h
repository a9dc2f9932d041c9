#pragma once

// read_hello() turns the payload of HELLO into what the sidecar needs of it, or
// says why not. What an application writes in it ends up in names, logs and at
// the collector, so everything is bounded and clean from here on:
//
// - names (service, instance, layer) must be valid UTF-8 without control
//   characters: two names that differ only to a machine are a trap;
// - properties are what the program says about itself; a line feed in one of them
//   is no reason to leave it untraced, so it is escaped as printable() does.
//
// Pure.

#include <cstdint>
#include <span>
#include <string>

#include "agents/agent.h"
#include "ipc/refusal.h"

namespace sidecar {

struct Hello {
  AgentIdentity identity;      // without slot, uid and pid, which are not the client's to say; instance may be empty
  std::uint16_t protocol = 0;  // minor version in force
  std::uint64_t capabilities = 0;  // granted
  std::uint64_t oldest_seq = 1;    // >= 1
  int wanted_slot = -1;
  std::uint64_t created = 0;
  std::uint64_t dropped = 0;
};

// `payload` starts at a multiple of 8.
tl::expected<Hello, Refusal> read_hello(std::span<const std::uint8_t> payload);

// Capabilities that this sidecar has.
inline constexpr std::uint64_t kOurCapabilities = ipc_protocol::kCapReplay | ipc_protocol::kCapPage |
                                                  ipc_protocol::kCapDynamicSampling | ipc_protocol::kCapDrain |
                                                  ipc_protocol::kCapRehello | ipc_protocol::kCapProbe;

}  // namespace sidecar
