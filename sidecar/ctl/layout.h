#pragma once

// How text is laid out on a terminal: columns, cutting, colour. Pure.

#include <string>
#include <string_view>
#include <vector>

namespace sidecar {

struct Terminal {
  std::size_t width = 0;  // 0: no limit
  bool colour = false;
};

enum class Tone { plain, strong, good, bad, warning };

// In colour if there is any.
std::string toned(std::string_view text, Tone tone, const Terminal& terminal);

// Code points; what is wider or narrower than one column is not told apart.
std::size_t columns(std::string_view text);
// At most `width` code points, the last three "..." where something was cut off; 0: all of it.
std::string cut(std::string_view text, std::size_t width);

// Rows of cells, columns two blanks apart. A column is as wide as its widest cell; if the
// terminal is narrower, the columns in `flexible` give way, down to 8 each, then lines are cut.
// Columns in `right` are aligned to the right. Each line ends with a newline.
std::string table(const std::vector<std::vector<std::string>>& rows, const std::vector<std::size_t>& flexible,
                  const std::vector<std::size_t>& right, const Terminal& terminal);

}  // namespace sidecar
