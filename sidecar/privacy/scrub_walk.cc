#include "privacy/scrub_walk.h"

namespace sidecar {
namespace {

constexpr Marks kAuthorityEnds = marks("/?#");

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Whether HOST[:PORT] is all there is; lists of these count.
bool ends_with_port(std::string_view authority) {
  if (authority.starts_with('[') || authority.find(',') != std::string_view::npos) return true;
  const std::size_t colon = authority.find(':');
  return colon == std::string_view::npos ||
         authority.find_first_not_of("0123456789", colon + 1) == std::string_view::npos;
}

}  // namespace

std::size_t ScrubWalk::credentials(std::size_t begin, std::size_t end) {
  std::size_t sign = end, stop = begin;
  for (; stop < end && !is(kAuthorityEnds, text_[stop]); ++stop)
    if (text_[stop] == '@') sign = stop;
  if (sign == end && !ends_with_port(text_.substr(begin, stop - begin))) {
    // The password holds one of / ? #, which it should not: the last @ of all is meant.
    if (!last_at_) last_at_ = begin + text_.substr(begin, end - begin).rfind('@');  // begin - 1: none
    if (*last_at_ + 1 > stop) sign = *last_at_;
  }
  if (sign == end) return begin;
  hide(begin, sign);
  return sign + 1;
}

char ScrubWalk::letter(std::size_t& at, std::size_t end) const {
  if (text_[at] == '%' && end - at >= 3) {
    const int high = hex_digit(text_[at + 1]), low = hex_digit(text_[at + 2]);
    if (high >= 0 && low >= 0) {
      at += 3;
      return static_cast<char>(high * 16 + low);
    }
  }
  return text_[at++];
}

}  // namespace sidecar
