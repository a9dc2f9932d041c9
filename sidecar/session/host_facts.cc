#include "session/host_facts.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/utsname.h>

#include <algorithm>

#include "log/log.h"

namespace sidecar {
namespace {

void add_ipv4(const in_addr& address, HostFacts& facts) {
  char text[INET_ADDRSTRLEN];
  if ((ntohl(address.s_addr) >> 24) == 127 || facts.ipv4s.size() == HostFacts::kMaxAddresses) return;
  if (inet_ntop(AF_INET, &address, text, sizeof text) == nullptr) return;
  if (std::find(facts.ipv4s.begin(), facts.ipv4s.end(), text) == facts.ipv4s.end()) facts.ipv4s.emplace_back(text);
}

void add_ipv6(const in6_addr& address, HostFacts& facts) {
  char text[INET6_ADDRSTRLEN];
  if (IN6_IS_ADDR_LOOPBACK(&address) || IN6_IS_ADDR_LINKLOCAL(&address) || !facts.ipv6.empty()) return;
  if (inet_ntop(AF_INET6, &address, text, sizeof text) != nullptr) facts.ipv6 = text;
}

void read_addresses(HostFacts& facts) {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return;
  for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr) continue;
    if (at->ifa_addr->sa_family == AF_INET)
      add_ipv4(reinterpret_cast<const sockaddr_in*>(at->ifa_addr)->sin_addr, facts);
    if (at->ifa_addr->sa_family == AF_INET6)
      add_ipv6(reinterpret_cast<const sockaddr_in6*>(at->ifa_addr)->sin6_addr, facts);
  }
  freeifaddrs(list);
}

}  // namespace

HostFacts HostFacts::read() {
  HostFacts facts;
  utsname names{};
  if (uname(&names) == 0) {
    facts.os_name = names.sysname;
    facts.hostname = printable(names.nodename);  // whoever sets it may set any bytes
  }
  read_addresses(facts);
  return facts;
}

}  // namespace sidecar
