#include "ipc/shared.h"

namespace sidecar {

static_assert(__STDCPP_DEFAULT_NEW_ALIGNMENT__ >= 16, "the receive buffer's alignment");

void IpcShared::note(const Refusal& refusal, uid_t uid, pid_t pid) {
  const auto code = static_cast<std::size_t>(refusal.code);
  ++counters.refused[code];
  LogLimit& line = refusal_lines_[code];
  if (!line.pass(loop.now())) return;
  log_warning({.reason = to_text(refusal.code), .pid = pid, .uid = uid}, "client refused: {}: {} (uid {}, pid {}){}",
              to_text(refusal.code), printable(refusal.message), uid, pid, line.suffix());
}

void IpcShared::note_bad_record(const Agent& agent, std::uint64_t seq, const char* why) {
  ++counters.bad_records;
  if (!bad_record_lines_.pass(loop.now())) return;
  const AgentIdentity& who = agent.identity;
  log_warning({.service = who.service,
               .instance = who.instance,
               .reason = to_text(DropReason::malformed),
               .pid = who.pid,
               .uid = who.uid},
              "segment {} of {} dropped: {} (uid {}, pid {}){}", seq, printable(who.instance), why, who.uid, who.pid,
              bad_record_lines_.suffix());
}

}  // namespace sidecar
