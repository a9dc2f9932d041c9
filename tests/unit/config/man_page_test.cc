// man sw-sidecar.yaml holds the paragraph of every key exactly as the table has it.

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "config/keys.h"

using namespace sidecar;

namespace {

// Text as roff: a backslash, and a dot or quote at the start of a line, would be read as commands.
std::string roff(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '\\' ? "\\e" : c == '-' ? "\\-" : std::string(1, c);
  return out;
}

std::string paragraph(const Key& key) {
  const std::string expected = key.list ? "a list of " + key.expected : key.expected;
  const std::string value =
      key.required ? "must be given" : "default: " + (key.default_value().empty() ? "\"\"" : key.default_value());
  return ".TP\n.B " + roff(key.path) + "\n" + roff(key.sentence) + "\n.br\n" + roff(expected) + "; " + roff(value) +
         ".\n";
}

}  // namespace

TEST_SUITE("config/man_page") {
  TEST_CASE("the page holds every key, in order, and nothing else between") {
    const char* const root = std::getenv("SOURCE_ROOT");
    REQUIRE(root != nullptr);
    std::ifstream file(std::string(root) + "/packaging/man/sw-sidecar.yaml.5");
    std::stringstream page;
    page << file.rdbuf();
    std::string keys;
    for (const Key& key : config_keys()) keys += paragraph(key);
    CAPTURE(keys);
    CHECK(page.str().find(".SH KEYS\n" + keys + ".SH ") != std::string::npos);
  }
}
