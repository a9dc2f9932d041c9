#pragma once

// Connection is one shim on the socket, from accept to its end: it says HELLO,
// becomes an agent, and its segments go to the sink.
//
// It reads only when told, a bounded number of datagrams at a time, and only
// while the sink has room: what is not read stays in the kernel's queue, and when
// that is full, with the client. It ends when the client has closed and
// everything it sent has been read, or by a refusal; then only its destruction
// is left.
//
// Owner: Server. Thread: loop.

#include <cstdint>
#include <optional>
#include <utility>

#include "ipc/frame_decoder.h"
#include "ipc/frame_socket.h"
#include "ipc/hello_reader.h"
#include "ipc/page.h"
#include "ipc/peer.h"
#include "ipc/shared.h"

namespace sidecar {

class Connection;

// Who settles which of two connections of the same session stays.
class SessionClaims {
 public:
  virtual ~SessionClaims() = default;
  // `by` says HELLO for `agent`, which has a connection. True: that one has been
  // read empty and ended. False: it cannot be read now; `by` waits.
  virtual bool claim(const Agent& agent, const Connection& by) = 0;
};

class Connection {
 public:
  enum class Progress {
    idle,     // the socket is empty
    more,     // the turn's share is used up
    blocked,  // the sink has no room, or an older connection of the session must be read first
    ended,
  };

  // What one connection may take of a turn, so that a busy client does not hold up the others.
  static constexpr unsigned kTurnFrames = 16;
  static constexpr std::size_t kTurnBytes = 256 * 1024;
  // So many records that do not verify, in this time, are no accident.
  static constexpr unsigned kMaxBadRecords = 16;
  static constexpr Duration kBadRecordPeriod = std::chrono::minutes(1);
  // Answers to predecessors that died before they read them, and to us.
  static constexpr unsigned kMaxHellosLeft = 16;

  Connection(std::uint64_t id, ScopedFd socket, Peer peer, IpcShared& shared, SessionClaims& claims);
  // A session still open is left without a word to the listener: its socket was not read empty.
  ~Connection();

  std::uint64_t id() const { return id_; }
  int fd() const { return socket_.fd(); }
  uid_t uid() const { return peer_.uid; }
  // What the datagrams read since this was asked last had taken of the client's send buffer, about.
  std::size_t take_found() { return std::exchange(found_, 0); }
  // Null before HELLO and after the end.
  const Agent* agent() const { return agent_.get(); }
  // Whether it has said HELLO, which may still wait for an older connection of its session.
  bool said_hello() const { return agent_ != nullptr || waiting_hello_.has_value(); }

  // Lets frames of unnamed senders pass until one with a name has come; see ask_for_senders().
  void allow_unnamed_senders() { unnamed_senders_ = true; }

  // Goes on for a predecessor that had said WELCOME: it is `agent`'s, who has no other connection, and HELLO is asked
  // for again. Until that comes the client is told nothing else. False: it is not this process's, and stays as it was.
  bool resume(AgentPtr agent);

  // Reads and handles at most the turn's share.
  Progress serve();

  // Reads what was sent so far and then ends: its session has another connection.
  void take_no_more() { socket_.take_no_more(); }
  // Sends REJECT and ends.
  void refuse(Refusal refusal);
  // Ends as if the client had closed.
  void end();

  // Asks for HELLO again; only then is a second one legal.
  void ask_hello_again();
  // It outlives us: the client is not told that we stop.
  void stay_open() { stays_open_ = true; }
  // Tells CONFIG; if the client's queue has no place for it now, with a later beat.
  void send_config();
  // Tells DRAIN; the page's flag is write_settings()'s.
  void send_drain();

  // Brings the page up to date, and tells what could not be told before. Cheap.
  void write_beat();
  void write_settings();
  // Also for clients without a page, which get ACK. True while it must be called again
  // without anything arriving: more is accepted than settled, or could not be told.
  bool write_marks();

 private:
  Progress handle(const Received& received);
  Progress handle(const Frame& frame);
  Progress admit();
  Progress take_segments(const Frame& frame);
  Progress take_stats(const Frame& frame);
  Progress take_bye(const Frame& frame);
  Progress refused(ipc_protocol::RejectCode code, std::string message, Duration retry_after = Duration::zero());
  bool is_same(const Agent& agent, const AgentIdentity& claimed) const;
  bool too_many_bad_records();
  void welcome(const Hello& hello, bool known);
  bool send(const FrameBytes& frame, int with_fd = -1);
  bool try_to_send(const FrameBytes& frame, int with_fd = -1);

  const std::uint64_t id_;
  FrameSocket socket_;
  Peer peer_;
  IpcShared& shared_;
  SessionClaims& claims_;
  AgentPtr agent_;
  std::optional<Hello> waiting_hello_;  // read, but an older connection of the session comes first
  std::optional<Page> page_;
  std::uint64_t frames_written_ = 0;
  std::uint64_t told_accepted_ = 0;
  std::uint64_t told_settled_ = 0;
  unsigned bad_records_ = 0;  // since bad_since_
  Tick bad_since_{};
  std::size_t found_ = 0;
  bool stays_open_ = false;
  bool unnamed_senders_ = false;
  bool resumed_ = false;       // and HELLO has not come yet
  unsigned hellos_asked_ = 0;  // and not answered yet
  bool config_owed_ = false;
  bool ended_ = false;
};

}  // namespace sidecar
