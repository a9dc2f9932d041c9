#pragma once

// What a host does with its Collector, for contract tests: the real one on a real loop, against real servers.

#include <doctest/doctest.h>

#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "loop/uv_loop.h"
#include "make.h"
#include "random_segment.h"
#include "run_until.h"
#include "scratch_directory.h"
#include "test_certificates.h"
#include "test_collector.h"
#include "uplink/dialect.h"

namespace sidecar {

struct CollectorHost : CollectorListener {
  // Fast enough for a test, and with files looked at all the time.
  CollectorHost() {
    options.backoff = {std::chrono::milliseconds(20), std::chrono::milliseconds(100)};
    options.reread = std::chrono::milliseconds(20);
  }
  ~CollectorHost() override { end(); }
  // Whoever derives from it ends it before what the Collector refers to.
  void end() {
    calls.clear();
    subject.reset();
  }
  void on_collector_ready() override { ++ready; }
  void on_collector_lost() override { ++lost; }

  // A server more, and in the list.
  TestCollector& serve(TestCollectorOptions served = {}) {
    servers.push_back(std::make_unique<TestCollector>(std::move(served)));
    options.addresses.push_back(servers.back()->address());
    return *servers.back();
  }
  std::string file(const std::string& name, const std::string& text) {
    std::ofstream(directory.at(name)) << text;
    return directory.at(name);
  }
  void trust() {
    options.tls.enabled = true;
    options.tls.ca = file("ca.pem", kTestCa);
  }
  // On which the Collector is.
  virtual EventLoop& its_loop() { return loop; }
  void start() {
    subject = make_collector(options, its_loop(), random);
    subject->add_listener(*this);
    subject->start();
  }
  // It and waits until it is connected.
  void start_up() {
    start();
    REQUIRE(run_until([this] { return ready > 0; }));
  }
  bool run_until(const std::function<bool()>& fact) { return sidecar::run_until(loop, fact); }

  std::vector<Record> batch() {
    std::vector<Record> records;
    const NumberSource next = [this] { return random.next(); };
    for (int i = 0; i < batch_size; ++i)
      records.emplace_back(RecordKind::segment, agent, ++seq, loop.now(), make_random_segment(next));
    return records;
  }
  // Begins a call whose answer goes to `slot`.
  void begin(std::optional<Outcome>& slot) {
    calls.push_back(subject->send_segments(batch(), encoding, [&slot](Outcome outcome) { slot = std::move(outcome); }));
  }
  Outcome send() {
    std::optional<Outcome> outcome;
    begin(outcome);
    REQUIRE(run_until([&] { return outcome.has_value(); }));
    return *outcome;
  }
  Outcome keep_alive() {
    std::optional<Outcome> outcome;
    calls.push_back(subject->keep_alive({"shop", "shop-1", "GENERAL"}, [&](Outcome o) { outcome = std::move(o); }));
    REQUIRE(run_until([&] { return outcome.has_value(); }));
    return *outcome;
  }
  TestCollector& in_use() {
    for (std::size_t i = 0; i < servers.size(); ++i)
      if (servers[i]->address() == subject->status().address) return *servers[i];
    FAIL("none is in use");
    return *servers[0];
  }
  TestCollector& other() { return servers[0].get() == &in_use() ? *servers[1] : *servers[0]; }
  bool fails_with(const std::string& words) {
    return run_until([&] { return subject->status().last_error.find(words) != std::string::npos; });
  }

  int batch_size = 2;
  ScratchDirectory directory;
  SystemRandom random;
  UvLoop loop;
  std::vector<std::unique_ptr<TestCollector>> servers;
  UplinkOptions options;
  std::unique_ptr<Collector> subject;
  AgentPtr agent = make_agent();
  std::uint64_t seq = 0;
  Collector::Encoding encoding;
  std::vector<CallPtr> calls;
  int ready = 0;
  int lost = 0;
};

}  // namespace sidecar
