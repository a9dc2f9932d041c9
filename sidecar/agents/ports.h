#pragma once

// The ports at which the stages meet without knowing each other. Each is an
// interface named after a role; lifecycle/daemon.cc ties them together.
// Everything is called on the loop thread.

#include "agents/agent.h"
#include "agents/record.h"
#include "base/scoped_fd.h"

namespace sidecar {

// Where arrivals go: from ipc to the carrier.
class RecordSink {
 public:
  virtual ~RecordSink() = default;

  // Whether one more frame of `agent` may be read. False is back-pressure: the
  // connection stops reading until on_room() of its RoomListener. Constant time.
  virtual bool has_room(const Agent& agent) const = 0;

  // Takes the record over: it is held, or dropped in the ledger of its agent. The
  // caller has already called Ledger::receive.
  virtual void take(Record record) = 0;
};

// Who wants to know that a full place may have room again: from carrier to ipc.
class RoomListener {
 public:
  virtual ~RoomListener() = default;
  virtual void on_room() = 0;
};

// Who comes and goes: from ipc to the sessions.
class AgentListener {
 public:
  virtual ~AgentListener() = default;

  // HELLO was accepted, for the first time or again after a reconnect.
  // `process` is a pidfd of the peer, readable when it has died; empty where the
  // kernel gave none.
  virtual void on_agent_connected(const AgentPtr& agent, ScopedFd process) = 0;

  // The connection has ended and everything that was queued on it has been read.
  // agent->said_bye tells whether it took its leave.
  virtual void on_agent_disconnected(const AgentPtr& agent) = 0;
};

}  // namespace sidecar
