#include "config/yaml_reader.h"

#include <doctest/doctest.h>

using namespace sidecar;

namespace {

std::string repeat(const std::string& part, std::size_t times) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) text += part;
  return text;
}

bool told(const YamlDocument& document, const std::string& part) {
  for (const YamlError& error : document.errors)
    if (error.text.find(part) != std::string::npos) return true;
  return false;
}

}  // namespace

TEST_SUITE("config/yaml_reader") {
  TEST_CASE("nodes carry their positions, counted from one") {
    const YamlDocument document = read_yaml("a:\n  b: [1, two]\n");
    REQUIRE(document.errors.empty());
    REQUIRE(document.root);
    const YamlMember& a = document.root->members.at(0);
    CHECK(a.key == "a");
    const YamlMember& b = a.value.members.at(0);
    CHECK(b.at.line == 2);
    CHECK(b.at.column == 3);
    REQUIRE(b.value.items.size() == 2);
    CHECK(b.value.items[1].text == "two");
    CHECK(b.value.items[1].at.column == 10);
  }

  TEST_CASE("a duplicate key is an error that names the first, whose value counts") {
    const YamlDocument document = read_yaml("a: 1\nb: 2\na: 3\n");
    REQUIRE(document.errors.size() == 1);
    CHECK(document.errors[0].text == "key 'a' is given twice, first in line 1");
    CHECK(document.errors[0].at.line == 3);
    REQUIRE(document.root->members.size() == 2);
    CHECK(document.root->members[0].value.text == "1");
  }

  TEST_CASE("aliases, tags, strange keys and second documents are refused where they stand") {
    CHECK(told(read_yaml("a: &x 1\nb: *x\n"), "aliases"));
    CHECK(told(read_yaml("a: !!int 1\n"), "tags"));
    CHECK(told(read_yaml("[a]: 1\n"), "expected a name as key"));
    CHECK(told(read_yaml("? {a: 1}\n: 1\n"), "expected a name as key"));
    const YamlDocument two = read_yaml("a: 1\n---\na: 2\n");
    REQUIRE(two.errors.size() == 1);
    CHECK(two.errors[0].text == "a second document begins; only one is allowed");
    CHECK(two.root->members.at(0).value.text == "1");
  }

  TEST_CASE("what is not YAML is told with its position") {
    const YamlDocument document = read_yaml("a: 1\n  b: [\n");
    CHECK_FALSE(document.root);
    REQUIRE(document.errors.size() == 1);
    CHECK(document.errors[0].text.starts_with("not valid YAML: "));
    CHECK(document.errors[0].at.line >= 2);
    CHECK(told(read_yaml(std::string("a: 1\nb\0c", 8)), "NUL byte"));
    CHECK(read_yaml(std::string("a: 1\nb\0c", 8)).errors[0].at.line == 2);
    CHECK(told(read_yaml("a: \"open"), "not valid YAML"));
    CHECK(told(read_yaml("\ta: 1"), "not valid YAML"));
  }

  TEST_CASE("bombs are refused, each with one error") {
    CHECK(told(read_yaml(repeat("[", 100) + repeat("]", 100)), "nested deeper"));
    CHECK(read_yaml(repeat("[", 100) + repeat("]", 100)).errors.size() == 1);
    CHECK_FALSE(read_yaml(repeat("[", 50'000)).errors.empty());
    CHECK_FALSE(read_yaml(repeat("{a: ", 20'000)).errors.empty());
    CHECK_FALSE(read_yaml(repeat("- ", 20'000)).errors.empty());
    CHECK(told(read_yaml("a: [" + repeat("1,", 10'000) + "1]"), "more than"));
    CHECK(read_yaml("a: [" + repeat("1,", 10'000) + "1]").errors.size() == 1);
    std::string laughs = "a: &a [x,x,x,x,x,x,x,x,x]\n";
    for (char c = 'b'; c < 'j'; ++c)
      laughs += std::string(1, c) + ": &" + c + " [" + repeat("*" + std::string(1, static_cast<char>(c - 1)) + ",", 8) +
                "]\n";
    const YamlDocument bomb = read_yaml(laughs);
    CHECK(bomb.errors.size() == 64);
    CHECK(told(bomb, "aliases"));
  }

  TEST_CASE("an empty text has no root and no error") {
    CHECK_FALSE(read_yaml("").root);
    CHECK(read_yaml("# nothing\n").errors.empty());
  }
}
