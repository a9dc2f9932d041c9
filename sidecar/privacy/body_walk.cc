#include "privacy/body_walk.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace sidecar {
namespace {

constexpr std::size_t kMaxSaidName = 100;  // of a secret whose name is itself a value

constexpr Marks kNameLetters = [] {
  Marks made{};
  for (std::size_t byte = '!'; byte < made.size(); ++byte) made[byte] = byte != 0x7F;
  for (const char other : std::string_view("\"'`<>{}[],;&:=?#/()|@\\")) made[static_cast<std::uint8_t>(other)] = false;
  return made;
}();
constexpr Marks kTagNameEnds = marks(" \t\r\n/><=\"'");
// After a number or an object.
constexpr Marks kBehindValues = marks(",}]<\r\n\"");
constexpr Marks kLiteralEnds = marks(" \t,}]<\r\n\"");
// Of a name that is a value.
constexpr Marks kSaidLetters = [] {
  Marks made = kNameLetters;
  made['['] = made[']'] = true;
  return made;
}();
// After a value in quotes; elsewhere the quotes were part of a longer one.
constexpr Marks kBehindStrings = marks(",}])>&/?<\r\n\"'\\");

bool is_structured(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && std::string_view("{[<\"").find(text[first]) != std::string_view::npos;
}

bool same_word(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
}

// Tags that have no content.
bool is_void(std::string_view tag) {
  return same_word(tag, "input") || same_word(tag, "meta") || same_word(tag, "param");
}

}  // namespace

BodyWalk::BodyWalk(const Secrets& secrets, std::string_view text, TextKind kind, std::string& out)
    : ScrubWalk(secrets, text, out),
      kind_(kind),
      structured_(is_structured(text)),
      boundary_(text.starts_with("--") ? text.substr(0, text.find_first_of("\r\n")) : std::string_view("--")) {}

bool BodyWalk::run() {
  while (at_ < text_.size()) step();
  return finish();
}

void BodyWalk::step() {
  const char c = text_[at_];
  if (is(kNameLetters, c) || (name_.open && (c == '[' || c == ']'))) return feed_name();
  name_.open = false;
  switch (c) {
    case '"':
    case '\'':
      return quote();
    case ' ':
    case '\t':
    case '\r':
    case '\\':
    case ']':
      ++at_;  // the name may go on to its : or =
      return;
    case ':':
      return colon();
    case '=':
      return separator('=');
    case '\n':
      return line();
    case '<':
      return tag();
    case '>':
      return end_of_tag();
    case '}':
      said_name_ = false;
      break;
    default:
      break;
  }
  forget_name();
  ++at_;
}

void BodyWalk::feed_name() {
  if (!name_.open) {
    forget_name();
    name_.state = secrets_.names.begin();
    name_.begin = at_;
    name_.open = true;
  }
  name_.state = secrets_.names.feed(name_.state, letter(at_, text_.size()));
  name_.end = at_;
}

void BodyWalk::quote() {
  name_.quoted = true;
  name_.level = level_of_quote(at_);
  ++at_;
}

void BodyWalk::colon() {
  if (!is_scheme(at_)) return separator(':');
  if (at_ >= url_end_) {
    url_end_ = at_;
    while (url_end_ < text_.size() && !is(kUrlEnds, text_[url_end_])) ++url_end_;
    begin_url();
  }
  forget_name();
  at_ = credentials(at_ + kScheme.size(), url_end_);
}

void BodyWalk::separator(char sign) {
  ++at_;
  if (name_.begin == name_.end) return;
  if (sign == '=' && at_ < text_.size() && text_[at_] == '>') ++at_;  // "password" => "x"
  const std::size_t value = skip(name_.quoted ? " \t\r\n" : " \t", at_);
  if (secrets_.has(name_.state) || ((said_name_ || secret_tag_) && (is_name("value") || is_name("content")))) {
    said_name_ = false;
    at_ = hide_value(value, sign);
  } else if (is_name("name") || is_name("key")) {
    said_name_ = names_secret(value);
    secret_part_ = secret_part_ || (disposition_ && said_name_);
  } else if (sign == ':' && is_name("content-disposition")) {
    disposition_ = true;
  }
  forget_name();
}

