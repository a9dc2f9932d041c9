#include "privacy/url_scrubber.h"

#include <algorithm>
#include <array>
#include <optional>

namespace sidecar {
namespace {

constexpr std::string_view kHidden = "***";
constexpr std::string_view kScheme = "://";

// Where a walk has to look closer: letters that begin or end something in a part of a text of a kind.
using Marks = std::array<bool, 256>;

constexpr Marks marks(std::string_view letters) {
  Marks made{};
  for (const char letter : letters) made[static_cast<std::uint8_t>(letter)] = true;
  return made;
}

constexpr Marks kPathMarks = marks(":;?#");
constexpr Marks kPeerMarks = marks(":;?#@/,");
constexpr Marks kQueryMarks = marks(":;?#&");
constexpr Marks kLinesMarks = marks(":;?#&\n");
constexpr Marks kNoMarks = marks("");

constexpr Marks kAuthorityEnds = marks("/?#");
constexpr Marks kUrlEnds = [] {
  Marks made = marks("\"'<>`\x7f");
  for (std::size_t control = 0; control <= ' '; ++control) made[control] = true;
  return made;
}();

bool is(const Marks& set, char letter) { return set[static_cast<std::uint8_t>(letter)]; }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

// One pass over one text.
class UrlScrubber::Walk {
 public:
  Walk(const UrlScrubber& rules, std::string_view text, TextKind kind, std::string& out)
      : rules_(rules), text_(text), kind_(kind), out_(out) {}

  bool run() {
    const std::size_t size = text_.size();
    switch (kind_) {
      case TextKind::text:
        urls(0, size);
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
        if (rules_.mode_ == UrlPrivacy::drop_query)
          replace(0, size, {});
        else
          walk(parameter(0, size, Part::query), size, Part::query);
        break;
      case TextKind::headers:
        for (std::size_t at = 0; at < size;) {
          const std::size_t end = find_first_of("\n", at, size);
          if (parameter(at, end, Part::header) != end) urls(at, end);
          at = end + 1;
        }
        break;
    }
    if (changed_) out_.append(text_, copied_);
    return changed_;
  }

 private:
  enum class Part { path, query, header };  // a fragment is a query; a header is one line

  // Whatever begins with SCHEME:// between `at` and `limit`.
  void urls(std::size_t at, std::size_t limit) {
    while (at < limit) {
      const std::size_t found = text_.substr(at, limit - at).find(kScheme);
      if (found == std::string_view::npos) return;
      at += found;
      std::size_t end = at;
      while (end < limit && !is(kUrlEnds, text_[end])) ++end;
      walk(at, end, Part::path);
      at = end;
    }
  }

