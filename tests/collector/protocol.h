#pragma once

// Protocol is what a collector of one generation knows: which methods there are, what their messages mean, and what
// they are answered. The server around it (call_reactor.h) carries bytes, checks the token and misbehaves.
//
// Owner: the test collector. Any thread, several at a time.

#include <grpcpp/support/status.h>

#include <functional>
#include <string>

#include "commands.h"
#include "misbehaviour.h"

namespace sidecar {

// Which of v3's spellings and methods exist.
struct Spelling {
  bool packaged = true;  // serves /skywalking.v3.Service/method
  bool bare = true;      // serves /Service/method
  bool sync = true;      // serves collectInSync (since 8.2); collect is always there
};

class Protocol {
 public:
  struct Method {
    bool stream = false;  // of the client
    bool guarded = true;  // wants the token, where there is one
    int number = 0;       // the protocol's own
  };
  struct Reply {
    grpc::Status status;
    std::string bytes;  // if OK
  };
  // A message that was read and is not taken over yet.
  struct Message {
    std::function<Reply()> take;  // called at most once
    // Whether a segment in it has a tag of this key and value; an empty value is any. Null: it holds none.
    std::function<bool(const std::string& key, const std::string& value)> has_tag;
  };

  virtual ~Protocol() = default;

  // Of "/Service/method". False: there is none of that name.
  virtual bool find(const std::string& path, Method& method) const = 0;
  // What is no message of `method` ends the call with the status.
  virtual grpc::Status read(const Method& method, const std::string& bytes, Message& message) = 0;
  // The answer as Fault::reversed and its like make it of the right one; without them for `method`: as it is.
  virtual std::string distort(const Method&, std::string answer, const Misbehaviour&) const { return answer; }

  virtual void serve(Spelling) {}
  // As an operator creates one.
  virtual void add(ProfileTask task) = 0;
  // Forgets what it was told.
  virtual void wipe() {}
};

// Of a segment of either generation.
template <class Segment>
bool has_tag(const Segment& segment, const std::string& key, const std::string& value) {
  for (const auto& span : segment.spans())
    for (const auto& tag : span.tags())
      if (tag.key() == key && (value.empty() || tag.value() == value)) return true;
  return false;
}

}  // namespace sidecar
