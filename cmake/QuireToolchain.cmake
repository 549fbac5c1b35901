# Compiler settings that hold for every target: standard, warnings, sanitizers, ccache, linker.

set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_EXTENSIONS OFF)
# Line numbers are enough for profiles and backtraces; full debug information costs a quarter of
# the build time.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG")

# Warnings live on an interface target, so that third-party and generated code is untouched.
add_library(quire_warnings INTERFACE)
target_compile_options(quire_warnings INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wshadow -Werror>)

if(QUIRE_SANITIZE)
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${QUIRE_SANITIZE}>
                      $<$<COMPILE_LANGUAGE:CXX>:-fno-omit-frame-pointer>
                      $<$<COMPILE_LANGUAGE:CXX>:-fno-sanitize-recover=all>
                      # AddressSanitizer sees these too, at a third of the compile time.
                      $<$<COMPILE_LANGUAGE:CXX>:-fno-sanitize=null,vptr,object-size>)
  add_link_options(-fsanitize=${QUIRE_SANITIZE})
  # Full debug information with sanitizers makes links of several hundred MB.
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-O1> $<$<COMPILE_LANGUAGE:CXX>:-g1>)
endif()

if(QUIRE_LIBFUZZER)
  # Coverage of all our code guides the mutations.
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fsanitize=fuzzer-no-link>)
  add_link_options(-fsanitize=fuzzer-no-link)
endif()

find_program(QUIRE_CCACHE ccache)
if(QUIRE_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${QUIRE_CCACHE})
endif()
find_program(QUIRE_MOLD mold)
if(QUIRE_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
