#include "ipc/shared.h"

namespace sidecar {

static_assert(__STDCPP_DEFAULT_NEW_ALIGNMENT__ >= 16, "the receive buffer's alignment");

void IpcShared::note(const Refusal& refusal, uid_t uid, pid_t pid) {
  const auto code = static_cast<std::size_t>(refusal.code);
  ++counters.refused[code];
  LogLimit& line = refusal_lines_[code];
  if (!line.pass(loop.now())) return;
  log_warning("client refused: {}: {} (uid {}, pid {}; {} more of this kind since the last line)",
              to_text(refusal.code), printable(refusal.message), uid, pid, line.suppressed());
}

void IpcShared::note_bad_record(const Agent& agent, std::uint64_t seq, const char* why) {
  ++counters.bad_records;
  if (!bad_record_lines_.pass(loop.now())) return;
  log_warning("segment {} of {} dropped: {} (uid {}, pid {}; {} more since the last line)", seq,
              printable(agent.identity.instance), why, agent.identity.uid, agent.identity.pid,
              bad_record_lines_.suppressed());
}

}  // namespace sidecar