void BodyWalk::line() {
  forget_name();
  line_begin_ = ++at_;
  const std::size_t next = skip("\r", at_);
  if (next < text_.size() && text_[next] == '\n' && std::exchange(secret_part_, false)) {
    const std::size_t end = end_of_part(next);
    hide(next + 1, end);
    at_ = std::max(end, next + 1);
    said_name_ = false;
  }
  if (at_ < text_.size() && text_[at_] != ' ' && text_[at_] != '\t') disposition_ = false;
}

void BodyWalk::tag() {
  forget_name();
  const std::size_t begin = ++at_;
  while (at_ < text_.size() && !is(kTagNameEnds, text_[at_])) ++at_;
  tag_ = text_.substr(begin, at_ - begin);
  secret_tag_ = !tag_.empty() && secrets_.has(tag_.substr(tag_.rfind(':') + 1));
}

void BodyWalk::end_of_tag() {
  forget_name();
  const bool has_content = at_ > 0 && text_[at_ - 1] != '/' && !is_void(tag_);
  ++at_;
  if (tag_.empty()) return;
  const bool secret = std::exchange(secret_tag_, false);
  if ((std::exchange(said_name_, false) || secret) && has_content) {
    const std::size_t end = end_of_element(at_, tag_);
    hide(at_, end);
    at_ = end;
  }
  tag_ = {};
}

// --- Values -----------------------------------------------------------------

std::size_t BodyWalk::hide_value(std::size_t at, char sign) {
  if (at >= text_.size()) return at;
  std::size_t behind = at;  // what it certainly goes on to
  const std::size_t quote = skip("\\", at);
  if (is_quote(quote) && !takes_line(sign)) {
    const std::size_t end = end_of_string(quote, level_of_quote(quote));
    if (end == text_.size() || ends_value(end + 1, sign)) {
      const std::size_t escape = begin_of_quote(end);
      hide(quote + 1, escape);
      return escape;
    }
    behind = end + 1;
  } else if ((text_[at] == '{' || text_[at] == '[') && (name_.quoted || structured_)) {
    behind = end_of_nested(at);
    if (is_behind_value(behind)) {
      hide(at, behind);
      return behind;
    }
  }
  const std::size_t end = bare_end(behind, sign);
  hide(at, end);
  return end;
}

// Whether a value goes to the end of its line, whatever it holds.
bool BodyWalk::takes_line(char sign) const {
  return !structured_ && !name_.quoted && (sign == ':' || kind_ == TextKind::headers);
}

// Whether what stands at `at`, behind a closing quote, shows that the value has ended.
bool BodyWalk::ends_value(std::size_t at, char sign) const {
  const std::size_t next = skip(" \t", at);
  if (next == text_.size() || is(kBehindStrings, text_[next])) return true;
  return sign == '=' && (next > at || text_[next] == ';');  // the next attribute, or parameter
}

// The same behind a number or an object.
bool BodyWalk::is_behind_value(std::size_t at) const {
  const std::size_t next = skip(" \t", at);
  return next == text_.size() || is(kBehindValues, text_[next]) || (text_[next] == '\\' && is_quote(skip("\\", next)));
}

std::size_t BodyWalk::bare_end(std::size_t at, char sign) const {
  const bool hidden = text_.compare(at, kHidden.size(), kHidden) == 0;  // an object, before
  if (hidden && structured_ && is_behind_value(at + kHidden.size())) return at + kHidden.size();
  if (name_.quoted) {
    std::size_t end = at;
    while (end < text_.size() && !is(kLiteralEnds, text_[end])) ++end;
    if (is_behind_value(end)) return end_before(at, end);
  }
  if (takes_line(sign)) return end_before(at, end_of_lines(at));
  if (structured_ || name_.quoted) {
    const std::size_t end = find_first_of(sign == '=' ? "&\"<\n" : "\"<\n", at, text_.size());
    return end_before(at, end);
  }
  const bool list = at < text_.size() && text_[at] == '[';
  return end_before(at, find_first_of(list ? "\n" : "&\n", at, text_.size()));
}

