#include "ctl/answer_text.h"

#include <fmt/format.h>

#include "ctl/fields.h"

namespace sidecar {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxLine = 1000;

}  // namespace

std::string reload_text(const json& answer) {
  std::string cautions;
  if (const json& all = field(answer, "cautions"); all.is_array())
    for (const json& caution : all) cautions += text(json{{"text", caution}}, "text", kMaxLine) + "\n";
  const json& changes = field(answer, "changes");
  if (!changes.is_array() || changes.empty()) return "reloaded; nothing has changed\n" + cautions;
  std::string applied, others;
  for (const json& change : changes)
    (text(change, "fate") == "applied" ? applied : others) += "  " + text(change, "text", kMaxLine) + "\n";
  std::string out = applied.empty() ? "reloaded; nothing of it is in force\n" : "reloaded; now in force:\n" + applied;
  if (!others.empty()) out += "not in force:\n" + others;
  return out + cautions;
}

std::string log_level_text(const json& answer) {
  return fmt::format("the log's level was {} and is {} until the next reload or restart\n", text(answer, "from", 20),
                     text(answer, "to", 20));
}

}  // namespace sidecar
