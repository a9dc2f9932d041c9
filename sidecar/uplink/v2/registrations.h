#pragma once

// Registrations are those of all instances of this host: each goes by the table in registration.h, and what they ask is
// put together into few calls, since a collector takes lists: a service's name once for all of its instances, a
// few instances with their properties each. Those whose call failed are asked alone from then on, so that one which
// the collector cannot bear does not hold up others.
//
// All belong to one registration, a number. Where one instance's ids turn out void, the collector's storage is another:
// the number rises, what was learnt is to be cleared, and all others are confirmed again before they send. An instance
// whose ids were of an earlier number says nothing new by changing them.
//
// Owner: CollectorV2, which makes the calls and paces them (Pacer). Pure: time and randomness come in. Not for several
// threads.

#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "uplink/v2/answers.h"
#include "uplink/v2/learnt.h"
#include "uplink/v2/registration.h"

namespace sidecar::v2 {

class Registrations {
 public:
  using Handle = std::uint64_t;  // 0: none; never used again

  // As sent and answered: valid UTF-8, or the collector answers another name.
  struct Instance {
    std::string service;
    std::string name;
    std::string uuid;  // not empty
  };
  struct Ids {
    std::int32_t service = 0;
    std::int32_t instance = 0;
  };
  // What to put into one call: the names of services or the UUIDs of instances, each once.
  struct Question {
    enum What : std::uint8_t { services, instances };
    What what = services;
    std::uint64_t number = 0;
    std::vector<Handle> askers;  // of services: possibly several with one name
    explicit operator bool() const { return !askers.empty(); }
  };

  static constexpr std::size_t kMaxServices = 100;  // names in a call
  static constexpr std::size_t kMaxInstances = 20;  // each comes with its properties
  static constexpr Duration kCheck = std::chrono::minutes(10);

  // `random` outlives this.
  explicit Registrations(Random& random) : random_(random) {}

  // The one of these names, if it is there; otherwise it is made, and asks at once if connected.
  Handle add(const Instance& instance, Tick now);
  void remove(Handle handle);
  Handle find(std::string_view service, std::string_view name) const;
  std::size_t size() const { return all_.size(); }
  std::array<std::size_t, kRegistrationStates> by_state() const;

  // The connection became ready; left ready.
  void on_connected(Tick now);
  void on_lost();
  // A ping was answered with kResetCommand.
  void on_reset(Handle handle, Tick now);
  // A dictionary was told another id for a known name (Learnt::changed).
  void on_doubt(Tick now);

  // The next call to make, if there is one; its askers wait for answered(), failed() or a new connection.
  Question next(Tick now);
  // When next() has one; Tick::max(): never, as it is.
  Tick due() const { return due_.empty() || !connected_ ? Tick::max() : due_.begin()->first; }

  // Answers to calls of former connections or registrations are counted and change nothing.
  void answered(const Question& question, std::span<const Mapping> answer, Tick now);
  // `refused`: the collector looked at the call and could not bear it, UNKNOWN as a rule: with that it refuses an
  // instance of a service that it does not know. Otherwise the call has not come through.
  void failed(const Question& question, bool refused, Tick now);

  struct Registration {
    Instance instance;
    RegistrationState state = RegistrationState::unregistered;
    Ids ids;                     // those found so far, believed or not
    std::uint64_t number = 0;    // under which the ids were confirmed last
    std::uint64_t question = 0;  // that it waits for; 0: none
    unsigned pauses = 0;         // since something was confirmed
    bool alone = false;          // a call with it was refused
    Tick due = Tick::max();
  };
  // Null: it is no more. Valid until remove().
  const Registration* get(Handle handle) const;
  // Both ids, if segments may be sent with them; otherwise 0, also for handles that are no more.
  Ids confirmed(Handle handle) const;

  // Rises when what was learnt under ids is void: dictionaries are cleared then.
  std::uint64_t number() const { return number_; }
  const LearntCounts& learnt() const { return learnt_; }

 private:
  using Answers = std::unordered_map<std::string_view, std::int64_t>;

  struct Names {
    std::string_view service, name;  // of a Registration
    bool operator==(const Names&) const = default;
  };
  struct NamesHash {
    std::size_t operator()(const Names& names) const;
  };

  static const std::string& key(const Registration& registration, Question::What what) {
    return what == Question::services ? registration.instance.service : registration.instance.uuid;
  }
  Answers judged(const Question& question, std::span<const Mapping> answer);
  bool waits(const Question& question, Handle handle) const;
  void apply(Handle handle, Registration& registration, RegistrationEvent event, Tick now, std::int32_t id = 0);
  void ids_after(Registration& registration, const RegistrationStep& step, RegistrationEvent event, std::int32_t id);
  Tick time_of(RegistrationStep::Next next, Registration& registration, RegistrationEvent event, Tick now);
  void plan(Handle handle, Registration& registration, Tick due);
  void renew_others(Tick now);

  Random& random_;
  std::unordered_map<Handle, Registration> all_;
  std::unordered_map<Names, Handle, NamesHash> by_names_;
  std::set<std::pair<Tick, Handle>> due_;
  Handle last_handle_ = 0;
  std::uint64_t last_question_ = 0;
  std::uint64_t number_ = 1;
  bool connected_ = false;
  LearntCounts learnt_;
};

}  // namespace sidecar::v2
