#pragma once

// How the test collector is told to misbehave, and which call is hit. Pure but
// for the mutex of MisbehaviourList.

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"

namespace sidecar {

enum class Fault {
  hang,           // no answer until released or the caller's deadline
  slow,           // the right answer after `delay`
  status,         // answers `code` with `message`
  reset_stream,   // RST_STREAM, as a real one does to a message that is too large: the caller sees CANCELLED
  unimplemented,  // as if the method did not exist
  close,          // the server goes away with the call in flight and is back on the same port at once
  garbage,        // OK with bytes that are no message
  poison,         // answers `code` if the call carries a segment with tag `key` = `value`
  empty,          // OK with an empty message, as if nothing were known yet
  // Of v2's registrations, whose messages are kept and whose answers hold, instead of the right ones,
  reversed,    // the same in another order
  twice,       // all of them twice
  other_name,  // ids for the name `value`
  other_id,    // the id `value` for each name
};

struct Misbehaviour {
  Fault fault = Fault::hang;
  std::string method;   // "collectInSync", a whole path, or empty: every method
  int times = -1;       // for the next n calls it fits; -1: until told
  int code = 2;         // gRPC status
  std::string message;  // of the status; of garbage: the bytes, empty: some
  std::chrono::milliseconds delay{0};
  std::string key, value;  // of the poison (empty value: any); the other name or id
  bool keep = false;       // what the call brought is kept although it fails
};

// From names and values as text (query string or JSON): fault (or "status" with a
// code by name), method, times, code (number or name), message, delay_ms, key, value, keep.
Result<Misbehaviour> parse_misbehaviour(const std::map<std::string, std::string>& fields);

class MisbehaviourList {
 public:
  void add(Misbehaviour misbehaviour);
  void clear();
  // What shall happen to a call of `path`; `poisoned(key, value)` tells whether it carries the tag. The first
  // that fits counts, and is used up. False: nothing.
  template <class Poisoned>
  bool take(const std::string& path, Misbehaviour& found, const Poisoned& poisoned) {
    const std::lock_guard lock(mutex_);
    for (auto at = list_.begin(); at != list_.end(); ++at) {
      if (!fits(*at, path) || (at->fault == Fault::poison && !poisoned(at->key, at->value))) continue;
      found = *at;
      if (at->times > 0 && --at->times == 0) list_.erase(at);
      return true;
    }
    return false;
  }

 private:
  static bool fits(const Misbehaviour& misbehaviour, const std::string& path);

  std::mutex mutex_;
  std::vector<Misbehaviour> list_;
};

// gRPC's names of the codes 0..16; "UNKNOWN" for others.
std::string code_name(int code);

}  // namespace sidecar
