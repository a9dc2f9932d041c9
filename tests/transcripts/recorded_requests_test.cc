// Collectors were sent these messages when they were recorded, and took them. An adapter that is told the same as the
// recorder was, by a server that answers as recorded, must send them too: field by field, in their order, by the
// paths that this server knows. Whatever is not the same stands in a table here with its reason.

#include <doctest/doctest.h>

#include <map>
#include <mutex>
#include <optional>
#include <regex>
#include <set>
#include <sstream>

#include "base/random.h"
#include "ipc/segment_verifier.h"
#include "recording.h"
#include "replay_server.h"
#include "run_until.h"
#include "shim_input.h"
#include "uplink/dialect.h"
#include "wire_json.h"

using namespace sidecar;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

constexpr const char* kVersions[] = {"8.3.0", "9.2.0-probe", "9.6.0", "10.1.0"};

// What is replayed, and the calls that the adapter makes then: "+" with the package skywalking.v3, "!" answered with
// UNIMPLEMENTED. It asks for the newest first and keeps to what worked, for as long as the connection lasts.
struct Conversation {
  const char* versions;
  const char* scenario;
  const char* calls;
};
constexpr Conversation kConversations[] = {
    {"8.3.0", "9a", "+report! report report keepAlive keepAlive report report keepAlive report"},
    {"9.6.0 10.1.0", "9a", "+report +report +keepAlive +keepAlive +report +report +keepAlive +report"},
    {"8.3.0", "9b", "+sync! sync sync sync"},
    {"9.6.0 10.1.0", "9b", "+sync +sync +sync"},
    {"8.3.0", "9c", "+sync! sync! +stream! stream stream"},
    {"9.6.0 10.1.0", "9c", "+sync! sync! +stream +stream"},
    {"8.3.0", "5d", "+sync! sync! +stream! stream stream"},
    {"9.6.0 10.1.0", "5d", "+sync! sync! +stream +stream"},
    {"8.3.0", "9d", "+sync! sync +sync! sync +sync! sync"},  // nothing is learnt from a call that failed
    {"9.6.0 10.1.0", "9d", "+sync +sync +sync"},
    {"8.3.0", "8", "+report! report keepAlive sync +keepAlive! keepAlive sync report"},  // anew when it is back
    {"9.6.0 10.1.0", "8", "+report +keepAlive +sync +keepAlive +sync +report"},
};

struct NotReplayed {
  const char* what;
  const char* reason;
};
constexpr NotReplayed kOtherScenarios[] = {
    {"10", "asks what a server knows with empty messages; the daemon finds out by its first calls"},
    {"10t", "the same without a token"},
    {"6", "JVM metrics: native programs have none"},
    {"7", "commands and profile tasks: the daemon does not ask for any"},
    {"9e", "meters: the daemon sends none"},
    {"9f", "logs: the daemon sends none"},
    {"9g", "events: the daemon sends none"},
    {"9h", "configuration from the collector: the daemon does not ask for it"},
    {"9j", "messages of 9a to 9c with and without a token, whose handling is in tests/contract"},
};
// Of generations v1 and v2, which have no adapter.
constexpr const char* kOlderScenarios[] = {"1", "2", "3", "4", "5a", "5b"};
// Between calls that are replayed.
constexpr NotReplayed kOtherServices[] = {
    {"JVMMetricReportService/", "native programs have no JVM"},
};

