#pragma once

// Environment is a copy of the process's environment variables, taken once at the start, so
// that configuration is a pure function of a file and this value. Nothing else in the
// daemon's modules reads the environment. Value type.

#include <map>
#include <string>

namespace sidecar {

class Environment {
 public:
  Environment() = default;
  explicit Environment(std::map<std::string, std::string> variables) : variables_(std::move(variables)) {}

  // That of this process. Before any thread is started.
  static Environment read();

  // Null: not set. Lives as long as this object.
  const std::string* find(const std::string& name) const {
    const auto found = variables_.find(name);
    return found == variables_.end() ? nullptr : &found->second;
  }
  const std::map<std::string, std::string>& all() const { return variables_; }

 private:
  std::map<std::string, std::string> variables_;
};

}  // namespace sidecar
