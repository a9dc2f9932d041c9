#include "pipeline/retry.h"

namespace sidecar {
namespace {

Next refused(Tries& tries, std::size_t size, std::uint64_t ok_calls) {
  if (tries.refusals++ == 0 && !(tries.suspected && size > 1)) tries.ok_before = ok_calls;
  const bool others_succeed = ok_calls > tries.ok_before;
  const unsigned needed = tries.suspected && size > 1 ? 1 : kTries;
  if (tries.refusals < needed || !others_succeed) return Next::again;
  return size > 1 ? Next::bisect : Next::drop;
}

}  // namespace

Next decide(Tries& tries, Verdict verdict, std::size_t size, std::uint64_t ok_calls) {
  if (verdict == Verdict::delivered) return Next::settle;
  ++tries.failures;
  tries.unknown = verdict == Verdict::retry || verdict == Verdict::cancelled;
  switch (verdict) {
    case Verdict::hold_auth:
    case Verdict::wrong_server:
    case Verdict::next_spelling: return Next::hold;
    case Verdict::suspect: return refused(tries, size, ok_calls);
    default: return Next::again;
  }
}

Tries half_of(const Tries& whole, std::size_t size) {
  Tries half;
  half.suspected = true;
  // What is still a batch inherits the evidence; a single segment needs its own.
  if (size > 1) half.ok_before = whole.ok_before;
  return half;
}

}  // namespace sidecar
