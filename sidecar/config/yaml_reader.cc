#include "config/yaml_reader.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>

#include "config/text.h"

namespace sidecar {
namespace {

constexpr std::size_t kMaxMessage = 200;  // of yaml-cpp's, which quote from the file

YamlPosition position(const YAML::Mark& mark) {
  return mark.is_null() ? YamlPosition{} : YamlPosition{mark.line + 1, mark.column + 1};
}

// Builds the tree from yaml-cpp's events; so nothing is expanded or kept that we do not want.
class Builder final : public YAML::EventHandler {
 public:
  explicit Builder(YamlDocument& document) : document_(document) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ == 2) error(position(mark), "a second document begins; only one is allowed");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { add(node(YamlNode::Kind::null, mark)); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    refuse(mark, "aliases (*name) are not supported; write the value out");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, const std::string& value) override {
    // "?" is a plain scalar, "!" a quoted one.
    if (!tag.empty() && tag != "?" && tag != "!") return refuse(mark, "tags (!name) are not supported; remove it");
    YamlNode scalar = node(YamlNode::Kind::scalar, mark);
    scalar.text = value;
    add(std::move(scalar));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
    open(node(YamlNode::Kind::list, mark));
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
    open(node(YamlNode::Kind::map, mark));
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    YamlNode node;
    std::optional<YamlMember> key;  // in a map: waits for its value
    bool keep = false;              // that key's value is wanted
  };

  static YamlNode node(YamlNode::Kind kind, const YAML::Mark& mark) {
    YamlNode made;
    made.kind = kind;
    made.at = position(mark);
    return made;
  }

  void error(YamlPosition at, std::string text) { document_.errors.push_back({at, std::move(text)}); }

  void refuse(const YAML::Mark& mark, std::string text) {
    if (documents_ == 1 && too_deep_ == 0 && nodes_ <= kMaxYamlNodes) error(position(mark), std::move(text));
    add(node(YamlNode::Kind::refused, mark));
  }

  void open(YamlNode made) {
    if (too_deep_ > 0 || open_.size() >= kMaxYamlDepth) {
      if (too_deep_++ == 0 && !told_deep_) {
        error(made.at, fmt::format("nested deeper than {} levels", kMaxYamlDepth));
        told_deep_ = true;
      }
      return;
    }
    open_.push_back({std::move(made), {}, false});
  }

  void close() {
    if (too_deep_ > 0) {
      if (--too_deep_ > 0) return;
      YamlNode refused;
      refused.kind = YamlNode::Kind::refused;
      return add(std::move(refused));
    }
    YamlNode done = std::move(open_.back().node);
    open_.pop_back();
    add(std::move(done));
  }

  void add(YamlNode made) {
    if (too_deep_ > 0 || documents_ != 1) return;
    if (++nodes_ > kMaxYamlNodes) {
      if (nodes_ == kMaxYamlNodes + 1)
        error(made.at, fmt::format("more than {} values; this is no configuration of ours", kMaxYamlNodes));
      return;
    }
    if (open_.empty()) {
      document_.root = std::move(made);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == YamlNode::Kind::list)
      parent.node.items.push_back(std::move(made));
    else if (!parent.key)
      take_key(parent, made);
    else
      take_value(parent, std::move(made));
  }

  void take_key(Open& parent, const YamlNode& key) {
    parent.key = YamlMember{key.text, key.at, {}};
    parent.keep = key.kind == YamlNode::Kind::scalar;
    if (!parent.keep && key.kind != YamlNode::Kind::refused) error(key.at, "expected a name as key");
    for (const YamlMember& member : parent.node.members) {
      if (!parent.keep || member.key != key.text) continue;
      error(key.at, fmt::format("key {} is given twice, first in line {}", quoted(key.text), member.at.line));
      parent.keep = false;
    }
  }

  static void take_value(Open& parent, YamlNode value) {
    parent.key->value = std::move(value);
    if (parent.keep) parent.node.members.push_back(std::move(*parent.key));
    parent.key.reset();
  }

  YamlDocument& document_;
  std::vector<Open> open_;
  std::size_t nodes_ = 0;
  std::size_t too_deep_ = 0;
  bool told_deep_ = false;
  int documents_ = 0;
};

}  // namespace

YamlDocument read_yaml(const std::string& text) {
  YamlDocument document;
  if (const std::size_t nul = text.find('\0'); nul != std::string::npos) {
    const int line =
        1 + static_cast<int>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(nul), '\n'));
    document.errors.push_back({{line, 1}, "not UTF-8 text: it holds a NUL byte"});
    return document;
  }
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    Builder builder(document);
    // A second document is read only as far as to say that it is there.
    for (int i = 0; i < 2 && parser.HandleNextDocument(builder); ++i) {
    }
  } catch (const YAML::Exception& error) {
    document.root.reset();
    document.errors.push_back({position(error.mark), "not valid YAML: " + harmless(error.msg, kMaxMessage)});
  } catch (const std::exception& error) {
    document.root.reset();
    document.errors.push_back({{}, "not valid YAML: " + harmless(error.what(), kMaxMessage)});
  }
  return document;
}

}  // namespace sidecar
