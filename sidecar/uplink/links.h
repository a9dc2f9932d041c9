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
// Looking is: pick an entry, ask for the addresses of its name, pick one, connect (link.h). While linked it looks for
// another one now and then (repick), when a caller is not content with the present one (leave), and when the
// credentials have changed (renew). One attempt is under way at a time.
//
// Owner: a dialect. Thread: loop; events come in a turn of their own. Knows no calls.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "uplink/address_list.h"
#include "uplink/credentials.h"
#include "uplink/link.h"
#include "uplink/options.h"

namespace sidecar {

class Links {
 public:
  enum class Event {
    ready,   // connected, and was not before
    moved,   // connected to another collector, or anew, without having been lost
    lost,    // was connected and is not any more
    failed,  // an attempt failed while there is no connection
  };
  // `why` is for people, empty for ready and moved.
  using Told = std::function<void(Event, const std::string& why)>;

  // The references outlive it.
  Links(const UplinkOptions& options, EventLoop& loop, CompletionThread& completions, Random& random,
        const Credentials& credentials, Told told);
  Links(const Links&) = delete;
  Links& operator=(const Links&) = delete;

  // Begins to look, once.
  void start();

  // Null: there is no connection.
  const std::shared_ptr<GrpcLink>& current() const { return current_; }
  // HOST:PORT as configured: in use, else tried now or last.
  const std::string& address() const { return address_; }

  // `link` does not do its job. If it is the present one, another is looked for, as they come out of their rest; it
  // stays until there is one.
  void leave(const GrpcLink& link, Trouble trouble, const std::string& why);
  // `link` does its job after all: if it is the present one, no other is looked for any more.
  void stay(const GrpcLink& link);
  // Another connection, to whichever address, with the credentials as they are now.
  void renew();

  // Does not wait for the spread any more: time is short.
  void hurry();

  // One for each configured entry.
  std::vector<AddressList::Status> status() const;

  // How long the resolver may take.
  static constexpr Duration kLookupTimeout = std::chrono::seconds(10);

 private:
  // Not `avoid`. `anew`: names are resolved again, also where known addresses would do.
  void look(const std::string& avoid, bool anew);
  void on_addresses(std::size_t entry, Lookup::Answer answer);
  void connect(std::size_t entry);
  void on_link(Link::Event event, const std::string& why);
  void adopt();
  void on_lost(const std::string& why);
  void on_failed(const std::string& why);
  void wait();
  void plan_repick();
  std::string present() const { return current_ ? current_->endpoint().address : std::string(); }

  const UplinkOptions& options_;
  EventLoop& loop_;
  CompletionThread& completions_;
  Random& random_;
  const Credentials& credentials_;
  const Told told_;
  AddressList list_;

  std::string address_;
  std::string avoid_;  // of the attempt under way
  Tick linked_since_{};
  bool left_ = false;  // the present one is to be replaced as soon as there is another
  std::size_t asked_ = 0;
  std::unique_ptr<Timer> timer_;   // the next attempt, while there is no connection
  std::unique_ptr<Timer> repick_;  // the next attempt while there is one
  std::unique_ptr<Timer> lookup_timeout_;
  std::unique_ptr<Lookup> lookup_;
  std::shared_ptr<GrpcLink> candidate_;
  std::shared_ptr<GrpcLink> current_;
};

}  // namespace sidecar
