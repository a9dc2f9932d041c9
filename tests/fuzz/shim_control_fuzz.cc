// What a sidecar sends, read by the shim inside an application: any bytes may come.
// Oracles: what is read out of a frame lies within it, and reading it twice gives the same; its patterns, held against
// its suffixes as if these were operations, match exactly what the plainest reading of them matches.

#include <sidecar/shim.h>

#include <cstdlib>
#include <vector>

using sidecar::detail::IgnoreRules;
using sidecar::detail::matches_pattern;
using sidecar::detail::read_server_frame;
using sidecar::detail::ServerFrame;

namespace {

// possible[p][t]: whether the pattern from p on stands for the text from t on.
bool plainly_matches(std::string_view pattern, std::string_view text) {
  const std::size_t width = text.size() + 1;
  std::vector<char> possible((pattern.size() + 1) * width, 0);
  const auto at = [&](std::size_t p, std::size_t t) -> char& { return possible[p * width + t]; };
  const auto goes_on = [&](std::size_t t) { return t < text.size() && (text[t] & 0xC0) == 0x80; };
  at(pattern.size(), text.size()) = 1;
  for (std::size_t p = pattern.size(); p-- > 0;) {
    for (std::size_t t = text.size() + 1; t-- > 0;) {
      if (pattern[p] == '*') {
        const bool both = pattern.substr(p, 2) == "**";
        at(p, t) = at(p + (both ? 2 : 1), t) || (t < text.size() && (both || text[t] != '/') && at(p, t + 1));
      } else if (t < text.size() && pattern[p] != '?') {
        at(p, t) = pattern[p] == text[t] && at(p + 1, t + 1);
      } else if (t < text.size() && text[t] != '/' && !goes_on(t)) {
        for (std::size_t end = t + 1;; ++end) {
          at(p, t) |= at(p + 1, end);
          if (!goes_on(end)) break;
        }
      }
    }
  }
  return at(0, 0) != 0;
}

void check_rules(const ServerFrame& frame) {
  constexpr std::size_t kMost = sidecar::ipc_protocol::kMaxIgnoreRules;
  constexpr std::size_t kLongest = sidecar::ipc_protocol::kMaxIgnoreText;
  IgnoreRules rules;
  rules.replace(frame.ignore_suffixes, frame.ignore_patterns);
  for (std::size_t i = 0; i < frame.ignore_suffixes.size() && i < 8; ++i) {
    const std::string_view operation = frame.ignore_suffixes[i].substr(0, 256);
    bool expected = false;
    for (std::size_t p = 0; p < frame.ignore_patterns.size() && p < kMost; ++p) {
      const std::string_view pattern = frame.ignore_patterns[p];
      if (pattern.empty() || pattern.size() > kLongest) continue;
      const bool plain = plainly_matches(pattern, operation);
      if (matches_pattern(pattern, operation) != plain) std::abort();
      expected = expected || plain;
    }
    const std::size_t dot = operation.rfind('.');
    for (std::size_t s = 0; s < frame.ignore_suffixes.size() && s < kMost && dot != operation.npos; ++s) {
      const std::string_view suffix = frame.ignore_suffixes[s];
      expected = expected || (suffix.size() <= kLongest && suffix == operation.substr(dot));
    }
    if (rules.match(operation) != expected) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ServerFrame frame = read_server_frame(data, size);
  const ServerFrame again = read_server_frame(data, size);
  if (frame.kind != again.kind || frame.accepted != again.accepted || frame.instance != again.instance) std::abort();
  const auto check = [data, size](std::string_view text) {
    const auto* begin = reinterpret_cast<const std::uint8_t*>(text.data());
    if (!text.empty() && (begin < data + sidecar::ipc_protocol::kHeaderSize || begin + text.size() > data + size))
      std::abort();
  };
  check(frame.instance);
  check(frame.service);
  check(frame.peer_prefix);
  for (std::size_t i = 0; i < frame.ignore_suffixes.size(); ++i) check(frame.ignore_suffixes[i]);
  for (std::size_t i = 0; i < frame.ignore_patterns.size(); ++i) check(frame.ignore_patterns[i]);
  check_rules(frame);
  if (frame.kind == ServerFrame::Kind::bad && (frame.accepted != 0 || !frame.instance.empty())) std::abort();
  return 0;
}
