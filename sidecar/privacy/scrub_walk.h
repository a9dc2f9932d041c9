#pragma once

// ScrubWalk is what the walks over a text share: the result that grows beside it, names that may be %-encoded, and
// credentials in URLs. Used by url_walk.h and body_walk.h only.
//
// Owner: the walk, which lasts for one text. Not for several threads at once.

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "privacy/name_matcher.h"

namespace sidecar {

// A set of letters.
using Marks = std::array<bool, 256>;

constexpr Marks marks(std::string_view letters) {
  Marks made{};
  for (const char letter : letters) made[static_cast<std::uint8_t>(letter)] = true;
  return made;
}

constexpr bool is(const Marks& set, char letter) { return set[static_cast<std::uint8_t>(letter)]; }

// What ends a URL in other text.
inline constexpr Marks kUrlEnds = [] {
  Marks made = marks("\"'<>`\x7f");
  for (std::size_t control = 0; control <= ' '; ++control) made[control] = true;
  return made;
}();

// Which names are those of secrets; `names` outlives it.
struct Secrets {
  const NameMatcher& names;
  const NameMatcher::Sets sets;

  bool has(NameMatcher::State name) const { return (names.end(name) & sets) != 0; }
  bool has(std::string_view name) const { return (names.find(name) & sets) != 0; }
};

class ScrubWalk {
 protected:
  static constexpr std::string_view kHidden = "***";
  static constexpr std::string_view kScheme = "://";

  // Appends to `out`, once something is hidden.
  ScrubWalk(const Secrets& secrets, std::string_view text, std::string& out)
      : secrets_(secrets), text_(text), out_(out) {}

  // Whether something was hidden; then the rest of the text follows.
  bool finish() {
    if (changed_) out_.append(text_, copied_);
    return changed_;
  }

  // Ranges in their order, none twice.
  void replace(std::size_t begin, std::size_t end, std::string_view by) {
    out_.append(text_, copied_, begin - copied_);
    out_.append(by);
    copied_ = end;
    changed_ = true;
  }
  void hide(std::size_t begin, std::size_t end) {
    if (begin < end) replace(begin, end, kHidden);
  }

  bool is_scheme(std::size_t at) const { return text_.compare(at, kScheme.size(), kScheme) == 0; }

  // Hides USER:PASSWORD@ at `begin`, which follows :// or //, in a URL that ends at `end`. Returns where to go on.
  // begin_url() comes before the first one of each URL.
  void begin_url() { last_at_.reset(); }
  std::size_t credentials(std::size_t begin, std::size_t end);

  // The letter at `at`, decoded if it is %-encoded; moves on.
  char letter(std::size_t& at, std::size_t end) const;

  // Never looks beyond `end`, so that many parts of one text cost no more than their length.
  std::size_t find_first_of(const char* letters, std::size_t begin, std::size_t end) const {
    const std::size_t found = text_.substr(begin, end - begin).find_first_of(letters);
    return found == std::string_view::npos ? end : begin + found;
  }

  const Secrets& secrets_;
  const std::string_view text_;
  std::string& out_;
  std::size_t copied_ = 0;  // up to here it is in out_, changed or not

 private:
  std::optional<std::size_t> last_at_;  // the last @ of the URL, once needed; each time would be quadratic
  bool changed_ = false;
};

}  // namespace sidecar
