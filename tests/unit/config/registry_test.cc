// The registry of environment variables holds what the sources read, and the document is printed from it.

#include "config/registry.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

using namespace sidecar;

namespace {

std::filesystem::path root() {
  const char* const root = std::getenv("SOURCE_ROOT");
  REQUIRE(root != nullptr);
  return root;
}

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// Names of variables that the sources below `folder` read.
std::set<std::string> variables_read(const std::filesystem::path& folder) {
  static const std::regex call("(?:environment|getenv|envname)\\(\"([A-Z_]+)\"\\)");
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const std::string text = read(entry.path());
    for (std::sregex_iterator at(text.begin(), text.end(), call), end; at != end; ++at) names.insert((*at)[1]);
  }
  return names;
}

}  // namespace

TEST_SUITE("config/registry") {
  TEST_CASE("what the programs and the shim read is in the registry, and nothing else") {
    std::set<std::string> read = variables_read(root() / "sidecar");
    read.merge(variables_read(root() / "client-shim/include"));
    std::set<std::string> registered;
    for (const OtherVariable& other : other_variables()) registered.insert(other.name);
    CHECK(read == registered);
  }

  TEST_CASE("conf/environment.md is what --print-environment prints") {
    CHECK_MESSAGE(read(root() / "conf/environment.md") == environment_document(),
                  "sw-sidecar --print-environment > conf/environment.md");
  }
}
