#pragma once

// BodyText knows where the parts of a body end: strings, objects, lines, elements and parts of multipart. What has no
// end ends with the text. Pure; positions are bytes of the text, up to its size. Used by body_walk.h only.

#include <string_view>

#include "privacy/scrub_walk.h"

namespace sidecar {

// Of the name of an element of XML.
inline constexpr Marks kTagNameEnds = marks(" \t\r\n/><=\"'");

class BodyText {
 public:
  explicit BodyText(std::string_view text);

  // JSON or XML, as far as one sees: values end with quotes and <.
  bool structured() const { return structured_; }

  // Whether what stands at `at`, behind a closing quote, shows that the value has ended; `sign` was before it.
  bool ends_value(std::size_t at, char sign) const;
  // The same behind a number or an object.
  bool is_behind_value(std::size_t at) const;

  // The object or list at `at`, to its closing bracket or to the end of the string of level `around` that it is in.
  std::size_t end_of_nested(std::size_t at, unsigned around) const;
  // Where the string that begins with the quote at `at` has its closing one: of its level, or of a string around it.
  std::size_t end_of_string(std::size_t at, unsigned level) const;
  // The lines from `at` on that are indented more than the one that begins at `line`: folded headers, texts in YAML.
  std::size_t end_of_lines(std::size_t at, std::size_t line) const;
  // Where the element `tag` has its closing tag; `at` is in it.
  std::size_t end_of_element(std::size_t at, std::string_view tag) const;
  // Of the part of multipart whose head ends with the line feed at `head`.
  std::size_t end_of_part(std::size_t head) const;

  bool is_quote(std::size_t at) const;
  // How many strings of JSON a quote is in, each of which escapes it once more: 0, 1, 3, 7... backslashes. What the
  // innermost string holds in backslashes comes before these.
  unsigned level_of_quote(std::size_t at) const;
  // Where it begins with its backslashes; `at` may be the end of the text.
  std::size_t begin_of_quote(std::size_t at) const;
  // `end` of a value, without what belongs to the quote or the end of line there.
  std::size_t end_before(std::size_t begin, std::size_t end) const;
  std::size_t skip(const char* letters, std::size_t at) const;

 private:
  std::size_t indent(std::size_t line) const;
  std::size_t find_first_of(const char* letters, std::size_t at) const;

  const std::string_view text_;
  const bool structured_;
  const std::string_view boundary_;  // between the parts of multipart
};

}  // namespace sidecar
