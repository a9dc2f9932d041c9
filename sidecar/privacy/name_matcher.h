#pragma once

// NameMatcher tells which sets of patterns a name belongs to. All patterns of all sets
// become one automaton (Aho-Corasick, its failure links resolved into one table), so
// that a name costs one look-up for each of its bytes, however many patterns there are
// and whoever chose the name. A name may be fed byte by byte, so that nobody needs a
// decoded copy.
//
// Patterns: `*` at the beginning, at the end or both; elsewhere it is a letter like any
// other. Case of ASCII letters does not matter, nor does - or _.
//
// Owner: PrivacyRules. Immutable after construction; any thread.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sidecar {

class NameMatcher {
 public:
  using Sets = std::uint8_t;  // a bit for each set
  struct Set {
    Sets bit;
    std::vector<std::string> patterns;
  };

  // At most 65,000 letters of patterns in all; the rest is not taken (options bound it far below).
  explicit NameMatcher(const std::vector<Set>& sets);

  // A name that has been read so far.
  struct State {
    std::uint16_t node;
    Sets found;
  };
  State begin() const { return {start_, outputs_[start_]}; }
  State feed(State state, char letter) const {
    const std::uint16_t node = next_[state.node * width_ + class_of_[static_cast<std::uint8_t>(letter)]];
    return {node, static_cast<Sets>(state.found | outputs_[node])};
  }
  // The sets it is in, if it ends here.
  Sets end(State state) const {
    return static_cast<Sets>(state.found | outputs_[next_[state.node * width_ + kEndClass]]);
  }

  Sets find(std::string_view name) const {
    State state = begin();
    for (const char letter : name) state = feed(state, letter);
    return end(state);
  }

 private:
  // Letters that no pattern has are one class; the edges of a name are letters of their own.
  static constexpr std::uint8_t kOtherClass = 0, kBeginClass = 1, kEndClass = 2;

  std::array<std::uint8_t, 256> class_of_{};
  std::size_t width_ = 3;            // classes
  std::vector<std::uint16_t> next_;  // [node * width_ + class]
  std::vector<Sets> outputs_;        // of a node: what ends there
  std::uint16_t start_ = 0;          // behind the beginning of the name
};

}  // namespace sidecar
