#include "uplink/outcome.h"

#include <array>

namespace sidecar {
namespace {

struct Row {
  std::string_view name;
  Verdict verdict;
};

// By gRPC status code. What is not here is the server's fault or ours, nobody can
// tell which: only trying again, and in the end alone, can.
constexpr std::array<Row, 17> kTable = {{
    {"OK", Verdict::delivered},
    {"CANCELLED", Verdict::suspect},  // RST_STREAM: a real one's answer to a message that is too large
    {"UNKNOWN", Verdict::suspect},    // an exception there: text that is not UTF-8, for one
    {"INVALID_ARGUMENT", Verdict::suspect},
    {"DEADLINE_EXCEEDED", Verdict::retry},
    {"NOT_FOUND", Verdict::suspect},
    {"ALREADY_EXISTS", Verdict::suspect},
    {"PERMISSION_DENIED", Verdict::hold_auth},
    {"RESOURCE_EXHAUSTED", Verdict::back_off},
    {"FAILED_PRECONDITION", Verdict::suspect},
    {"ABORTED", Verdict::suspect},
    {"OUT_OF_RANGE", Verdict::suspect},
    {"UNIMPLEMENTED", Verdict::next_spelling},
    {"INTERNAL", Verdict::suspect},
    {"UNAVAILABLE", Verdict::retry},
    {"DATA_LOSS", Verdict::suspect},
    {"UNAUTHENTICATED", Verdict::hold_auth},
}};

constexpr const Row& row(int code) {
  constexpr int kUnknown = 2;
  return kTable[static_cast<std::size_t>(code >= 0 && code < static_cast<int>(kTable.size()) ? code : kUnknown)];
}

}  // namespace

Verdict verdict_of(int code, bool ours) { return ours ? Verdict::cancelled : row(code).verdict; }

bool blames_content(int code) {
  constexpr int kInvalidArgument = 3, kOutOfRange = 11;
  return code == kInvalidArgument || code == kOutOfRange;
}

std::string_view status_name(int code) { return row(code).name; }

std::string_view to_text(Verdict verdict) {
  switch (verdict) {
    case Verdict::delivered:
      return "delivered";
    case Verdict::retry:
      return "retry";
    case Verdict::back_off:
      return "back off";
    case Verdict::hold_auth:
      return "not authenticated";
    case Verdict::wrong_server:
      return "wrong server";
    case Verdict::next_spelling:
      return "next spelling";
    case Verdict::suspect:
      return "refused";
    case Verdict::cancelled:
      return "cancelled";
  }
  return "?";
}

}  // namespace sidecar
