#pragma once

// Collector is the port to the SkyWalking backend (OAP), free of any protocol
// generation. A dialect implements it; callers look at capabilities, never at a
// version. Sessions and pipeline know only this header of the module.
//
// Thread: loop; answers arrive on the loop, never from within the call that made
// them. A Call is RAII: destroying it cancels the call and its answer will not
// arrive. The Collector outlives its calls.

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agents/agent.h"
#include "agents/record.h"
#include "base/clock.h"
#include "uplink/outcome.h"
#include "uplink/segment_changes.h"

namespace sidecar {

class Call {
 public:
  virtual ~Call() = default;
};

using CallPtr = std::unique_ptr<Call>;
using Answered = std::function<void(Outcome)>;

struct InstanceName {
  std::string service;
  std::string instance;
  std::string layer;
};

enum class CollectorState { idle, connecting, up, down, auth, wrong_server };
std::string_view to_text(CollectorState state);

// One entry of the configured list.
struct CollectorEntry {
  std::string address;  // HOST:PORT
  bool in_use = false;
  std::size_t addresses = 0;  // that its name has; 0: not asked yet, or it has none
  std::size_t resting = 0;    // of these, those that failed lately
  Tick rests_until{};         // all of it; in the past: it does not
  std::string last_error;     // since it worked; empty: none
};

// What status shows; observed, not wished.
struct CollectorStatus {
  CollectorState state = CollectorState::idle;
  std::string address;     // in use or tried last
  std::string dialect;     // "v3"
  std::string spelling;    // path in use, e.g. "skywalking.v3 collectInSync"; empty until one has worked
  Tick since{};            // of `state`
  std::string last_error;  // of the last call or connection that failed; empty: none yet
  Tick last_ok{};          // of the last OK; zero: none yet
  std::uint64_t calls_ok = 0;
  std::uint64_t calls_failed = 0;
  std::uint64_t connects = 0;              // times the connection became ready
  std::uint64_t undecodable_answers = 0;   // OK with bytes that are no answer: counted as OK
  std::vector<CollectorEntry> collectors;  // as configured
  std::vector<std::string> problems;       // with the files of token and TLS, a sentence each
  SegmentChanges changes;                  // in the segments that were answered with OK, each once
};

// Told about the connection. Called in a turn of its own.
class CollectorListener {
 public:
  virtual ~CollectorListener() = default;
  // The connection became ready, for the first time or again: registrations may be gone.
  virtual void on_collector_ready() = 0;
  // Left ready.
  virtual void on_collector_lost() = 0;
};

class Collector {
 public:
  struct Capabilities {
    bool properties = true;    // report_properties says something to this generation
    bool integer_ids = false;  // segments need registered ids before they may be sent
  };

  virtual ~Collector() = default;
  virtual const Capabilities& capabilities() const = 0;
  virtual CollectorStatus status() const = 0;

  // Nobody is removed: listeners, calls and Collector are destroyed in one turn of the loop.
  virtual void add_listener(CollectorListener& listener) = 0;

  // Begins to connect and keeps trying with back-off until destroyed.
  virtual void start() = 0;
  // Time is short: tries at once if it is waiting to try again.
  virtual void hurry() = 0;

  // True while a call has a chance: connected, and not held by AUTH or WRONG_SERVER.
  // Those are lost to the listeners; the Collector probes by itself, with back-off and
  // without data, and tells when it is ready again.
  virtual bool ready() const = 0;

  // Tells the instance's properties, in the order given; keys may repeat.
  virtual CallPtr report_properties(const InstanceName& name, const Properties& properties, Answered answered) = 0;

  // Tells that the instance lives.
  virtual CallPtr keep_alive(const InstanceName& name, Answered answered) = 0;

  struct Encoding {
    // How many records, from the front of the batch, were looked at: what follows did
    // not fit the message any more and is the caller's to send next. At least one.
    std::size_t taken = 0;
    // Those among them that this dialect cannot express (indices into the batch,
    // ascending); they are not part of the call and the caller drops them with
    // DropReason::encode.
    std::vector<std::size_t> unencodable;
    std::size_t bytes = 0;  // of the encoded message
  };
  // Sends segments, at least one. The records are only read during this function.
  // OK settles all that were taken but the unencodable. When nothing of what was
  // taken is encodable no call is made and null is returned.
  virtual CallPtr send_segments(std::span<const Record> batch, Encoding& encoding, Answered answered) = 0;
};

}  // namespace sidecar
