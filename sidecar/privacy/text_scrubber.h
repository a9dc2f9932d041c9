#pragma once

// TextScrubber takes secrets out of URLs, of what looks like them, and of bodies and headers:
// credentials before a host, values with a secret's name, or whole queries. Linear in the text's length
// whatever it holds; the result is at most twice as long, and 3.
//
//    redis://joe:pw@cache/0?db=1&auth_token=abc#top    the text
//            ^^^^^^                         ^^^
//    redis://***@cache/0?db=1&auth_token=***#top       UrlPrivacy::mask
//
// Names of parameters may be %-encoded. A value that is a URL itself is looked into unless it is
// %-encoded as a whole: nothing is decoded but names. How: url_walk.h, body_walk.h.
//
// Owner: PrivacyRules. Pure; any thread.

#include <string>
#include <string_view>

#include "privacy/options.h"
#include "privacy/scrub_walk.h"
#include "privacy/text_kind.h"

namespace sidecar {

class TextScrubber {
 public:
  // `names` outlives it; what is in one of the sets `secret` is a secret's name.
  TextScrubber(const NameMatcher& names, NameMatcher::Sets secret, UrlPrivacy mode)
      : secrets_{names, secret}, mode_(mode), strict_(mode == UrlPrivacy::mask_all || mode == UrlPrivacy::drop_query) {}

  // Whether something may be hidden in a text of which one knows only whether it has one of ; < = > ? @ (`marked`):
  // in a URL, a named value or a credential has = or @.
  bool may_hide(std::string_view text, TextKind kind, bool marked) const {
    return marked || strict_ || is_body(text, kind);
  }

  // Whether `text` held something to hide; then it was appended to `out` without that, else `out` is as it was.
  bool scrub(std::string_view text, TextKind kind, std::string& out) const;

 private:
  // Whether secrets may stand behind their names in any form.
  static bool is_body(std::string_view text, TextKind kind) {
    if (kind != TextKind::text) return kind == TextKind::query || kind == TextKind::headers;
    // In other text only what begins like JSON; a list of anything else may be the beginning of a line of a log.
    const auto next = [&text](std::size_t at) { return text.find_first_not_of(" \t\r\n", at); };
    std::size_t at = next(0);
    if (at == std::string_view::npos || (text[at] != '{' && text[at] != '[')) return false;
    while (at != std::string_view::npos && text[at] == '[') at = next(at + 1);
    return at != std::string_view::npos && (text[at] == '{' || text[at] == '"');
  }

  const Secrets secrets_;
  const UrlPrivacy mode_;
  const bool strict_;  // queries are hidden whatever their names
};

}  // namespace sidecar