// Where what the adapter sends is not what was recorded. Each row must occur, for each version and scenario that it
// names. `sent` is an expression that what is sent instead must match in full, or in brackets why nothing is.
struct Exception {
  const char* versions;
  const char* scenarios;
  const char* field;
  const char* sent;
  const char* reason;
};
constexpr const char* kAll = "8.3.0 9.6.0 10.1.0";
constexpr const char* kNew = "9.6.0 10.1.0";
constexpr char kPath[] = "(path)", kMessage[] = "(message)";
constexpr Exception kExceptions[] = {
    {kAll, "5d 8 9b 9c 9d", "segments.trace_segment_id", R"(1\.77\.\d+)", "segments of ours have ids of three numbers"},
    {kAll, "8 9a", "layer", "GENERAL", "said aloud, where the recorder left the default to the collector"},
    {kAll, "9d", "segments.spans.operation_name", "/.*\xef\xbf\xbd.*", "text is repaired, not sent to be refused"},
    {kNew, "9a", kPath, "/skywalking.v3.ManagementService/.*", "the old spelling is not tried where the new one works"},
    {kNew, "9b", kPath, "/skywalking.v3.TraceSegmentReportService/collectInSync", "likewise"},
    {kNew, "9c", kPath, "/skywalking.v3.TraceSegmentReportService/collect", "likewise"},
    {"8.3.0", "9a", kPath, "/ManagementService/.*", "the new spelling is not tried again where it did not work"},
    {"8.3.0", "9b", kPath, "/TraceSegmentReportService/collectInSync", "likewise"},
    {"8.3.0", "9c", kPath, "/TraceSegmentReportService/collect", "likewise"},
    {kAll, "9d", kPath, ".*TraceSegmentReportService/collectInSync", "no stream where collectInSync exists"},
    {kAll, "9b 9c", kMessage, "[no segment]", "no call is made for nothing"},
    {kAll, "9d", kMessage, "[no message of its type]", "all that is sent comes from an encoder"},
    {kAll, "9d", kMessage, "[no service]", "a program without a service is refused at its HELLO"},
    {kAll, "9d", kMessage, "[refused: no span, too many, or one with numbers out of range]",
     "a segment without spans, or with a layer and type that collectors do not know, is refused at the socket"},
};

std::vector<std::string> words(const char* text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}

bool names(const char* list, const std::string& word) {
  const std::vector<std::string> all = words(list);
  return std::find(all.begin(), all.end(), word) != all.end();
}

bool is_segments(const RecordedCall& call) { return call.path.find("TraceSegmentReportService/") != std::string::npos; }
bool is_stream(const std::string& path) { return path.ends_with("/collect"); }

const char* type_of(const std::string& path) {
  if (path.ends_with("/reportInstanceProperties")) return "InstanceProperties";
  if (path.ends_with("/keepAlive")) return "InstancePing";
  return is_stream(path) ? "SegmentObject" : "SegmentCollection";
}

// The messages of one call as one, the same for both ways to send segments. Empty: some are none of their type.
std::optional<json> message_of(WireJson& wire, const std::string& path, const std::vector<std::string>& messages) {
  if (!is_stream(path)) {
    REQUIRE(messages.size() == 1);
    return wire.parse(type_of(path), messages[0]);
  }
  json collection = *wire.parse("SegmentCollection", "");
  for (const std::string& bytes : messages) {
    std::optional<json> segment = wire.parse("SegmentObject", bytes);
    if (!segment) return std::nullopt;
    collection["segments"].push_back(std::move(*segment));
  }
  return collection;
}

// As in kConversations.
std::string short_name(const ReplayServer::Arrival& arrival) {
  const std::map<std::string, std::string> methods{{"reportInstanceProperties", "report"},
                                                   {"keepAlive", "keepAlive"},
                                                   {"collectInSync", "sync"},
                                                   {"collect", "stream"}};
  const std::string method = arrival.path.substr(arrival.path.rfind('/') + 1);
  REQUIRE(methods.count(method) == 1);
  return (arrival.path.starts_with("/skywalking.v3.") ? "+" : "") + methods.at(method) +
         (arrival.status == "UNIMPLEMENTED" ? "!" : "");
}

Verdict verdict_of_name(const std::string& status) {
  for (int code = 0; code <= 16; ++code)
    if (status_name(code) == status) return verdict_of(code, false);
  FAIL("no status: " << status);
  return Verdict::cancelled;
}

// What may differ, and what of it did.
class Exceptions {
 public:
  // Where the next differences are.
  void enter(const std::string& version, const std::string& scenario) {
    version_ = version;
    scenario_ = scenario;
  }
  void expect(const std::string& field, const std::string& sent) {
    for (std::size_t i = 0; i < std::size(kExceptions); ++i) {
      const Exception& row = kExceptions[i];
      if (field != row.field || !names(row.versions, version_) || !names(row.scenarios, scenario_)) continue;
      if (*row.sent == '[' ? sent != row.sent : !std::regex_match(sent, std::regex(row.sent))) continue;
      met_.insert({i, version_, scenario_});
      return;
    }
    FAIL_CHECK("differs, and is no exception: " << field << " is sent as " << sent);
  }
  void check_all_met() const {
    for (std::size_t i = 0; i < std::size(kExceptions); ++i)
      for (const std::string& version : words(kExceptions[i].versions))
        for (const std::string& scenario : words(kExceptions[i].scenarios)) {
          CAPTURE(kExceptions[i].field);
          CAPTURE(kExceptions[i].sent);
          CAPTURE(version);
          CAPTURE(scenario);
          CHECK(met_.count({i, version, scenario}) == 1);
        }
  }

