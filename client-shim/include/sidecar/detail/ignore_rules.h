#pragma once

// IgnoreRules knows which operations are not traced, as CONFIG tells (ipc-schema/control.fbs): by what stands from the
// last dot on, as SkyWalking's Java agent does, and by patterns, as its trace-ignore plug-in does.
//
// Written by the holder of the core (intake.h), read by any thread: a table that never changes, exchanged as a
// whole. One that was replaced is not freed, since somebody may be reading it; so only so many are ever taken over.
// Matching allocates nothing. Of an operation's first kMaxOperation bytes, which are what would be recorded, patterns
// see no more.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include "sidecar/detail/ignore_pattern.h"
#include "sidecar_ipc/protocol.h"

namespace sidecar {
inline namespace v1 {
namespace detail {

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
    const std::size_t longest = table->longest_suffix;
    const std::string_view tail = operation.size() < longest ? operation : operation.substr(operation.size() - longest);
    const std::size_t dot = tail.rfind('.');  // one that is farther away begins a longer suffix than there is
    for (std::uint32_t i = 0; i < table->suffixes && dot != std::string_view::npos; ++i) {
      if (table->texts[i].view() == tail.substr(dot)) return true;
    }
    operation = operation.substr(0, ipc_protocol::kMaxOperation);
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
    table->longest_suffix = 0;
    for (std::uint32_t i = 0; i < table->count; ++i) {
      if (table->texts[i].size > table->longest_suffix) table->longest_suffix = table->texts[i].size;
    }
    add(patterns);
    const Table* const old = table_.load(std::memory_order_relaxed);
    const bool same = old == nullptr ? table->count == 0 : *old == *table;
    if (same) return std::free(table);  // told again
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
    const Table* older;  // the one that this replaced
    std::size_t longest_suffix;
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
