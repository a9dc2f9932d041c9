// Configurations as files: what may stand at their path, and those that we ship.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "config/cautions.h"
#include "config/config.h"
#include "config/keys.h"
#include "config/yaml_reader.h"
#include "scratch_directory.h"

using namespace sidecar;

namespace {

// Set by meson: the source tree.
std::string source(const std::string& name) {
  const char* root = std::getenv("SOURCE_ROOT");
  REQUIRE(root != nullptr);
  return std::string(root) + "/" + name;
}

std::string content(const std::string& path) {
  std::ifstream file(path);
  REQUIRE(file.good());
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string only_error(const std::string& path) {
  const auto errors = load_config(path, {}).errors;
  REQUIRE(errors.size() == 1);
  return errors[0];
}

// Every value of a file by its key.
void collect(const YamlNode& map, const std::string& prefix, std::map<std::string, std::string>& out) {
  for (const YamlMember& member : map.members) {
    if (member.value.kind == YamlNode::Kind::map) {
      collect(member.value, prefix + member.key + ".", out);
      continue;
    }
    std::string text = member.value.text;
    for (const YamlNode& item : member.value.items) text += (text.empty() ? "" : ",") + item.text;
    out[prefix + member.key] = text;
  }
}

}  // namespace

TEST_SUITE("config/files") {
  TEST_CASE("conf/sidecar.yaml gives every key with its default, and loads") {
    const LoadedConfig loaded = load_config(source("conf/sidecar.yaml"), {});
    for (const std::string& error : loaded.errors) FAIL_CHECK(error);
    const YamlDocument document = read_yaml(content(source("conf/sidecar.yaml")));
    REQUIRE(document.root);
    std::map<std::string, std::string> given;
    collect(*document.root, "", given);
    for (const Key& key : config_keys()) {
      CAPTURE(key.path);
      REQUIRE(given.contains(key.path));
      if (!key.required) CHECK(given[key.path] == key.default_value());
      given.erase(key.path);
    }
    CHECK(given.empty());
  }

  TEST_CASE("conf/sidecar.minimal.yaml loads and sets nothing but the address") {
    const LoadedConfig loaded = load_config(source("conf/sidecar.minimal.yaml"), {});
    CHECK(loaded.errors.empty());
    CHECK(loaded.config.uplink.addresses.size() == 1);
    for (const Key& key : config_keys())
      if (!key.required) CHECK(key.show(loaded.config) == key.default_value());
  }

  TEST_CASE("what cannot be read is told with its remedy, and waits for nobody") {
    const ScratchDirectory directory;
    CHECK(only_error(directory.at("none")) ==
          directory.at("none") + ": no such file; create it, or name another with --config");
    CHECK(only_error(directory.path()) == directory.path() + ": is a directory; name the file in it");
    REQUIRE(mkfifo(directory.at("fifo").c_str(), 0600) == 0);
    CHECK(only_error(directory.at("fifo")) == directory.at("fifo") + ": not a regular file");
    CHECK(only_error("/dev/zero") == "/dev/zero: not a regular file");
    std::ofstream(directory.at("file")) << "x";
    CHECK(only_error(directory.at("file") + "/below").find("Not a directory") != std::string::npos);
    if (geteuid() != 0) {  // root reads everything
      chmod(directory.at("file").c_str(), 0);
      CHECK(only_error(directory.at("file")).find("permission denied") != std::string::npos);
    }
  }

  TEST_CASE("a file above the limit is refused unread") {
    const ScratchDirectory directory;
    std::ofstream(directory.at("big")) << "x";
    REQUIRE(truncate(directory.at("big").c_str(), 1ll << 40) == 0);
    CHECK(only_error(directory.at("big")) ==
          directory.at("big") + ": larger than 64KiB; this is no configuration of sw-sidecar");
  }

  TEST_CASE("files that are not there or not to be read are named, with the place that names them") {
    const ScratchDirectory directory;
    const std::string token = directory.at("token"), none = directory.at("none");
    std::ofstream(token) << "abc";
    const std::string text =
        "collector:\n  addresses: [\"a:1\"]\n  token_file: " + token + "\n  tls: {enabled: true, ca: " + none + "}\n";
    const auto cautions = [](const LoadedConfig& loaded) {
      REQUIRE(loaded.errors.empty());
      return unreadable_files(loaded);
    };
    CHECK(cautions(parse_config(text, "f.yaml", {})) ==
          std::vector<std::string>{"f.yaml:4:24: warning: collector.tls.ca: " + none + ": no such file"});
    std::filesystem::remove(token);
    const auto both = cautions(
        parse_config(text, "f.yaml", Environment({{"SW_SIDECAR_COLLECTOR_TOKEN_FILE", directory.at("other")}})));
    REQUIRE(both.size() == 2);
    CHECK(both[0] == "SW_SIDECAR_COLLECTOR_TOKEN_FILE: warning: collector.token_file: " + directory.at("other") +
                         ": no such file");
    CHECK(cautions(parse_config("collector: {addresses: [\"a:1\"], tls: {ca: " + none + "}}", "f.yaml", {})).empty());
  }

  TEST_CASE("what is set for TLS while it is off is named") {
    const auto cautions = [](const std::string& tls) {
      return without_effect(parse_config("collector:\n  addresses: [\"a:1\"]\n  tls: {" + tls + "}\n", "f.yaml", {}));
    };
    REQUIRE(cautions("ca: /a, server_name: b").size() == 2);
    CHECK(
        cautions("ca: /a")[0] ==
        "f.yaml:3:9: warning: collector.tls.ca: has no effect without `enabled: true` beside it; collectors are spoken "
        "to in the clear");
    CHECK(cautions("enabled: true, ca: /a").empty());
    CHECK(cautions("enabled: false").empty());
  }
}
