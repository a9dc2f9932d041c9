#include "ctl/layout.h"

#include <algorithm>

namespace sidecar {
namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kLeast = 8;

bool begins_code_point(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

bool has(const std::vector<std::size_t>& list, std::size_t i) {
  return std::find(list.begin(), list.end(), i) != list.end();
}

std::vector<std::size_t> widths_of(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    if (widths.size() < row.size()) widths.resize(row.size());
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], columns(row[i]));
  }
  return widths;
}

// Takes from the widest flexible column until the rows fit.
void give_way(std::vector<std::size_t>& widths, const std::vector<std::size_t>& flexible, std::size_t available) {
  std::size_t total = 0;
  for (const std::size_t width : widths) total += width + kGap;
  while (total > available + kGap) {
    std::size_t* widest = nullptr;
    for (const std::size_t i : flexible)
      if (i < widths.size() && widths[i] > kLeast && (widest == nullptr || widths[i] > *widest)) widest = &widths[i];
    if (widest == nullptr) return;
    --*widest;
    --total;
  }
}

}  // namespace

std::string toned(std::string_view text, Tone tone, const Terminal& terminal) {
  if (!terminal.colour || tone == Tone::plain) return std::string(text);
  const char* const code = tone == Tone::strong ? "\x1b[1m"
                           : tone == Tone::good ? "\x1b[32m"
                           : tone == Tone::bad  ? "\x1b[31m"
                                                : "\x1b[33m";
  return code + std::string(text) + "\x1b[0m";
}

std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), begins_code_point));
}

std::string cut(std::string_view text, std::size_t width) {
  if (width == 0 || columns(text) <= width) return std::string(text);
  const std::size_t dots = std::min<std::size_t>(3, width);
  std::size_t left = width - dots;
  std::size_t end = 0;
  while (end < text.size() && (!begins_code_point(text[end]) || left > 0)) {
    if (begins_code_point(text[end])) --left;
    ++end;
  }
  return std::string(text.substr(0, end)) + std::string(dots, '.');
}

std::string table(const std::vector<std::vector<std::string>>& rows, const std::vector<std::size_t>& flexible,
                  const std::vector<std::size_t>& right, const Terminal& terminal) {
  std::vector<std::size_t> widths = widths_of(rows);
  if (terminal.width > 0) give_way(widths, flexible, terminal.width);
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string cell = cut(row[i], widths[i]);
      const std::string blanks(widths[i] - columns(cell), ' ');
      line += (i == 0 ? "" : std::string(kGap, ' ')) + (has(right, i) ? blanks + cell : cell + blanks);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += cut(line, terminal.width) + "\n";
  }
  return out;
}

}  // namespace sidecar
