#include "agents/naming.h"

#include <doctest/doctest.h>

#include "base/cut_utf16.h"
#include "make.h"

using namespace sidecar;

namespace {

Naming naming(NamingOptions options) { return Naming(options, "box", "10.0.0.1"); }

AgentIdentity unnamed(std::string service = "shop") {
  AgentIdentity identity = make_identity(service, "");
  identity.said.service = std::move(service);
  identity.exe = "/opt/shop/bin/shopd";
  return identity;
}

}  // namespace

TEST_SUITE("agents/naming") {
  TEST_CASE("a service is called as the Java agent calls it with a namespace and a cluster") {
    CHECK(naming({}).service("shop").text == "shop");
    CHECK(naming({"", "ns", "cl"}).service("g::svc").text == "g::svc|ns|cl");
    CHECK(naming({"", "", "cl"}).service("shop").text == "shop||cl");
    CHECK(naming({"", "ns", ""}).service("shop").text == "shop|ns|");
  }

  TEST_CASE("of a long service its own part is cut, so that namespaces stay apart") {
    const std::string said(70, 's');
    CHECK(naming({}).service(said).text == said);
    CHECK_FALSE(naming({}).service(said).cut);
    const CutName alone = naming({}).service(said + "x");
    CHECK(alone.text == said);
    CHECK(alone.cut);
    const CutName both = naming({"", std::string(20, 'n'), std::string(20, 'c')}).service(said);
    CHECK(both.text == std::string(28, 's') + "|" + std::string(20, 'n') + "|" + std::string(20, 'c'));
    CHECK(both.cut);
    CHECK_FALSE(naming({"", "n", "c"}).service(std::string(66, 's')).cut);
    // Never within a code point: 35 clefs are 70 units.
    std::string clefs;
    for (int i = 0; i < 40; ++i) clefs += "\xF0\x9D\x84\x9E";
    CHECK(utf16_units(naming({}).service(clefs).text) == 70);
    CHECK(utf16_units(naming({}).service("x" + clefs).text) == 69);
  }

  TEST_CASE("an instance is called by the template, with a number from the second on where nothing else differs") {
    const AgentIdentity identity = unnamed();
    CHECK(naming({}).instance(identity, 0).text == "shop@box");
    CHECK(naming({}).instance(identity, 3).text == "shop@box#3");
    CHECK(naming({"{exe}@{ip}", "", ""}).instance(identity, 0).text == "shopd@10.0.0.1");
    CHECK(naming({"{exe}@{ip}", "", ""}).instance(identity, 1).text == "shopd@10.0.0.1#1");
    CHECK(naming({"{service}-{pid}", "", ""}).instance(identity, 1).text == "shop-4711");
    CHECK(naming({"{service}-{slot}", "", ""}).instance(identity, 1).text == "shop-1");
    CHECK(naming({"{uuid}@{host}", "", ""}).instance(identity, 1).text == "00000000000011110000000000002222@box");
  }

  TEST_CASE("the service in an instance's name is what the program said") {
    CHECK(naming({"", "ns", "cl"}).instance(unnamed(), 0).text == "shop@box");
  }

  TEST_CASE("a process of a foreign pid namespace has its own number, which others may have too") {
    AgentIdentity identity = unnamed();
    identity.pid = 0;
    identity.pid_inside = 7;
    CHECK(naming({"{service}-{pid}", "", ""}).instance(identity, 0).text == "shop-7");
    CHECK(naming({"{service}-{pid}", "", ""}).instance(identity, 2).text == "shop-7#2");
  }

  TEST_CASE("what is not known has a word of its own") {
    AgentIdentity identity = unnamed();
    identity.exe.clear();
    CHECK(Naming({"{exe}@{host}/{ip}", "", ""}, "", "").instance(identity, 0).text == "no-exe@no-host/no-ip");
  }

  TEST_CASE("a program's own name is kept as far as a collector keeps it") {
    CHECK(Naming::own_instance(std::string(70, 'i')).text == std::string(70, 'i'));
    CHECK_FALSE(Naming::own_instance(std::string(70, 'i')).cut);
    CHECK(Naming::own_instance(std::string(71, 'i')).text == std::string(70, 'i'));
    CHECK(Naming::own_instance(std::string(71, 'i')).cut);
  }
}
