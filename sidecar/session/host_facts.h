#pragma once

// What the host is called, reachable by and part of, read once at start. Value type.

#include <string>
#include <vector>

namespace sidecar {

struct HostFacts {
  std::string os_name;  // "Linux"
  std::string hostname;
  std::vector<std::string> ipv4s;  // up to kMaxAddresses, loopback left out
  std::string ipv6;                // the first that is neither loopback nor of one link only
  std::string name_space;          // as configured: NamingOptions
  std::string cluster;

  static constexpr std::size_t kMaxAddresses = 10;

  // In the kernel's order of interfaces, the older address family first; empty if there is none.
  std::string first_ip() const { return ipv4s.empty() ? ipv6 : ipv4s.front(); }

  // From uname and getifaddrs. What cannot be read is left empty, and what is configured.
  static HostFacts read();
};

}  // namespace sidecar
