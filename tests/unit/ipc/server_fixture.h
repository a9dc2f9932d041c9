#pragma once

// A server on a socket of its own in a directory of its own, on a FakeLoop, with a
// sink and a listener that keep what they are given.

#include <memory>
#include <string>
#include <vector>

#include "fake_loop.h"
#include "ipc/server.h"
#include "raw_client.h"
#include "scratch_directory.h"

namespace sidecar {

struct KeepingSink final : RecordSink {
  bool has_room(const Agent&) const override {
    if (room_for > 0 && records.size() >= room_for) {
      ++refused;
      return false;
    }
    return true;
  }
  void take(Record record) override { records.push_back(std::move(record)); }

  std::size_t room_for = 0;  // 0: any number
  std::vector<Record> records;
  mutable unsigned refused = 0;
};

struct KeepingListener final : AgentListener {
  void on_agent_connected(const AgentPtr& agent, ScopedFd process) override {
    CHECK(agent->connected);
    connected.push_back(agent);
    processes.push_back(std::move(process));
  }
  void on_agent_disconnected(const AgentPtr& agent) override {
    CHECK_FALSE(agent->connected);
    disconnected.push_back(agent);
  }

  std::vector<AgentPtr> connected;
  std::vector<ScopedFd> processes;
  std::vector<AgentPtr> disconnected;
};

struct FixedRandom final : Random {
  std::uint64_t next() override { return value; }
  std::uint64_t value = 1;
};

struct ServerFixture {
  static constexpr std::uint64_t kEpoch = 0xE0E0;

  // Without ignored operations.
  static IpcOptions plain() {
    IpcOptions options;
    options.ignore = {{}, {}};
    return options;
  }

  explicit ServerFixture(IpcOptions given = plain(), KernelFeatures features = {}) : options(std::move(given)) {
    start_log(LogOptions{LogLevel::error});  // refusals are what is tested
    options.path = directory.at("ingest.sock");
    server = std::make_unique<Server>(options, loop, random, agents, sink, listener, kEpoch, features);
    const auto started = server->start();
    REQUIRE_MESSAGE(started.has_value(), (started ? std::string() : started.error().message));
    loop.run_until_idle();
  }

  // Lets the server see what was sent, through its watch or its tick.
  void turn() { loop.advance(options.drain_interval); }

  std::unique_ptr<client::RawClient> connect() {
    auto client = std::make_unique<client::RawClient>(options.path);
    REQUIRE(client->connected());
    return client;
  }

  // A client that has said HELLO and been answered.
  std::unique_ptr<client::RawClient> greet(const client::HelloSpec& spec = {}) {
    auto client = connect();
    REQUIRE(client->send(client::hello(spec)));
    turn();
    const auto welcome = client->hear();
    REQUIRE(welcome);
    REQUIRE(welcome->type == client::FrameType::welcome);
    const auto config = client->hear();
    REQUIRE(config);
    REQUIRE(config->type == client::FrameType::config);
    return client;
  }

  IpcStatus status() const { return server->status(); }
  std::uint64_t refused(ipc_protocol::RejectCode code) const {
    return server->status().counters.refused[static_cast<std::size_t>(code)];
  }
  std::vector<std::uint64_t> seqs() const {
    std::vector<std::uint64_t> all;
    for (const Record& record : sink.records) all.push_back(record.seq());
    return all;
  }

  ScratchDirectory directory;
  IpcOptions options;
  FakeLoop loop;
  FixedRandom random;
  AgentTable agents{"host"};
  KeepingSink sink;
  KeepingListener listener;
  std::unique_ptr<Server> server;
};

}  // namespace sidecar
