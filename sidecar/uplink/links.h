#pragma once

// Links decides to which collector there is a connection: it picks one of the list at random, lets what fails rest,
// and moves on.
//
//            start                   connected
//   (idle) ---------> looking -----------------------> linked ---+  another is connected: the present one
//                      ^  |  all rest: wait               |  ^   |  retires, its calls keep it
//                      +--+                               |  +---+
//                      ^        lost: within the spread   |
//                      +----------------------------------+
//
// While linked, another that refused us when it was last asked, or that comes in place of one that does, is asked by
// the dialect first (doubtful); the present one stays until it was accepted, so that a list that refuses us as a whole
// gets no more than one small call now and then.
//
// Looking is: pick an entry, ask for the addresses of its name, pick one, connect (link.h). While linked it looks for
// another one now and then (repick), when a caller is not content with the present one (leave), and when the
// credentials have changed (renew). One attempt is under way at a time.
//
// Owner: a dialect. Thread: loop; events come in a turn of their own. Knows no calls.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "uplink/address_list.h"
#include "uplink/credentials.h"
#include "uplink/link.h"
#include "uplink/options.h"
#include "uplink/resolver.h"

namespace sidecar {

class Links {
 public:
  enum class Event {
    ready,     // connected, and was not before; it may have refused us when it was last asked: refusal()
    doubtful,  // candidate() is connected; accept() or refuse() it
    moved,     // connected to another collector, or anew, without having been lost
    parted,    // was connected, and is not any more because the options do not want it
    lost,      // was connected and is not any more
    failed,    // an attempt failed while there is no connection
  };
  // `why` is for people, empty for ready, doubtful and moved.
  using Told = std::function<void(Event, const std::string& why)>;

  // The references outlive it.
  Links(const UplinkOptions& options, EventLoop& loop, CompletionThread& completions, Random& random,
        const Credentials& credentials, Told told);
  Links(const Links&) = delete;
  Links& operator=(const Links&) = delete;

  // Begins to look, once.
  void start();

  // Null: there is no connection.
  const std::shared_ptr<Link>& current() const { return current_; }
  // What the present one refused when it was last asked; none: nothing, or there is no connection.
  Trouble refusal() const { return current_ ? list_.refusal(current_->endpoint()) : Trouble::none; }
  // The attempt under way. Null: there is none.
  const std::shared_ptr<Link>& candidate() const { return candidate_; }
  // HOST:PORT as configured: in use, else tried now or last.
  const std::string& address() const { return address_; }

  // `link` does not do its job. If it is the present one, another is looked for, as they come out of their rest; it
  // stays until there is one.
  void leave(const Link& link, Trouble trouble, const std::string& why);
  // `link` does its job after all: if it is the present one, no other is looked for any more.
  void stay(const Link& link);
  // What was found out about one that was doubtful; nothing happens if it is the candidate no more. One that is
  // accepted becomes the present one (moved), one that is refused rests.
  void accept(const Link& link);
  void refuse(const Link& link, Trouble trouble, const std::string& why);
  // Another connection, to whichever address, with the credentials as they are now. The present one stays until there
  // is one, however long that takes.
  void renew();

  // The options are others than `before`, and maybe the credentials (`other_tls`). A connection that they do not want
  // any more, to a collector that is not in the list or without the TLS that it shall have, gets no more calls at once;
  // those under way keep it. Another way to connect is as renew(). After start().
  void apply(const UplinkOptions& before, bool other_tls);

  // The reasons of the rests may be gone: they end.
  void wake();
  // A shutdown has begun: what rests is tried at once, and from now on nothing rests longer than `longest`, nobody
  // waits for the spread, and an attempt has no longer than four times that.
  void hurry(Duration longest);

  // What is under way, in words for people, "connecting to oap:11800 (10.0.0.7:11800)"; empty: nothing. `since` when.
  std::string attempt(Tick& since) const;
  // One for each configured entry.
  std::vector<AddressList::Status> status() const;

  // How long an attempt to connect may take; where there is another address no longer than a call may stay
  // unanswered, but at least kLeastConnect, since hosts are far and busy.
  static constexpr Duration kMostConnect = std::chrono::seconds(10);
  static constexpr Duration kLeastConnect = std::chrono::seconds(1);

 private:
  // Not `avoid`. `anew`: names are resolved again, also where known addresses would do.
  void look(const std::string& avoid, bool anew);
  void on_addresses(std::size_t entry, Lookup::Answer answer, bool in_time);
  void connect(std::size_t entry);
  Duration connect_timeout(const Endpoint& endpoint) const;
  void on_link(const Link& link, Link::Event event, const std::string& why);
  void on_connected();
  void adopt();
  // The attempt under way leads nowhere any more.
  void abandon_attempt();
  // Away from the present one; its calls keep it.
  void part();
  // The present one is about to go: if it has done its job for long, its next failure is the first.
  void close_record();
  // The attempt under way has failed.
  void give_up(Trouble trouble, const std::string& why);
  void on_lost();
  void on_failed(const std::string& why);
  void wait();
  void plan_repick();
  // Where the next attempt does not lead; empty: anywhere.
  std::string avoided() const { return current_ && (left_ || !renewing_) ? current_->endpoint().address : ""; }

  const UplinkOptions& options_;
  EventLoop& loop_;
  CompletionThread& completions_;
  Random& random_;
  const Credentials& credentials_;
  const Told told_;
  AddressList list_;
  std::optional<Duration> hurry_;  // the longest wait, once time is short

  std::string address_;
  std::string avoid_;               // of the attempt under way
  std::string asked_;               // the name that the resolver is waited for with
  Tick attempt_since_{};            // of the same
  std::optional<Tick> well_since_;  // since when the present one does its job; unset: it does not
  bool left_ = false;               // the present one is to be replaced as soon as there is another
  bool renewing_ = false;           // by one with the credentials as they are now, be it to the same address
  bool doubtful_ = false;           // the candidate is connected, and is being asked
  Tick spread_until_{};             // a connection was lost: no attempt before
  std::unique_ptr<Timer> timer_;    // the next attempt, while there is no connection
  std::unique_ptr<Timer> repick_;   // the next attempt while there is one
  Resolver resolver_;
  std::shared_ptr<Link> candidate_;
  std::shared_ptr<Link> current_;
};

}  // namespace sidecar
