#ifndef SIDECAR_SHIM_C_H
#define SIDECAR_SHIM_C_H

/* SkyWalking tracing for C, and for every language that calls C: the C++ shim (<sidecar/shim.h>) behind plain
 * functions, in libsw-sidecar-shim.so.1. Link with -lsw-sidecar-shim.
 *
 *   sw_tracer* tracer = sw_open("orders");
 *   sw_span* span = sw_entry(tracer, "GET:/orders", NULL);
 *   sw_tag(span, "http.method", "GET");
 *   sw_end(span);
 *
 * Rules that hold for all functions:
 * - Every pointer may be NULL: a NULL tracer or span does nothing, a NULL text is an empty one. No call fails in a way
 *   that the caller would have to handle; what became of the segments is in sw_get_stats().
 * - Texts are UTF-8, ended by a NUL, copied before the call returns.
 * - Nothing waits but sw_flush(), nothing throws, nothing writes to stdout or stderr, no thread is started.
 * - A tracer may be used by any thread, also after main(), and in a child after fork().
 * - A span of sw_entry, sw_exit and sw_local belongs to the thread that began it, and what this thread begins before it
 *   ends is inside it. A span of sw_start_* and sw_child_* belongs to no thread; one thread at a time may use it.
 * - Every span must be given to sw_end(), once, which frees it.
 *
 * The functions only grow: none is removed or changed while the library's soname stays. */

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define SW_API __attribute__((visibility("default")))
#else
#define SW_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sw_tracer sw_tracer;
typedef struct sw_options sw_options;
typedef struct sw_span sw_span;
typedef struct sw_snapshot sw_snapshot;

/* --- Opening a tracer: once, early --- */

/* A tracer of this service; NULL or "": the environment's SW_SIDECAR_SERVICE. NULL if there is neither, or no memory.
 * Connects when the first segment begins. */
SW_API sw_tracer* sw_open(const char* service);

/* The same with options. sw_open_with() frees them, also when it returns NULL. */
SW_API sw_options* sw_options_new(const char* service);
/* name: "instance", "layer", "socket", or one of the numbers "buffer_bytes", "span_limit", "value_limit",
 * "exit_flush_ms", "trusted_uid"; see TracerOptions in <sidecar/detail/options.h>. Returns 0, or -1 for an unknown name
 * or a value that is no number where one is needed. */
SW_API int sw_options_set(sw_options* options, const char* name, const char* value);
/* Shown with the instance, e.g. its version. */
SW_API void sw_options_property(sw_options* options, const char* key, const char* value);
SW_API sw_tracer* sw_open_with(sw_options* options);
/* Frees the handle, for those who look for leaks; what it leads to lives, and goes on sending, until the process ends.
 * No other call may use the handle any more; its spans may still be ended. */
SW_API void sw_close(sw_tracer* tracer);

/* --- Spans --- */

/* The headers of a request that comes in; those that are absent are NULL. */
typedef struct sw_headers {
  const char* sw8;
  const char* sw8_correlation;
  const char* sw8_x;
} sw_headers;

/* A request comes in. from: its headers, so that the caller's trace goes on; NULL: there are none. */
SW_API sw_span* sw_entry(sw_tracer* tracer, const char* operation, const sw_headers* from);
/* A call to others; peer: "host:port". Give sw_inject()'s headers along. */
SW_API sw_span* sw_exit(sw_tracer* tracer, const char* operation, const char* peer);
/* Anything else worth a line of its own. */
SW_API sw_span* sw_local(sw_tracer* tracer, const char* operation);
/* Work that another thread handed over, in a segment of its own; see sw_capture(). */
SW_API sw_span* sw_local_from(sw_tracer* tracer, const char* operation, const sw_snapshot* from);

/* The same for code that does not stay on a thread: segments of their own, children named by their parent. */
SW_API sw_span* sw_start_entry(sw_tracer* tracer, const char* operation, const sw_headers* from);
SW_API sw_span* sw_start_local(sw_tracer* tracer, const char* operation, const sw_snapshot* from);
SW_API sw_span* sw_child_exit(sw_span* parent, const char* operation, const char* peer);
SW_API sw_span* sw_child_local(sw_span* parent, const char* operation);

/* Ends and frees the span. A segment leaves when its last span has ended. */
SW_API void sw_end(sw_span* span);

