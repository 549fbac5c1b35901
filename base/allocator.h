#pragma once

namespace quire {

// Makes malloc keep freed memory, up to some 256 MiB, for the next call instead of giving it back
// to the system. A text of megabytes is worked on in arrays of megabytes, and pages that come back
// from the system are cleared again first. Without it glibc decides by what was freed before, so
// that the time of a call depends on the calls before it. Call once, at the start of main.
void KeepFreedMemory();

}  // namespace quire