  // Handles everything from `at` on that begins before `end`.
  void walk(std::size_t at, std::size_t end, Part part) {
    last_at_.reset();
    bool fragments = kind_ != TextKind::operation && kind_ != TextKind::peer;  // whether # begins one
    std::size_t user = at;                                                     // in a peer: where one may begin
    while (true) {
      const Marks& wanted = marks_of(part);
      while (at < end && !is(wanted, text_[at])) ++at;
      if (at >= end) return;
      const char mark = text_[at];
      if (mark == ':') {
        if (text_.compare(at, kScheme.size(), kScheme) != 0) {
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
        if (rules_.mode_ == UrlPrivacy::drop_query) return replace(at, end, {});
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

  // Hides USER:PASSWORD@ at `begin`, which follows ://. Returns where to go on.
  std::size_t credentials(std::size_t begin, std::size_t end) {
    std::size_t sign = end, stop = begin;
    for (; stop < end && !is(kAuthorityEnds, text_[stop]); ++stop)
      if (text_[stop] == '@') sign = stop;
    if (sign == end && !ends_with_port(text_.substr(begin, stop - begin))) {
      // The password holds one of / ? #, which it should not: the last @ of all is meant.
      if (!last_at_) last_at_ = begin + text_.substr(begin, end - begin).rfind('@');  // begin - 1: none
      if (*last_at_ + 1 > stop) sign = *last_at_;
    }
    if (sign == end) return begin;
    if (sign > begin) replace(begin, sign, kHidden);
    return sign + 1;
  }

  // Whether HOST[:PORT] is all there is; lists of these count.
  static bool ends_with_port(std::string_view authority) {
    if (authority.starts_with('[') || authority.find(',') != std::string_view::npos) return true;
    const std::size_t colon = authority.find(':');
    return colon == std::string_view::npos ||
           authority.find_first_not_of("0123456789", colon + 1) == std::string_view::npos;
  }

  // Looks at the parameter that may stand at `begin`. Returns where to go on: behind what was hidden, else where it
  // began, since there may be credentials in it. So each letter is looked at a few times at most.
  std::size_t parameter(std::size_t begin, std::size_t end, Part part) {
    while (begin < end && text_[begin] == ' ') ++begin;
    const Marks& wanted = marks_of(part);
    NameMatcher::State name = rules_.names_.begin();
    std::size_t at = begin;
    while (at < end && text_[at] != '=' && !(part == Part::header && text_[at] == ':')) {
      if (is(wanted, text_[at]) && (text_[at] != ':' || text_.compare(at, kScheme.size(), kScheme) == 0)) break;
      name = rules_.names_.feed(name, letter(at, end));
    }
    const bool all = part == Part::query && rules_.mode_ == UrlPrivacy::mask_all;
    if (at == end || is(wanted, text_[at])) {
      if (!all || at == begin) return begin;
      replace(begin, at, kHidden);
      return at;
    }
    if (at > begin && text_[at - 1] == ' ') name = without_spaces(begin, at);
    const std::size_t value = at + 1;
    if (!all && (rules_.names_.end(name) & rules_.secret_) == 0) return begin;
    const std::size_t value_end = end_of_value(value, end, part);
    if (value_end > value) replace(value, value_end, kHidden);
    return value_end;
  }

  // The name in this range, read without the spaces at its end.
  NameMatcher::State without_spaces(std::size_t begin, std::size_t end) const {
    while (end > begin && text_[end - 1] == ' ') --end;
    NameMatcher::State name = rules_.names_.begin();
    while (begin < end) name = rules_.names_.feed(name, letter(begin, end));
    return name;
  }

  // The letter at `at`, decoded if it is %-encoded; moves on.
  char letter(std::size_t& at, std::size_t end) const {
    if (text_[at] == '%' && end - at >= 3) {
      const int high = hex_digit(text_[at + 1]), low = hex_digit(text_[at + 2]);
      if (high >= 0 && low >= 0) {
        at += 3;
        return static_cast<char>(high * 16 + low);
      }
    }
    return text_[at++];
  }

  // A secret may hold ; and ?, although parameters may begin there too.
  std::size_t end_of_value(std::size_t value, std::size_t end, Part part) const {
    const char* ends = part == Part::path ? ";?#" : part == Part::header ? "" : "&#";
    if (kind_ == TextKind::query) ends = value < end && text_[value] == '[' ? "\n" : "&\n";
    return find_first_of(ends, value, end);
  }

  // Never looks beyond `end`, so that many URLs in one text cost no more than their length.
  std::size_t find_first_of(const char* letters, std::size_t begin, std::size_t end) const {
    const std::size_t found = text_.substr(begin, end - begin).find_first_of(letters);
    return found == std::string_view::npos ? end : begin + found;
  }

  const Marks& marks_of(Part part) const {
    if (part == Part::header) return kNoMarks;
    if (part == Part::query) return kind_ == TextKind::query ? kLinesMarks : kQueryMarks;
    return kind_ == TextKind::peer ? kPeerMarks : kPathMarks;
  }

  void replace(std::size_t begin, std::size_t end, std::string_view by) {
    out_.append(text_, copied_, begin - copied_);
    out_.append(by);
    copied_ = end;
    changed_ = true;
  }

  const UrlScrubber& rules_;
  const std::string_view text_;
  const TextKind kind_;
  std::string& out_;
  std::optional<std::size_t> last_at_;  // the last @ of what is walked over, once needed; each time would be quadratic
  std::size_t copied_ = 0;              // up to here it is in out_, changed or not
  bool changed_ = false;
};

bool UrlScrubber::scrub(std::string_view text, TextKind kind, std::string& out) const {
  if (mode_ == UrlPrivacy::keep || text.empty()) return false;
  return Walk(*this, text, kind, out).run();
}

}  // namespace sidecar
