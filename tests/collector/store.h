#pragma once

// Store is what the test collector remembers: instances, segments in the order
// of arrival (a segment sent twice is there twice), and how often each method was
// answered with what. Any thread; waiting for a fact is wait_for().

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "v3/management.pb.h"
#include "v3/tracing.pb.h"

namespace sidecar {

struct StoredInstance {
  std::string service;
  std::string instance;
  std::string layer;                                            // of the last keepAlive
  std::vector<std::pair<std::string, std::string>> properties;  // of the last report
  unsigned property_reports = 0;
  unsigned keep_alives = 0;
  unsigned segments = 0;
};

// What a call brought along, and how it was answered.
struct StoredCall {
  std::string path;
  std::string status;   // a name of gRPC ("OK"), or HANG, CLOSE, RST_STREAM for what was done to it
  std::string token;    // the header "authentication"
  std::string version;  // the header "agent-version"
  std::string peer;     // as gRPC names it
};

class Store {
 public:
  // Older segments are forgotten beyond this many, and counted.
  explicit Store(std::size_t max_segments = 200'000) : max_segments_(max_segments) {}

  void add(const wire::v3::InstanceProperties& properties);
  void add(const wire::v3::InstancePing& ping);
  void add(const wire::v3::SegmentObject& segment);
  void count_call(StoredCall call);
  // Forgets what it was told, as a collector that lost its storage; counts stay.
  void wipe();

  // Copies, in order of arrival.
  std::vector<wire::v3::SegmentObject> segments() const;
  // Segment ids in order of arrival, duplicates included.
  std::vector<std::string> segment_ids() const;
  std::size_t segment_count() const;
  std::size_t distinct_segments() const;
  std::vector<StoredInstance> instances() const;
  // Of the instance; all zero if it is unknown.
  StoredInstance instance(const std::string& service, const std::string& name) const;
  // The last kMaxCallLog calls in the order in which they were answered.
  std::vector<StoredCall> call_log() const;
  static constexpr std::size_t kMaxCallLog = 10'000;
  // Calls by (path, status).
  std::map<std::pair<std::string, std::string>, unsigned> calls() const;
  // Sum over paths that end in `method`, e.g. "keepAlive"; "" counts all. "" as status counts all.
  unsigned count_calls(const std::string& method, const std::string& status = "") const;
  std::string last_agent_version() const;
  // Distinct peers that have made a call.
  std::size_t peers() const;
  std::size_t forgotten() const;

  // Waits until `fact` holds, asking it at each change; false when `limit` passed first.
  bool wait_for(const std::function<bool()>& fact, std::chrono::milliseconds limit = std::chrono::seconds(20)) const;

 private:
  StoredInstance& entry(const std::string& service, const std::string& name);
  void changed();

  const std::size_t max_segments_;
  mutable std::mutex mutex_;  // guards everything below
  mutable std::condition_variable changed_;
  std::uint64_t changes_ = 0;
  std::deque<wire::v3::SegmentObject> segments_;
  std::size_t forgotten_ = 0;
  std::map<std::pair<std::string, std::string>, StoredInstance> instances_;
  std::map<std::pair<std::string, std::string>, unsigned> calls_;
  std::deque<StoredCall> call_log_;
  std::set<std::string> peers_;
  std::string version_;
};

}  // namespace sidecar
