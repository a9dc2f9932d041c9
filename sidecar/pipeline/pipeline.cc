#include "pipeline/pipeline.h"

#include <utility>

namespace sidecar {

Pipeline::Pipeline(const PipelineOptions& options, EventLoop& loop, Carrier& carrier, Collector& collector,
                   Random& random)
    : options_(options),
      context_{options_, loop, carrier, collector, random, [this] { check_drained(); }, false, {}, 0, LogLimit()},
      drain_timer_(loop.make_timer([this] {
        if (const auto done = std::exchange(drained_, nullptr)) done();
      })) {
  for (std::size_t channel = 0; channel < carrier.channel_count(); ++channel) lanes_.emplace_back(context_, channel);
  collector.add_listener(*this);
}

void Pipeline::drain(Duration deadline, std::function<void()> done) {
  drained_ = std::move(done);
  context_.draining = true;
  context_.drain_until = context_.loop.now() + deadline;
  drain_timer_->start(deadline);
  context_.collector.hurry();
  for (Lane& lane : lanes_) lane.on_drain();
  check_drained();
}

void Pipeline::check_drained() {
  if (!drained_ || context_.carrier.held() > 0) return;
  for (const Lane& lane : lanes_)
    if (!lane.empty()) return;
  drain_timer_->start(Duration::zero());
}

void Pipeline::clear(DropReason reason, const Agent* agent) {
  context_.carrier.clear(reason, agent);
  for (Lane& lane : lanes_) lane.clear(reason, agent);
  check_drained();
}

void Pipeline::for_each_held(const std::function<void(const Record&)>& visit) const {
  for (const Lane& lane : lanes_) lane.for_each(visit);
}

std::size_t Pipeline::held() const {
  std::size_t count = 0;
  for_each_held([&count](const Record&) { ++count; });
  return count;
}

std::vector<LaneStatus> Pipeline::status() const {
  std::vector<LaneStatus> all;
  for (const Lane& lane : lanes_) all.push_back(lane.status());
  return all;
}

void Pipeline::on_collector_ready() {
  for (Lane& lane : lanes_) lane.on_collector_ready();
}

}  // namespace sidecar
