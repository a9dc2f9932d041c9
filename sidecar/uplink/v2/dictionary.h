#pragma once

// Dictionary knows the ids that the collector gave to names: of endpoints, each within its service, or of network
// addresses, whose scope is 0. A name that is asked for and not known is wanted; wanted names are asked for in batches,
// those of different scopes in turn, and one that stays unanswered ever later:
//
//               find()                take()                answer()
//    (unknown) -------->  [ wanted ] -------->  [ asked ] ------------> [ known ]
//                             ^                     |
//                             +---- finish(): later, the more often it was asked
//
// An id belongs to one registration. clear() ends it: nothing is kept, and answers to what was asked before are stale,
// since a collector that lost its storage gives the same numbers to others.
//
// Full: a name is not wanted any more and goes out as it is for ever, counted. Nothing is pushed out, so that strange
// names cannot push out good ones; a scope has a bound of its own, so that one service cannot take all.
//
// Owner: CollectorV2. Pure: time and randomness come in. Not for several threads.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "uplink/v2/learnt.h"

namespace sidecar::v2 {

class Dictionary {
 public:
  struct Limits {
    std::size_t names;
    std::size_t names_in_scope;
    std::size_t bytes;  // of all, with bookkeeping
  };
  struct Sizes {
    std::size_t known = 0;
    std::size_t pending = 0;  // wanted or asked
    std::size_t bytes = 0;
    std::uint64_t refused = 0;  // look-ups of names for which there was no room
    LearntCounts learnt;
  };
  struct Name {
    std::int32_t scope;
    std::string_view text;  // valid until clear()
  };
  struct Batch {
    std::uint64_t registration = 0;
    std::vector<Name> names;  // each once, none twice in flight
  };

  // `seed` of the hash, which a stranger must not know.
  Dictionary(const Limits& limits, std::uint64_t seed);

  // The id; or 0, and the name is wanted from now on if `want` and there is room.
  std::int32_t find(std::int32_t scope, std::string_view text, bool want);

  // What may be asked now, at most so many names and bytes of text; empty: nothing. finish() it, whatever becomes of
  // the call.
  Batch take(Tick now, std::size_t max_names, std::size_t max_bytes);
  // One member of the answer to `batch`.
  Learnt answer(const Batch& batch, std::int32_t scope, std::string_view text, std::int64_t id);
  // The call has ended: what has no id is wanted again.
  void finish(const Batch& batch, Tick now);

  // When take() has something; Tick::max(): never, as it is. One step per scope.
  Tick due() const;

  void clear();

  const Sizes& sizes() const { return sizes_; }

 private:
  struct KeyView {
    std::int32_t scope;
    std::string_view text;
    bool operator==(const KeyView&) const = default;
  };
  struct Key {
    std::int32_t scope;
    std::string text;
    operator KeyView() const { return {scope, text}; }
  };
  struct Hash {
    using is_transparent = void;
    std::uint64_t seed;
    std::size_t operator()(const KeyView& key) const;
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const KeyView& a, const KeyView& b) const { return a == b; }
  };
  struct Entry {
    std::int32_t id = 0;
    std::uint32_t unanswered = 0;  // times
    bool asked = false;            // and not finished
  };
  using Names = std::unordered_map<Key, Entry, Hash, Equal>;
  struct Scope {
    std::size_t names = 0;
    std::multimap<Tick, Names::value_type*> wanted;
  };

  bool room(std::int32_t scope, std::size_t bytes) const;

  const Limits limits_;
  Names names_;
  std::map<std::int32_t, Scope> scopes_;
  std::int32_t last_scope_ = 0;  // that a batch took from
  std::uint64_t registration_ = 1;
  Sizes sizes_;
};

}  // namespace sidecar::v2
