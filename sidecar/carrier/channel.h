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
  // Removes the first record of `agent`, which must have one here.
  Record pop_first_of(const Agent& agent) {
    const auto found =
        std::find_if(queue_.begin(), queue_.end(), [&](const Record& r) { return &r.agent() == &agent; });
    Record record = std::move(*found);
    queue_.erase(found);
    bytes_ -= record.cost();
    return record;
  }

  bool empty() const { return queue_.empty(); }
  std::size_t size() const { return queue_.size(); }
  std::size_t slots() const { return slots_; }
  // What it holds beyond a lower number stays; nothing is added until there is room again.
  void set_slots(std::size_t slots) { slots_ = slots; }
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
