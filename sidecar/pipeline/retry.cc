#include "pipeline/retry.h"

namespace sidecar {
namespace {

Next refused(Tries& tries, std::size_t size, std::uint64_t ok_calls) {
  if (tries.refusals++ == 0) tries.ok_before = ok_calls;
  if (size > 1) return tries.suspected || tries.refusals >= kTries ? Next::bisect : Next::again;
  return tries.refusals >= kTries && ok_calls > tries.ok_before ? Next::drop : Next::step_back;
}

}  // namespace

Next decide(Tries& tries, Verdict verdict, std::size_t size, std::uint64_t ok_calls) {
  if (verdict == Verdict::delivered) return Next::settle;
  ++tries.failures;
  tries.unknown = verdict == Verdict::retry || verdict == Verdict::cancelled;
  switch (verdict) {
    case Verdict::hold_auth:
    case Verdict::wrong_server:
    case Verdict::next_spelling:
      return Next::hold;
    case Verdict::suspect:
      return refused(tries, size, ok_calls);
    default:
      return Next::again;
  }
}

Tries half() {
  Tries half;
  half.suspected = true;
  return half;
}

bool waits_for_witness(const Tries& tries, std::size_t size) { return size == 1 && tries.refusals > 0; }

}  // namespace sidecar
