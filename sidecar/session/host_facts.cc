#include "session/host_facts.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/utsname.h>

#include <algorithm>

namespace sidecar {
namespace {

std::vector<std::string> read_ipv4s() {
  std::vector<std::string> found;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return found;
  for (const ifaddrs* at = list; at != nullptr && found.size() < HostFacts::kMaxAddresses; at = at->ifa_next) {
    if (at->ifa_addr == nullptr || at->ifa_addr->sa_family != AF_INET) continue;
    const in_addr address = reinterpret_cast<const sockaddr_in*>(at->ifa_addr)->sin_addr;
    if ((ntohl(address.s_addr) >> 24) == 127) continue;
    char text[INET_ADDRSTRLEN];
    if (inet_ntop(AF_INET, &address, text, sizeof text) == nullptr) continue;
    if (std::find(found.begin(), found.end(), text) == found.end()) found.emplace_back(text);
  }
  freeifaddrs(list);
  return found;
}

}  // namespace

HostFacts HostFacts::read() {
  HostFacts facts;
  utsname names{};
  if (uname(&names) == 0) {
    facts.os_name = names.sysname;
    facts.hostname = names.nodename;
  }
  facts.ipv4s = read_ipv4s();
  return facts;
}

}  // namespace sidecar
