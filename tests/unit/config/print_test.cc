#include "config/print.h"

#include <doctest/doctest.h>

#include "config/keys.h"

using namespace sidecar;

namespace {

constexpr const char* kMinimal = "collector: {addresses: [\"oap:11800\"]}\n";

LoadedConfig parse(const std::string& text, const std::map<std::string, std::string>& environment = {}) {
  return parse_config(text, "/etc/f.yaml", Environment(environment));
}

std::string print(const std::string& text, const std::map<std::string, std::string>& environment = {}) {
  const LoadedConfig loaded = parse(text, environment);
  CAPTURE(text);
  REQUIRE(loaded.errors.empty());
  return print_config(loaded, "/etc/f.yaml");
}

bool has_line(const std::string& printed, std::string line) {
  // spaces before the comment are for the eye
  std::string squeezed;
  for (std::size_t i = 0; i < printed.size(); ++i)
    if (printed[i] != ' ' || i == 0 || printed[i - 1] != ' ' || squeezed.empty() || squeezed.back() == '\n')
      squeezed += printed[i];
  return squeezed.find("\n" + line + "\n") != std::string::npos;
}

// What is printed loads to the same values, all of them given by the file then.
void check_round_trip(const LoadedConfig& loaded) {
  REQUIRE(loaded.errors.empty());
  const std::string printed = print_config(loaded, "/etc/f.yaml");
  CAPTURE(printed);
  const LoadedConfig again = parse_config(printed, "printed", Environment());
  REQUIRE(again.errors.empty());
  for (const Key& key : config_keys()) {
    CHECK_MESSAGE(key.show(again.config) == key.show(loaded.config), key.path);
    if (key.list) CHECK_MESSAGE(key.items(again.config) == key.items(loaded.config), key.path);
    REQUIRE(again.origins.contains(key.path));
    CHECK(again.origins.at(key.path).starts_with("printed:"));
  }
}

}  // namespace

TEST_SUITE("config/print") {
  TEST_CASE("every key is there with its value and where it comes from") {
    const std::string printed =
        print("collector: {addresses: [\"oap:11800\"]}\ncarrier:\n  slots: 300\nhost: ${HOST:x}-${NO:y}\n",
              {{"SW_SIDECAR_CARRIER_CHANNELS", "16"}, {"HOST", "h"}});
    CAPTURE(printed);
    CHECK(printed.starts_with("# The configuration of sw-sidecar "));
    CHECK(has_line(printed, "collector:"));
    CHECK(has_line(printed, " addresses: [\"oap:11800\"] # /etc/f.yaml:1"));
    CHECK(has_line(printed, " backoff:"));
    CHECK(has_line(printed, " first: 1s # default"));
    CHECK(has_line(printed, " channels: 16 # environment SW_SIDECAR_CARRIER_CHANNELS"));
    CHECK(has_line(printed, " slots: 300 # /etc/f.yaml:3"));
    CHECK(has_line(printed, " mode: \"0600\" # default"));
    CHECK(has_line(printed, "host: h-y # /etc/f.yaml:4 with ${HOST}"));
    CHECK(has_line(printed, " drop_tags: [] # default"));
    std::size_t comments = 0;
    for (std::size_t at = printed.find("  # "); at != std::string::npos; at = printed.find("  # ", at + 1)) ++comments;
    CHECK(comments == config_keys().size());
  }

  TEST_CASE("a variable that wins over the file is the origin") {
    const std::string printed = print(std::string(kMinimal) + "host: a\n", {{"SW_SIDECAR_HOST", "b"}});
    CHECK(has_line(printed, "host: b # environment SW_SIDECAR_HOST"));
  }

  TEST_CASE("what is printed is a configuration with the same values") {
    check_round_trip(parse(kMinimal));
    check_round_trip(parse(std::string(kMinimal) + "ignore: {suffixes: [], patterns: []}\n"));
    check_round_trip(parse(std::string(kMinimal) +
                           "log: {level: debug}\nsocket: {mode: \"0660\", max_connections_per_user: 5}\n"
                           "sampling: {traces_per_3s: 0}\nshutdown: {deadline: 90s}\nbatch: {bytes: 17KiB}\n"));
  }

  TEST_CASE("odd texts survive") {
    const std::vector<std::string> odd = {
        "a,b",        "a: b",     "a #b", "#", "- a",  "'",   "\"",  "\\",  "\\n",    "${A}",   "$${A}",  "$$",
        "$",          "true",     "null", "~", "0x10", "1e3", "012", "[a]", "{a: b}", "*a",     "&a",     "!a",
        "%a",         "@a",       "`a",   "|", ">",    " a",  "a ",  "? a", "\u00e9", "\u2028", "\u0085", "\ufeff",
        "\U0001F600", "a\u00a0b", "yes",  "-", "-1",   "1.5", "off", "---", "...",    "<<",     "=",      "a:"};
    for (const std::string& text : odd) {
      CAPTURE(text);
      LoadedConfig loaded = parse(kMinimal);
      loaded.config.ipc.ignore.patterns = {text, text + text};
      check_round_trip(loaded);
    }
    LoadedConfig all = parse(kMinimal);
    all.config.ipc.ignore.patterns = odd;
    check_round_trip(all);
  }

  TEST_CASE("from the environment comes UTF-8 or nothing") {
    const LoadedConfig loaded = parse(kMinimal, {{"SW_SIDECAR_IGNORE_PATTERNS", "/a\xFF"}});
    REQUIRE(loaded.errors.size() == 1);
    CHECK(loaded.errors[0] == "SW_SIDECAR_IGNORE_PATTERNS: ignore.patterns: '/a\\xff' is not UTF-8 text");
  }
}
