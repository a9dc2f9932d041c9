#include "privacy/url_walk.h"

#include <algorithm>

namespace sidecar {
namespace {

// Where a walk has to look closer: letters that begin or end something in a part of a text of a kind.
constexpr Marks kPathMarks = marks(":;?#");
constexpr Marks kPeerMarks = marks(":;?#@/,");
constexpr Marks kQueryMarks = marks(":;?#&");
constexpr Marks kLinesMarks = marks(":;?#&\n");

// What a URL without a scheme may stand behind.
constexpr Marks kBeforeUrls = [] {
  Marks made = kUrlEnds;
  for (const char letter : {'(', '[', '=', ','}) made[static_cast<std::uint8_t>(letter)] = true;
  return made;
}();

}  // namespace

bool UrlWalk::run() {
  const std::size_t size = text_.size();
  switch (kind_) {
    case TextKind::text:
    case TextKind::headers:
      urls();
      break;
    case TextKind::url:
      walk(text_.starts_with("//") ? credentials(2, size) : 0, size, Part::path);
      break;
    case TextKind::operation:
      walk(0, size, Part::path);
      break;
    case TextKind::peer:
      walk(parameter(0, size, Part::path), size, Part::path);
      break;
    case TextKind::query:
      walk(parameter(0, size, Part::query), size, Part::query);
      break;
  }
  return finish();
}

// Whatever begins with SCHEME://, or at the beginning of a word with / or //.
void UrlWalk::urls() {
  for (std::size_t at = next_url(0); at < text_.size(); at = next_url(at)) {
    std::size_t end = at;
    while (end < text_.size() && !is(kUrlEnds, text_[end])) ++end;
    begin_url();
    walk(text_.compare(at, 2, "//") == 0 ? credentials(at + 2, end) : at, end, Part::path);
    at = end;
  }
}

std::size_t UrlWalk::next_url(std::size_t at) const {
  for (at = text_.find('/', at); at != std::string_view::npos; at = text_.find('/', at + 1)) {
    if (at == 0 || is(kBeforeUrls, text_[at - 1])) return at;
    if (text_[at - 1] == ':' && is_scheme(at - 1)) return at - 1;
  }
  return text_.size();
}

// Handles everything from `at` on that begins before `end`.
void UrlWalk::walk(std::size_t at, std::size_t end, Part part) {
  begin_url();
  bool fragments = kind_ != TextKind::operation && kind_ != TextKind::peer;  // whether # begins one
  std::size_t user = at;                                                     // in a peer: where one may begin
  while (true) {
    const Marks& wanted = marks_of(part);
    while (at < end && !is(wanted, text_[at])) ++at;
    if (at >= end) return;
    const char mark = text_[at];
    if (mark == ':') {
      if (!is_scheme(at)) {
        ++at;
        continue;
      }
      fragments = true;
      at = user = credentials(at + kScheme.size(), end);
    } else if (mark == '@') {
      user = std::max(user, copied_);  // what a parameter had before it is hidden already
      if (text_.substr(user, at - user).find(':') != std::string_view::npos) replace(user, at, kHidden);
      user = ++at;
    } else if (mark == '/' || mark == ',') {
      user = ++at;
    } else if (mark == '?' || (mark == '#' && fragments)) {
      if (mode_ == UrlPrivacy::drop_query) return replace(at, end, {});
      part = Part::query;
      fragments = true;
      at = parameter(at + 1, end, part);
    } else if (mark == '#') {
      ++at;
    } else {
      at = parameter(at + 1, end, part);
    }
  }
}

// Looks at the parameter that may stand at `begin`. Returns where to go on: behind what was hidden, else where it
// began, since there may be credentials in it. So each letter is looked at a few times at most.
std::size_t UrlWalk::parameter(std::size_t begin, std::size_t end, Part part) {
  while (begin < end && text_[begin] == ' ') ++begin;
  const Marks& wanted = marks_of(part);
  NameMatcher::State name = secrets_.names.begin();
  std::size_t at = begin;
  while (at < end && text_[at] != '=') {
    if (is(wanted, text_[at]) && (text_[at] != ':' || is_scheme(at))) break;
    name = secrets_.names.feed(name, letter(at, end));
  }
  const bool all = part == Part::query && mode_ == UrlPrivacy::mask_all;
  if (at == end || is(wanted, text_[at])) {
    if (!all || at == begin) return begin;
    hide(begin, at);
    return at;
  }
  if (at > begin && text_[at - 1] == ' ') name = without_spaces(begin, at);
  if (!all && !secrets_.has(name)) return begin;
  const std::size_t value = at + 1, value_end = end_of_value(value, end, part);
  hide(value, value_end);
  return value_end;
}

// The name in this range, read without the spaces at its end.
NameMatcher::State UrlWalk::without_spaces(std::size_t begin, std::size_t end) const {
  while (end > begin && text_[end - 1] == ' ') --end;
  NameMatcher::State name = secrets_.names.begin();
  while (begin < end) name = secrets_.names.feed(name, letter(begin, end));
  return name;
}

// A secret may hold ; and ?, although parameters may begin there too.
std::size_t UrlWalk::end_of_value(std::size_t value, std::size_t end, Part part) const {
  const char* ends = part == Part::path ? ";?#" : "&#";
  if (kind_ == TextKind::query) ends = value < end && text_[value] == '[' ? "\n" : "&\n";
  return find_first_of(ends, value, end);
}

const Marks& UrlWalk::marks_of(Part part) const {
  if (part == Part::query) return kind_ == TextKind::query ? kLinesMarks : kQueryMarks;
  return kind_ == TextKind::peer ? kPeerMarks : kPathMarks;
}

}  // namespace sidecar
