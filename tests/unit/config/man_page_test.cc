// man sw-sidecar.yaml holds the paragraph of every key, and of every other variable, exactly as the tables have it.

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "config/keys.h"
#include "config/registry.h"

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
  std::string value = key.default_value();
  if (key.list) value = fmt::format("{}", fmt::join(key.items(Config{}), ", "));  // so that lines can be broken
  value = key.required ? "must be given" : "default: " + (value.empty() ? "\"\"" : value);
  return ".TP\n.B " + roff(key.path) + "\n" + roff(key.sentence) + "\n.br\n" + roff(expected) + "; " + roff(value) +
         ".\n";
}

std::string paragraph(const OtherVariable& other) {
  return ".TP\n.B " + roff(other.name) + "\nRead by " + roff(other.reader) + ". " + roff(other.sentence) + "\n" +
         (other.fallback.empty() ? "" : "Default: " + roff(other.fallback) + ".\n");
}

std::string page() {
  const char* const root = std::getenv("SOURCE_ROOT");
  REQUIRE(root != nullptr);
  std::ifstream file(std::string(root) + "/packaging/man/sw-sidecar.yaml.5");
  std::stringstream page;
  page << file.rdbuf();
  return page.str();
}

}  // namespace

TEST_SUITE("config/man_page") {
  TEST_CASE("the page holds every key, in order, and nothing else between") {
    std::string keys;
    for (const Key& key : config_keys()) keys += paragraph(key);
    CAPTURE(keys);
    CHECK(page().find(".SH KEYS\n" + keys + ".SH ") != std::string::npos);
  }

  TEST_CASE("the page holds every other variable before the keys") {
    std::string variables;
    for (const OtherVariable& other : other_variables()) variables += paragraph(other);
    CAPTURE(variables);
    CHECK(page().find("\n" + variables + ".SH KEYS\n") != std::string::npos);
  }
}
