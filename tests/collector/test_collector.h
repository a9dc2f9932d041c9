#pragma once

// TestCollector is a real gRPC server that answers as a SkyWalking OAP of generation v3 (v3_protocol.h) or v2
// (v2_protocol.h) does, remembers what it got (store()), and misbehaves on demand. It listens on 127.0.0.1 only, on a
// port of the kernel's choice that stays reserved for its whole life, also while it is closed.
//
// All functions may be called from any thread but gRPC's own.

#include <memory>
#include <string>

#include "commands.h"
#include "generation.h"
#include "misbehaviour.h"
#include "store.h"
#include "v2_registry.h"

namespace sidecar {

struct TestCollectorOptions {
  // Of v3: which spellings and methods there are.
  bool packaged = true;                 // serves /skywalking.v3.Service/method
  bool bare = true;                     // serves /Service/method
  bool sync = true;                     // serves collectInSync (since 8.2); collect is always there
  std::string token;                    // if not empty, the header "authentication" must equal it
  std::size_t max_message = 50u << 20;  // beyond it the stream is reset
  std::size_t max_segments = 200'000;
  int port = 0;  // 0: any
  // PEM texts. With a certificate and its key it speaks TLS alone; with the CA of
  // clients as well, it wants a certificate of theirs that this CA has signed.
  std::string tls_cert, tls_key, client_ca;
  Generation generation = Generation::v3;
  // Of v2: how often each name is asked for in vain before its id is told; an address takes two more.
  unsigned empty_answers = 1;
};

class TestCollector {
 public:
  explicit TestCollector(TestCollectorOptions options = {});
  ~TestCollector();
  TestCollector(const TestCollector&) = delete;
  TestCollector& operator=(const TestCollector&) = delete;

  // "127.0.0.1:PORT", also while closed.
  std::string address() const;

  Store& store();
  const Store& store() const;

  // As an operator creates one.
  void add(ProfileTask task);

  // Of v2: what has an id by now; of v3 nothing.
  V2Ids ids() const;
  // Of v2: another client, quicker than others, gets the next ids of service and instance, at once. After a restart
  // with an empty storage it so holds the numbers that were somebody else's, who is not told.
  std::pair<int, int> add_stranger(const std::string& service, const std::string& uuid);

  void misbehave(Misbehaviour misbehaviour);
  // Ends every misbehaviour, lets hanging calls have their answer, opens again.
  void behave();
  // Calls that hang or wait for their delay.
  std::size_t parked() const;

  // Goes away: calls in flight break, new connections are refused.
  void close();
  // Is back on the same port; nothing happens if it is open.
  void open();
  // close() and open(); with `wipe` it has forgotten what it was told.
  void restart(bool wipe = false);
  // close(), and open() as a collector of another generation with an empty storage.
  void restart_as(Generation generation);

  // Of v3: which spellings are served from now on.
  void serve(bool packaged, bool bare, bool sync = true);
  void set_token(std::string token);

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace sidecar
