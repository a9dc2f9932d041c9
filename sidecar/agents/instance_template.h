#pragma once

// InstanceTemplate makes the names of instances that did not name themselves, by what an
// operator wrote: "{exe}-{pid}@{host}". Placeholders: {service} {host} {ip} {pid} {uuid}
// {exe} {slot}; anything else stands for itself.
//
// A collector keeps the first characters of a name (kMaxInstanceUnits) and takes two
// instances with the same ones for one. So a name that would be longer is made shorter
// where nothing is lost: {service} gives way first (an instance belongs to a service
// anyway), then {exe}, {host} and {ip}; numbers and what the operator wrote stay whole.
//
// Value type. Pure.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sidecar {

// What a collector keeps of an instance's name, in UTF-16 units.
inline constexpr std::size_t kMaxInstanceUnits = 70;

// Those that may give way come first, in this order.
enum class Placeholder { service, exe, host, ip, pid, uuid, slot };
inline constexpr std::size_t kPlaceholders = 7;
inline constexpr std::array<std::string_view, kPlaceholders> kPlaceholderNames = {"service", "exe",  "host", "ip",
                                                                                  "pid",     "uuid", "slot"};

// A value for each placeholder.
using PlaceholderValues = std::array<std::string, kPlaceholders>;

struct CutName {
  std::string text;
  bool cut = false;  // something gave way
};

class InstanceTemplate {
 public:
  // {service}@{host}
  InstanceTemplate();

  // invalid_argument: a sentence for whoever wrote it: empty, too long, not printable ASCII, a brace too many, a
  // placeholder there is none of, or no room left for names.
  static Result<InstanceTemplate> parse(std::string_view text);

  bool has(Placeholder placeholder) const;

  // At most kMaxInstanceUnits, not empty unless all values are; `end` is put behind it and stays whole (at most 6).
  CutName expand(const PlaceholderValues& values, std::string_view end) const;

 private:
  struct Part {
    std::string literal;  // before the placeholder
    int placeholder;      // -1: none follows
  };
  std::vector<Part> parts_;
};

}  // namespace sidecar