// The object or list at `at`, to its closing bracket or to the end of the string that it is in.
std::size_t BodyWalk::end_of_nested(std::size_t at) const {
  const unsigned around = name_.quoted ? name_.level : 0;
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

// Where the string that begins with the quote at `at` has its closing one: of its level, or of a string around it.
std::size_t BodyWalk::end_of_string(std::size_t at, unsigned level) const {
  const char quote = text_[at];
  do {
    at = text_.find(quote, at + 1);
  } while (at != std::string_view::npos && level_of_quote(at) > level);
  return std::min(at, text_.size());
}

// Lines that are indented more than this one belong to it: folded headers, texts in YAML.
std::size_t BodyWalk::end_of_lines(std::size_t at) const {
  const std::size_t own = indent(line_begin_);
  std::size_t end = find_first_of("\n", at, text_.size());
  while (end < text_.size() && indent(end + 1) > own) end = find_first_of("\n", end + 1, text_.size());
  return end;
}

std::size_t BodyWalk::indent(std::size_t line) const { return skip(" \t-", line) - line; }

std::size_t BodyWalk::end_of_element(std::size_t at, std::string_view tag) const {
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

// Of the part of multipart whose head ends with the line feed at `head`.
std::size_t BodyWalk::end_of_part(std::size_t head) const {
  for (std::size_t end = text_.find("\n--", head); end != std::string_view::npos; end = text_.find("\n--", end + 1)) {
    if (text_.compare(end + 1, boundary_.size(), boundary_) == 0) return end_before(head, end);
  }
  return text_.size();
}

// --- Letters ----------------------------------------------------------------

// Whether the value at `value` is itself the name of a secret.
bool BodyWalk::names_secret(std::size_t value) const {
  value = skip("\\", value);
  const bool quoted = is_quote(value);
  const std::size_t begin = quoted ? value + 1 : value, limit = std::min(begin + kMaxSaidName, text_.size());
  std::size_t end = begin;
  while (end < limit && is(kSaidLetters, text_[end]) && !is_quote(end)) ++end;
  return end > begin && secrets_.has(text_.substr(begin, end - begin));
}

bool BodyWalk::is_name(std::string_view word) const {
  return same_word(text_.substr(name_.begin, name_.end - name_.begin), word);
}

bool BodyWalk::is_quote(std::size_t at) const { return at < text_.size() && (text_[at] == '"' || text_[at] == '\''); }

// How many strings of JSON a quote is in, each of which escapes it once more: 0, 1, 3, 7... backslashes. What the
// innermost string holds in backslashes comes before these.
unsigned BodyWalk::level_of_quote(std::size_t at) const {
  std::size_t begin = at;
  while (begin > 0 && text_[begin - 1] == '\\') --begin;
  return static_cast<unsigned>(std::countr_one(at - begin));
}

// Where it begins with its backslashes; `at` may be the end of the text.
std::size_t BodyWalk::begin_of_quote(std::size_t at) const {
  return at == text_.size() ? at : at + 1 - (std::size_t{1} << level_of_quote(at));
}

// `end` of a value, without what belongs to the quote or the end of line there.
std::size_t BodyWalk::end_before(std::size_t begin, std::size_t end) const {
  if (end == text_.size() || end <= begin) return end;
  if (text_[end] == '"') return std::max(begin, begin_of_quote(end));
  return text_[end] == '\n' && text_[end - 1] == '\r' ? end - 1 : end;
}

std::size_t BodyWalk::skip(const char* letters, std::size_t at) const {
  return std::min(text_.find_first_not_of(letters, at), text_.size());
}

}  // namespace sidecar
