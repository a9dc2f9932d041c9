#include "session/instance_properties.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "make.h"

using namespace sidecar;

namespace {

std::vector<std::string> values(const Properties& properties, const std::string& key) {
  std::vector<std::string> found;
  for (const auto& [k, v] : properties)
    if (k == key) found.push_back(v);
  return found;
}

HostFacts host() { return {"Linux", "box", {"10.0.0.1", "10.0.0.2"}}; }

}  // namespace

TEST_SUITE("session/instance_properties") {
  TEST_CASE("an instance is shown as the Java agent shows one") {
    AgentIdentity identity = make_identity();
    identity.exe = "/usr/bin/shop";
    identity.shim_version = "0.1.0";
    identity.start_time_us = 1'546'300'800'000'000;
    const Properties all = instance_properties(identity, host());
    CHECK(values(all, "OS Name") == std::vector<std::string>{"Linux"});
    CHECK(values(all, "hostname") == std::vector<std::string>{"box"});
    CHECK(values(all, "ipv4") == std::vector<std::string>{"10.0.0.1", "10.0.0.2"});
    CHECK(values(all, "Process No.") == std::vector<std::string>{"4711"});
    CHECK(values(all, "language") == std::vector<std::string>{"cpp"});
    CHECK(values(all, "exe") == std::vector<std::string>{"/usr/bin/shop"});
    CHECK(values(all, "version") == std::vector<std::string>{"0.1.0"});
    REQUIRE(values(all, "Start Time").size() == 1);
    CHECK(values(all, "Start Time")[0].size() == 19);
  }

  TEST_CASE("the program's own property replaces ours of the same name") {
    AgentIdentity identity = make_identity();
    identity.shim_version = "0.1.0";
    identity.properties = {{"version", "7.2"}, {"team", "checkout"}};
    const Properties all = instance_properties(identity, host());
    CHECK(values(all, "version") == std::vector<std::string>{"7.2"});
    CHECK(values(all, "team") == std::vector<std::string>{"checkout"});
  }

  TEST_CASE("a program cannot change its language or the host's addresses") {
    AgentIdentity identity = make_identity();
    identity.properties = {{"language", "java"}, {"ipv4", "6.6.6.6"}};
    const Properties all = instance_properties(identity, host());
    CHECK(values(all, "language") == std::vector<std::string>{"cpp"});
    CHECK(values(all, "ipv4") == std::vector<std::string>{"10.0.0.1", "10.0.0.2"});
  }

  TEST_CASE("what is not known is left out") {
    const Properties all = instance_properties(make_identity(), HostFacts{});
    CHECK(std::none_of(all.begin(), all.end(), [](const auto& property) { return property.second.empty(); }));
    CHECK(values(all, "Start Time").empty());
    CHECK(values(all, "OS Name").empty());
  }

  TEST_CASE("this host has a name and no loopback address among its own") {
    const HostFacts facts = HostFacts::read();
    CHECK(facts.os_name == "Linux");
    CHECK_FALSE(facts.hostname.empty());
    CHECK(facts.ipv4s.size() <= HostFacts::kMaxAddresses);
    for (const std::string& address : facts.ipv4s) CHECK(address.rfind("127.", 0) != 0);
  }
}
