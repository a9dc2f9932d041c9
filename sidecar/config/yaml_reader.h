#pragma once

// Reads YAML text into a small tree with positions, and refuses what a configuration
// has no use for and a careless or hostile file may hold: duplicate keys, aliases, tags,
// several documents, deep nesting, more nodes than any configuration has. The
// only user of yaml-cpp, and the one place where its exceptions are caught.
//
// Pure; knows nothing of what the keys mean.

#include <optional>
#include <string>
#include <vector>

namespace sidecar {

// Counted from 1.
struct YamlPosition {
  int line = 1;
  int column = 1;
};

struct YamlMember;

struct YamlNode {
  enum class Kind {
    null,
    scalar,
    list,
    map,
    refused,  // an error about it has been reported
  };
  Kind kind = Kind::null;
  YamlPosition at;
  std::string text;                 // scalar
  std::vector<YamlNode> items;      // list
  std::vector<YamlMember> members;  // map, in the order of the file; keys are unique
};

struct YamlMember {
  std::string key;
  YamlPosition at;  // of the key
  YamlNode value;
};

struct YamlError {
  YamlPosition at;
  std::string text;
};

struct YamlDocument {
  // Unset: there is none, or it is not YAML and `errors` says why.
  std::optional<YamlNode> root;
  std::vector<YamlError> errors;
};

// Beyond these a file is refused.
inline constexpr std::size_t kMaxYamlNodes = 2000;
inline constexpr std::size_t kMaxYamlDepth = 8;

YamlDocument read_yaml(const std::string& text);

}  // namespace sidecar
