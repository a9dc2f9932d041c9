/* The first of three services in three languages: begins a trace and calls the second, whose "request" is what this one
 * prints: header lines, as HTTP has them.
 *
 *   cc -std=c99 first.c -lsw-sidecar-shim -o first
 *   ./first | python3 second.py | ./third */

#include <sidecar/shim_c.h>
#include <stdio.h>

static void print_header(void* to, const char* name, const char* value) { fprintf((FILE*)to, "%s: %s\n", name, value); }

int main(void) {
  sw_tracer* const tracer = sw_open("first");
  sw_span* const request = sw_entry(tracer, "GET:/first", NULL);
  sw_layer(request, 3);
  sw_tag(request, "language", "C");

  sw_span* const call = sw_exit(tracer, "GET:/second", "second:80");
  sw_inject(call, print_header, stdout);
  sw_end(call);

  sw_end(request);
  {
    const int sent = sw_flush(tracer, 2000);
    sw_close(tracer);
    return sent ? 0 : 1;
  }
}
