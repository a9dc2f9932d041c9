#pragma once

// ToldText is a short text that the sidecar tells and any thread may read: a name in force. Written by the holder of
// the core alone (intake.h). What was replaced is not freed, since somebody may be reading it; so a sidecar that
// tells new texts without end is not listened to any more.

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include "sidecar/detail/fixed_text.h"

namespace sidecar {
inline namespace v1 {
namespace detail {

class ToldText {
 public:
  ToldText() noexcept = default;
  // Nobody reads any more.
  ~ToldText() {
    while (newest_ != nullptr) std::free(std::exchange(newest_, newest_->older));
  }
  ToldText(const ToldText&) = delete;
  ToldText& operator=(const ToldText&) = delete;

  // Empty: nothing was told.
  std::string_view get() const noexcept {
    const Text* const told = told_.load(std::memory_order_acquire);
    return told == nullptr ? std::string_view() : std::string_view(told->data(), told->size);
  }

  // Holder. Ignored if it is longer than `max` bytes or nothing for a header.
  void remember(std::string_view text, std::size_t max) noexcept {
    constexpr unsigned kMaxTexts = 64;
    if (text == get() || text.size() > max || !clean_text(text)) return;
    if (text.empty()) return told_.store(nullptr, std::memory_order_release);
    if (kept_ == kMaxTexts) return;
    auto* const told = static_cast<Text*>(std::malloc(sizeof(Text) + text.size()));
    if (told == nullptr) return;
    told->older = newest_;
    told->size = text.size();
    std::memcpy(told->data(), text.data(), text.size());
    newest_ = told;
    ++kept_;
    told_.store(told, std::memory_order_release);
  }

 private:
  struct Text {  // and its bytes behind it
    Text* older;
    std::size_t size;
    char* data() noexcept { return reinterpret_cast<char*>(this + 1); }
    const char* data() const noexcept { return reinterpret_cast<const char*>(this + 1); }
  };

  std::atomic<const Text*> told_{nullptr};
  Text* newest_ = nullptr;
  unsigned kept_ = 0;
};

}  // namespace detail
}  // namespace v1
}  // namespace sidecar
