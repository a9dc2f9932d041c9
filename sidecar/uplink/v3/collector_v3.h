#pragma once

// CollectorV3 is the Collector for SkyWalking 8.0 to 10.x: names instead of ids, two
// unary methods for instances, and for segments collectInSync or, where that does
// not exist (8.0, 8.1), the stream `collect`, whose answer settles them as well.
// A layer that the server does not know is replaced by GENERAL. It finds out which
// paths the server knows (methods.h), and is not ready while the server refuses
// our token or is no v3 server at all:
//
//                          UNIMPLEMENTED by every route       +--------------+
//    +----+  ---------------------------------------------->  | wrong_server | --+ probe with
//    | up |                                                   +--------------+   | back-off:
//    +----+  ---------------------------------------------->  +--------------+   | an empty
//       ^     PERMISSION_DENIED, UNAUTHENTICATED              |     auth     | --+ collection
//       |                                                     +--------------+
//       +---------------- the probe was answered with OK ------------+
//
// An empty collection is known to be answered with OK and to leave no trace.
// A new connection begins at `up`: it may be another server.
//
// Owner: Daemon, through make_collector(). Thread: loop.

#include <vector>

#include "log/log.h"
#include "uplink/collector.h"
#include "uplink/credentials.h"
#include "uplink/links.h"
#include "uplink/v3/methods.h"
#include "uplink/v3/segment_encoder.h"

namespace sidecar::v3 {

class CollectorV3 final : public Collector {
 public:
  // The references outlive the collector.
  CollectorV3(const UplinkOptions& options, EventLoop& loop, Random& random);
  ~CollectorV3() override;

  // One message of segments is not larger, unless a single segment is. Half of what
  // the smallest receiver known (SkyWalking Satellite, 2 MiB) takes.
  static constexpr std::size_t kMaxMessage = 1u << 20;

  // Collector
  const Capabilities& capabilities() const override { return capabilities_; }
  CollectorStatus status() const override;
  void add_listener(CollectorListener& listener) override { listeners_.push_back(&listener); }
  void start() override;
  void hurry() override { links_.hurry(); }
  bool ready() const override { return state_ == CollectorState::up; }
  CallPtr report_properties(const InstanceName& name, const Properties& properties, Answered answered) override;
  CallPtr keep_alive(const InstanceName& name, Answered answered) override;
  CallPtr send_segments(std::span<const Record> batch, Encoding& encoding, Answered answered) override;

 private:
  class MethodCall;

  void on_link(Links::Event event, const std::string& why);
  void on_credentials(Credentials::Changed changed);
  // `link` has a call that nobody has answered for a while.
  void on_unanswered(const GrpcLink& link);
  void set_state(CollectorState state);
  // Tells the listeners, in a turn of its own, that ready() has become true or false.
  void tell(bool is_ready);
  void tell_now();
  // What every answer to a call means for the state. `method` was, over `link`, answered with
  // `verdict`; the words are for people.
  void account(const GrpcLink& link, Method method, Verdict verdict, const std::string& detail);
  void log_plainer(const std::string& detail);
  void hold(CollectorState state);
  void probe();
  void on_probe(const Outcome& outcome);

  static constexpr Capabilities capabilities_{};
  const UplinkOptions options_;
  EventLoop& loop_;
  Random& random_;
  std::vector<CollectorListener*> listeners_;
  CollectorStatus status_;  // without state, address and since
  CollectorState state_ = CollectorState::idle;
  Tick since_;

  Routes routes_;         // of the present connection
  unsigned retries_ = 0;  // calls in a row that nobody answered
  LogLimit plainer_log_, unanswered_log_;
  std::string told_;     // the last trouble that was logged
  unsigned probes_ = 0;  // since the state was `up` for a while

  bool tell_lost_ = false;   // the listeners do not know yet
  bool tell_ready_ = false;  // likewise, and after tell_lost_
  std::unique_ptr<Timer> tell_timer_;

  SegmentEncoder encoder_;
  CompletionThread completions_;
  Credentials credentials_;
  Links links_;
  std::unique_ptr<Timer> probe_timer_;
  CallPtr probe_;  // destroyed before the links
};

}  // namespace sidecar::v3
