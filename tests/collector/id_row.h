#pragma once

// IdRow gives ids to names as collectors of generation v2 do: one after the other from 2 on (1 is the built-in user),
// in the order in which they came up; who asks learns an id only by asking again, because they are stored
// asynchronously. What the collector itself makes is there at once. Pure.

#include <cstddef>
#include <map>

namespace sidecar {

template <class Name>
class IdRow {
 public:
  static constexpr std::size_t kMaxNames = 100'000;

  // A name is asked for in vain this many times before its id is told.
  explicit IdRow(unsigned empty_answers) : empty_answers_(empty_answers) {}

  // As a client asks. 0: not yet; for ever, when the row is full.
  int ask(const Name& name) {
    Entry* entry = at(name);
    if (entry == nullptr) return 0;
    if (entry->asked < empty_answers_ && ++entry->asked <= empty_answers_) return 0;
    return entry->id;
  }
  // As the collector makes one: told from now on. 0: the row is full.
  int make(const Name& name) {
    Entry* entry = at(name);
    if (entry == nullptr) return 0;
    entry->asked = empty_answers_;
    return entry->id;
  }
  // Whether told or not. 0: there is none.
  int find(const Name& name) const {
    const auto found = entries_.find(name);
    return found == entries_.end() ? 0 : found->second.id;
  }
  // Null: nobody has this id. Valid until clear().
  const Name* name(int id) const {
    const auto found = names_.find(id);
    return found == names_.end() ? nullptr : found->second;
  }
  // By id.
  const std::map<int, const Name*>& names() const { return names_; }
  void clear() {
    names_.clear();
    entries_.clear();
  }

 private:
  struct Entry {
    int id;
    unsigned asked = 0;
  };

  Entry* at(const Name& name) {
    const auto found = entries_.find(name);
    if (found != entries_.end()) return &found->second;
    if (entries_.size() == kMaxNames) return nullptr;
    const int id = static_cast<int>(entries_.size()) + 2;
    const auto made = entries_.emplace(name, Entry{id}).first;
    names_.emplace(id, &made->first);
    return &made->second;
  }

  const unsigned empty_answers_;
  std::map<Name, Entry> entries_;
  std::map<int, const Name*> names_;
};

}  // namespace sidecar
