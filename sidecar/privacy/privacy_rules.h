#pragma once

// PrivacyRules says what of a segment may leave the host: which tags and fields of logs go
// or lose their value, by their key, and what is taken out of texts. Compiled once from
// PrivacyOptions. Knows nothing of how segments are encoded.
//
// Owner: an encoder. Immutable; any thread.

#include <memory>

#include "privacy/text_scrubber.h"

namespace sidecar {

struct Treatment {
  enum Action : std::uint8_t { scrub, mask, drop };
  Action action = scrub;
  TextKind kind = TextKind::text;  // for scrub
};

class PrivacyRules {
 public:
  // Nothing is hidden.
  PrivacyRules() : PrivacyRules(PrivacyOptions{{}, {}, UrlPrivacy::keep}) {}
  explicit PrivacyRules(const PrivacyOptions& options);

  // What stands in place of a masked value.
  static constexpr std::string_view kMasked = "***";

  // Of a tag or a field of a log. One look-up per byte of `key`.
  Treatment treatment(std::string_view key) const { return treatments_[names_->find(key)]; }

  // See TextScrubber.
  bool may_hide(std::string_view text, TextKind kind, bool marked) const { return texts_.may_hide(text, kind, marked); }
  bool scrub(std::string_view text, TextKind kind, std::string& out) const { return texts_.scrub(text, kind, out); }

 private:
  // Sets of names, for NameMatcher; the rules' own come first.
  static constexpr NameMatcher::Sets kDrop = 1, kMask = 2, kUrl = 4, kQuery = 8, kHeaders = 16, kAll = 32;
  static Treatment treatment_of(NameMatcher::Sets sets);

  std::array<Treatment, kAll> treatments_;
  std::shared_ptr<const NameMatcher> names_;  // where texts_ looks; copies share it
  TextScrubber texts_;
};

}  // namespace sidecar
