#include "ipc/connection.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/process.h"
#include "ipc/control_reader.h"
#include "ipc/look_interval.h"
#include "ipc/record_reader.h"
#include "ipc/segment_verifier.h"

namespace sidecar {

using namespace ipc_protocol;

Connection::Connection(std::uint64_t id, ScopedFd socket, Peer peer, IpcShared& shared, SessionClaims& claims)
    : id_(id), socket_(std::move(socket)), peer_(std::move(peer)), shared_(shared), claims_(claims) {}

Connection::~Connection() {
  if (!agent_) return;
  agent_->connected = false;
  agent_->disconnected_at = shared_.loop.now();
}

Connection::Progress Connection::serve() {
  if (ended_) return Progress::ended;
  if (waiting_hello_) {
    if (const Progress progress = admit(); progress != Progress::idle) return progress;
  }
  std::size_t bytes = 0;
  for (unsigned frames = 0; frames < kTurnFrames && bytes < kTurnBytes; ++frames) {
    if (agent_ && !shared_.sink.has_room(*agent_)) return Progress::blocked;
    const Received received = socket_.receive(shared_.buffer());
    if (received.kind == Received::Kind::none) return Progress::idle;
    bytes += received.bytes.size();
    found_ += buffer_charge(received.bytes.size());
    if (const Progress progress = handle(received); progress != Progress::idle) return progress;
  }
  return Progress::more;
}

// Progress::idle of what follows means: go on.
Connection::Progress Connection::handle(const Received& received) {
  shared_.counters.closed_descriptors += received.closed;
  switch (received.kind) {
    case Received::Kind::end:
      end();
      return Progress::ended;
    case Received::Kind::descriptors:
      return refused(RejectCode::bad_frame, "descriptors came along with a frame");
    case Received::Kind::oversize:
      return refused(RejectCode::bad_frame, "longer than a frame may be");
    case Received::Kind::none:
    case Received::Kind::datagram:
      break;
  }
  ++shared_.counters.frames;
  shared_.counters.bytes += received.bytes.size();
  // Frames stay in order, so none that was sent before we asked comes after one that has its sender.
  if (received.sender != 0) unnamed_senders_ = false;
  if (received.sender != peer_.pid && !unnamed_senders_)
    return refused(RejectCode::inherited,
                   fmt::format("a frame of process {} on the connection of process {}", received.sender, peer_.pid));
  const DecodedFrame decoded = decode_frame(received.bytes);
  if (decoded.verdict == DecodedFrame::Verdict::refuse) return refused(decoded.code, decoded.why);
  const bool is_hello = decoded.verdict == DecodedFrame::Verdict::frame && decoded.frame.type == FrameType::hello;
  if (!agent_ && !is_hello) return refused(RejectCode::bad_hello, "the first frame is not HELLO");
  if (decoded.verdict == DecodedFrame::Verdict::skip) {
    ++shared_.counters.skipped_frames;
    return Progress::idle;
  }
  return handle(decoded.frame);
}

Connection::Progress Connection::handle(const Frame& frame) {
  switch (frame.type) {
    case FrameType::hello: {
      if (agent_ && hellos_asked_ == 0) return refused(RejectCode::identity_changed, "HELLO again without being asked");
      auto hello = read_hello(frame.payload);
      if (!hello) return refused(hello.error().code, std::move(hello.error().message));
      waiting_hello_ = std::move(*hello);
      return admit();
    }
    case FrameType::segments:
      return take_segments(frame);
    case FrameType::stats:
      return take_stats(frame);
    case FrameType::bye:
      return take_bye(frame);
    case FrameType::probe_reply:
      if (read_control<fbs::ProbeReply>(frame.payload) == nullptr)
        return refused(RejectCode::bad_frame, "PROBE_REPLY does not verify");
      ++shared_.counters.probe_replies;
      return Progress::idle;
    default:
      return refused(RejectCode::bad_frame, "a frame that a client does not send");
  }
}

// --- HELLO ------------------------------------------------------------------

Connection::Progress Connection::admit() {
  AgentIdentity& identity = waiting_hello_->identity;
  identity.uid = peer_.uid;
  identity.pid = peer_.pid;
  if (!agent_) identity.start_ticks = start_ticks_of(peer_.pid, peer_.process.get());
  AgentPtr agent = shared_.agents.find(identity.key);
  const bool known = agent != nullptr;
  if ((agent_ && agent != agent_) || (known && !is_same(*agent, identity)))
    return refused(RejectCode::identity_changed, "the session is known with another identity");
  if (!agent_ && shared_.settings.draining)
    return refused(RejectCode::shutting_down, "the sidecar is stopping", shared_.settings.draining->reconnect_after);
  if (!agent_ && known && agent->connected && !claims_.claim(*agent, *this)) return Progress::blocked;

  const Hello hello = *std::exchange(waiting_hello_, std::nullopt);
  const Tick now = shared_.loop.now();
  if (known) agent->ledger.pass(hello.oldest_seq - 1);
  if (!known) agent = shared_.agents.add(hello.identity, hello.wanted_slot, hello.oldest_seq - 1, now);
  agent->client.created = hello.created;
  agent->client.dropped = hello.dropped;
  agent->said_bye = false;
  if (hellos_asked_ > 0) --hellos_asked_;
  if (!agent_) {
    agent->connected = true;
    agent->connected_at = now;
    agent_ = std::move(agent);
    shared_.listener.on_agent_connected(agent_, std::move(peer_.process));
  }
  welcome(hello, known);
  return Progress::idle;
}

bool Connection::resume(AgentPtr agent) {
  if (agent->connected || peer_.uid != agent->identity.uid || peer_.pid != agent->identity.pid) return false;
  agent->connected = true;
  agent->connected_at = shared_.loop.now();
  agent_ = std::move(agent);
  resumed_ = true;
  shared_.listener.on_agent_connected(agent_, std::move(peer_.process));
  ask_hello_again();
  hellos_asked_ = kMaxHellosLeft;
  return true;
}

// Who presents a key must be who presented it first: it is no secret within one user, and a
// fork or another program that got hold of it would mix two processes into one.
bool Connection::is_same(const Agent& agent, const AgentIdentity& claimed) const {
  const AgentIdentity& own = agent.identity;
  // By what it said, not by the names in force, which may be cut.
  const bool same_instance = claimed.instance == own.said.instance || claimed.instance == own.instance;
  return claimed.uid == own.uid && claimed.pid == own.pid && claimed.service == own.said.service && same_instance &&
         claimed.layer == own.layer;
}

void Connection::welcome(const Hello& hello, bool known) {
  resumed_ = false;
  page_.reset();
  if ((hello.capabilities & kCapPage) != 0) {
    if (auto page = Page::create(shared_.sidecar_epoch)) {
      page_.emplace(std::move(*page));
    } else {
      ++shared_.counters.no_page;  // it gets ACK instead
    }
  }
  WelcomeFields fields;
  fields.protocol = hello.protocol;
  fields.capabilities = page_ ? hello.capabilities : hello.capabilities & ~std::uint64_t{kCapPage};
  fields.sidecar_epoch = shared_.sidecar_epoch;
  fields.known = known;
  fields.accepted = told_accepted_ = agent_->ledger.accepted();
  fields.settled = told_settled_ = agent_->ledger.settled();
  fields.instance = agent_->identity.instance;
  fields.slot = agent_->identity.slot;
  fields.sampling = shared_.settings.sampling;
  fields.enabled = shared_.settings.enabled;
  fields.peer_uid = peer_.uid;
  fields.peer_pid = static_cast<std::uint32_t>(peer_.pid);
  fields.upstream = shared_.settings.upstream;
  fields.service = agent_->identity.service;
  fields.peer_prefix = shared_.settings.peer_prefix;
  if (page_) {
    page_->set_slot(agent_->identity.slot);
    page_->set_marks(told_accepted_, told_settled_);
    page_->set_frames_written(frames_written_ + 1);
    write_settings();
    write_beat();
  }
  ++shared_.counters.welcomed;
  // A program that ended at once does not get it, and what it sent is read all the same.
  send(welcome_frame(fields), page_ ? page_->client_fd() : -1);
  if (page_) page_->drop_client_fd();
  send_config();  // without rules too: the client may have those of another sidecar
}

// --- What an agent sends ----------------------------------------------------

Connection::Progress Connection::take_segments(const Frame& frame) {
  const auto records = split_records(frame.payload, frame.header.count);
  if (!records) return refused(RejectCode::bad_frame, "the records of a frame do not fill it");
  const Tick now = shared_.loop.now();
  bool any_fresh = false;
  for (unsigned i = 0; i < frame.header.count; ++i) {
    const std::uint64_t seq = frame.header.first_seq + i;
    const Ledger::Receipt receipt = agent_->ledger.receive(seq);
    if (receipt == Ledger::Receipt::duplicate) continue;
    if (receipt == Ledger::Receipt::scattered)
      return refused(RejectCode::replay_needed, "sequence numbers too scattered");
    any_fresh = true;
    const SegmentVerdict verdict = verify_segment((*records)[i]);
    if (verdict.fault == SegmentFault::none) {
      if (shared_.ignored.matches((*records)[i]))
        agent_->ledger.drop(seq, DropReason::ignored);
      else
        shared_.sink.take(Record(RecordKind::segment, agent_, seq, now, (*records)[i], verdict.id));
      continue;
    }
    agent_->ledger.drop(seq, DropReason::malformed);
    shared_.note_bad_record(*agent_, seq, to_text(verdict.fault));
    if (too_many_bad_records())
      return refused(
          RejectCode::too_many_bad_records,
          fmt::format("{} segments that do not verify, the last one: {}", kMaxBadRecords, to_text(verdict.fault)),
          kBadRecordPeriod);
  }
  agent_->last_record_at = now;
  // A frame sent again says again what was lost before it.
  if (any_fresh) agent_->client.lost_before += frame.header.lost_before;
  return Progress::idle;
}

bool Connection::too_many_bad_records() {
  const Tick now = shared_.loop.now();
  if (bad_records_ == 0 || now - bad_since_ >= kBadRecordPeriod) {
    bad_records_ = 0;
    bad_since_ = now;
  }
  return ++bad_records_ >= kMaxBadRecords;
}

Connection::Progress Connection::take_stats(const Frame& frame) {
  const auto* const stats = read_control<fbs::ClientStats>(frame.payload);
  if (stats == nullptr) return refused(RejectCode::bad_frame, "STATS does not verify");
  agent_->client.created = stats->created();
  agent_->client.dropped = dropped_in_all(stats->drops());
  agent_->client.waiting = stats->waiting();
  agent_->client.blocked = stats->send_blocked();
  return Progress::idle;
}

Connection::Progress Connection::take_bye(const Frame& frame) {
  const auto* const bye = read_control<fbs::Bye>(frame.payload);
  if (bye == nullptr) return refused(RejectCode::bad_frame, "BYE does not verify");
  agent_->client.created = bye->created();
  agent_->client.dropped = dropped_in_all(bye->drops());
  agent_->said_bye = true;
  return Progress::idle;
}

// --- The end ----------------------------------------------------------------

void Connection::refuse(Refusal refusal) {
  if (ended_) return;
  shared_.note(refusal, peer_.uid, peer_.pid);
  send(reject_frame(refusal));
  socket_.shut_down();
  end();
}

Connection::Progress Connection::refused(RejectCode code, std::string message, Duration retry_after) {
  refuse(Refusal{code, std::move(message), retry_after});
  return Progress::ended;
}

void Connection::end() {
  if (ended_) return;
  ended_ = true;
  waiting_hello_.reset();
  if (!agent_) return;
  write_marks();  // the client may still look at its page
  const AgentPtr agent = std::exchange(agent_, nullptr);
  agent->connected = false;
  agent->disconnected_at = shared_.loop.now();
  shared_.listener.on_agent_disconnected(agent);
}

// --- What the sidecar says --------------------------------------------------

void Connection::ask_hello_again() {
  if (!agent_) return;
  hellos_asked_ = std::max(hellos_asked_, 1u);
  send(rehello_frame(shared_.sidecar_epoch));
}

void Connection::send_config() {
  if (!agent_ || resumed_) return;  // it follows WELCOME
  config_owed_ = !send(shared_.settings.config);
}

void Connection::send_drain() {
  if (agent_ && shared_.settings.draining && !stays_open_) send(drain_frame(*shared_.settings.draining));
}

bool Connection::send(const FrameBytes& frame, int with_fd) {
  if (try_to_send(frame, with_fd)) return true;
  ++shared_.counters.unsent;
  return false;
}

bool Connection::try_to_send(const FrameBytes& frame, int with_fd) {
  if (!socket_.send(frame, with_fd)) return false;
  ++frames_written_;
  if (page_) page_->set_frames_written(frames_written_);
  return true;
}

void Connection::write_beat() {
  if (page_) page_->set_beat(shared_.loop.now());
  if (config_owed_ && !ended_) config_owed_ = !try_to_send(shared_.settings.config);
}

void Connection::write_settings() {
  if (!page_) return;
  page_->set_sampling(shared_.settings.sampling);
  const std::uint64_t hidden = stays_open_ ? std::uint64_t{kPageDraining} : 0;
  page_->set_flags(shared_.settings.page_flags() & ~hidden);
  page_->set_upstream(shared_.settings.upstream);
}

bool Connection::write_marks() {
  if (!agent_) return false;
  const std::uint64_t accepted = agent_->ledger.accepted();
  const std::uint64_t settled = agent_->ledger.settled();
  if (resumed_) return false;  // WELCOME will tell
  if (accepted != told_accepted_ || settled != told_settled_) {
    bool told = true;
    if (page_) {
      page_->set_marks(accepted, settled);
    } else {
      told = !ended_ && send(ack_frame(accepted, settled));
    }
    if (!told) return true;
    told_accepted_ = accepted;
    told_settled_ = settled;
  }
  return settled < accepted;
}

}  // namespace sidecar
