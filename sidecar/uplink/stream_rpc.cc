#include "uplink/stream_rpc.h"

#include <mutex>
#include <utility>

#include "uplink/call_context.h"

namespace sidecar {
namespace {

// How many messages go out together at most.
constexpr std::size_t kFlushEach = 16;
// And at the latest after so many bytes: gRPC must not sit on more than a stream's window takes (64 KiB).
constexpr std::size_t kFlushBytes = 32 * 1024;

}  // namespace

// Lives until gRPC is through with it, which may be after its StreamRpc. Begins with begin();
// then one read waits for the answer, or the end, while the writes go on. The end of
// the read and of the write under way is the time to ask for the status.
class StreamRpc::Pending final : public std::enable_shared_from_this<Pending> {
 public:
  Pending(std::vector<grpc::ByteBuffer> messages, Done done) : done_(std::move(done)), messages_(std::move(messages)) {}

  void start(CompletionThread& completions, grpc::GenericStub& stub, const std::string& path, const CallTerms& terms) {
    completions_ = &completions;
    {
      const std::lock_guard lock(mutex_);
      context_ = make_call_context(terms);
      stream_ = stub.PrepareCall(context_.get(), path, &completions.queue());
    }
    run(Step::begin, [this](void* tag) { stream_->StartCall(tag); });
  }

  void cancel() {
    done_ = nullptr;
    const std::lock_guard lock(mutex_);
    over_ = true;
    if (context_) context_->TryCancel();
    release_if_idle();
  }

 private:
  enum class Step { begin, write, read, finish };

  // One operation at gRPC.
  class Operation final : public CompletionThread::Event {
   public:
    Operation(std::shared_ptr<Pending> of, Step step) : of_(std::move(of)), step_(step) {}
    void settled() override { of_->settled(step_); }
    void completed(bool ok) override { of_->completed(step_, ok); }

   private:
    const std::shared_ptr<Pending> of_;
    const Step step_;
  };

  template <class Start>
  void run(Step step, const Start& start) {
    const std::lock_guard lock(mutex_);
    if (!stream_) return;  // cancelled
    ++outstanding_;
    start(completions_->tag(std::make_shared<Operation>(shared_from_this(), step)));
  }

  // On the completion thread.
  void settled(Step step) {
    const std::lock_guard lock(mutex_);
    --outstanding_;
    if (step == Step::finish) over_ = true;
    release_if_idle();
  }

  // With the mutex.
  void release_if_idle() {
    if (!over_ || outstanding_ > 0) return;
    stream_.reset();
    context_.reset();
  }

  void completed(Step step, bool ok) {
    if (!done_) return;  // cancelled
    switch (step) {
      case Step::begin:
        if (!ok) return finish();
        run(Step::read, [this](void* tag) { stream_->Read(&answer_, tag); });
        return write();
      case Step::write:
        writing_ = false;
        if (ended_) return finish();
        // A failed write is followed by the end of the read, which says why.
        if (ok) write();
        return;
      case Step::read:
        ended_ = true;
        whole_ = closed_;
        if (!writing_) finish();
        return;
      case Step::finish: {
        const Done done = std::exchange(done_, nullptr);
        return done(status_, answer_, whole_);
      }
    }
  }

  // The next message; the last one closes our side.
  void write() {
    if (closed_) return;
    writing_ = true;
    if (messages_.empty()) {
      closed_ = true;
      return run(Step::write, [this](void* tag) { stream_->WritesDone(tag); });
    }
    const grpc::ByteBuffer& message = messages_[next_++];
    closed_ = next_ == messages_.size();
    grpc::WriteOptions options;
    held_back_ += message.Length();
    if (closed_)
      options.set_last_message();
    else if (next_ % kFlushEach != 0 && held_back_ < kFlushBytes)
      options.set_buffer_hint();
    else
      held_back_ = 0;
    run(Step::write, [&](void* tag) { stream_->Write(message, options, tag); });
  }

  void finish() {
    run(Step::finish, [this](void* tag) { stream_->Finish(&status_, tag); });
  }

  // The loop's.
  Done done_;
  CompletionThread* completions_ = nullptr;
  const std::vector<grpc::ByteBuffer> messages_;
  std::size_t next_ = 0;
  std::size_t held_back_ = 0;  // bytes since the last message without a hint
  bool writing_ = false;       // a write is at gRPC
  bool closed_ = false;        // our side, with the last message
  bool ended_ = false;         // theirs: an answer, or its absence
  bool whole_ = false;

  // gRPC's while an operation is outstanding.
  grpc::ByteBuffer answer_;
  grpc::Status status_;

  std::mutex mutex_;  // guards what follows
  bool over_ = false;
  int outstanding_ = 0;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;  // after its context
};

StreamRpc::StreamRpc(CompletionThread& completions, grpc::GenericStub& stub, const std::string& path,
                     std::vector<grpc::ByteBuffer> messages, const CallTerms& terms, Done done)
    : pending_(std::make_shared<Pending>(std::move(messages), std::move(done))) {
  pending_->start(completions, stub, path, terms);
}

StreamRpc::~StreamRpc() { pending_->cancel(); }

}  // namespace sidecar
