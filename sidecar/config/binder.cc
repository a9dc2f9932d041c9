#include "config/binder.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "config/key_names.h"
#include "config/registry.h"
#include "config/text.h"

namespace sidecar {
namespace {

constexpr std::size_t kMaxPath = 64;  // of unknown keys in messages

// One use.
class Binder {
 public:
  Binder(std::string file, const Environment& environment) : file_(printed(file)), environment_(environment) {}

  LoadedConfig bind(const YamlDocument& document) {
    for (const YamlError& error : document.errors) add(error.at, error.text);
    const bool readable = document.root.has_value();
    if (readable)
      bind_root(*document.root);
    else if (document.errors.empty())
      add({}, "the file is empty; it needs at least `collector: {addresses: [HOST:PORT]}`");
    bind_environment();
    if (readable) check_required();
    check_relations();
    return finish();
  }

 private:
  struct Problem {
    YamlPosition at;
    std::string line;
  };

  // After all positions of the file.
  static constexpr YamlPosition kEnvironment{std::numeric_limits<int>::max(), 1};

  // A file's name as it may stand in a message, without the quotes.
  static std::string printed(const std::string& name) {
    std::string out;
    for (const char c : name.substr(0, 1024)) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    return out;
  }

  void add(YamlPosition at, const std::string& text) {
    problems_.push_back({at, fmt::format("{}:{}:{}: {}", file_, at.line, at.column, text)});
  }

  void bind_root(const YamlNode& root) {
    if (root.kind == YamlNode::Kind::map) return bind_map(root, "");
    if (root.kind == YamlNode::Kind::refused) return;
    if (root.kind == YamlNode::Kind::null)
      add(root.at, "the file is empty; it needs at least `collector: {addresses: [HOST:PORT]}`");
    else
      add(root.at, "expected `key: value` lines");
  }

  void bind_map(const YamlNode& map, const std::string& prefix) {
    for (const YamlMember& member : map.members) {
      const std::string path = prefix + member.key;
      const Key* const key = find_key(path);
      if (key != nullptr && member.key.find('.') != std::string::npos)
        add(member.at, fmt::format("{}: unknown key; a section is written with its keys below it", path));
      else if (key != nullptr)
        bind_key(*key, member);
      else if (is_section(path))
        bind_section(member, path);
      else
        add(member.at, fmt::format("{}: unknown key{}", harmless(path, kMaxPath), meant_key(member.key, prefix)));
    }
  }

  void bind_section(const YamlMember& member, const std::string& path) {
    const YamlNode::Kind kind = member.value.kind;
    if (kind == YamlNode::Kind::map)
      bind_map(member.value, path + ".");
    else if (kind != YamlNode::Kind::null &&
             kind != YamlNode::Kind::refused)  // null: everything in it is commented out
      add(member.value.at,
          fmt::format("{}: expected keys below it: {}", path, fmt::join(keys_below(path + "."), ", ")));
  }

  void bind_key(const Key& key, const YamlMember& member) {
    origin_[key.path] = member.at;
    const YamlNode& value = member.value;
    if (value.kind == YamlNode::Kind::refused) {
      broken_.insert(key.path);
    } else if (key.list && value.kind == YamlNode::Kind::list) {
      key.clear(config_);
      for (const YamlNode& item : value.items) bind_scalar(key, item);
    } else if (key.list) {
      wrong(key, member.at, fmt::format("expected a list [{}, ...]", key.expected));
    } else if (value.kind == YamlNode::Kind::null) {
      wrong(key, member.at, fmt::format("expected {}, got nothing; remove the line to have the default", key.expected));
    } else {
      bind_scalar(key, value);
    }
  }

  void bind_scalar(const Key& key, const YamlNode& node) {
    if (node.kind == YamlNode::Kind::refused) {
      broken_.insert(key.path);
      return;
    }
    if (node.kind != YamlNode::Kind::scalar)
      return wrong(key, node.at,
                   fmt::format("expected {}, got {}", key.expected,
                               node.kind == YamlNode::Kind::list  ? "a list"
                               : node.kind == YamlNode::Kind::map ? "keys"
                                                                  : "nothing"));
    const auto text = expand(node.text, environment_, &used_[key.path]);
    if (!text) return wrong(key, node.at, text.error().message);
    if (const auto set = set_value(key, *text); !set) wrong(key, node.at, set.error().message);
  }

