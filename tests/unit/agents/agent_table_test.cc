#include "agents/agent_table.h"

#include <doctest/doctest.h>

#include "make.h"

using namespace sidecar;

namespace {

// An instance that did not name itself, of a process of its own.
AgentIdentity unnamed(std::uint64_t epoch, std::string service = "shop", uid_t uid = 1000) {
  AgentIdentity identity = make_identity(std::move(service), "", epoch);
  identity.uid = uid;
  identity.pid = static_cast<pid_t>(100 + epoch);
  return identity;
}

AgentPtr connect(AgentTable& table, AgentIdentity identity, int wanted = -1, Tick now = Tick{}) {
  AgentPtr agent = table.add(std::move(identity), wanted, 0, now);
  agent->connected = true;
  return agent;
}

void disconnect(Agent& agent, Tick now, bool gone) {
  agent.connected = false;
  agent.disconnected_at = now;
  agent.gone = gone;
}

}  // namespace

TEST_SUITE("agents/agent_table") {
  TEST_CASE("an agent is found by its key, with its own name if it has one") {
    AgentTable table("host");
    const AgentPtr agent = table.add(make_identity("shop", "shop-1", 7), -1, 42, Tick{});
    CHECK(table.find(agent->identity.key) == agent);
    CHECK(table.find(AgentKey{1, 2, 3}) == nullptr);
    CHECK(agent->identity.instance == "shop-1");
    CHECK(agent->identity.slot == -1);
    CHECK(agent->ledger.accepted() == 42);
    CHECK(agent->ledger.settled() == 42);
    CHECK(table.size() == 1);
  }

  TEST_CASE("those without a name get one, the lowest slot free among namesakes") {
    AgentTable table("host");
    const AgentPtr first = connect(table, unnamed(1));
    const AgentPtr second = connect(table, unnamed(2));
    const AgentPtr third = connect(table, unnamed(3));
    CHECK(first->identity.instance == "shop@host");
    CHECK(second->identity.instance == "shop@host#1");
    CHECK(third->identity.instance == "shop@host#2");
    disconnect(*second, Tick{}, true);
    CHECK(connect(table, unnamed(4))->identity.slot == 1);
  }

  TEST_CASE("names longer than a collector keeps are cut, counted, and what was said is kept") {
    AgentTable table("host");
    const std::string longest = std::string(60, 'x') + std::string(65, 'y');
    const AgentPtr first = connect(table, unnamed(1, longest));
    const AgentPtr second = connect(table, unnamed(2, longest));
    CHECK(first->identity.service == longest.substr(0, 70));
    CHECK(first->identity.instance == longest.substr(0, 65) + "@host");
    CHECK(second->identity.instance == longest.substr(0, 63) + "@host#1");
    CHECK(first->identity.said.service == longest);
    CHECK(first->identity.said.instance.empty());
    const AgentPtr named = connect(table, make_identity("shop", std::string(71, 'i'), 3));
    CHECK(named->identity.instance == std::string(70, 'i'));
    CHECK(named->identity.said.instance == std::string(71, 'i'));
    CHECK(table.services_cut() == 2);
    CHECK(table.instances_cut() == 3);
  }

  TEST_CASE("services that a collector takes for one share their slots") {
    AgentTable table("host");
    const std::string start(70, 'x');
    CHECK(connect(table, unnamed(1, start + "a"))->identity.slot == 0);
    CHECK(connect(table, unnamed(2, start + "b"))->identity.slot == 1);
  }

  TEST_CASE("a template names instances, and the namespace their service") {
    AgentTable table(Naming({"{service}-{pid}", "ns", "cl"}, "host", ""));
    const AgentPtr first = connect(table, unnamed(1));
    const AgentPtr second = connect(table, unnamed(2));
    CHECK(first->identity.service == "shop|ns|cl");
    CHECK(first->identity.instance == "shop-101");
    CHECK(second->identity.instance == "shop-102");
    CHECK(second->identity.slot == 1);
  }

  TEST_CASE("a slot stays taken while its process may come back") {
    AgentTable table("host");
    const AgentPtr first = connect(table, unnamed(1));
    disconnect(*first, Tick{}, false);
    CHECK(connect(table, unnamed(2))->identity.slot == 1);
    first->gone = true;
    CHECK(connect(table, unnamed(3))->identity.slot == 0);
  }

  TEST_CASE("what a process executes in its own place, and another shared object in it, have its slot") {
    AgentTable table("host");
    AgentIdentity first = unnamed(1), second = unnamed(2), third = unnamed(3), recycled = unnamed(4);
    first.pid = second.pid = third.pid = recycled.pid = 4000;
    first.start_time_us = 1'700'000'000'000'000;
    second.start_time_us = first.start_time_us + 37;
    third.start_time_us = first.start_time_us - 37;
    recycled.start_time_us = first.start_time_us + 60'000'000;  // another process, under the same number
    const AgentPtr agent = connect(table, first);
    CHECK(connect(table, second)->identity.slot == 0);
    disconnect(*agent, Tick{}, false);
    CHECK(connect(table, third)->identity.slot == 0);
    CHECK(connect(table, recycled)->identity.slot == 1);
  }

  TEST_CASE("processes whose number cannot be seen, in foreign pid namespaces, are not one process") {
    AgentTable table("host");
    AgentIdentity first = unnamed(1), second = unnamed(2);
    first.pid = second.pid = 0;
    CHECK(connect(table, first)->identity.slot == 0);
    CHECK(connect(table, second)->identity.slot == 1);
  }

  TEST_CASE("another user or another service counts for itself") {
    AgentTable table("host");
    connect(table, unnamed(1));
    CHECK(connect(table, unnamed(2, "shop", 2000))->identity.slot == 0);
    CHECK(connect(table, unnamed(3, "bank"))->identity.slot == 0);
  }

  TEST_CASE("the slot it had before is given back if it is free") {
    AgentTable table("host");
    CHECK(connect(table, unnamed(1), 3)->identity.slot == 3);
    CHECK(connect(table, unnamed(2), 3)->identity.slot == 0);
    CHECK(connect(table, unnamed(3), -1)->identity.slot == 1);
  }

  TEST_CASE("several shared objects of one process are one instance") {
    AgentTable table(Naming({"{uuid}", "", ""}, "host", ""));
    const AgentPtr first = connect(table, unnamed(1));
    AgentIdentity same = unnamed(2);
    same.key.uuid_low = 0x3333;
    same.pid = first->identity.pid;
    const AgentPtr second = connect(table, same);
    CHECK(second->identity.instance == first->identity.instance);
    CHECK(second->partition == first->partition);
    CHECK(second != first);
  }

  TEST_CASE("who left long ago and owes nothing is forgotten, into the totals") {
    AgentTable table("host");
    const AgentPtr owing = connect(table, unnamed(1));
    const AgentPtr settled = connect(table, unnamed(2));
    const AgentPtr here = connect(table, unnamed(3));
    owing->ledger.receive(1);
    settled->ledger.receive(1);
    settled->ledger.deliver(1);
    disconnect(*owing, Tick{}, true);
    disconnect(*settled, Tick{}, true);

    table.forget_old(Tick{} + AgentTable::kKept - Duration(1));
    CHECK(table.size() == 3);
    table.forget_old(Tick{} + AgentTable::kKept);
    CHECK(table.size() == 2);
    CHECK(table.find(settled->identity.key) == nullptr);
    CHECK(table.forgotten().delivered == 1);
    CHECK(table.totals().received == 2);
    owing->ledger.drop(1, DropReason::reset);
    table.forget_old(Tick{} + AgentTable::kKept);
    CHECK(table.size() == 1);
    CHECK(table.totals().received == 2);
    CHECK(table.totals().owed() == 0);
  }

  TEST_CASE("clients that come and go cannot fill it") {
    AgentTable table("host");
    const AgentPtr here = connect(table, unnamed(1));
    constexpr std::uint64_t kMany = AgentTable::kMaxKept * 2;
    Tick now{};
    for (std::uint64_t epoch = 2; epoch < kMany; ++epoch) {
      now += std::chrono::milliseconds(1);
      // own names, or the search for a free slot takes most of the time
      const AgentPtr agent = connect(table, make_identity("shop", "short-lived", epoch), -1, now);
      agent->ledger.receive(1);
      agent->ledger.deliver(1);
      disconnect(*agent, now, true);
    }
    CHECK(table.size() <= AgentTable::kMaxKept + 257);
    CHECK(table.totals().received == kMany - 2);
    CHECK(table.find(here->identity.key) == here);
    CHECK(table.find(make_identity("", "", kMany - 1).key) != nullptr);  // the longest gone went first
    CHECK(table.find(make_identity("", "", 2).key) == nullptr);
  }

  TEST_CASE("a visit sees everyone once, in the order of keys") {
    AgentTable table("host");
    for (const std::uint64_t epoch : {3, 1, 2}) connect(table, unnamed(epoch));
    std::vector<std::uint64_t> seen;
    table.for_each([&](const AgentPtr& agent) { seen.push_back(agent->identity.key.process_epoch); });
    CHECK(seen == std::vector<std::uint64_t>{1, 2, 3});
  }
}
