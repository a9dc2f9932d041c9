#pragma once

// Registrations, a collector that gives out ids as 6.0 to 7.0 do, and a time that stands still, for tests.

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "uplink/v2/registrations.h"

namespace sidecar::v2 {

class SeededRandom final : public Random {
 public:
  std::uint64_t next() override { return generator_(); }

 private:
  std::mt19937_64 generator_{20261125};
};

// A collector as 6.0 to 7.0: ids in a row from 2, an answer holds what is known by now, and what is asked for is known
// at the `attempts`-th call. Of an instance of a service that it does not know it says UNKNOWN.
class Server {
 public:
  int attempts = 3;
  std::size_t calls = 0, most_names = 0;

  // Makes the call that `registrations` want now, if any.
  bool serve(Registrations& registrations, Tick now) {
    const auto question = registrations.next(now);
    if (!question) return false;
    answer(registrations, question, now);
    return true;
  }

  void answer(Registrations& registrations, const Registrations::Question& question, Tick now) {
    ++calls;
    const bool services = question.what == Registrations::Question::services;
    auto& ids = services ? services_ : instances_;
    std::set<std::string> names;
    for (const auto handle : question.askers) {
      const auto& asker = *registrations.get(handle);
      if (!services && services_by_id_.count(asker.ids.service) == 0) return registrations.failed(question, true, now);
      names.insert(services ? asker.instance.service : asker.instance.uuid);
    }
    most_names = std::max(most_names, names.size());
    std::vector<Mapping> mappings;
    for (const std::string& name : names) {
      if (ids.count(name) == 0 && ++asked_[name] >= attempts) {
        ids[name] = last_++;
        if (services) services_by_id_.insert(ids[name]);
      }
      if (const auto id = ids.find(name); id != ids.end()) mappings.push_back({id->first, id->second});
    }
    registrations.answered(question, mappings, now);
  }

  // Another process on the same storage, or nobody: the row goes on from `next`.
  void wipe(std::int32_t next = 2) {
    services_.clear();
    instances_.clear();
    services_by_id_.clear();
    asked_.clear();
    last_ = next;
  }
  void forget_instance(const std::string& uuid) {
    instances_.erase(uuid);
    asked_.erase(uuid);
  }

 private:
  std::map<std::string, std::int32_t> services_, instances_;
  std::set<std::int32_t> services_by_id_;
  std::map<std::string, int> asked_;
  std::int32_t last_ = 2;
};

struct World {
  SeededRandom random;
  Registrations registrations{random};
  Server server;
  Tick now{std::chrono::hours(1)};

  Registrations::Handle add(const std::string& service, const std::string& name) {
    return registrations.add({service, name, "NAME:" + name}, now);
  }
  // Goes on to each time at which something is asked.
  void run(Duration time) {
    const Tick end = now + time;
    while (registrations.due() <= end) {
      now = std::max(now, registrations.due());
      if (!server.serve(registrations, now)) break;
    }
    now = end;
  }
  RegistrationState state(Registrations::Handle handle) { return registrations.get(handle)->state; }
};

}  // namespace sidecar::v2
