# The only ways a target is declared here.

# quire_library(NAME HDRS ... SRCS ... DEPS ... PRIVATE_DEPS ...)
# Makes quire_NAME with alias quire::NAME. All code shares one include root, the source folder.
function(quire_library name)
  cmake_parse_arguments(ARG "" "" "HDRS;SRCS;DEPS;PRIVATE_DEPS" ${ARGN})
  set(target quire_${name})
  add_library(${target} STATIC ${ARG_SRCS} ${ARG_HDRS})
  add_library(quire::${name} ALIAS ${target})
  target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR})
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES LINKER_LANGUAGE CXX)
  target_link_libraries(${target} PUBLIC ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS}
                        $<BUILD_INTERFACE:quire_warnings>)
endfunction()

# quire_binary(NAME OUTPUT SRCS ... DEPS ...): an executable OUTPUT in build/PRESET/bin.
function(quire_binary name output)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS" ${ARGN})
  set(target quire_${name})
  add_executable(${target} ${ARG_SRCS})
  set_target_properties(${target} PROPERTIES OUTPUT_NAME ${output}
                        RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR})
  target_compile_features(${target} PRIVATE cxx_std_20)
  target_link_libraries(${target} PRIVATE ${ARG_DEPS} quire_warnings)
endfunction()

# quire_test(NAME LABEL unit|conformance|golden|integration|slow [LABELS more] SRCS ... DEPS ...)
# One GoogleTest program, registered as one ctest case. It runs in the source folder.
function(quire_test name)
  cmake_parse_arguments(ARG "" "LABEL;TIMEOUT" "LABELS;SRCS;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SRCS})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_compile_features(${name} PRIVATE cxx_std_20)
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gmock GTest::gtest_main quire_warnings)
  # What is under test is optimized and instrumented in full. Of the test's own code memory errors and
  # races are enough, and optimizing GoogleTest code would take longer than all tests run.
  target_compile_options(${name} PRIVATE -O0)
  if(QUIRE_SANITIZE)
    target_compile_options(${name} PRIVATE -fno-sanitize=undefined)
  endif()
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABEL};${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT}
    ENVIRONMENT "TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/tsan.supp")
endfunction()

# quire_bench(NAME SRCS ... DEPS ...): one Google Benchmark program in build/PRESET/bench.
function(quire_bench name)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SRCS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_compile_features(${name} PRIVATE cxx_std_20)
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} benchmark::benchmark quire_warnings)
endfunction()

# quire_isa_sources(TARGET FLAGS SOURCES...): sources compiled for one instruction set. The only
# place where such flags are set; everything else is baseline. Optimized in every build type:
# a debug build of the kernels is too slow to test with. Instrumented, -O3 takes minutes a file.
function(quire_isa_sources target flags)
  target_sources(${target} PRIVATE ${ARGN})
  if(QUIRE_SANITIZE)
    set(optimization -O1)
  else()
    set(optimization -O3)
  endif()
  set_source_files_properties(${ARGN} PROPERTIES
    COMPILE_OPTIONS "${flags};${optimization};-ffp-contract=fast")
endfunction()
