#pragma once

// The one table of settings. Parsing, error messages, environment variables, the test of
// conf/sidecar.yaml and the one of the man page all read it; a setting exists when it has its
// row here.
//
// A key's texts are what an operator reads; its functions move values between text and Config.
// Pure; any thread.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/config.h"

namespace sidecar {

// Variables of this prefix are checked: one that is unknown is an error.
inline constexpr std::string_view kVariablePrefix = "SW_SIDECAR_";

struct Key {
  std::string path;      // "carrier.channels"
  std::string expected;  // what a value must be: "an integer from 1 to 256"
  std::string sentence;  // what it is for
  bool list = false;
  bool required = false;

  // Checks one value (of a list: one more item) and puts it into the config. The error is a sentence.
  std::function<Result<void>(Config&, const std::string&)> set;
  // Empties a list before its items are set; null for others.
  std::function<void(Config&)> clear;
  // The value in the spelling that set() reads; items of a list separated by commas.
  std::function<std::string(const Config&)> show;
  // The items of a list, each in the spelling that set() reads; null for others.
  std::function<std::vector<std::string>(const Config&)> items;

  // "SW_SIDECAR_CARRIER_CHANNELS"
  std::string variable() const;
  std::string default_value() const;
};

// In the order of conf/sidecar.yaml.
const std::vector<Key>& config_keys();

// Null: there is none.
const Key* find_key(const std::string& path);

// What holds between two settings: `path` is named if it is broken.
struct Relation {
  std::string path;
  std::string other;
  std::string expected;
  std::function<bool(const Config&)> holds;
};
const std::vector<Relation>& config_relations();

// Whether Kubernetes sets this variable in every container beside a Service named sw-sidecar: nobody's setting.
bool is_service_link(const std::string& variable);

}  // namespace sidecar
