#pragma once

// IgnoreRules knows which operations are not traced, as CONFIG tells (ipc-schema/control.fbs): by what stands from the
// last dot on, as SkyWalking's Java agent does, and by patterns, as its trace-ignore plug-in does.
//
// Written by the holder of the core (intake.h), read by any thread: a table that never changes, exchanged as a
// whole. One that was replaced is not freed, since somebody may be reading it; so only so many are ever taken over.
// Matching allocates nothing, and takes no longer than the operation times the pattern is long, whatever they hold.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include "sidecar_ipc/protocol.h"

namespace sidecar {
inline namespace v1 {
namespace detail {

// A pattern's states: at each of its characters, and behind the last.
static_assert(ipc_protocol::kMaxIgnoreText < 128, "a state set has 128 bits");

// Whether `pattern` stands for all of `text`: ? is one character but '/', * any number of these, ** anything. A
// pattern longer than kMaxIgnoreText matches nothing.
inline bool matches_pattern(std::string_view pattern, std::string_view text) noexcept {
  struct States {
    std::uint64_t bits[2] = {0, 0};
    void add(std::size_t state) noexcept { bits[state / 64] |= std::uint64_t{1} << (state % 64); }
    bool has(std::size_t state) const noexcept { return (bits[state / 64] >> (state % 64) & 1) != 0; }
  };
  if (pattern.size() > ipc_protocol::kMaxIgnoreText) return false;
  const auto stars = [pattern](std::size_t at) noexcept {
    return pattern.compare(at, 2, "**") == 0 ? std::size_t{2} : std::size_t{pattern.compare(at, 1, "*") == 0};
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
        if (continues && at > 0 && pattern[at - 1] == '?') next.add(at);
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

class IgnoreRules {
 public:
  IgnoreRules() noexcept = default;
  // Nobody asks any more.
  ~IgnoreRules() {
    for (const Table* at = table_.load(std::memory_order_relaxed); at != nullptr;) {
      std::free(const_cast<Table*>(std::exchange(at, at->older)));
    }
  }
  IgnoreRules(const IgnoreRules&) = delete;
  IgnoreRules& operator=(const IgnoreRules&) = delete;

  // Whether an operation of this name is not to be traced.
  bool match(std::string_view operation) const noexcept {
    const Table* const table = table_.load(std::memory_order_acquire);
    if (table == nullptr) return false;
    const std::size_t dot = operation.rfind('.');
    const std::string_view suffix = dot == std::string_view::npos ? std::string_view() : operation.substr(dot);
    for (std::uint32_t i = 0; i < table->suffixes; ++i) {
      if (table->texts[i].view() == suffix) return true;
    }
    for (std::uint32_t i = table->suffixes; i < table->count; ++i) {
      if (matches_pattern(table->texts[i].view(), operation)) return true;
    }
    return false;
  }

  // Holder: what CONFIG says, as lists of texts. What is empty or longer than kMaxIgnoreText, and what is more than
  // kMaxIgnoreRules, is left out.
  template <class List>
  void replace(const List& suffixes, const List& patterns) noexcept {
    constexpr unsigned kMaxTables = 16;
    if (taken_ == kMaxTables) return;
    auto* const table = static_cast<Table*>(std::malloc(sizeof(Table)));
    if (table == nullptr) return;
    table->count = 0;
    const auto add = [table](const List& list) {
      for (std::size_t i = 0; i < list.size() && i < ipc_protocol::kMaxIgnoreRules; ++i) table->add(list[i]);
    };
    add(suffixes);
    table->suffixes = table->count;
    add(patterns);
    const Table* const old = table_.load(std::memory_order_relaxed);
    if (old != nullptr && *old == *table) return std::free(table);  // told again
    ++taken_;
    table->older = old;
    table_.store(table, std::memory_order_release);
  }

 private:
  struct Text {
    std::uint8_t size;
    char data[ipc_protocol::kMaxIgnoreText];
    std::string_view view() const noexcept { return {data, size}; }
  };
  struct Table {
    const Table* older;      // the one that this replaced
    std::uint32_t suffixes;  // the first ones of `texts`
    std::uint32_t count;
    Text texts[2 * ipc_protocol::kMaxIgnoreRules];

    void add(std::string_view text) noexcept {
      if (text.empty() || text.size() > ipc_protocol::kMaxIgnoreText) return;
      texts[count].size = static_cast<std::uint8_t>(text.size());
      std::memcpy(texts[count].data, text.data(), text.size());
      ++count;
    }
    bool operator==(const Table& other) const noexcept {
      if (suffixes != other.suffixes || count != other.count) return false;
      for (std::uint32_t i = 0; i < count; ++i) {
        if (texts[i].view() != other.texts[i].view()) return false;
      }
      return true;
    }
  };

  std::atomic<const Table*> table_{nullptr};
  unsigned taken_ = 0;
};

}  // namespace detail
}  // namespace v1
}  // namespace sidecar
