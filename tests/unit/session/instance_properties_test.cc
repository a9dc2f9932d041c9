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
    const Properties all = instance_properties(identity, host(), {});
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
    const Properties all = instance_properties(identity, host(), {});
    CHECK(values(all, "version") == std::vector<std::string>{"7.2"});
    CHECK(values(all, "team") == std::vector<std::string>{"checkout"});
  }

  TEST_CASE("a program cannot change its language or the host's addresses") {
    AgentIdentity identity = make_identity();
    identity.properties = {{"language", "java"}, {"ipv4", "6.6.6.6"}};
    const Properties all = instance_properties(identity, host(), {});
    CHECK(values(all, "language") == std::vector<std::string>{"cpp"});
    CHECK(values(all, "ipv4") == std::vector<std::string>{"10.0.0.1", "10.0.0.2"});
  }

  TEST_CASE("container and cgroup are shown where there are any, namespace and cluster where they are configured") {
    HostFacts facts = host();
    facts.name_space = "ns";
    facts.cluster = "cl";
    const Properties all = instance_properties(make_identity(), facts, {"0123", "ab-cd", "/docker/0123"});
    CHECK(values(all, "namespace") == std::vector<std::string>{"ns"});
    CHECK(values(all, "cluster") == std::vector<std::string>{"cl"});
    CHECK(values(all, "container.id") == std::vector<std::string>{"0123"});
    CHECK(values(all, "k8s.pod.uid") == std::vector<std::string>{"ab-cd"});
    CHECK(values(all, "cgroup") == std::vector<std::string>{"/docker/0123"});
  }

  TEST_CASE("a program says where it runs only where we do not know") {
    AgentIdentity identity = make_identity();
    identity.properties = {{"namespace", "own"}, {"container.id", "own"}, {"k8s.pod.uid", "own"}};
    HostFacts facts = host();
    CHECK(values(instance_properties(identity, facts, {}), "namespace") == std::vector<std::string>{"own"});
    facts.name_space = "ns";
    const Properties all = instance_properties(identity, facts, {"0123", "", "/x"});
    CHECK(values(all, "namespace") == std::vector<std::string>{"ns"});
    CHECK(values(all, "container.id") == std::vector<std::string>{"0123"});
    CHECK(values(all, "k8s.pod.uid") == std::vector<std::string>{"own"});
  }

  TEST_CASE("a host's first address is of the older family if it has one") {
    HostFacts facts;
    CHECK(facts.first_ip().empty());
    facts.ipv6 = "2001:db8::1";
    CHECK(facts.first_ip() == "2001:db8::1");
    facts.ipv4s = {"10.0.0.1"};
    CHECK(facts.first_ip() == "10.0.0.1");
  }

  TEST_CASE("what is not known is left out") {
    const Properties all = instance_properties(make_identity(), HostFacts{}, {});
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
    CHECK(facts.ipv6 != "::1");
  }
}