  // The file is UTF-8, or the parser has made it so; variables need not be.
  Result<void> set_value(const Key& key, const std::string& text) {
    if (!is_utf8(text)) return fail(Errc::invalid_argument, fmt::format("{} is not UTF-8 text", quoted(text)));
    return key.set(config_, text);
  }

  void wrong(const Key& key, YamlPosition at, const std::string& text) {
    broken_.insert(key.path);
    add(at, fmt::format("{}: {}", key.path, text));
  }

  void bind_environment() {
    for (const auto& [name, value] : environment_.all()) {
      if (!name.starts_with(kVariablePrefix) || is_service_link(name)) continue;
      if (const Key* key = key_of_variable(name)) {
        bind_variable(*key, value);
      } else if (const auto& others = other_variables(); std::none_of(
                     others.begin(), others.end(), [&](const OtherVariable& other) { return other.name == name; })) {
        problems_.push_back(
            {kEnvironment, fmt::format("{}: unknown variable{}", harmless(name, kMaxPath), meant_variable(name))});
      }
    }
  }

  void bind_variable(const Key& key, const std::string& value) {
    from_environment_.insert(key.path);
    broken_.erase(key.path);
    if (key.list) key.clear(config_);
    std::size_t begin = 0;
    while (begin <= value.size()) {
      const std::size_t end = key.list ? std::min(value.find(',', begin), value.size()) : value.size();
      if (const auto set = set_value(key, value.substr(begin, end - begin)); !set) {
        broken_.insert(key.path);
        problems_.push_back({kEnvironment, fmt::format("{}: {}: {}", key.variable(), key.path, set.error().message)});
      }
      begin = end + 1;
    }
  }

  void check_required() {
    for (const Key& key : config_keys()) {
      if (!key.required || broken_.contains(key.path) || !key.show(config_).empty()) continue;
      const auto found = origin_.find(key.path);
      add(found == origin_.end() ? YamlPosition{} : found->second,
          fmt::format("{}: missing: expected a list [{}, ...] with at least one", key.path, key.expected));
    }
  }

  void check_relations() {
    for (const Relation& relation : config_relations()) {
      if (broken_.contains(relation.path) || broken_.contains(relation.other) || relation.holds(config_)) continue;
      const std::string text = fmt::format("{}: {}, which is {}", relation.path, relation.expected,
                                           quoted(find_key(relation.other)->show(config_)));
      // Told where one of the two was set; both have defaults that agree.
      for (const std::string& path : {relation.path, relation.other}) {
        if (from_environment_.contains(path)) {
          problems_.push_back({kEnvironment, fmt::format("{}: {}", find_key(path)->variable(), text)});
          break;
        }
        if (const auto found = origin_.find(path); found != origin_.end()) {
          add(found->second, text);
          break;
        }
      }
    }
  }

  LoadedConfig finish() {
    // In the order of finding at the same position.
    std::multimap<std::pair<int, int>, std::string> sorted;
    for (Problem& problem : problems_)
      sorted.emplace(std::pair(problem.at.line, problem.at.column), std::move(problem.line));
    LoadedConfig loaded;
    loaded.config = std::move(config_);
    for (auto& [at, line] : sorted) loaded.errors.push_back(std::move(line));
    for (const auto& [path, at] : origin_) loaded.origins[path] = fmt::format("{}:{}{}", file_, at.line, with(path));
    for (const std::string& path : from_environment_)
      loaded.origins[path] = "environment " + find_key(path)->variable();
    return loaded;
  }

  // " with ${A} ${B}": the variables that were put into the file's value.
  std::string with(const std::string& path) const {
    std::string out;
    if (const auto found = used_.find(path); found != used_.end())
      for (const std::string& name : found->second) out += fmt::format("{} ${{{}}}", out.empty() ? " with" : "", name);
    return out;
  }

  const std::string file_;
  const Environment& environment_;
  Config config_;
  std::vector<Problem> problems_;
  std::map<std::string, YamlPosition> origin_;            // keys that the file gives
  std::map<std::string, std::vector<std::string>> used_;  // variables in their values
  std::set<std::string> from_environment_;
  std::set<std::string> broken_;  // keys whose value is not to be looked at further
};

}  // namespace

LoadedConfig bind_config(const YamlDocument& document, const std::string& file, const Environment& environment) {
  return Binder(file, environment).bind(document);
}

}  // namespace sidecar
