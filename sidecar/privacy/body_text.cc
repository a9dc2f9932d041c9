#include "privacy/body_text.h"

#include <algorithm>
#include <bit>

namespace sidecar {
namespace {

// After a number or an object.
constexpr Marks kBehindValues = marks(",}]<\r\n\"");
// After a value in quotes; elsewhere the quotes were part of a longer one.
constexpr Marks kBehindStrings = marks(",}])>&/?<\r\n\"'\\");

bool is_structured(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && std::string_view("{[<\"").find(text[first]) != std::string_view::npos;
}

}  // namespace

BodyText::BodyText(std::string_view text)
    : text_(text),
      structured_(is_structured(text)),
      boundary_(text.starts_with("--") ? text.substr(0, text.find_first_of("\r\n")) : std::string_view("--")) {}

bool BodyText::ends_value(std::size_t at, char sign) const {
  const std::size_t next = skip(" \t", at);
  if (next == text_.size() || is(kBehindStrings, text_[next])) return true;
  return sign == '=' && (next > at || text_[next] == ';');  // the next attribute, or parameter
}

bool BodyText::is_behind_value(std::size_t at) const {
  const std::size_t next = skip(" \t", at), quote = skip("\\", next);
  if (next == text_.size() || is(kBehindValues, text_[next])) return true;
  return next < quote && is_quote(quote) && begin_of_quote(quote) == next;  // of the string that it is in
}

std::size_t BodyText::end_of_nested(std::size_t at, unsigned around) const {
  unsigned depth = 0;
  for (; at < text_.size(); ++at) {
    const char c = text_[at];
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth == 0) return at + 1;
    if (!is_quote(at)) continue;
    if (level_of_quote(at) < around) return begin_of_quote(at);
    at = end_of_string(at, level_of_quote(at));
    if (at < text_.size() && level_of_quote(at) < around) return begin_of_quote(at);
  }
  return text_.size();
}

std::size_t BodyText::end_of_string(std::size_t at, unsigned level) const {
  const char quote = text_[at];
  do {
    at = text_.find(quote, at + 1);
  } while (at != std::string_view::npos && level_of_quote(at) > level);
  return std::min(at, text_.size());
}

std::size_t BodyText::end_of_lines(std::size_t at, std::size_t line) const {
  const std::size_t own = indent(line);
  std::size_t end = find_first_of("\n", at);
  while (end < text_.size() && indent(end + 1) > own) end = find_first_of("\n", end + 1);
  return end;
}

std::size_t BodyText::indent(std::size_t line) const { return skip(" \t-", line) - line; }

std::size_t BodyText::end_of_element(std::size_t at, std::string_view tag) const {
  const auto named = [&](std::size_t name) {
    const std::size_t behind = name + tag.size();
    return text_.compare(name, tag.size(), tag) == 0 && behind < text_.size() && is(kTagNameEnds, text_[behind]);
  };
  std::size_t depth = 1;
  for (at = text_.find('<', at); at != std::string_view::npos; at = text_.find('<', at + 1)) {
    if (text_.compare(at, 2, "</") == 0 && named(at + 2) && --depth == 0) return at;
    if (named(at + 1)) ++depth;
  }
  return text_.size();
}

std::size_t BodyText::end_of_part(std::size_t head) const {
  for (std::size_t end = text_.find("\n--", head); end != std::string_view::npos; end = text_.find("\n--", end + 1)) {
    if (text_.compare(end + 1, boundary_.size(), boundary_) == 0) return end_before(head, end);
  }
  return text_.size();
}

bool BodyText::is_quote(std::size_t at) const { return at < text_.size() && (text_[at] == '"' || text_[at] == '\''); }

unsigned BodyText::level_of_quote(std::size_t at) const {
  std::size_t begin = at;
  while (begin > 0 && text_[begin - 1] == '\\') --begin;
  return static_cast<unsigned>(std::countr_one(at - begin));
}

std::size_t BodyText::begin_of_quote(std::size_t at) const {
  return at == text_.size() ? at : at + 1 - (std::size_t{1} << level_of_quote(at));
}

std::size_t BodyText::end_before(std::size_t begin, std::size_t end) const {
  if (end == text_.size() || end <= begin) return end;
  if (text_[end] == '"') return std::max(begin, begin_of_quote(end));
  return text_[end] == '\n' && text_[end - 1] == '\r' ? end - 1 : end;
}

std::size_t BodyText::skip(const char* letters, std::size_t at) const {
  return std::min(text_.find_first_not_of(letters, at), text_.size());
}

std::size_t BodyText::find_first_of(const char* letters, std::size_t at) const {
  return std::min(text_.find_first_of(letters, at), text_.size());
}

}  // namespace sidecar
