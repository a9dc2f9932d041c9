#include "privacy/name_matcher.h"

#include <deque>

namespace sidecar {
namespace {

constexpr std::size_t kMaxNodes = 65'000;

char folded(char letter) {
  if (letter >= 'A' && letter <= 'Z') return static_cast<char>(letter - 'A' + 'a');
  return letter == '_' ? '-' : letter;
}

// The letters of a pattern, without the stars at its edges.
struct Parsed {
  bool from_begin, to_end;
  std::string_view core;
};

Parsed parse(std::string_view pattern) {
  Parsed parsed{true, true, pattern};
  if (parsed.core.starts_with('*')) {
    parsed.from_begin = false;
    parsed.core.remove_prefix(1);
  }
  if (parsed.core.ends_with('*')) {
    parsed.to_end = false;
    parsed.core.remove_suffix(1);
  }
  if (pattern == "*") parsed.to_end = false;
  return parsed;
}

}  // namespace

NameMatcher::NameMatcher(const std::vector<Set>& sets) {
  // Classes of letters first: they are the table's width.
  std::array<std::uint8_t, 256> folded_class{};
  for (const Set& set : sets)
    for (const std::string& pattern : set.patterns)
      for (const char letter : parse(pattern).core) {
        std::uint8_t& of = folded_class[static_cast<std::uint8_t>(folded(letter))];
        if (of == kOtherClass) of = static_cast<std::uint8_t>(width_++);
      }
  for (std::size_t byte = 0; byte < 256; ++byte)
    class_of_[byte] = folded_class[static_cast<std::uint8_t>(folded(static_cast<char>(byte)))];

  // The tree of all patterns; 0 is its root, and "no child yet".
  const auto add_node = [&] {
    next_.insert(next_.end(), width_, 0);
    outputs_.push_back(0);
    return static_cast<std::uint16_t>(outputs_.size() - 1);
  };
  const auto child = [&](std::uint16_t node, std::uint8_t letter) {
    const std::size_t at = node * width_ + letter;
    if (next_[at] == 0) {
      const std::uint16_t made = add_node();  // may move next_
      next_[at] = made;
    }
    return next_[at];
  };
  add_node();
  start_ = child(0, kBeginClass);
  for (const Set& set : sets)
    for (const std::string& pattern : set.patterns) {
      const Parsed parsed = parse(pattern);
      if (outputs_.size() + pattern.size() > kMaxNodes) continue;
      std::uint16_t node = parsed.from_begin ? start_ : 0;
      for (const char letter : parsed.core) node = child(node, class_of_[static_cast<std::uint8_t>(letter)]);
      if (parsed.to_end) node = child(node, kEndClass);
      outputs_[node] |= set.bit;
    }

  // Where a node has no child for a letter, its longest proper ending that is a node too goes on. Breadth first: an
  // ending is shorter, hence done before.
  std::vector<std::uint16_t> ending(outputs_.size(), 0);
  std::deque<std::uint16_t> waiting;
  for (std::size_t letter = 0; letter < width_; ++letter)
    if (next_[letter] != 0) waiting.push_back(next_[letter]);
  while (!waiting.empty()) {
    const std::uint16_t node = waiting.front();
    waiting.pop_front();
    outputs_[node] |= outputs_[ending[node]];
    for (std::size_t letter = 0; letter < width_; ++letter) {
      std::uint16_t& next = next_[node * width_ + letter];
      const std::uint16_t onward = next_[ending[node] * width_ + letter];
      if (next == 0) {
        next = onward;
      } else {
        ending[next] = onward;
        waiting.push_back(next);
      }
    }
  }
}

}  // namespace sidecar
