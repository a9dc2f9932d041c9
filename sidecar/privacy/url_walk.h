#pragma once

// UrlWalk takes secrets out of the URLs of one text, and of what is written like the part of one: credentials, values
// of parameters, whole queries. One pass. Used by text_scrubber.cc only.

#include "privacy/options.h"
#include "privacy/scrub_walk.h"
#include "privacy/text_kind.h"

namespace sidecar {

class UrlWalk : private ScrubWalk {
 public:
  UrlWalk(const Secrets& secrets, UrlPrivacy mode, std::string_view text, TextKind kind, std::string& out)
      : ScrubWalk(secrets, text, out), mode_(mode), kind_(kind) {}

  // Whether something was hidden, and appended what is left.
  bool run();

 private:
  enum class Part { path, query };  // a fragment is a query

  void urls();
  std::size_t next_url(std::size_t at) const;
  void walk(std::size_t at, std::size_t end, Part part);
  std::size_t parameter(std::size_t begin, std::size_t end, Part part);
  NameMatcher::State without_spaces(std::size_t begin, std::size_t end) const;
  std::size_t end_of_value(std::size_t value, std::size_t end, Part part) const;
  const Marks& marks_of(Part part) const;

  const UrlPrivacy mode_;
  const TextKind kind_;
};

}  // namespace sidecar
