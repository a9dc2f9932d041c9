#pragma once

// IdentityTable is who was connected to a daemon, as it leaves it to its successor: with it a process that
// stays idle remains registered without a word from it, and what it sends next is counted from the right mark.
// The bytes are the same in a memfd of the service manager's descriptor store and in a file:
//
//   0  u32 magic "SWIT"    4  u16 version    6  u16 zero
//   8  u64 size of what follows the header   16  u64 FNV-1a of it
//   24 a flatbuffer (identity_table.fbs)
//
// The sum finds a table that was half written when its writer died; it is no protection against a forger, and
// none is trusted: who a connection belongs to is the kernel's word (SO_PEERCRED), which must agree.
//
// Value types and pure functions. Any thread.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "agents/agent.h"
#include "base/result.h"

namespace sidecar {

// The kernel's boot id as two numbers; both zero: unknown, equal to no other.
struct BootId {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  bool operator==(const BootId&) const = default;
};

struct LeftSession {
  std::string connection;  // its name in the descriptor store, <= kMaxConnectionName bytes; empty: it is not there
  AgentIdentity identity;
  std::uint64_t accepted = 0;
  std::uint64_t settled = 0;
};

struct IdentityTable {
  std::uint64_t sidecar_epoch = 0;  // of the daemon that wrote it
  BootId boot;
  std::uint64_t generation = 0;  // of two tables the higher one is the newer one
  std::uint64_t naming = 0;      // AgentTable::naming_mark() of that daemon
  std::vector<LeftSession> sessions;
};

inline constexpr std::size_t kMaxConnectionName = 8;  // all names together travel in one environment variable
inline constexpr std::size_t kMaxSessions = 8192;     // as many as there can be connections
inline constexpr std::size_t kMaxTableBytes = 16u << 20;
// What a decoded table may take: strings of a flatbuffer may be shared, so its size is no bound.
inline constexpr std::size_t kMaxTableMemory = 32u << 20;
// No session counts further, as on the socket.
inline constexpr std::uint64_t kMaxLeftSeq = (1ull << 63) - 1;
inline constexpr std::uint16_t kTableVersion = 1;

struct EncodedTable {
  std::vector<std::uint8_t> bytes;  // <= kMaxTableBytes
  std::size_t left_out = 0;         // the last ones, for which there was no room: they say HELLO again by themselves
};

EncodedTable encode_table(const IdentityTable& table);

// `bytes` are the reader's own copy, at a multiple of 8. corrupt: not a table, cut, or half written; or one of its
// sessions is not as encode_table() writes it (text, ranges, marks, each key and connection once), and then
// none is taken; limit_exceeded: beyond the bounds above; invalid_argument: of a version that is not ours.
Result<IdentityTable> decode_table(std::span<const std::uint8_t> bytes);

}  // namespace sidecar
