#include "config/config.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "config/key_names.h"
#include "config/registry.h"

using namespace sidecar;

namespace {

constexpr const char* kMinimal = "collector: {addresses: [\"oap:11800\"]}\n";

LoadedConfig parse(const std::string& text, const std::map<std::string, std::string>& environment = {}) {
  return parse_config(text, "f.yaml", Environment(environment));
}

std::vector<std::string> errors(const std::string& text, const std::map<std::string, std::string>& environment = {}) {
  return parse(text, environment).errors;
}

// The one error of a minimal file with `more` behind it.
std::string error(const std::string& more) {
  const auto found = errors(kMinimal + more);
  CAPTURE(more.substr(0, 200));
  REQUIRE(found.size() == 1);
  return found.front();
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// YAML for a key at any depth: "a.b.c" becomes "a: {b: {c: VALUE}}".
std::string yaml_for(const std::string& path, const std::string& value) {
  const std::size_t dot = path.find('.');
  if (dot == std::string::npos) return path + ": " + value;
  return path.substr(0, dot) + ": {" + yaml_for(path.substr(dot + 1), value) + "}";
}

}  // namespace

TEST_SUITE("config/config") {
  TEST_CASE("three lines are a configuration, and everything else has its default") {
    const LoadedConfig loaded = parse("collector:\n  addresses:\n    - oap.example.com:11800\n");
    REQUIRE(loaded.errors.empty());
    CHECK(loaded.config.uplink.addresses == std::vector<std::string>{"oap.example.com:11800"});
    const Config defaults;
    for (const Key& key : config_keys())
      if (!key.required) CHECK_MESSAGE(key.show(loaded.config) == key.show(defaults), key.path);
  }

  TEST_CASE("every key is bound to a field of its own") {
    // A value for each that differs from the default.
    const std::map<std::string, std::string> other = {{"log.level", "debug"},
                                                      {"collector.addresses", "a:1"},
                                                      {"collector.deadline", "7s"},
                                                      {"collector.unanswered", "6s"},
                                                      {"collector.repick", "9m"},
                                                      {"collector.spread", "8s"},
                                                      {"collector.backoff.first", "20ms"},
                                                      {"collector.backoff.max", "21s"},
                                                      {"collector.token_file", "/tmp/token"},
                                                      {"collector.tls.enabled", "true"},
                                                      {"collector.tls.ca", "/tmp/ca"},
                                                      {"collector.tls.certificate", "/tmp/c"},
                                                      {"collector.tls.key", "/tmp/k"},
                                                      {"collector.tls.server_name", "oap"},
                                                      {"collector.reread", "11s"},
                                                      {"socket.path", "/tmp/a"},
                                                      {"socket.mode", "0660"},
                                                      {"socket.max_connections", "77"},
                                                      {"socket.max_connections_per_user", "78"},
                                                      {"socket.drain_interval", "5ms"},
                                                      {"control.path", "/tmp/b"},
                                                      {"control.mode", "0644"},
                                                      {"carrier.channels", "9"},
                                                      {"carrier.slots", "300"},
                                                      {"carrier.memory", "2MiB"},
                                                      {"carrier.strategy", "override"},
                                                      {"batch.segments", "12"},
                                                      {"batch.bytes", "17KiB"},
                                                      {"batch.age", "3ms"},
                                                      {"batch.backoff.first", "22ms"},
                                                      {"batch.backoff.max", "23s"},
                                                      {"session.keep_alive", "24s"},
                                                      {"session.properties_every", "25"},
                                                      {"naming.instance", "x"},
                                                      {"naming.namespace", "n"},
                                                      {"naming.cluster", "c"},
                                                      {"sampling.traces_per_3s", "26"},
                                                      {"ignore.suffixes", ".x"},
                                                      {"ignore.patterns", "/x/**"},
                                                      {"privacy.drop_tags", "card"},
                                                      {"privacy.mask_tags", "*pin*"},
                                                      {"privacy.urls", "drop-query"},
                                                      {"host", "h"},
                                                      {"state.directory", "/srv/state"},
                                                      {"shutdown.deadline", "27s"}};
    CHECK(other.size() == config_keys().size());
    for (const Key& key : config_keys()) {
      CAPTURE(key.path);
      REQUIRE(other.contains(key.path));
      Config config;
      if (key.list) key.clear(config);
      REQUIRE(key.set(config, other.at(key.path)));
      for (const Key& each : config_keys())
        CHECK_MESSAGE((each.show(config) == each.default_value()) == (each.path != key.path), each.path);
      CHECK(key.show(config) == other.at(key.path));
      // The same through a file and through the environment.
      if (!key.list && key.path != "socket.max_connections_per_user") {
        CHECK(key.show(
                  parse(kMinimal +
                        std::string(key.path.starts_with("collector.") ? "" : yaml_for(key.path, other.at(key.path))))
                      .config) == (key.path.starts_with("collector.") ? key.default_value() : other.at(key.path)));
        // Certificate and key are given both or not at all.
        const bool of_pair = key.path == "collector.tls.certificate" || key.path == "collector.tls.key";
        const LoadedConfig over = parse(kMinimal, {{key.variable(), other.at(key.path)}});
        CHECK(over.errors.size() == (of_pair ? 1 : 0));
        CHECK(key.show(over.config) == other.at(key.path));
      }
    }
  }

  TEST_CASE("a template of instances' names that cannot be one is refused with the reason") {
    CHECK(parse(std::string(kMinimal) + "naming: {instance: '{exe}-{pid}@{host}'}").config.naming.instance ==
          "{exe}-{pid}@{host}");
    CHECK(error("naming: {instance: '{service}-{port}'}") ==
          "f.yaml:2:20: naming.instance: expected text in quotes with any of {service}, {host}, {ip}, {pid}, {uuid}, "
          "{exe}, {slot}, got '{service}-{port}': there is no placeholder {port}");
    CHECK(contains(error("naming: {instance: {pid}}"), "expected text in quotes"));
    CHECK(contains(error("naming: {instance: '{service'}"), "a '{' without its '}'"));
    CHECK(contains(error("naming: {instance: ' '}"), "would be empty"));
    CHECK(contains(error("naming: {instance: '" + std::string(65, 'x') + "'}"), "at most 64 of the 70"));
    CHECK(parse(std::string(kMinimal) + "naming: {instance: ''}").errors.empty());
  }

  TEST_CASE("namespace and cluster are as long as the Java agent keeps them, and a cluster is put before addresses") {
    const LoadedConfig loaded = parse(std::string(kMinimal) + "naming: {namespace: ns, cluster: cl}");
    CHECK(loaded.errors.empty());
    CHECK(loaded.config.naming.name_space == "ns");
    CHECK(loaded.config.naming.cluster == "cl");
    CHECK(loaded.config.ipc.peer_prefix == "cl/");
    CHECK(loaded.config.uplink.peer_prefix == "cl/");
    CHECK(parse(kMinimal, {{"SW_SIDECAR_NAMING_CLUSTER", ""}}).config.ipc.peer_prefix.empty());
    CHECK(contains(error("naming: {namespace: '" + std::string(21, 'x') + "'}"), "at most 20 visible ASCII"));
    CHECK(contains(error("naming: {cluster: 'a|b'}"), "but '|'"));
    CHECK(contains(error("naming: {cluster: 'a b'}"), "visible"));
  }

  TEST_CASE("a list of texts is empty by an empty variable, and refuses what is no item, too long or twice there") {
    CHECK(parse(kMinimal, {{"SW_SIDECAR_IGNORE_SUFFIXES", ""}}).config.ipc.ignore.suffixes.empty());
    CHECK(parse(std::string(kMinimal) + "ignore: {suffixes: []}").config.ipc.ignore.suffixes.empty());
    CHECK(
        contains(error("ignore: {suffixes: [jpg]}"), "expected a suffix such as .jpg of at most 100 bytes, got 'jpg'"));
    CHECK(contains(error("ignore: {suffixes: [.a, .a]}"), "listed twice"));
    CHECK(contains(error("ignore: {patterns: ['" + std::string(101, 'a') + "']}"), "of at most 100 bytes"));
  }

  TEST_CASE("every default is a value that its key accepts") {
    for (const Key& key : config_keys()) {
      if (key.required) continue;
      Config config;
      if (key.list) key.clear(config);
      std::istringstream items(key.default_value());
      for (std::string item; std::getline(items, item, key.list ? ',' : '\n');)
        CHECK_MESSAGE(key.set(config, item).has_value(), key.path);
      CHECK(key.show(config) == key.default_value());
      CHECK(!key.sentence.empty());
    }
    for (const Relation& relation : config_relations()) {
      CHECK(relation.holds(Config{}));
      CHECK(find_key(relation.path) != nullptr);
      CHECK(find_key(relation.other) != nullptr);
    }
  }

  TEST_CASE("an unknown key is named with the one that was meant") {
    CHECK(error("carrier.channels: 4") ==
          "f.yaml:2:1: carrier.channels: unknown key; a section is written with its keys below it");
    CHECK(error("carier: {channels: 4}") == "f.yaml:2:1: carier: unknown key, did you mean 'carrier'?");
    CHECK(error("carrier: {chanels: 4}") ==
          "f.yaml:2:11: carrier.chanels: unknown key, did you mean 'carrier.channels'?");
    CHECK(error("channels: 4") == "f.yaml:2:1: channels: unknown key, did you mean 'carrier.channels'?");
    CHECK(error("batch: {frobnicate: 4}") ==
          "f.yaml:2:9: batch.frobnicate: unknown key; below batch there are segments, bytes, age, backoff");
  }

  TEST_CASE("a value of another kind is refused with what was expected") {
    CHECK(error("carrier: {channels: eight}") ==
          "f.yaml:2:21: carrier.channels: expected an integer from 1 to 256, got 'eight'");
    CHECK(contains(error("carrier: {channels: [8]}"),
                   "f.yaml:2:21: carrier.channels: expected an integer from 1 to 256, got a list"));
    CHECK(contains(error("carrier: {channels: {a: 8}}"), "got keys"));
    CHECK(contains(error("carrier: {channels: }"), "got nothing; remove the line"));
    CHECK(contains(error("carrier: 8"), "carrier: expected keys below it: channels, slots, memory, strategy"));
    CHECK(contains(error("log: {level: yes}"), "one of error, warning, info, debug, got 'yes'"));
    CHECK(contains(error("log: {level: warn}"), "'warn', did you mean"));
    CHECK(contains(errors("collector: {addresses: \"a:1\"}").front(),
                   "collector.addresses: expected a list [HOST:PORT, ...]"));
  }

  TEST_CASE("numbers are strict: range, sign, fraction, trailing text; a leading zero is not octal") {
    for (const char* bad : {"0", "257", "-1", "8.0", "8s", "0x8", "+8", "1e1", "99999999999999999999", "''", "' 8'"})
      CHECK(contains(error("carrier: {channels: " + std::string(bad) + "}"), "expected an integer from 1 to 256"));
    CHECK(parse(kMinimal + std::string("carrier: {channels: 010}")).config.carrier.channels == 10);
    CHECK(parse(kMinimal + std::string("carrier: {channels: \"16\"}")).config.carrier.channels == 16);
  }

  TEST_CASE("durations and sizes need their unit and keep to their range") {
    for (const char* bad : {"30", "30 s", "30sec", "1.5s", "-1s", "s", "0s", "11m", "30S"})
      CHECK(contains(errors("collector: {addresses: [\"a:1\"], deadline: " + std::string(bad) + "}").at(0),
                     "collector.deadline: expected a duration with its unit (ms, s, m, h) from 1s to 10m, got '"));
    for (const char* bad : {"32", "32MB", "32 MiB", "1B", "65GiB", "MiB"})
      CHECK(contains(error("carrier: {memory: " + std::string(bad) + "}"),
                     "expected a size with its unit (B, KiB, MiB, GiB) from 1MiB to 64GiB"));
  }

  TEST_CASE("a file mode is octal and lets the owner in") {
    CHECK(parse(kMinimal + std::string("socket: {mode: 0660}")).config.ipc.mode == 0660);
    for (const char* bad : {"666", "00666", "0888", "0066", "0400", "rw", "1777", "-066"})
      CHECK(contains(error("socket: {mode: \"" + std::string(bad) + "\"}"), "expected an octal file mode"));
  }

  TEST_CASE("an address is HOST:PORT") {
    const auto of = [](const std::string& address) { return errors("collector: {addresses: [\"" + address + "\"]}"); };
    for (const char* good : {"a:1", "oap.example.com:65535", "10.0.0.1:11800", "[::1]:11800", "my_oap:11800"})
      CHECK_MESSAGE(of(good).empty(), good);
    for (const char* bad : {"a", "a:", ":1", "a:0", "a:65536", "a:1x", "http://a:1", "::1:11800", "[]:1", "[a]:1",
                            "a b:1", "a:-1", "a:00000001", ""}) {
      CAPTURE(bad);
      REQUIRE(of(bad).size() == 1);
      CHECK(contains(of(bad)[0], "f.yaml:1:25: collector.addresses: expected HOST:PORT, such as"));
    }
    CHECK(contains(errors("collector: {addresses: [\"a:1\", \"a:1\"]}").at(0),
                   "1:32: collector.addresses: 'a:1' is listed twice"));
    CHECK(contains(errors("collector: {addresses: []}").at(0), "1:13: collector.addresses: missing"));
    CHECK(contains(errors("log: {level: info}").at(0),
                   "f.yaml:1:1: collector.addresses: missing: expected a list [HOST:PORT, ...]"));
  }

  TEST_CASE("paths of sockets are absolute, short enough and not the same") {
    for (const std::string& bad :
         {std::string("run/x"), std::string("/"), std::string("/run/"), "/" + std::string(103, 'a'), std::string()})
      CHECK(contains(error("socket: {path: \"" + bad + "\"}"),
                     "socket.path: expected an absolute path of at most 103 bytes"));
    CHECK(contains(error("control: {path: /run/sw-sidecar/ingest.v1.sock}"),
                   "2:11: control.path: expected another path than socket.path"));
    CHECK(contains(error("host: \"a b\""), "host: expected a name"));
  }

  TEST_CASE("settings that contradict each other are named") {
    CHECK(error("batch: {backoff: {first: 10s, max: 1s}}") ==
          "f.yaml:2:31: batch.backoff.max: expected at least batch.backoff.first, which is '10s'");
    CHECK(error("batch: {backoff: {first: 1m}}") ==
          "f.yaml:2:19: batch.backoff.max: expected at least batch.backoff.first, which is '1m'");
    CHECK(contains(error("socket: {max_connections: 10, max_connections_per_user: 11}"),
                   "expected at most socket.max_connections"));
    const auto from_environment = errors(kMinimal, {{"SW_SIDECAR_COLLECTOR_BACKOFF_MAX", "500ms"}});
    REQUIRE(from_environment.size() == 1);
    CHECK(from_environment[0] ==
          "SW_SIDECAR_COLLECTOR_BACKOFF_MAX: collector.backoff.max: expected at least collector.backoff.first, which "
          "is '1s'");
  }

  TEST_CASE("all errors come in one pass, by position, the environment's last") {
    const auto found = errors("log: {level: loud}\nbatch:\n  age: 5\n  segments: 0\nnonsense: 1\n",
                              {{"SW_SIDECAR_CARRIER_SLOTS", "1"}});
    REQUIRE(found.size() == 6);
    CHECK(contains(found[0], "f.yaml:1:1: collector.addresses: missing"));
    CHECK(contains(found[1], "f.yaml:1:14: log.level"));
    CHECK(contains(found[2], "f.yaml:3:8: batch.age"));
    CHECK(contains(found[3], "f.yaml:4:13: batch.segments"));
    CHECK(contains(found[4], "f.yaml:5:1: nonsense"));
    CHECK(found[5] == "SW_SIDECAR_CARRIER_SLOTS: carrier.slots: expected an integer from 256 to 1048576, got '1'");
  }

  TEST_CASE("an empty file says what it needs") {
    for (const char* empty : {"", "# only a comment\n", "---\n", "~"}) {
      CAPTURE(empty);
      REQUIRE(errors(empty).size() == 2 - (std::string(empty).empty() || *empty == '#'));
      CHECK(contains(errors(empty).back() + errors(empty).front(), "the file is empty; it needs at least"));
    }
    CHECK(contains(errors("- a\n").at(0) + errors("- a\n").at(1), "expected `key: value` lines"));
  }

  TEST_CASE("a section whose keys are all commented out is no error") {
    CHECK(parse(kMinimal + std::string("carrier:\n  # slots: 64\n")).errors.empty());
  }

  TEST_CASE("${NAME:default} stands for the environment, and is checked like any value") {
    const std::string text = "collector: {addresses: [\"${OAP:oap}:${PORT:11800}\"]}\n";
    CHECK(parse(text).config.uplink.addresses[0] == "oap:11800");
    CHECK(parse(text, {{"OAP", "other"}}).config.uplink.addresses[0] == "other:11800");
    CHECK(contains(errors(text, {{"PORT", "x"}}).at(0), "expected HOST:PORT"));
    // An unknown variable is ours only by its prefix.
    CHECK(parse(kMinimal, {{"OAP", "other"}}).errors.empty());
    CHECK(contains(
        error("host: \"${NO_SUCH_NAME}\""),
        "2:7: host: the environment variable NO_SUCH_NAME is not set; set it, or write ${NO_SUCH_NAME:DEFAULT}"));
  }

  TEST_CASE("a variable wins over the file, and mends what is missing there") {
    const LoadedConfig loaded =
        parse("log: {level: info}", {{"SW_SIDECAR_COLLECTOR_ADDRESSES", "a:1,b:2"}, {"SW_SIDECAR_LOG_LEVEL", "error"}});
    CHECK(loaded.errors.empty());
    CHECK(loaded.config.uplink.addresses == std::vector<std::string>{"a:1", "b:2"});
    CHECK(loaded.config.log.level == LogLevel::error);
    const auto bad = errors(kMinimal, {{"SW_SIDECAR_COLLECTOR_ADDRESSES", "a:1,,b"}});
    REQUIRE(bad.size() == 2);
    CHECK(contains(bad[0], "SW_SIDECAR_COLLECTOR_ADDRESSES: collector.addresses: expected HOST:PORT"));
    CHECK(contains(bad[1], "got 'b'"));
  }

  TEST_CASE("an unknown SW_SIDECAR_ variable is an error; those of shim and tool are not") {
    CHECK(errors(kMinimal, {{"SW_SIDECAR_LOG_LEVLE", "info"}}) ==
          std::vector<std::string>{"SW_SIDECAR_LOG_LEVLE: unknown variable, did you mean 'SW_SIDECAR_LOG_LEVEL'?"});
    for (const OtherVariable& other : other_variables()) CHECK(errors(kMinimal, {{other.name, "x"}}).empty());
    // What Kubernetes sets beside a Service of this name is nobody's mistake.
    const auto meant = [](const char* name) { return errors(kMinimal, {{name, "1"}})[0]; };
    CHECK(
        contains(meant("SW_SIDECAR_FOO"), "SW_SIDECAR_FOO: unknown variable; `sw-sidecar --print-environment` names"));
    CHECK(contains(meant("SW_SIDECAR_"), "unknown variable; "));
    CHECK(contains(meant("SW_SIDECAR_HOTS"), "did you mean 'SW_SIDECAR_HOST'?"));
    CHECK(contains(meant("SW_SIDECAR_CHANNELS"), "did you mean 'SW_SIDECAR_CARRIER_CHANNELS'?"));
    for (const char* name : {"SW_SIDECAR_PORT", "SW_SIDECAR_PORT_11800_TCP_ADDR", "SW_SIDECAR_SERVICE_HOST",
                             "SW_SIDECAR_SERVICE_PORT", "SW_SIDECAR_SERVICE_PORT_GRPC"})
      CHECK(errors(kMinimal, {{name, "tcp://10.0.0.1:11800"}}).empty());
    // No key is shadowed by another variable.
    for (const OtherVariable& other : other_variables()) CHECK(key_of_variable(other.name) == nullptr);
  }

  TEST_CASE("what stands in the file cannot break the message") {
    const std::string text = error("\"evil\\n\\e[31m\": 1");
    CHECK(contains(text, "evil\\x0a\\x1b[31m: unknown key"));
    // yaml-cpp quotes from the file in its own messages.
    const std::string quoting = errors("%YAML 1.2\x0e---\na: 1\n").at(0);
    CHECK(contains(quoting, "not valid YAML: "));
    CHECK(quoting.find('\x0e') == std::string::npos);
    CHECK(error("host: \"" + std::string(5000, 'x') + "\"").size() < 300);
  }
}
