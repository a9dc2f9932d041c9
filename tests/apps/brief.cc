// brief SERVICE: a program that is over in some milliseconds: one span, and the end.

#include "work.h"

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  sidecar_apps::finish(sidecar_apps::open_tracer(argv[1]), 1, 1);
  return 7;
}