/* 1: something is recorded. 0: not sampled, ignored, or tracing is off. */
SW_API int sw_recorded(const sw_span* span);

/* --- What can be said about a span --- */

SW_API void sw_tag(sw_span* span, const char* key, const char* value);
SW_API void sw_tag_int(sw_span* span, const char* key, int64_t value);
/* An event, now: `count` keys and as many values. */
SW_API void sw_log(sw_span* span, const char* const* keys, const char* const* values, size_t count);
/* The span failed. kind, message and stack (each may be NULL) are logged as SkyWalking's agents do. */
SW_API void sw_error(sw_span* span, const char* kind, const char* message, const char* stack);
/* SkyWalking's number: 1 database, 2 RPC, 3 HTTP, 4 MQ, 5 cache, 6 FaaS; others are 0, unknown. */
SW_API void sw_layer(sw_span* span, int layer);
/* Of SkyWalking's component-libraries.yml. */
SW_API void sw_component(sw_span* span, int component);
SW_API void sw_peer(sw_span* span, const char* peer);
SW_API void sw_operation(sw_span* span, const char* operation);
/* Travels with the trace to all services behind: at most three keys, values of at most 128 characters. */
SW_API void sw_correlation(sw_span* span, const char* key, const char* value);
/* One more parent, as a consumer of batches has them. */
SW_API void sw_ref(sw_span* span, const sw_headers* from);
/* The collector shall store the span but not count it. */
SW_API void sw_skip_analysis(sw_span* span);

/* --- Across services and threads --- */

/* Calls set(data, name, value) for each header that the span's call shall carry. An empty sw8 must be sent too: it says
 * that the trace is not recorded. */
SW_API void sw_inject(sw_span* span, void (*set)(void* data, const char* name, const char* value), void* data);
/* One of these headers ("sw8", "sw8-correlation", "sw8-x") without a callback, as snprintf writes: at most size bytes
 * with the NUL. Returns its length, which may be 0; -1: the call carries no such header. */
SW_API int sw_header(sw_span* span, const char* name, char* buffer, size_t size);
/* The trace's id for log lines, as snprintf writes. 0: not recorded. */
SW_API int sw_trace_id(sw_span* span, char* buffer, size_t size);

/* This thread's place in its trace, for sw_local_from() on another; NULL: none. May be used any number of times by any
 * thread until it is freed. */
SW_API sw_snapshot* sw_capture(sw_tracer* tracer);
SW_API sw_snapshot* sw_capture_span(sw_span* span);
SW_API void sw_snapshot_free(sw_snapshot* snapshot);

/* --- The connection --- */

/* Whether spans are recorded at the moment, to save costly tags. */
SW_API int sw_enabled(sw_tracer* tracer);
/* Sends what waits; 1: the sidecar has taken over all that was finished before. Waits at most so many milliseconds. */
SW_API int sw_flush(sw_tracer* tracer, int milliseconds);
/* For programs with a loop of their own: readable means that sw_on_idle() has something to do. -1: not connected. Never
 * read from it, never close it; it may change with every call. */
SW_API int sw_fd(sw_tracer* tracer);
/* Sends what waits and reads what came, without waiting. Good to call when a burst is over. */
SW_API void sw_on_idle(sw_tracer* tracer);

/* created = waiting + sent + dropped, whenever nobody is at work. */
typedef struct sw_stats {
  uint64_t created;   /* segments finished and sampled in */
  uint64_t waiting;   /* not sent yet, or to be sent again */
  uint64_t sent;      /* handed to the kernel */
  uint64_t dropped;   /* for want of room, or because tracing was off, or the process ended */
  uint64_t accepted;  /* number up to which the sidecar has taken all over */
  uint64_t settled;   /* number up to which all are delivered, or dropped there with a reason */
  uint64_t unsampled; /* segments that sampling left out */
  uint64_t ignored;   /* segments whose operation the sidecar's configuration leaves out */
  uint64_t misused;   /* spans that another thread than their own ended */
} sw_stats;
/* size: sizeof(sw_stats) as the caller was compiled; what it does not know is left out, what we do not know is 0. */
SW_API void sw_get_stats(sw_tracer* tracer, sw_stats* stats, size_t size);

/* The version of the library, "0.1.0". */
SW_API const char* sw_version(void);

#ifdef __cplusplus
}
#endif

#endif
