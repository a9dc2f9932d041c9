#pragma once

// Pipeline takes records out of the carrier, sends them to the collector in
// batches, and accounts for what became of each: delivered, or dropped with a
// reason, or still held here. One lane per channel, see lane.h; when a batch
// closes is in batcher.h, what a failed call means in retry.h.
//
// Owner: Daemon. Thread: loop.

#include <deque>
#include <functional>

#include "pipeline/lane.h"

namespace sidecar {

class Pipeline final : public CollectorListener {
 public:
  // The references outlive the pipeline, which registers itself with `collector`: both
  // are destroyed in one turn of the loop.
  Pipeline(const PipelineOptions& options, EventLoop& loop, Carrier& carrier, Collector& collector, Random& random);
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  // These count from now on, also for what waits; a back-off that has begun ends as it was.
  void apply(const PipelineOptions& options);

  // For Carrier::set_arrival_callback. Constant time unless a batch closes.
  void on_arrival(std::size_t channel) { lanes_[channel].wake(); }

  // Shutdown: sends what is held at once. `done` is called once, in a turn of its own:
  // when nothing is held here or in the carrier any more, or `deadline` from now,
  // whichever is first; status() and for_each_held() say what is left then.
  void drain(Duration deadline, std::function<void()> done);

  // An operator's reset: drops what waits in the carrier and here, of `agent` or of
  // all; not what a call in flight carries.
  void clear(DropReason reason, const Agent* agent = nullptr);

  // Visits every record held by lanes; together with Carrier::for_each this is `held`.
  void for_each_held(const std::function<void(const Record&)>& visit) const;
  std::size_t held() const;

  // One per channel.
  std::vector<LaneStatus> status() const;

  // CollectorListener
  void on_collector_ready() override;
  void on_collector_lost() override {}  // calls in flight end by themselves

 private:
  void check_drained();

  PipelineOptions options_;
  LaneContext context_;
  std::deque<Lane> lanes_;         // a deque: lanes do not move
  std::function<void()> drained_;  // set while draining
  std::unique_ptr<Timer> drain_timer_;
};

}  // namespace sidecar
