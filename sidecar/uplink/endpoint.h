#pragma once

// Where a collector is: as it is configured (HostPort), and as one address of it
// (Endpoint). Value types, pure.

#include <cstdint>
#include <string>
#include <string_view>

namespace sidecar {

struct HostPort {
  std::string text;  // "oap.example.com:11800", "[::1]:11800"
  std::string host;  // without brackets
  std::uint16_t port = 0;
  bool numeric = false;  // needs no resolver
};

// `text` is HOST:PORT or [IPV6]:PORT, as the configuration has checked.
HostPort parse_host_port(std::string_view text);

// An address in numbers with its port: "10.0.0.7:11800", "[2001:db8::7]:11800".
std::string join_host_port(const std::string& address, std::uint16_t port);

// The same as gRPC wants it: "ipv4:10.0.0.7:11800", "ipv6:%5B2001:db8::7%5D:11800".
std::string grpc_target(const std::string& address, std::uint16_t port);

// Whether only this host reaches it: 127.0.0.0/8, ::1.
bool is_loopback(std::string_view address);

// One address of a configured entry.
struct Endpoint {
  std::size_t entry = 0;
  std::string configured;  // HOST:PORT
  std::string host;        // of it
  std::string address;     // HOST:PORT in numbers; the same text if that is what is configured
  std::string target;      // for gRPC
  bool loopback = false;
};

}  // namespace sidecar
