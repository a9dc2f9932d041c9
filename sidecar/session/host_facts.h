#pragma once

// What the host is called and reachable by, read once at start. Value type.

#include <string>
#include <vector>

namespace sidecar {

struct HostFacts {
  std::string os_name;  // "Linux"
  std::string hostname;
  std::vector<std::string> ipv4s;  // up to kMaxAddresses, loopback left out

  static constexpr std::size_t kMaxAddresses = 10;

  // From uname and getifaddrs. What cannot be read is left empty.
  static HostFacts read();
};

}  // namespace sidecar
