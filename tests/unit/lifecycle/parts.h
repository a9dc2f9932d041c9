#pragma once

// The daemon's parts tied together as lifecycle/daemon.cc ties them, on a FakeLoop and
// with a collector that answers by script.

#include <doctest/doctest.h>

#include <string>

#include "carrier/carrier.h"
#include "fake_collector.h"
#include "fake_loop.h"
#include "ipc/server.h"
#include "lifecycle/held.h"
#include "lifecycle/shutdown.h"
#include "lifecycle/status_report.h"
#include "make.h"
#include "pipeline/pipeline.h"
#include "scratch_directory.h"
#include "session/session_manager.h"

namespace sidecar {

struct Parts {
  Parts() {
    carrier.set_room_listener(&server);
    carrier.set_arrival_callback([this](std::size_t channel) { pipeline.on_arrival(channel); });
    REQUIRE(server.start());
    loop.run_until_idle();
  }
  // A session that has sent `segments`, as ipc would have taken them.
  AgentPtr session(const std::string& service, std::uint64_t segments) {
    const AgentPtr agent = agents.add(make_identity(service, service + "-1", ++epoch), -1, 0, loop.now());
    agent->connected = true;
    for (std::uint64_t seq = 1; seq <= segments; ++seq) {
      REQUIRE(agent->ledger.receive(seq) == Ledger::Receipt::fresh);
      carrier.take(make_record(agent, seq, 100, loop.now()));
    }
    agent->last_record_at = loop.now();
    return agent;
  }
  Held walk() const { return Held::walk(carrier, pipeline); }
  StatusSources sources() const { return {loop, agents, carrier, pipeline, collector, sessions, server}; }
  Shutdown::Parts shutdown_parts() { return {loop, carrier, pipeline, sessions, server}; }

  const ScratchDirectory directory;
  std::uint64_t epoch = 0;
  FakeLoop loop;
  SystemRandom random;
  AgentTable agents{"box"};
  Carrier carrier{CarrierOptions{}};
  FakeCollector collector{loop};
  SessionManager sessions{SessionOptions{}, HostFacts{}, loop, collector, random};
  Server server{IpcOptions{.path = directory.at("s.sock")}, loop, random, agents, carrier, sessions, 7};
  Pipeline pipeline{PipelineOptions{}, loop, carrier, collector, random};
};

}  // namespace sidecar
