// Programs of many processes, many threads, or many parts.

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <sstream>

#include "apps.h"

using namespace sidecar;
using namespace sidecar::test;

TEST_SUITE("apps/server") {
  TEST_CASE(
      "a prefork server: parent and workers are instances of their own, and nothing is lost when workers are "
      "replaced") {
    Host host;
    constexpr unsigned kRequests = 60;
    std::string output;
    CHECK(run({program("prefork"), "prefork", std::to_string(kRequests)}, &output, {host.environment()}) == 0);
    CAPTURE(output);
    std::set<long> pids;
    std::istringstream lines(output);
    for (std::string word; lines >> word;) {
      long pid = 0;
      if (word == "worker" && lines >> pid) pids.insert(pid);
    }
    CHECK(pids.size() > 3);  // some were replaced
    // requests served (n from 1), asked (from 100001), and three of the parent: its first, and two around the forks
    constexpr unsigned kAll = 2 * kRequests + 3;
    check_all_delivered(host.daemon, kAll);
    auto numbers = arrivals(host.collector, "prefork");
    for (unsigned n = 1; n <= kRequests; ++n) CHECK(numbers[n] == 1);
    for (unsigned n = 1; n <= kRequests; ++n) CHECK(numbers[100000 + n] == 1);
    CHECK(numbers[100000] == 1);
    CHECK(numbers[200000] == 1);  // open at the forks: the parent's, once

    std::map<std::string, std::set<bool>> who;  // by instance: whether it was the parent
    std::set<std::string> ids;
    for (const auto& segment : host.collector.store().segments()) {
      ids.insert(segment.trace_segment_id());
      for (const auto& span : segment.spans()) {
        for (const auto& tag : span.tags()) {
          CHECK(tag.key() != "stolen");
          if (tag.key() == "n") who[segment.service_instance()].insert(std::stoul(tag.value()) >= 100000);
        }
      }
    }
    CHECK(ids.size() == kAll);
    CHECK(who.size() >= 4);
    unsigned parents = 0;
    for (const auto& [name, kinds] : who) {
      CAPTURE(name);
      CHECK(kinds.size() == 1);
      CHECK(name.rfind("prefork@", 0) == 0);
      // the parent came first, and has the name without a number
      CHECK((name.find('#') == std::string::npos) == *kinds.begin());
      parents += *kinds.begin() ? 1 : 0;
    }
    CHECK(parents == 1);
    // all of them are gone
    CHECK(wait_until([&] {
      for (const auto& instance : host.daemon.instances("prefork"))
        if (instance["registration"] != "ended") return false;
      return true;
    }));
  }

  TEST_CASE("threads by the thousand: every segment arrives once, ids are unique, and memory stays flat") {
    Host host;
    std::string output;
    constexpr unsigned kAll = 10 * 200 + 10 * 2000;
    // AddressSanitizer keeps what was freed and the stacks of threads that ended: without that, what grows is the
    // program's
    const std::string sanitizer =
        "ASAN_OPTIONS=quarantine_size_mb=1:thread_local_quarantine_size_kb=64:detect_stack_use_after_return=0";
    CHECK(run({program("many_threads"), "threads"}, &output, {host.environment(), sanitizer}) == 0);
    const nlohmann::json account = last_account(output);
    CAPTURE(output);
    REQUIRE(account.is_object());
    CHECK(account["flushed"] == true);
    CHECK(account["created"] == kAll);
    CHECK(account["dropped"] == 0);
    check_all_delivered(host.daemon, kAll);
    CHECK(all_arrived_once(host.collector, "threads", kAll));
    CHECK(host.collector.store().distinct_segments() == kAll);
    const long early = account["early"];
    const long late = account["late"];
    MESSAGE("22,000 threads; resident after 4,000: ", early, " KiB, at the end: ", late, " KiB");
    constexpr long kOfAllocator = 16 * 1024;  // the allocator's own, and the sanitizer's
    CHECK(late - early < kOfAllocator);
  }

  TEST_CASE("shared objects with the shim in them can be loaded and unloaded, twice, in two versions") {
    Host host;
    std::string output;
    // what a tracer leads to lives for ever, so that it may be used after main(): each load leaves that behind
    CHECK(run({program("plugin_host"), "plugins", program("plugin_v1"), program("plugin_v2")}, &output,
              {host.environment(), "ASAN_OPTIONS=detect_leaks=0"}) == 6);
    CAPTURE(output);
    CHECK(output.find("done") != std::string::npos);
    CHECK(wait_until([&] { return all_arrived_once(host.collector, "plugins", 35); }));
    check_all_delivered(host.daemon, 35);
    // several sessions, one process: one instance
    std::set<std::string> names;
    for (const auto& segment : host.collector.store().segments()) names.insert(segment.service_instance());
    CAPTURE(nlohmann::json(names).dump());
    CHECK(names.size() == 1);
  }
}
