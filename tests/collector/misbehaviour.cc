#include "misbehaviour.h"

#include <charconv>
#include <iterator>

namespace sidecar {
namespace {

constexpr const char* kCodes[] = {
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};

constexpr std::pair<const char*, Fault> kFaults[] = {
    {"hang", Fault::hang},
    {"slow", Fault::slow},
    {"status", Fault::status},
    {"reset_stream", Fault::reset_stream},
    {"unimplemented", Fault::unimplemented},
    {"close", Fault::close},
    {"garbage", Fault::garbage},
    {"poison", Fault::poison},
    {"empty", Fault::empty},
    {"reversed", Fault::reversed},
    {"twice", Fault::twice},
    {"other_name", Fault::other_name},
    {"other_id", Fault::other_id},
};

bool parse_int(const std::string& text, int& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

bool parse_code(const std::string& text, int& code) {
  for (int i = 0; i < static_cast<int>(std::size(kCodes)); ++i)
    if (text == kCodes[i]) {
      code = i;
      return true;
    }
  return parse_int(text, code);
}

}  // namespace

Result<Misbehaviour> parse_misbehaviour(const std::map<std::string, std::string>& fields) {
  Misbehaviour result;
  bool has_fault = false;
  for (const auto& [name, value] : fields) {
    int number = 0;
    if (name == "fault") {
      for (const auto& [text, fault] : kFaults)
        if (value == text) {
          result.fault = fault;
          has_fault = true;
        }
    } else if (name == "method") {
      result.method = value;
    } else if (name == "times" && parse_int(value, number)) {
      result.times = number;
    } else if (name == "code" && parse_code(value, number)) {
      result.code = number;
    } else if (name == "message") {
      result.message = value;
    } else if (name == "delay_ms" && parse_int(value, number)) {
      result.delay = std::chrono::milliseconds(number);
    } else if (name == "key") {
      result.key = value;
    } else if (name == "value") {
      result.value = value;
    } else if (name == "keep") {
      result.keep = value == "true" || value == "1";
    } else {
      return fail(Errc::invalid_argument, "what is " + name + "=" + value + "?");
    }
  }
  if (!has_fault)
    return fail(Errc::invalid_argument,
                "fault must be one of hang, slow, status, reset_stream, unimplemented, close, garbage, poison, empty, "
                "reversed, twice, other_name, other_id, refuse, restart, none");
  if (int number = 0; result.fault == Fault::other_id && !parse_int(result.value, number))
    return fail(Errc::invalid_argument, "other_id needs a number as value");
  return result;
}

void MisbehaviourList::add(Misbehaviour misbehaviour) {
  const std::lock_guard lock(mutex_);
  list_.push_back(std::move(misbehaviour));
}

void MisbehaviourList::clear() {
  const std::lock_guard lock(mutex_);
  list_.clear();
}

bool MisbehaviourList::fits(const Misbehaviour& misbehaviour, const std::string& path) {
  const std::string& method = misbehaviour.method;
  return misbehaviour.times != 0 && (method.empty() || path == method || path.ends_with("/" + method));
}

std::string code_name(int code) {
  return code >= 0 && code < static_cast<int>(std::size(kCodes)) ? kCodes[code] : "UNKNOWN";
}

}  // namespace sidecar
