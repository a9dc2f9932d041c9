#pragma once

// UrlScrubber takes secrets out of URLs and of what looks like them: credentials before
// a host, values of parameters with a secret's name, or whole queries. One pass over the
// text, linear in its length whatever it holds; the result is at most twice as long, and 3.
//
//    redis://joe:pw@cache/0?db=1&auth_token=abc#top    the text
//            ^^^^^^                         ^^^
//    redis://***@cache/0?db=1&auth_token=***#top       UrlPrivacy::mask
//
// Names of parameters may be %-encoded. A value that is a URL itself is looked into unless it is
// %-encoded as a whole: nothing is decoded but names.
//
// Owner: PrivacyRules. Pure; any thread.

#include <string>
#include <string_view>

#include "privacy/name_matcher.h"
#include "privacy/options.h"

namespace sidecar {

// What a text is known to be, which says where secrets may stand in it.
enum class TextKind : std::uint8_t {
  text,       // anything; URLs in it begin with SCHEME:// and end with a space, a quote or <>
  url,        // a URL, or the part of one from the path on
  operation,  // an operation's name: perhaps with a query. # is a letter of Class#method
  peer,       // an address, a URL, or a connection string: HOST;password=...
  query,      // parameters: a=1&b=2, or a line each; b=[...] as Java agents write http.params
  headers,    // a line each: Name=[value], or Name: value; other values are looked at as text
};

class UrlScrubber {
 public:
  // `names` outlives it; what is in one of the sets `secret` is a secret's name.
  UrlScrubber(const NameMatcher& names, NameMatcher::Sets secret, UrlPrivacy mode)
      : names_(names), secret_(secret), mode_(mode) {}

  // Whether nothing is ever hidden in a text without ; < = > ? @: a named value or a credential has = or @.
  bool needs_marks() const { return mode_ == UrlPrivacy::mask || mode_ == UrlPrivacy::keep; }

  // Whether `text` held something to hide; then it was appended to `out` without that, else `out` is as it was.
  bool scrub(std::string_view text, TextKind kind, std::string& out) const;

 private:
  class Walk;

  const NameMatcher& names_;
  const NameMatcher::Sets secret_;
  const UrlPrivacy mode_;
};

}  // namespace sidecar
