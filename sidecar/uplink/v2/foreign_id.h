#pragma once

// Ids of other agents, which came as text, as the three numbers that generations v1 and v2 carry. Text that is three
// numbers is these; any other is mapped by a hash that never changes, so that all hosts and releases map one
// trace to one. Pure.

#include <segment_generated.h>

#include <optional>
#include <string_view>

namespace sidecar::v2 {

// The id that `text` says in full: "1.-2.3", each an int64 as it is usually written, so that nothing of the text is
// lost.
std::optional<fbs::Id> three_numbers(std::string_view text);

// Three positive numbers for any text. Not secret, not collision-free against somebody who tries.
fbs::Id mapped(std::string_view text);

}  // namespace sidecar::v2
