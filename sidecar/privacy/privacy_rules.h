#pragma once

// PrivacyRules says what of a segment may leave the host: which tags and fields of logs go
// or lose their value, by their key, and what is taken out of URLs. Compiled once from
// PrivacyOptions. Knows nothing of how segments are encoded.
//
// Owner: an encoder. Immutable; any thread.

#include <memory>

#include "privacy/url_scrubber.h"

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

  // Whether scrub() finds nothing in a text (but headers) that has none of ; < = > ? @, so that who has read it once
  // need not ask.
  bool needs_marks() const { return urls_.needs_marks(); }

  // See UrlScrubber.
  bool scrub(std::string_view text, TextKind kind, std::string& out) const { return urls_.scrub(text, kind, out); }

 private:
  // Sets of names, for NameMatcher; the rules' own come first.
  static constexpr NameMatcher::Sets kDrop = 1, kMask = 2, kUrl = 4, kQuery = 8, kHeaders = 16, kAll = 32;
  static Treatment treatment_of(NameMatcher::Sets sets);

  std::array<Treatment, kAll> treatments_;
  std::shared_ptr<const NameMatcher> names_;  // where urls_ looks; copies share it
  UrlScrubber urls_;
};

}  // namespace sidecar
