#pragma once

// The multi-channel carrier: where records wait between arrival and batch. Per
// record kind there are N channels of M slots; an instance always uses the same
// channel, so its records stay in order, and one slow channel does not stop the
// others. All channels together are bounded in bytes too, of records and of the sessions
// that only wait for theirs: one session may hold at
// most three quarters of what the others leave free, so there is always some room
// for the next, and sessions under the same load converge to the same share.
//
// What happens when there is no room is the strategy's matter (options.h); every
// drop goes into the ledger of its agent with its reason.
//
// Owner: Daemon. Thread: loop.

#include <deque>
#include <functional>
#include <unordered_map>
#include <vector>

#include "agents/ports.h"
#include "agents/record.h"
#include "carrier/channel.h"
#include "carrier/options.h"

namespace sidecar {

class Carrier final : public RecordSink {
 public:
  explicit Carrier(const CarrierOptions& options);

  // From now on these count, but for `channels`: an instance keeps to its channel. What is held beyond a lower bound
  // stays held.
  void apply(const CarrierOptions& options);

  // Told when a place that refused has room again; at most one listener, not owned.
  void set_room_listener(RoomListener* listener) { room_listener_ = listener; }
  // Told after each take(), with the channel's index; at most one, not owned.
  void set_arrival_callback(std::function<void(std::size_t channel)> callback) { on_arrival_ = std::move(callback); }

  // RecordSink
  bool has_room(const Agent& agent) const override;
  void take(Record record) override;

  // Which channel the records of `agent` go through.
  std::size_t channel_of(const Agent& agent) const { return agent.partition % channels_.size(); }
  std::size_t channel_count() const { return channels_.size(); }
  const Channel& channel(std::size_t index) const { return channels_[index]; }

  // Removes up to `max_count` records from the front of a channel, as long as their
  // bytes do not pass `max_bytes`, but at least one if there is one. The caller holds them now.
  std::vector<Record> take_batch(std::size_t channel, std::size_t max_count, std::size_t max_bytes);

  // Drops with `reason` what waits here: of `agent`, or everything.
  void clear(DropReason reason, const Agent* agent = nullptr);

  // Visits everything held, in order within each channel: this is how `held` is counted.
  void for_each(const std::function<void(const Record&)>& visit) const;

  std::size_t held() const { return held_; }
  std::uint64_t held_bytes() const { return held_bytes_; }
  const CarrierOptions& options() const { return options_; }

 private:
  Channel& channel_for(const Agent& agent);
  bool fits(const Agent& agent, std::size_t slots, std::uint64_t bytes) const;
  std::uint64_t held_by(const Agent& agent) const;
  // Drops the oldest that stands in the way of `bytes` more of `agent`; false if none does.
  bool drop_oldest_for(const Agent& agent, std::uint64_t bytes);
  void add_bytes(const Record& record);
  void subtract_bytes(const Record& record);
  void tell_room();

  CarrierOptions options_;
  std::deque<Channel> channels_;  // a deque: channels never move
  // Only agents that hold something; with their own cost, since they live as long as their records.
  std::unordered_map<const Agent*, std::uint64_t> bytes_of_;
  std::size_t held_ = 0;
  std::uint64_t held_bytes_ = 0;
  mutable bool refused_ = false;  // somebody was told there is no room
  RoomListener* room_listener_ = nullptr;
  std::function<void(std::size_t)> on_arrival_;
};

}  // namespace sidecar
