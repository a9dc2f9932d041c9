#pragma once

// Agent is one session of a shim: who it says it is, who the kernel says it is,
// and its ledger. An application process usually has one; several shared objects
// with the shim in one process, and every forked child, have their own.
//
// Owners: AgentTable, and every Record that waits somewhere (hence shared_ptr: a
// dead process's segments keep its identity until the last one is settled).
// Thread: loop.

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agents/ledger.h"
#include "base/clock.h"

namespace sidecar {

// Names an agent: (uuid, process_epoch) of HELLO.
struct AgentKey {
  std::uint64_t uuid_high = 0;
  std::uint64_t uuid_low = 0;
  std::uint64_t process_epoch = 0;
  auto operator<=>(const AgentKey&) const = default;
};

using Properties = std::vector<std::pair<std::string, std::string>>;

// What HELLO said and the kernel confirmed. Constant for the life of a session.
// All text is valid UTF-8, free of control characters, within protocol.h's limits.
struct AgentIdentity {
  AgentKey key;
  std::string service;  // the names in force (naming.h), also when the sidecar chose them
  std::string instance;
  std::string layer = "GENERAL";
  Properties properties;  // the program's own, in its order
  std::string exe;
  std::string language = "cpp";
  std::string shim_version;
  int slot = -1;                   // among namesakes on this host; -1: the application named itself
  uid_t uid = 0;                   // SO_PEERCRED
  pid_t pid = 0;                   // SO_PEERCRED, in our pid namespace
  pid_t pid_inside = 0;            // as the process sees itself
  std::int64_t start_time_us = 0;  // of the process, since the epoch; 0 unknown
  bool beats = false;

  // What the program itself said, which it has to say again; `instance` is empty if it leaves the choice to us.
  struct Said {
    std::string service;
    std::string instance;
  };
  Said said;
  // Names that were longer than a collector keeps.
  bool service_cut = false;
  bool instance_cut = false;
};

// About what an identity takes in memory, in bytes: a hostile one has 16 KiB of properties.
inline std::size_t memory_of(const AgentIdentity& identity) {
  std::size_t bytes = identity.service.size() + identity.instance.size() + identity.layer.size() + identity.exe.size() +
                      identity.language.size() + identity.shim_version.size() + identity.said.service.size() +
                      identity.said.instance.size();
  for (const auto& [key, value] : identity.properties)
    bytes += sizeof(Properties::value_type) + key.size() + value.size();
  return bytes;
}

// What the shim last said of itself (HELLO, STATS, BYE); not verifiable here.
struct ClientSide {
  std::uint64_t created = 0;
  std::uint64_t dropped = 0;
  std::uint64_t lost_before = 0;  // sum of the frames' lost_before
  std::uint64_t waiting = 0;      // finished and never sent yet
  std::uint64_t blocked = 0;      // times its socket was full
};

struct Agent {
  // Everything up to number `base` was settled before this daemon knew the session.
  Agent(AgentIdentity who, std::uint64_t base)
      : identity(std::move(who)),
        partition(std::hash<std::string>()(identity.service) * 31 + std::hash<std::string>()(identity.instance)),
        cost(sizeof(Agent) + memory_of(identity)),
        ledger(base) {}

  const AgentIdentity identity;
  // The same for all sessions of one instance, whose records keep their order by
  // going through the same channel.
  const std::size_t partition;
  // What keeping it costs, for the bounds in bytes.
  const std::size_t cost;
  Ledger ledger;
  ClientSide client;
  bool connected = false;
  bool said_bye = false;
  bool gone = false;       // said bye, or its process is known to be dead: the slot is free
  Tick connected_at{};     // of the current or last connection
  Tick disconnected_at{};  // of the last one, meaningful while not connected
  Tick last_record_at{};   // zero: none yet
};

using AgentPtr = std::shared_ptr<Agent>;

}  // namespace sidecar
