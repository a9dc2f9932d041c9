#include "carrier/carrier.h"

#include <sidecar_ipc/protocol.h>

#include <algorithm>

#include "base/check.h"

namespace sidecar {
namespace {

// The most that one frame can cost here.
constexpr std::uint64_t kFrameCost =
    ipc_protocol::kMaxFrame + ipc_protocol::kMaxRecordsPerFrame * (sizeof(Record) + 16);

}  // namespace

Carrier::Carrier(const CarrierOptions& options) : options_(options) {
  CHECK(options.channels > 0 && options.slots >= ipc_protocol::kMaxRecordsPerFrame);
  for (unsigned i = 0; i < options.channels; ++i) channels_.emplace_back(options.slots);
}

void Carrier::apply(const CarrierOptions& options) {
  CHECK(options.slots >= ipc_protocol::kMaxRecordsPerFrame);
  const unsigned channels = options_.channels;
  options_ = options;
  options_.channels = channels;
  for (Channel& channel : channels_) channel.set_slots(options.slots);
  tell_room();  // those that were refused try again, by the new rules
}

bool Carrier::has_room(const Agent& agent) const {
  if (options_.strategy != CarrierStrategy::blocking) return true;
  // The frame is not read yet: assume the largest.
  if (fits(agent, ipc_protocol::kMaxRecordsPerFrame, kFrameCost)) return true;
  refused_ = true;
  return false;
}

void Carrier::take(Record record) {
  Agent& agent = record.agent();
  if (options_.strategy == CarrierStrategy::override_) {
    while (!fits(agent, 1, record.cost()) && drop_oldest_for(agent, record.cost())) {
    }
  }
  if (!fits(agent, 1, record.cost())) {
    agent.ledger.drop(record.seq(), DropReason::channel_full);
    return;
  }
  add_bytes(record);
  channel_for(agent).push(std::move(record));
  if (on_arrival_) on_arrival_(channel_of(agent));
}

bool Carrier::drop_oldest_for(const Agent& agent, std::uint64_t bytes) {
  Channel& channel = channel_for(agent);
  const auto drop = [&](Record oldest) {
    subtract_bytes(oldest);
    oldest.agent().ledger.drop(oldest.seq(), DropReason::overridden);
    return true;
  };
  if (channel.size() >= channel.slots()) return drop(channel.pop());
  // Bytes are short: a session makes room at its own expense only.
  if (held_by(agent) == 0 || bytes > options_.memory) return false;
  return drop(channel.pop_first_of(agent));
}

std::vector<Record> Carrier::take_batch(std::size_t channel, std::size_t max_count, std::size_t max_bytes) {
  std::vector<Record> batch;
  Channel& from = channels_[channel];
  batch.reserve(std::min(max_count, from.size()));
  std::size_t bytes = 0;
  while (!from.empty() && batch.size() < max_count) {
    bytes += from.front().bytes().size();
    if (bytes > max_bytes && !batch.empty()) break;
    batch.push_back(from.pop());
    subtract_bytes(batch.back());
  }
  if (!batch.empty()) tell_room();
  return batch;
}

void Carrier::clear(DropReason reason, const Agent* agent) {
  for (Channel& channel : channels_) {
    for (std::size_t left = channel.size(); left > 0; --left) {
      Record record = channel.pop();
      if (agent != nullptr && &record.agent() != agent) {
        channel.push(std::move(record));  // once round: the order stays
        continue;
      }
      subtract_bytes(record);
      record.agent().ledger.drop(record.seq(), reason);
    }
  }
  tell_room();
}

void Carrier::for_each(const std::function<void(const Record&)>& visit) const {
  for (const Channel& channel : channels_)
    for (const Record& record : channel.records()) visit(record);
}

bool Carrier::fits(const Agent& agent, std::size_t slots, std::uint64_t bytes) const {
  const Channel& channel = channels_[channel_of(agent)];
  if (channel.size() + slots > channel.slots()) return false;
  const std::uint64_t own = held_by(agent);
  const std::uint64_t of_others = held_bytes_ - own;
  const std::uint64_t free_of_others = options_.memory - std::min(of_others, options_.memory);
  return (own == 0 ? agent.cost : own) + bytes <= free_of_others / 4 * 3;
}

std::uint64_t Carrier::held_by(const Agent& agent) const {
  const auto found = bytes_of_.find(&agent);
  return found == bytes_of_.end() ? 0 : found->second;
}

void Carrier::add_bytes(const Record& record) {
  const auto [of_agent, first] = bytes_of_.try_emplace(&record.agent(), 0);
  const std::uint64_t bytes = record.cost() + (first ? record.agent().cost : 0);
  of_agent->second += bytes;
  held_bytes_ += bytes;
  ++held_;
}

void Carrier::subtract_bytes(const Record& record) {
  --held_;
  held_bytes_ -= record.cost();
  const auto found = bytes_of_.find(&record.agent());
  found->second -= record.cost();
  if (found->second > record.agent().cost) return;
  held_bytes_ -= record.agent().cost;
  bytes_of_.erase(found);
}

void Carrier::tell_room() {
  if (!refused_ || room_listener_ == nullptr) return;
  refused_ = false;
  room_listener_->on_room();
}

Channel& Carrier::channel_for(const Agent& agent) { return channels_[channel_of(agent)]; }

}  // namespace sidecar
