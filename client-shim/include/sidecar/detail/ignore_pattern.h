#pragma once

// Patterns of operations, as SkyWalking's trace-ignore plug-in has them: ? is one character but '/', * any number of
// these, ** anything. Pure functions, which allocate nothing.
//
// Asked at the beginning of every segment, so the common answers come first: text at either end, then the texts between
// the wildcards, searched in their order. Only what has all of these, and more wildcards than **, is walked through
// state by state; that takes no longer than the text times the pattern is long, whatever they hold.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sidecar_ipc/protocol.h"

namespace sidecar {
inline namespace v1 {
namespace detail {

// A pattern's states: at each of its characters, and behind the last.
static_assert(ipc_protocol::kMaxIgnoreText < 128, "a state set has 128 bits");

inline bool walk_pattern(std::string_view pattern, std::string_view text) noexcept {
  struct States {
    std::uint64_t bits[2] = {0, 0};
    void add(std::size_t state) noexcept { bits[state / 64] |= std::uint64_t{1} << (state % 64); }
    bool has(std::size_t state) const noexcept { return (bits[state / 64] >> (state % 64) & 1) != 0; }
  };
  const auto stars = [pattern](std::size_t at) noexcept -> std::size_t {
    if (pattern[at] != '*') return 0;
    return at + 1 < pattern.size() && pattern[at + 1] == '*' ? 2 : 1;
  };
  // Stars may stand for nothing: who is in front of them is behind them too.
  const auto enter = [&](States& states, std::size_t at) noexcept {
    states.add(at);
    while (at < pattern.size() && stars(at) > 0) states.add(at += stars(at));
  };
  States now;
  enter(now, 0);
  for (const char c : text) {
    const bool continues = (static_cast<unsigned char>(c) & 0xC0) == 0x80;  // a character that ? has begun
    States next;
    for (std::size_t word = 0; word < 2; ++word) {
      for (std::uint64_t left = now.bits[word]; left != 0; left &= left - 1) {
        const std::size_t at = word * 64 + static_cast<std::size_t>(__builtin_ctzll(left));
        if (continues && at > 0 && pattern[at - 1] == '?') enter(next, at);
        if (at == pattern.size()) continue;
        const std::size_t star = stars(at);
        if (star == 2 || (star == 1 && c != '/')) {
          enter(next, at);
        } else if (star == 0 && (pattern[at] == c || (pattern[at] == '?' && c != '/' && !continues))) {
          enter(next, at + 1);
        }
      }
    }
    if ((next.bits[0] | next.bits[1]) == 0) return false;
    now = next;
  }
  return now.has(pattern.size());
}

// Whether `pattern` stands for all of `text`. A pattern longer than kMaxIgnoreText matches nothing.
inline bool matches_pattern(std::string_view pattern, std::string_view text) noexcept {
  if (pattern.size() > ipc_protocol::kMaxIgnoreText) return false;
  const auto wild = [](char c) noexcept { return c == '*' || c == '?'; };
  for (; !pattern.empty() && !wild(pattern.front()); pattern.remove_prefix(1), text.remove_prefix(1)) {
    if (text.empty() || text.front() != pattern.front()) return false;
  }
  for (; !pattern.empty() && !wild(pattern.back()); pattern.remove_suffix(1), text.remove_suffix(1)) {
    if (text.empty() || text.back() != pattern.back()) return false;
  }
  if (pattern.empty()) return text.empty();
  bool anything = true;  // the wildcards are all **
  std::size_t found = 0;
  for (std::size_t at = 0; at < pattern.size();) {
    if (wild(pattern[at])) {
      const bool both = pattern.compare(at, 2, "**") == 0;
      anything = anything && both;
      at += both ? 2 : 1;
      continue;
    }
    const std::size_t begin = at;
    while (!wild(pattern[at])) ++at;  // the last one is
    const std::size_t there = text.find(pattern.substr(begin, at - begin), found);
    if (there == std::string_view::npos) return false;
    found = there + (at - begin);
  }
  return anything || walk_pattern(pattern, text);
}

}  // namespace detail
}  // namespace v1
}  // namespace sidecar
