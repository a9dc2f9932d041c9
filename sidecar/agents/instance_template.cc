#include "agents/instance_template.h"

#include <fmt/format.h>

#include <algorithm>

#include "agents/options.h"
#include "base/cut_utf16.h"

namespace sidecar {
namespace {

constexpr std::size_t kMaxTemplate = 255;
constexpr std::size_t kMaxShown = 32;  // of what is no placeholder
constexpr std::size_t kGivingWay = 4;  // the first so many placeholders
// The longest of those that stay whole; 0 for the others.
constexpr std::array<std::size_t, kPlaceholders> kWidths = {0, 0, 0, 0, 10, 32, 5};
// "#65535"
constexpr std::size_t kMaxEnd = 6;

tl::unexpected<Error> wrong(std::string message) { return fail(Errc::invalid_argument, std::move(message)); }

}  // namespace

InstanceTemplate::InstanceTemplate()
    : parts_{{"", static_cast<int>(Placeholder::service)}, {"@", static_cast<int>(Placeholder::host)}} {}

Result<InstanceTemplate> InstanceTemplate::parse(std::string_view text) {
  if (text.find_first_not_of(' ') == std::string_view::npos) return wrong("the names it gives would be empty");
  if (text.size() > kMaxTemplate) return wrong(fmt::format("longer than {} bytes", kMaxTemplate));
  if (std::any_of(text.begin(), text.end(), [](char c) { return c < 0x20 || c > 0x7e; }))
    return wrong("it has characters beside printable ASCII");
  InstanceTemplate made;
  made.parts_.clear();
  std::size_t whole = 0;  // units of what never gives way
  while (!text.empty()) {
    const std::size_t brace = std::min(text.find_first_of("{}"), text.size());
    Part part{std::string(text.substr(0, brace)), -1};
    whole += part.literal.size();
    text.remove_prefix(brace);
    if (!text.empty()) {
      const std::size_t end = text.find_first_of("{}", 1);
      if (text[0] == '}') return wrong("a '}' without its '{'");
      if (end == std::string_view::npos || text[end] == '{') return wrong("a '{' without its '}'");
      const std::string_view name = text.substr(1, end - 1);
      const auto found = std::find(kPlaceholderNames.begin(), kPlaceholderNames.end(), name);
      if (found == kPlaceholderNames.end())
        return wrong(fmt::format("there is no placeholder {{{}}}", name.substr(0, kMaxShown)));
      part.placeholder = static_cast<int>(found - kPlaceholderNames.begin());
      whole += kWidths[static_cast<std::size_t>(part.placeholder)];
      text.remove_prefix(end + 1);
    }
    made.parts_.push_back(std::move(part));
  }
  if (whole > kMaxInstanceUnits - kMaxEnd)
    return wrong(fmt::format("numbers and fixed text take {} characters, at most {} of the {} that a collector keeps",
                             whole, kMaxInstanceUnits - kMaxEnd, kMaxInstanceUnits));
  return made;
}

bool InstanceTemplate::has(Placeholder placeholder) const {
  return std::any_of(parts_.begin(), parts_.end(),
                     [&](const Part& part) { return part.placeholder == static_cast<int>(placeholder); });
}

CutName InstanceTemplate::expand(const PlaceholderValues& values, std::string_view end) const {
  PlaceholderValues kept = values;
  std::array<std::size_t, kPlaceholders> uses = {};
  std::size_t units = utf16_units(end);
  for (const Part& part : parts_) {
    units += part.literal.size();
    if (part.placeholder < 0) continue;
    const auto i = static_cast<std::size_t>(part.placeholder);
    ++uses[i];
    units += utf16_units(values[i]);
  }
  CutName name;
  name.cut = units > kMaxInstanceUnits;
  for (std::size_t i = 0; i < kGivingWay && units > kMaxInstanceUnits; ++i) {
    if (uses[i] == 0) continue;
    const std::size_t own = utf16_units(kept[i]);
    const std::size_t each = (units - kMaxInstanceUnits + uses[i] - 1) / uses[i];  // so much of every use
    kept[i] = cut_utf16(kept[i], own - std::min(own, each));
    units -= uses[i] * (own - utf16_units(kept[i]));
  }
  for (const Part& part : parts_) {
    name.text += part.literal;
    if (part.placeholder >= 0) name.text += kept[static_cast<std::size_t>(part.placeholder)];
  }
  name.text += end;
  return name;
}

Result<void> check_instance_template(std::string_view text) {
  if (text.empty()) return {};
  if (auto made = InstanceTemplate::parse(text); !made) return tl::unexpected<Error>(std::move(made.error()));
  return {};
}

}  // namespace sidecar
