#include "uplink/endpoint.h"

#include <arpa/inet.h>

#include <charconv>

namespace sidecar {
namespace {

bool is_ipv6(std::string_view address) { return address.find(':') != std::string_view::npos; }

bool is_numeric(const std::string& host) {
  unsigned char ignored[sizeof(in6_addr)];
  // What the resolver would take for an address without asking anybody; an IPv6 zone needs it.
  return inet_pton(AF_INET, host.c_str(), ignored) == 1 || inet_pton(AF_INET6, host.c_str(), ignored) == 1;
}

}  // namespace

HostPort parse_host_port(std::string_view text) {
  HostPort parsed;
  parsed.text = text;
  const std::size_t colon = text.rfind(':');
  std::string_view host = text.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  parsed.host = host;
  if (colon != std::string_view::npos) std::from_chars(text.data() + colon + 1, text.data() + text.size(), parsed.port);
  parsed.numeric = is_numeric(parsed.host);
  return parsed;
}

std::string join_host_port(const std::string& address, std::uint16_t port) {
  const std::string end = ":" + std::to_string(port);
  return is_ipv6(address) ? "[" + address + "]" + end : address + end;
}

std::string grpc_target(const std::string& address, std::uint16_t port) {
  const std::string end = ":" + std::to_string(port);
  if (!is_ipv6(address)) return "ipv4:" + address + end;
  // a path of a URI: brackets and the percent sign of a zone are written in hexadecimal
  std::string target = "ipv6:%5B";
  for (const char c : address) target += c == '%' ? std::string("%25") : std::string(1, c);
  return target + "%5D" + end;
}

bool is_loopback(std::string_view address) { return address.starts_with("127.") || address == "::1"; }

}  // namespace sidecar
