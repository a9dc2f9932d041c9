#pragma once

#include <cstdint>

namespace sidecar {

// What a text is known to be, which says where secrets may stand in it.
enum class TextKind : std::uint8_t {
  text,  // anything; URLs in it end with a space, a quote or <>, and one that begins like JSON is looked at as such
  url,   // a URL, or the part of one from the path on
  operation,  // an operation's name: perhaps with a query. # is a letter of Class#method
  peer,       // an address, a URL, or a connection string: HOST;password=...
  query,      // parameters: a=1&b=2, or a line each, b=[...] as Java agents write http.params; or any other body
  headers,    // a line each: Name=[value], or Name: value; or any other body
};

}  // namespace sidecar
