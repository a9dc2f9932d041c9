#include "uplink/v2/dictionary.h"

#include <algorithm>
#include <cstring>

#include "uplink/v2/answers.h"

namespace sidecar::v2 {
namespace {

constexpr std::size_t kBookkeeping = 160;  // of a name: its nodes and pointers

// First ids come with the 2nd to 4th call, after 0.3 to 1.2 s; what is not answered then may never be.
Duration distance(std::uint32_t unanswered) {
  constexpr Duration kFirst = std::chrono::milliseconds(300), kMax = std::chrono::minutes(5);
  return std::min(kFirst * (1u << std::min(unanswered, 12u)) / 2, kMax);
}

__extension__ typedef unsigned __int128 Wide;

std::uint64_t mixed(std::uint64_t a, std::uint64_t b) {
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace

// Keyed, so that nobody can make names that all fall together.
std::size_t Dictionary::Hash::operator()(const KeyView& key) const {
  constexpr std::uint64_t kOdd = 0x9E3779B97F4A7C15u;
  const std::string_view text = key.text;
  std::uint64_t hash = mixed(seed ^ static_cast<std::uint32_t>(key.scope), kOdd ^ text.size());
  std::size_t at = 0;
  std::uint64_t word;
  for (; at + sizeof word <= text.size(); at += sizeof word) {
    std::memcpy(&word, text.data() + at, sizeof word);
    hash = mixed(hash ^ word, seed | 1);
  }
  word = 0;
  if (at < text.size()) std::memcpy(&word, text.data() + at, text.size() - at);
  return mixed(hash ^ word, kOdd ^ seed);
}

Dictionary::Dictionary(const Limits& limits, std::uint64_t seed) : limits_(limits), names_(0, Hash{seed}) {}

std::int32_t Dictionary::find(std::int32_t scope, std::string_view text, bool want) {
  const auto found = names_.find(KeyView{scope, text});
  if (found != names_.end()) return found->second.id;
  if (!want) return 0;
  const std::size_t bytes = text.size() + kBookkeeping;
  if (!room(scope, bytes)) {
    ++sizes_.refused;
    return 0;
  }
  const auto added = names_.emplace(Key{scope, std::string(text)}, Entry{}).first;
  Scope& in = scopes_[scope];
  ++in.names;
  in.wanted.emplace(Tick::min(), &*added);
  ++sizes_.pending;
  sizes_.bytes += bytes;
  return 0;
}

bool Dictionary::room(std::int32_t scope, std::size_t bytes) const {
  if (names_.size() >= limits_.names || sizes_.bytes + bytes > limits_.bytes) return false;
  const auto in = scopes_.find(scope);
  return in == scopes_.end() || in->second.names < limits_.names_in_scope;
}

Dictionary::Batch Dictionary::take(Tick now, std::size_t max_names, std::size_t max_bytes) {
  Batch batch{registration_, {}};
  std::size_t bytes = 0;
  // One of each scope in turn, beginning after the one that was last, until a whole turn gives none.
  auto at = scopes_.upper_bound(last_scope_);
  for (std::size_t without = 0; without < scopes_.size() && batch.names.size() < max_names; ++at) {
    if (at == scopes_.end()) at = scopes_.begin();
    auto& wanted = at->second.wanted;
    if (wanted.empty() || wanted.begin()->first > now) {
      ++without;
      continue;
    }
    auto& [key, entry] = *wanted.begin()->second;
    bytes += key.text.size();
    if (bytes > max_bytes && !batch.names.empty()) break;
    wanted.erase(wanted.begin());
    entry.asked = true;
    batch.names.push_back({key.scope, key.text});
    last_scope_ = key.scope;
    without = 0;
  }
  return batch;
}

Learnt Dictionary::answer(const Batch& batch, std::int32_t scope, std::string_view text, std::int64_t id) {
  const auto judge = [&] {
    if (batch.registration != registration_) return Learnt::stale;
    const auto found = names_.find(KeyView{scope, text});
    if (found == names_.end()) return Learnt::foreign;
    Entry& entry = found->second;
    if (!entry.asked) return Learnt::foreign;
    const std::int32_t given = usable(id);
    if (given == 0) return Learnt::out_of_range;
    if (entry.id != 0) return entry.id == given ? Learnt::duplicate : Learnt::changed;
    entry.id = given;
    ++sizes_.known;
    --sizes_.pending;
    return Learnt::id;
  };
  const Learnt learnt = judge();
  ++sizes_.learnt[learnt];
  return learnt;
}

void Dictionary::finish(const Batch& batch, Tick now) {
  if (batch.registration != registration_) return;
  for (const Name& name : batch.names) {
    auto& item = *names_.find(KeyView{name.scope, name.text});
    item.second.asked = false;
    if (item.second.id != 0) continue;
    ++item.second.unanswered;
    scopes_[name.scope].wanted.emplace(now + distance(item.second.unanswered), &item);
  }
}

Tick Dictionary::due() const {
  Tick first = Tick::max();
  for (const auto& [scope, in] : scopes_)
    if (!in.wanted.empty()) first = std::min(first, in.wanted.begin()->first);
  return first;
}

void Dictionary::clear() {
  scopes_.clear();
  names_.clear();
  ++registration_;
  sizes_.known = sizes_.pending = sizes_.bytes = 0;
}

}  // namespace sidecar::v2