 private:
  std::string version_, scenario_;
  std::set<std::tuple<std::size_t, std::string, std::string>> met_;
};

// An adapter and a server that has the recorded answers of one scenario.
class Replay final : public CollectorListener {
 public:
  // `calls` are the scenario's.
  Replay(std::vector<RecordedCall> calls, Exceptions& exceptions)
      : calls_(std::move(calls)),
        exceptions_(exceptions),
        server_([this](const std::string& path) { return answer(path); }) {
    UplinkOptions options;
    options.addresses = {server_.address()};
    options.backoff = {20ms, 100ms};
    options.spread = 0s;
    subject_ = make_collector(options, loop_, random_);
    subject_->add_listener(*this);
    subject_->start();
  }
  ~Replay() override {
    subject_.reset();
    server_.close();  // answers use this
  }

  // Tells the adapter what call `index` says and compares what arrives with it. Returns the calls that the adapter
  // made, in short.
  std::vector<std::string> step(std::size_t index) {
    const RecordedCall& call = calls_[index];
    {
      const std::lock_guard lock(mutex_);
      current_ = index;
    }
    const bool away = call.status == "UNAVAILABLE";
    if (away)
      server_.close();
    else
      server_.open();
    REQUIRE(run_until(loop_, [&] { return subject_->ready() == !away; }));
    const std::optional<json> recorded = message_of(wire_, call.path, call.messages);
    if (const std::string why = why_not(call, recorded); !why.empty()) {
      exceptions_.expect(kMessage, why);
      return {};
    }
    const Outcome outcome = say(call, *recorded);
    const std::vector<ReplayServer::Arrival> arrivals = server_.take();
    if (away) {
      CHECK(outcome.verdict == Verdict::retry);
      CHECK(arrivals.empty());
      return {};
    }
    REQUIRE_FALSE(arrivals.empty());
    CHECK(outcome.verdict == verdict_of_name(arrivals.back().status));
    compare(call, *recorded, arrivals);
    std::vector<std::string> made;
    for (const ReplayServer::Arrival& arrival : arrivals) made.push_back(short_name(arrival));
    return made;
  }

  void on_collector_ready() override {}
  void on_collector_lost() override {}

 private:
  // As recorded: of this call, if it went by this path, else the nearest one before that did, else the first after
  // it. What the scenario does not know does not exist, in the words of real ones. By gRPC's threads.
  ReplayServer::Answer answer(const std::string& path) {
    const std::lock_guard lock(mutex_);
    const RecordedCall* found = nullptr;
    for (std::size_t i = 0; i < calls_.size(); ++i) {
      const RecordedCall& call = calls_[i];
      if (call.path == path && call.status != "UNAVAILABLE" && (i <= current_ || found == nullptr)) found = &call;
    }
    if (found == nullptr) return {"UNIMPLEMENTED", "Method not found: " + path.substr(1), ""};
    return {found->status, found->details, found->answer};
  }

  // Why nothing can make the daemon send the message; empty: something can.
  std::string why_not(const RecordedCall& call, const std::optional<json>& recorded) {
    if (!recorded) return "[no message of its type]";
    if (!is_segments(call)) return {};
    if (recorded->at("segments").empty()) return "[no segment]";
    for (const json& segment : recorded->at("segments")) {
      const SegmentVerdict verdict = verify_segment(segment_from(segment, 1).bytes());
      if (verdict.fault != SegmentFault::none) return std::string("[refused: ") + to_text(verdict.fault) + "]";
      if (segment.at("service") == "") return "[no service]";
    }
    return {};
  }

