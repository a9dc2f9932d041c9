#pragma once

// Channel is one bounded FIFO of records of the carrier. It counts what it holds
// and remembers its high-water mark; the carrier decides who may enter.
//
// Owner: Carrier. Thread: loop.

#include <algorithm>
#include <cstdint>
#include <deque>
#include <utility>

#include "agents/record.h"

namespace sidecar {

class Channel {
 public:
  explicit Channel(std::size_t slots) : slots_(slots) {}

  void push(Record record) {
    bytes_ += record.cost();
    queue_.push_back(std::move(record));
    high_water_ = std::max(high_water_, queue_.size());
  }
  Record pop() {
    Record record = std::move(queue_.front());
    queue_.pop_front();
    bytes_ -= record.cost();
    return record;
  }
  // Removes the records for which `condemned` is true and hands each to `removed`.
  template <class Condemned, class Removed>
  void remove_if(Condemned condemned, Removed removed) {
    std::deque<Record> kept;
    for (Record& record : queue_) {
      if (condemned(record)) {
        bytes_ -= record.cost();
        removed(record);
      } else {
        kept.push_back(std::move(record));
      }
    }
    queue_.swap(kept);
  }

  bool empty() const { return queue_.empty(); }
  std::size_t size() const { return queue_.size(); }
  std::size_t slots() const { return slots_; }
  std::uint64_t bytes() const { return bytes_; }
  std::size_t high_water() const { return high_water_; }
  const Record& front() const { return queue_.front(); }
  const std::deque<Record>& records() const { return queue_; }

 private:
  std::size_t slots_;
  std::deque<Record> queue_;
  std::uint64_t bytes_ = 0;
  std::size_t high_water_ = 0;
};

}  // namespace sidecar
