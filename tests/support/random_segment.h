#pragma once

// Makes segments from a source of numbers: every field set or not, at its edges or
// in between, text also broken. For comparing encoders and for fuzzing them.

#include <segment_generated.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace sidecar {

// Each call answers the next number; the same numbers make the same segment.
using NumberSource = std::function<std::uint64_t()>;

// A size-prefixed flatbuffer, made by flatc's builder. `max_spans` >= 0.
std::vector<std::uint8_t> make_random_segment(const NumberSource& next, std::size_t max_spans = 8);

// Text of any length up to about `max`: ASCII, UTF-8 of all lengths, parts of URLs, or broken.
std::string make_random_text(const NumberSource& next, std::size_t max = 40);

}  // namespace sidecar
