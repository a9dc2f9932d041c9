#include "config/changes.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "config/keys.h"

using namespace sidecar;

namespace {

constexpr const char* kFile = "/etc/f.yaml";

LoadedConfig load(const std::string& text, const Environment& environment = {}) {
  LoadedConfig loaded = parse_config("collector: {addresses: [a:1]}\n" + text, kFile, environment);
  for (const std::string& error : loaded.errors) FAIL(error);
  return loaded;
}

// A value of each key that is not its default.
const std::map<std::string, std::string> kOther = {
    {"log.level", "debug"},
    {"collector.addresses", "b:2"},
    {"collector.deadline", "7s"},
    {"collector.unanswered", "7s"},
    {"collector.repick", "7s"},
    {"collector.spread", "7s"},
    {"collector.backoff.first", "7s"},
    {"collector.backoff.max", "31s"},
    {"collector.token_file", "/t"},
    {"collector.tls.enabled", "true"},
    {"collector.tls.ca", "/ca"},
    {"collector.tls.certificate", "/c"},
    {"collector.tls.key", "/k"},
    {"collector.tls.server_name", "n"},
    {"collector.reread", "7s"},
    {"socket.path", "/s"},
    {"socket.mode", "0660"},
    {"socket.max_connections", "7"},
    {"socket.max_connections_per_user", "7"},
    {"socket.drain_interval", "7ms"},
    {"control.path", "/c"},
    {"control.mode", "0660"},
    {"carrier.channels", "7"},
    {"carrier.slots", "777"},
    {"carrier.memory", "7MiB"},
    {"carrier.strategy", "override"},
    {"batch.segments", "7"},
    {"batch.bytes", "77KiB"},
    {"batch.age", "7s"},
    {"batch.backoff.first", "7s"},
    {"batch.backoff.max", "31s"},
    {"session.keep_alive", "7s"},
    {"session.properties_every", "7"},
    {"naming.instance", "{pid}"},
    {"naming.namespace", "n"},
    {"naming.cluster", "c"},
    {"sampling.traces_per_3s", "7"},
    {"ignore.suffixes", ".a"},
    {"ignore.patterns", "/p"},
    {"privacy.drop_tags", "d"},
    {"privacy.mask_tags", "m"},
    {"privacy.urls", "keep"},
    {"host", "h"},
    {"state.directory", "/srv/state"},
    {"shutdown.deadline", "7s"},
};

}  // namespace

TEST_SUITE("config/changes") {
  TEST_CASE("every key says how a new value takes effect, and one that needs a restart says why") {
    for (const Key& key : config_keys()) {
      CAPTURE(key.path);
      CHECK(key.effect.when != Effect::When::undecided);
      CHECK(std::string(key.effect.why).empty() == (key.effect.when == Effect::When::reload));
    }
  }

  TEST_CASE("settings that belong together take effect together") {
    for (const Relation& relation : config_relations()) {
      CAPTURE(relation.path);
      CHECK(find_key(relation.path)->effect.when == find_key(relation.other)->effect.when);
    }
  }

  TEST_CASE("a change of any one key is told with what becomes of it, and only what can be is applied") {
    const LoadedConfig before = load("");
    for (const Key& key : config_keys()) {
      CAPTURE(key.path);
      REQUIRE(kOther.contains(key.path));
      LoadedConfig after = before;
      if (key.list) key.clear(after.config);
      REQUIRE(key.set(after.config, kOther.at(key.path)));
      const std::vector<Change> changes = changes_between(before, after);
      REQUIRE(changes.size() == 1);
      CHECK(changes[0].path == key.path);
      CHECK(changes[0].from == key.show(before.config));
      CHECK(changes[0].to == kOther.at(key.path));
      const bool now = key.effect.when == Effect::When::reload;
      CHECK((changes[0].fate == Change::Fate::applied) == now);
      const Config in_force = with_applied(before.config, after.config, changes);
      for (const Key& each : config_keys()) CHECK(each.show(in_force) == each.show(now ? after.config : before.config));
    }
  }

  TEST_CASE("no change is an empty list") {
    CHECK(changes_between(load("batch: {age: 1s}\n"), load("batch: {age: 1000ms}\n")).empty());
  }

  TEST_CASE("a change names where the new value stands, or that it is the default again") {
    const auto changes = changes_between(load("batch: {age: 1s}\n"), load("\nlog: {level: debug}\n"));
    REQUIRE(changes.size() == 2);
    CHECK(sentence(changes[0]) == "log.level: info -> debug (/etc/f.yaml:3:7)");
    CHECK(sentence(changes[1]) == "batch.age: 1s -> 250ms (default)");
  }

  TEST_CASE("what needs a restart is named again until there is one") {
    LoadedConfig in_force = load("");
    const LoadedConfig file = load("carrier: {channels: 16}\nbatch: {age: 1s}\n");
    const auto first = changes_between(in_force, file);
    REQUIRE(first.size() == 2);
    CHECK(sentence(first[0]) ==
          "carrier.channels: 8 -> 16 (/etc/f.yaml:2:11) needs a restart: an instance keeps to its queue, which keeps "
          "its order");
    in_force.config = with_applied(in_force.config, file.config, first);
    const auto second = changes_between(in_force, file);
    REQUIRE(second.size() == 1);
    CHECK(second[0] == first[0]);
  }

  TEST_CASE("what the file says for a key that a variable sets is told, and does not count") {
    const Environment environment(std::map<std::string, std::string>{{"SW_SIDECAR_BATCH_AGE", "5s"}});
    const LoadedConfig before = load("batch: {age: 1s}\n", environment);
    const LoadedConfig after = load("batch: {age: 2s}\n", environment);
    const auto changes = changes_between(before, after);
    REQUIRE(changes.size() == 1);
    CHECK(changes[0].fate == Change::Fate::overridden);
    CHECK(sentence(changes[0]) ==
          "batch.age: 1s -> 2s in the file, which does not count: environment SW_SIDECAR_BATCH_AGE wins over it");
    CHECK(with_applied(before.config, after.config, changes).pipeline.batch_age == std::chrono::seconds(5));
    CHECK(changes_between(before, before).empty());
    // Left out of the file: as good as its default.
    CHECK(changes_between(before, load("", environment)).at(0).to == "250ms");
  }

  TEST_CASE("lists are shown and applied whole") {
    const LoadedConfig before = load("ignore: {patterns: [/a, /b]}\n");
    const LoadedConfig after = load("ignore: {patterns: [/b]}\n");
    const auto changes = changes_between(before, after);
    REQUIRE(changes.size() == 1);
    CHECK(changes[0].from == "/a,/b");
    CHECK(with_applied(before.config, after.config, changes).ipc.ignore.patterns == std::vector<std::string>{"/b"});
    const auto none = changes_between(after, load(""));
    REQUIRE(none.size() == 1);
    CHECK(sentence(none[0]) == "ignore.patterns: /b -> \"\" (default)");
    CHECK(with_applied(after.config, load("").config, none).ipc.ignore.patterns.empty());
  }
}
