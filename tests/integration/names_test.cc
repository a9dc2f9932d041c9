// Under which names applications are known: to the collector, in properties and segments, and in status.

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "app_process.h"
#include "arrivals.h"

using namespace sidecar;
using namespace sidecar::test;

namespace {

struct Host {
  explicit Host(const std::string& naming) : daemon(collector.address(), naming) { daemon.start(); }

  // The names of this service's instances, once there are `count` of them at the collector, properties and all.
  std::set<std::string> announced(const std::string& service, std::size_t count) {
    std::set<std::string> names;
    wait_until([&] {
      names.clear();
      for (const StoredInstance& each : collector.store().instances())
        if (each.service == service && each.keep_alives > 0 && each.property_reports > 0) names.insert(each.instance);
      return names.size() >= count;
    });
    return names;
  }

  // The values of this property of an instance.
  std::vector<std::string> property(const std::string& service, const std::string& instance, const std::string& key) {
    std::vector<std::string> values;
    for (const auto& [its_key, value] : collector.store().instance(service, instance).properties)
      if (its_key == key) values.push_back(value);
    return values;
  }

  // Service and instance of the segments that arrived, once there are `count`.
  std::set<std::pair<std::string, std::string>> senders(std::size_t count) {
    std::set<std::pair<std::string, std::string>> names;
    wait_until([&] { return collector.store().segment_count() >= count; });
    for (const auto& segment : collector.store().segments())
      names.emplace(segment.service(), segment.service_instance());
    return names;
  }

  TestCollector collector;
  Daemon daemon;
};

using Names = std::set<std::string>;
using Senders = std::set<std::pair<std::string, std::string>>;

}  // namespace

TEST_SUITE("integration/names") {
  TEST_CASE("two processes of one service are two instances by default, and a third takes the place that got free") {
    Host host("host: box\n");
    auto first = std::make_unique<IdleApp>(host.daemon.socket(), "shop", 1);
    CHECK(host.announced("shop", 1) == Names{"shop@box"});
    IdleApp second(host.daemon.socket(), "shop", 1);
    CHECK(host.announced("shop", 2) == Names{"shop@box", "shop@box#1"});
    CHECK(host.senders(2) == Senders{{"shop", "shop@box"}, {"shop", "shop@box#1"}});

    CHECK(first->exit() == 0);
    REQUIRE(wait_until([&] {
      const auto instances = host.daemon.instances("shop");
      return std::any_of(instances.begin(), instances.end(), [](const nlohmann::json& each) {
        return each["registration"] == "ended" && each["ledger"]["held"] == 0;
      });
    }));
    IdleApp third(host.daemon.socket(), "shop", 1);
    CHECK(host.senders(3) == Senders{{"shop", "shop@box"}, {"shop", "shop@box#1"}});
    CHECK(second.exit() == 0);
    CHECK(third.exit() == 0);
  }

  TEST_CASE("a template names instances by what an operator knows them by") {
    Host host("naming: {instance: \"{exe}-{pid}@{host}\"}\nhost: box\n");
    IdleApp first(host.daemon.socket(), "shop", 1), second(host.daemon.socket(), "shop", 1);
    const auto name = [](IdleApp& app) { return "app-" + std::to_string(app.process().pid()) + "@box"; };
    CHECK(host.announced("shop", 2) == Names{name(first), name(second)});
    CHECK(host.senders(2) == Senders{{"shop", name(first)}, {"shop", name(second)}});
    CHECK(first.exit() == 0);
    CHECK(second.exit() == 0);
  }

  TEST_CASE("namespace and cluster are in the service's name and in properties") {
    Host host("naming: {namespace: ns, cluster: cl}\nhost: box\n");
    IdleApp app(host.daemon.socket(), "g::svc", 1);
    CHECK(host.announced("g::svc|ns|cl", 1) == Names{"g::svc@box"});
    CHECK(host.property("g::svc|ns|cl", "g::svc@box", "namespace") == std::vector<std::string>{"ns"});
    CHECK(host.property("g::svc|ns|cl", "g::svc@box", "cluster") == std::vector<std::string>{"cl"});
    CHECK(host.senders(1) == Senders{{"g::svc|ns|cl", "g::svc@box"}});
    CHECK(app.exit() == 0);
  }

  TEST_CASE("a name that is too long is cut the same way everywhere, and status says so") {
    Host host("host: box\n");
    const std::string said = "shop-" + std::string(100, 'x');
    IdleApp app(host.daemon.socket(), said, 1);
    const std::string service = said.substr(0, 70), instance = said.substr(0, 66) + "@box";
    CHECK(host.announced(service, 1) == Names{instance});
    CHECK(host.senders(1) == Senders{{service, instance}});
    const nlohmann::json status = host.daemon.status();
    CHECK(status["names_cut"]["service"] == 1);
    CHECK(status["names_cut"]["instance"] == 1);
    REQUIRE(host.daemon.instances(service).size() == 1);
    CHECK(host.daemon.instances(service)[0]["sessions"][0]["said"]["service"] == said);
    CHECK(host.daemon.log().find("is longer than the 70 characters that a collector keeps") != std::string::npos);
    CHECK(app.exit() == 0);
  }

  TEST_CASE("an instance is shown with the cgroup of its process, where it has one of its own") {
    Host host("host: box\n");
    IdleApp app(host.daemon.socket(), "contained", 1);
    CHECK(host.announced("contained", 1) == Names{"contained@box"});
    const std::string file = read_file("/proc/" + std::to_string(app.process().pid()) + "/cgroup");
    bool own = false;
    for (std::size_t at = 0; (at = file.find(":/", at)) != std::string::npos; ++at) own = own || file[at + 2] != '\n';
    const std::vector<std::string> cgroup = host.property("contained", "contained@box", "cgroup");
    REQUIRE(cgroup.size() == (own ? 1 : 0));
    if (own) CHECK(file.find(":" + cgroup[0] + "\n") != std::string::npos);
    const nlohmann::json shown = host.daemon.instances("contained")[0]["sessions"][0]["container"];
    CHECK(shown["cgroup"] == (own ? cgroup[0] : ""));
    const std::vector<std::string> id = host.property("contained", "contained@box", "container.id");
    CHECK(shown["id"] == (id.empty() ? "" : id[0]));
    if (!id.empty()) CHECK(cgroup[0].find(id[0]) != std::string::npos);
    CHECK(app.exit() == 0);
  }

  TEST_CASE("a template that cannot be one is named by --check-config") {
    const TemporaryDirectory directory;
    const std::string config = directory.write("sidecar.yaml",
                                               "collector: {addresses: [\"127.0.0.1:1\"]}\n"
                                               "naming: {instance: \"{service}-{port}\"}\n");
    std::string output;
    CHECK(run({program("sw-sidecar"), "--check-config", "--config", config}, &output) != 0);
    CAPTURE(output);
    CHECK(output.find("sidecar.yaml:2:") != std::string::npos);
    CHECK(output.find("naming.instance") != std::string::npos);
    CHECK(output.find("there is no placeholder {port}") != std::string::npos);
  }
}
