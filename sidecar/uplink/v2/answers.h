#pragma once

// Reads what collectors of generation v2 answer: names with their ids, commands. The bytes come from outside: bounded
// in size and number before anything is kept, nothing is copied, what is unknown is skipped, and ids are read in full,
// so that a huge one is not taken for a small one. That an answer can be read says nothing of who was asked for:
// Dictionary and Registrations judge that. Pure.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace sidecar::v2 {

// An answer that is larger or says more is none. Nothing that is asked for in one call comes near.
inline constexpr std::size_t kMaxAnswer = 512u << 10;
inline constexpr std::size_t kMaxMembers = 2048;

// Texts lie in the answer's bytes; they may be any bytes.
struct Mapping {
  std::string_view name;
  std::int64_t id = 0;
  std::int32_t scope = 0;  // of an endpoint of the server's side, the only one asked for: its service's id
};

struct Command {
  std::string_view name;
  std::string_view serial;  // of SerialNumber, the last one
};

inline constexpr std::string_view kResetCommand = "ServiceMetadataReset";

// Each replaces `out`. False: these bytes are no such answer; `out` is empty then.
// ServiceRegisterMapping, ServiceInstanceRegisterMapping, NetAddressMapping
bool read_mappings(std::span<const std::uint8_t> answer, std::vector<Mapping>& out);
// EndpointMapping
bool read_endpoints(std::span<const std::uint8_t> answer, std::vector<Mapping>& out);
// Commands
bool read_commands(std::span<const std::uint8_t> answer, std::vector<Command>& out);

// The id of a mapping, if it can be one: 1 to 2^31 - 1; 0 otherwise.
inline std::int32_t usable(std::int64_t id) { return id > 0 && id <= INT32_MAX ? static_cast<std::int32_t>(id) : 0; }

}  // namespace sidecar::v2
