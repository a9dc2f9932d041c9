#pragma once

// Lane sends what waits in one channel of the carrier, one call at a time, which is
// what keeps an instance's order. Records stay in the carrier until a batch can be
// sent; from then on the lane holds them until they are delivered or dropped. Only a segment
// that is suspected of being refused for its own sake is overtaken, see retry.h.
//
//             batch closes, collector ready               OK
//    +------+ ---------------------------> +---------+ --------> (next batch)
//    | idle |                              | sending |
//    +------+ <--------------------------- +---------+ <---+
//             nothing left                   |     |       | collector ready, or
//                                   again    v     v hold  | back-off over
//                                  +-------------+  +----------------------+
//                                  | backing_off |  | waiting_for_collector |
//                                  +-------------+  +----------------------+
//
// Owner: Pipeline. Thread: loop.

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "base/random.h"
#include "carrier/carrier.h"
#include "log/log.h"
#include "loop/event_loop.h"
#include "pipeline/options.h"
#include "pipeline/retry.h"
#include "uplink/collector.h"

namespace sidecar {

enum class LaneState { idle, sending, backing_off, waiting_for_collector };
std::string_view to_text(LaneState state);

struct LaneStatus {
  std::size_t channel = 0;
  LaneState state = LaneState::idle;
  std::size_t records = 0;     // held here: in the call and in what is to be sent again
  unsigned attempt = 0;        // failed calls of the current batch, in a row
  std::uint64_t batches = 0;   // delivered so far
  std::uint64_t segments = 0;  // in them
  std::string last_error;      // of the last call that failed; empty after one that did not
};

// What all lanes share.
struct LaneContext {
  const PipelineOptions& options;
  EventLoop& loop;
  Carrier& carrier;
  Collector& collector;
  Random& random;
  std::function<void()> progress;  // a batch has left the lane
  bool draining = false;
  Tick drain_until{};
  std::uint64_t ok_calls = 0;  // of all lanes
  LogLimit rejected_log;
};

class Lane {
 public:
  Lane(LaneContext& context, std::size_t channel);

  // Something has changed: records arrived, the age timer, drain. Sends if it can.
  void wake();
  void on_collector_ready();
  // The options have changed: what waits closes by the new ones.
  void on_options();
  // A shutdown has begun: no wait for age, shorter back-off.
  void on_drain();

  // Drops what is here and not in a call: of `agent`, or all.
  void clear(DropReason reason, const Agent* agent);

  void for_each(const std::function<void(const Record&)>& visit) const;
  bool empty() const { return batches_.empty(); }
  LaneStatus status() const;

 private:
  struct Batch {
    std::vector<Record> records;
    Tries tries;
  };

  // Takes the next batch out of the carrier if it is time; else arms the timer.
  bool take();
  // A segment that waits for a witness and is alone here lets the carrier's next batch go first.
  void take_witness();
  // Sends the first batch. False: nothing of it could be encoded, it is gone.
  bool send();
  void on_answer(const Outcome& outcome);
  void settle_front();
  void drop_front(const std::string& detail);
  void bisect_front();
  void step_back();
  // Something else than the first batch could go.
  bool has_company() const;
  // The next call at once, while there are few of these; else after back-off.
  void go_on();
  void back_off();

  LaneContext& context_;
  const std::size_t channel_;
  LaneState state_ = LaneState::idle;
  bool retrying_ = false;      // backing off because nobody answered: a new connection ends it
  unsigned back_offs_ = 0;     // since a call succeeded, so that the pieces of a batch keep the pace of the whole
  unsigned at_once_ = 0;       // calls made in spite of a refusal since one succeeded
  std::deque<Batch> batches_;  // the first one is in the call, if there is one
  std::string last_error_;
  std::uint64_t batches_delivered_ = 0;
  std::uint64_t segments_delivered_ = 0;
  std::unique_ptr<Timer> timer_;  // age of the oldest, or back-off
  CallPtr call_;
};

}  // namespace sidecar
