#pragma once

// FakeCollector is a Collector that answers by script: each call is answered in a
// later turn of the loop, with the next scripted outcome of its kind, else with
// delivered; or it waits until the test answers it. It remembers what it was asked.
// Like the real one it cancels with the Call and tells its listeners in a turn of
// their own.

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "loop/event_loop.h"
#include "uplink/collector.h"

namespace sidecar {

class FakeCollector final : public Collector {
 public:
  enum class Kind { properties, keep_alive, segments };

  struct Asked {
    Kind kind;
    InstanceName name;
    Properties properties;
    std::vector<std::pair<AgentKey, std::uint64_t>> segments;  // sender and number
    Tick at;
  };

  explicit FakeCollector(EventLoop& loop);

  // --- The script
  // Ready or not, told to the listeners; false -> true counts as a reconnect.
  void set_ready(bool ready);
  // The next calls of `kind` are answered so, in this order.
  void script(Kind kind, std::vector<Verdict> verdicts);
  // From now on calls wait, until answer_all() or answer_next().
  void hold_answers(bool hold) { holding_ = hold; }
  void answer_all(Verdict verdict = Verdict::delivered);
  // Segments that can never be delivered: any call that carries one is refused (suspect).
  void poison(std::uint64_t seq) { poisoned_.push_back(seq); }
  // Segments that cannot be encoded.
  void make_unencodable(std::uint64_t seq) { unencodable_.push_back(seq); }
  // No call carries more segments than this.
  void limit_message(std::size_t segments) { max_segments_ = segments; }
  // As if a heartbeat of somebody's had succeeded.
  void succeed_elsewhere() { ++status_.calls_ok; }

  // --- What it was asked
  const std::vector<Asked>& asked() const { return asked_; }
  std::size_t count(Kind kind) const;
  // Numbers of the segments that were covered by a delivered answer, in order.
  const std::vector<std::uint64_t>& delivered() const { return delivered_; }
  std::size_t in_flight() const { return calls_.size(); }
  std::size_t cancelled() const { return cancelled_; }

  // Collector
  const Capabilities& capabilities() const override { return capabilities_; }
  CollectorStatus status() const override { return status_; }
  void add_listener(CollectorListener& listener) override { listeners_.push_back(&listener); }
  void hurry() override { ++hurried; }
  void start() override { started_ = true; }
  bool ready() const override { return ready_; }
  CallPtr report_properties(const InstanceName& name, const Properties& properties, Answered answered) override;
  CallPtr keep_alive(const InstanceName& name, Answered answered) override;
  CallPtr send_segments(std::span<const Record> batch, Encoding& encoding, Answered answered) override;

 private:
  class FakeCall;
  struct Waiting {
    std::size_t asked;
    Answered answered;
  };

  CallPtr call(Asked asked, Answered answered);
  // Answers call `id` if it still waits.
  void answer(std::uint64_t id, std::optional<Verdict> verdict);
  Verdict next_verdict(const Asked& asked);

  EventLoop& loop_;
  Capabilities capabilities_;
  CollectorStatus status_;
  std::vector<CollectorListener*> listeners_;
  bool ready_ = false;
  bool started_ = false;
  int hurried = 0;
  bool holding_ = false;
  std::map<Kind, std::deque<Verdict>> script_;
  std::vector<std::uint64_t> poisoned_;
  std::vector<std::uint64_t> unencodable_;
  std::size_t max_segments_ = ~std::size_t{0};
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, Waiting> calls_;
  std::vector<Asked> asked_;
  std::vector<std::uint64_t> delivered_;
  std::size_t cancelled_ = 0;
};

}  // namespace sidecar
