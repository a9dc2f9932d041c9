#pragma once

// IgnoreFilter knows which segments are not to be traced although their application sent them: it had not heard of the
// rules when they began, as it never waits for CONFIG. The rules are compared by the shim's own code.
//
// Owner: IpcShared. Immutable; thread: loop.

#include <sidecar/detail/ignore_rules.h>

#include <cstdint>
#include <memory>
#include <span>

#include "ipc/options.h"

namespace sidecar {

class IgnoreFilter {
 public:
  // Without rules.
  IgnoreFilter() = default;
  // Within the limits of protocol.h.
  void set(const IgnoreRules& rules) {
    rules_ = std::make_unique<detail::IgnoreRules>();  // the shim's own can be replaced a few times only
    rules_->replace(rules.suffixes, rules.patterns);
  }

  // Whether the operation of this segment's root is ignored: of the first span without a parent in it. `record` has
  // been verified. Allocates nothing.
  bool matches(std::span<const std::uint8_t> record) const;

 private:
  std::unique_ptr<detail::IgnoreRules> rules_;  // null: none
};

}  // namespace sidecar
