#pragma once

// SIDECAR_LOCAL marks what belongs to the shared object that includes the shim: it is
// neither exported nor replaced by what another one brings, which may be of another
// version, and nothing of it keeps a plugin from being unloaded. Most headers are
// included under a pragma that says so for all of them (shim.h); the types that an
// application may keep in types of its own are as visible as those, or compilers warn,
// and only their functions are marked. What a compiler makes for such a type by
// itself is not: their layout changes with the inline namespace alone.

#define SIDECAR_LOCAL __attribute__((visibility("hidden")))
#define SIDECAR_VISIBLE __attribute__((visibility("default")))
