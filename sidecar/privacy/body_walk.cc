#include "privacy/body_walk.h"

#include <algorithm>
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
constexpr Marks kLiteralEnds = marks(" \t,}]<\r\n\"");
// Behind its first letter: form[password].
constexpr Marks kNameLettersOn = [] {
  Marks made = kNameLetters;
  made['['] = made[']'] = true;
  return made;
}();
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
    : ScrubWalk(secrets, text, out), body_(text), kind_(kind) {}

bool BodyWalk::run() {
  while (at_ < text_.size()) step();
  return finish();
}

void BodyWalk::step() {
  const char c = text_[at_];
  if (is(kNameLetters, c)) return name();
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

void BodyWalk::name() {
  forget_name();
  name_.begin = at_;
  NameMatcher::State state = secrets_.names.begin();
  while (at_ < text_.size() && is(kNameLettersOn, text_[at_])) {
    const char c = text_[at_] == '%' ? letter(at_, text_.size()) : text_[at_++];
    state = secrets_.names.feed(state, c);
  }
  name_.state = state;
  name_.end = at_;
}

void BodyWalk::quote() {
  name_.quoted = true;
  name_.level = body_.level_of_quote(at_);
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
  const std::size_t value = body_.skip(name_.quoted ? " \t\r\n" : " \t", at_);
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
  const std::size_t next = body_.skip("\r", at_);
  if (next < text_.size() && text_[next] == '\n' && std::exchange(secret_part_, false)) {
    const std::size_t end = body_.end_of_part(next);
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
    const std::size_t end = body_.end_of_element(at_, tag_);
    hide(at_, end);
    at_ = end;
  }
  tag_ = {};
}

// --- Values -----------------------------------------------------------------

std::size_t BodyWalk::hide_value(std::size_t at, char sign) {
  if (at >= text_.size()) return at;
  std::size_t behind = at;  // what it certainly goes on to
  const std::size_t quote = body_.skip("\\", at);
  if (body_.is_quote(quote) && !takes_line(sign)) {
    const std::size_t end = body_.end_of_string(quote, body_.level_of_quote(quote));
    if (end == text_.size() || body_.ends_value(end + 1, sign)) {
      const std::size_t escape = body_.begin_of_quote(end);
      hide(quote + 1, escape);
      return escape;
    }
    behind = end + 1;
  } else if ((text_[at] == '{' || text_[at] == '[') && (name_.quoted || body_.structured())) {
    behind = body_.end_of_nested(at, name_.quoted ? name_.level : 0);
    if (body_.is_behind_value(behind)) {
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
  return !body_.structured() && !name_.quoted && (sign == ':' || kind_ == TextKind::headers);
}

std::size_t BodyWalk::bare_end(std::size_t at, char sign) const {
  if (takes_line(sign)) return body_.end_before(at, body_.end_of_lines(at, line_begin_));
  if (!body_.structured() && !name_.quoted) {
    const bool list = at < text_.size() && text_[at] == '[';
    return body_.end_before(at, find_first_of(list ? "\n" : "&\n", at, text_.size()));
  }
  const bool hidden = text_.compare(at, kHidden.size(), kHidden) == 0;  // an object, before
  if (hidden && body_.is_behind_value(at + kHidden.size())) return at + kHidden.size();
  if (name_.quoted && sign == ':') {  // a number, true, null
    std::size_t end = at;
    while (end < text_.size() && !is(kLiteralEnds, text_[end])) ++end;
    if (body_.is_behind_value(end)) return body_.end_before(at, end);
  }
  return body_.end_before(at, find_first_of(sign == '=' ? "&\"<\n" : "\"<\n", at, text_.size()));
}

// --- Letters ----------------------------------------------------------------

// Whether the value at `value` is itself the name of a secret.
bool BodyWalk::names_secret(std::size_t value) const {
  value = body_.skip("\\", value);
  const bool quoted = body_.is_quote(value);
  const std::size_t begin = quoted ? value + 1 : value, limit = std::min(begin + kMaxSaidName, text_.size());
  std::size_t end = begin;
  while (end < limit && is(kNameLettersOn, text_[end]) && !body_.is_quote(end)) ++end;
  return end > begin && secrets_.has(text_.substr(begin, end - begin));
}

bool BodyWalk::is_name(std::string_view word) const {
  return same_word(text_.substr(name_.begin, name_.end - name_.begin), word);
}

}  // namespace sidecar
