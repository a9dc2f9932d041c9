#include "config/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace sidecar {
namespace {

constexpr std::size_t kMaxQuoted = 64;
constexpr std::size_t kMaxName = 64;  // of keys and variables that are compared

bool is_name(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; };
  if (text.empty() || text.size() > kMaxName || !letter(text[0])) return false;
  return std::all_of(text.begin(), text.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

// Changed, lost, added and swapped letters.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0u : 1u)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

// What stands between `${` and `}`.
Result<std::string> value_of(std::string_view inside, const Environment& environment, std::vector<std::string>* used) {
  const std::size_t colon = inside.find(':');
  const std::string_view name = inside.substr(0, colon);
  if (!is_name(name))
    return fail(Errc::invalid_argument, fmt::format("{} is no name of an environment variable", quoted(name)));
  if (const std::string* value = environment.find(std::string(name))) {
    if (used != nullptr) used->emplace_back(name);
    return *value;
  }
  if (colon != std::string_view::npos) return std::string(inside.substr(colon + 1));
  return fail(Errc::invalid_argument,
              fmt::format("the environment variable {} is not set; set it, or write ${{{}:DEFAULT}}", name, name));
}

}  // namespace

std::string quoted(std::string_view text) { return "'" + harmless(text, kMaxQuoted) + "'"; }

std::string harmless(std::string_view text, std::size_t max) {
  std::string out;
  for (const char c : text.substr(0, max)) {
    if (c >= 0x20 && c < 0x7f)
      out += c;
    else
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
  return text.size() > max ? out + "..." : out;
}

std::string nearest(std::string_view given, const std::vector<std::string>& candidates) {
  if (given.size() > kMaxName) return {};
  std::string best;
  std::size_t least = std::max<std::size_t>(1, given.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t changes = distance(given, candidate);
    if (changes >= least) continue;
    least = changes;
    best = candidate;
  }
  if (!best.empty() || given.size() < 3) return best;
  const auto longer = std::find_if(candidates.begin(), candidates.end(),
                                   [&](const std::string& candidate) { return candidate.starts_with(given); });
  return longer == candidates.end() ? "" : *longer;
}

Result<std::string> expand(std::string_view text, const Environment& environment, std::vector<std::string>* used) {
  std::string out;
  while (!text.empty()) {
    if (out.size() > kMaxExpanded) break;
    if (text.starts_with("$${")) {
      out += "${";
      text.remove_prefix(3);
    } else if (text.starts_with("${")) {
      const std::size_t end = text.find('}');
      if (end == std::string_view::npos)
        return fail(Errc::invalid_argument, "'${' without its '}'; a literal '${' is written '$${'");
      const std::string_view inside = text.substr(2, end - 2);
      if (inside.find("${") != std::string_view::npos)
        return fail(Errc::invalid_argument, "'${' inside of '${...}' is not supported");
      auto value = value_of(inside, environment, used);
      if (!value) return value;
      out += *value;
      text.remove_prefix(end + 1);
    } else {
      const std::size_t next = std::max<std::size_t>(1, std::min(text.find('$', 1), text.size()));
      out += text.substr(0, next);
      text.remove_prefix(next);
    }
  }
  if (out.size() > kMaxExpanded) return fail(Errc::invalid_argument, fmt::format("longer than {} bytes", kMaxExpanded));
  return out;
}

bool is_utf8(std::string_view text) {
  // The least code point that takes so many bytes: a smaller one is an overlong form.
  constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  while (!text.empty()) {
    const auto lead = static_cast<std::uint8_t>(text[0]);
    const std::size_t size = lead < 0x80   ? 1
                             : lead < 0xC0 ? 0
                             : lead < 0xE0 ? 2
                             : lead < 0xF0 ? 3
                             : lead < 0xF8 ? 4
                                           : 0;
    if (size == 0 || size > text.size()) return false;
    std::uint32_t point = size == 1 ? lead : lead & (0x7Fu >> size);
    for (std::size_t i = 1; i < size; ++i) {
      const auto next = static_cast<std::uint8_t>(text[i]);
      if ((next & 0xC0) != 0x80) return false;
      point = point << 6 | (next & 0x3Fu);
    }
    if (point < kLeast[size] || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) return false;
    text.remove_prefix(size);
  }
  return true;
}

}  // namespace sidecar