  Outcome say(const RecordedCall& call, const json& message) {
    std::optional<Outcome> outcome;
    const Answered answered = [&](Outcome given) { outcome = std::move(given); };
    CallPtr running;
    if (is_segments(call)) {
      std::vector<Record> batch;
      for (const json& segment : message.at("segments")) batch.push_back(segment_from(segment, ++seq_));
      Collector::Encoding encoding;
      running = subject_->send_segments(batch, encoding, answered);
      CHECK(encoding.taken == batch.size());
    } else if (call.path.ends_with("/keepAlive")) {
      running = subject_->keep_alive(name_from(message), answered);
    } else {
      running = subject_->report_properties(name_from(message), properties_from(message), answered);
    }
    REQUIRE(run_until(loop_, [&] { return outcome.has_value(); }));
    return *outcome;
  }

  void compare(const RecordedCall& call, const json& recorded, const std::vector<ReplayServer::Arrival>& arrivals) {
    for (const ReplayServer::Arrival& arrival : arrivals) {
      CAPTURE(arrival.path);
      const std::optional<json> sent = message_of(wire_, arrival.path, arrival.messages);
      REQUIRE(sent);
      for (const Difference& difference : differences(recorded, *sent)) {
        CAPTURE(difference.recorded);
        exceptions_.expect(difference.field, difference.sent);
      }
    }
    // Those before it did not exist.
    if (arrivals.back().path != call.path) exceptions_.expect(kPath, arrivals.back().path);
  }

  const std::vector<RecordedCall> calls_;
  Exceptions& exceptions_;
  std::mutex mutex_;  // guards current_
  std::size_t current_ = 0;
  ReplayServer server_;
  WireJson wire_;
  SystemRandom random_;
  UvLoop loop_;
  std::unique_ptr<Collector> subject_;
  std::uint64_t seq_ = 0;
};

bool is_other_service(const RecordedCall& call, std::set<std::string>& met) {
  for (const NotReplayed& other : kOtherServices)
    if (call.path.find(other.what) != std::string::npos) {
      met.insert(other.what);
      return true;
    }
  return false;
}

std::vector<RecordedCall> scenario_of(const std::vector<RecordedCall>& recording, const char* number,
                                      std::set<std::string>& others) {
  std::vector<RecordedCall> calls;
  for (const RecordedCall& call : recording)
    if (call.number() == number && !is_other_service(call, others)) calls.push_back(call);
  return calls;
}

}  // namespace

TEST_SUITE("transcripts/recorded_requests") {
  TEST_CASE("an adapter fed the recorded answers sends the recorded messages") {
    Exceptions exceptions;
    std::set<std::string> other_services;
    for (const char* version : kVersions) {
      const std::vector<RecordedCall> recording = read_recording(std::string(version) + ".jsonl");
      for (const Conversation& conversation : kConversations) {
        if (!names(conversation.versions, version)) continue;
        CAPTURE(version);
        CAPTURE(conversation.scenario);
        const std::vector<RecordedCall> calls = scenario_of(recording, conversation.scenario, other_services);
        REQUIRE_FALSE(calls.empty());
        exceptions.enter(version, conversation.scenario);
        Replay replay(calls, exceptions);
        std::string made;
        for (std::size_t i = 0; i < calls.size(); ++i) {
          CAPTURE(calls[i].step);
          CAPTURE(calls[i].path);
          for (const std::string& call : replay.step(i)) made += (made.empty() ? "" : " ") + call;
        }
        CHECK(made == std::string(conversation.calls));
      }
    }
    exceptions.check_all_met();
    CHECK(other_services.size() == std::size(kOtherServices));
  }

  TEST_CASE("every recorded scenario is replayed, or its absence has a reason") {
    std::set<std::string> recorded;
    for (const char* version : kVersions)
      for (const RecordedCall& call : read_recording(std::string(version) + ".jsonl")) {
        CAPTURE(version);
        CAPTURE(call.scenario);
        recorded.insert(call.number());
        const bool replayed = std::any_of(
            std::begin(kConversations), std::end(kConversations),
            [&](const Conversation& row) { return names(row.versions, version) && call.number() == row.scenario; });
        const bool other = std::any_of(std::begin(kOtherScenarios), std::end(kOtherScenarios),
                                       [&](const NotReplayed& row) { return call.number() == row.what; });
        CHECK(replayed != other);
      }
    for (const NotReplayed& row : kOtherScenarios) CHECK(recorded.count(row.what) == 1);
    for (const char* older : kOlderScenarios) CHECK(recorded.count(older) == 0);
  }
}
